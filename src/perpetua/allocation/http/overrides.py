"""A manager decides otherwise, over HTTP."""

from litestar import Response, post
from litestar.handlers import HTTPRouteHandler

from perpetua.access.types import Actor
from perpetua.allocation import service
from perpetua.allocation.types import Jump, TakeStock
from perpetua.kit.clock import Clock
from perpetua.kit.database import Database
from perpetua.kit.http import IdempotencyKey, PathId, reply
from perpetua.orders.types import Order

__all__ = ["handlers"]


@post("/api/orders/{order_id:int}/take", tags=["allocation"], status_code=200)
async def take(
    db: Database, actor: Actor, clock: Clock, order_id: PathId, data: TakeStock, idempotency_key: IdempotencyKey = None
) -> Response[Order]:
    """Give this order what others have allocated of the same items; what they lose waits again. Needs `orders.override`
    and a reason, and is written down for both.
    """
    done = await service.take_from(db, actor, order_id, data, key=idempotency_key, clock=clock)
    return reply(done, status_code=200, version=done.answer.version)


@post("/api/orders/{order_id:int}/jump", tags=["allocation"], status_code=200)
async def jump(
    db: Database, actor: Actor, clock: Clock, order_id: PathId, data: Jump, idempotency_key: IdempotencyKey = None
) -> Response[Order]:
    """Put this order before all others that wait (or with `back` into its own place again): what comes from now on goes
    to it first. Needs `orders.override` and a reason.
    """
    done = await service.jump(db, actor, order_id, data, key=idempotency_key, clock=clock)
    return reply(done, status_code=200, version=done.answer.version)


handlers: list[HTTPRouteHandler] = [take, jump]
