"""Suppliers' invoices over HTTP: entered, listed, decided on, released, made void; and what they may differ by."""

from datetime import date
from typing import Annotated

from litestar import Response, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.kit.database import Database
from perpetua.kit.http import IdempotencyKey, IfMatch, PathId, etag, reply, version_of
from perpetua.kit.listing import Page, PageRequest
from perpetua.purchasing import service
from perpetua.purchasing.types.invoices import (
    Decide,
    EnterInvoice,
    Invoice,
    InvoiceFilters,
    InvoiceStatus,
    InvoiceSummary,
    MatchSettings,
    ReleaseInvoice,
    SetMatchSettings,
    VoidInvoice,
)

__all__ = ["handlers"]

Text = Annotated[str | None, Parameter(max_length=200)]


@get("/api/supplier-invoices", tags=["supplier invoices"])
async def list_invoices(
    db: Database, actor: Actor, page: PageRequest, status: InvoiceStatus | None = None, supplier: Text = None,
    number: Annotated[str | None, Parameter(max_length=100, description="How it begins.")] = None, po: Text = None,
    open: Annotated[bool, Parameter(description="Neither released nor void.")] = False,  # noqa: A002
    attention: Annotated[bool, Parameter(description="Somebody must decide, or what was released is wrong.")] = False,
    due_until: date | None = None,
) -> Page[InvoiceSummary]:  # fmt: skip
    """Suppliers' invoices, the newest first; or by `id`, `due`, `number` or `supplier`."""
    filters = InvoiceFilters(
        status=status, supplier=supplier, number=number, po=po, open=open, attention=attention, due_until=due_until
    )
    return await service.list_invoices(db, actor, filters, page)


@post("/api/supplier-invoices", tags=["supplier invoices"])
async def enter(
    db: Database, actor: Actor, data: EnterInvoice, idempotency_key: IdempotencyKey = None
) -> Response[Invoice]:
    """Enter a supplier's invoice. Each line is held against what was ordered and what came, now and whenever goods
    come; what agrees may be released at once. A number of theirs is one invoice, whatever its case."""
    made = await service.enter_invoice(db, actor, data, key=idempotency_key)
    return reply(made, version=made.answer.version)


@get("/api/supplier-invoices/{invoice_id:int}", tags=["supplier invoices"])
async def get_invoice(db: Database, actor: Actor, invoice_id: PathId) -> Response[Invoice]:
    """One invoice with its lines, what each is held against, and what was decided. With its ETag."""
    invoice = await service.get_invoice(db, actor, invoice_id)
    return Response(invoice, headers={"ETag": etag(invoice.version)})


@post("/api/supplier-invoices/{invoice_id:int}/decide", tags=["supplier invoices"], status_code=200)
async def decide(
    db: Database, actor: Actor, invoice_id: PathId, data: Decide, if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Invoice]:  # fmt: skip
    """Accept, reject, or ask for credit: lines that differ, each with a reason. A person does it, and who entered the
    invoice does not accept alone. Needs If-Match."""
    done = await service.decide_invoice(db, actor, invoice_id, data, version=version_of(if_match), key=idempotency_key)
    return reply(done, status_code=200, version=done.answer.version)


@post("/api/supplier-invoices/{invoice_id:int}/release", tags=["supplier invoices"], status_code=200)
async def release(
    db: Database, actor: Actor, invoice_id: PathId, data: ReleaseInvoice, if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Invoice]:  # fmt: skip
    """Release an invoice for payment. Refused while a line differs that nobody decided on, or waits for its goods.
    Needs If-Match."""
    done = await service.release_invoice(db, actor, invoice_id, data, version=version_of(if_match), key=idempotency_key)
    return reply(done, status_code=200, version=done.answer.version)


@post("/api/supplier-invoices/{invoice_id:int}/void", tags=["supplier invoices"], status_code=200)
async def void(
    db: Database, actor: Actor, invoice_id: PathId, data: VoidInvoice, if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Invoice]:  # fmt: skip
    """Make an invoice void that was not released. Its number may then be entered anew. Needs If-Match."""
    done = await service.void_invoice(db, actor, invoice_id, data, version=version_of(if_match), key=idempotency_key)
    return reply(done, status_code=200, version=done.answer.version)


@get("/api/match-settings", tags=["supplier invoices"])
async def get_settings(db: Database, actor: Actor) -> Response[MatchSettings]:
    """What an invoice may differ by without a question. With its ETag."""
    found = await service.get_match_settings(db, actor)
    return Response(found, headers={"ETag": etag(found.version)})


@put("/api/match-settings", tags=["supplier invoices"])
async def set_settings(
    db: Database, actor: Actor, data: SetMatchSettings, if_match: IfMatch = None, idempotency_key: IdempotencyKey = None
) -> Response[MatchSettings]:
    """Set it anew, whole, for invoices entered from now on. Needs If-Match."""
    done = await service.set_match_settings(db, actor, data, version=version_of(if_match), key=idempotency_key)
    return reply(done, status_code=200, version=done.answer.version)


handlers: list[HTTPRouteHandler] = [
    list_invoices,
    enter,
    get_invoice,
    decide,
    release,
    void,
    get_settings,
    set_settings,
]
"""Those of suppliers' invoices."""
