"""What commands ask, as clean rows held against what is there: shared by the use cases that write items."""

import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET
from psycopg import errors as pg

from perpetua.access.types import Actor
from perpetua.items import rules, store
from perpetua.items.errors import BarcodeTaken, CostsNotYours, InUse, SkuTaken
from perpetua.items.types import AddBarcode, Product, Variant
from perpetua.kit.database import Tx
from perpetua.kit.errors import Conflict, InvalidValue, Missing
from perpetua.kit.quantity import exact_quantity

__all__ = [
    "HAS_MOVEMENTS", "LARGEST_ID", "barcode_rows", "check_grain", "check_keys", "check_product_keys",
    "check_variant_keys", "clean_fields", "known_keys", "one", "product_fields", "refuse_costs", "refuse_taken",
    "shown", "shown_variant", "told", "variant_fields",
]  # fmt: skip

Row = dict[str, Any]
LARGEST_ID = 2**63 - 1
HAS_MOVEMENTS = "variant_has_movements"
"""The constraint by which the ledger keeps unit and tracking of an item that has history."""

_CLEANERS: Mapping[str, Any] = {
    "sku": rules.clean_sku,
    "name": rules.clean_name,
    "description": rules.clean_text,
    "attributes": rules.clean_attributes,
    "cost_price": rules.clean_price,
    "selling_price": rules.clean_price,
    "weight_kg": rules.clean_weight,
    "length_mm": rules.clean_length,
    "width_mm": rules.clean_length,
    "height_mm": rules.clean_length,
    "product": rules.clean_name,
    "product_name": rules.clean_name,
    "product_attributes": rules.clean_attributes,
}


def clean_fields(command: msgspec.Struct, names: Sequence[str], prefix: str = "") -> Row:
    """The fields of a command that are set, each as it is kept.

    Raises:
        InvalidValue: names the field, with `prefix` before it ("variants[2].").
    """
    row: Row = {}
    for name in names:
        value = getattr(command, name, UNSET)
        if value is UNSET:
            continue
        cleaner = _CLEANERS.get(name)
        row[name] = cleaner(value, prefix + name) if cleaner else value
    return row


def product_fields(product: Product) -> Row:
    """The fields of a product that can be written, as they are."""
    return {name: getattr(product, name) for name in store.PRODUCT_FIELDS}


def variant_fields(variant: Variant) -> Row:
    """The fields of a variant that can be written, as they are."""
    return {name: getattr(variant, name) for name in store.VARIANT_FIELDS}


def barcode_rows(commands: Sequence[AddBarcode], prefix: str = "") -> list[Row]:
    """Barcodes as they are kept.

    Raises:
        WrongCheckDigit: says which digit was expected.
        InvalidValue: no barcode, or units that are not above zero.
    """
    rows: list[Row] = []
    for place, command in enumerate(commands):
        field = f"{prefix}barcodes[{place}]."
        barcode = rules.normalise_barcode(command.code, command.kind, field=f"{field}code")
        units = exact_quantity(command.units, f"{field}units")
        if units <= 0:
            raise InvalidValue(f"{field}units", str(units), "must be above zero")
        rows.append({"code": barcode.code, "kind": barcode.kind, "level": command.level, "units": units})
    return rows


def refuse_costs(actor: Actor, row: Row, prefix: str = "") -> None:
    """Raises CostsNotYours: the row sets a cost price, and the actor may not."""
    if "cost_price" in row and not actor.sees_costs:
        raise CostsNotYours(permission="costs.read", field=f"{prefix}cost_price")


async def check_keys(tx: Tx, products: Sequence[Row], variants: Sequence[Row]) -> dict[str, int]:
    """That units, categories and owners named are there; units get the case they are kept in. Decimals by unit.

    Raises:
        InvalidValue: names the first that is not there.
    """
    known = await known_keys(tx, products, variants)
    for row in products:
        check_product_keys(known, row)
    for row in variants:
        check_variant_keys(known, row)
    return dict(known.units.values())


async def known_keys(tx: Tx, products: Sequence[Row], variants: Sequence[Row]) -> store.Known:
    """Which of the units, categories and owners that the rows name are there."""
    return await store.known_keys(
        tx,
        units=[row["unit"] for row in variants if row["unit"].isprintable()],
        categories=[row["category_id"] for row in products if _is_id(row["category_id"])],
        owners=[row["owner_id"] for row in products if _is_id(row["owner_id"])],
    )


