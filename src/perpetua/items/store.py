"""Reads and writes the catalogue's tables, in sets."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from perpetua.items.types import BarcodeRef, BarcodeRow, Component, Image, Product, Variant, VariantRef
from perpetua.kit import json
from perpetua.kit.database import Queries, Tx

__all__ = [
    "PRODUCT_FIELDS",
    "VARIANT_FIELDS",
    "holders_of_barcodes",
    "insert_barcodes",
    "insert_products",
    "insert_variants",
    "known_keys",
    "products_by_id",
    "refs_by_barcode",
    "refs_by_id",
    "refs_by_sku",
    "update_products",
    "update_variants",
]

Q = Queries(__file__)
Row = Mapping[str, Any]

PRODUCT_FIELDS = ("name", "description", "category_id", "owner_id", "attributes", "active")
VARIANT_FIELDS = (
    "sku", "name", "attributes", "unit", "tracking", "cost_price", "selling_price",
    "weight_kg", "length_mm", "width_mm", "height_mm", "active",
)  # fmt: skip


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Which of the keys asked for are there; a unit's code and decimals by its code in capitals."""

    units: dict[str, tuple[str, int]]
    categories: list[int]
    owners: list[int]


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """The variant that has a barcode (in capitals)."""

    code: str
    variant_id: int
    sku: str


async def refs_by_sku(tx: Tx, skus: Sequence[str]) -> dict[str, VariantRef]:
    """The variants of those SKUs that are there, under `sku.upper()` of what was asked."""
    rows = await tx.dicts(Q["refs_by_sku"], {"skus": list(skus)})
    return {row.pop("asked").upper(): VariantRef(**row) for row in rows}


async def refs_by_id(tx: Tx, ids: Iterable[int]) -> dict[int, VariantRef]:
    """The variants with those ids that are there."""
    found = await tx.rows(Q["refs_by_id"], {"ids": sorted(set(ids))}, as_=VariantRef)
    return {ref.id: ref for ref in found}


async def refs_by_barcode(tx: Tx, forms: Sequence[Sequence[str]]) -> dict[int, BarcodeRef]:
    """For the place of each question: what the first of its forms that is there names."""
    asked = [(place, turn, code) for place, codes in enumerate(forms) for turn, code in enumerate(codes)]
    params = {
        "places": [place for place, _, _ in asked],
        "turns": [turn for _, turn, _ in asked],
        "codes": [code for _, _, code in asked],
    }
    refs: dict[int, BarcodeRef] = {}
    for row in await tx.dicts(Q["refs_by_barcode"], params):
        place = row.pop("place")
        own = {"code": row.pop("barcode"), **{name: row.pop(name) for name in ("kind", "level", "units")}}
        refs[place] = BarcodeRef(**own, variant=VariantRef(**row))
    return refs


async def products_by_id(tx: Tx, ids: Sequence[int]) -> list[Product]:
    """Products with all that belongs to them, in the order asked; in four statements, however many there are.

    Cost prices are in: hide them from those who may not see them.
    """
    asked = {"ids": list(ids)}
    rows = {row["id"]: row for row in await tx.dicts(Q["products_by_id"], asked)}
    barcodes: dict[int, list[BarcodeRow]] = {}
    for row in await tx.dicts(Q["barcodes_of_products"], asked):
        barcodes.setdefault(row.pop("variant_id"), []).append(BarcodeRow(**row))
    variants: dict[int, list[Variant]] = {}
    for row in await tx.dicts(Q["variants_of_products"], asked):
        components = msgspec.convert(row.pop("components"), list[Component], strict=False)
        variant = Variant(**row, barcodes=barcodes.get(row["id"], []), components=components)
        variants.setdefault(variant.product_id, []).append(variant)
    images: dict[int, list[Image]] = {}
    for row in await tx.dicts(Q["images_of_products"], asked):
        images.setdefault(row.pop("product_id"), []).append(Image(**row))
    return [
        Product(**rows[key], variants=variants.get(key, []), images=images.get(key, [])) for key in ids if key in rows
    ]


async def insert_products(tx: Tx, rows: Sequence[Row]) -> dict[str, int]:
    """Make products (PRODUCT_FIELDS and first_sku); their ids by first SKU."""
    made = await tx.dicts(Q["insert_products"], _document(rows, (*PRODUCT_FIELDS, "first_sku")))
    return {row["first_sku"]: row["id"] for row in made}


async def insert_variants(tx: Tx, rows: Sequence[Row]) -> dict[str, int]:
    """Make variants (VARIANT_FIELDS and product_id); their ids by SKU."""
    made = await tx.dicts(Q["insert_variants"], _document(rows, (*VARIANT_FIELDS, "product_id")))
    return {row["sku"]: row["id"] for row in made}


async def insert_barcodes(tx: Tx, rows: Sequence[Row]) -> list[int]:
    """Make barcodes (variant_id, code, kind, level, units); their ids."""
    return await tx.values(Q["insert_barcodes"], _document(rows, ("variant_id", "code", "kind", "level", "units")))


async def update_variants(tx: Tx, rows: Sequence[Row]) -> None:
    """Write variants (VARIANT_FIELDS and id), each a version further."""
    await tx.execute(Q["update_variants"], _arrays(rows, (*VARIANT_FIELDS, "id")))


async def update_products(tx: Tx, rows: Sequence[Row]) -> None:
    """Write products (PRODUCT_FIELDS and id), each a version further."""
    await tx.execute(Q["update_products"], _arrays(rows, (*PRODUCT_FIELDS, "id")))


async def known_keys(
    tx: Tx, *, units: Iterable[str] = (), categories: Iterable[int] = (), owners: Iterable[int] = ()
) -> Known:
    """Which of these are there."""
    params = {
        "units": sorted({code.upper() for code in units}),
        "categories": sorted(set(categories)),
        "owners": sorted(set(owners)),
    }
    return msgspec.convert((await tx.dicts(Q["known_keys"], params))[0], Known)


async def holders_of_barcodes(tx: Tx, codes: Sequence[str]) -> dict[str, Holder]:
    """Who has these barcodes already, by the code in capitals."""
    found = await tx.rows(Q["holders_of_barcodes"], {"codes": list(codes)}, as_=Holder)
    return {holder.code: holder for holder in found}


def _document(rows: Sequence[Row], names: Sequence[str]) -> dict[str, str]:
    """Rows as one JSON document, for loads of thousands: making arrays of them costs several times as much."""
    return {"rows": json.dumps([{name: row[name] for name in names} for row in rows]).decode()}


def _arrays(rows: Sequence[Row], names: Sequence[str]) -> dict[str, list[Any]]:
    """Rows turned into one array a column; attributes as JSON text."""
    arrays = {name: [row[name] for row in rows] for name in names}
    if "attributes" in arrays:
        arrays["attributes"] = [json.dumps(value).decode() for value in arrays["attributes"]]
    return arrays
