"""Taking orders: many at once, decided together in one transaction, each with an answer of its own."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace
from psycopg import errors as pg

from perpetua.access.types import Actor
from perpetua.allocation import store
from perpetua.allocation.service.deciding import decide_new
from perpetua.allocation.service.drafting import COMMAND, Request, draft_all
from perpetua.allocation.service.reading import current
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import NotAllowed, Refusal
from perpetua.kit.idempotency import Answered, Claim, KeyReused, checked, digest, keep_many, known_many
from perpetua.kit.quantity import plain
from perpetua.orders import service as orders
from perpetua.orders.errors import ExternalIdReused
from perpetua.orders.types import Order, PlaceLine, PlaceOrder

__all__ = ["Outcome", "Request", "Turn", "examine", "place", "place_together", "take"]

TRIES = 4
Outcome = Answered[Order] | Refusal


class Sent(NamedTuple):
    """A request that can be tried, with the hash of what it asks."""

    request: Request
    body_hash: bytes

    @property
    def claim(self) -> Claim | None:
        """Its idempotency key, if it has one."""
        request = self.request
        return Claim(request.actor.person_id, request.key, COMMAND, self.body_hash) if request.key else None

    @property
    def external(self) -> tuple[str, str] | None:
        """Its channel's own name for it, if it has one."""
        order = self.request.order
        return (order.channel, order.external_id) if order.external_id else None


async def place(
    db: Database, actor: Actor, order: PlaceOrder, *, key: str | None = None, clock: Clock = system_clock
) -> Answered[Order]:
    """Take one order, by itself.

    Raises:
        Refusal: as `place_together` gives it.
    """
    outcome = (await place_together(db, [Request(actor, order, key)], clock=clock))[0]
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


class Turn:
    """When the positions may be locked: after those who came before have locked theirs, so that who comes first is
    decided first."""

    def __init__(self, *, after: "Turn | None" = None) -> None:
        self._after = after
        self._over = asyncio.Event()

    async def comes(self) -> None:
        """Wait for it."""
        if self._after is not None:
            await self._after._over.wait()
            self._after = None

    def is_over(self) -> None:
        """The positions are locked, or need not be."""
        self._over.set()


async def place_together(
    db: Database, requests: Sequence[Request], *, clock: Clock = system_clock, turn: Turn | None = None
) -> list[Outcome]:
    """Take orders together: one transaction, one decision, an answer or a refusal for each, in their order.

    What is wrong with one order is told to its sender alone. Should the whole fail for what is in it, each is tried by
    itself, so that one cannot hold the others up.
    """
    turn = turn or Turn()
    try:
        sent, outcomes = _all_sent(requests, clock())
        tried = await _tried(db, list(sent.values()), clock, turn)
    finally:
        turn.is_over()
    outcomes |= zip(sent, tried, strict=True)
    return [outcomes[at] for at in range(len(requests))]


async def take(tx: Tx, requests: Sequence[Request], now: datetime) -> list[Outcome]:
    """As `place_together`, in the caller's transaction."""
    sent, outcomes = _all_sent(requests, now)
    outcomes |= zip(sent, await _take(tx, list(sent.values()), now, Turn()), strict=True)
    return [outcomes[at] for at in range(len(requests))]


async def examine(tx: Tx, requests: Sequence[Request], now: datetime) -> list[Refusal | Answered[Order] | None]:
    """What would be wrong with these orders, or is there of them; None would be taken. Nothing is locked."""
    sent, refused = _all_sent(requests, now)
    outcomes: dict[int, Refusal | Answered[Order] | None] = {**refused}
    places, seen = list(sent), await _look(tx, list(sent.values()))
    known = {places[at]: outcome for at, outcome in (await _known(tx, list(sent.values()), seen)).items()}
    fresh = {at: one for at, one in sent.items() if at not in known}
    _, wrong = draft_all(
        {at: one.request for at, one in fresh.items()}, {at: one.body_hash for at, one in fresh.items()}, seen, now
    )
    outcomes |= known | wrong
    return [outcomes.get(at) for at in range(len(requests))]


def _all_sent(requests: Sequence[Request], now: datetime) -> tuple[dict[int, Sent], dict[int, Outcome]]:
    """Those that can be tried, and the refusals of the others, by their places."""
    sent, refused = dict[int, Sent](), dict[int, Outcome]()
    for at, request in enumerate(requests):
        try:
            sent[at] = _sent(request, now)
        except Refusal as refusal:
            refused[at] = refusal
    return sent, refused


