"""Tracing over HTTP: where goods came from and went, and calling them back."""

from datetime import datetime
from typing import Annotated

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.kit.clock import Clock
from perpetua.kit.database import Database
from perpetua.kit.http import IdempotencyKey, PathId, etag, reply
from perpetua.kit.listing import Page, PageRequest
from perpetua.kit.typeset import Letterhead
from perpetua.tracing import service
from perpetua.tracing.types import (
    CloseRecall,
    Direction,
    Holder,
    OpenRecall,
    Recall,
    RecallDetail,
    RecallFilters,
    ReleaseLots,
    TraceRow,
)

__all__ = ["handlers"]


@get("/api/lots/{lot_id:int}/trace", tags=["tracing"])
async def trace_lot(
    db: Database, actor: Actor, page: PageRequest, lot_id: PathId, direction: Direction = "forward"
) -> Page[TraceRow]:
    """`forward`: what became of a lot, and of what was made of it: orders, customers, places, transfers, write-offs.
    `backward`: where it, and what it was made of, came from: receipts, suppliers, purchase orders. In the order in
    which it happened; customers only for those with `customers.read`.
    """
    return await service.trace_lot(db, actor, lot_id, direction, page)


@get("/api/serials/{serial_id:int}/trace", tags=["tracing"])
async def trace_serial(
    db: Database, actor: Actor, page: PageRequest, serial_id: PathId, direction: Direction = "forward"
) -> Page[TraceRow]:
    """The same of one unit."""
    return await service.trace_serial(db, actor, serial_id, direction, page)


@get("/api/lots/{lot_id:int}/holders", tags=["tracing"])
async def lot_holders(db: Database, actor: Actor, page: PageRequest, lot_id: PathId) -> Page[Holder]:
    """Who has some of a lot: sent to whom, where it lies, what is on its way."""
    return await service.list_holders(db, actor, page, lot_id=lot_id)


@get("/api/recalls", tags=["tracing"])
async def list_recalls(
    db: Database, actor: Actor, page: PageRequest,
    open_: Annotated[bool | None, Parameter(query="open", description="Only those that are open, or closed.")] = None,
    number: Annotated[str | None, Parameter(max_length=40)] = None,
) -> Page[Recall]:  # fmt: skip
    """Recalls, the newest first."""
    return await service.list_recalls(db, actor, RecallFilters(open=open_, number=number), page)


@post("/api/recalls", tags=["tracing"])
async def open_recall(
    db: Database, actor: Actor, data: OpenRecall, idempotency_key: IdempotencyKey = None
) -> Response[RecallDetail]:
    """Call lots back: by their ids, or all that fit. They are blocked at once: what is promised of them moves to other
    lots or waits again in the same transaction, and who was to have it is kept with the recall.
    """
    done = await service.open_recall(db, actor, data, key=idempotency_key)
    return reply(done, version=done.answer.version)


@get("/api/recalls/{recall_id:int}", tags=["tracing"])
async def get_recall(db: Database, actor: Actor, recall_id: PathId) -> Response[RecallDetail]:
    """A recall with its lots: what came, was sent, came back, was written off since, and is still here."""
    recall = await service.get_recall(db, actor, recall_id)
    return Response(recall, headers={"ETag": etag(recall.version)})


@get("/api/recalls/{recall_id:int}/holders", tags=["tracing"])
async def recall_holders(db: Database, actor: Actor, page: PageRequest, recall_id: PathId) -> Page[Holder]:
    """Who has some of it: here by place, on its way, promised until it was recalled, sent to whom."""
    await service.get_recall(db, actor, recall_id)
    return await service.list_holders(db, actor, page, recall_id=recall_id)


@post("/api/recalls/{recall_id:int}/release", tags=["tracing"], status_code=200)
async def release_lots(
    db: Database, actor: Actor, recall_id: PathId, data: ReleaseLots, idempotency_key: IdempotencyKey = None
) -> Response[RecallDetail]:
    """Take lots out of a recall, with a reason; what is free of them goes to whoever waits."""
    done = await service.release_lots(db, actor, recall_id, data, key=idempotency_key)
    return reply(done, status_code=200, version=done.answer.version)


@post("/api/recalls/{recall_id:int}/close", tags=["tracing"], status_code=200)
async def close_recall(
    db: Database, actor: Actor, recall_id: PathId, data: CloseRecall, idempotency_key: IdempotencyKey = None
) -> Response[RecallDetail]:
    """The recall is done; while some is still here, only with `leave_rest`. What was not released stays blocked."""
    done = await service.close_recall(db, actor, recall_id, data, key=idempotency_key)
    return reply(done, status_code=200, version=done.answer.version)


@get(
    "/api/recalls/{recall_id:int}/document", tags=["tracing"],
    responses={200: ResponseSpec(bytes, description="The PDF.", media_type="application/pdf", generate_examples=False)},
)  # fmt: skip
async def recall_document(
    db: Database, actor: Actor, recall_id: PathId, letterhead: Letterhead, clock: Clock
) -> Response[bytes]:
    """The recall as PDF: its lots, and the first thousand who have some of it."""
    now: datetime = clock()
    content = await service.recall_pdf(db, actor, recall_id, letterhead, now=now)
    headers = {
        "Content-Disposition": f'inline; filename="recall-{recall_id}.pdf"',
        "Cache-Control": "private, no-cache",
    }
    return Response(content, media_type="application/pdf", headers=headers)


handlers: list[HTTPRouteHandler] = [
    trace_lot, trace_serial, lot_holders, list_recalls, open_recall, get_recall, recall_holders, release_lots,
    close_recall, recall_document,
]  # fmt: skip
