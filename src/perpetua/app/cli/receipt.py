"""`perpetua receipt`: deliveries at the dock, listed, shown, printed."""

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from perpetua.app.cli import common
from perpetua.app.settings import Settings
from perpetua.kit.errors import InvalidValue
from perpetua.kit.listing import PageRequest
from perpetua.receiving import service
from perpetua.receiving.types import (
    DiscrepancyFilters,
    DiscrepancyKind,
    DiscrepancyStatus,
    ReceiptFilters,
    ReceiptStatus,
)

__all__ = ["app"]

app = App(name="receipt", help="Deliveries at the dock.")

_COLUMNS = {
    "number": "Receipt", "status": "Status", "site": "Site", "location": "At", "supplier": "Supplier",
    "orders": "Orders", "reference": "Delivery note", "lines": "Lines", "expected_lines": "Expected",
    "discrepancies": "Not as it should be", "created_at": "Opened",
}  # fmt: skip
_HEAD = (
    "number",
    "status",
    "site",
    "location",
    "supplier",
    "orders",
    "reference",
    "carrier",
    "created_at",
    "closed_at",
)
_EXPECTED = {
    "line_no": "Line", "order": "Order", "sku": "SKU", "name": "Name", "expected": "Expected", "received": "Came",
    "open": "Open",
}  # fmt: skip
_CAME = {
    "line_no": "Line", "order": "Order", "sku": "SKU", "quantity": "Came", "lot": "Lot", "expires_on": "Expires",
    "location": "Put at", "condition": "Condition", "undone_at": "Undone",
}  # fmt: skip
_FOUND = {
    "id": "No.", "receipt": "Receipt", "supplier": "Supplier", "kind": "What", "sku": "SKU", "quantity": "Quantity",
    "expected": "Expected", "status": "Status", "resolution": "Resolution", "note": "Note",
}  # fmt: skip


@app.command(name="list")
async def list_(
    *,
    status: ReceiptStatus | None = None,
    supplier: str | None = None,
    order: str | None = None,
    site: str | None = None,
    sku: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> None:
    """List receipts, the newest first.

    Args:
        status: OPEN or CLOSED.
        supplier: the supplier's code.
        order: a purchase order, such as PO-000123.
        site: where it came.
        sku: those with which this item came.
        limit: at most so many, up to 1000.
        cursor: what the page before told to go on with.
    """
    filters = ReceiptFilters(status=status, supplier=supplier, order=order, site=site, sku=sku)
    page = PageRequest(limit=min(max(limit, 1), 1000), cursor=cursor)
    async with common.database() as db:
        found = await service.list_receipts(db, common.actor(), filters, page)
    common.show_page(found, title="Receipts", columns=_COLUMNS)


@app.command
async def show(receipt: str) -> None:
    """Show one receipt: what was expected, what came, what was not as it should be.

    Args:
        receipt: its number (R-000123) or its id.
    """
    async with common.database() as db:
        found = await service.get_receipt(db, common.actor(), _id(receipt))
    if common.as_json():
        common.show(found)
        return
    common.show({name: getattr(found, name) for name in _HEAD}, title=found.number)
    common.show(found.expected, title="Expected", columns=_EXPECTED)
    common.show(found.came, title="Came", columns=_CAME)
    common.show(found.found, title="Not as it should be", columns=_FOUND)


@app.command
async def paper(receipt: str, file: Path, *, blind: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Write the receiving list as PDF.

    Args:
        receipt: its number or its id.
        file: where to.
        blind: without how much is expected, so that people count.
    """
    settings = Settings.load()
    async with common.database() as db:
        made = await service.receiving_list(db, common.actor(), _id(receipt), settings.letterhead, blind=blind)
    await asyncio.to_thread(file.write_bytes, made)
    common.say(f"Written: {file}")


@app.command
async def discrepancies(
    *,
    status: DiscrepancyStatus | None = "OPEN",
    kind: DiscrepancyKind | None = None,
    supplier: str | None = None,
    sku: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> None:
    """List what was not as it should be, the newest first.

    Args:
        status: OPEN, RESOLVED or UNDONE.
        kind: such as short or damaged.
        supplier: the supplier's code.
        sku: of this item.
        limit: at most so many, up to 1000.
        cursor: what the page before told to go on with.
    """
    filters = DiscrepancyFilters(status=status, kind=kind, supplier=supplier, sku=sku)
    page = PageRequest(limit=min(max(limit, 1), 1000), cursor=cursor)
    async with common.database() as db:
        found = await service.list_discrepancies(db, common.actor(), filters, page)
    common.show_page(found, title="Not as it should be", columns=_FOUND)


def _id(receipt: str) -> int:
    digits = receipt.upper().removeprefix("R-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        raise InvalidValue("receipt", receipt, "is no receipt; write it like R-000123 or 123")
    return int(digits)
