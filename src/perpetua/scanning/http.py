"""Scanning over HTTP: one scan, a device's queue, the log."""

from datetime import datetime
from typing import Annotated

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.kit.database import Database
from perpetua.kit.http import IdempotencyKey, QueryId, reply
from perpetua.kit.listing import Page, PageRequest
from perpetua.scanning import service
from perpetua.scanning.types import (
    Action,
    BatchAnswer,
    Outcome,
    Scan,
    ScanAnswer,
    ScanBatch,
    ScanFilters,
    ScanRecord,
)

__all__ = ["handlers"]

Text = Annotated[str | None, Parameter(max_length=100)]


@post("/api/scan", tags=["scanning"])
async def scan(db: Database, actor: Actor, data: Scan, idempotency_key: IdempotencyKey = None) -> Response[ScanAnswer]:
    """Send one scan: it is kept as it came, then looked up (barcode, GS1 data, radio tag, SKU, place label), and stock
    is received, moved, adjusted or counted if asked for. A refusal carries the `scan_id`: the scan is kept anyway.
    """
    return reply(await service.scan(db, actor, data, key=idempotency_key))


@post("/api/scan/batch", tags=["scanning"])
async def scan_batch(db: Database, actor: Actor, data: ScanBatch) -> list[BatchAnswer]:
    """Send what a device scanned without connection, up to 500, each under its own key: all are kept at once, then done
    in order; each has its own answer, and has one effect however often it is sent.
    """
    return await service.scan_batch(db, actor, data)


@get("/api/scan-log", tags=["scanning"])
async def list_scans(
    db: Database,
    actor: Actor,
    page: PageRequest,
    device: Text = None,
    actor_id: QueryId = None,
    action: Action | None = None,
    outcome: Outcome | None = None,
    code: Annotated[str | None, Parameter(max_length=4000)] = None,
    variant_id: QueryId = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Page[ScanRecord]:
    """The scans as they came, with what became of them; the latest first."""
    filters = ScanFilters(
        device=device,
        actor_id=actor_id,
        action=action,
        outcome=outcome,
        code=code,
        variant_id=variant_id,
        since=since,
        until=until,
    )
    return await service.list_scans(db, actor, filters, page)


handlers: list[HTTPRouteHandler] = [scan, scan_batch, list_scans]
