"""What suppliers sell us, over HTTP."""

from typing import Annotated

from litestar import Response, get, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.kit.database import Database
from perpetua.kit.http import IdempotencyKey, IfMatch, PathId, etag, reply, version_of
from perpetua.kit.listing import Page, PageRequest
from perpetua.purchasing import service
from perpetua.purchasing.types import (
    ChangeSupplierItem,
    SetSupplierItem,
    SetSupplierItems,
    SupplierItem,
    SupplierItemFilters,
    SupplierItemsSet,
)

__all__ = ["handlers"]

Text = Annotated[str | None, Parameter(max_length=200)]


@get("/api/supplier-items", tags=["suppliers"])
async def list_items(
    db: Database,
    actor: Actor,
    page: PageRequest,
    supplier: Text = None,
    sku: Text = None,
    text: Annotated[str | None, Parameter(max_length=200, description="Part of SKU, name or supplier's SKU.")] = None,
    preferred: bool | None = None,
    active: bool | None = None,
) -> Page[SupplierItem]:
    """What suppliers sell us, sorted by `sku` or `supplier`. Prices only for those who may see them."""
    filters = SupplierItemFilters(supplier=supplier, sku=sku, text=text, preferred=preferred, active=active)
    return await service.list_items(db, actor, filters, page)


@post("/api/supplier-items", tags=["suppliers"])
async def create_item(
    db: Database, actor: Actor, data: SetSupplierItem, idempotency_key: IdempotencyKey = None
) -> Response[SupplierItem]:
    """Say that a supplier sells an item, under which SKU, in which packs and at which prices. The first supplier of an
    item is the preferred one, unless it is said otherwise."""
    made = await service.create_item(db, actor, data, key=idempotency_key)
    return reply(made, version=made.answer.version)


@post("/api/supplier-items/bulk", tags=["suppliers"], status_code=200)
async def set_items(
    db: Database, actor: Actor, data: SetSupplierItems, idempotency_key: IdempotencyKey = None
) -> Response[SupplierItemsSet]:
    """Make or change many, all or none; what is left out of one that is there stays. A refusal names the line."""
    return reply(await service.set_items(db, actor, data, key=idempotency_key), status_code=200)


@get("/api/supplier-items/{item_id:int}", tags=["suppliers"])
async def get_item(db: Database, actor: Actor, item_id: PathId) -> Response[SupplierItem]:
    """One of them, with its ETag."""
    item = await service.get_item(db, actor, item_id)
    return Response(item, headers={"ETag": etag(item.version)})


@patch("/api/supplier-items/{item_id:int}", tags=["suppliers"])
async def change_item(
    db: Database,
    actor: Actor,
    item_id: PathId,
    data: ChangeSupplierItem,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[SupplierItem]:
    """Change what a supplier sells; `prices` replace those there were. Needs If-Match."""
    changed = await service.change_item(db, actor, item_id, data, version=version_of(if_match), key=idempotency_key)
    return reply(changed, status_code=200, version=changed.answer.version)


handlers: list[HTTPRouteHandler] = [list_items, create_item, set_items, get_item, change_item]
