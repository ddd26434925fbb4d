"""Lots over HTTP: what they are, whether they may be sent, what expires."""

from datetime import date
from typing import Annotated

from litestar import Response, delete, get, patch, post, put
from litestar.datastructures import UploadFile
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
from perpetua.ledger import service
from perpetua.ledger.types import (
    ChangeLot,
    ExpiringLot,
    Lot,
    LotDetail,
    LotEvent,
    LotFilters,
    LotStatus,
    SetLotStatus,
)

__all__ = ["handlers"]

Text = Annotated[str | None, Parameter(max_length=200)]
Days = Annotated[int, Parameter(ge=0, le=3650, description="Its last day comes within so many days, or is over.")]
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": "attachment",
}


@get("/api/lots", tags=["lots"])
async def list_lots(
    db: Database, actor: Actor, page: PageRequest, sku: Text = None, variant_id: QueryId = None,
    status: LotStatus | None = None, expiring_before: date | None = None,
    number: Annotated[str | None, Parameter(max_length=100, description="How the number begins.")] = None,
    supplier: Text = None, supplier_lot: Text = None, location: Text = None, with_stock: bool = False,
) -> Page[Lot]:  # fmt: skip
    """Lots, the newest first; `sort=number` or `sort=expires` (the first to expire first). On hand and in transit are
    those of your places, or of `location` with all below it.
    """
    filters = LotFilters(
        sku=sku, variant_id=variant_id, status=status, expiring_before=expiring_before, number=number,
        supplier=supplier, supplier_lot=supplier_lot, location=location, with_stock=with_stock,
    )  # fmt: skip
    return await service.list_lots(db, actor, filters, page)


@get("/api/lots/expiring", tags=["lots"])
async def list_expiring(
    db: Database, actor: Actor, page: PageRequest, clock: Clock, within_days: Days = 30, location: Text = None
) -> Page[ExpiringLot]:
    """Lots with stock whose last day (in UTC) comes soon or is over, the first first: how much, and its value at cost
    price for those who see costs.
    """
    return await service.list_expiring(db, actor, within_days, page, location=location, clock=clock)


@get("/api/lots/{lot_id:int}", tags=["lots"])
async def get_lot(db: Database, actor: Actor, lot_id: PathId) -> Response[LotDetail]:
    """One lot, with its ETag: where it lies, what is promised of it, what was received, sold, returned, written off."""
    return _lot(await service.get_lot(db, actor, lot_id))


@get("/api/lots/{lot_id:int}/events", tags=["lots"])
async def list_events(db: Database, actor: Actor, page: PageRequest, lot_id: PathId) -> Page[LotEvent]:
    """What was changed of a lot, by whom and why; the latest first."""
    return await service.list_lot_events(db, actor, lot_id, page)


@patch("/api/lots/{lot_id:int}", tags=["lots"])
async def change_lot(
    db: Database, actor: Actor, lot_id: PathId, data: ChangeLot, if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[LotDetail]:  # fmt: skip
    """Change a lot's dates, or who made it. Needs If-Match. What may be promised follows in the same transaction."""
    version = version_of(if_match)
    done = await service.change_lot(db, actor, lot_id, data, version=version, key=idempotency_key)
    return reply(done, status_code=200, version=done.answer.version)


@post("/api/lots/{lot_id:int}/status", tags=["lots"], status_code=200)
async def set_status(
    db: Database, actor: Actor, lot_id: PathId, data: SetLotStatus, if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[LotDetail]:  # fmt: skip
    """Keep a lot from being sent (`hold`, `quarantine`), or release it, with a reason. What is promised of it moves to
    other lots or waits again; what is free goes to whoever waits, all in the same transaction.
    """
    version = version_of(if_match) if if_match is not None else None
    done = await service.set_lot_status(db, actor, lot_id, data, version=version, key=idempotency_key)
    return reply(done, status_code=200, version=done.answer.version)


@put(
    "/api/lots/{lot_id:int}/certificate", tags=["lots"],
    request_max_body_size=service.MAX_CERTIFICATE_BYTES + 100_000,
)  # fmt: skip
async def put_certificate(
    db: Database, actor: Actor, objects: ObjectStore, lot_id: PathId,
    data: Annotated[UploadFile, Body(media_type=RequestEncodingType.MULTI_PART)], if_match: IfMatch = None,
) -> Response[LotDetail]:  # fmt: skip
    """Keep a lot's certificate: PDF, PNG or JPEG, at most 10 MB, in place of the one it has. The content tells its
    type; the file's name is not used.
    """
    version = version_of(if_match) if if_match is not None else None
    return _lot(await service.put_certificate(db, actor, objects, lot_id, await data.read(), version=version))


@get(
    "/api/lots/{lot_id:int}/certificate", tags=["lots"],
    responses={200: ResponseSpec(bytes, description="The file.", media_type="*/*", generate_examples=False)},
)  # fmt: skip
async def get_certificate(db: Database, actor: Actor, objects: ObjectStore, lot_id: PathId) -> Response[bytes]:
    """A lot's certificate, as it was sent."""
    file = await service.read_certificate(db, actor, objects, lot_id)
    return Response(file.content, media_type=file.media_type, headers=HEADERS)


@delete("/api/lots/{lot_id:int}/certificate", tags=["lots"], status_code=200)
async def remove_certificate(
    db: Database, actor: Actor, objects: ObjectStore, lot_id: PathId, if_match: IfMatch = None
) -> Response[LotDetail]:
    """Take a lot's certificate away."""
    version = version_of(if_match) if if_match is not None else None
    return _lot(await service.remove_certificate(db, actor, objects, lot_id, version=version))


def _lot(lot: LotDetail) -> Response[LotDetail]:
    return Response(lot, headers={"ETag": etag(lot.version)})


handlers: list[HTTPRouteHandler] = [
    list_lots, list_expiring, get_lot, list_events, change_lot, set_status, put_certificate, get_certificate,
    remove_certificate,
]  # fmt: skip
