"""Orders change after they were taken: cancelled in whole or in part; what they held goes to whoever waits."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from perpetua.access.service import audit_override
from perpetua.access.types import SYSTEM, Actor
from perpetua.allocation import store
from perpetua.allocation.rules import Key
from perpetua.allocation.service.filling import fill, lock_and_give
from perpetua.allocation.service.reading import current
from perpetua.allocation.service.releasing import Ending, Open, end, open_of, part_of, settle_statuses
from perpetua.allocation.service.relotting import keep_lots
from perpetua.allocation.store import Entry, Ground, Part
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue, Missing
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.quantity import ZERO, exact_quantity
from perpetua.orders import service as orders
from perpetua.orders.errors import BeingPicked, OrderClosed
from perpetua.orders.types import CancelOrder, LineChange, Locked, OpenLine, Order

__all__ = [
    "Held",
    "cancel",
    "cancel_many",
    "hands_off",
    "hold",
    "hold_all",
    "pick_lines",
    "require_sites",
    "waiting_keys",
]

MAX_REASON = 500


class Held(NamedTuple):
    """An order under lock, with its lines, what they have allocated, and all that was locked with it."""

    order: Locked
    lines: dict[int, OpenLine]
    allocations: dict[int, list[Open]]
    ground: Ground
    kits: Mapping[int, list[Part]]


async def cancel(
    db: Database,
    actor: Actor,
    order_id: int,
    command: CancelOrder,
    *,
    key: str | None = None,
    clock: Clock = system_clock,
) -> Answered[Order]:
    """Cancel an order or some of its lines, as far as they have not left; what they held goes to whoever waits.

    Raises:
        Missing: there is no such order.
        OrderClosed: all of it has left or was cancelled before.
        BeingPicked: it is being picked, and the actor may not override.
        InvalidValue: no such line, or more than is left of it.
    """
    actor.require("orders.write")
    if not command.reason.strip() or len(command.reason) > MAX_REASON:
        raise InvalidValue("reason", command.reason, f"say why, in 1 to {MAX_REASON} characters")

    async def act(tx: Tx) -> Order:
        held = await hold(tx, actor, order_id, clock())
        asked = None if command.lines is None else [(line.line_no, line.quantity) for line in command.lines]
        chosen = pick_lines(held, asked, left=lambda line: line.allocated + line.backordered)
        if not chosen:
            raise OrderClosed(order_id=order_id, status=held.order.status, reason="nothing of it is left to cancel")
        await _cancel(tx, actor, held, chosen, command.reason, clock())
        return (await current(tx, [order_id]))[order_id]

    body = {"order_id": order_id, "command": command}
    return await once(db, sender=actor.person_id, key=key, command="orders.cancel", body=body, answer=Order, act=act)


async def cancel_many(tx: Tx, actor: Actor, order_ids: Sequence[int], reason: str, now: datetime) -> list[int]:
    """Cancel those of the orders of which nothing has left and nothing is in people's hands; the ids of these.

    As many statements whatever their number. All their positions are locked first, in the order that everybody keeps.
    """
    lines = await orders.lines_to_change(tx, *order_ids)
    ground = await store.ground(tx)
    kits = await store.kit_parts(tx, {line.variant_id for line in lines if line.kit})
    allocations = await open_of(tx, [line.id for line in lines])
    stood = {one.key for some in allocations.values() for one in some}
    variants = {line.variant_id for line in lines} | {part.variant_id for parts in kits.values() for part in parts}
    sites = {site.id for site in ground.sites} | {site for _, site in stood}
    await lock_and_give(tx, variants | {variant for variant, _ in stood}, sites, now)
    held = await orders.lock(tx, order_ids)
    lines = await orders.lines_to_change(tx, *order_ids)
    gone = {line.order_id for line in lines if line.shipped}
    kept = {order_id for order_id, order in held.items() if order_id in gone or orders.on_floor(order.status)}
    chosen = [
        (line, left) for line in lines if line.order_id not in kept and (left := line.allocated + line.backordered)
    ]
    allocations = await open_of(tx, [line.id for line, _ in chosen])
    endings = [Ending(one, one.quantity) for some in allocations.values() for one in some]
    freed = await end(tx, endings, "released")
    await orders.change_lines(
        tx, [LineChange(line.id, allocated=-line.allocated, cancelled=left) for line, left in chosen]
    )
    entries = [
        Entry(actor.person_id, "cancelled", line.order_id, line.id, line.variant_id, left, ZERO,
              {"was_allocated": line.allocated, "was_waiting": line.backordered, "given_back": line.allocated}, reason)
        for line, left in chosen
    ]  # fmt: skip
    await store.record(tx, ground.version, [], entries)
    await settle_statuses(tx, {line.order_id for line, _ in chosen})
    await fill(tx, actor.person_id, freed, now, reason=reason)
    return sorted({line.order_id for line, _ in chosen})


async def hold(tx: Tx, actor: Actor, order_id: int, now: datetime, *, also: Collection[int] = ()) -> Held:
    """Lock an order: first the positions that its lines may stand at, then the order itself, as everybody does.

    Args:
        also: variants that it is to have lines of, or of kits of them.

    Raises:
        Missing: there is no such order, or the actor does not see it.
    """
    return (await hold_all(tx, actor, [order_id], now, also=also))[order_id]


async def hold_all(
    tx: Tx, actor: Actor, order_ids: Sequence[int], now: datetime, *, also: Collection[int] = (),
    also_sites: Collection[int] = (),
) -> dict[int, Held]:  # fmt: skip
    """As `hold`, several orders: all their positions first, then they themselves.

    Args:
        also_sites: sites where something of them will be posted, besides those where they stand.
    """
    await orders.require_seen(tx, actor, order_ids)
    before = {order_id: await orders.lines_to_change(tx, order_id) for order_id in sorted(set(order_ids))}
    for order_id, lines in before.items():
        if not lines:
            raise Missing("order", order_id)
    ground = await store.ground(tx)
    every = [line for lines in before.values() for line in lines]
    kits = await store.kit_parts(tx, {line.variant_id for line in every if line.kit} | set(also))
    allocations = await open_of(tx, [line.id for line in every])
    variants = {line.variant_id for line in every} | set(also)
    variants |= {part.variant_id for parts in kits.values() for part in parts}
    variants |= {one.variant_id for some in allocations.values() for one in some}
    sites = {site.id for site in ground.sites} | {one.site_id for some in allocations.values() for one in some}
    sites |= set(also_sites)
    await lock_and_give(tx, variants, sites, now)
    if any(one.lot_id for some in allocations.values() for one in some):
        # Of lots that have expired nothing leaves, or is given to another: first they are kept.
        freed = await keep_lots(tx, SYSTEM.person_id, variants, sites, now)
        await fill(tx, SYSTEM.person_id, freed, now, reason="a lot expired")
    found = await orders.lock(tx, list(before))
    allocations = await open_of(tx, [line.id for line in every])
    return {
        order_id: Held(
            found[order_id], {line.line_no: line for line in await orders.lines_to_change(tx, order_id)}, allocations,
            ground, kits,
        )
        for order_id in before
    }  # fmt: skip


async def hands_off(tx: Tx, actor: Actor, held: Held, line_nos: Sequence[int], reason: str) -> None:
    """Of an order that is being picked or is packed, goods are taken only by somebody who may override, and it is
    written down.

    Raises:
        BeingPicked: the actor may not.
    """
    if not line_nos or not orders.on_floor(held.order.status):
        return
    facts: dict[str, Any] = {"order_id": held.order.id, "order_status": held.order.status, "lines": list(line_nos)}
    if not actor.may("orders.override"):
        raise BeingPicked(**facts)
    await audit_override(tx, actor, f"order {held.order.id} is {held.order.status}", reason, facts=facts)


def require_sites(actor: Actor, held: Held, endings: Iterable[Ending]) -> None:
    """Raises OutOfScope: goods would leave or be given up at a site that is not the actor's."""
    if actor.scope is None:
        return
    codes = {site.id: site.code for site in held.ground.sites}
    for one in endings:
        actor.require_place([one.of.site_id], codes.get(one.of.site_id, str(one.of.site_id)))


