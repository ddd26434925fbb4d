"""Suppliers over HTTP."""

from typing import Annotated

from litestar import Response, get, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.kit.database import Database
from perpetua.kit.http import IdempotencyKey, IfMatch, PathId, etag, reply, version_of
from perpetua.kit.listing import Page, PageRequest
from perpetua.partners import service
from perpetua.partners.types import ChangeSupplier, CreateSupplier, Supplier, SupplierFilters

__all__ = ["handlers"]


@get("/api/suppliers", tags=["suppliers"])
async def list_suppliers(
    db: Database,
    actor: Actor,
    page: PageRequest,
    text: Annotated[str | None, Parameter(max_length=200, description="Part of the code or the name.")] = None,
    active: bool | None = None,
) -> Page[Supplier]:
    """Suppliers, sorted by `code` or `name`."""
    return await service.list_suppliers(db, actor, SupplierFilters(text=text, active=active), page)


@post("/api/suppliers", tags=["suppliers"])
async def create_supplier(
    db: Database, actor: Actor, data: CreateSupplier, idempotency_key: IdempotencyKey = None
) -> Response[Supplier]:
    """Make a supplier, with terms, calendar, addresses and contacts. Purchase orders name it by its code."""
    made = await service.create_supplier(db, actor, data, key=idempotency_key)
    return reply(made, version=made.answer.version)


@get("/api/suppliers/{supplier_id:int}", tags=["suppliers"])
async def get_supplier(db: Database, actor: Actor, supplier_id: PathId) -> Response[Supplier]:
    """One supplier, with its ETag."""
    supplier = await service.get_supplier(db, actor, supplier_id)
    return Response(supplier, headers={"ETag": etag(supplier.version)})


@patch("/api/suppliers/{supplier_id:int}", tags=["suppliers"])
async def change_supplier(
    db: Database,
    actor: Actor,
    supplier_id: PathId,
    data: ChangeSupplier,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Supplier]:
    """Change a supplier, or put it out of use with `active: false`: it then gets no new orders, and those it has stay.
    Terms, calendar, addresses and contacts are replaced whole. Needs If-Match."""
    version = version_of(if_match)
    changed = await service.change_supplier(db, actor, supplier_id, data, version=version, key=idempotency_key)
    return reply(changed, status_code=200, version=changed.answer.version)


handlers: list[HTTPRouteHandler] = [list_suppliers, create_supplier, get_supplier, change_supplier]
"""Those of this word."""
