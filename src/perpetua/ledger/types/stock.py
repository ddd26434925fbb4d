"""What is there, and how it came to be so."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from perpetua.ledger.types.commands import Place
from perpetua.ledger.types.posting import TransactionType

__all__ = [
    "AdjustmentRequest",
    "Archive",
    "ArchivedRow",
    "Finding",
    "IntegrityCheck",
    "ItemLevel",
    "Movement",
    "MovementFilters",
    "Position",
    "ReasonCode",
    "Serial",
    "SerialFilters",
    "StockFilters",
    "TransferDocument",
    "TransferLineState",
]


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """A ledger row as its reader sees it, names with the ids. `unit_cost` is absent for who may not see costs."""

    id: int
    posting_id: int
    line_no: int
    recorded_at: datetime
    effective_at: datetime
    type: TransactionType
    variant_id: int
    sku: str
    name: str
    location_id: int
    location: str
    lot: str | None
    serial: str | None
    quantity: Decimal
    unit: str
    unit_cost: Decimal | UnsetType | None = UNSET
    reason_code: str | None
    reference_type: str | None
    reference_id: str | None
    corrects_id: int | None
    corrected_by: int | None
    actor_id: int
    actor: str
    approved_by: int | None
    command: str
    note: str | None


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """The five quantities of a variant, in a place (with all below it) or over all places.

    At a past moment what was promised and ordered is not known: those are None. `value` is at today's cost price.
    """

    variant_id: int
    sku: str
    name: str
    unit: str
    location_id: int | None = None
    location: str | None = None
    on_hand: Decimal
    available: Decimal | None = None
    allocated: Decimal | None = None
    reserved: Decimal | None = None
    on_order: Decimal | None = None
    in_transit: Decimal
    unsellable: Decimal
    version: int | None = None
    as_of: datetime | None = None
    known_at: datetime | None = None
    value: Decimal | UnsetType | None = UNSET


class ItemLevel(msgspec.Struct, frozen=True, kw_only=True):
    """What lies in one place, of one lot. `version` is for `If-Match` on an adjustment; None at a past moment."""

    variant_id: int
    sku: str
    location_id: int
    location: str
    kind: str
    lot: str | None
    expires_on: str | None = None
    on_hand: Decimal
    version: int | None = None
    updated_at: datetime | None = None


class StockFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which items, where, when."""

    location: Place | None = None
    sku: str | None = None
    product_id: int | None = None
    category_id: int | None = None
    owner_id: int | None = None
    with_zero: bool = False
    as_of: datetime | None = None
    known_at: datetime | None = None


class MovementFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which movements. `since` and `until` are by `effective_at`."""

    sku: str | None = None
    variant_id: int | None = None
    location: Place | None = None
    types: list[TransactionType] | None = None
    posting_id: int | None = None
    reference_type: str | None = None
    reference_id: str | None = None
    reason_code: str | None = None
    actor_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    known_at: datetime | None = None


class Serial(msgspec.Struct, frozen=True, kw_only=True):
    """One unit of a serialised item: where it is, or how it left."""

    id: int
    variant_id: int
    sku: str
    serial: str
    status: str
    location_id: int | None
    location: str | None
    lot_id: int | None
    lot: str | None
    updated_at: datetime


class SerialFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which serials. `range`: from one to another, both included, as `A0001..A0500`."""

    sku: str | None = None
    serial: str | None = None
    status: str | None = None
    location: str | None = None
    lot: str | None = None
    range: str | None = None


class ReasonCode(msgspec.Struct, frozen=True, kw_only=True):
    """Why stock was put right, and above what it needs a second person."""

    code: str
    name: str
    used_for: list[TransactionType]
    approval_above_quantity: Decimal | None = None
    approval_above_value: Decimal | None = None
    active: bool = True
    version: int = 1


class TransferLineState(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a two-step transfer."""

    line_no: int
    variant_id: int
    sku: str
    lot_id: int
    lot: str | None
    serial_id: int | None
    serial: str | None
    sent: Decimal
    received: Decimal
    returned: Decimal
    lost: Decimal

    @property
    def open(self) -> Decimal:
        """Still on its way."""
        return self.sent - self.received - self.returned - self.lost


class TransferDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A two-step transfer."""

    id: int
    status: str
    from_location_id: int
    from_location: str
    to_location_id: int
    to_location: str
    transit_id: int
    expected_at: datetime | None
    note: str | None
    created_by: int
    created_at: datetime
    version: int
    lines: list[TransferLineState] = []


class AdjustmentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A command above its reason's threshold, waiting for a second person."""

    id: int
    status: str
    command: str
    body: Any
    why: str
    requested_by: int
    requested_by_name: str
    requested_at: datetime
    decided_by: int | None
    decided_at: datetime | None
    decision_note: str | None
    posting_id: int | None
    version: int


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found: how many things are wrong (at most the first hundred), and the first twenty of them."""

    name: str
    meaning: str
    wrong: int
    examples: list[dict[str, Any]]
    milliseconds: int


class IntegrityCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One run of all checks. Who notes `head` (the last seal's hash) elsewhere will see it when the chain is remade."""

    id: int
    started_at: datetime
    finished_at: datetime
    passed: bool
    rows: int
    head: str | None
    findings: list[Finding]
    run_by: int


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    """A month of the ledger that lies in a Parquet file. `first_at` and `last_at` are by `effective_at`."""

    month: date
    file: str
    sha256: str
    rows: int
    first_id: int | None
    last_id: int | None
    first_at: datetime | None
    last_at: datetime | None
    archived_at: datetime


class ArchivedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A ledger row as the archive has it."""

    id: int
    posting_id: int
    recorded_at: datetime
    effective_at: datetime
    variant_id: int
    sku: str
    location_id: int
    location: str
    lot_id: int
    serial_id: int | None
    corrects_id: int | None
    line_no: int
    type: TransactionType
    quantity: Decimal
    unit_cost: Decimal | UnsetType | None
    reason_code: str | None
    reference_type: str | None
    reference_id: str | None
    actor_id: int
    command: str
    note: str | None
