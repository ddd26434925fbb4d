"""Orders change before they leave: less goes to whoever waits, more is decided at once, the floor is left in peace."""

import asyncio
import contextlib
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from tests.allocation.test_life import bring, now, order, sound

from perpetua.allocation import service
from perpetua.kit.database import Database, sql
from perpetua.kit.errors import Refusal, Stale
from perpetua.orders import service as orders
from perpetua.orders.types import (
    CancelLine,
    CancelOrder,
    ChangeLine,
    ChangeOrder,
    Order,
    OrderStatus,
    PlaceLine,
    ShipLine,
    ShipOrder,
)


async def change(
    db: Database, world: SimpleNamespace, one: Order, *lines: tuple[int, int], add: list[tuple[str, int]] | None = None,
    role: str = "inventory_manager", **more: Any,
) -> Order:  # fmt: skip
    command = ChangeOrder(
        lines=[ChangeLine(line_no=number, quantity=Decimal(quantity)) for number, quantity in lines],
        add=[PlaceLine(sku=sku, quantity=Decimal(quantity)) for sku, quantity in add or []],
    )
    version = (await now(db, world, one)).version
    return (await service.change(db, world.actor(role), one.id, command, version=version, **more)).answer


async def move(db: Database, one: Order, *statuses: OrderStatus) -> None:
    for status in statuses:
        await db.run(lambda tx, status=status: orders.advance(tx, one.id, status))


def figures(one: Order) -> list[tuple[int, int, int]]:
    return [(int(line.quantity), int(line.allocated), int(line.backordered)) for line in one.lines]


async def test_less_goes_to_whoever_waits(db: Database, world: SimpleNamespace) -> None:
    await bring(db, world, "APPLE", 10)
    first = await order(db, world, ("APPLE", 12))
    second = await order(db, world, ("APPLE", 5))
    assert figures(await change(db, world, first, (1, 11))) == [(11, 10, 1)]  # what waits goes first
    assert figures(await change(db, world, first, (1, 7))) == [(7, 7, 0)]
    assert figures(await now(db, world, second)) == [(5, 3, 2)]
    assert (await now(db, world, first)).status == "ALLOCATED"
    async with db.transaction() as tx:
        rows = await tx.dicts(
            sql("SELECT asked, given, facts FROM allocation_audit_log WHERE order_id = %(i)s AND action = 'changed'"),
            {"i": first.id},
        )
    assert [(row["asked"], row["given"], row["facts"]["given_back"]) for row in rows] == [
        (11, 10, "0"),
        (7, 7, "3"),
    ]
    await sound(db)


async def test_more_is_decided_at_once(db: Database, world: SimpleNamespace) -> None:
    await bring(db, world, "PEAR", 10)
    one = await order(db, world, ("PEAR", 2))
    assert figures(await change(db, world, one, (1, 5), add=[("pear", 3), ("MILK", 1)], key="more")) == [
        (5, 5, 0),
        (3, 3, 0),
        (1, 0, 1),
    ]
    assert (await now(db, world, one)).status == "PARTLY_ALLOCATED"
    assert figures(await change(db, world, one, (1, 9))) == [(9, 7, 2), (3, 3, 0), (1, 0, 1)]
    rest = await order(db, world, ("PHONE", 1), fulfilment="cancel_rest")
    assert rest.status == "CANCELLED"
    with pytest.raises(Refusal, match="nothing of it is left"):
        await change(db, world, rest, add=[("PEAR", 1)])
    await service.cancel(db, world.actor(), one.id, CancelOrder(reason="all"))
    rest = await order(db, world, ("PEAR", 8), fulfilment="cancel_rest")
    changed = await change(db, world, rest, (1, 11))
    assert [(line.allocated, line.refused) for line in changed.lines] == [(10, 1)]
    await service.cancel(db, world.actor(), rest.id, CancelOrder(reason="all"))
    await sound(db)


