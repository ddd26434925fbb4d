"""The load: many clients, two servers, crashes in between; it keeps what was acknowledged, and by whom."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Final

from perpetua.app.prove.plan import Order, Plan
from perpetua.app.prove.processes import DatabaseCrasher, Web
from perpetua.app.prove.wire import Answer, Broken, Wire

__all__ = ["Flood", "Told"]

SHOWN_SURPRISES: Final = 20
RETRY_SECONDS: Final = 0.05


class Told:
    """What the servers said; the verdict compares it with what is there."""

    def __init__(self) -> None:
        self.orders: dict[str, int] = {}
        """Acknowledged: external id → order id."""
        self.lines = 0
        """Of acknowledged orders."""
        self.channels: dict[str, str] = {}
        self.good: set[str] = set()
        """Sent, and to be taken."""
        self.bad: set[str] = set()
        """Sent, and to be refused."""
        self.moves: set[str] = set()
        """Acknowledged receipts and losses, by idempotency key."""
        self.counts: Counter[str] = Counter()
        self.seconds: list[float] = []
        """How long each answered order took."""
        self.surprises: list[str] = []
        """Answers that nobody should get."""
        self.surprised = 0
        self.doubled = 0
        """The same external id, answered with two orders."""

    def surprise(self, what: str, answer: Answer) -> None:
        """An answer that should not be."""
        self.surprised += 1
        if len(self.surprises) < SHOWN_SURPRISES:
            self.surprises.append(f"{what}: {answer.status} {str(answer.body)[:300]}")

    def taken(self, order: Order, answer: Answer) -> None:
        """An order was acknowledged."""
        order_id = int(answer.body["id"])
        before = self.orders.setdefault(order.external_id, order_id)
        if before != order_id:
            self.doubled += 1
        elif order.external_id not in self.channels:
            self.channels[order.external_id] = order.channel
            self.lines += order.lines


class Client:
    """One of the clients: it has a connection to each server, and one of them is its own."""

    def __init__(self, number: int, flood: "Flood") -> None:
        self.own = number % len(flood.webs)
        self.wires = [Wire(web.port, flood.secret) for web in flood.webs]
        self.flood = flood

    async def work(self, orders: Iterator[Order]) -> None:
        """Send orders as long as there are any."""
        for order in orders:
            await self.send(order)
            await self.move(order.number)
            await self.flood.passed(order)

    async def send(self, order: Order) -> None:
        """Send one order, and what follows from its acknowledgement. Unanswered, it is kept for the end."""
        told = self.flood.told
        (told.good if order.good else told.bad).add(order.external_id)
        begun = time.perf_counter()
        if order.twice:
            answers = await asyncio.gather(*(self.once(order, which) for which in range(len(self.wires))))
            told.counts["duplicates"] += 1
        else:
            answers = [await self.once(order, self.own)]
        if any(answer is None for answer in answers):
            self.flood.unanswered.append(order)
            told.counts["unanswered"] += 1
            await self.flood.webs[self.own].up.wait()
            return
        told.seconds.append(time.perf_counter() - begun)
        answer = answers[0]
        if order.again:
            told.counts["duplicates"] += 1
            await self.once(order, 1 - self.own)
        if answer is not None and answer.done:
            await self.follow(order, int(answer.body["id"]))

    async def once(self, order: Order, which: int) -> Answer | None:
        """Send it to one of the servers; the answer, None where none came."""
        answer = await self.ask(which, "/api/orders", order.body, None)
        if answer is None:
            return None
        told = self.flood.told
        told.counts["requests"] += 1
        if answer.done and order.good:
            told.taken(order, answer)
        elif answer.status in {409, 422} and not order.good:
            told.counts["refused"] += 1
        else:
            told.surprise(f"order {order.external_id}", answer)
        return answer

    async def follow(self, order: Order, order_id: int) -> None:
        """The buyer cancels, or the goods leave: by a key, sent until it is answered; of a cancel twice at once."""
        if order.cancel:
            path, body, servers = f"/api/orders/{order_id}/cancel", order.cancel, (0, 1)
        elif order.ship:
            path, body, servers = f"/api/orders/{order_id}/ship", b"{}", (self.own,)
        else:
            return
        key = f"follow-{order.external_id}"
        answers = await asyncio.gather(*(self.sure(which, path, body, key) for which in servers))
        # Nothing may be allocated, or left to cancel; what was there may lie elsewhere by now.
        for answer in answers:
            if answer.done:
                self.flood.told.counts["cancelled" if order.cancel else "shipped"] += 1
            elif answer.status not in {409, 422}:
                self.flood.told.surprise(path, answer)

    async def move(self, number: int) -> None:
        """Goods come or are lost."""
        planned = self.flood.plan.movement(number)
        if planned:
            await self.post_move(*planned, key=f"move-{number}")

    async def post_move(self, path: str, body: bytes, key: str) -> None:
        """Post it, until it is answered."""
        answer = await self.sure(self.own, path, body, key)
        told = self.flood.told
        if answer.done:
            told.moves.add(key)
            told.counts["receipts" if path.endswith("receive") else "losses"] += 1
        elif answer.status not in {202, 409, 422} or path.endswith("receive"):
            told.surprise(path, answer)

    async def sure(self, which: int, path: str, body: bytes, key: str) -> Answer:
        """Send it under a key until it is answered, to whichever server answers."""
        while True:
            answer = await self.ask(which, path, body, key)
            if answer is not None:
                return answer
            which = 1 - which
            await asyncio.sleep(RETRY_SECONDS)

    async def ask(self, which: int, path: str, body: bytes, key: str | None) -> Answer | None:
        """The answer; None where none came, or the database was away."""
        try:
            answer = await self.wires[which].post(path, body, key)
        except Broken:
            return None
        if answer.status == 503:
            await asyncio.sleep(RETRY_SECONDS)
            return None
        return answer

    def close(self) -> None:
        """Hang up."""
        for wire in self.wires:
            wire.close()


class Flood:
    """All clients together.

    Args:
        webs: the two servers.
        crasher: kills PostgreSQL, where that is wanted.
        progress: told the lines sent so far.
    """

    def __init__(
        self, plan: Plan, webs: Sequence[Web], secret: str, clients: int, crasher: DatabaseCrasher | None,
        progress: Callable[[str, int], None],
    ) -> None:  # fmt: skip
        self.plan, self.webs, self.secret, self.crasher = plan, webs, secret, crasher
        self.told = Told()
        self.unanswered: list[Order] = []
        self.wall_seconds = 0.0
        self._progress = progress
        self._sent = 0
        quarter = plan.lines // 4
        self._due: list[tuple[int, Callable[[], Coroutine[None, None, None]]]] = [
            (quarter, lambda: self._crash_web(self.webs[0])),
            (2 * quarter, self._crash_database),
            (3 * quarter, lambda: self._crash_web(self.webs[1])),
        ]
        self._group = asyncio.TaskGroup()
        self._crashing = asyncio.Lock()
        self._clients = [Client(number, self) for number in range(clients)]

    async def run(self) -> Told:
        """Send all; at the end nothing is unanswered."""
        for at, body in enumerate(self.plan.opening()):
            await self._clients[0].post_move("/api/inventory/receive", body, f"opening-{at}")
        orders, begun = self.plan.orders(), time.perf_counter()
        try:
            async with self._group as group:
                for client in self._clients:
                    group.create_task(client.work(orders))
            self.wall_seconds = time.perf_counter() - begun
            await self._retry()
        finally:
            for client in self._clients:
                client.close()
        return self.told

    async def passed(self, order: Order) -> None:
        """An order was sent: whoever is to be killed by now is."""
        self._sent += order.lines
        self._progress("Flooding", self._sent)
        while self._due and self._sent >= self._due[0][0]:
            self._group.create_task(self._crash(self._due.pop(0)[1]))

    async def _retry(self) -> None:
        """Send again what had no answer: to the other server, until there is one."""
        while self.unanswered:
            self._progress(f"Sending again what had no answer ({len(self.unanswered)})", self._sent)
            again, self.unanswered = iter(self.unanswered), []
            for web in self.webs:
                await web.wait()
            async with asyncio.TaskGroup() as group:
                for client in self._clients:
                    client.own = 1 - client.own
                    group.create_task(self._resend(client, again))

    async def _resend(self, client: Client, orders: Iterator[Order]) -> None:
        for order in orders:
            self.told.counts["sent_again"] += 1
            await client.send(order)

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
        if self.crasher is None:
            return
        for web in self.webs:
            web.up.clear()
        self.crasher.crash()
        self.told.counts["database_kills"] += 1
        await self.crasher.wait()
        for web in self.webs:
            await web.wait()
