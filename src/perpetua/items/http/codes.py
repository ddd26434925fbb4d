"""Categories, owners and units over HTTP."""

from typing import Annotated

from litestar import Response, delete, get, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.items import service
from perpetua.items.types import (
    Category,
    ChangeCategory,
    ChangeOwner,
    ChangeUnit,
    CreateCategory,
    CreateOwner,
    CreateUnit,
    Owner,
    Unit,
)
from perpetua.kit.database import Database
from perpetua.kit.http import IdempotencyKey, IfMatch, PathId, QueryId, etag, reply, version_of
from perpetua.kit.listing import Page, PageRequest

__all__ = ["handlers"]

UnitCode = Annotated[str, Parameter(max_length=20)]


@get("/api/categories", tags=["items"])
async def list_categories(
    db: Database,
    actor: Actor,
    page: PageRequest,
    parent_id: Annotated[
        int | None, Parameter(ge=0, le=2**63 - 1, description="Its children alone; 0 is the top.")
    ] = None,
    within: QueryId = None,
) -> Page[Category]:
    """Categories by code: all, the children of one, or all below one (itself too)."""
    return await service.list_categories(db, actor, page, parent_id=parent_id, within=within)


@post("/api/categories", tags=["items"])
async def create_category(
    db: Database, actor: Actor, data: CreateCategory, idempotency_key: IdempotencyKey = None
) -> Response[Category]:
    """Make a category below another, or at the top."""
    made = await service.create_category(db, actor, data, key=idempotency_key)
    return reply(made, version=made.answer.version)


@get("/api/categories/{category_id:int}", tags=["items"])
async def get_category(db: Database, actor: Actor, category_id: PathId) -> Response[Category]:
    """One category, with its ETag."""
    category = await service.read_category(db, actor, category_id)
    return Response(category, headers={"ETag": etag(category.version)})


@patch("/api/categories/{category_id:int}", tags=["items"])
async def change_category(
    db: Database,
    actor: Actor,
    category_id: PathId,
    data: ChangeCategory,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Category]:
    """Rename a category, or move it with all that is below it (`parent_id`). Needs If-Match."""
    version = version_of(if_match)
    made = await service.change_category(db, actor, category_id, data, version=version, key=idempotency_key)
    return reply(made, status_code=200, version=made.answer.version)


@delete("/api/categories/{category_id:int}", tags=["items"])
async def remove_category(db: Database, actor: Actor, category_id: PathId, if_match: IfMatch = None) -> None:
    """Remove a category that holds neither products nor categories. Needs If-Match."""
    await service.remove_category(db, actor, category_id, version=version_of(if_match))


@get("/api/owners", tags=["items"])
async def list_owners(db: Database, actor: Actor) -> list[Owner]:
    """Whose goods items can be; owner 1 is the company itself."""
    return await service.list_owners(db, actor)


@post("/api/owners", tags=["items"])
async def create_owner(
    db: Database, actor: Actor, data: CreateOwner, idempotency_key: IdempotencyKey = None
) -> Response[Owner]:
    """Make an owner: a client whose goods are kept here."""
    made = await service.create_owner(db, actor, data, key=idempotency_key)
    return reply(made, version=made.answer.version)


@get("/api/owners/{owner_id:int}", tags=["items"])
async def get_owner(db: Database, actor: Actor, owner_id: PathId) -> Response[Owner]:
    """One owner, with its ETag."""
    owner = await service.read_owner(db, actor, owner_id)
    return Response(owner, headers={"ETag": etag(owner.version)})


@patch("/api/owners/{owner_id:int}", tags=["items"])
async def change_owner(
    db: Database,
    actor: Actor,
    owner_id: PathId,
    data: ChangeOwner,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Owner]:
    """Change an owner; one that is not active gets no new items. Needs If-Match."""
    version = version_of(if_match)
    made = await service.change_owner(db, actor, owner_id, data, version=version, key=idempotency_key)
    return reply(made, status_code=200, version=made.answer.version)


@get("/api/units", tags=["items"])
async def list_units(db: Database, actor: Actor) -> list[Unit]:
    """Units of measure, each base with those that are counted in it."""
    return await service.list_units(db, actor)


@post("/api/units", tags=["items"])
async def create_unit(
    db: Database, actor: Actor, data: CreateUnit, idempotency_key: IdempotencyKey = None
) -> Response[Unit]:
    """Make a unit: one is `factor_num / factor_den` of `base_code`, exactly."""
    made = await service.create_unit(db, actor, data, key=idempotency_key)
    return reply(made, version=made.answer.version)


@get("/api/units/{code:str}", tags=["items"])
async def get_unit(db: Database, actor: Actor, code: UnitCode) -> Response[Unit]:
    """One unit, with its ETag."""
    unit = await service.read_unit(db, actor, code)
    return Response(unit, headers={"ETag": etag(unit.version)})


@patch("/api/units/{code:str}", tags=["items"])
async def change_unit(
    db: Database,
    actor: Actor,
    code: UnitCode,
    data: ChangeUnit,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Unit]:
    """Change a unit; what it counts can change only while nothing uses it. Needs If-Match."""
    version = version_of(if_match)
    made = await service.change_unit(db, actor, code, data, version=version, key=idempotency_key)
    return reply(made, status_code=200, version=made.answer.version)


@delete("/api/units/{code:str}", tags=["items"])
async def remove_unit(db: Database, actor: Actor, code: UnitCode, if_match: IfMatch = None) -> None:
    """Remove a unit that nothing uses. Needs If-Match."""
    await service.remove_unit(db, actor, code, version=version_of(if_match))


handlers: list[HTTPRouteHandler] = [
    list_categories,
    create_category,
    get_category,
    change_category,
    remove_category,
    list_owners,
    create_owner,
    get_owner,
    change_owner,
    list_units,
    create_unit,
    get_unit,
    change_unit,
    remove_unit,
]
