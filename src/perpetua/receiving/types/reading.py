"""Receipts as they are shown."""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import msgspec

__all__ = [
    "Discrepancy", "DiscrepancyFilters", "DiscrepancyKind", "DiscrepancyStatus", "ExpectedLine", "Photo",
    "PhotoContent", "Receipt", "ReceiptFilters", "ReceiptLine", "ReceiptStatus", "ReceiptSummary", "Taken", "TakenLine",
    "number_of",
]  # fmt: skip

ReceiptStatus = Literal["OPEN", "CLOSED"]
DiscrepancyKind = Literal["short", "over", "damaged", "wrong_item", "unexpected", "expired"]
DiscrepancyStatus = Literal["OPEN", "RESOLVED", "UNDONE"]


class ExpectedLine(msgspec.Struct, frozen=True, kw_only=True):
    """What was to come with a receipt, and how much of it did. `open`: how much its order still waits for."""

    line_no: int
    order: str | None
    order_line: int | None
    variant_id: int
    sku: str
    name: str
    unit: str
    tracking: str
    supplier_sku: str | None
    expected: Decimal
    received: Decimal
    open: Decimal | None
    plate: str | None = None
    lot: str | None = None


class ReceiptLine(msgspec.Struct, frozen=True, kw_only=True):
    """What came, and where it was put. `undone_at`: it was a mistake and taken back."""

    line_no: int
    order: str | None
    order_line: int | None
    variant_id: int
    sku: str
    name: str
    unit: str
    lot: str | None
    expires_on: date | None
    serials: list[str]
    location: str
    condition: Literal["good", "damaged", "expired"]
    quantity: Decimal
    posting_id: int
    note: str | None
    received_by: str
    received_at: datetime
    undone_by: str | None
    undone_at: datetime | None
    undo_reason: str | None


class Photo(msgspec.Struct, frozen=True, kw_only=True):
    """A picture of what was not as it should be; its content is read at `/api/discrepancies/photos/{sha256}`."""

    id: int
    sha256: str
    media_type: str
    size_bytes: int


class PhotoContent(msgspec.Struct, frozen=True, kw_only=True):
    """The bytes of a picture, and what they are."""

    media_type: str
    content: bytes


class Discrepancy(msgspec.Struct, frozen=True, kw_only=True):
    """Something was not as it should be. `expected`: what should have come; `instead_of`: the SKU that should have."""

    id: int
    receipt_id: int
    receipt: str
    line_no: int | None
    order: str | None
    order_line: int | None
    supplier: str | None
    site: str
    kind: DiscrepancyKind
    sku: str | None
    name: str | None
    quantity: Decimal
    expected: Decimal | None
    instead_of: str | None
    code: str | None
    note: str | None
    status: DiscrepancyStatus
    resolution: str | None
    answer: str | None
    noted_by: str
    noted_at: datetime
    settled_by: str | None
    settled_at: datetime | None
    version: int
    photos: list[Photo]


class DiscrepancyFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which discrepancies a list shows."""

    receipt_id: int | None = None
    supplier: str | None = None
    kind: DiscrepancyKind | None = None
    status: DiscrepancyStatus | None = None
    sku: str | None = None


class ReceiptSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt as a list shows it. `lines`: those that are not undone."""

    id: int
    number: str
    site: str
    location: str
    supplier: str | None
    supplier_name: str | None
    orders: list[str]
    status: ReceiptStatus
    reference: str | None
    carrier: str | None
    created_at: datetime
    closed_at: datetime | None
    version: int
    lines: int
    expected_lines: int
    discrepancies: int


class Receipt(ReceiptSummary, frozen=True, kw_only=True):
    """A receipt as a whole. Of more than `more_than` lines that came, the newest so many are shown."""

    note: str | None
    created_by: str
    closed_by: str | None
    expected: list[ExpectedLine]
    came: list[ReceiptLine]
    found: list[Discrepancy]
    more: bool
    """There are more lines than are shown: see `/api/receipts/{id}/lines`."""


class ReceiptFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which receipts a list shows. `order`: the number of a purchase order."""

    status: ReceiptStatus | None = None
    supplier: str | None = None
    order: str | None = None
    site: str | None = None
    sku: str | None = None
    reference: str | None = None


class TakenLine(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a line that was sent: part of it for a line of an order. `open`: what is still to come of that."""

    line: int
    line_no: int
    order: str | None
    order_line: int | None
    sku: str
    quantity: Decimal
    location: str
    lot: str | None
    open: Decimal | None
    discrepancies: list[DiscrepancyKind]


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken in."""

    receipt_id: int
    receipt: str
    posting_id: int
    version: int
    lines: list[TakenLine]


def number_of(receipt_id: int) -> str:
    """The receipt's number, as people say it: `R-000123`."""
    return f"R-{receipt_id:06d}"
