"""Scans as values: what a device sends, what it is told, what the log shows."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from perpetua.ledger.types import ItemLevel, Posted

__all__ = [
    "Action", "BatchAnswer", "BatchScan", "Outcome", "Reading", "Scan", "ScanAnswer", "ScanBatch", "ScanFilters",
    "ScanRecord", "ScannedItem", "ScannedPlace",
]  # fmt: skip

Action = Literal["lookup", "receive", "move", "adjust", "count"]
Outcome = Literal["answered", "posted", "waits", "agreed", "refused"]

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
PlaceCode = Annotated[str, msgspec.Meta(max_length=100)]
Short = Annotated[str, msgspec.Meta(max_length=100)]
Key = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Scan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One scan, and what is to be done with what it names."""

    code: Code
    """As the scanner sent it, with its FNC1 (U+001D) and symbology identifier where it sends them."""
    action: Action = "lookup"
    symbology: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    """As the scanner names it, such as ean13, qr, gs1-128, epc."""
    device: Short | None = None
    scanned_at: datetime | None = None
    """By the device's clock; also when the stock moved, unless it lies in the future."""
    quantity: Decimal | None = None
    """How many of what was scanned (a case's barcode counts its units); 1, or the count on the label, where left out.
    For `adjust` the signed change, for `count` what was found, both necessary."""
    location: PlaceCode | None = None
    """Code of the place where it happens; needed for all but `lookup`."""
    to: PlaceCode | None = None
    """For `move`: code of the place it goes to."""
    lot: Short | None = None
    """Where the label does not say it."""
    serial: Short | None = None
    """Where the label does not say it."""
    reason_code: Short | None = None
    """For `adjust` (necessary) and `count` (else "count")."""


class BatchScan(Scan, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A scan of a device's queue, under a key of its own."""

    key: Key


class ScanBatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a device collected while it had no connection, in the order of scanning."""

    scans: list[BatchScan]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What the code says by itself. `codes` are the ways to look it up."""

    codes: list[str]
    gtin: str | None = None
    sscc: str | None = None
    lot: str | None = None
    serial: str | None = None
    expires_on: date | None = None
    count: Decimal | None = None


class ScannedItem(msgspec.Struct, frozen=True, kw_only=True):
    """The item that a code names. `units` is what one of the scanned package holds, in base units."""

    variant_id: int
    product_id: int
    sku: str
    name: str
    unit: str
    tracking: str
    active: bool
    named_by: Literal["barcode", "sku"] = "sku"
    level: str = "each"
    units: Decimal = Decimal(1)


class ScannedPlace(msgspec.Struct, frozen=True, kw_only=True):
    """The place that a label names."""

    location_id: int
    code: str
    kind: str
    active: bool


class ScanAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the scan named (an item or a place), what lies here, what may be done, and what was posted."""

    scan_id: int
    action: Action
    outcome: Outcome
    item: ScannedItem | None = None
    place: ScannedPlace | None = None
    reading: Reading
    stock: list[ItemLevel] = []
    """Where the item lies: below the place named in the scan, else everywhere the reader may see; 100 at most."""
    can: list[Action] = []
    posted: Posted | None = None


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One scan's own answer: either `answer`, or `problem` with the status it would have had alone."""

    key: str
    status: int
    replayed: bool = False
    answer: ScanAnswer | None = None
    problem: dict[str, Any] | None = None


class ScanRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the log with its last result; `outcome` is None where the work on it was cut off."""

    id: int
    recorded_at: datetime
    scanned_at: datetime | None
    actor_id: int
    actor: str
    device: str | None
    symbology: str | None
    payload: bytes
    """What the scanner sent, in base64."""
    payload_text: str | None
    action: Action
    location: str | None
    asked: dict[str, Any]
    outcome: Outcome | None
    variant_id: int | None
    sku: str | None
    location_id: int | None
    lot: str | None
    serial: str | None
    quantity: Decimal | None
    posting_id: int | None
    refusal_code: str | None
    refusal: dict[str, Any] | None


class ScanFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows of the log; None does not filter."""

    device: str | None = None
    actor_id: int | None = None
    action: Action | None = None
    outcome: Outcome | None = None
    code: str | None = None
    """The whole code, as it was scanned."""
    variant_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
