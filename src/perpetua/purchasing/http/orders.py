"""Purchase orders over HTTP."""

from typing import Annotated

from litestar import Response, get, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.kit.clock import Clock
from perpetua.kit.database import Database
from perpetua.kit.http import IdempotencyKey, IfMatch, PathId, etag, reply, version_of
from perpetua.kit.listing import Page, PageRequest
from perpetua.kit.typeset import Letterhead
from perpetua.purchasing import service
from perpetua.purchasing.types import (
    ApproveOrder,
    CancelOrder,
    ChangeOrder,
    CloseShort,
    ConfirmOrder,
    CreateOrder,
    Event,
    Order,
    OrderFilters,
    OrderStatus,
    OrderSummary,
    SubmitOrder,
    Version,
)

__all__ = ["handlers"]

Text = Annotated[str | None, Parameter(max_length=200)]


@get("/api/purchase-orders", tags=["purchasing"])
async def list_orders(
    db: Database,
    actor: Actor,
    page: PageRequest,
    clock: Clock,
    status: OrderStatus | None = None,
    supplier: Text = None,
    site: Text = None,
    sku: Annotated[str | None, Parameter(max_length=200, description="Those with a line of this item.")] = None,
    external_id: Text = None,
    open_: Annotated[bool, Parameter(query="open", description="Submitted, and something is still to come.")] = False,
    overdue: Annotated[bool, Parameter(description="Something should have come before today.")] = False,
    waits_for_approval: bool = False,
) -> Page[OrderSummary]:
    """Purchase orders of your sites: the newest first, or sorted by `id`, `due` (what is expected first) or `supplier`.
    Totals only for those who may see prices."""
    filters = OrderFilters(
        status=status, supplier=supplier, site=site, sku=sku, external_id=external_id, open=open_, overdue=overdue,
        waits_for_approval=waits_for_approval,
    )  # fmt: skip
    return await service.list_orders(db, actor, filters, page, clock=clock)


@post("/api/purchase-orders", tags=["purchasing"])
async def create_order(
    db: Database, actor: Actor, data: CreateOrder, idempotency_key: IdempotencyKey = None
) -> Response[Order]:
    """Make a draft with its lines. Prices are the supplier's for the quantity, where none are given. A quantity below
    the supplier's minimum, or no multiple of the pack, is refused unless `allow_off_pack`."""
    made = await service.create(db, actor, data, key=idempotency_key)
    return reply(made, version=made.answer.version)


@get("/api/purchase-orders/{po_id:int}", tags=["purchasing"])
async def get_order(db: Database, actor: Actor, po_id: PathId) -> Response[Order]:
    """One order with its lines, approvals and how it was sent; with its ETag."""
    order = await service.get(db, actor, po_id)
    return Response(order, headers={"ETag": etag(order.version)})


@patch("/api/purchase-orders/{po_id:int}", tags=["purchasing"])
async def change_order(
    db: Database,
    actor: Actor,
    po_id: PathId,
    data: ChangeOrder,
    clock: Clock,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Order]:
    """Change an order: quantities, prices, lines. What makes a draft dearer than was approved needs approval again;
    what makes a submitted order dearer waits as its `proposal` until it is approved. Needs If-Match."""
    done = await service.change(db, actor, po_id, data, version=version_of(if_match), key=idempotency_key, clock=clock)
    return reply(done, status_code=200, version=done.answer.version)


@post("/api/purchase-orders/{po_id:int}/approve", tags=["purchasing"], status_code=200)
async def approve_order(
    db: Database,
    actor: Actor,
    po_id: PathId,
    data: ApproveOrder,
    clock: Clock,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Order]:
    """Approve what the order comes to, or the change of it that waits. Only a person who signed in can, never a program
    with an API token. Above the limit of the settings two different persons must. Needs If-Match: you approve what you
    have read."""
    done = await service.approve(db, actor, po_id, data, version=version_of(if_match), key=idempotency_key, clock=clock)
    return reply(done, status_code=200, version=done.answer.version)


@post("/api/purchase-orders/{po_id:int}/withdraw", tags=["purchasing"], status_code=200)
async def withdraw_change(
    db: Database, actor: Actor, po_id: PathId, if_match: IfMatch = None, idempotency_key: IdempotencyKey = None
) -> Response[Order]:
    """Withdraw the change that waits for approval."""
    done = await service.withdraw(db, actor, po_id, version=_version(if_match), key=idempotency_key)
    return reply(done, status_code=200, version=done.answer.version)


