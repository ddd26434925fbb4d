"""What may be promised now, over HTTP."""

from typing import Annotated

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.allocation import service
from perpetua.allocation.types import AskAvailability, AvailabilityAnswer
from perpetua.kit.clock import Clock
from perpetua.kit.database import Database

__all__ = ["handlers"]

Text = Annotated[str | None, Parameter(max_length=200)]


@get("/api/availability", tags=["availability"])
async def ask(
    db: Database, actor: Actor, clock: Clock,
    sku: Annotated[list[str], Parameter(max_items=200, description="Once for each item.")],
    site: Text = None, region: Text = None, channel: Annotated[str, Parameter(max_length=60)] = "direct",
    tier: Text = None, min_life_days: Annotated[int | None, Parameter(ge=0, le=3650)] = None,
) -> AvailabilityAnswer:  # fmt: skip
    """What may be promised of items now, in total and site by site, by the rules that allocation decides by.

    Read from live rows: a reservation that has expired holds nothing. Of a kit: what its components allow.
    """
    asked = AskAvailability(skus=sku, site=site, region=region, channel=channel, tier=tier, min_life_days=min_life_days)
    return await service.availability(db, actor, asked, clock=clock)


@post("/api/availability", tags=["availability"], status_code=200)
async def ask_many(db: Database, actor: Actor, clock: Clock, data: AskAvailability) -> AvailabilityAnswer:
    """The same for up to 1,000 items at once."""
    return await service.availability(db, actor, data, clock=clock)


handlers: list[HTTPRouteHandler] = [ask, ask_many]
