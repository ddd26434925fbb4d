"""How suppliers did, over HTTP."""

from datetime import date
from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.kit.clock import Clock
from perpetua.kit.database import Database
from perpetua.kit.http import PathId
from perpetua.kit.listing import Page, PageRequest
from perpetua.purchasing import service
from perpetua.purchasing.types.scorecards import Scorecard

__all__ = ["handlers"]

Days = Annotated[int, Parameter(ge=1, le=1000, description="The window: so many days up to `until`.")]


@get("/api/suppliers/{supplier_id:int}/scorecard", tags=["suppliers"])
async def get_scorecard(
    db: Database, actor: Actor, clock: Clock, supplier_id: PathId, days: Days = 90, until: date | None = None
) -> Scorecard:
    """How a supplier did in the last 90 days, or in another window: on time, in full, discrepancies, prices, lead
    times."""
    return await service.get_scorecard(db, actor, supplier_id, days=days, until=until, clock=clock)


@get("/api/supplier-scorecards", tags=["suppliers"])
async def list_scorecards(
    db: Database, actor: Actor, clock: Clock, page: PageRequest, days: Days = 90, until: date | None = None,
    active: bool | None = None,
) -> Page[Scorecard]:  # fmt: skip
    """The same of all suppliers, by their code."""
    return await service.list_scorecards(db, actor, page, days=days, until=until, active=active, clock=clock)


handlers: list[HTTPRouteHandler] = [get_scorecard, list_scorecards]
"""Those of scorecards."""