def waiting_keys(held: Held) -> set[Key]:
    """Where the order could get what it waits for, when it takes all or nothing: less asked may be all there is."""
    if held.order.fulfilment != "complete":
        return set()
    lines = held.lines.values()
    variants = {line.variant_id for line in lines} | {p.variant_id for parts in held.kits.values() for p in parts}
    return {(variant, site.id) for variant in variants for site in held.ground.sites}


def pick_lines(
    held: Held, asked: Sequence[tuple[int, Decimal | None]] | None, *, left: Callable[[OpenLine], Decimal]
) -> list[tuple[OpenLine, Decimal]]:
    """The lines a command names (all, when it names none), each with how much; those of which nothing is left are not.

    Raises:
        InvalidValue: no such line, one named twice, or more than is left of it.
    """
    if asked is None:
        return [(line, left(line)) for line in held.lines.values() if left(line) > 0]
    chosen: list[tuple[OpenLine, Decimal]] = []
    seen: set[int] = set()
    for number, (line_no, quantity) in enumerate(asked):
        line = held.lines.get(line_no)
        if line is None or line_no in seen:
            raise InvalidValue(f"lines[{number}].line_no", line_no, "is no line of the order, or named twice")
        seen.add(line_no)
        most = left(line)
        wanted = most if quantity is None else quantity
        exact_quantity(wanted, f"lines[{number}].quantity", places=line.decimals)
        if not ZERO < wanted <= most:
            raise InvalidValue(
                f"lines[{number}].quantity",
                str(wanted),
                f"must be more than 0 and at most {most}, what is left",
                left=most,
            )
        chosen.append((line, wanted))
    return chosen


async def _cancel(
    tx: Tx, actor: Actor, held: Held, chosen: Sequence[tuple[OpenLine, Decimal]], reason: str, now: datetime
) -> None:
    endings: list[Ending] = []
    changes: list[LineChange] = []
    entries: list[Entry] = []
    in_hands: list[int] = []
    for line, quantity in chosen:
        # What only waits goes first.
        taken = max(quantity - line.backordered, ZERO)
        if taken:
            endings += part_of(held.allocations[line.id], taken, line.allocated)
            in_hands.append(line.line_no)
        changes.append(LineChange(line.id, allocated=-taken, cancelled=quantity))
        facts = {"was_allocated": line.allocated, "was_waiting": line.backordered, "given_back": taken}
        entries.append(
            Entry(actor.person_id, "cancelled", held.order.id, line.id, line.variant_id, quantity, ZERO, facts, reason)
        )
    require_sites(actor, held, endings)
    await hands_off(tx, actor, held, in_hands, reason)
    freed: set[Key] = await end(tx, endings, "released") | waiting_keys(held)
    await orders.change_lines(tx, changes)
    await store.record(tx, held.ground.version, [], entries)
    await settle_statuses(tx, [held.order.id])
    await fill(tx, actor.person_id, freed, now, reason=f"order {held.order.id} was cancelled")
