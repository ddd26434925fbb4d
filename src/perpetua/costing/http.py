"""Landed costs over HTTP."""

from typing import Annotated

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.costing import service
from perpetua.costing.types import (
    CancelCharge,
    Charge,
    ChargeFilters,
    ChargeKind,
    ChargeLine,
    ChargeSummary,
    Preview,
    SpreadCharge,
)
from perpetua.kit.database import Database
from perpetua.kit.http import IdempotencyKey, PathId, reply
from perpetua.kit.listing import Page, PageRequest

__all__ = ["handlers"]

Text = Annotated[str | None, Parameter(max_length=200)]


@get("/api/landed-costs", tags=["landed costs"])
async def list_charges(
    db: Database, actor: Actor, page: PageRequest, kind: ChargeKind | None = None, supplier: Text = None,
    sku: Text = None, counted: Annotated[bool, Parameter(description="Without what was taken back.")] = False,
) -> Page[ChargeSummary]:  # fmt: skip
    """Charges spread over goods, the newest first."""
    filters = ChargeFilters(kind=kind, supplier=supplier, sku=sku, counted=counted)
    return await service.list_charges(db, actor, filters, page)


@post("/api/landed-costs/preview", tags=["landed costs"], status_code=200)
async def preview(db: Database, actor: Actor, data: SpreadCharge) -> Preview:
    """What a charge would lay on each item; nothing is kept."""
    return await service.preview_charge(db, actor, data)


@post("/api/landed-costs", tags=["landed costs"])
async def spread(
    db: Database, actor: Actor, data: SpreadCharge, idempotency_key: IdempotencyKey = None
) -> Response[Charge]:
    """Spread freight, duty, insurance or another charge over goods that came, by value, weight, volume or quantity;
    also weeks after they came, and when some are sold. The parts add up to the charge to the last decimal."""
    return reply(await service.spread_charge(db, actor, data, key=idempotency_key))


@get("/api/landed-costs/{charge_id:int}", tags=["landed costs"])
async def get_charge(db: Database, actor: Actor, charge_id: PathId) -> Charge:
    """One charge with what lies on each item."""
    return await service.get_charge(db, actor, charge_id)


@get("/api/landed-costs/{charge_id:int}/lines", tags=["landed costs"])
async def list_lines(db: Database, actor: Actor, charge_id: PathId, page: PageRequest) -> Page[ChargeLine]:
    """What lies on each row of the ledger, in the order of the rows."""
    return await service.list_lines(db, actor, charge_id, page)


@post("/api/landed-costs/{charge_id:int}/cancel", tags=["landed costs"])
async def cancel(
    db: Database, actor: Actor, charge_id: PathId, data: CancelCharge, idempotency_key: IdempotencyKey = None
) -> Response[Charge]:
    """Take a charge back, by another with the same lines below nothing, which is the answer."""
    return reply(await service.cancel_charge(db, actor, charge_id, data, key=idempotency_key))


handlers: list[HTTPRouteHandler] = [list_charges, preview, spread, get_charge, list_lines, cancel]
"""Those of this word."""
