"""Seals, checkpoints and the check that finds what was changed behind the ledger's back."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from tests.worlds import sealed

from perpetua.access.types import SYSTEM
from perpetua.kit.database import Database, sql
from perpetua.kit.listing import PageRequest
from perpetua.ledger import service
from perpetua.ledger.types import Receive, ReceiveLine, Sell, SellLine, StockFilters

D = Decimal
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
async def history(db: Database, world: SimpleNamespace) -> list[int]:
    """Half a year of receipts and sales, a few each month; ids of their rows."""
    ids: list[int] = []
    for days in range(180, 0, -12):
        at = NOW - timedelta(days=days)
        line = ReceiveLine(sku="APPLE", quantity=D(10), location="LON-A-1")
        posted = (await service.receive(db, world.actor(), Receive(lines=[line], effective_at=at, note="n"))).answer
        sale = Sell(
            lines=[SellLine(sku="APPLE", quantity=D(3), location="LON-A-1")], effective_at=at + timedelta(days=1)
        )
        sold = (await service.sell(db, world.actor(), sale)).answer
        assert posted.first_row_id
        assert sold.first_row_id
        ids += [posted.first_row_id, sold.first_row_id]
    return ids


async def as_of(db: Database, world: SimpleNamespace, at: datetime, known_at: datetime | None = None) -> Decimal:
    filters = StockFilters(sku="APPLE", location="LON", as_of=at, known_at=known_at, with_zero=True)
    return (await service.list_stock(db, world.actor(), filters, PageRequest())).items[0].on_hand


async def test_checkpoints_change_no_answer(db: Database, world: SimpleNamespace, history: list[int]) -> None:
    moments = [NOW - timedelta(days=d, hours=5) for d in range(0, 190, 7)]
    before = [await as_of(db, world, at) for at in moments]
    await sealed(db)
    assert await service.make_checkpoints(db) >= 4
    assert await service.make_checkpoints(db) == 0
    assert [await as_of(db, world, at) for at in moments] == before
    # A row that comes late is added on top.
    known = NOW - timedelta(seconds=1)
    line = ReceiveLine(sku="APPLE", quantity=D(100), location="LON-A-2")
    late = NOW - timedelta(days=150)
    await service.receive(db, world.actor(), Receive(lines=[line], effective_at=late))
    after = [await as_of(db, world, at) for at in moments]
    assert after == [b + (100 if at >= late else 0) for b, at in zip(before, moments, strict=True)]
    assert await as_of(db, world, NOW - timedelta(days=20), known) == 0
    # And a new generation of the checkpoints says the same.
    await sealed(db)
    assert await service.make_checkpoints(db, late_rows=1) >= 3
    assert [await as_of(db, world, at) for at in moments] == after


async def test_all_is_well_and_is_kept(db: Database, world: SimpleNamespace, history: list[int]) -> None:
    await sealed(db)
    assert await service.seal(db) == 0
    done = await service.check(db, SYSTEM)
    assert done.passed, done
    assert done.head
    kept = (await service.list_checks(db, SYSTEM, PageRequest())).items[0]
    assert kept.id == done.id
    assert {finding.name for finding in kept.findings} >= {"levels", "positions", "seals", "checkpoint"}


TAMPERED = [
    "UPDATE inventory_transactions SET quantity = quantity + 1 WHERE id = {row}",
    "UPDATE inventory_transactions SET unit_cost = 0.21 WHERE id = {row}",
    "UPDATE inventory_transactions SET recorded_at = recorded_at + interval '1 microsecond' WHERE id = {row}",
    "UPDATE inventory_transactions SET reference_id = '' WHERE id = {row}",
    "UPDATE postings SET note = 'm' WHERE id = (SELECT posting_id FROM inventory_transactions WHERE id = {row})",
    "UPDATE postings SET actor_id = 0 WHERE id = (SELECT posting_id FROM inventory_transactions WHERE id = {row})",
    "DELETE FROM inventory_transactions WHERE id = {row}",
]


@pytest.mark.parametrize("change", TAMPERED)
async def test_any_change_of_a_sealed_row_is_named(
    db: Database, world: SimpleNamespace, history: list[int], change: str
) -> None:
    await sealed(db)
    row = history[6]
    found: Any = None
    async with db.admin() as tx:
        # As superuser, triggers off: what an intruder in the database would do. Undone at the end.
        await tx.execute(sql("SET LOCAL session_replication_role = replica"))
        assert await tx.execute(sql(change.format(row=row))) == 1
        seals = await tx.dicts(sql("SELECT id FROM ledger_seals s, ledger_check_seals(s.id, s.id) c WHERE NOT c.whole"))
        assert len(seals) == 1
        found = await tx.dicts(sql("SELECT * FROM ledger_broken_rows(%(s)s)"), {"s": seals[0]["id"]})
        await tx.connection.execute("ROLLBACK")
    assert [r["row_id"] for r in found] == [row]
    assert found[0]["what"] == ("missing" if change.startswith("DELETE") else "changed")


async def test_the_check_names_the_row(db: Database, world: SimpleNamespace, history: list[int]) -> None:
    await sealed(db)
    row = history[3]
    off = sql("SET LOCAL session_replication_role = replica")
    async with db.admin() as tx:
        await tx.execute(off)
        await tx.execute(sql("UPDATE inventory_transactions SET quantity = quantity - 1 WHERE id = %(r)s"), {"r": row})
    broken = await service.check(db, SYSTEM)
    async with db.admin() as tx:
        await tx.execute(off)
        await tx.execute(sql("UPDATE inventory_transactions SET quantity = quantity + 1 WHERE id = %(r)s"), {"r": row})
    assert not broken.passed
    by_name = {finding.name: finding for finding in broken.findings}
    assert by_name["levels"].wrong == 1
    assert [example["row_id"] for example in by_name["seals"].examples] == [row]
    assert (await service.check(db, SYSTEM)).passed


async def test_a_writer_in_flight_is_not_sealed(db: Database, world: SimpleNamespace) -> None:
    await sealed(db)
    line = ReceiveLine(sku="PEAR", quantity=D(1), location="LON-A-1")
    async with db.transaction() as tx:
        # An older transaction that has written: ids drawn after it are not final before it ends.
        await tx.execute(sql("INSERT INTO postings (effective_at, actor_id, command) VALUES (now(), 0, 'slow')"))
        await service.receive(db, world.actor(), Receive(lines=[line]))
        assert await service.seal(db) == 0
        await tx.connection.execute("ROLLBACK")
    assert await sealed(db) == 1
