"""Stock is held for carts and quotes, until they order, give it back, or their time is over."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from httpx import AsyncClient as Client
from tests.allocation.helpers import bring, make, make_kit, now, order, set_rules, sound

from perpetua.allocation import service
from perpetua.allocation.errors import NotEnoughAvailable
from perpetua.allocation.types import (
    AskAvailability,
    ExtendReservation,
    ReleaseReservation,
    ReservationFilters,
    Reserve,
    Reserved,
    ReserveLine,
)
from perpetua.kit.database import Database, sql
from perpetua.kit.errors import Missing, Refusal
from perpetua.kit.listing import PageRequest
from perpetua.orders.types import CancelOrder, PlaceLine, PlaceOrder


async def hold(db: Database, world: SimpleNamespace, holder: str, *lines: tuple[str, int], **more: Any) -> Reserved:
    asked = [ReserveLine(sku=sku, quantity=Decimal(quantity)) for sku, quantity in lines]
    return (await service.reserve(db, world.actor(), Reserve(holder=holder, lines=asked, **more))).answer


async def free(db: Database, world: SimpleNamespace, sku: str, **more: Any) -> Decimal:
    asked = AskAvailability(skus=[sku], **more)
    return (await service.availability(db, world.actor(), asked)).items[0].available


async def late(db: Database, holder: str) -> None:
    async with db.admin() as tx:
        await tx.execute(
            sql("UPDATE reservations SET expires_at = now() - interval '1 second' WHERE holder = %(h)s"), {"h": holder}
        )


async def audited(db: Database, action: str, **where: Any) -> int:
    async with db.transaction() as tx:
        return await tx.value(
            sql("""SELECT count(*) FROM allocation_audit_log
                   WHERE action = %(a)s AND facts ->> 'holder' = %(h)s"""),
            {"a": action, "h": where["holder"]},
        )


async def test_what_is_held_is_nobody_elses(db: Database, world: SimpleNamespace) -> None:
    await bring(db, world, "APPLE", 10)
    held = await hold(db, world, "cart-1", ("APPLE", 7))
    assert (held.lines[0].given, held.reservations[0].site, held.reservations[0].state) == (7, "LON", "open")
    assert await free(db, world, "APPLE") == 3
    with pytest.raises(NotEnoughAvailable) as refused:
        await hold(db, world, "cart-2", ("APPLE", 4))
    assert (refused.value.sku, refused.value.asked, refused.value.available) == ("APPLE", 4, 3)
    part = await hold(db, world, "cart-2", ("APPLE", 4), ("PEAR", 1), partial=True)
    assert [line.given for line in part.lines] == [3, 0]
    other = await order(db, world, ("APPLE", 1))
    assert other.status == "BACKORDERED"
    await service.release(db, world.actor(), ReleaseReservation(holder="cart-2", reason="left"))
    assert (await now(db, world, other)).status == "ALLOCATED"
    with pytest.raises(Missing):
        await service.release(db, world.actor(), ReleaseReservation(holder="cart-2"))
    assert await audited(db, "reserved", holder="cart-2") == 1
    assert await audited(db, "reservation_ended", holder="cart-2") == 1
    await sound(db)


async def test_an_order_has_what_its_cart_held(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "VASE")
    await bring(db, world, "VASE", 5)
    await bring(db, world, "VASE", 2, "SHOP-FLOOR")
    await hold(db, world, "cart", ("VASE", 4), site="LON")
    waits = await order(db, world, ("VASE", 9))
    assert waits.lines[0].allocated == 3
    mine = await order(db, world, ("VASE", 3), reservation="cart")
    assert (mine.status, mine.lines[0].sites) == ("ALLOCATED", {"LON": 3})
    assert (await now(db, world, waits)).lines[0].allocated == 4  # the rest of the cart
    assert not (await list_live(db, world, holder="cart"))
    assert await audited(db, "reservation_ended", holder="cart") == 1
    await sound(db)


async def list_live(db: Database, world: SimpleNamespace, **filters: Any) -> list[Any]:
    found = await service.list_reservations(db, world.actor(), ReservationFilters(**filters), PageRequest())
    return found.items


async def test_what_expired_goes_first_to_who_waits_then_to_who_comes(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "LATE")
    await bring(db, world, "LATE", 5)
    await hold(db, world, "late-1", ("LATE", 5))
    waits = await order(db, world, ("LATE", 3))
    await late(db, "late-1")
    comes = await order(db, world, ("LATE", 4))
    assert [(await now(db, world, one)).lines[0].allocated for one in (waits, comes)] == [3, 2]
    assert comes.lines[0].allocated == 2
    await service.cancel(db, world.actor(), comes.id, CancelOrder(reason="no"))
    await hold(db, world, "late-2", ("LATE", 2))
    waits = await order(db, world, ("LATE", 2))
    await late(db, "late-2")
    with pytest.raises(NotEnoughAvailable):
        await hold(db, world, "late-3", ("LATE", 1))
    part = await hold(db, world, "late-3", ("LATE", 1), partial=True)
    assert (part.lines[0].given, (await now(db, world, waits)).status) == (0, "ALLOCATED")
    await sound(db)


async def test_nobody_comes_between_cart_and_order(db: Database, world: SimpleNamespace) -> None:
    """Twenty carts hold the last twenty; their orders race with others that want all of it."""
    await make(db, world, "RARE")
    await bring(db, world, "RARE", 20)
    for n in range(20):
        await hold(db, world, f"r{n}", ("RARE", 1))
    gathering = service.Gathering(db)

    async def place(**more: Any) -> Any:
        lines = [PlaceLine(sku="RARE", quantity=Decimal(3))]
        return await gathering.place(world.actor(), PlaceOrder(lines=lines, **more))

    answers = await asyncio.gather(*(place(reservation=f"r{n}") if n < 20 else place() for n in range(40)))
    assert sum(one.answer.lines[0].allocated for one in answers) == 20
    assert [one.answer.lines[0].allocated for one in answers[:20]] == [1] * 20
    await sound(db)


async def test_rules_that_came_since_do_not_take_it_away(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "CLOCK")
    await bring(db, world, "CLOCK", 10)
    await set_rules(db, '{"channels": {"web": {"share_percent": "50"}}}')
    await hold(db, world, "w", ("CLOCK", 4), channel="web")
    assert await free(db, world, "CLOCK", channel="web") == 1
    await set_rules(db, '{"channels": {"web": {"buffer_units": "10"}}}')
    got = await order(db, world, ("CLOCK", 6), channel="web", reservation="w")
    assert got.lines[0].allocated == 4
    await set_rules(db, "{}")
    await sound(db)


async def test_an_expired_one_holds_nothing_though_no_job_has_been_by(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "PEN")
    await bring(db, world, "PEN", 5)
    await hold(db, world, "slow", ("PEN", 5))
    waiting = await order(db, world, ("PEN", 2))
    await late(db, "slow")
    assert await free(db, world, "PEN") == 5
    assert not await list_live(db, world, holder="slow")
    with pytest.raises(Missing):
        await service.extend(db, world.actor(), ExtendReservation(holder="slow", expires_in_seconds=60))
    got = await order(db, world, ("PEN", 1), reservation="slow")
    assert got.status == "ALLOCATED"
    assert await audited(db, "reservation_ended", holder="slow") == 1
    assert await service.expire(db) >= 1
    assert (await now(db, world, waiting)).status == "ALLOCATED"
    await hold(db, world, "later", ("PEN", 2))
    third = await order(db, world, ("PEN", 1))
    await late(db, "later")
    await service.expire(db)
    assert (await now(db, world, third)).status == "ALLOCATED"
    await sound(db)


async def test_longer_again_and_anew(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "CUPS")
    await bring(db, world, "CUPS", 5)
    await hold(db, world, "c", ("CUPS", 4), expires_in_seconds=60)
    until = datetime.now(UTC) + timedelta(days=3)
    longer = (await service.extend(db, world.actor(), ExtendReservation(holder="c", expires_at=until))).answer
    assert longer.reservations[0].expires_at == until
    anew = await hold(db, world, "c", ("CUPS", 5), replace=True)
    assert (anew.lines[0].given, await free(db, world, "CUPS")) == (5, 0)
    with pytest.raises(NotEnoughAvailable):
        await hold(db, world, "c", ("CUPS", 6), replace=True)
    assert await free(db, world, "CUPS") == 0
    again = Reserve(holder="k", lines=[ReserveLine(sku="CUPS", quantity=Decimal(9))], partial=True, replace=True)
    first = await service.reserve(db, world.actor(), again, key="same")
    assert (await service.reserve(db, world.actor(), again, key="same")).replayed is not first.replayed
    for wrong in (
        {"expires_in_seconds": 0}, {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, {"tier": "none"}, {"site": "NO"},
    ):  # fmt: skip
        with pytest.raises(Refusal):
            await hold(db, world, "x", ("CUPS", 1), **wrong)
    await sound(db)


async def test_lots_are_kept_and_kits_are_held_by_components(db: Database, world: SimpleNamespace) -> None:
    await bring(db, world, "MILK", 3, lot="L2", expires_on="2098-01-01")
    await bring(db, world, "MILK", 3, lot="L1", expires_on="2097-01-01")
    held = await hold(db, world, "m", ("MILK", 4))
    assert sorted((one.lot, one.quantity) for one in held.reservations) == [("L1", 3), ("L2", 1)]
    got = await order(db, world, ("MILK", 4), reservation="m")
    assert got.status == "ALLOCATED"
    await make(db, world, "TOP", "BASE")
    await make_kit(db, world, "WHOLE", TOP=1, BASE=2)
    await bring(db, world, "TOP", 2)
    await bring(db, world, "BASE", 3)
    with pytest.raises(NotEnoughAvailable):
        await hold(db, world, "kit", ("WHOLE", 2))
    kit = await hold(db, world, "kit", ("WHOLE", 1))
    assert sorted((one.sku, one.quantity) for one in kit.reservations) == [("BASE", 2), ("TOP", 1)]
    assert (await order(db, world, ("WHOLE", 1), reservation="kit")).status == "ALLOCATED"
    await sound(db)


async def test_over_http(client: Client, db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "HAT")
    await bring(db, world, "HAT", 3)
    body = {"holder": "web/1", "channel": "web", "lines": [{"sku": "hat", "quantity": "2"}]}
    made = await client.post("/api/reservations", json=body)
    assert made.status_code == 201, made.text
    listed = (await client.get("/api/reservations", params={"holder": "web/1", "channel": "web"})).json()["items"]
    assert listed == made.json()["reservations"]
    more = await client.post("/api/reservations", json=body)
    assert (more.status_code, Decimal(more.json()["shortages"][0]["available"])) == (409, 1)
    who = {"holder": "web/1", "channel": "web"}
    longer = await client.post("/api/reservations/extend", json={**who, "expires_in_seconds": 999})
    assert longer.status_code == 200
    for wrong in ("NaN", "Infinity", "-1", "0", "1e99", "0.5"):
        odd = {"holder": "odd", "lines": [{"sku": "hat", "quantity": wrong}]}
        assert (await client.post("/api/reservations", json=odd)).status_code in (400, 422), wrong
    gone = await client.post("/api/reservations/release", json=who)
    assert [one["state"] for one in gone.json()["reservations"]] == ["released"]
    assert (await client.post("/api/reservations/release", json=who)).status_code == 404
