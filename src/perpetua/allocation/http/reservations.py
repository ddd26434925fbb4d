"""Stock that is held for carts, quotes and people, over HTTP."""

from typing import Annotated

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.allocation import service
from perpetua.allocation.types import (
    ExtendReservation,
    HoldKind,
    ReleaseReservation,
    Reservation,
    ReservationFilters,
    Reserve,
    Reserved,
)
from perpetua.kit.clock import Clock
from perpetua.kit.database import Database
from perpetua.kit.http import IdempotencyKey, reply
from perpetua.kit.listing import Page, PageRequest

__all__ = ["handlers"]

Text = Annotated[str | None, Parameter(max_length=200)]


@post("/api/reservations", tags=["availability"])
async def reserve(
    db: Database, actor: Actor, clock: Clock, data: Reserve, idempotency_key: IdempotencyKey = None
) -> Response[Reserved]:
    """Hold stock for a cart, a quote or a person: all lines or nothing (409), or with `partial` what is there.

    An order that names the holder in `reservation` has what was held, whoever else wants it.
    """
    return reply(await service.reserve(db, actor, data, key=idempotency_key, clock=clock))


@get("/api/reservations", tags=["availability"])
async def list_reservations(
    db: Database, actor: Actor, page: PageRequest, channel: Text = None, holder: Text = None,
    kind: HoldKind | None = None, sku: Text = None, live: bool = True,
) -> Page[Reservation]:  # fmt: skip
    """Reservations, the newest first. `live=false`: also those that were ordered, given back, or expired."""
    filters = ReservationFilters(channel=channel, holder=holder, kind=kind, sku=sku, live=live)
    return await service.list_reservations(db, actor, filters, page)


@post("/api/reservations/extend", tags=["availability"], status_code=200)
async def extend(
    db: Database, actor: Actor, clock: Clock, data: ExtendReservation, idempotency_key: IdempotencyKey = None
) -> Response[Reserved]:
    """Hold all that a holder has until another time; what has expired is gone."""
    return reply(await service.extend(db, actor, data, key=idempotency_key, clock=clock), status_code=200)


@post("/api/reservations/release", tags=["availability"], status_code=200)
async def release(
    db: Database, actor: Actor, clock: Clock, data: ReleaseReservation, idempotency_key: IdempotencyKey = None
) -> Response[Reserved]:
    """Give back what a holder has, or some of it by id; it goes to whoever waits."""
    return reply(await service.release(db, actor, data, key=idempotency_key, clock=clock), status_code=200)


handlers: list[HTTPRouteHandler] = [reserve, list_reservations, extend, release]
