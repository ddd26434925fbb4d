"""Lead times as they are written when goods come, cancelled when goods are taken back, read from files, and
expected."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from tests.purchasing.helpers import MONDAY, D, ordered

from perpetua.access.types import SYSTEM
from perpetua.kit.database import Database, count_statements, sql
from perpetua.kit.errors import InvalidValue
from perpetua.kit.imports import ImportOptions, Source, begin, errors_of, undo
from perpetua.kit.listing import PageRequest
from perpetua.purchasing import service
from perpetua.purchasing.imports.lead_times import LEAD_TIMES, day_of
from perpetua.purchasing.types import Came, CancelOrder, ConfirmLine, ConfirmOrder, Order
from perpetua.purchasing.types.lead_times import LeadTime, LeadTimeFilters


async def came(db: Database, order: Order, days: int, **quantities: int) -> None:
    """So much comes so many days after the order."""
    lines = {line.sku: line.id for line in order.lines}

    async def act(tx: Any) -> None:
        await service.lock_orders(tx, [order.id])
        at = MONDAY + timedelta(days=days)
        await service.take_in(tx, [Came(lines[sku], D(n), at) for sku, n in quantities.items()])

    await db.run(act)


async def facts(db: Database, world: SimpleNamespace, order: Order, *, counted: bool = True) -> list[LeadTime]:
    """Those of the order's lines, as they were written."""
    page = await service.list_lead_times(db, world.actor(), LeadTimeFilters(counted=counted), PageRequest(limit=1000))
    return [one for one in reversed(page.items) if one.po_id == order.id]


async def test_the_last_of_a_line_tells_its_lead_time(db: Database, world: SimpleNamespace) -> None:
    order = await ordered(db, world, ("APPLE", 100), ("PEAR", 4))
    promise = ConfirmOrder(lines=[ConfirmLine(line_no=1, promised_on=date(2026, 3, 12))])
    await service.confirm(db, world.actor(), order.id, promise)
    await came(db, order, 5, APPLE=60)
    assert not await facts(db, world, order)
    await came(db, order, 11, APPLE=40, PEAR=3)
    (apple,) = await facts(db, world, order)
    assert (apple.sku, apple.ordered_on, apple.stated_days, apple.promised_on, apple.received_on,
            apple.actual_days) == (
        "APPLE", date(2026, 3, 2), 7, date(2026, 3, 12), date(2026, 3, 13), 11,
    )  # fmt: skip
    assert (apple.late, apple.quantity, apple.due_on) == (True, D(100), date(2026, 3, 12))
    await service.cancel(db, world.actor(), order.id, CancelOrder(reason="no more"))  # closes the pear short
    pear = (await facts(db, world, order))[1]
    assert (pear.sku, pear.quantity, pear.actual_days, pear.due_on, pear.late) == (
        "PEAR", D(3), 11, date(2026, 3, 5), True,
    )  # fmt: skip


async def test_goods_taken_back_cancel_it_by_a_row(db: Database, world: SimpleNamespace) -> None:
    order = await ordered(db, world, ("PEAR", 4))
    await came(db, order, 2, PEAR=4)
    (first,) = await facts(db, world, order)
    await came(db, order, 2, PEAR=-4)
    assert not await facts(db, world, order)
    written = await facts(db, world, order, counted=False)
    assert [(one.cancels_id, one.cancelled_by) for one in written] == [(None, written[1].id), (first.id, None)]
    await came(db, order, 9, PEAR=4)
    assert [(one.actual_days) for one in await facts(db, world, order)] == [9]
    assert len(await facts(db, world, order, counted=False)) == 3
    for change in ("UPDATE lead_times SET stated_days = 1", "DELETE FROM lead_times"):
        with pytest.raises(Exception, match="append-only"):
            async with db.admin() as tx:
                await tx.execute(sql(change))


FILE = """vendor,item description,po date,scheduled delivery date,delivered to client date,line item quantity,id
Lab One,Test kit A,11/13/06,2-Jan-07,31-Dec-06,10,1
Lab One,Test kit A,11/20/2006,2-Jan-07,3-Jan-07,10,2
Lab One,Test kit B,Date Not Captured,2-Jan-07,3-Jan-07,10,3
Lab Two,"A kit whose name is longer than any SKU may be, so that its beginning is one",2006-12-01,2-Jan-07,1-Jan-07,5,4
Lab Two,Test kit A,12/31/06,2-Jan-07,1-Dec-06,5,5
"""


