"""Receipts over HTTP: opened, taken in line by line or whole, undone, closed, read."""

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
from perpetua.receiving import service
from perpetua.receiving.types import (
    CloseReceipt,
    OpenReceipt,
    Receipt,
    ReceiptFilters,
    ReceiptLine,
    ReceiptStatus,
    ReceiptSummary,
    ReceiveOrder,
    TakeIn,
    Taken,
    TakePlate,
    UndoLines,
    number_of,
)

__all__ = ["handlers"]

Text = Annotated[str | None, Parameter(max_length=200)]


@post("/api/receipts", tags=["receiving"])
async def open_receipt(
    db: Database, actor: Actor, data: OpenReceipt, idempotency_key: IdempotencyKey = None
) -> Response[Receipt]:
    """A delivery is at the dock: for purchase orders, as announced, or blind."""
    done = await service.open_receipt(db, actor, data, key=idempotency_key)
    return reply(done, version=done.answer.version)


@get("/api/receipts", tags=["receiving"])
async def list_receipts(
    db: Database, actor: Actor, page: PageRequest,
    status: ReceiptStatus | None = None,
    supplier: Annotated[str | None, Parameter(max_length=200, description="The supplier's code.")] = None,
    order: Annotated[str | None, Parameter(max_length=40, description="A purchase order: PO-000123.")] = None,
    site: Text = None,
    sku: Annotated[str | None, Parameter(max_length=200, description="Receipts with which this item came.")] = None,
    reference: Text = None,
) -> Page[ReceiptSummary]:  # fmt: skip
    """Receipts, the newest first."""
    filters = ReceiptFilters(
        status=status, supplier=supplier, order=order, site=site, sku=sku, reference=reference
    )  # fmt: skip
    return await service.list_receipts(db, actor, filters, page)


@get("/api/receipts/{receipt_id:int}", tags=["receiving"])
async def get_receipt(db: Database, actor: Actor, receipt_id: PathId) -> Response[Receipt]:
    """A receipt: what was expected and how much of it came, what came, what was not as it should be."""
    found = await service.get_receipt(db, actor, receipt_id)
    return Response(found, headers={"ETag": etag(found.version)})


@get("/api/receipts/{receipt_id:int}/lines", tags=["receiving"])
async def list_lines(db: Database, actor: Actor, receipt_id: PathId, page: PageRequest) -> Page[ReceiptLine]:
    """What came with a receipt, the newest first."""
    return await service.list_lines(db, actor, receipt_id, page)


@post("/api/receipts/{receipt_id:int}/lines", tags=["receiving"])
async def take_in(
    db: Database, actor: Actor, clock: Clock, receipt_id: PathId, data: TakeIn, idempotency_key: IdempotencyKey = None
) -> Response[Taken]:
    """Take goods in, one scan or up to 10,000 lines: all or none; on hand at once, and whoever waits has them.

    More than is taken without a question, what was not ordered, and what is past its day is refused with the numbers;
    `accept` takes it in with a discrepancy.
    """
    done = await service.take_in(db, actor, receipt_id, data, key=idempotency_key, clock=clock)
    return reply(done, version=done.answer.version)


@post("/api/receipts/{receipt_id:int}/plates", tags=["receiving"])
async def take_plate(
    db: Database, actor: Actor, clock: Clock, receipt_id: PathId, data: TakePlate,
    idempotency_key: IdempotencyKey = None,
) -> Response[Taken]:  # fmt: skip
    """Take in all that was announced on a pallet or box, by its SSCC: one scan. It stands there then, as a plate."""
    done = await service.take_plate(db, actor, receipt_id, data, key=idempotency_key, clock=clock)
    return reply(done, version=done.answer.version)


@post("/api/receipts/{receipt_id:int}/undo", tags=["receiving"], status_code=200)
async def undo_lines(
    db: Database, actor: Actor, clock: Clock, receipt_id: PathId, data: UndoLines,
    idempotency_key: IdempotencyKey = None,
) -> Response[Receipt]:  # fmt: skip
    """Take back lines that were a mistake: rows of the ledger take back theirs, and their orders are open again."""
    done = await service.undo_lines(db, actor, receipt_id, data, key=idempotency_key, clock=clock)
    return reply(done, status_code=200, version=done.answer.version)


@post("/api/receipts/{receipt_id:int}/close", tags=["receiving"], status_code=200)
async def close_receipt(
    db: Database, actor: Actor, clock: Clock, receipt_id: PathId, data: CloseReceipt,
    idempotency_key: IdempotencyKey = None,
) -> Response[Receipt]:  # fmt: skip
    """All of the delivery is in. What was expected and did not come is written down as short; its orders stay open."""
    done = await service.close_receipt(db, actor, receipt_id, data, key=idempotency_key, clock=clock)
    return reply(done, status_code=200, version=done.answer.version)


@post("/api/purchase-orders/{po_id:int}/receive", tags=["receiving"])
async def receive_order(
    db: Database, actor: Actor, clock: Clock, po_id: PathId, data: ReceiveOrder, idempotency_key: IdempotencyKey = None
) -> Response[Receipt]:
    """A purchase order came, in one go: some lines, or without `lines` all that is open of it."""
    done = await service.receive_order(db, actor, po_id, data, key=idempotency_key, clock=clock)
    return reply(done, version=done.answer.version)


@get(
    "/api/receipts/{receipt_id:int}/receiving-list",
    tags=["receiving"],
    responses={
        200: ResponseSpec(bytes, description="The list.", media_type="application/pdf", generate_examples=False)
    },
)
async def receiving_list(
    db: Database, actor: Actor, letterhead: Letterhead, receipt_id: PathId,
    blind: Annotated[bool, Parameter(description="Without how much is expected, so that people count.")] = False,
) -> Response[bytes]:  # fmt: skip
    """The receiving list as PDF: what is to come in, to be counted and written on."""
    made = await service.receiving_list(db, actor, receipt_id, letterhead, blind=blind)
    headers = {"Content-Disposition": f'inline; filename="{number_of(receipt_id)}.pdf"'}
    return Response(made, media_type="application/pdf", headers=headers)


handlers: list[HTTPRouteHandler] = [
    open_receipt, list_receipts, get_receipt, list_lines, take_in, take_plate, undo_lines, close_receipt, receive_order,
    receiving_list,
]  # fmt: skip
