"""The list of products: filtered, in a stable order, a page at a time, in few statements whatever its length."""

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from perpetua.access.types import Actor
from perpetua.items import rules, store
from perpetua.items.errors import CostsNotYours
from perpetua.items.service import drafts
from perpetua.items.service.search import MAX_FOUND, SearchFilters, search_variants
from perpetua.items.tables import categories, product_variants, products
from perpetua.items.types import Product, ProductFilters
from perpetua.kit import json
from perpetua.kit.database import Database
from perpetua.kit.errors import InvalidValue
from perpetua.kit.listing import Page, PageRequest, page_of

__all__ = ["list_products"]

_SORTS: dict[str, tuple[Any, type]] = {
    "sku": (sa.func.upper(products.c.first_sku), str),
    "name": (products.c.name, str),
    "updated_at": (products.c.updated_at, datetime),
}


class _Key(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    key: Any


async def list_products(db: Database, actor: Actor, filters: ProductFilters, page: PageRequest) -> Page[Product]:
    """Products with all that belongs to them, in the order of `page.sort`: sku, name or updated_at; `-name` backwards.

    Raises:
        InvalidValue: no such order, or a filter that can't be. CostsNotYours: an order by cost, without the right.
    """
    actor.require("items.read")
    if filters.q is not None:
        return await _found(db, actor, filters, page)
    down = page.sort.startswith("-")
    order, kind = _sort(actor, page.sort.removeprefix("-") or "sku")
    query = sa.select(products.c.id, order.label("key")).limit(page.limit + 1)
    if after := page.after(kind, int):
        place = sa.tuple_(order, products.c.id)
        query = query.where(place < sa.tuple_(*after) if down else place > sa.tuple_(*after))
    query = query.order_by(order.desc(), products.c.id.desc()) if down else query.order_by(order, products.c.id)
    for condition in _conditions(filters):
        query = query.where(condition)
    async with db.snapshot() as tx:
        keys = page_of(await tx.rows(query, as_=_Key), page, lambda row: [row.key, row.id])
        found = await store.products_by_id(tx, [row.id for row in keys.items]) if keys.items else []
    return Page(items=[drafts.shown(product, actor) for product in found], next_cursor=keys.next_cursor)


async def _found(db: Database, actor: Actor, filters: ProductFilters, page: PageRequest) -> Page[Product]:
    """What a search finds, the best first: one page, as ranks are not an order to continue in."""
    if page.sort or page.cursor:
        raise InvalidValue("sort", page.sort or "(cursor)", "a search is sorted by how well it answers, in one page")
    narrowed = SearchFilters(category=filters.category, owner=filters.owner, active=filters.active)
    hits = await search_variants(db, actor, filters.q or "", filters=narrowed, limit=min(page.limit, MAX_FOUND))
    ids = list(dict.fromkeys(hit.product_id for hit in hits))
    if not ids:
        return Page(items=[])
    query = sa.select(products.c.id).where(products.c.id.in_(ids), *_conditions(filters))
    async with db.snapshot() as tx:
        kept = set(await tx.values(query))
        found = await store.products_by_id(tx, [key for key in ids if key in kept])
    return Page(items=[drafts.shown(product, actor) for product in found])


def _sort(actor: Actor, name: str) -> tuple[Any, type]:
    if "cost" in name and not actor.sees_costs:
        raise CostsNotYours(permission="costs.read", field="sort")
    if name not in _SORTS:
        raise InvalidValue("sort", name, "must be sku, name or updated_at, or one of them after a minus")
    return _SORTS[name]


def _conditions(filters: ProductFilters) -> list[Any]:
    conditions: list[Any] = []
    if filters.category is not None:
        below = sa.select(categories.c.id).where(categories.c.path.contains([filters.category]))
        conditions.append(products.c.category_id.in_(below))
    if filters.owner is not None:
        conditions.append(products.c.owner_id == filters.owner)
    if filters.active is not None:
        conditions.append(products.c.active == filters.active)
    if filters.updated_since is not None:
        conditions.append(products.c.updated_at >= filters.updated_since)
    if filters.sku is not None:
        named = sa.func.upper(product_variants.c.sku) == sa.func.upper(filters.sku)
        conditions.append(products.c.id.in_(sa.select(product_variants.c.product_id).where(named)))
    if filters.attributes is not None:
        text = json.dumps(rules.clean_attributes(filters.attributes)).decode()
        wanted = sa.cast(sa.literal(text, sa.Text), JSONB)
        # A union of two index scans: an OR over both tables would read them whole.
        of_product = sa.select(products.c.id).where(products.c.attributes.contains(wanted))
        of_variant = sa.select(product_variants.c.product_id).where(product_variants.c.attributes.contains(wanted))
        conditions.append(products.c.id.in_(sa.union(of_product, of_variant)))
    return conditions
