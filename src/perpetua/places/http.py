"""Places over HTTP: the tree of sites, zones and bins."""

from typing import Annotated

from litestar import Response, delete, get, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.kit.database import Database
from perpetua.kit.http import IdempotencyKey, IfMatch, PathId, QueryId, etag, reply, version_of
from perpetua.kit.listing import Page, PageRequest
from perpetua.places import service
from perpetua.places.types import (
    Branch,
    ChangeLocation,
    Created,
    CreateLocation,
    CreateLocations,
    Kind,
    Laid,
    LayOut,
    Location,
    LocationFilters,
    Moved,
    MoveLocation,
    Removed,
    Step,
)

__all__ = ["handlers"]

Code = Annotated[str | None, Parameter(max_length=40)]


@get("/api/locations", tags=["places"])
async def list_locations(
    db: Database,
    actor: Actor,
    page: PageRequest,
    site: Code = None,
    site_id: QueryId = None,
    parent: Code = None,
    parent_id: QueryId = None,
    within: Code = None,
    within_id: QueryId = None,
    kind: Kind | None = None,
    active: bool | None = None,
    text: Annotated[str | None, Parameter(max_length=200)] = None,
) -> Page[Location]:
    """Places by site, parent (direct children), subtree (`within`), kind, activity, or part of code or name.

    Sorted by `code`, `name` or `pick_sequence`. Places are named by code, or by id in the parameters that end in `_id`.
    """
    filters = LocationFilters(
        site=site if site is not None else site_id,
        parent=parent if parent is not None else parent_id,
        within=within if within is not None else within_id,
        kind=kind,
        active=active,
        text=text,
    )
    return await service.list_locations(db, actor, filters, page)


@get("/api/locations/tree", tags=["places"])
async def tree(
    db: Database, actor: Actor, page: PageRequest, parent: Code = None, parent_id: QueryId = None
) -> Page[Branch]:
    """One level of the tree, with how many places stand in each; without a parent, your topmost places."""
    return await service.tree(db, actor, parent if parent is not None else parent_id, page)


@get("/api/locations/{location_id:int}", tags=["places"])
async def get_location(db: Database, actor: Actor, location_id: PathId) -> Response[Location]:
    """One place, with its ETag."""
    place = await service.get(db, actor, location_id)
    return Response(place, headers={"ETag": etag(place.version)})


@get("/api/locations/{location_id:int}/path", tags=["places"])
async def path(db: Database, actor: Actor, location_id: PathId) -> list[Step]:
    """The way from the site down to the place, itself last."""
    return await service.path(db, actor, location_id)


@post("/api/locations", tags=["places"])
async def create(
    db: Database, actor: Actor, data: CreateLocation, idempotency_key: IdempotencyKey = None
) -> Response[Location]:
    """Make a place. Without a parent it is a site, and gets its in-transit place at once."""
    made = await service.create(db, actor, data, key=idempotency_key)
    return reply(made, version=made.answer.version)


@post("/api/locations/bulk", tags=["places"])
async def create_many(
    db: Database, actor: Actor, data: CreateLocations, idempotency_key: IdempotencyKey = None
) -> Response[Created]:
    """Make many places, all or none; one may stand in another of the list. A refusal names the line."""
    return reply(await service.create_many(db, actor, data, key=idempotency_key))


@post("/api/locations/layout", tags=["places"])
async def lay_out(db: Database, actor: Actor, data: LayOut, idempotency_key: IdempotencyKey = None) -> Response[Laid]:
    """Make a whole block of places from a pattern of levels, such as zones A-D × aisles 01-10 × racks 1-5 × bins 1-6,
    numbered in walking order.
    """
    return reply(await service.lay_out(db, actor, data, key=idempotency_key))


@patch("/api/locations/{location_id:int}", tags=["places"])
async def change(
    db: Database,
    actor: Actor,
    location_id: PathId,
    data: ChangeLocation,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Location]:
    """Change fields of a place; those left out stay. Deactivating it takes all below along, and is refused where stock
    lies.
    """
    changed = await service.change(db, actor, location_id, data, version=version_of(if_match), key=idempotency_key)
    return reply(changed, status_code=200, version=changed.answer.version)


@post("/api/locations/{location_id:int}/move", tags=["places"], status_code=200)
async def move(
    db: Database,
    actor: Actor,
    location_id: PathId,
    data: MoveLocation,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Moved]:
    """Move a place, with all that stands in it, to another parent, perhaps on another site. Stock goes with it."""
    version = None if if_match is None else version_of(if_match)
    moved = await service.move(db, actor, location_id, data, version=version, key=idempotency_key)
    return reply(moved, status_code=200, version=moved.answer.location.version)


@delete("/api/locations/{location_id:int}", tags=["places"], status_code=200)
async def remove(
    db: Database,
    actor: Actor,
    location_id: PathId,
    with_descendants: bool = False,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Removed]:
    """Remove a place that never held stock. One with a history is deactivated instead."""
    version = None if if_match is None else version_of(if_match)
    removed = await service.remove(
        db, actor, location_id, with_descendants=with_descendants, version=version, key=idempotency_key
    )
    return reply(removed, status_code=200)


handlers: list[HTTPRouteHandler] = [
    list_locations, tree, get_location, path, create, create_many, lay_out, change, move, remove,
]  # fmt: skip
