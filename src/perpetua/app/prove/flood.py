"""The load: many clients, two servers, crashes in between; what was acknowledged is kept in `Told`."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Final

import psycopg

from perpetua.allocation import service as allocation
from perpetua.app.prove.client import Client
from perpetua.app.prove.goods import ROUND_LINES, Goods
from perpetua.app.prove.plan import Document, Plan
from perpetua.app.prove.processes import DatabaseCrasher, Web
from perpetua.app.prove.told import Told
from perpetua.kit.database import Database

__all__ = ["Flood"]

CRASHES_EVERY: Final = 250_000
"""Each server and PostgreSQL are killed once for so many lines, and once at the least."""
CHORES_SECONDS: Final = 10.0


class Flood:
    """All clients together.

    Args:
        webs: the two servers.
        url: the scratch database, for what the worker does each minute, and for what the buyer sees.
        crasher: kills PostgreSQL, where that is wanted.
        progress: told the lines sent so far.
        minutes: send no longer than that.
    """

    def __init__(
        self, plan: Plan, webs: Sequence[Web], url: str, secret: str, clients: int, crasher: DatabaseCrasher | None,
        progress: Callable[[str, int], None], minutes: float | None = None,
    ) -> None:  # fmt: skip
        self.plan, self.webs, self.secret = plan, webs, secret
        self.told, self.goods = Told(), Goods(url, plan)
        self.unanswered: list[Document] = []
        self.sent, self.wall_seconds = 0, 0.0
        self._minutes = minutes
        self._url, self._crasher, self._progress = url, crasher, progress
        self._documents, self._begun = 0, time.perf_counter()
        self._next_round = ROUND_LINES
        self._due = self._crashes()
        self._group = asyncio.TaskGroup()
        self._crashing, self._buying = asyncio.Lock(), asyncio.Lock()
        self._clients = [Client(number, self) for number in range(clients)]

    async def run(self) -> Told:
        """Send all; at the end nothing is unanswered, and what has expired is looked after."""
        await self._buy()
        self._begun = time.perf_counter()
        chores = asyncio.create_task(self._chores())
        try:
            async with self._group as group:
                documents = self._in_time(self.plan.documents())
                for client in self._clients:
                    group.create_task(client.work(documents))
            await self._retry()
            self.wall_seconds = time.perf_counter() - self._begun
        finally:
            chores.cancel()
            for client in self._clients:
                client.close()
        await self._end_expired()
        return self.told

    def _in_time(self, documents: Iterator[Document]) -> Iterator[Document]:
        """As many of them as can be sent in time."""
        for document in documents:
            if self._minutes is not None and time.perf_counter() - self._begun > self._minutes * 60:
                return
            yield document

    async def passed(self, document: Document) -> None:
        """A document was sent: goods move, the buyer looks, and whoever is to be killed by now is."""
        self.sent += document.lines
        self._documents += 1
        self._progress(f"Flooding{self._pace()}", self.sent)
        if self.sent >= self._next_round and not self._buying.locked():
            self._next_round = self.sent + ROUND_LINES
            self._group.create_task(self._buy())
        while self._due and self.sent >= self._due[0][0]:
            self._group.create_task(self._crash(self._due.pop(0)[1]))
        if move := self.goods.after(self._documents):
            await self._clients[self._documents % len(self._clients)].post_move(move)

    def _pace(self) -> str:
        seconds = time.perf_counter() - self._begun
        if seconds < 3:
            return ""
        rate = self.sent / seconds
        left = round(max(self.plan.lines - self.sent, 0) / max(rate, 0.001))
        return f", {rate:,.0f} lines a second, {left // 60}:{left % 60:02} left"

    async def _buy(self) -> None:
        async with self._buying:
            for at, move in enumerate(await self.goods.bought()):
                await self._clients[at % len(self._clients)].post_move(move)

    async def _retry(self) -> None:
        """Send again what had no answer: to the other server, until there is one."""
        while self.unanswered:
            self._progress(f"Sending again what had no answer ({len(self.unanswered)})", self.sent)
            again, self.unanswered = iter(self.unanswered), []
            for web in self.webs:
                await web.wait()
            async with asyncio.TaskGroup() as group:
                for client in self._clients:
                    client.own = 1 - client.own
                    group.create_task(self._resend(client, again))

    async def _resend(self, client: Client, documents: Iterator[Document]) -> None:
        for document in documents:
            self.told.counts["sent_again"] += 1
            await client.send(document)

    def _crashes(self) -> list[tuple[int, Callable[[], Coroutine[None, None, None]]]]:
        """Who is killed, after so many lines."""
        times = max(1, self.plan.lines // CRASHES_EVERY)
        kinds = (
            lambda: self._crash_web(self.webs[0]), self._crash_database, lambda: self._crash_web(self.webs[1]),
        )  # fmt: skip
        step = self.plan.lines // (len(kinds) * times + 1)
        return [((at + 1) * step, kinds[at % len(kinds)]) for at in range(len(kinds) * times)]

    async def _crash(self, one: Callable[[], Coroutine[None, None, None]]) -> None:
        # One after the other: a server that is started while PostgreSQL recovers would end by itself.
        async with self._crashing:
            await one()

    async def _crash_web(self, web: Web) -> None:
        web.kill()
        self.told.counts["server_kills"] += 1
        web.start()
        await web.wait()

    async def _crash_database(self) -> None:
        if self._crasher is None:
            return
        for web in self.webs:
            web.up.clear()
        self._crasher.crash()
        self.told.counts["database_kills"] += 1
        await self._crasher.wait()
        for web in self.webs:
            await web.wait()

    async def _chores(self) -> None:
        """What the worker does each minute: end what has expired, for whoever waits."""
        while True:
            await asyncio.sleep(CHORES_SECONDS)
            async with self._crashing:  # not while PostgreSQL is away
                try:
                    await self._end_expired()
                except (psycopg.Error, OSError, TimeoutError):
                    self.told.counts["chores_failed"] += 1

    async def _end_expired(self) -> None:
        async with Database(self._url, max_size=1) as db:
            await allocation.expire(db)
