"""Group commit: orders that arrive while others are being decided are decided together with the next."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from perpetua.access.types import Actor
from perpetua.allocation.service.placing import Outcome, Request, place_together
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database
from perpetua.kit.errors import Refusal
from perpetua.kit.idempotency import Answered
from perpetua.orders.types import Order, PlaceOrder

__all__ = ["Gathering"]

MOST_LINES: Final = 600
"""Of one group; an order with more is a group of its own."""


class Gathering:
    """Takes orders one by one and has them decided in groups, one group at a time.

    Nobody waits for company: whoever comes to an idle gathering is decided at once, alone. Whoever comes while a group
    is under way is in the next. So groups grow by themselves as orders come faster, and locks are taken once for all.
    """

    def __init__(self, db: Database, *, clock: Clock = system_clock) -> None:
        self._db = db
        self._clock = clock
        self._waiting: deque[tuple[Request, asyncio.Future[Outcome]]] = deque()
        self._runner: asyncio.Task[None] | None = None

    async def place(self, actor: Actor, order: PlaceOrder, *, key: str | None = None) -> Answered[Order]:
        """Take an order, with whoever else is there.

        Raises:
            Refusal: as `place_together` gives it.
        """
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((Request(actor, order, key), outcome))
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        # The group goes on when one of its callers hangs up.
        said = await asyncio.shield(outcome)
        if isinstance(said, Refusal):
            raise said
        return said

    async def _run(self) -> None:
        while self._waiting:
            group = self._next()
            try:
                outcomes: Sequence[Outcome] = await place_together(self._db, [r for r, _ in group], clock=self._clock)
            except BaseException as failure:
                for _, outcome in group:
                    if not outcome.done():
                        outcome.set_exception(failure)
                if not isinstance(failure, Exception):
                    raise
            else:
                for (_, outcome), said in zip(group, outcomes, strict=True):
                    if not outcome.done():
                        outcome.set_result(said)

    def _next(self) -> list[tuple[Request, asyncio.Future[Outcome]]]:
        group, lines = [self._waiting.popleft()], 0
        lines = len(group[0][0].order.lines)
        while self._waiting and lines + len(self._waiting[0][0].order.lines) <= MOST_LINES:
            group.append(self._waiting.popleft())
            lines += len(group[-1][0].order.lines)
        return group
