"""Lookups for other words, inside their transactions: one statement for any number of keys.

They check no right and carry the cost price: the caller has required what it needs, and hides what its reader may not
see.
"""

from collections.abc import Iterable, Sequence

from perpetua.items import store
from perpetua.items.rules import clean_sku, read_scan
from perpetua.items.types import BarcodeRef, VariantRef
from perpetua.kit.database import Tx
from perpetua.kit.errors import InvalidValue

__all__ = ["resolve_barcodes", "resolve_skus", "variants_by_ids"]


async def resolve_skus(tx: Tx, skus: Iterable[str]) -> dict[str, VariantRef]:
    """The variants of those SKUs that are there, under `sku.upper()`; a SKU that is not there is not in it."""
    forms = {sku.upper(): _form(sku) for sku in skus}
    wanted = {form for form in forms.values() if form}
    found = await store.refs_by_sku(tx, sorted(wanted)) if wanted else {}
    return {key: found[form.upper()] for key, form in forms.items() if form.upper() in found}


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


def _forms(code: str) -> list[str]:
    try:
        return read_scan(code).codes
    except InvalidValue:
        return []


def _form(sku: str) -> str:
    """The SKU as it would be kept; empty where none could be kept so."""
    try:
        return clean_sku(sku)
    except InvalidValue:
        return ""
