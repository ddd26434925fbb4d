"""Who is confined to some sites sees and changes only what is, was or may come from there."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from tests.allocation.helpers import bring, make, order

from perpetua.access.errors import OutOfScope
from perpetua.access.types import Actor
from perpetua.allocation import service
from perpetua.allocation.types import (
    AskAvailability,
    ExtendReservation,
    Jump,
    ReleaseReservation,
    ReservationFilters,
    Reserve,
    ReserveLine,
    TakeStock,
    Taking,
)
from perpetua.kit.database import Database, sql
from perpetua.kit.errors import InvalidValue, Missing
from perpetua.kit.listing import PageRequest
from perpetua.orders.types import (
    CancelOrder,
    ChangeLine,
    ChangeOrder,
    Order,
    OrderFilters,
    PlaceLine,
    PlaceOrder,
    ShipOrder,
)


@pytest.fixture
def of_shop(world: SimpleNamespace) -> Actor:
    return world.actor(scope=[world.places["SHOP"]])


async def listed(db: Database, actor: Actor, **filters: Any) -> set[int]:
    seen: set[int] = set()
    page = PageRequest(limit=2)
    while True:
        answer = await service.list_orders(db, actor, OrderFilters(channel="scope", **filters), page)
        seen |= {row.id for row in answer.items}
        if answer.next_cursor is None:
            return seen
        page = PageRequest(limit=2, cursor=answer.next_cursor)


async def test_orders_are_seen_where_they_come_from(db: Database, world: SimpleNamespace, of_shop: Actor) -> None:
    await make(db, world, "LAMP", "RUG")
    await bring(db, world, "LAMP", 10)
    await bring(db, world, "RUG", 10, "SHOP-FLOOR")
    orders = {
        "there": await order(db, world, ("LAMP", 1), channel="scope"),
        "here": await order(db, world, ("RUG", 1), channel="scope"),
        "both": await order(db, world, ("LAMP", 1), ("RUG", 1), channel="scope"),
        "waits": await order(db, world, ("PHONE", 1), channel="scope"),
        "waits there": await order(db, world, ("PHONE", 1), channel="scope", site="LON"),
        "waits here": await order(db, world, ("PHONE", 1), channel="scope", site="SHOP"),
        "left": await order(db, world, ("RUG", 2), channel="scope"),
        "refused": await order(db, world, ("PEAR", 1), channel="scope", fulfilment="cancel_rest"),
    }
    await service.ship(db, world.actor(), orders["left"].id, ShipOrder())
    seen = {"here", "both", "waits", "waits here", "left", "refused"}
    assert await listed(db, of_shop) == {orders[name].id for name in seen}
    assert await listed(db, world.actor()) == {one.id for one in orders.values()}
    for nobody in (world.actor(scope=[]), world.actor(scope=[world.places["LON-A-1"]])):
        assert not await listed(db, nobody)
    for name, one in orders.items():
        if name in seen:
            assert (await service.get(db, of_shop, one.id)).id == one.id
            assert (await service.explain(db, of_shop, one.id)).order_id == one.id
            continue
        for asked in (service.get, service.explain):
            with pytest.raises(Missing):
                await asked(db, of_shop, one.id)
    told = await service.list_decisions(db, of_shop, PageRequest(limit=100))
    assert {row.order_id for row in told.items} == {orders[name].id for name in seen}


async def test_what_lies_elsewhere_is_left_out_of_reasons(db: Database, world: SimpleNamespace, of_shop: Actor) -> None:
    await make(db, world, "DESK")
    await bring(db, world, "DESK", 3)
    await bring(db, world, "DESK", 2, "SHOP-FLOOR")
    one = await order(db, world, ("DESK", 6))
    facts = (await service.explain(db, world.actor(), one.id)).lines[0].decided
    assert facts is not None
    assert [at["site"] for at in facts.facts["positions"]] == ["LON", "SHOP"]
    mine = (await service.explain(db, of_shop, one.id)).lines[0].decided
    assert mine is not None
    assert ([at["site"] for at in mine.facts["positions"]], mine.facts["elsewhere"]) == (["SHOP"], 1)
    assert "LON" not in mine.says


async def test_orders_of_others_are_not_touched(db: Database, world: SimpleNamespace, of_shop: Actor) -> None:
    await make(db, world, "BELL")
    await bring(db, world, "BELL", 3)
    theirs = await order(db, world, ("BELL", 3))
    mine = await order(db, world, ("BELL", 1), channel="scope-2")
    taking = Taking(line_no=1, from_order_id=theirs.id, from_line_no=1, quantity=Decimal(1))
    less = ChangeOrder(lines=[ChangeLine(line_no=1, quantity=Decimal(1))])
    for touch in (
        service.cancel(db, of_shop, theirs.id, CancelOrder(reason="x")),
        service.ship(db, of_shop, theirs.id, ShipOrder()),
        service.change(db, of_shop, theirs.id, less, version=theirs.version),
        service.release_order(db, of_shop, theirs.id),
        service.jump(db, of_shop, theirs.id, Jump(reason="x")),
        service.take_from(db, of_shop, mine.id, TakeStock(takes=[taking], reason="x")),
    ):
        with pytest.raises(Missing):
            await touch


async def test_stock_of_other_sites_is_not_given_up(db: Database, world: SimpleNamespace, of_shop: Actor) -> None:
    await make(db, world, "SINK")
    await bring(db, world, "SINK", 2)
    await bring(db, world, "SINK", 1, "SHOP-FLOOR")
    both = await order(db, world, ("SINK", 3), channel="scope-3")
    waits = await order(db, world, ("SINK", 3), channel="scope-3")
    with pytest.raises(OutOfScope):
        await service.cancel(db, of_shop, both.id, CancelOrder(reason="x"))
    less = ChangeOrder(lines=[ChangeLine(line_no=1, quantity=Decimal(1))])
    with pytest.raises(OutOfScope):
        await service.change(db, of_shop, both.id, less, version=both.version)
    taking = Taking(line_no=1, from_order_id=both.id, from_line_no=1, quantity=Decimal(2))
    with pytest.raises(InvalidValue):
        await service.take_from(db, of_shop, waits.id, TakeStock(takes=[taking], reason="x"))
    taking = Taking(line_no=1, from_order_id=both.id, from_line_no=1, quantity=Decimal(1))
    got = await service.take_from(db, of_shop, waits.id, TakeStock(takes=[taking], reason="x"))
    assert got.answer.lines[0].sites == {"SHOP": 1}


async def test_what_is_held_elsewhere_is_not_seen(db: Database, world: SimpleNamespace, of_shop: Actor) -> None:
    await make(db, world, "OVEN")
    await bring(db, world, "OVEN", 5)
    await bring(db, world, "OVEN", 4, "SHOP-FLOOR")
    for site in ("LON", "SHOP"):
        asked = Reserve(holder="both", lines=[ReserveLine(sku="OVEN", quantity=Decimal(2))], site=site)
        await service.reserve(db, world.actor(), asked)
    found = await service.list_reservations(db, of_shop, ReservationFilters(holder="both"), PageRequest())
    assert [one.site for one in found.items] == ["SHOP"]
    told = await service.list_decisions(db, of_shop, PageRequest(), action="reserved")
    assert [row.reservation_id for row in told.items] == [found.items[0].id]
    later = await service.extend(db, of_shop, ExtendReservation(holder="both", expires_in_seconds=9999))
    assert [one.site for one in later.answer.reservations] == ["SHOP"]
    given = await service.release(db, of_shop, ReleaseReservation(holder="both"))
    assert [one.site for one in given.answer.reservations] == ["SHOP"]
    left = await service.list_reservations(db, world.actor(), ReservationFilters(holder="both"), PageRequest())
    assert [one.site for one in left.items] == ["LON"]
    with pytest.raises(Missing):
        await service.release(db, of_shop, ReleaseReservation(holder="both"))
    free = (await service.availability(db, of_shop, AskAvailability(skus=["OVEN"]))).items[0]
    assert (free.available, [at.site for at in free.sites]) == (4, ["SHOP"])
    with pytest.raises(OutOfScope):
        await service.availability(db, of_shop, AskAvailability(skus=["OVEN"], site="LON"))


async def test_an_external_id_is_found_without_its_channel(db: Database) -> None:
    async with db.transaction() as tx:
        first = await tx.values(
            sql("""SELECT a.attname
                   FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                   WHERE i.indrelid = 'orders'::regclass""")
        )
    assert "external_id" in first


async def test_what_they_order_comes_from_their_sites(db: Database, world: SimpleNamespace, of_shop: Actor) -> None:
    await make(db, world, "FORK")
    await bring(db, world, "FORK", 5)
    asked = PlaceOrder(lines=[PlaceLine(sku="FORK", quantity=Decimal(1))], channel="scope-4")
    one: Order = (await service.place(db, of_shop, asked)).answer
    assert (one.status, (await service.get(db, of_shop, one.id)).id) == ("BACKORDERED", one.id)
