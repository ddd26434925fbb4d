"""Customers over HTTP. Orders, which live with their allocations, are at allocation's."""

from typing import Annotated

from litestar import Response, get, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.kit.database import Database
from perpetua.kit.http import IdempotencyKey, IfMatch, PathId, etag, reply, version_of
from perpetua.kit.listing import Page, PageRequest
from perpetua.orders import service
from perpetua.orders.types import ChangeCustomer, CreateCustomer, CustomerFilters, KeptCustomer

__all__ = ["handlers"]


@get("/api/customers", tags=["customers"])
async def list_customers(
    db: Database,
    actor: Actor,
    page: PageRequest,
    text: Annotated[str | None, Parameter(max_length=200, description="Part of the code or the name.")] = None,
    tier: Annotated[str | None, Parameter(max_length=200)] = None,
    active: bool | None = None,
) -> Page[KeptCustomer]:
    """Customers by code."""
    return await service.list_customers(db, actor, CustomerFilters(text=text, tier=tier, active=active), page)


@post("/api/customers", tags=["customers"])
async def create_customer(
    db: Database, actor: Actor, data: CreateCustomer, idempotency_key: IdempotencyKey = None
) -> Response[KeptCustomer]:
    """Make a customer. Orders name it by its code, and take their tier and shortest shelf life from it."""
    made = await service.create_customer(db, actor, data, key=idempotency_key)
    return reply(made, version=made.answer.version)


@get("/api/customers/{customer_id:int}", tags=["customers"])
async def get_customer(db: Database, actor: Actor, customer_id: PathId) -> Response[KeptCustomer]:
    """One customer, with its ETag."""
    customer = await service.get_customer(db, actor, customer_id)
    return Response(customer, headers={"ETag": etag(customer.version)})


@patch("/api/customers/{customer_id:int}", tags=["customers"])
async def change_customer(
    db: Database,
    actor: Actor,
    customer_id: PathId,
    data: ChangeCustomer,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[KeptCustomer]:
    """Change a customer, or put it out of use with `active: false`: it can then place no more orders, and those it has
    placed stay. Needs If-Match."""
    version = version_of(if_match)
    changed = await service.change_customer(db, actor, customer_id, data, version=version, key=idempotency_key)
    return reply(changed, status_code=200, version=changed.answer.version)


handlers: list[HTTPRouteHandler] = [list_customers, create_customer, get_customer, change_customer]
