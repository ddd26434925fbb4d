"""An order that goes together or not at all neither leaves short nor keeps what it cannot use."""

from decimal import Decimal
from types import SimpleNamespace

import pytest
from tests.allocation.helpers import bring, make, now, order, sound

from perpetua.allocation import service
from perpetua.kit.database import Database
from perpetua.ledger import service as ledger
from perpetua.ledger.types import Adjust, AdjustLine
from perpetua.orders import service as orders
from perpetua.orders.errors import OrderClosed
from perpetua.orders.types import CancelLine, CancelOrder, Order, OrderStatus, ShipOrder


async def lose(db: Database, world: SimpleNamespace, sku: str, quantity: int) -> None:
    line = AdjustLine(sku=sku, quantity=Decimal(-quantity), location="LON-A-1")
    await ledger.adjust(db, world.actor(), Adjust(lines=[line], reason_code="damage"))


async def move(db: Database, one: Order, *statuses: OrderStatus) -> None:
    async with db.transaction() as tx:
        for status in statuses:
            await orders.advance(tx, one.id, status)


async def test_who_loses_some_of_it_gives_up_all_of_it(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "SOFA", "LAMP")
    await bring(db, world, "SOFA", 2)
    await bring(db, world, "LAMP", 3)
    whole = await order(db, world, ("SOFA", 2), ("LAMP", 3), fulfilment="complete")
    later = await order(db, world, ("LAMP", 2))
    assert (whole.status, later.status) == ("ALLOCATED", "BACKORDERED")
    await lose(db, world, "SOFA", 1)
    after = await now(db, world, whole)
    assert (after.status, [line.allocated for line in after.lines]) == ("BACKORDERED", [0, 0])
    assert (await now(db, world, later)).status == "ALLOCATED"  # of what the whole order cannot use
    told = (await service.explain(db, world.actor(), whole.id)).lines[1].later[0]
    assert (told.action, told.asked, told.facts["because"]) == ("released", 3, "complete")
    await sound(db)
    await bring(db, world, "LAMP", 2)
    await bring(db, world, "SOFA", 1)
    assert (await now(db, world, whole)).status == "ALLOCATED"
    await sound(db)


async def test_it_keeps_its_place(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "BED")
    await bring(db, world, "BED", 4)
    first = await order(db, world, ("BED", 4), fulfilment="complete")
    second = await order(db, world, ("BED", 2), fulfilment="complete")
    await lose(db, world, "BED", 3)
    assert (await now(db, world, first)).status == "BACKORDERED"
    await bring(db, world, "BED", 3)
    assert [(await now(db, world, one)).status for one in (first, second)] == ["ALLOCATED", "BACKORDERED"]
    await sound(db)


async def test_what_is_in_hands_stays_but_does_not_leave_short(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "DOOR", "KNOB")
    await bring(db, world, "DOOR", 2)
    await bring(db, world, "KNOB", 2)
    whole = await order(db, world, ("DOOR", 2), ("KNOB", 2), fulfilment="complete")
    await move(db, whole, "RELEASED", "PICKING", "PACKED")
    await lose(db, world, "KNOB", 1)
    after = await now(db, world, whole)
    assert (after.status, [line.allocated for line in after.lines]) == ("PACKED", [2, 1])
    with pytest.raises(OrderClosed, match="some of it waits"):
        await service.ship(db, world.actor(), whole.id, ShipOrder())
    await bring(db, world, "KNOB", 1)
    assert [line.allocated for line in (await now(db, world, whole)).lines] == [2, 2]
    await lose(db, world, "KNOB", 1)
    rest = CancelOrder(reason="one is enough", lines=[CancelLine(line_no=2, quantity=Decimal(1))])
    await service.cancel(db, world.actor(), whole.id, rest)
    assert (await service.ship(db, world.actor(), whole.id, ShipOrder())).answer.status == "SHIPPED"
    await sound(db)
