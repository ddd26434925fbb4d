"""Lookups for other words, inside their transactions: one statement for any number of keys.

They check no right and carry the cost price: the caller has required what it needs, and hides what its reader may not
see.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

import sqlalchemy as sa

from perpetua.items import store
from perpetua.items.rules import clean_sku, convert, read_scan
from perpetua.items.tables import units
from perpetua.items.types import BarcodeRef, Unit, VariantRef
from perpetua.kit.clock import system_clock
from perpetua.kit.database import Tx
from perpetua.kit.errors import InvalidValue

__all__ = ["Measured", "forms_of_skus", "resolve_barcodes", "resolve_skus", "to_base_units", "variants_by_ids"]


async def resolve_skus(tx: Tx, skus: Iterable[str]) -> dict[str, VariantRef]:
    """The variants of those SKUs that are there, under `sku.upper()`; a SKU that is not there is not in it."""
    forms = forms_of_skus(skus)
    wanted = {form for form in forms.values() if form}
    found = await store.refs_by_sku(tx, sorted(wanted)) if wanted else {}
    return {key: found[form.upper()] for key, form in forms.items() if form.upper() in found}


def forms_of_skus(skus: Iterable[str]) -> dict[str, str]:
    """How those SKUs are kept, under `sku.upper()`: for a statement of another word that looks them up with what else
    it needs. Empty where nothing can be kept so."""
    return {sku.upper(): _form(sku) for sku in skus}


async def variants_by_ids(tx: Tx, ids: Iterable[int]) -> dict[int, VariantRef]:
    """The variants with those ids that are there, by id."""
    wanted = {key for key in ids if 0 < key < 2**63}
    return await store.refs_by_id(tx, wanted) if wanted else {}


async def resolve_barcodes(tx: Tx, codes: Sequence[str]) -> dict[str, BarcodeRef]:
    """What those barcodes name, under the text that was asked; what is not known is not in it.

    A code may be as typed, as a scanner sent it, or as kept: UPC-A, EAN-13 and GTIN-14 of one trade item are the same.
    """
    asked = list(dict.fromkeys(codes))
    found = await store.refs_by_barcode(tx, [_forms(code) for code in asked]) if asked else {}
    return {asked[place]: ref for place, ref in found.items()}


class Measured(NamedTuple):
    """A quantity in some unit, of a variant; `field` is where it was sent."""

    quantity: Decimal
    unit: str
    variant: VariantRef
    field: str


async def to_base_units(tx: Tx, asked: Sequence[Measured]) -> list[Decimal]:
    """The quantities in their variants' own units, exactly; one statement for all.

    Raises:
        InvalidValue: no such unit, or one that cannot be turned into the variant's without a remainder.
    """
    codes = sorted({one.unit for one in asked} | {one.variant.unit for one in asked})
    factors = [sa.cast(units.c[name], sa.BigInteger).label(name) for name in ("factor_num", "factor_den")]
    wanted = sa.select(units.c.code, units.c.name, units.c.decimals, units.c.base_code, *factors)
    known = {one.code: one for one in await tx.rows(wanted.where(units.c.code.in_(codes)), as_=Unit)}
    for one in asked:
        if one.unit not in known:
            raise InvalidValue(one.field, one.unit, f"is no unit; {one.variant.sku} is kept in {one.variant.unit}")
    return [convert(one.quantity, known[one.unit], known[one.variant.unit], one.field) for one in asked]


def _forms(code: str) -> list[str]:
    try:
        return read_scan(code, today=system_clock().date()).codes
    except InvalidValue:
        return []


@lru_cache(maxsize=16_384)
def _form(sku: str) -> str:
    """The SKU as it would be kept; empty where none could be kept so. The same are asked for again and again."""
    try:
        return clean_sku(sku)
    except InvalidValue:
        return ""
