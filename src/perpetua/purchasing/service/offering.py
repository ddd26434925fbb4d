"""Reading what suppliers sell us; without prices for who may not see them."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from msgspec import UNSET

from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.kit.database import Database, Queries, Tx, array
from perpetua.kit.errors import InvalidValue, Missing
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.partners import service as partners
from perpetua.purchasing import store
from perpetua.purchasing.tables import supplier_items
from perpetua.purchasing.types import PriceBreak, SupplierItem, SupplierItemFilters

__all__ = ["get_item", "list_items", "offered", "read"]

Q = Queries(store.__file__, "items.sql")

i = supplier_items.c
_suppliers = sa.table("suppliers", sa.column("id", sa.BigInteger), sa.column("code"), sa.column("currency"))
_variants = sa.table("product_variants", sa.column("id", sa.BigInteger), sa.column("sku"), sa.column("name"))
_select = sa.select(
    supplier_items, _suppliers.c.code.label("supplier"), _suppliers.c.currency, _variants.c.sku, _variants.c.name
).select_from(
    supplier_items.join(_suppliers, _suppliers.c.id == i.supplier_id).join(_variants, _variants.c.id == i.variant_id)
)
_SORTS: Final[dict[str, Any]] = {
    "": sa.func.upper(_variants.c.sku), "sku": sa.func.upper(_variants.c.sku),
    "supplier": sa.func.upper(_suppliers.c.code),
}  # fmt: skip


async def list_items(db: Database, actor: Actor, filters: SupplierItemFilters, page: PageRequest) -> Page[SupplierItem]:
    """What suppliers sell us, by `sku` (the default) or `supplier`. A supplier or item that is not there has none.

    Raises:
        InvalidValue: unknown order or foreign cursor.
    """
    actor.require("suppliers.read")
    if (key := _SORTS.get(page.sort)) is None:
        raise InvalidValue("sort", page.sort, "is not an order of this list; use sku or supplier")
    query = _select.add_columns(key.label("key")).order_by(key, i.id).limit(page.limit + 1)
    if (after := page.after(str, int)) is not None:
        query = query.where(sa.tuple_(key, i.id) > sa.tuple_(*map(sa.literal, after)))
    for name in ("preferred", "active"):
        if (value := getattr(filters, name)) is not None:
            query = query.where(i[name] == value)
    if filters.text:
        part = f"%{filters.text.replace('~', '~~').replace('%', '~%').replace('_', '~_')}%"
        among = (_variants.c.sku, _variants.c.name, i.supplier_sku)
        query = query.where(sa.or_(*(column.ilike(part, escape="~") for column in among)))
    async with db.snapshot() as tx:
        if filters.supplier is not None:
            supplier = (await partners.by_codes(tx, [filters.supplier])).get(filters.supplier.upper())
            if supplier is None:
                return Page(items=[])
            query = query.where(i.supplier_id == supplier.id)
        if filters.sku is not None:
            variant = (await items.resolve_skus(tx, [filters.sku])).get(filters.sku.upper())
            if variant is None:
                return Page(items=[])
            query = query.where(i.variant_id == variant.id)
        rows = await tx.dicts(query)
        keys = {row["id"]: row.pop("key") for row in rows}
        found = await _whole(tx, rows)
    return page_of([offered(actor, one) for one in found], page, lambda row: [keys[row.id], row.id])


async def get_item(db: Database, actor: Actor, item_id: int) -> SupplierItem:
    """One of them. Raises Missing."""
    actor.require("suppliers.read")
    async with db.snapshot() as tx:
        return offered(actor, await read(tx, item_id))


async def read(tx: Tx, item_id: int, *, lock: bool = False) -> SupplierItem:
    """One of them, with its prices. Raises Missing."""
    query = _select.where(i.id == item_id)
    rows = await tx.dicts(query.with_for_update(of=supplier_items) if lock else query)
    if not rows:
        raise Missing("supplier item", item_id)
    return (await _whole(tx, rows))[0]


def offered(actor: Actor, item: SupplierItem) -> SupplierItem:
    """The item as this reader is shown it."""
    return item if actor.may("supplier_prices.read") else msgspec.structs.replace(item, prices=UNSET)


async def _whole(tx: Tx, rows: Sequence[dict[str, Any]]) -> list[SupplierItem]:
    prices: dict[int, list[PriceBreak]] = defaultdict(list)
    for item_id, min_qty, unit_price in await tx.records(Q["prices"], {"ids": array([row["id"] for row in rows])}):
        prices[item_id].append(PriceBreak(min_qty=min_qty, unit_price=unit_price))
    return [SupplierItem(**row, prices=prices[row["id"]]) for row in rows]
