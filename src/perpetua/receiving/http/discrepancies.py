"""What was not as it should be, over HTTP."""

from typing import Annotated, Final

from litestar import Response, get, post
from litestar.datastructures import ResponseHeader, UploadFile
from litestar.enums import RequestEncodingType
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Body, Parameter

from perpetua.access.types import Actor
from perpetua.kit.clock import Clock
from perpetua.kit.database import Database
from perpetua.kit.http import IdempotencyKey, IfMatch, PathId, QueryId, etag, reply, version_of
from perpetua.kit.listing import Page, PageRequest
from perpetua.kit.objects import ObjectStore
from perpetua.receiving import service
from perpetua.receiving.types import (
    Discrepancy,
    DiscrepancyFilters,
    DiscrepancyKind,
    DiscrepancyStatus,
    NoteDiscrepancy,
    ResolveDiscrepancy,
)

__all__ = ["handlers"]

Text = Annotated[str | None, Parameter(max_length=200)]
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    # Named after its content, so it never changes; private, as a shared cache would show it to those signed out.
    "Cache-Control": "private, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": "inline",
}


@post("/api/receipts/{receipt_id:int}/discrepancies", tags=["receiving"])
async def note_discrepancy(
    db: Database, actor: Actor, receipt_id: PathId, data: NoteDiscrepancy, idempotency_key: IdempotencyKey = None
) -> Response[Discrepancy]:
    """Write down what is not as it should be and is not received: refused at the dock, or found later."""
    done = await service.note_discrepancy(db, actor, receipt_id, data, key=idempotency_key)
    return reply(done, version=done.answer.version)


@get("/api/discrepancies", tags=["receiving"])
async def list_discrepancies(
    db: Database, actor: Actor, page: PageRequest,
    receipt_id: QueryId = None,
    supplier: Annotated[str | None, Parameter(max_length=200, description="The supplier's code.")] = None,
    kind: DiscrepancyKind | None = None,
    status: DiscrepancyStatus | None = None,
    sku: Text = None,
) -> Page[Discrepancy]:  # fmt: skip
    """What was not as it should be, the newest first."""
    filters = DiscrepancyFilters(receipt_id=receipt_id, supplier=supplier, kind=kind, status=status, sku=sku)
    return await service.list_discrepancies(db, actor, filters, page)


@get("/api/discrepancies/{discrepancy_id:int}", tags=["receiving"])
async def get_discrepancy(db: Database, actor: Actor, discrepancy_id: PathId) -> Response[Discrepancy]:
    """One discrepancy, with its pictures and its ETag."""
    found = await service.get_discrepancy(db, actor, discrepancy_id)
    return Response(found, headers={"ETag": etag(found.version)})


@post("/api/discrepancies/{discrepancy_id:int}/resolve", tags=["receiving"], status_code=200)
async def resolve_discrepancy(
    db: Database, actor: Actor, clock: Clock, discrepancy_id: PathId, data: ResolveDiscrepancy,
    if_match: IfMatch = None, idempotency_key: IdempotencyKey = None,
) -> Response[Discrepancy]:  # fmt: skip
    """Say what became of it: accepted as it is, credited, replaced, returned, or still to come. Needs If-Match."""
    done = await service.resolve_discrepancy(
        db, actor, discrepancy_id, data, version=version_of(if_match), key=idempotency_key, clock=clock
    )
    return reply(done, status_code=200, version=done.answer.version)


@post(
    "/api/discrepancies/{discrepancy_id:int}/photos",
    tags=["receiving"],
    request_max_body_size=service.MAX_PHOTO_BYTES + 100_000,
)
async def add_photo(
    db: Database,
    actor: Actor,
    objects: ObjectStore,
    discrepancy_id: PathId,
    data: Annotated[UploadFile, Body(media_type=RequestEncodingType.MULTI_PART)],
) -> Discrepancy:
    """Add a picture: PNG, JPEG or WebP, at most 10 MB. The content tells its type; the file's name is not used."""
    return await service.add_photo(db, actor, objects, discrepancy_id, await data.read())


@get(
    "/api/discrepancies/photos/{sha256:str}",
    tags=["receiving"],
    response_headers=[ResponseHeader(name="Cache-Control", description="It never changes.", documentation_only=True)],
    responses={200: ResponseSpec(bytes, description="The picture.", media_type="image/*", generate_examples=False)},
)
async def get_photo(
    db: Database, actor: Actor, objects: ObjectStore, sha256: Annotated[str, Parameter(max_length=64)]
) -> Response[bytes]:
    """The content of a picture, by its SHA-256 as discrepancies name it."""
    photo = await service.read_photo(db, actor, objects, sha256)
    return Response(photo.content, media_type=photo.media_type, headers=HEADERS)


handlers: list[HTTPRouteHandler] = [
    note_discrepancy, list_discrepancies, get_discrepancy, resolve_discrepancy, add_photo, get_photo,
]  # fmt: skip
