"""Suppliers as values."""

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from perpetua.kit.quantity import ZERO

__all__ = [
    "Address", "Calendar", "ChangeSupplier", "Contact", "CreateSupplier", "Supplier", "SupplierFilters", "SupplierRef",
    "Terms",
]  # fmt: skip


class Address(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a supplier is. `kind`: where orders go, where goods leave, where money goes. `country`: ISO 3166."""

    kind: Literal["office", "shipping", "billing"] = "office"
    lines: list[str] = []
    city: str | None = None
    region: str | None = None
    postcode: str | None = None
    country: str | None = None


class Contact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody there."""

    name: str
    role: str | None = None
    email: str | None = None
    phone: str | None = None


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When an invoice is due, and what comes off when it is paid within `discount_days`."""

    net_days: int = 30
    discount_percent: Decimal = ZERO
    discount_days: int = 0


class Calendar(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a supplier works. `working_days`: 1 is Monday. An order after `cut_off` (in `timezone`) counts for the next
    working day."""

    working_days: list[int] = msgspec.field(default_factory=lambda: [1, 2, 3, 4, 5])
    holidays: list[date] = []
    cut_off: time | None = None
    timezone: str = "UTC"


class Supplier(msgspec.Struct, frozen=True, kw_only=True):
    """A supplier as it is kept.

    `order_email`: where orders go. `lead_time_days`: for items of theirs that state none. `over_percent`: so much more
    than ordered is taken at the dock without a question; null: as the purchasing settings say.
    """

    id: int
    code: str
    name: str
    order_email: str | None
    language: str
    currency: str
    terms: Terms
    lead_time_days: int | None
    over_percent: Decimal | None
    calendar: Calendar
    addresses: list[Address]
    contacts: list[Contact]
    active: bool
    version: int
    created_at: datetime
    updated_at: datetime


class SupplierRef(msgspec.Struct, frozen=True, kw_only=True):
    """What another word takes from a supplier."""

    id: int
    code: str
    name: str
    order_email: str | None
    language: str
    currency: str
    lead_time_days: int | None
    over_percent: Decimal | None
    calendar: Calendar
    active: bool


class CreateSupplier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A supplier to be made. `currency`: three letters of ISO 4217; `language`: two, of ISO 639."""

    code: str
    name: str
    currency: str
    order_email: str | None = None
    language: str = "en"
    terms: Terms | UnsetType = UNSET
    lead_time_days: int | None = None
    over_percent: Decimal | None = None
    calendar: Calendar | UnsetType = UNSET
    addresses: list[Address] = []
    contacts: list[Contact] = []


class ChangeSupplier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What changes of a supplier; what is left out stays. One that is not active gets no new orders."""

    code: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    order_email: str | UnsetType | None = UNSET
    language: str | UnsetType = UNSET
    terms: Terms | UnsetType = UNSET
    lead_time_days: int | UnsetType | None = UNSET
    over_percent: Decimal | UnsetType | None = UNSET
    calendar: Calendar | UnsetType = UNSET
    addresses: Sequence[Address] | UnsetType = UNSET
    contacts: Sequence[Contact] | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class SupplierFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which suppliers a list shows. `text`: part of the code or the name."""

    text: str | None = None
    active: bool | None = None
