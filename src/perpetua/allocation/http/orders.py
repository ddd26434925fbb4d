"""Sales orders over HTTP: taken, listed, read, changed, released, cancelled, shipped."""

from typing import Annotated

from litestar import Response, get, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.allocation import service
from perpetua.kit.database import Database
from perpetua.kit.errors import Refusal
from perpetua.kit.http import IdempotencyKey, IfMatch, PathId, etag, problem_of, reply, version_of
from perpetua.kit.listing import Page, PageRequest
from perpetua.orders.types import (
    CancelOrder,
    ChangeOrder,
    MoveOnFloor,
    Order,
    OrderFilters,
    OrderStatus,
    OrderSummary,
    PlacedMany,
    PlacedOne,
    PlaceOrder,
    PlaceOrders,
    ReturnOrder,
    ShipOrder,
)

__all__ = ["handlers"]

Text = Annotated[str | None, Parameter(max_length=200)]


@post("/api/orders", tags=["orders"])
async def place(
    gathering: service.Gathering, actor: Actor, data: PlaceOrder, idempotency_key: IdempotencyKey = None
) -> Response[Order]:
    """Take an order: each line is allocated, waits, or is refused, and that is decided when the answer comes.

    A channel's external id is one order, however often it is sent.
    """
    taken = await gathering.place(actor, data, key=idempotency_key)
    return reply(taken, version=taken.answer.version)


@post("/api/orders/bulk", tags=["orders"], status_code=200)
async def place_many(db: Database, actor: Actor, data: PlaceOrders) -> PlacedMany:
    """Take up to 2,000 orders with up to 20,000 lines, each with an answer of its own: a bad one fails alone, none is
    taken in half.

    Each needs its `external_id`: after a failure of whatever kind send the whole again, and what was taken is found.
    """
    outcomes = await service.place_many(db, actor, data.orders)
    told = [_told(index, outcome) for index, outcome in enumerate(outcomes)]
    refused = sum(1 for outcome in outcomes if isinstance(outcome, Refusal))
    replayed = sum(1 for one in told if one.replayed)
    return PlacedMany(taken=len(told) - refused - replayed, replayed=replayed, refused=refused, orders=told)


def _told(index: int, outcome: service.Outcome) -> PlacedOne:
    if isinstance(outcome, Refusal):
        return PlacedOne(index=index, status=outcome.status, problem=problem_of(outcome))
    return PlacedOne(index=index, status=201, replayed=outcome.replayed, order=outcome.answer)


@get("/api/orders", tags=["orders"])
async def list_orders(
    db: Database,
    actor: Actor,
    page: PageRequest,
    status: OrderStatus | None = None,
    channel: Text = None,
    external_id: Text = None,
    customer: Annotated[str | None, Parameter(max_length=200, description="The customer's code.")] = None,
    sku: Annotated[str | None, Parameter(max_length=200, description="Orders with a line of this item.")] = None,
    waiting: Annotated[bool, Parameter(description="Only those of which something waits for stock.")] = False,
) -> Page[OrderSummary]:
    """Orders, the newest first, each in one row."""
    filters = OrderFilters(
        status=status, channel=channel, external_id=external_id, customer=customer, sku=sku, waiting=waiting
    )
    return await service.list_orders(db, actor, filters, page)


@get("/api/orders/{order_id:int}", tags=["orders"])
async def get_order(db: Database, actor: Actor, order_id: PathId) -> Response[Order]:
    """One order with its lines and where they are allocated, with its ETag. `contact` only for `customers.read`."""
    order = await service.get(db, actor, order_id)
    return Response(order, headers={"ETag": etag(order.version)})


@patch("/api/orders/{order_id:int}", tags=["orders"])
async def change(
    db: Database,
    actor: Actor,
    order_id: PathId,
    data: ChangeOrder,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Order]:
    """Change the quantities of lines, or add lines. Less gives stock back at once to whoever waits for it; more, and
    new lines, are decided at once. Needs If-Match.
    """
    changed = await service.change(db, actor, order_id, data, version=version_of(if_match), key=idempotency_key)
    return reply(changed, status_code=200, version=changed.answer.version)


@post("/api/orders/{order_id:int}/release", tags=["orders"], status_code=200)
async def release(
    db: Database, actor: Actor, order_id: PathId, idempotency_key: IdempotencyKey = None
) -> Response[Order]:
    """Release an order to the floor: what is allocated of it may be picked."""
    done = await service.release_order(db, actor, order_id, key=idempotency_key)
    return reply(done, status_code=200, version=done.answer.version)


@post("/api/orders/{order_id:int}/cancel", tags=["orders"], status_code=200)
async def cancel(
    db: Database, actor: Actor, order_id: PathId, data: CancelOrder, idempotency_key: IdempotencyKey = None
) -> Response[Order]:
    """Cancel an order or some of its lines, as far as they have not left. What they held goes to whoever waits.

    Goods that are being picked or are packed are taken back only by somebody with `orders.override`.
    """
    done = await service.cancel(db, actor, order_id, data, key=idempotency_key)
    return reply(done, status_code=200, version=done.answer.version)


@post("/api/orders/{order_id:int}/ship", tags=["orders"], status_code=200)
async def ship(
    db: Database, actor: Actor, order_id: PathId, data: ShipOrder, idempotency_key: IdempotencyKey = None
) -> Response[Order]:
    """Ship an order as far as it is allocated, or some of its lines: the sale is posted, the allocations are closed."""
    done = await service.ship(db, actor, order_id, data, key=idempotency_key)
    return reply(done, status_code=200, version=done.answer.version)


@post("/api/orders/{order_id:int}/floor", tags=["orders"], status_code=200)
async def move_on_floor(
    db: Database, actor: Actor, order_id: PathId, data: MoveOnFloor, idempotency_key: IdempotencyKey = None
) -> Response[Order]:
    """A released order is being picked, is packed, or goes a step back. While it is, its goods are in people's hands:
    only somebody with `orders.override` takes them away.
    """
    done = await service.move_on_floor(db, actor, order_id, data.status, key=idempotency_key)
    return reply(done, status_code=200, version=done.answer.version)


@post("/api/orders/{order_id:int}/return", tags=["orders"], status_code=200)
async def return_order(
    db: Database, actor: Actor, order_id: PathId, data: ReturnOrder, idempotency_key: IdempotencyKey = None
) -> Response[Order]:
    """Take back what left with an order, all of it or some lines: the return is posted where it is put, as the lots and
    serials that left, and goes to whoever waits if it can be sold from there. RETURNED once all that left is back.
    """
    done = await service.return_order(db, actor, order_id, data, key=idempotency_key)
    return reply(done, status_code=200, version=done.answer.version)


handlers: list[HTTPRouteHandler] = [
    place, place_many, list_orders, get_order, change, release, move_on_floor, cancel, ship,
    return_order,
]  # fmt: skip
