"""How long suppliers take, over HTTP."""

from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.kit.database import Database
from perpetua.kit.listing import Page, PageRequest
from perpetua.purchasing import service
from perpetua.purchasing.types.lead_times import LeadTime, LeadTimeConfidence, LeadTimeFilters

__all__ = ["handlers"]

Text = Annotated[str | None, Parameter(max_length=200)]


@get("/api/lead-times", tags=["lead times"])
async def list_lead_times(
    db: Database, actor: Actor, page: PageRequest, supplier: Text = None, sku: Text = None, late: bool | None = None,
    counted: Annotated[bool, Parameter(description="Without those that were cancelled.")] = True,
) -> Page[LeadTime]:  # fmt: skip
    """How long lines of orders took, from the day they were ordered to the day on which the last of them came; the
    latest written first."""
    filters = LeadTimeFilters(supplier=supplier, sku=sku, late=late, counted=counted)
    return await service.list_lead_times(db, actor, filters, page)


@get("/api/lead-time-confidence", tags=["lead times"])
async def list_confidence(
    db: Database, actor: Actor, page: PageRequest, supplier: Text = None, sku: Text = None
) -> Page[LeadTimeConfidence]:
    """What is to be expected of each supplier's items, and how sure that is. Where little came of an item, its
    supplier's lead times count beside it, and those of all others beside theirs."""
    return await service.list_lead_time_confidence(db, actor, page, supplier=supplier, sku=sku)


handlers: list[HTTPRouteHandler] = [list_lead_times, list_confidence]
"""Those of lead times."""
