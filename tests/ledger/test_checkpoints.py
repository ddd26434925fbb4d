"""Which month ends get a checkpoint, and what becomes of old ones."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

from tests.worlds import sealed

from perpetua.kit.database import Database, sql
from perpetua.kit.listing import PageRequest
from perpetua.ledger import service
from perpetua.ledger.types import Receive, ReceiveLine, StockFilters

NOW = datetime.now(UTC)


async def test_checkpoints_never_outgrow_the_ledger(db: Database, world: SimpleNamespace) -> None:
    # Six levels in the first month, then three rows a month: the next checkpoint waits for six rows.
    for months, skus in [(7, ("APPLE", "PEAR")), (6, ("APPLE",)), (5, ("APPLE",)), (4, ("APPLE",)), (3, ("APPLE",))]:
        lines = [
            ReceiveLine(sku=sku, quantity=Decimal(5), location=place)
            for sku in skus
            for place in ("LON-A-1", "LON-A-2", "LON-Q")
        ]
        at = (NOW - timedelta(days=30 * months)).replace(day=10)
        await service.receive(db, world.actor(), Receive(lines=lines, effective_at=at))
    await sealed(db)
    assert await service.make_checkpoints(db) == 3
    async with db.transaction() as tx:
        counts = await tx.values(sql("SELECT levels FROM stock_checkpoints ORDER BY as_of"))
    assert counts == [6, 6, 6]
    filters = StockFilters(sku="APPLE", location="LON", as_of=NOW - timedelta(days=1))
    stock = (await service.list_stock(db, world.actor(), filters, PageRequest())).items[0]
    assert (stock.on_hand, stock.unsellable) == (5 * 3 * 5, 5 * 5)


async def test_a_dropped_generation_takes_its_levels_along(db: Database) -> None:
    for _ in range(3):
        await sealed(db)
        async with db.admin() as tx:
            await tx.execute(sql("UPDATE stock_checkpoints SET through_id = through_id - 1"))
        assert await service.make_checkpoints(db, late_rows=0) == 5
    async with db.transaction() as tx:
        assert (
            await tx.value(sql("SELECT max(n) FROM (SELECT count(*) AS n FROM stock_checkpoints GROUP BY as_of) x"))
            == 2
        )
        known = "SELECT id FROM stock_checkpoints"
        orphans = f"SELECT count(*) FROM stock_checkpoint_levels WHERE checkpoint_id NOT IN ({known})"
        assert await tx.value(sql(orphans)) == 0
