"""One of the clients that send: what it sends, what follows from the answer, and what it does without one."""

import asyncio
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from perpetua.app.prove.goods import Move
from perpetua.app.prove.plan import Document, Fate, Hold, Order
from perpetua.app.prove.wire import Answer, Broken, Wire

if TYPE_CHECKING:
    from perpetua.app.prove.flood import Flood

__all__ = ["Client"]

RETRY_SECONDS: Final = 0.05
REFUSED: Final = frozenset({409, 422})
BULK_PATIENCE: Final = 300.0


class Taken(msgspec.Struct):
    """Of an order's answer, what is needed."""

    id: int
    version: int


class One(msgspec.Struct):
    """One answer of many."""

    status: int
    order: Taken | None = None
    problem: dict[str, Any] | None = None


class Many(msgspec.Struct):
    """The answers to many orders."""

    orders: list[One]


class Sent(msgspec.Struct):
    """Of a transfer's answer, what is needed."""

    transfer_id: int | None = None


class Kept(msgspec.Struct):
    """Of a reservation's answer, what is needed."""

    reservations: list[dict[str, Any]]


class Client:
    """It has a connection to each server, and one of them is its own."""

    def __init__(self, number: int, flood: "Flood") -> None:
        self.own = number % len(flood.webs)
        self.wires = [Wire(web.port, flood.secret) for web in flood.webs]
        self.flood, self.told = flood, flood.told

    async def work(self, documents: Iterator[Document]) -> None:
        """Send documents as long as there are any."""
        for document in documents:
            for order in document.orders:
                self.told.sent(order)
            if document.hold:
                await self._hold(document.orders[0], document.hold)
            await self.send(document)
            if document.hold and document.hold.ends == "released":
                await self._release(document.hold)
            await self.flood.passed(document)

    async def send(self, document: Document) -> None:
        """Send it, and what follows from its acknowledgement. Of those unanswered, some are kept for the end."""
        if document.bulk:
            await self._send_many(document)
        else:
            await self._send_one(document)

    async def _send_one(self, document: Document) -> None:
        order, counts, begun = document.orders[0], self.told.counts, time.perf_counter()
        if document.twice:
            answers = await asyncio.gather(*(self._once(document, which) for which in range(len(self.wires))))
            counts["duplicates"] += 1
        else:
            answers = [await self._once(document, self.own)]
        if any(answer is None for answer in answers):
            counts["unanswered"] += 1
            self.flood.unanswered.append(document)
            await self.flood.webs[self.own].up.wait()
            return
        self.told.took(time.perf_counter() - begun)
        counts["single_orders"] += 1
        counts["single_lines"] += order.lines
        if document.again:
            counts["duplicates"] += 1
            await self._once(document, 1 - self.own)
        answer = answers[0]
        if answer is not None and answer.done and 0 in document.fates:
            await self._follow(order, answer.read(Taken), document.fates[0])

    async def _once(self, document: Document, which: int) -> Answer | None:
        """Send one order to one of the servers; the answer, None where none came."""
        order = document.orders[0]
        answer = await self._ask(which, "/api/orders", order.body, document.key)
        if answer is not None:
            self._answered(order, answer.status, answer.read(Taken) if answer.done else None, answer)
        return answer

    async def _send_many(self, document: Document) -> None:
        """Send a document of many orders until it is answered: the same again, to whichever server answers."""
        body = b'{"orders":[' + b",".join(order.body for order in document.orders) + b"]}"
        counts = self.told.counts
        told = await self._ask_many(document, self.own, body)
        counts["bulk_orders"] += len(document.orders)
        counts["bulk_lines"] += document.lines
        if document.again:
            counts["duplicates"] += len(await self._ask_many(document, 1 - self.own, body))
        for at, fate in document.fates.items():
            if at < len(told) and (taken := told[at].order):
                await self._follow(document.orders[at], taken, fate)

    async def _ask_many(self, document: Document, which: int, body: bytes) -> list[One]:
        answer = await self._sure(which, "/api/orders/bulk", body, None, patience=BULK_PATIENCE)
        self.told.counts["documents"] += 1
        if not answer.done:
            self.told.surprise("many orders", answer)
            return []
        told = answer.read(Many).orders
        for order, one in zip(document.orders, told, strict=True):
            self._answered(order, one.status, one.order, None, one.problem)
        return told

    def _answered(
        self, order: Order, status: int, taken: Taken | None, answer: Answer | None, problem: Any = None
    ) -> None:
        """What the servers said of one order."""
        self.told.counts["answers"] += 1
        if taken is not None and order.good:
            self.told.taken(order, taken.id)
        elif status in REFUSED and not order.good:
            self.told.counts["refused"] += 1
        else:
            said = answer or Answer(status, msgspec.json.encode(problem))
            self.told.surprise(f"order {order.external_id}", said)

    async def _follow(self, order: Order, taken: Taken, fate: Fate) -> None:
        """The buyer cancels or changes it, or it is released or leaves: by a key, sent until it is answered; a cancel
        twice at once."""
        path, key = f"/api/orders/{taken.id}", f"{fate.action}-{order.external_id}"
        if fate.action == "change":
            answers = [await self._sure(self.own, path, fate.body, key, method="PATCH", version=taken.version)]
        else:
            servers = (0, 1) if fate.action == "cancel" else (self.own,)
            answers = await asyncio.gather(
                *(self._sure(which, f"{path}/{fate.action}", fate.body, key) for which in servers)
            )
        # It may have nothing allocated, nothing left to cancel, or have changed since: then it is refused.
        for answer in answers:
            if answer.done:
                self.told.counts[f"{fate.action}_done"] += 1
            elif answer.status not in REFUSED | {412}:
                self.told.surprise(f"{fate.action} of {path}", answer)

    async def _hold(self, order: Order, hold: Hold) -> None:
        """Reserve stock for an order that may come."""
        answer = await self._sure(self.own, "/api/reservations", hold.body, f"hold-{hold.holder}")
        if answer.done:
            self.told.held(order.channel, hold.holder, hold.units)
            self.told.counts["held" if answer.read(Kept).reservations else "nothing_held"] += 1
        elif answer.status in REFUSED:
            self.told.counts["hold_refused"] += 1
        else:
            self.told.surprise("reservation", answer)

    async def _release(self, hold: Hold) -> None:
        answer = await self._sure(self.own, "/api/reservations/release", hold.release, f"release-{hold.holder}")
        if answer.done:
            self.told.counts["hold_released"] += 1
        elif answer.status not in REFUSED | {404}:
            self.told.surprise("release of a reservation", answer)

    async def post_move(self, move: Move) -> None:
        """Post what comes, is lost or moves, until it is answered; what is on its way arrives at once."""
        answer = await self._sure(self.own, move.path, move.body, move.key)
        if not answer.done:
            self.told.counts[f"{move.what}_refused"] += 1
            if answer.status not in REFUSED | {202} or move.what == "receipts":
                self.told.surprise(move.path, answer)
            return
        self.told.moved(move.key)
        self.told.counts[move.what] += 1
        transfer = answer.read(Sent).transfer_id
        if move.what == "sent" and transfer is not None:
            path, key = f"/api/transfers/{transfer}/receive", f"{move.key}-came"
            came = await self._sure(1 - self.own, path, b"{}", key)
            if came.done:
                self.told.moved(key)
                self.told.counts["sent_and_came"] += 1
            else:
                self.told.surprise(path, came)

    async def _sure(
        self, which: int, path: str, body: bytes, key: str | None, *, method: str = "POST", version: int | None = None,
        patience: float = 60.0,
    ) -> Answer:  # fmt: skip
        """Send it until it is answered, to whichever server answers."""
        while True:
            answer = await self._ask(which, path, body, key, method, version, patience)
            if answer is not None:
                return answer
            self.told.counts["sent_again"] += 1
            which = 1 - which
            await asyncio.sleep(RETRY_SECONDS)

    async def _ask(
        self, which: int, path: str, body: bytes, key: str | None, method: str = "POST", version: int | None = None,
        patience: float = 60.0,
    ) -> Answer | None:  # fmt: skip
        """The answer; None where none came, or the database was away."""
        try:
            answer = await self.wires[which].post(path, body, key, method=method, version=version, patience=patience)
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