def _sent(request: Request, now: datetime) -> Sent:
    request.actor.require("orders.write")
    if request.order.contact is not None and not request.actor.may("customers.read"):
        raise NotAllowed(permission="customers.read", field="contact")
    if request.key is not None:
        checked(request.key)
    orders.check(request.order, now)
    return Sent(request, digest(COMMAND, _plainly(request.order)))


def _plainly(order: PlaceOrder) -> PlaceOrder:
    """The order with its numbers in the one form that they are shown in: `2.0` is `2`, whoever wrote it."""
    if all(plain(one.quantity) is one.quantity and _plain_price(one) is one.unit_price for one in order.lines):
        return order
    lines = [replace(one, quantity=plain(one.quantity), unit_price=_plain_price(one)) for one in order.lines]
    return replace(order, lines=lines)


def _plain_price(line: PlaceLine) -> Decimal | None:
    return None if line.unit_price is None else plain(line.unit_price)


async def _tried(db: Database, sent: list[Sent], clock: Clock, turn: Turn) -> list[Outcome]:
    if not sent:
        return []
    for attempt in range(TRIES):
        try:
            return await db.run(lambda tx: _take(tx, sent, clock(), turn), by_key=True)
        except pg.UniqueViolation:
            # Another has just written one of these orders: looked for again, it is found. Among many, each try may meet
            # somebody else.
            if attempt == TRIES - 1 and len(sent) == 1:
                raise
        except pg.DataError:
            if len(sent) == 1:
                raise
            break
    alone = [await _tried(db, [one], clock, turn) for one in sent]
    return [outcome for one in alone for outcome in one]


async def _take(tx: Tx, sent: list[Sent], now: datetime, turn: Turn) -> list[Outcome]:
    seen = await _look(tx, sent)
    outcomes = await _known(tx, sent, seen)
    repeats, first = dict[int, int](), dict[tuple[object, ...], int]()
    for at, one in enumerate(sent):
        for name in (one.external, one.claim and one.claim[:2]) if at not in outcomes else ():
            before = first.setdefault(name, at) if name else at
            if before != at and sent[before].body_hash == one.body_hash:
                repeats[at] = before
            elif before != at:
                outcomes[at] = _reused(one, name == one.external, order_id=None)
    fresh = {at: one.request for at, one in enumerate(sent) if at not in outcomes and at not in repeats}
    drafts, refused = draft_all(fresh, {at: sent[at].body_hash for at in fresh}, seen, now)
    outcomes |= refused
    await turn.comes()
    taken = await decide_new(tx, drafts, now, locked=turn.is_over)
    outcomes |= {at: Answered(order) for at, order in taken.items()}
    await keep_many(tx, [(claim, order) for at, order in taken.items() if (claim := sent[at].claim)])
    for at, before in repeats.items():
        of = outcomes[before]
        outcomes[at] = Answered(of.answer, replayed=True) if isinstance(of, Answered) else of
    return [outcomes[at] for at in range(len(sent))]


async def _look(tx: Tx, sent: list[Sent]) -> store.Seen:
    asked = [one.request.order for one in sent]
    return await store.look(
        tx,
        {line.sku for order in asked for line in order.lines},
        names={name for one in sent if (name := one.external)},
        customers={order.customer for order in asked if order.customer},
        orders=len(asked),
        lines=sum(len(order.lines) for order in asked),
    )


async def _known(tx: Tx, sent: list[Sent], seen: store.Seen) -> dict[int, Outcome]:
    """What was taken before: by its key with the answer of then, by its external id as it is now."""
    by_key = await known_many(tx, [claim for one in sent if (claim := one.claim)], Order)
    now = await current(tx, [known.id for known in seen.known.values()])
    outcomes: dict[int, Outcome] = {}
    for at, one in enumerate(sent):
        known = seen.known.get(one.external) if one.external else None
        if (claim := one.claim) and (answer := by_key.get((claim.sender, claim.key))):
            outcomes[at] = answer
        elif known is not None and known.body_hash == one.body_hash:
            outcomes[at] = Answered(now[known.id], replayed=True)
        elif known is not None:
            outcomes[at] = _reused(one, True, order_id=known.id)
    return outcomes


def _reused(one: Sent, by_name: bool, order_id: int | None) -> Refusal:
    order = one.request.order
    if by_name:
        return ExternalIdReused(channel=order.channel, external_id=order.external_id, order_id=order_id or "just now")
    return KeyReused(key=one.request.key, command=COMMAND)
