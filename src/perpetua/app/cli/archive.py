"""`perpetua archive`: old months of the ledger in Parquet files."""

from pathlib import Path

from cyclopts import App

from perpetua.app.cli import common
from perpetua.app.settings import Settings
from perpetua.items import service as items
from perpetua.kit.clock import parse_instant
from perpetua.kit.database import Database
from perpetua.kit.errors import Missing
from perpetua.ledger import service
from perpetua.places import service as places

__all__ = ["app"]

app = App(name="archive", help="Old months of the ledger in Parquet files.")


@app.command
async def run(*, keep_months: int = 24, folder: Path | None = None) -> None:
    """Archive the months that ended longer ago than is kept; an opening balance stays in the ledger.

    Args:
        keep_months: so many whole months stay.
        folder: where the files go; by default `archive` below PERPETUA_HOME.
    """
    settings = Settings.load()
    async with common.database(settings) as db:
        done = await service.archive(
            db, common.actor(), folder or settings.archive_folder, keep_months=max(keep_months, 1)
        )
    common.show(done, title="Archived now", columns=["month", "rows", "file", "sha256"])


@app.command(name="list")
async def list_() -> None:
    """List what was archived."""
    async with common.database() as db:
        common.show(
            await service.list_archives(db, common.actor()),
            title="Archived",
            columns=["month", "rows", "file", "archived_at"],
        )


@app.command
async def ledger(sku: str, *, since: str | None = None, until: str | None = None, limit: int = 100) -> None:
    """Show an item's archived rows, the latest first.

    Args:
        sku: the item.
        since: from this instant on.
        until: before this instant.
        limit: at most so many.
    """
    async with common.database() as db:
        rows = await service.archived_rows(
            db,
            common.actor(),
            variant_id=await _variant(db, sku),
            limit=limit,
            since=parse_instant(since, "since") if since else None,
            until=parse_instant(until, "until") if until else None,
        )
    columns = ["id", "effective_at", "type", "location", "quantity", "reference_id", "recorded_at"]
    common.show(rows, title=f"Archived ledger of {sku}", columns=columns)


@app.command
async def stock(sku: str, as_of: str) -> None:
    """Show where an item lay at a moment in archived months.

    Args:
        sku: the item.
        as_of: the moment.
    """
    async with common.database() as db:
        found = await service.archived_stock(
            db, common.actor(), parse_instant(as_of, "as_of"), variant_id=await _variant(db, sku)
        )
        async with db.transaction() as tx:
            codes = await places.by_ids(tx, [location for _, location, _ in found])
    common.show([{"location": codes[location].code, "on_hand": quantity} for _, location, quantity in found],
                title=f"{sku} as of {as_of}")  # fmt: skip


async def _variant(db: Database, sku: str) -> int:
    async with db.transaction() as tx:
        found = await items.resolve_skus(tx, [sku])
    if sku.upper() not in found:
        raise Missing("item", sku)
    return found[sku.upper()].id
