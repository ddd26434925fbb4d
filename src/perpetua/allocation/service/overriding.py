"""A manager decides otherwise: one order gets what another has, or is served before all; with the reason, for good."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from perpetua.access.types import Actor
from perpetua.allocation import store
from perpetua.allocation.service.changing import Held, hands_off, hold_all
from perpetua.allocation.service.reading import current
from perpetua.allocation.service.releasing import Ending, Open, end, part_of, settle_statuses
from perpetua.allocation.store import Entry
from perpetua.allocation.types import Jump, Take, TakeStock, Taking
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue, TooLarge
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.quantity import ZERO, exact_quantity
from perpetua.orders import service as orders
from perpetua.orders.errors import OrderClosed
from perpetua.orders.types import LineChange, OpenLine, Order

__all__ = ["jump", "take_from"]

MAX_TAKES = 100
MAX_REASON = 500


async def take_from(
    db: Database,
    actor: Actor,
    order_id: int,
    command: TakeStock,
    *,
    key: str | None = None,
    clock: Clock = system_clock,
) -> Answered[Order]:
    """Give an order what others have allocated; what they lose waits again.

    Raises:
        Missing: there is no such order.
        InvalidValue: no such line, another item, more than the one has or the other waits for, from a site or a lot
            that the order may not have; or an order that goes whole would not have all.
    """
    actor.require("orders.override")
    _check_reason(command.reason)
    if not 0 < len(command.takes) <= MAX_TAKES:
        raise TooLarge(reason=f"Send 1 to {MAX_TAKES} takes.", limit=MAX_TAKES)
    if any(one.from_order_id == order_id for one in command.takes):
        raise InvalidValue("takes", str(order_id), "an order does not take from itself")

    async def act(tx: Tx) -> Order:
        held = await hold_all(tx, actor, [order_id, *(one.from_order_id for one in command.takes)], clock())
        await _take(tx, actor, order_id, command, held, clock())
        return (await current(tx, [order_id]))[order_id]

    body = {"order_id": order_id, "command": command}
    return await once(db, sender=actor.person_id, key=key, command="orders.take", body=body, answer=Order, act=act)


async def jump(
    db: Database, actor: Actor, order_id: int, command: Jump, *, key: str | None = None, clock: Clock = system_clock
) -> Answered[Order]:
    """Put an order before all others that wait, or back: what comes from now on goes to it first.

    Raises:
        Missing: there is no such order.
        OrderClosed: nothing of it waits.
    """
    actor.require("orders.override")
    _check_reason(command.reason)

    async def act(tx: Tx) -> Order:
        held = (await hold_all(tx, actor, [order_id], clock()))[order_id]
        waiting = [line for line in held.lines.values() if line.backordered]
        if not waiting and not (command.back and held.order.jumps):
            raise OrderClosed(order_id=order_id, status=held.order.status, reason="nothing of it waits")
        jumps = await orders.jump(tx, order_id, back=command.back)
        facts = {"jumps": jumps, "jumps_before": held.order.jumps}
        entries = [
            Entry(actor.person_id, "jumped", order_id, line.id, line.variant_id, line.backordered, ZERO, facts,
                  command.reason)
            for line in waiting or held.lines.values()
        ]  # fmt: skip
        await store.record(tx, held.ground.version, [], entries)
        return (await current(tx, [order_id]))[order_id]

    body = {"order_id": order_id, "command": command}
    return await once(db, sender=actor.person_id, key=key, command="orders.jump", body=body, answer=Order, act=act)


async def _take(tx: Tx, actor: Actor, order_id: int, command: TakeStock, held: dict[int, Held], now: datetime) -> None:
    to = held[order_id]
    usable = await _usable(tx, actor, held, to, now)
    left = {one.id: one.quantity for some in usable.values() for one in some}
    had = {line.id: line.allocated for one in held.values() for line in one.lines.values()}
    changes: dict[int, Decimal] = defaultdict(lambda: ZERO)
    endings: dict[int, Ending] = {}
    takes: list[tuple[int, Take]] = []
    entries: list[Entry] = []
    for at, one in enumerate(command.takes):
        mine, theirs = _lines(at, one, to, held[one.from_order_id])
        _check_quantity(at, one, mine, mine.backordered - changes[mine.id], had[theirs.id])
        for ending in _part(at, one, usable[theirs.id], left, had[theirs.id], mine.kit):
            whole = endings.get(ending.of.id)
            endings[ending.of.id] = Ending(ending.of, ending.quantity + (whole.quantity if whole else ZERO))
            left[ending.of.id] -= ending.quantity
            takes.append((mine.id, Take(*ending.of.key, ending.of.lot_id, ending.quantity)))
        had[theirs.id] -= one.quantity
        changes[mine.id] += one.quantity
        changes[theirs.id] -= one.quantity
        await hands_off(tx, actor, held[one.from_order_id], [one.from_line_no], command.reason)
        entries += _entries(actor, order_id, command.reason, one, mine, theirs)
    if to.order.fulfilment == "complete" and any(
        line.backordered > changes[line.id] for line in to.lines.values()
    ):  # fmt: skip
        raise InvalidValue("takes", str(order_id), "the order goes whole: take all that it waits for, of all its lines")
    await end(tx, list(endings.values()), "released")
    await orders.change_lines(tx, [LineChange(line_id, allocated=change) for line_id, change in changes.items()])
    await store.record(tx, to.ground.version, takes, entries)
    await settle_statuses(tx, held)


def _entries(actor: Actor, order_id: int, reason: str, one: Taking, mine: OpenLine, theirs: OpenLine) -> list[Entry]:
    """One for each side."""
    gets = {"from_order_id": one.from_order_id, "from_line_no": one.from_line_no, "had": theirs.allocated,
            "waited_for": mine.backordered}  # fmt: skip
    gives = {"to_order_id": order_id, "to_line_no": one.line_no, "had": theirs.allocated}
    return [
        Entry(actor.person_id, "taken", order_id, mine.id, mine.variant_id, one.quantity, one.quantity, gets, reason),
        Entry(actor.person_id, "taken", one.from_order_id, theirs.id, theirs.variant_id, one.quantity, ZERO, gives,
              reason),
    ]  # fmt: skip


def _lines(at: int, one: Taking, to: Held, of: Held) -> tuple[OpenLine, OpenLine]:
    mine, theirs = to.lines.get(one.line_no), of.lines.get(one.from_line_no)
    if mine is None:
        raise InvalidValue(f"takes[{at}].line_no", one.line_no, "is no line of the order")
    if theirs is None:
        raise InvalidValue(f"takes[{at}].from_line_no", one.from_line_no, f"is no line of order {one.from_order_id}")
    if mine.variant_id != theirs.variant_id or mine.kit != theirs.kit:
        raise InvalidValue(f"takes[{at}].from_line_no", one.from_line_no, f"is {theirs.sku}, not {mine.sku}")
    return mine, theirs


def _check_quantity(at: int, one: Taking, mine: OpenLine, waits: Decimal, has: Decimal) -> None:
    field = f"takes[{at}].quantity"
    exact_quantity(one.quantity, field, places=0 if mine.kit else mine.decimals)
    if not ZERO < one.quantity <= min(waits, has):
        raise InvalidValue(
            field, str(one.quantity), f"must be more than 0 and at most what waits, {waits}, and what is there, {has}",
            waits=waits, there=has,
        )  # fmt: skip


def _part(
    at: int, one: Taking, usable: Sequence[Open], left: dict[int, Decimal], whole: Decimal, kit: bool
) -> list[Ending]:
    """Of each component as much as goes with the quantity.

    Raises:
        InvalidValue: not so much of it is where the order may be sent from, in lots that last long enough.
    """
    rest = [_with(allocation, left[allocation.id]) for allocation in usable if left[allocation.id] > 0]
    endings = part_of(rest, one.quantity, whole if kit else sum((part.quantity for part in rest), ZERO) or whole)
    if not endings or (not kit and sum((ending.quantity for ending in endings), ZERO) < one.quantity):
        raise InvalidValue(
            f"takes[{at}].from_order_id", one.from_order_id,
            "has it where this order may not be sent from, or in lots that do not last long enough for it",
        )  # fmt: skip
    return endings


def _with(one: Open, quantity: Decimal) -> Open:
    return Open(id=one.id, line_id=one.line_id, variant_id=one.variant_id, site_id=one.site_id, lot_id=one.lot_id,
                quantity=quantity)  # fmt: skip


async def _usable(tx: Tx, actor: Actor, held: dict[int, Held], to: Held, now: datetime) -> dict[int, list[Open]]:
    """The allocations that the order may have and the actor may give it, by line; of kits all of a line's, or none."""
    every = [one for some in to.allocations.values() for one in some]
    until = now.date() + timedelta(days=to.order.min_life_days)
    lots = {one.lot_id for one in every if one.lot_id} if to.order.min_life_days else set[int]()
    short: set[int] = set()
    if lots:
        short |= set(await tx.values(store.Q["lots_that_end"], {"ids": sorted(lots), "until": until}))
    usable: dict[int, list[Open]] = {}
    for one in held.values():
        for line in one.lines.values():
            mine = to.allocations.get(line.id, [])
            fits = [
                part for part in mine
                if part.lot_id not in short and to.order.site_id in (None, part.site_id)
                and (actor.scope is None or part.site_id in actor.scope)
            ]  # fmt: skip
            usable[line.id] = fits if not line.kit or len(fits) == len(mine) else []
    return usable


def _check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > MAX_REASON:
        raise InvalidValue("reason", reason, f"say why, in 1 to {MAX_REASON} characters")