async def test_an_order_that_goes_whole_has_all_or_waits(db: Database, world: SimpleNamespace) -> None:
    await bring(db, world, "FLOUR", 6)
    whole = await order(db, world, ("FLOUR", 4), fulfilment="complete")
    other = await order(db, world, ("FLOUR", 4))
    assert (whole.status, figures(other)) == ("ALLOCATED", [(4, 2, 2)])
    after = await change(db, world, whole, (1, 5))
    assert (after.status, figures(after)) == ("BACKORDERED", [(5, 0, 5)])
    assert figures(await now(db, world, other)) == [(4, 4, 0)]  # what it held went on
    back = await change(db, world, whole, (1, 2))
    assert (back.status, figures(back)) == ("ALLOCATED", [(2, 2, 0)])
    two = await order(db, world, ("MILK", 3), ("PHONE", 1), fulfilment="complete")
    await bring(db, world, "MILK", 3, lot="M", expires_on="2099-01-01")
    assert (await now(db, world, two)).status == "BACKORDERED"
    await service.cancel(db, world.actor(), two.id, CancelOrder(reason="no", lines=[CancelLine(line_no=2)]))
    assert (await now(db, world, two)).status == "ALLOCATED"  # what was missing is no longer asked for
    more = await change(db, world, two, add=[("FLOUR", 1)])
    assert (more.status, figures(more)) == ("BACKORDERED", [(3, 0, 3), (1, 0, 0), (1, 0, 1)])
    await sound(db)


async def test_kits_change_as_one(db: Database, world: SimpleNamespace) -> None:
    async with db.admin() as tx:
        await tx.execute(
            sql("INSERT INTO kit_components VALUES (%(k)s, %(a)s, 2), (%(k)s, %(p)s, 1)"),
            {"k": world.items["PHONE"], "a": world.items["APPLE"], "p": world.items["PEAR"]},
        )
    await bring(db, world, "APPLE", 20, "SHOP-FLOOR")
    async with db.transaction() as tx:
        free = sql("SELECT sum(on_hand - unsellable - allocated) FROM inventory_positions WHERE variant_id = %(v)s")
        pears = int(await tx.value(free, {"v": world.items["PEAR"]}))
    await bring(db, world, "PEAR", 3, "SHOP-FLOOR")
    assert pears > 0
    one = await order(db, world, ("PHONE", 1), site="SHOP")
    raised = await change(db, world, one, (1, 5))
    assert figures(raised) == [(5, 3, 2)]
    assert raised.lines[0].sites == {"SHOP": 3}
    assert figures(await change(db, world, one, (1, 2))) == [(2, 2, 0)]
    added = await change(db, world, one, add=[("PHONE", 2)])
    assert figures(added) == [(2, 2, 0), (2, 1, 1)]
    await service.cancel(db, world.actor(), one.id, CancelOrder(reason="over"))
    async with db.admin() as tx:
        await tx.execute(sql("DELETE FROM kit_components"))
    await sound(db)


async def test_what_cannot_be_changed(db: Database, world: SimpleNamespace) -> None:
    await bring(db, world, "APPLE", 50)
    one = await order(db, world, ("APPLE", 5), ("APPLE", 5))
    await service.ship(db, world.actor(), one.id, ShipOrder(lines=[ShipLine(line_no=1, quantity=Decimal(3))]))
    with pytest.raises(Refusal, match="at least 3"):
        await change(db, world, one, (1, 2))
    for lines, add in (([(3, 1)], []), ([(1, 4), (1, 5)], []), ([(1, 0)], []), ([], []), ([], [("NOTHING", 1)])):
        with pytest.raises(Refusal):
            await change(db, world, one, *lines, add=add)
    same = await now(db, world, one)
    fine = ChangeOrder(lines=[ChangeLine(line_no=1, quantity=Decimal("4.5"))])
    with pytest.raises(Refusal, match="whole numbers"):
        await service.change(db, world.actor(), one.id, fine, version=same.version)
    late = ChangeOrder(lines=[ChangeLine(line_no=1, quantity=Decimal(4))])
    with pytest.raises(Refusal, match="you sent version 1"):
        await service.change(db, world.actor(), one.id, late, version=1)
    assert (await change(db, world, one, (1, 5))).version == same.version  # nothing changed
    await sound(db)


