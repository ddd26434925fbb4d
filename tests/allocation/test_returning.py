"""What left with an order comes back: as much as left, as the lots and serials that left, and to whoever waits."""

import asyncio
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from httpx import AsyncClient as Client
from tests.allocation.helpers import bring, make, make_kit, now, order, sound

from perpetua.allocation import service
from perpetua.kit.database import Database, count_statements, sql
from perpetua.kit.errors import Refusal
from perpetua.orders.types import Order, Pick, ReturnLine, ReturnOrder, ShipLine, ShipOrder


async def ship(db: Database, world: SimpleNamespace, one: Order, *lines: ShipLine) -> Order:
    return (await service.ship(db, world.actor(), one.id, ShipOrder(lines=list(lines) or None))).answer


async def give_back(
    db: Database, world: SimpleNamespace, one: Order, *lines: ReturnLine, location: str | None = "LON-A-1",
    role: str = "inventory_manager", key: str | None = None, **more: Any,
) -> Order:  # fmt: skip
    command = ReturnOrder(location=location, lines=list(lines) or None, **more)
    return (await service.return_order(db, world.actor(role), one.id, command, key=key)).answer


def line(number: int, quantity: int | None = None, **more: Any) -> ReturnLine:
    return ReturnLine(line_no=number, quantity=None if quantity is None else Decimal(quantity), **more)


async def returned(db: Database, one: Order) -> list[tuple[str, int, str | None]]:
    """The RETURN rows of the order: SKU, quantity, reason."""
    async with db.transaction() as tx:
        rows = await tx.dicts(
            sql("""SELECT i.sku, t.quantity, t.reason_code FROM inventory_transactions t
                   JOIN product_variants i ON i.id = t.variant_id
                   WHERE t.type = 'RETURN' AND t.reference_type = 'order' AND t.reference_id = %(id)s ORDER BY t.id"""),
            {"id": str(one.id)},
        )
    return [(row["sku"], int(row["quantity"]), row["reason_code"]) for row in rows]


async def test_all_that_left_comes_back(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "KETTLE")
    await bring(db, world, "KETTLE", 5)
    one = await order(db, world, ("KETTLE", 5))
    with pytest.raises(Refusal, match="nothing of it is with the customer"):
        await give_back(db, world, one)
    await ship(db, world, one)
    part = await give_back(db, world, one, line(1, 2))
    assert (part.status, part.lines[0].returned, part.lines[0].shipped) == ("SHIPPED", 2, 5)
    whole = await give_back(db, world, one, reason_code="unwanted")
    assert (whole.status, whole.lines[0].returned) == ("RETURNED", 5)
    assert await returned(db, one) == [("KETTLE", 2, "customer"), ("KETTLE", 3, "unwanted")]
    with pytest.raises(Refusal, match="nothing of it is with the customer"):
        await give_back(db, world, one)
    await sound(db)


async def test_of_an_order_that_is_still_open_the_status_stays(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "TRAY")
    await bring(db, world, "TRAY", 2)
    one = await order(db, world, ("TRAY", 3))
    await ship(db, world, one)
    back = await give_back(db, world, one, location="LON-Q")  # not for sale: the third one waits still
    assert (back.status, back.lines[0].returned, back.lines[0].backordered) == ("PARTLY_SHIPPED", 2, 1)
    await sound(db)


async def test_what_comes_back_goes_to_whoever_waits(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "LADLE")
    await bring(db, world, "LADLE", 1)
    first, second = await order(db, world, ("LADLE", 1)), await order(db, world, ("LADLE", 1))
    await ship(db, world, first)
    assert (await now(db, world, second)).status == "BACKORDERED"
    await give_back(db, world, first)
    assert (await now(db, world, second)).status == "ALLOCATED"
    await sound(db)


async def test_no_more_than_left_comes_back_and_from_no_other_order(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "BOWL")
    await bring(db, world, "BOWL", 9)
    one, other = await order(db, world, ("BOWL", 3)), await order(db, world, ("BOWL", 3))
    await ship(db, world, one, ShipLine(line_no=1, quantity=Decimal(2)))
    await ship(db, world, other)
    for wrong, says in ((line(1, 3), "at most 2"), (line(1, 0), "more than 0"), (line(2), "no line of the order")):
        with pytest.raises(Refusal, match=says):
            await give_back(db, world, one, wrong)
    with pytest.raises(Refusal, match="no location NOWHERE"):
        await give_back(db, world, one, location="NOWHERE")
    with pytest.raises(Refusal, match="location: is missing"):
        await give_back(db, world, one, location=None)
    with pytest.raises(Refusal, match="is no reason for RETURN"):
        await give_back(db, world, one, reason_code="count")
    with pytest.raises(Refusal, match=r"stock\.return"):
        await give_back(db, world, one, role="viewer")
    assert await returned(db, one) == []


async def test_a_kit_comes_back_as_its_parts(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "POT", "LID")
    await make_kit(db, world, "COOKSET", POT=1, LID=2)
    await bring(db, world, "POT", 3)
    await bring(db, world, "LID", 6)
    one = await order(db, world, ("COOKSET", 3))
    await ship(db, world, one)
    back = await give_back(db, world, one, line(1, 2))
    assert (back.status, back.lines[0].returned) == ("SHIPPED", 2)
    assert sorted(await returned(db, one)) == [("LID", 4, "customer"), ("POT", 2, "customer")]
    await sound(db)


