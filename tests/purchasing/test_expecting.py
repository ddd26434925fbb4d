"""Who waits is told when what was ordered is to come, by their turn, and anew when the supplier says otherwise."""

from types import SimpleNamespace

from tests.allocation.helpers import now
from tests.allocation.helpers import order as want
from tests.purchasing.helpers import D, ordered, took_in

from perpetua.kit.clock import system_clock
from perpetua.kit.database import Database
from perpetua.purchasing import service
from perpetua.purchasing.types import CancelOrder, ConfirmLine, ConfirmOrder


async def day(db: Database, world: SimpleNamespace, order: object) -> str | None:
    return (await now(db, world, order)).lines[0].expected_on  # pyright: ignore[reportArgumentType]


async def test_those_who_wait_are_told(db: Database, world: SimpleNamespace) -> None:
    today = system_clock().date()
    first, second = await want(db, world, ("APPLE", 60)), await want(db, world, ("APPLE", 60))
    assert await day(db, world, first) is None
    order = await ordered(db, world, ("APPLE", 100))
    expected = await day(db, world, first)
    assert expected is not None  # what is overdue is expected today
    assert await day(db, world, second) is None  # forty of its sixty would come
    later = today.replace(year=today.year + 1)
    line = ConfirmLine(line_no=1, promised_on=later)
    await service.confirm(db, world.actor(), order.id, ConfirmOrder(lines=[line]))
    assert await day(db, world, first) == later.isoformat()
    more = await ordered(db, world, ("APPLE", 50))
    await service.confirm(db, world.actor(), more.id, ConfirmOrder(promised_on=later.replace(year=later.year + 1)))
    assert await day(db, world, second) == later.replace(year=later.year + 1).isoformat()
    await service.cancel(db, world.actor(), order.id, CancelOrder(reason="never"))
    assert await day(db, world, second) is None
    await took_in(db, more, APPLE=50)
    async with db.transaction() as tx:
        assert await service.coming(tx, [world.items["APPLE"]]) == []


async def test_nobody_is_told_of_drafts_and_what_has_come(db: Database, world: SimpleNamespace) -> None:
    order = await ordered(db, world, ("PEAR", 3), ("PEAR", 2))
    async with db.transaction() as tx:
        coming = await service.coming(tx, [world.items["PEAR"], 10**12])
    assert [(one.site_id, one.quantity) for one in coming] == [(world.places["LON"], D(5))]
    await service.cancel(db, world.actor(), order.id, CancelOrder(reason="x"))
    async with db.transaction() as tx:
        assert await service.coming(tx, [world.items["PEAR"]]) == []
