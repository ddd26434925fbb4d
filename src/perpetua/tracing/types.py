"""Traces, holders and recalls as values. Quantities are in the item's base unit."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

__all__ = [
    "CloseRecall", "Direction", "Holder", "OpenRecall", "Recall", "RecallDetail", "RecallFilters", "RecallLot",
    "ReleaseLots", "TraceRow",
]  # fmt: skip

Direction = Literal["forward", "backward"]
Short = Annotated[str, msgspec.Meta(max_length=200)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
Notes = Annotated[str, msgspec.Meta(max_length=20_000)]
LotId = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class TraceRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to what is traced, or to what it was made of, or is in. `quantity` is signed, as the
    ledger has it; of a transfer, what left `location` for `to_location`. Customers: see `Holder`."""

    id: int
    effective_at: datetime
    recorded_at: datetime
    type: str
    variant_id: int
    sku: str
    unit: str
    lot_id: int | None
    lot: str | None
    serial_id: int | None
    serial: str | None
    quantity: Decimal
    location: str
    site: str
    to_location: str | None
    reason_code: str | None
    reference_type: str | None
    reference_id: str | None
    order_id: int | None
    order_number: str | None
    customer: str | UnsetType | None = UNSET
    customer_name: str | UnsetType | None = UNSET
    purchase_order: str | None
    """What it was ordered with; the receipt, where there is one, is the reference."""
    supplier: str | None
    supplier_lot: str | None
    posting_id: int
    actor_id: int
    actor: str
    corrects_id: int | None
    corrected_by: int | None


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who has some of a lot. `sent`: an order or another document took `quantity`, of which `returned` came back.
    `here` and `in_transit`: it lies there. `promised`: an order or the holder of a reservation was to have it when it
    was recalled. Customers are absent for who may not see them."""

    kind: Literal["here", "in_transit", "promised", "sent"]
    lot_id: int
    lot: str
    sku: str
    name: str
    unit: str
    quantity: Decimal
    returned: Decimal
    reference_type: str | None
    reference_id: str | None
    order_id: int | None
    order_number: str | None
    customer: str | UnsetType | None = UNSET
    customer_name: str | UnsetType | None = UNSET
    email: str | UnsetType | None = UNSET
    holder: str | None
    location: str | None
    last_at: datetime | None


class OpenRecall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Call back lots: by their ids, or all that fit what is said (of an item, a supplier, the supplier's lot, received
    from `received_from` up to, not including, `received_until`); unless said otherwise, with what was made of them."""

    reason: Reason
    lot_ids: list[LotId] | None = None
    sku: Short | None = None
    supplier: Short | None = None
    supplier_lot: Short | None = None
    received_from: datetime | None = None
    received_until: datetime | None = None
    with_made: bool = True
    notes: Notes | None = None


class ReleaseLots(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Some lots of a recall turned out to be good, or are to be looked at further (`hold`, `quarantine`)."""

    lot_ids: list[LotId]
    reason: Reason
    status: Literal["released", "hold", "quarantine"] = "released"


class CloseRecall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """It is done. `leave_rest`: although some of it is still here; it stays blocked. `notes` replace those there."""

    notes: Notes | None = None
    leave_rest: bool = False


class Recall(msgspec.Struct, frozen=True, kw_only=True):
    """A recall, without its lots."""

    id: int
    number: str
    reason: str
    notes: str | None
    opened_at: datetime
    opened_by: int
    opened_by_name: str
    closed_at: datetime | None
    closed_by: int | None
    closed_by_name: str | None
    version: int
    lot_count: int


class RecallLot(msgspec.Struct, frozen=True, kw_only=True):
    """A lot of a recall. `was`: its status before; `made`: it was made of one that was asked for; `promised`: until it
    was recalled; `returned_since` and `written_off_since`: since then. Quantities are those at the reader's places."""

    lot_id: int
    sku: str
    name: str
    unit: str
    lot: str
    status: str
    supplier: str | None
    supplier_lot: str | None
    expires_on: date | None
    made: bool
    was: str
    released_at: datetime | None
    release_reason: str | None
    received: Decimal
    sent: Decimal
    returned: Decimal
    returned_since: Decimal
    written_off_since: Decimal
    on_hand: Decimal
    in_transit: Decimal
    promised: Decimal


class RecallDetail(Recall, frozen=True, kw_only=True):
    """A recall with its lots, and how far it has come."""

    lots: list[RecallLot]


class RecallFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which recalls."""

    open: bool | None = None
    number: str | None = None
