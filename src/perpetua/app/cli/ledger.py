"""`perpetua ledger`: how it came to be so."""

from datetime import datetime

from cyclopts import App

from perpetua.app.cli import common
from perpetua.kit.clock import parse_instant
from perpetua.kit.listing import PageRequest
from perpetua.ledger import service
from perpetua.ledger.types import MovementFilters, TransactionType

__all__ = ["app"]

app = App(name="ledger", help="The history of an item.")

_COLUMNS = {
    "id": "Row", "effective_at": "Happened", "type": "Type", "sku": "SKU", "location": "Location", "lot": "Lot",
    "serial": "Serial", "quantity": "Quantity", "reason_code": "Reason", "reference_id": "Reference", "actor": "By",
    "recorded_at": "Written", "corrects_id": "Corrects", "corrected_by": "Corrected by",
}  # fmt: skip


@app.default
async def ledger(
    sku: str | None = None,
    *,
    location: str | None = None,
    type: list[TransactionType] | None = None,  # noqa: A002 (the option's name)
    since: str | None = None,
    until: str | None = None,
    known_at: str | None = None,
    reference: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> None:
    """Show the ledger's rows: of one item as they happened, of all as they were written; the latest first.

    Args:
        sku: one item.
        location: code of a place; it and all below it.
        type: such as SALE or RECEIPT; several may be given.
        since: from this instant on.
        until: before this instant.
        known_at: only what was written by then.
        reference: id of the document that the rows name.
        limit: at most so many, up to 1000.
        cursor: what the page before told to go on with.
    """
    filters = MovementFilters(
        sku=sku, location=location, types=type or None, since=_at(since, "since"), until=_at(until, "until"),
        known_at=_at(known_at, "known_at"), reference_id=reference,
    )  # fmt: skip
    page = PageRequest(limit=min(max(limit, 1), 1000), cursor=cursor)
    async with common.database() as db:
        found = await service.list_movements(db, common.actor(), filters, page)
    common.show_page(found, title=f"Ledger of {sku}" if sku else "Ledger", columns=_COLUMNS)


def _at(text: str | None, field: str) -> datetime | None:
    return parse_instant(text, field) if text else None
