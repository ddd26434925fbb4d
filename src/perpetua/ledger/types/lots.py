"""Lots as values: what was made together, whether it may be sent, and its papers."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

__all__ = [
    "ChangeLot", "ExpiringLot", "Lot", "LotDetail", "LotEvent", "LotFile", "LotFilters", "LotPlace", "LotStatus",
    "SetLotStatus",
]  # fmt: skip

LotStatus = Literal["released", "hold", "quarantine", "recalled"]
"""Only what is released may be sold, promised or used up."""

Short = Annotated[str, msgspec.Meta(max_length=100)]
Name = Annotated[str, msgspec.Meta(max_length=200)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class Lot(msgspec.Struct, frozen=True, kw_only=True):
    """A lot of an item, with how much of it lies at the reader's places. `expires_on` is the last day (in UTC) on which
    it may be sent; `certificate` the SHA-256 of its certificate file."""

    id: int
    variant_id: int
    sku: str
    name: str
    unit: str
    number: str
    status: LotStatus
    supplier: str | None
    supplier_lot: str | None
    manufactured_on: date | None
    expires_on: date | None
    best_before_on: date | None
    certificate: str | None
    certificate_type: str | None
    created_at: datetime
    updated_at: datetime
    version: int
    on_hand: Decimal
    in_transit: Decimal


class LotPlace(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a lot lies in a place."""

    location_id: int
    location: str
    kind: str
    sellable: bool
    site: str
    on_hand: Decimal
    version: int


class LotDetail(Lot, frozen=True, kw_only=True):
    """A lot with where it lies, what is promised of it, and what came of it (as far as the rows are not archived)."""

    places: list[LotPlace]
    allocated: Decimal
    reserved: Decimal
    received: Decimal
    sold: Decimal
    returned: Decimal
    written_off: Decimal


class LotFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which lots. `number`: how it begins; `location`: on hand is counted there; `with_stock`: only what lies there."""

    sku: str | None = None
    variant_id: int | None = None
    status: LotStatus | None = None
    expiring_before: date | None = None
    number: str | None = None
    supplier: str | None = None
    supplier_lot: str | None = None
    location: str | None = None
    with_stock: bool = False


class ChangeLot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different of a lot's dates and papers; what is left out stays. `reason` is kept with the change."""

    supplier: Name | UnsetType | None = UNSET
    supplier_lot: Short | UnsetType | None = UNSET
    manufactured_on: date | UnsetType | None = UNSET
    expires_on: date | UnsetType | None = UNSET
    best_before_on: date | UnsetType | None = UNSET
    reason: Reason | None = None


class SetLotStatus(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keep a lot from being sent, or release it. Recalls have a command of their own."""

    status: Literal["released", "hold", "quarantine"]
    reason: Reason


class LotEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What was changed of a lot: the fields as they were and as they became, who did it, when, and why."""

    id: int
    lot_id: int
    at: datetime
    actor_id: int
    actor: str
    action: Literal["status", "changed", "certificate"]
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str | None
    reference: str | None


class LotFile(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate's content."""

    media_type: str
    content: bytes


class ExpiringLot(msgspec.Struct, frozen=True, kw_only=True):
    """A lot with stock whose last day comes, or is over (`days_left` below 0). `value` is at cost price; it is absent
    for who may not see costs. `alerted_at`: when people were told of it."""

    id: int
    variant_id: int
    sku: str
    name: str
    unit: str
    number: str
    status: LotStatus
    expires_on: date
    days_left: int
    on_hand: Decimal
    value: Decimal | UnsetType | None = UNSET
    alerted_at: datetime | None = None