def check_product_keys(known: store.Known, row: Row) -> None:
    """Raises InvalidValue: the category or the owner is not there."""
    if row["category_id"] is not None and row["category_id"] not in known.categories:
        raise InvalidValue("category_id", str(row["category_id"]), "there is no such category")
    if row["owner_id"] not in known.owners:
        raise InvalidValue("owner_id", str(row["owner_id"]), "there is no such owner, or it is not active")


def check_variant_keys(known: store.Known, row: Row) -> None:
    """The unit gets the case it is kept in. Raises InvalidValue: it is not there."""
    if row["unit"].upper() not in known.units:
        raise InvalidValue("unit", row["unit"], "there is no such unit; see /api/units")
    row["unit"] = known.units[row["unit"].upper()][0]


def check_grain(barcodes: Sequence[Row], unit: str, decimals: int) -> None:
    """Raises InvalidValue: a barcode stands for a part of a unit that can't be divided so."""
    for row in barcodes:
        exact_quantity(Decimal(row["units"]), f"units of barcode {row['code']} in {unit}", places=decimals)


async def refuse_taken(tx: Tx, skus: Sequence[str], codes: Sequence[str], *, but: frozenset[int] = frozenset()) -> None:
    """That no SKU and no barcode is twice, or another variant's (those in `but` are the caller's own).

    Raises:
        SkuTaken, BarcodeTaken: name who has it.
    """
    for listed, refuse in ((skus, _sku_twice), (codes, _code_twice)):
        seen: set[str] = set()
        for one in listed:
            if one.upper() in seen:
                raise refuse(one)
            seen.add(one.upper())
    if skus:
        for sku, ref in (await store.refs_by_sku(tx, skus)).items():
            if ref.id not in but:
                raise SkuTaken(sku=sku, variant_id=ref.id, product_id=ref.product_id)
    if codes:
        for code, holder in (await store.holders_of_barcodes(tx, codes)).items():
            raise BarcodeTaken(barcode=code, held_by=holder.sku, variant_id=holder.variant_id)


def shown(product: Product, actor: Actor) -> Product:
    """The product as the actor may see it."""
    if actor.sees_costs:
        return product
    hidden = [msgspec.structs.replace(variant, cost_price=UNSET) for variant in product.variants]
    return msgspec.structs.replace(product, variants=hidden)


def shown_variant(variant: Variant, actor: Actor) -> Variant:
    """The variant as the actor may see it."""
    return variant if actor.sees_costs else msgspec.structs.replace(variant, cost_price=UNSET)


async def one(tx: Tx, product_id: int) -> Product:
    """The product with all that belongs to it.

    Raises:
        Missing: there is none.
    """
    found = await store.products_by_id(tx, [product_id]) if 0 < product_id <= LARGEST_ID else []
    if not found:
        raise Missing("product", product_id)
    return found[0]


@contextlib.asynccontextmanager
async def told(tx: Tx, rows: Sequence[Row]) -> AsyncGenerator[None]:
    """What the database refuses after all (another was faster; the item has history), told with its facts."""
    try:
        async with tx.savepoint():
            yield
    except pg.UniqueViolation:
        own = frozenset(row["id"] for row in rows if "id" in row)
        codes = [code["code"] for row in rows for code in row.get("barcodes", ())]
        await refuse_taken(tx, [row["sku"] for row in rows], codes, but=own)
        raise Conflict(reason="Another command used the same SKU or barcode meanwhile; send it again.") from None
    except pg.ForeignKeyViolation as error:
        if error.diag.constraint_name != HAS_MOVEMENTS:
            raise Conflict(reason="A unit, category or owner was removed meanwhile; send it again.") from None
        field = error.diag.message_detail or "unit"
        skus = ", ".join(row["sku"] for row in rows[:5])
        reason = f"its {field} is fixed, as it has stock history"
        raise InUse(what="item", key=skus, reason=reason, field=field) from None


def _is_id(key: int | None) -> bool:
    return key is not None and 0 < key <= LARGEST_ID


def _sku_twice(sku: str) -> SkuTaken:
    return SkuTaken(sku=sku, field="variants")


def _code_twice(code: str) -> BarcodeTaken:
    return BarcodeTaken(barcode=code, held_by="another variant in this command")
