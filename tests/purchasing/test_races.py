"""Many at once on one order: whoever is first wins, nothing is lost, nothing counts twice."""

import asyncio
from collections.abc import Awaitable
from types import SimpleNamespace
from typing import Any

from tests.purchasing.helpers import MONDAY, D, drafted, on_order, ordered, sound, took_in

from perpetua.kit.database import Database
from perpetua.kit.errors import Refusal
from perpetua.purchasing import service
from perpetua.purchasing.types import (
    ApproveOrder,
    Came,
    CancelOrder,
    ChangeLine,
    ChangeOrder,
    SetSupplierItem,
    SetSupplierItems,
    SubmitOrder,
)


async def at_once(*acts: Awaitable[Any]) -> tuple[list[Any], list[Refusal]]:
    gave = await asyncio.gather(*acts, return_exceptions=True)
    refused = [one for one in gave if isinstance(one, Refusal)]
    for one in gave:
        if isinstance(one, BaseException) and not isinstance(one, Refusal):
            raise one
    return [one for one in gave if not isinstance(one, BaseException)], refused


async def test_two_approve_at_once(db: Database, world: SimpleNamespace) -> None:
    draft = await drafted(db, world.actor(), ("PEAR", 1))
    people = [world.actor(), world.actor(), world.actor("purchasing_staff"), world.actor("purchasing_staff")]
    done, refused = await at_once(*(service.approve(db, one, draft.id, ApproveOrder()) for one in people))
    assert (len(done), len(refused)) == (2, 2)
    order = await service.get(db, world.actor(), draft.id)
    assert len({one.person_id for one in order.approvals}) == 2


async def test_it_is_submitted_once(db: Database, world: SimpleNamespace) -> None:
    before = await on_order(db, world, "PEAR")
    draft = await drafted(db, world.actor(), ("PEAR", 7))
    await service.approve(db, world.actor(), draft.id, ApproveOrder())
    done, refused = await at_once(*(service.submit(db, world.actor(), draft.id, SubmitOrder()) for _ in range(5)))
    assert (len(done), len(refused)) == (1, 4)
    assert await on_order(db, world, "PEAR") == before + 7


async def test_goods_come_while_the_order_is_cancelled(db: Database, world: SimpleNamespace) -> None:
    for _ in range(10):
        order = await ordered(db, world, ("APPLE", 20))
        await at_once(
            took_in(db, order, APPLE=8), service.cancel(db, world.actor(), order.id, CancelOrder(reason="too late"))
        )
        line = (await service.get(db, world.actor(), order.id)).lines[0]
        assert (line.received, line.cancelled) in {(8, 12), (8, 20)}
        assert line.on_order == 0
    await sound(db)


async def test_two_clerks_take_in_one_line(db: Database, world: SimpleNamespace) -> None:
    orders = [await ordered(db, world, ("APPLE", 100), ("PEAR", 100)) for _ in range(3)]

    async def clerk(turn: int) -> None:
        async def act(tx: Any) -> None:
            found = await service.lock_orders(tx, [order.id for order in orders])
            lines = [line for order in found.values() for line in order.lines]
            lines = lines if turn % 2 else lines[::-1]
            await service.take_in(tx, [Came(line.id, D(5), MONDAY) for line in lines])

        await db.run(act)

    await at_once(*(clerk(turn) for turn in range(12)))
    for order in orders:
        assert [line.received for line in (await service.get(db, world.actor(), order.id)).lines] == [60, 60]
    await sound(db)


async def test_orders_of_the_same_items_never_wait_for_each_other_for_ever(
    db: Database, world: SimpleNamespace
) -> None:
    drafts = [
        await drafted(db, world.actor(), *lines)
        for lines in [(("APPLE", 10), ("PEAR", 1), ("MILK", 1)), (("MILK", 1), ("PEAR", 1), ("APPLE", 10))] * 4
    ]
    await at_once(*(service.approve(db, world.actor(), one.id, ApproveOrder()) for one in drafts))
    done, _ = await at_once(*(service.submit(db, world.actor(), one.id, SubmitOrder()) for one in drafts))
    assert len(done) == 8
    await sound(db)


async def test_of_two_changes_one_is_stale(db: Database, world: SimpleNamespace) -> None:
    draft = await drafted(db, world.actor(), ("PEAR", 5))
    acts = [
        service.change(
            db, world.actor(), draft.id, ChangeOrder(lines=[ChangeLine(line_no=1, quantity=D(n))]), version=1
        )
        for n in range(1, 5)
    ]
    done, refused = await at_once(*acts)
    assert (len(done), len(refused)) == (1, 3)


async def test_one_supplier_stays_preferred(db: Database, world: SimpleNamespace) -> None:
    def prefer(supplier: str) -> Awaitable[Any]:
        items = [SetSupplierItem(supplier=supplier, sku=sku, preferred=True) for sku in ("PEAR", "MILK")]
        return service.set_items(db, world.actor(), SetSupplierItems(items=items))

    await at_once(*(prefer(one) for one in ("ORCHARD", "BERLIN") * 5))
    await sound(db)
