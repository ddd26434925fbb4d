"""Group commit: orders that arrive while others are being decided are decided together with the next."""

from typing import Final

from perpetua.access.types import Actor
from perpetua.allocation.service.placing import Outcome, Request, place_together
from perpetua.kit import gathering
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database
from perpetua.kit.errors import Refusal
from perpetua.kit.idempotency import Answered
from perpetua.orders.types import Order, PlaceOrder

__all__ = ["Gathering"]

MOST_LINES: Final = 600
"""Of one group."""


class Gathering:
    """Takes orders one by one and has them decided in groups: see `kit.gathering`. One of a process."""

    def __init__(self, db: Database, *, clock: Clock = system_clock) -> None:
        async def act(requests: list[Request]) -> list[Outcome]:
            return await place_together(db, requests, clock=clock)

        self._orders: gathering.Gathering[Request, Outcome] = gathering.Gathering(
            act, most=MOST_LINES, weigh=lambda request: len(request.order.lines)
        )

    async def place(self, actor: Actor, order: PlaceOrder, *, key: str | None = None) -> Answered[Order]:
        """Take an order, with whoever else is there.

        Raises:
            Refusal: as `place_together` gives it.
        """
        said = await self._orders.ask(Request(actor, order, key))
        if isinstance(said, Refusal):
            raise said
        return said
