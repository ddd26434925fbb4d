"""The whole catalogue as rows for a file, such as an import takes back."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from perpetua.access.types import Actor
from perpetua.items import store
from perpetua.items.service.barcode_cells import write_barcodes
from perpetua.items.service.kit_cells import write_components
from perpetua.kit import json
from perpetua.kit.database import Database
from perpetua.kit.parquet import Kind

__all__ = ["export_columns", "export_products"]

_COLUMNS: Mapping[str, Kind] = {
    "sku": "text", "name": "text", "product": "text", "product_name": "text", "description": "text",
    "category": "text", "unit": "text", "tracking": "text", "owner": "text", "cost_price": "money",
    "selling_price": "money", "weight_kg": "money", "length_mm": "money", "width_mm": "money", "height_mm": "money",
    "barcodes": "text", "components": "text", "attributes": "text", "active": "boolean", "product_attributes": "text",
    "product_active": "boolean",
}  # fmt: skip


class _Item(msgspec.Struct, frozen=True, kw_only=True):
    sku: str
    name: str
    product: str | None
    product_name: str | None
    product_attributes: dict[str, Any]
    product_active: bool
    description: str
    category: str | None
    unit: str
    tracking: str
    owner: str
    cost_price: Decimal | None
    selling_price: Decimal | None
    weight_kg: Decimal | None
    length_mm: Decimal | None
    width_mm: Decimal | None
    height_mm: Decimal | None
    attributes: dict[str, Any]
    active: bool
    barcodes: list[dict[str, Any]]
    components: list[dict[str, Any]] | None


def export_columns(actor: Actor) -> dict[str, Kind]:
    """The columns and what each holds; costs only for those who see them."""
    return {name: kind for name, kind in _COLUMNS.items() if name != "cost_price" or actor.sees_costs}


async def export_products(db: Database, actor: Actor) -> AsyncIterator[list[Sequence[Any]]]:
    """All items as they are at one instant, a row a variant, in batches.

    Raises:
        NotAllowed: no `exports.run`, or no `items.read`.
    """
    actor.require("exports.run")
    actor.require("items.read")
    columns = export_columns(actor)
    async with db.snapshot() as tx:
        async for batch in tx.stream(store.Q["export_items"], as_=_Item):
            yield [_row(item, columns) for item in batch]


def _row(item: _Item, columns: Iterable[str]) -> list[Any]:
    shown = {
        "barcodes": write_barcodes(item.barcodes),
        "components": write_components(item.components or ()),
        "attributes": json.dumps(item.attributes).decode() if item.attributes else None,
        "product_attributes": json.dumps(item.product_attributes).decode() if item.product_attributes else None,
    }
    return [shown[name] if name in shown else getattr(item, name) for name in columns]
