"""Receipts as they are decided and written."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

import msgspec

from perpetua.receiving.types.reading import DiscrepancyKind, ReceiptStatus

__all__ = ["Allotted", "Found", "LineToUndo", "Locked", "NewLine", "OpenLine", "Part"]


class Locked(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt under lock. `last_no`: the highest number of its lines; `announced`: it was said what would come."""

    id: int
    site_id: int
    site: str
    location_id: int
    location: str
    supplier_id: int | None
    supplier: str | None
    status: ReceiptStatus
    created_at: datetime
    version: int
    last_no: int
    po_ids: list[int]
    announced: list[int]
    """The variants that are expected."""


class OpenLine(NamedTuple):
    """A line of an order that goods may come for. `most`: so much in all is taken without a question."""

    id: int
    po_id: int
    line_no: int
    variant_id: int
    ordered: Decimal
    received: Decimal
    cancelled: Decimal
    most: Decimal
    due: date | None


class Found(NamedTuple):
    """A line that came, its names found. `po_id`: it is for that order alone."""

    at: int
    variant_id: int
    sku: str
    quantity: Decimal
    condition: str
    wrong: bool
    expired: bool
    accept: frozenset[str]
    po_id: int | None = None


class Part(NamedTuple):
    """Part of what came: for a line of an order, or for none."""

    po_line_id: int | None
    quantity: Decimal
    over: Decimal
    """So much of it is more than was ordered."""


class Allotted(NamedTuple):
    """What a line that came is for."""

    at: int
    parts: Sequence[Part]
    unexpected: bool


class NewLine(NamedTuple):
    """A line of a receipt to be written, with what was not as it should be."""

    line_no: int
    po_line_id: int | None
    variant_id: int
    lot_id: int
    location_id: int
    condition: str
    quantity: Decimal
    note: str | None
    found: Sequence[tuple[DiscrepancyKind, Decimal, Decimal | None]]
    """Kind, quantity, what was expected."""
    instead_of: int | None = None


class LineToUndo(msgspec.Struct, frozen=True, kw_only=True):
    """A line that is to be undone, with its rows in the ledger."""

    id: int
    line_no: int
    po_line_id: int | None
    po_id: int | None
    quantity: Decimal
    location_path: list[int]
    location: str
    received_by: int
    undone_at: datetime | None
    row_ids: list[int]
