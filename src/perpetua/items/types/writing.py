"""What senders ask of items. An unknown field is a mistake and refused."""

from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from perpetua.items.types.reading import OWN, Attributes, BarcodeKind, Level, Tracking
from perpetua.kit.errors import Refusal

__all__ = [
    "AddBarcode",
    "ChangeCategory",
    "ChangeOneVariant",
    "ChangeOwner",
    "ChangeProduct",
    "ChangeUnit",
    "ChangeVariant",
    "CreateCategory",
    "CreateOwner",
    "CreateProduct",
    "CreateUnit",
    "CreateVariant",
    "KitPart",
    "Outcome",
    "SetComponents",
    "UpsertRow",
]


class AddBarcode(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A barcode to add. `kind` left out is told from the code itself."""

    code: str
    kind: BarcodeKind | None = None
    level: Level = "each"
    units: Decimal = Decimal(1)


class KitPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So much of an item, in its own unit, goes into one kit."""

    sku: str
    quantity: Decimal = Decimal(1)


class SetComponents(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that a kit is made up of; an empty list: it is no kit."""

    components: list[KitPart]


class CreateVariant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A variant to make. `name` left out is the product's."""

    sku: str
    name: str | None = None
    attributes: Attributes = msgspec.field(default_factory=dict[str, Any])
    unit: str = "each"
    tracking: Tracking = "none"
    cost_price: Decimal | UnsetType | None = UNSET
    selling_price: Decimal | None = None
    weight_kg: Decimal | None = None
    length_mm: Decimal | None = None
    width_mm: Decimal | None = None
    height_mm: Decimal | None = None
    active: bool = True
    barcodes: list[AddBarcode] = []


class CreateProduct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A product to make with its variants, all or nothing."""

    name: str
    variants: list[CreateVariant]
    description: str = ""
    category_id: int | None = None
    owner_id: int = OWN
    attributes: Attributes = msgspec.field(default_factory=dict[str, Any])
    active: bool = True


class ChangeVariant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a variant; fields left out stay as they are."""

    sku: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    attributes: Attributes | UnsetType = UNSET
    unit: str | UnsetType = UNSET
    tracking: Tracking | UnsetType = UNSET
    cost_price: Decimal | UnsetType | None = UNSET
    selling_price: Decimal | UnsetType | None = UNSET
    weight_kg: Decimal | UnsetType | None = UNSET
    length_mm: Decimal | UnsetType | None = UNSET
    width_mm: Decimal | UnsetType | None = UNSET
    height_mm: Decimal | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET


class ChangeOneVariant(ChangeVariant, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change to the variant `id`, inside a change to its product."""

    id: int


class ChangeProduct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a product; fields left out stay as they are.

    `variants` changes some of those it has; `new_variants` adds some.
    """

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    category_id: int | UnsetType | None = UNSET
    owner_id: int | UnsetType = UNSET
    attributes: Attributes | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    variants: list[ChangeOneVariant] = []
    new_variants: list[CreateVariant] = []


class CreateCategory(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A category to make, below `parent_id` or at the top."""

    code: str
    name: str
    parent_id: int | None = None


class ChangeCategory(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a category; another `parent_id` moves it with all below it."""

    code: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    parent_id: int | UnsetType | None = UNSET


class CreateOwner(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An owner to make."""

    code: str
    name: str


class ChangeOwner(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of an owner."""

    code: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class CreateUnit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A unit to make: one is `factor_num / factor_den` of `base_code`; without a base it is a base itself."""

    code: str
    name: str
    decimals: int
    base_code: str | None = None
    factor_num: int = 1
    factor_den: int = 1


class ChangeUnit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a unit; what it counts can change only while no item uses it."""

    name: str | UnsetType = UNSET
    decimals: int | UnsetType = UNSET
    base_code: str | UnsetType | None = UNSET
    factor_num: int | UnsetType = UNSET
    factor_den: int | UnsetType = UNSET


class UpsertRow(msgspec.Struct, frozen=True, kw_only=True):
    """One item of a bulk load, by SKU. Fields UNSET stay as they are, or take the default where the SKU is new."""

    sku: str
    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    category_id: int | UnsetType | None = UNSET
    owner_id: int | UnsetType = UNSET
    attributes: Attributes | UnsetType = UNSET
    unit: str | UnsetType = UNSET
    tracking: Tracking | UnsetType = UNSET
    cost_price: Decimal | UnsetType | None = UNSET
    selling_price: Decimal | UnsetType | None = UNSET
    weight_kg: Decimal | UnsetType | None = UNSET
    length_mm: Decimal | UnsetType | None = UNSET
    width_mm: Decimal | UnsetType | None = UNSET
    height_mm: Decimal | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET
    barcodes: list[AddBarcode] = []
    """Added to the variant where they are new; one that another variant has refuses the row."""
    product: str | UnsetType = UNSET
    """Of which product it is: the SKU of one of its variants, or its name. Rows with one key are one product; without,
    a new SKU is a product of its own."""
    siblings: list[str] = []
    """SKUs of earlier rows with the same key."""
    product_name: str | UnsetType = UNSET
    product_attributes: Attributes | UnsetType = UNSET
    product_active: bool | UnsetType = UNSET


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one row of a bulk load.

    `before` holds the old values of what was changed: sent as a row, it undoes the change. Of a new variant of a
    product that was there, it is what changed of the product, as a row of the variant `sibling_id`.
    """

    sku: str
    done: Literal["created", "updated", "skipped", "refused"]
    variant_id: int | None = None
    before: UpsertRow | None = None
    sibling_id: int | None = None
    refusal: Refusal | None = None