async def test_the_lot_and_the_serials_that_left_come_back(db: Database, world: SimpleNamespace) -> None:
    await bring(db, world, "MILK", 2, lot="ONE", expires_on="2099-01-01")
    await bring(db, world, "MILK", 2, lot="TWO", expires_on="2099-02-01")
    one = await order(db, world, ("MILK", 4))
    await ship(db, world, one)
    with pytest.raises(Refusal, match="name the lot that comes back: ONE, TWO"):
        await give_back(db, world, one, line(1, 1))
    with pytest.raises(Refusal, match="3 should come back, and 2 of that left"):
        await give_back(db, world, one, line(1, 3, lot="two"))
    await give_back(db, world, one, line(1, 1, lot="two"))
    assert (await give_back(db, world, one)).status == "RETURNED"

    await make(db, world, "RADIO", tracking="serial")
    await bring(db, world, "RADIO", 2, serials=["R1", "R2"])
    first, second = await order(db, world, ("RADIO", 1)), await order(db, world, ("RADIO", 1))
    for each, serial in ((first, "R1"), (second, "R2")):
        pick = Pick(location="LON-A-1", quantity=Decimal(1), serials=[serial])
        await ship(db, world, each, ShipLine(line_no=1, picks=[pick]))
    with pytest.raises(Refusal, match="name the 1 serials"):
        await give_back(db, world, first)
    with pytest.raises(Refusal, match="0 of that left with the order"):
        await give_back(db, world, first, line(1, serials=["R2"]))
    assert (await give_back(db, world, first, line(1, serials=["r1"]))).status == "RETURNED"
    await sound(db)


async def test_two_who_take_the_same_back_take_it_once(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "CROCK")
    await bring(db, world, "CROCK", 4)
    one = await order(db, world, ("CROCK", 4))
    await ship(db, world, one)
    many = await asyncio.gather(*(give_back(db, world, one, line(1, 3)) for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(each, Order) for each in many) == 1
    again = await asyncio.gather(*(give_back(db, world, one, key="once") for _ in range(6)))
    assert {each.status for each in again} == {"RETURNED"}
    assert [quantity for _, quantity, _ in await returned(db, one)] == [3, 1]
    await sound(db)


async def test_many_come_back_only_by_somebody_who_may_approve(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "NAIL")
    await bring(db, world, "NAIL", 500)
    one = await order(db, world, ("NAIL", 500))
    await ship(db, world, one)
    with pytest.raises(Refusal, match="needs approval"):
        await give_back(db, world, one, reason_code="faulty", role="warehouse_staff")
    assert (await give_back(db, world, one, reason_code="faulty")).status == "RETURNED"


async def test_a_long_order_comes_back_in_as_many_statements(db: Database, world: SimpleNamespace) -> None:
    skus = [f"BACK-{number:02}" for number in range(40)]
    await make(db, world, *skus)
    for sku in skus:
        await bring(db, world, sku, 1)
    short = await order(db, world, (skus[0], 1), (skus[1], 1))
    long = await order(db, world, *[(sku, 1) for sku in skus[2:]])
    counts: list[int] = []
    for each in (short, long):
        await ship(db, world, each)
        with count_statements() as seen:
            await give_back(db, world, each)
        counts.append(len(seen))
    assert counts[0] == counts[1] < 30, counts


async def test_the_floor_and_the_return_over_http(client: Client, db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "FLASK")
    await bring(db, world, "FLASK", 2)
    one = await order(db, world, ("FLASK", 2))
    path = f"/api/orders/{one.id}"
    refused = await client.post(f"{path}/floor", json={"status": "PICKING"})
    assert (refused.status_code, refused.json()["code"]) == (409, "order_closed")
    assert (await client.post(f"{path}/floor", json={"status": "RELEASED"})).status_code == 409
    assert (await client.post(f"{path}/release")).json()["status"] == "RELEASED"
    for status in ("PICKING", "PACKED", "PICKING", "RELEASED", "PICKING", "PACKED"):
        moved = await client.post(f"{path}/floor", json={"status": status})
        assert (moved.status_code, moved.json()["status"]) == (200, status)
    assert (await client.post(f"{path}/floor", json={"status": "SHIPPED"})).status_code == 422
    assert (await client.post(f"{path}/ship", json={})).json()["status"] == "SHIPPED"
    bad = await client.post(f"{path}/return", json={"lines": [{"line_no": 1, "quantity": "1"}]})
    assert (bad.status_code, bad.json()["field"]) == (422, "lines[0].location")
    back = await client.post(f"{path}/return", json={"location": "lon-a-1"}, headers={"Idempotency-Key": "back"})
    assert (back.status_code, back.json()["status"], back.json()["lines"][0]["returned"]) == (200, "RETURNED", "2")
    twice = await client.post(f"{path}/return", json={"location": "lon-a-1"}, headers={"Idempotency-Key": "back"})
    assert twice.headers["Idempotent-Replayed"] == "true"
    trail = (await client.get("/api/audit", params={"kind": "order", "id": str(one.id)})).json()["items"]
    assert {"returned", "moved on the floor"} <= {each["action"] for each in trail}