@post("/api/purchase-orders/{po_id:int}/submit", tags=["purchasing"], status_code=200)
async def submit_order(
    db: Database,
    actor: Actor,
    po_id: PathId,
    data: SubmitOrder,
    clock: Clock,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Order]:
    """An approved draft becomes an order: it counts as on order from now on. With `send` it goes to the supplier by
    e-mail; without a mail server, or an address, the order says that it was not sent."""
    done = await service.submit(db, actor, po_id, data, version=_version(if_match), key=idempotency_key, clock=clock)
    return reply(done, status_code=200, version=done.answer.version)


@post("/api/purchase-orders/{po_id:int}/confirm", tags=["purchasing"], status_code=200)
async def confirm_order(
    db: Database,
    actor: Actor,
    po_id: PathId,
    data: ConfirmOrder,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Order]:
    """Write what the supplier promises: the day, and where it is less than was ordered, how much of a line. Orders that
    wait for the goods get their new expected day at once."""
    done = await service.confirm(db, actor, po_id, data, version=_version(if_match), key=idempotency_key)
    return reply(done, status_code=200, version=done.answer.version)


@post("/api/purchase-orders/{po_id:int}/cancel", tags=["purchasing"], status_code=200)
async def cancel_order(
    db: Database,
    actor: Actor,
    po_id: PathId,
    data: CancelOrder,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Order]:
    """Cancel a draft, or what has not come of an order: all of it, some lines, or so much of them."""
    done = await service.cancel(db, actor, po_id, data, version=_version(if_match), key=idempotency_key)
    return reply(done, status_code=200, version=done.answer.version)


@post("/api/purchase-orders/{po_id:int}/close-short", tags=["purchasing"], status_code=200)
async def close_short(
    db: Database,
    actor: Actor,
    po_id: PathId,
    data: CloseShort,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Order]:
    """Less came than was ordered, and nothing more is to come: of the whole order, or of some lines."""
    done = await service.close_short(db, actor, po_id, data, version=_version(if_match), key=idempotency_key)
    return reply(done, status_code=200, version=done.answer.version)


@post("/api/purchase-orders/{po_id:int}/send", tags=["purchasing"], status_code=200)
async def send_order(
    db: Database, actor: Actor, po_id: PathId, idempotency_key: IdempotencyKey = None
) -> Response[Order]:
    """Send an order to its supplier by e-mail, with its PDF, again if it was sent before. What becomes of it stands in
    `sending`."""
    done = await service.send(db, actor, po_id, key=idempotency_key)
    return reply(done, status_code=200, version=done.answer.version)


@get(
    "/api/purchase-orders/{po_id:int}/document",
    tags=["purchasing"],
    responses={200: ResponseSpec(bytes, description="The PDF.", media_type="application/pdf", generate_examples=False)},
)
async def get_document(db: Database, actor: Actor, po_id: PathId, letterhead: Letterhead) -> Response[bytes]:
    """The order as PDF; prices only for those who may see them."""
    number, content = await service.document(db, actor, po_id, letterhead)
    headers = {
        "Content-Disposition": f'inline; filename="{number}.pdf"', "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }  # fmt: skip
    return Response(content, media_type="application/pdf", headers=headers)


@get("/api/purchase-orders/{po_id:int}/versions", tags=["purchasing"])
async def list_versions(db: Database, actor: Actor, po_id: PathId, page: PageRequest) -> Page[Version]:
    """The order as it was before each change since it was submitted, the latest first."""
    return await service.versions(db, actor, po_id, page)


@get("/api/purchase-orders/{po_id:int}/history", tags=["purchasing"])
async def list_history(db: Database, actor: Actor, po_id: PathId, page: PageRequest) -> Page[Event]:
    """What happened to the order, and who did it, the latest first."""
    return await service.history(db, actor, po_id, page)


def _version(if_match: str | None) -> int | None:
    return None if if_match is None else version_of(if_match)


handlers: list[HTTPRouteHandler] = [
    list_orders, create_order, get_order, change_order, approve_order, withdraw_change, submit_order, confirm_order,
    cancel_order, close_short, send_order, get_document, list_versions, list_history,
]  # fmt: skip