async def test_the_floor_is_left_in_peace(db: Database, world: SimpleNamespace) -> None:
    await bring(db, world, "APPLE", 50)
    one = await order(db, world, ("APPLE", 5), ("MILK", 9999))
    released = (await service.release_order(db, world.actor(), one.id, key="r")).answer
    assert (released.status, (await service.release_order(db, world.actor(), one.id, key="r")).replayed) == (
        "RELEASED",
        True,
    )
    with pytest.raises(Refusal, match="does not become"):
        await service.release_order(db, world.actor(), one.id)
    await bring(db, world, "MILK", 2, lot="N", expires_on="2099-01-01")  # fills a line of it
    assert (await now(db, world, one)).status == "RELEASED"
    await move(db, one, "PICKING")
    for wrong in ("SHIPPED", "ALLOCATED", "CANCELLED", "PICKING"):
        with pytest.raises(Refusal, match=f"does not become {wrong}"):
            await move(db, one, wrong)
    staff = world.actor()
    staff = type(staff)(
        person_id=staff.person_id, name="x", role=staff.role, permissions=staff.permissions - {"orders.override"}
    )
    with pytest.raises(Refusal, match="in people's hands") as refused:
        await service.cancel(db, staff, one.id, CancelOrder(reason="x"))
    assert refused.value.lines == [1, 2]
    waits = CancelLine(line_no=2, quantity=(await now(db, world, one)).lines[1].backordered)
    await service.cancel(db, staff, one.id, CancelOrder(reason="will not come", lines=[waits]))
    assert (await now(db, world, one)).status == "PICKING"
    command = ChangeOrder(lines=[ChangeLine(line_no=1, quantity=Decimal(4))])
    with pytest.raises(Refusal, match="in people's hands"):
        await service.change(db, staff, one.id, command, version=(await now(db, world, one)).version)
    await change(db, world, one, (1, 4))  # a manager may
    async with db.transaction() as tx:
        said = await tx.dicts(sql("SELECT subject_id, after FROM audit_log WHERE kind = 'override'"))
    assert [row["subject_id"] for row in said] == [f"order {one.id} is PICKING"]
    await move(db, one, "PACKED", "PICKING", "PACKED")
    part = await service.ship(db, world.actor(), one.id, ShipOrder(lines=[ShipLine(line_no=1, quantity=Decimal(1))]))
    assert part.answer.status == "PARTLY_SHIPPED"
    assert (await service.release_order(db, world.actor(), one.id)).answer.status == "RELEASED"
    assert (await service.ship(db, world.actor(), one.id, ShipOrder())).answer.status == "SHIPPED"
    nothing = await order(db, world, ("PEAR", 9999), fulfilment="complete")
    with pytest.raises(Refusal, match="does not become"):
        await service.release_order(db, world.actor(), nothing.id)
    await sound(db)


async def test_changes_that_meet_never_oversell(db: Database, world: SimpleNamespace) -> None:
    await bring(db, world, "PEAR", 30)
    made = [await order(db, world, ("PEAR", 2)) for _ in range(6)]

    async def restless(one: Order, seed: int) -> None:
        for step in range(4):
            quantity = 1 + (seed * 7 + step * 5) % 12
            with contextlib.suppress(Stale):
                await change(db, world, one, (1, quantity), add=[("APPLE", 1)] if step == 2 else None)

    await asyncio.gather(*(restless(one, seed) for seed, one in enumerate(made)))
    await sound(db)
