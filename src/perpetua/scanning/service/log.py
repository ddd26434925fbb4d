"""The log of scans, as it is read."""

from perpetua.access.types import Actor
from perpetua.kit.clock import bounded
from perpetua.kit.database import Database
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.scanning import store
from perpetua.scanning.types import ScanFilters, ScanRecord

__all__ = ["list_scans"]


async def list_scans(db: Database, actor: Actor, filters: ScanFilters, page: PageRequest) -> Page[ScanRecord]:
    """A page of the log, the latest first. Who is confined to places sees the own scans and those made there."""
    actor.require("stock.read")
    after = page.after(int)
    for name in ("since", "until"):
        if (moment := getattr(filters, name)) is not None:
            bounded(moment, name)
    async with db.snapshot() as tx:
        rows = await store.list_scans(tx, actor, filters, after[0] if after else None, page.limit + 1)
    return page_of(rows, page, lambda row: [row.id])
