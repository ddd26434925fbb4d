"""`perpetua stock`: what is where, now or at any past instant."""

from typing import Any

from cyclopts import App

from perpetua.app.cli import common
from perpetua.kit.clock import parse_instant
from perpetua.kit.listing import PageRequest
from perpetua.ledger import service
from perpetua.ledger.types import StockFilters

__all__ = ["app"]

app = App(name="stock", help="What is where, now or at any past instant.")

_NOW = {
    "sku": "SKU", "name": "Name", "unit": "Unit", "on_hand": "On hand", "available": "Available",
    "allocated": "Allocated", "reserved": "Reserved", "on_order": "On order", "in_transit": "In transit",
}  # fmt: skip
_THEN = {name: _NOW[name] for name in ("sku", "name", "unit", "on_hand", "in_transit")}
_LEVELS = {"location": "Location", "kind": "Kind", "lot": "Lot", "on_hand": "On hand", "version": "Version"}


@app.default
async def stock(
    sku: str | None = None,
    *,
    location: str | None = None,
    as_of: str | None = None,
    known_at: str | None = None,
    with_zero: bool = False,
    limit: int = 50,
    cursor: str | None = None,
) -> None:
    """Show stock by item; with a SKU also where it lies.

    Args:
        sku: one item.
        location: code of a place; it and all below it.
        as_of: as it was then (2026-03-31, or 2026-03-31T14:00Z).
        known_at: as it was known then.
        with_zero: also what there is none of.
        limit: at most so many items, up to 1000.
        cursor: what the page before told to go on with.
    """
    then = parse_instant(as_of, "as_of") if as_of else None
    known = parse_instant(known_at, "known_at") if known_at else None
    filters = StockFilters(
        location=location, sku=sku, with_zero=with_zero or sku is not None, as_of=then, known_at=known
    )
    page = PageRequest(limit=min(max(limit, 1), 1000), cursor=cursor)
    async with common.database() as db:
        found = await service.list_stock(db, common.actor(), filters, page)
        ids = [position.variant_id for position in found.items] if sku else []
        levels = await service.item_levels(db, common.actor(), ids, as_of=then, known_at=known) if ids else []
    if common.as_json():
        told: dict[str, Any] = {"items": found.items, "next_cursor": found.next_cursor}
        common.show(told | ({"levels": levels} if sku else {}))
        return
    when = f" as of {as_of}" if as_of else ""
    when += f" as known at {known_at}" if known_at else ""
    common.show(
        found.items, title=f"Stock{f' in {location}' if location else ''}{when}", columns=_THEN if when else _NOW
    )
    if sku:
        common.show(levels, title="Where it lies", columns=_LEVELS)
    if found.next_cursor:
        common.say(f"There are more: --cursor {found.next_cursor}")
