"""Work that arrives one by one, done in groups.

Always true:
- Nobody waits for company: whoever comes to an idle gathering is a group of one, at once.
- Whoever comes while a group is under way is in a later one, which begins after they came.
- Each caller gets its own answer, or the exception that its group ended with.
- A group goes on when its callers hang up.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

__all__ = ["Gathering"]

Asked = TypeVar("Asked")
Said = TypeVar("Said")


class Gathering(Generic[Asked, Said]):
    """Takes work one by one and has it done in groups, one group at a time: so groups grow by themselves as work comes
    faster, and what a group needs is read, locked and committed once for all.

    Args:
        act: does a group; the answers in the order of what was asked.
        most: what a group may weigh at the most; one piece that weighs more is a group of its own.
        weigh: what a piece weighs; left out, each weighs 1.
    """

    def __init__(
        self,
        act: Callable[[list[Asked]], Awaitable[Sequence[Said]]],
        *,
        most: int,
        weigh: Callable[[Asked], int] = lambda _: 1,
    ) -> None:
        self._act = act
        self._most = most
        self._weigh = weigh
        self._waiting: deque[tuple[Asked, asyncio.Future[Said]]] = deque()
        self._runner: asyncio.Task[None] | None = None

    async def ask(self, asked: Asked) -> Said:
        """Have it done, with whatever else is there; its answer."""
        answer: asyncio.Future[Said] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, answer))
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        while self._waiting:
            group = self._next()
            try:
                answers = await self._act([asked for asked, _ in group])
            except BaseException as failure:
                for _, answer in group:
                    if not answer.done():
                        answer.set_exception(failure)
                if not isinstance(failure, Exception):
                    raise
            else:
                for (_, answer), said in zip(group, answers, strict=True):
                    if not answer.done():
                        answer.set_result(said)

    def _next(self) -> list[tuple[Asked, asyncio.Future[Said]]]:
        group = [self._waiting.popleft()]
        weight = self._weigh(group[0][0])
        while self._waiting and (weight := weight + self._weigh(self._waiting[0][0])) <= self._most:
            group.append(self._waiting.popleft())
        return group
