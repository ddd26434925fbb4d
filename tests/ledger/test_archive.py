"""Old months go to Parquet; every number stays what it was."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.worlds import sealed

from perpetua.access.types import SYSTEM
from perpetua.kit.database import Database, sql
from perpetua.kit.errors import InvalidValue
from perpetua.kit.listing import PageRequest
from perpetua.ledger import service
from perpetua.ledger.types import Receive, ReceiveLine, StockFilters

D = Decimal
NOW = datetime.now(UTC)
OLD = (NOW - timedelta(days=900)).replace(day=15)


async def as_of(db: Database, at: datetime) -> Decimal:
    filters = StockFilters(sku="APPLE", as_of=at, with_zero=True)
    return (await service.list_stock(db, SYSTEM, filters, PageRequest())).items[0].on_hand


async def test_archive_keeps_every_number(db: Database, world: SimpleNamespace, tmp_path: Path) -> None:
    # Rows of two and a half years ago: only the owner can write them with such a recorded_at.
    async with db.admin() as tx:
        await tx.execute(sql("SELECT ledger_make_partitions(%(m)s::date, 2)"), {"m": OLD.date()})
        for days, quantity in ((0, 40), (3, 7), (33, 5)):
            at = OLD + timedelta(days=days)
            posting = {"at": at}
            posting_id = await tx.value(
                sql("""INSERT INTO postings (recorded_at, effective_at, actor_id, command)
                       VALUES (%(at)s, %(at)s, 0, 'old') RETURNING id"""),
                posting,
            )
            where = {"v": world.items["APPLE"], "l": world.places["LON-A-1"]}
            row = {"p": posting_id, "at": at, "q": quantity, **where}
            await tx.execute(
                sql("""INSERT INTO inventory_transactions (posting_id, recorded_at, effective_at, variant_id,
                         location_id, line_no, type, quantity)
                       VALUES (%(p)s, %(at)s, %(at)s, %(v)s, %(l)s, 1, 'RECEIPT', %(q)s)"""),
                row,
            )
    line = ReceiveLine(sku="APPLE", quantity=D(100), location="LON-A-1")
    await service.receive(db, world.actor(), Receive(lines=[line], effective_at=NOW - timedelta(days=60)))
    await sealed(db)
    await service.make_checkpoints(db)
    moments = [NOW - timedelta(days=d) for d in (0, 30, 61, 400)]
    before = [await as_of(db, at) for at in moments]
    assert before == [152, 152, 52, 52]

    done = await service.archive(db, SYSTEM, tmp_path)
    assert [one.rows for one in done] == [2, 1]
    assert all(Path(one.file).stat().st_size > 0 for one in done)
    assert await service.archive(db, SYSTEM, tmp_path) == []

    assert [await as_of(db, at) for at in moments] == before
    checked = await service.check(db, SYSTEM)
    assert checked.passed, checked.findings
    # The files answer for what is no longer in the ledger.
    rows = await service.archived_rows(db, SYSTEM, variant_id=world.items["APPLE"])
    assert [row.quantity for row in rows] == [5, 7, 40]
    with pytest.raises(InvalidValue, match="archived"):
        await as_of(db, OLD + timedelta(days=1))
    key = (world.items["APPLE"], world.places["LON-A-1"])
    assert await service.archived_stock(db, SYSTEM, OLD + timedelta(days=4)) == [(*key, D(47))]
    assert await service.archived_stock(db, SYSTEM, OLD - timedelta(days=1)) == []
