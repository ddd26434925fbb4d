"""Which product a row of a bulk load belongs to: by the SKU of one of its variants, or by the product's name."""

from collections.abc import Mapping, Sequence
from typing import Any

from perpetua.items import store
from perpetua.items.errors import SeveralOfThatName
from perpetua.kit.database import Tx
from perpetua.kit.errors import Refusal

__all__ = ["OF_PRODUCT", "above_of", "products_by_key"]

OF_PRODUCT: Mapping[str, str] = {
    "description": "description", "category_id": "category_id", "owner_id": "owner_id",
    "product_name": "name", "product_attributes": "attributes", "product_active": "active",
}  # fmt: skip
"""Fields of a row that are its product's, and what the product calls them."""


def above_of(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the row says of its product, as columns of that."""
    return {column: asked[name] for name, column in OF_PRODUCT.items() if name in asked}


async def products_by_key(tx: Tx, asked: Sequence[tuple[str, str, Sequence[str]]]) -> dict[str, int | Refusal]:
    """The product that each key names, under the key in capitals; keys of products to be made are absent.

    A key is the SKU of one of the product's variants, or else its name, or else shared with an item that is there.

    Args:
        asked: key and SKU of each row, and SKUs of earlier rows with the same key.
    """
    skus: dict[str, dict[str, None]] = {}
    names: dict[str, str] = {}
    for key, sku, others in asked:
        own = skus.get(key.upper())
        if own is None:
            names[key.upper()] = key
            own = skus[key.upper()] = dict.fromkeys(one.upper() for one in (key, *others))
        own[sku.upper()] = None
    if not names:
        return {}
    pairs = [(key, turn, sku) for key, own in skus.items() for turn, sku in enumerate(own)]
    params = {
        "keys": [key for key, _, _ in pairs],
        "turns": [turn for _, turn, _ in pairs],
        "skus": [sku for _, _, sku in pairs],
    }
    rows = await tx.dicts(store.Q["products_of_skus"], params)
    found: dict[str, int | Refusal] = {row["key"]: row["product_id"] for row in rows}
    by_itself = {row["key"] for row in rows if row["turn"] == 0}
    rest = [name for key, name in names.items() if key not in by_itself]
    for row in await tx.dicts(store.Q["products_of_names"], {"names": rest}) if rest else []:
        name, several = row["name"], row["products"]
        if several == 1:
            found[name.upper()] = row["id"]
        else:
            found.setdefault(name.upper(), SeveralOfThatName(name=name, products=several))
    return found
