"""Why decisions fell as they did, over HTTP."""

from datetime import datetime
from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.allocation import service
from perpetua.allocation.types import Action, DecisionRow, Explained
from perpetua.kit.database import Database
from perpetua.kit.http import PathId, QueryId
from perpetua.kit.listing import Page, PageRequest

__all__ = ["handlers"]


@get("/api/orders/{order_id:int}/explain", tags=["orders"])
async def explain(db: Database, actor: Actor, order_id: PathId) -> Explained:
    """Why each line has what it has: what was asked, what was there and where, by which rules, who comes first now, and
    all that happened since; in numbers and in words.
    """
    return await service.explain(db, actor, order_id)


@get("/api/allocation/audit", tags=["allocation"])
async def list_decisions(
    db: Database, actor: Actor, page: PageRequest, order_id: QueryId = None,
    sku: Annotated[str | None, Parameter(max_length=200)] = None, action: Action | None = None,
    actor_id: QueryId = None, since: datetime | None = None,
) -> Page[DecisionRow]:  # fmt: skip
    """Every decision of allocation with the numbers it was made from, the newest first. None is ever changed."""
    return await service.list_decisions(
        db, actor, page, order_id=order_id, sku=sku, action=action, actor_id=actor_id, since=since
    )


handlers: list[HTTPRouteHandler] = [explain, list_decisions]