async def test_history_from_a_file(db: Database, world: SimpleNamespace, tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    file.write_text(FILE)
    mapping = {"ordered_on": "po date", "reference": "id"}
    missing = await begin(
        db, SYSTEM, LEAD_TIMES, [Source(file, file.name)], ImportOptions(mapping=mapping, dry_run=True)
    )
    assert (missing.rows_good, missing.rows_bad) == (0, 5)
    asked = ImportOptions(mapping=mapping, kind={"create": "yes", "currency": "USD"})
    done = await begin(db, SYSTEM, LEAD_TIMES, [Source(file, file.name)], asked)
    assert (done.state, done.rows_good, done.rows_bad) == ("done", 3, 2)
    assert done.summary == {
        "dated": 4, "days_of_all_dated": 48 + 44 + 31 - 30, "came_before_ordered": 1,
        "days": 123, "late": 1, "written": 3,
        "suppliers_made": 2, "items_made": 2,
    }  # fmt: skip
    errors = (await errors_of(db, done.id, PageRequest())).items
    assert [(one.line, one.field, one.code) for one in errors] == [
        (4, "ordered_on", "invalid_value"), (6, "received_on", "before_ordered"),
    ]  # fmt: skip
    page = await service.list_lead_time_confidence(
        db, world.actor(), PageRequest(), supplier="lab one", sku="test kit a"
    )
    (kit,) = page.items
    assert kit.observed is not None
    assert (kit.n, kit.observed.mean_days, kit.observed.late_share) == (2, D(46), D("0.5"))
    taken = await undo(db, SYSTEM, LEAD_TIMES, done.id)
    assert taken.state == "undone"
    page = await service.list_lead_time_confidence(
        db, world.actor(), PageRequest(), supplier="lab one", sku="test kit a"
    )
    assert (page.items[0].n, page.items[0].observed) == (0, None)


def test_dates_are_read_as_they_are_written() -> None:
    for text, first, day in (
        ("3/31/2012", "month_first", date(2012, 3, 31)), ("3/4/12", "day_first", date(2012, 4, 3)),
        ("2-Jun-06", None, date(2006, 6, 2)), ("2012-03-31", None, date(2012, 3, 31)),
    ):  # fmt: skip
        assert day_of("d", text, first) == day
    for text, first in (
        ("3/4/12", None),
        ("31/3/2012", "month_first"),
        ("N/A - From RDC", None),
        ("", None),
        ("1/1/1960", "day_first"),
    ):
        with pytest.raises(InvalidValue):
            day_of("d", text, first)


async def test_many_pairs_in_two_statements(
    db: Database, world: SimpleNamespace, callers: dict[str, httpx.AsyncClient]
) -> None:
    async with db.transaction() as tx:
        pairs = [(s, v) for s, v in await tx.records(sql("SELECT s.id, v.id FROM suppliers s, product_variants v"))]
        with count_statements() as seen:
            found = await service.lead_time_confidence(tx, pairs)
        assert len(seen) == 2
        assert set(found) == set(pairs)
        assert await service.lead_time_confidence(tx, [(10**9, 1)]) == {}
    client = callers["viewer"]
    ids: list[Any] = []
    cursor = ""
    while True:
        page = (await client.get(f"/api/lead-time-confidence?limit=2&cursor={cursor}")).json()
        ids += [(one["supplier"], one["sku"]) for one in page["items"]]
        if not (cursor := page["next_cursor"] or ""):
            break
    assert len(ids) == len(set(ids)) > 3
    never = (await client.get("/api/lead-time-confidence?supplier=BERLIN&sku=FLOUR")).json()["items"][0]
    assert (never["n"], never["expected"]["own_weight"], never["stated_days"]) == (0, "0", 5)
    assert Decimal(never["expected"]["mean_days"]) > 0
    assert (await client.get("/api/lead-times?late=true&limit=1")).json()["items"][0]["late"] is True
    assert (await client.get("/api/lead-times?supplier=none")).json()["items"] == []
