"""Old months leave the database for Parquet files: an opening balance stays, and the files can still be asked."""

import asyncio
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from perpetua.access.types import Actor
from perpetua.kit import parquet
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Tx, sql
from perpetua.kit.errors import Conflict, Missing
from perpetua.ledger.service.keeping import Q, make_checkpoints, seal
from perpetua.ledger.types import Archive, ArchivedRow

__all__ = ["archive", "archived_rows", "archived_stock", "list_archives"]

KEEP_MONTHS: Final = 24
BATCH: Final = 20_000
COLUMNS: Final[dict[str, parquet.Kind]] = {
    "id": "bigint", "posting_id": "bigint", "recorded_at": "instant", "effective_at": "instant", "variant_id": "bigint",
    "sku": "text", "location_id": "bigint", "location": "text", "lot_id": "bigint", "serial_id": "bigint",
    "corrects_id": "bigint", "line_no": "integer", "type": "text", "quantity": "quantity", "unit_cost": "money",
    "reason_code": "text", "reference_type": "text", "reference_id": "text", "actor_id": "bigint", "command": "text",
    "note": "text",
}  # fmt: skip


async def archive(
    db: Database, actor: Actor, folder: Path, *, keep_months: int = KEEP_MONTHS, clock: Clock = system_clock
) -> list[Archive]:
    """Archive every month that ended more than `keep_months` ago, the oldest first; what was archived.

    Each month is one transaction: its rows are in their file (written and synced) and in the opening balance, or
    still in the ledger. Its seals must hold first, and their digests stay, so that the chain can still be checked.

    Raises:
        Conflict: a seal over the month does not hold; nothing is archived that cannot be proved.
    """
    actor.require("integrity.run")
    now = clock()
    months = now.year * 12 + now.month - 1 - keep_months
    before = date(months // 12, months % 12 + 1, 1)
    await seal(db)
    done: list[Archive] = []
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    async with db.snapshot() as tx:
        due = await tx.values(Q["due_archives"], {"before": before})
    for month in due:
        async with db.admin() as tx:
            done.append(await _archive(tx, month, folder))
    if done:
        await make_checkpoints(db)
    return done


async def list_archives(db: Database, actor: Actor) -> list[Archive]:
    """What was archived, the oldest first."""
    actor.require("integrity.read")
    async with db.transaction() as tx:
        return await tx.rows(Q["archives"], as_=Archive)


async def archived_rows(
    db: Database, actor: Actor, *, variant_id: int | None = None, since: datetime | None = None,
    until: datetime | None = None, limit: int = 1000,
) -> list[ArchivedRow]:  # fmt: skip
    """Ledger rows from the archive's files, the latest first.

    Raises:
        Missing: a file is not where it was written.
    """
    actor.require("stock.read")
    files = await _files(db, actor)
    if not files:
        return []
    where = _of(variant_id)
    if since:
        where.append(("effective_at", ">=", since))
    if until:
        where.append(("effective_at", "<", until))
    newest = ("effective_at", "id")
    found = await asyncio.to_thread(parquet.read, files, COLUMNS, where, newest_by=newest, limit=limit)
    rows = [ArchivedRow(**row) for row in found]
    return rows if actor.sees_costs else [msgspec.structs.replace(row, unit_cost=msgspec.UNSET) for row in rows]


async def archived_stock(
    db: Database, actor: Actor, as_of: datetime, *, variant_id: int | None = None
) -> list[tuple[int, int, Decimal]]:
    """On hand at a moment in archived months: (variant, location, quantity), from the files and the ledger."""
    actor.require("stock.read")
    files = await _files(db, actor)
    sums: dict[tuple[int, int], Decimal] = {}
    if files:
        where = _of(variant_id)
        where.append(("effective_at", "<=", as_of))
        by = ("variant_id", "location_id")
        for row in await asyncio.to_thread(parquet.sums, files, COLUMNS, where, by=by, of="quantity"):
            sums[row["variant_id"], row["location_id"]] = row["sum"]
    async with db.snapshot() as tx:
        for row in await tx.dicts(Q["live_stock"], {"as_of": as_of, "variant_id": variant_id}):
            key = (row["variant_id"], row["location_id"])
            sums[key] = sums.get(key, Decimal(0)) + row["quantity"]
    return [(variant, location, quantity) for (variant, location), quantity in sorted(sums.items()) if quantity]


async def _archive(tx: Tx, month: date, folder: Path) -> Archive:
    """One month, in the owner's transaction. Nobody writes to a month this old, so its lock disturbs nobody."""
    partition = f"inventory_transactions_y{month:%Y}m{month:%m}"
    await tx.execute(sql(f"LOCK TABLE {partition} IN ACCESS EXCLUSIVE MODE"))
    facts = (await tx.dicts(sql(_FACTS.format(partition=partition))))[0]
    broken = await tx.dicts(Q["broken_over"], facts) if facts["rows"] else []
    if broken:
        raise Conflict(
            reason=f"Seal {broken[0]['seal_id']} over {month:%Y-%m} does not hold; run `perpetua check` first.",
            month=month,
        )
    path = folder / f"ledger-{month:%Y-%m}.parquet"
    rows = tx.stream(sql(_ROWS.format(partition=partition)), as_=dict[str, Any], batch=BATCH)
    await parquet.write(path, COLUMNS, rows)
    kept = {
        "month": month, "file": str(path.resolve()), "sha256": await asyncio.to_thread(parquet.sha256, path), **facts,
    }  # fmt: skip
    if facts["rows"]:
        await tx.execute(Q["keep_digests"], {**facts, "month": month})
        await tx.execute(sql(_OPENING.format(partition=partition)))
    await tx.execute(Q["keep_archive"], kept)
    await tx.execute(Q["drop_checkpoints_of_archive"])
    await tx.execute(sql(f"ALTER TABLE inventory_transactions DETACH PARTITION {partition}"))
    await tx.execute(sql(f"DROP TABLE {partition}"))
    return (await tx.rows(Q["archives"], as_=Archive))[-1]


async def _files(db: Database, actor: Actor) -> list[str]:
    async with db.transaction() as tx:
        files = [one.file for one in await tx.rows(Q["archives"], as_=Archive) if one.rows]
    for file in files:
        if not await asyncio.to_thread(Path(file).is_file):
            raise Missing("archive file", file)
    return files


def _of(variant_id: int | None) -> list[parquet.Condition]:
    return [] if variant_id is None else [("variant_id", "==", variant_id)]


_FACTS = """
SELECT count(*) AS rows, min(id) AS first_id, max(id) AS last_id,
       min(effective_at) AS first_at, max(effective_at) AS last_at
FROM {partition}
"""

_ROWS = """
SELECT t.id, t.posting_id, t.recorded_at, t.effective_at, t.variant_id, i.sku, t.location_id, l.code AS location,
       t.lot_id, t.serial_id, t.corrects_id, t.line_no, t.type::text AS type, t.quantity, t.unit_cost, t.reason_code,
       t.reference_type, t.reference_id, p.actor_id, p.command, p.note
FROM {partition} t JOIN postings p ON p.id = t.posting_id JOIN product_variants i ON i.id = t.variant_id
JOIN locations l ON l.id = t.location_id
ORDER BY t.id
"""

_OPENING = """
INSERT INTO ledger_opening AS o (variant_id, location_id, lot_id, on_hand)
SELECT variant_id, location_id, lot_id, sum(quantity) FROM {partition} GROUP BY 1, 2, 3
ON CONFLICT (variant_id, location_id, lot_id) DO UPDATE SET on_hand = o.on_hand + excluded.on_hand
"""
