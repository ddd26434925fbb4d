"""Plates over HTTP."""

from typing import Annotated

from litestar import Response, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.kit.clock import Clock
from perpetua.kit.database import Database
from perpetua.kit.http import IdempotencyKey, IfMatch, PathId, etag, reply, version_of
from perpetua.kit.idempotency import Answered
from perpetua.kit.listing import Page, PageRequest
from perpetua.plates import service
from perpetua.plates.types import (
    ChangePlateSettings,
    MakePlate,
    MovePlate,
    Nest,
    Plate,
    PlateDetail,
    PlateEvent,
    PlateFilters,
    PlateSettings,
    PlateStatus,
    PutOn,
    TakeOff,
)

__all__ = ["handlers"]

Text = Annotated[str | None, Parameter(max_length=200)]


@get("/api/plates", tags=["plates"])
async def list_plates(
    db: Database, actor: Actor, page: PageRequest,
    code: Annotated[str | None, Parameter(max_length=60, description="How the code or SSCC begins.")] = None,
    location: Text = None, status: PlateStatus | None = None, sku: Text = None,
) -> Page[Plate]:  # fmt: skip
    """License plates, the newest first: in a place with all below it, in a status, or on which an item stands."""
    filters = PlateFilters(code=code, location=location, status=status, sku=sku)
    return await service.list_plates(db, actor, filters, page)


@post("/api/plates", tags=["plates"])
async def make_plate(
    db: Database, actor: Actor, data: MakePlate, idempotency_key: IdempotencyKey = None
) -> Response[PlateDetail]:
    """Make an empty plate at a place: with a code of yours, or an SSCC made from your GS1 company prefix."""
    return _plate(await service.make(db, actor, data, key=idempotency_key), 201)


@get("/api/plates/settings", tags=["plates"])
async def get_settings(db: Database, actor: Actor) -> Response[PlateSettings]:
    """Of what SSCCs are made."""
    settings = await service.get_settings(db, actor)
    return Response(settings, headers={"ETag": etag(settings.version)})


@put("/api/plates/settings", tags=["plates"])
async def change_settings(
    db: Database, actor: Actor, data: ChangePlateSettings, if_match: IfMatch = None
) -> Response[PlateSettings]:
    """Set your GS1 company prefix and the extension digit. Needs If-Match. SSCCs that there are stay."""
    settings = await service.change_settings(db, actor, data, version=version_of(if_match))
    return Response(settings, headers={"ETag": etag(settings.version)})


@get("/api/plates/{plate_id:int}", tags=["plates"])
async def get_plate(db: Database, actor: Actor, plate_id: PathId) -> Response[PlateDetail]:
    """One plate, the plates on it, and all their goods."""
    plate = await service.get(db, actor, plate_id)
    return Response(plate, headers={"ETag": etag(plate.version)})


@get("/api/plates/{plate_id:int}/events", tags=["plates"])
async def plate_events(db: Database, actor: Actor, page: PageRequest, plate_id: PathId) -> Page[PlateEvent]:
    """What happened to a plate, and who did it; the latest first."""
    return await service.list_events(db, actor, plate_id, page)


@post("/api/plates/{plate_id:int}/put", tags=["plates"], status_code=200)
async def put_on(
    db: Database, actor: Actor, plate_id: PathId, data: PutOn, idempotency_key: IdempotencyKey = None
) -> Response[PlateDetail]:
    """Goods that lie loose at the plate's place are on it from now on. Nothing is posted: they lie where they lay."""
    return _plate(await service.put_on(db, actor, plate_id, data, key=idempotency_key))


@post("/api/plates/{plate_id:int}/take", tags=["plates"], status_code=200)
async def take_off(
    db: Database, actor: Actor, plate_id: PathId, data: TakeOff, idempotency_key: IdempotencyKey = None
) -> Response[PlateDetail]:
    """Goods come off the plate, and lie loose at its place."""
    return _plate(await service.take_off(db, actor, plate_id, data, key=idempotency_key))


@post("/api/plates/{plate_id:int}/nest", tags=["plates"], status_code=200)
async def nest(
    db: Database, actor: Actor, plate_id: PathId, data: Nest, idempotency_key: IdempotencyKey = None
) -> Response[PlateDetail]:
    """The plate stands on another at the same place, and moves with it."""
    return _plate(await service.nest(db, actor, plate_id, data, key=idempotency_key))


@post("/api/plates/{plate_id:int}/unnest", tags=["plates"], status_code=200)
async def unnest(
    db: Database, actor: Actor, plate_id: PathId, idempotency_key: IdempotencyKey = None
) -> Response[PlateDetail]:
    """The plate stands by itself."""
    return _plate(await service.unnest(db, actor, plate_id, key=idempotency_key))


@post("/api/plates/{plate_id:int}/move", tags=["plates"], status_code=200)
async def move(
    db: Database, actor: Actor, plate_id: PathId, data: MovePlate, clock: Clock, idempotency_key: IdempotencyKey = None
) -> Response[PlateDetail]:
    """The plate goes to another place, with the plates on it and all their goods: one posting (`posting_id`)."""
    return _plate(await service.move(db, actor, plate_id, data, key=idempotency_key, clock=clock))


@post("/api/plates/{plate_id:int}/close", tags=["plates"], status_code=200)
async def close(
    db: Database, actor: Actor, plate_id: PathId, idempotency_key: IdempotencyKey = None
) -> Response[PlateDetail]:
    """Nothing more is put on or taken off; when its last goods are sold, it counts as shipped with them."""
    return _plate(await service.set_status(db, actor, plate_id, closed=True, key=idempotency_key))


@post("/api/plates/{plate_id:int}/open", tags=["plates"], status_code=200)
async def open_(
    db: Database, actor: Actor, plate_id: PathId, idempotency_key: IdempotencyKey = None
) -> Response[PlateDetail]:
    """A closed plate is opened again."""
    return _plate(await service.set_status(db, actor, plate_id, closed=False, key=idempotency_key))


@post("/api/plates/{plate_id:int}/dissolve", tags=["plates"], status_code=200)
async def dissolve(
    db: Database, actor: Actor, plate_id: PathId, idempotency_key: IdempotencyKey = None
) -> Response[PlateDetail]:
    """The plate is no more: its goods lie loose where it was, plates on it stand there by themselves."""
    return _plate(await service.dissolve(db, actor, plate_id, key=idempotency_key))


def _plate(done: Answered[PlateDetail], status_code: int = 200) -> Response[PlateDetail]:
    return reply(done, status_code=status_code, version=done.answer.version)


handlers: list[HTTPRouteHandler] = [
    list_plates, make_plate, get_settings, change_settings, get_plate, plate_events, put_on, take_off, nest, unnest,
    move, close, open_, dissolve,
]  # fmt: skip
