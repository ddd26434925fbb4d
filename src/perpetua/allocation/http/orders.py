"""Sales orders over HTTP: taken, read, cancelled, shipped."""

from typing import Annotated

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.allocation import service
from perpetua.kit.database import Database
from perpetua.kit.http import IdempotencyKey, etag, reply
from perpetua.orders.types import CancelOrder, Order, PlaceOrder, ShipOrder

__all__ = ["handlers"]

PathId = Annotated[int, Parameter(ge=0, le=2**63 - 1)]


@post("/api/orders", tags=["orders"])
async def place(
    gathering: service.Gathering, actor: Actor, data: PlaceOrder, idempotency_key: IdempotencyKey = None
) -> Response[Order]:
    """Take an order: each line is allocated, waits, or is refused, and that is decided when the answer comes.

    A channel's external id is one order, however often it is sent.
    """
    taken = await gathering.place(actor, data, key=idempotency_key)
    return reply(taken, version=taken.answer.version)


@get("/api/orders/{order_id:int}", tags=["orders"])
async def get_order(db: Database, actor: Actor, order_id: PathId) -> Response[Order]:
    """One order with its lines and where they are allocated, with its ETag. `contact` only for `customers.read`."""
    order = await service.get(db, actor, order_id)
    return Response(order, headers={"ETag": etag(order.version)})


@post("/api/orders/{order_id:int}/cancel", tags=["orders"], status_code=200)
async def cancel(
    db: Database, actor: Actor, order_id: PathId, data: CancelOrder, idempotency_key: IdempotencyKey = None
) -> Response[Order]:
    """Cancel an order or some of its lines, as far as they have not left. What they held goes to whoever waits."""
    done = await service.cancel(db, actor, order_id, data, key=idempotency_key)
    return reply(done, status_code=200, version=done.answer.version)


@post("/api/orders/{order_id:int}/ship", tags=["orders"], status_code=200)
async def ship(
    db: Database, actor: Actor, order_id: PathId, data: ShipOrder, idempotency_key: IdempotencyKey = None
) -> Response[Order]:
    """Ship an order as far as it is allocated, or some of its lines: the sale is posted, the allocations are closed."""
    done = await service.ship(db, actor, order_id, data, key=idempotency_key)
    return reply(done, status_code=200, version=done.answer.version)


handlers: list[HTTPRouteHandler] = [place, get_order, cancel, ship]
