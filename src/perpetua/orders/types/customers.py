"""Customers as values."""

from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

__all__ = ["ChangeCustomer", "CreateCustomer", "Customer", "CustomerFilters", "KeptCustomer"]


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """What an order takes from its customer."""

    id: int
    code: str
    tier: str | None
    min_life_days: int | None
    active: bool


class KeptCustomer(msgspec.Struct, frozen=True, kw_only=True):
    """A customer as it is kept.

    `tier`: of the allocation rules; none is the channel's. `min_life_days`: how long goods must last when sent.
    """

    id: int
    code: str
    name: str
    tier: str | None
    min_life_days: int | None
    active: bool
    version: int
    created_at: datetime
    updated_at: datetime


class CreateCustomer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A customer to be made."""

    code: str
    name: str
    tier: str | None = None
    min_life_days: int | None = None


class ChangeCustomer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What changes of a customer; what is left out stays. One that is not active can place no more orders."""

    code: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    tier: str | UnsetType | None = UNSET
    min_life_days: int | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET


class CustomerFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which customers a list shows. `text`: part of the code or the name."""

    text: str | None = None
    tier: str | None = None
    active: bool | None = None
