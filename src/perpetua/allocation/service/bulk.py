"""Many orders in one request: taken in groups, each with its own answer."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final

from perpetua.access.types import Actor
from perpetua.allocation.service.placing import Outcome, Request, Turn, place_together
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database
from perpetua.kit.errors import InvalidValue, Refusal, TooLarge
from perpetua.orders.types import PlaceOrder

__all__ = ["MAX_BULK_LINES", "MAX_BULK_ORDERS", "place_many"]

MAX_BULK_ORDERS: Final = 2_000
MAX_BULK_LINES: Final = 20_000
GROUP_LINES: Final = 500
"""Of one transaction; an order with more is one of its own. Longer ones would keep others waiting for positions."""
AT_ONCE: Final = 2
"""Groups under way: while one is written, the next is looked up and drafted. They are decided one after the other."""


async def place_many(
    db: Database, actor: Actor, orders: Sequence[PlaceOrder | Refusal], *, clock: Clock = system_clock
) -> list[Outcome]:
    """Take orders in their order, some hundred lines to a transaction; an answer or a refusal for each, in their order.

    Each must have its external id, so that the whole may be sent again after whatever happened: what was taken is then
    found, not taken twice. Refusals among what is asked are orders that could not be read; they are passed on.

    Raises:
        NotAllowed: no `orders.write`.
        TooLarge: more orders or lines than are taken in one request.
    """
    actor.require("orders.write")
    if len(orders) > MAX_BULK_ORDERS:
        raise TooLarge(reason=f"At most {MAX_BULK_ORDERS} orders are taken in one request.", limit=MAX_BULK_ORDERS)
    if sum(len(one.lines) for one in orders if isinstance(one, PlaceOrder)) > MAX_BULK_LINES:
        raise TooLarge(reason=f"At most {MAX_BULK_LINES} lines are taken in one request.", limit=MAX_BULK_LINES)
    outcomes: dict[int, Outcome] = {}
    asked: dict[int, PlaceOrder] = {}
    for at, one in enumerate(orders):
        if isinstance(one, Refusal):
            outcomes[at] = one
        elif one.external_id is None:
            outcomes[at] = InvalidValue("external_id", "(absent)", "is missing; among many, each order needs its own")
        else:
            asked[at] = one
    places = asyncio.Semaphore(AT_ONCE)

    async def taken(group: list[int], turn: Turn) -> None:
        async with places:
            requests = [Request(actor, asked[at]) for at in group]
            answers = await place_together(db, requests, clock=clock, turn=turn)
            outcomes.update(zip(group, answers, strict=True))

    turn = None
    try:
        async with asyncio.TaskGroup() as tasks:
            for group in _groups(asked):
                turn = Turn(after=turn)
                tasks.create_task(taken(group, turn))
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None  # as it would be of one group alone
    return [outcomes[at] for at in range(len(orders))]


def _groups(asked: dict[int, PlaceOrder]) -> Iterator[list[int]]:
    group, lines = list[int](), 0
    for at, order in asked.items():
        if group and lines + len(order.lines) > GROUP_LINES:
            yield group
            group, lines = [], 0
        group.append(at)
        lines += len(order.lines)
    if group:
        yield group
