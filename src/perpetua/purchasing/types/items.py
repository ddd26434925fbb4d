"""What suppliers sell us, as values."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec import UNSET, UnsetType

from perpetua.kit.quantity import ZERO

__all__ = [
    "ChangeSupplierItem", "ItemTerms", "PriceBreak", "SetSupplierItem", "SetSupplierItems", "SupplierItem",
    "SupplierItemFilters", "SupplierItemsSet",
]  # fmt: skip


class PriceBreak(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one unit costs from this quantity on, in the supplier's currency."""

    min_qty: Decimal = ZERO
    unit_price: Decimal


class SupplierItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item as a supplier sells it; quantities in the item's own unit. `pack_multiple` 0: any quantity.

    `prices` is left out for those who may not see them.
    """

    id: int
    supplier_id: int
    supplier: str
    variant_id: int
    sku: str
    name: str
    supplier_sku: str | None
    lead_time_days: int | None
    min_order_qty: Decimal
    pack_multiple: Decimal
    preferred: bool
    active: bool
    currency: str
    version: int
    created_at: datetime
    updated_at: datetime
    prices: list[PriceBreak] | UnsetType = UNSET


class SetSupplierItem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An item that a supplier sells: made, or where it is there, the fields that are given changed.

    `prices` replace those there were. `preferred: true` takes it from the supplier that had it.
    """

    supplier: str
    sku: str
    supplier_sku: str | UnsetType | None = UNSET
    lead_time_days: int | UnsetType | None = UNSET
    min_order_qty: Decimal | UnsetType = UNSET
    pack_multiple: Decimal | UnsetType = UNSET
    preferred: bool | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    prices: Sequence[PriceBreak] | UnsetType = UNSET


class SetSupplierItems(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Many at once, all or none."""

    items: list[SetSupplierItem]


class SupplierItemsSet(msgspec.Struct, frozen=True, kw_only=True):
    """How many were made, and how many changed."""

    created: int
    changed: int


class ChangeSupplierItem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What changes; what is left out stays. `prices` replace those there were."""

    supplier_sku: str | UnsetType | None = UNSET
    lead_time_days: int | UnsetType | None = UNSET
    min_order_qty: Decimal | UnsetType = UNSET
    pack_multiple: Decimal | UnsetType = UNSET
    preferred: bool | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    prices: Sequence[PriceBreak] | UnsetType = UNSET


class SupplierItemFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which of them a list shows. `text`: part of the SKU, the item's name or the supplier's SKU."""

    supplier: str | None = None
    sku: str | None = None
    text: str | None = None
    preferred: bool | None = None
    active: bool | None = None


class ItemTerms(msgspec.Struct, frozen=True, kw_only=True):
    """On what terms an item is bought: for whoever orders it."""

    variant_id: int
    supplier_sku: str | None = None
    lead_time_days: int | None = None
    min_order_qty: Decimal = ZERO
    pack_multiple: Decimal = ZERO
    active: bool = True
    prices: list[PriceBreak] = []
