"""Items as they are: small values that rules work on, what other words read, and what people read."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from perpetua.gs1.types import Message

__all__ = [
    "OWN",
    "Attributes",
    "Barcode",
    "BarcodeKind",
    "BarcodeRef",
    "BarcodeRow",
    "BarcodeShown",
    "Category",
    "Component",
    "Image",
    "ImageContent",
    "Level",
    "Owner",
    "Product",
    "ProductFilters",
    "ProductSort",
    "ScanReading",
    "Tracking",
    "Unit",
    "Variant",
    "VariantRef",
]

OWN = 1
"""Id of the owner that is the company itself."""

Tracking = Literal["none", "lot", "serial"]
Level = Literal["each", "inner", "case", "pallet"]
BarcodeKind = Literal["ean13", "ean8", "upca", "upce", "gtin14", "restricted", "code128", "qr", "internal"]
ProductSort = Literal["sku", "name", "updated_at"]
Attributes = dict[str, Any]


class Barcode(msgspec.Struct, frozen=True, kw_only=True):
    """A code as it is kept: a GTIN padded to 14 digits, anything else as printed."""

    kind: BarcodeKind
    code: str


class ScanReading(msgspec.Struct, frozen=True, kw_only=True):
    """What one scan says. `codes` are the ways to look the item up, the likeliest first."""

    raw: str
    codes: list[str]
    gtin: str | None = None
    sscc: str | None = None
    lot: str | None = None
    serial: str | None = None
    expires_on: date | None = None
    best_before_on: date | None = None
    produced_on: date | None = None
    count: Decimal | None = None
    weight_kg: Decimal | None = None
    gs1: Message | None = None
    """All that GS1 data says, and how else it could be read where separators are lost."""
    not_gs1: str | None = None
    """Why a code that looks like GS1 data is none."""


class VariantRef(msgspec.Struct, frozen=True, kw_only=True):
    """What other words need to know of a variant. Not for people: it always carries the cost price."""

    id: int
    product_id: int
    sku: str
    name: str
    unit: str
    decimals: int
    tracking: Tracking
    active: bool
    owner_id: int
    cost_price: Decimal | None
    kit: bool = False
    """It is made up of other items when it is sold, and has no stock of its own."""


class BarcodeRef(msgspec.Struct, frozen=True, kw_only=True):
    """The variant that a barcode names, and how many of its unit one scan stands for."""

    code: str
    kind: BarcodeKind
    level: Level
    units: Decimal
    variant: VariantRef


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit of measure: one is `factor_num / factor_den` of `base_code`, exactly."""

    code: str
    name: str
    decimals: int
    base_code: str | None = None
    factor_num: int = 1
    factor_den: int = 1
    version: int = 1


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Whose goods an item is."""

    id: int
    code: str
    name: str
    active: bool
    version: int


class Category(msgspec.Struct, frozen=True, kw_only=True):
    """A node of the category tree; `path` holds the ids from the root down to itself."""

    id: int
    parent_id: int | None
    path: list[int]
    code: str
    name: str
    version: int


class BarcodeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A barcode of a variant: one scan stands for `units` of the variant's unit."""

    id: int
    code: str
    kind: BarcodeKind
    level: Level
    units: Decimal


class BarcodeShown(msgspec.Struct, frozen=True, kw_only=True):
    """What a barcode names: one scan stands for `units` of the variant's `unit`."""

    code: str
    kind: BarcodeKind
    level: Level
    units: Decimal
    variant_id: int
    product_id: int
    sku: str
    name: str
    unit: str
    tracking: Tracking
    active: bool


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """A picture of a product; its content is read at `/api/images/{sha256}`."""

    id: int
    sha256: str
    media_type: str
    size_bytes: int
    position: int


class ImageContent(msgspec.Struct, frozen=True, kw_only=True):
    """The bytes of a picture, and what they are."""

    media_type: str
    content: bytes


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """So much of an item, in its own unit, is in one kit."""

    variant_id: int
    sku: str
    quantity: Decimal


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be counted. `cost_price` is there only for readers with `costs.read`.

    `components`: what a kit is made up of; of anything else, nothing.
    """

    id: int
    product_id: int
    sku: str
    name: str
    attributes: Attributes
    unit: str
    tracking: Tracking
    selling_price: Decimal | None
    weight_kg: Decimal | None
    length_mm: Decimal | None
    width_mm: Decimal | None
    height_mm: Decimal | None
    active: bool
    version: int
    created_at: datetime
    updated_at: datetime
    barcodes: list[BarcodeRow]
    components: list[Component] = []
    cost_price: Decimal | UnsetType | None = UNSET


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """A product with all its variants, barcodes and images. `version` grows with a change to any of them."""

    id: int
    name: str
    description: str
    category_id: int | None
    owner_id: int
    attributes: Attributes
    active: bool
    version: int
    created_at: datetime
    updated_at: datetime
    variants: list[Variant]
    images: list[Image]


class ProductFilters(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of products is narrowed by; None leaves a filter out.

    `category` and `owner` are ids (a category takes in what is below it); `attributes` must all be held by the product
    or by one of its variants; `sku` is that of one of its variants; `q` is a search text, typos allowed.
    """

    q: str | None = None
    sku: str | None = None
    category: int | None = None
    owner: int | None = None
    active: bool | None = None
    attributes: Attributes | None = None
    updated_since: datetime | None = None
