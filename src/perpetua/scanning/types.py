"""Scans as values: what a device sends, what it is told, what the log shows."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from perpetua.gs1.types import Element, Measure
from perpetua.ledger.types import ItemLevel, Posted
from perpetua.receiving.types import Accept, Condition, Taken

__all__ = [
    "Action", "BatchAnswer", "BatchScan", "Choice", "Outcome", "Reading", "Scan", "ScanAnswer", "ScanBatch",
    "ScanFilters", "ScanRecord", "ScannedGoods", "ScannedItem", "ScannedPlace", "ScannedPlate", "Trait",
]  # fmt: skip

Action = Literal["lookup", "receive", "move", "adjust", "count"]
Outcome = Literal["answered", "posted", "waits", "agreed", "refused"]
Trait = Literal["lot", "serial"]

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
    """Code of the place where it happens; needed for all but `lookup`, and but for moving a plate."""
    to: PlaceCode | None = None
    """For `move`: code of the place it goes to."""
    lot: Short | None = None
    """Where the label does not say it."""
    serial: Short | None = None
    """Where the label does not say it."""
    reason_code: Short | None = None
    """For `adjust` (necessary) and `count` (else "count")."""
    receipt_id: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None
    """For `receive`: the open receipt that it comes with. It is counted against what was ordered, and put at the dock
    where no `location` is given."""
    condition: Condition | None = None
    """For `receive` with a receipt: what is damaged goes where nothing is sold."""
    accept: list[Accept] | None = None
    """For `receive` with a receipt: what is taken in though it would be refused."""


class BatchScan(Scan, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A scan of a device's queue, under a key of its own."""

    key: Key


class ScanBatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a device collected while it had no connection, in the order of scanning."""

    scans: list[BatchScan]


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One way to read a code whose separators the scanner dropped."""

    lot: str | None = None
    serial: str | None = None
    expires_on: date | None = None
    count: Decimal | None = None
    text: str
    """With each identifier in brackets, as it would be printed."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What the code says by itself. `codes` are the ways to look it up."""

    codes: list[str]
    gtin: str | None = None
    sscc: str | None = None
    lot: str | None = None
    serial: str | None = None
    expires_on: date | None = None
    best_before_on: date | None = None
    produced_on: date | None = None
    count: Decimal | None = None
    net: Measure | None = None
    """Net weight, length, area or volume of an item of variable measure."""
    elements: list[Element] = []
    """All that a GS1 code says, each identifier with its title, value and meaning."""
    ambiguous: bool = False
    """Separators are lost, and neither the code nor what is known of the item says which of `choices` is meant."""
    choices: list[Choice] = []
    notes: list[str] = []
    """What is odd about the code, in words: a pair that GS1 does not allow, a separator missing."""


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


class ScannedPlate(msgspec.Struct, frozen=True, kw_only=True):
    """The license plate that an SSCC or a code names; `goods`: how many lines stand on it and the plates on it."""

    plate_id: int
    code: str
    sscc: str | None
    location: str
    status: str
    goods: int
    plates: int


class ScannedGoods(msgspec.Struct, frozen=True, kw_only=True):
    """What the scanned package is, in the item's own terms."""

    quantity: Decimal | None
    """How much of the item, in its unit: packages, the count or the net measure on the label. None: the label's measure
    can't be turned into the item's unit without rounding."""
    unit: str
    lot: str | None = None
    lot_id: int | None = None
    expires_on: date | None = None
    best_before_on: date | None = None
    produced_on: date | None = None
    serial: str | None = None
    serial_id: int | None = None
    unknown: list[Trait] = []
    """What the label names and nobody recorded yet."""
    missing: list[Trait] = []
    """What the item is tracked by, and neither the label nor the scan says for sure."""
    notes: list[str] = []
    """What a person should look at: another expiry than recorded, expired, a blocked lot, a serial that is out."""


class ScanAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the scan named (an item, a place or a plate), what lies here, what may be done, and what was posted."""

    scan_id: int
    action: Action
    outcome: Outcome
    item: ScannedItem | None = None
    place: ScannedPlace | None = None
    plate: ScannedPlate | None = None
    reading: Reading
    goods: ScannedGoods | None = None
    """Lot, expiry, serial and quantity of a scanned item."""
    stock: list[ItemLevel] = []
    """Where the item lies: below the place named in the scan, else everywhere the reader may see; 100 at most."""
    can: list[Action] = []
    posted: Posted | None = None
    received: Taken | None = None
    """With a receipt: for which orders it came, what is still to come, and what was not as it should be."""


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
