"""Orders change before they leave: other quantities, more lines, out to the floor."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from perpetua.access.service import audit
from perpetua.access.types import Actor
from perpetua.allocation import rules, store
from perpetua.allocation.service.changing import Held, hands_off, hold, require_sites, waiting_keys
from perpetua.allocation.service.drafting import Terms, want
from perpetua.allocation.service.expecting import expect_lines
from perpetua.allocation.service.filling import fill, lock_to_decide
from perpetua.allocation.service.reading import current
from perpetua.allocation.service.releasing import Ending, end, open_of, part_of, settle_statuses
from perpetua.allocation.store import Entry, Part
from perpetua.allocation.types import Decided, Take, Wanted, WantedLine
from perpetua.items import service as items
from perpetua.items.types import VariantRef
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue, Stale, TooLarge
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.quantity import ZERO, exact_quantity
from perpetua.ledger.errors import InactiveItem
from perpetua.orders import service as orders
from perpetua.orders.errors import OrderClosed, UnknownItems
from perpetua.orders.types import (
    MAX_LINES,
    AddedLine,
    ChangeOrder,
    FloorStatus,
    LineChange,
    OpenLine,
    Order,
    PlaceLine,
    ShipTo,
)

__all__ = ["change", "move_on_floor", "release_order"]

_CLOSED = frozenset({"SHIPPED", "CANCELLED", "RETURNED"})
_ONE = Decimal(1)


class More(NamedTuple):
    """A line that wants more than it has: `asked` in all, `more` of it than before."""

    line: OpenLine
    asked: Decimal
    more: Decimal


async def release_order(db: Database, actor: Actor, order_id: int, *, key: str | None = None) -> Answered[Order]:
    """Release an order to the floor: what is allocated of it may be picked.

    Raises:
        Missing: there is no such order.
        OrderClosed: it is there already, or nothing of it (of one that goes whole: not all) is allocated.
    """
    actor.require("orders.write")

    async def act(tx: Tx) -> Order:
        await orders.require_seen(tx, actor, [order_id])
        before = await orders.advance(tx, order_id, "RELEASED")
        _, lines = (await orders.counts(tx, [order_id]))[order_id]
        reason = None
        if orders.on_floor(before.status):
            reason = "it is on the floor already"
        elif not any(line.allocated for line in lines):
            reason = "nothing of it is allocated"
        elif before.fulfilment == "complete" and any(line.backordered for line in lines):
            reason = "it goes whole, and not all of it is allocated"
        if reason:
            raise OrderClosed(order_id=order_id, status=before.status, reason=reason)
        await audit(tx, actor, "order", order_id, "released", {"status": before.status}, {"status": "RELEASED"})
        return (await current(tx, [order_id]))[order_id]

    body = {"order_id": order_id}
    return await once(db, sender=actor.person_id, key=key, command="orders.release", body=body, answer=Order, act=act)


async def move_on_floor(
    db: Database, actor: Actor, order_id: int, status: FloorStatus, *, key: str | None = None
) -> Answered[Order]:
    """People begin to pick a released order, have packed it, or go a step back: from then on its goods are in their
    hands, and only somebody who may override takes them away.

    Raises:
        Missing: there is no such order.
        OrderClosed: it does not come to `status` from where it is.
    """
    actor.require("orders.ship")

    async def act(tx: Tx) -> Order:
        await orders.require_seen(tx, actor, [order_id])
        before = await orders.advance(tx, order_id, status)
        if not orders.on_floor(before.status) and status == "RELEASED":
            reason = "it is not on the floor; release it"
            raise OrderClosed(order_id=order_id, status=before.status, reason=reason)
        await audit(tx, actor, "order", order_id, "moved on the floor", {"status": before.status}, {"status": status})
        return (await current(tx, [order_id]))[order_id]

    body = {"order_id": order_id, "status": status}
    return await once(db, sender=actor.person_id, key=key, command="orders.floor", body=body, answer=Order, act=act)


async def change(
    db: Database,
    actor: Actor,
    order_id: int,
    command: ChangeOrder,
    *,
    version: int,
    key: str | None = None,
    clock: Clock = system_clock,
) -> Answered[Order]:
    """Change the quantities of an order's lines, or add lines.

    Less gives stock back at once, to whoever waits for it. More, and new lines, are decided at once. Where the order
    goes whole, so is all of it that has not left: it has all, or waits.

    Raises:
        Missing: there is no such order.
        Stale: it has been changed since that version.
        OrderClosed: all of it has left or was cancelled.
        BeingPicked: goods would be taken from those who pick it, and the actor may not override.
        InvalidValue: no such line, less than has left of it, or an item that is not there.
    """
    actor.require("orders.write")
    orders.check_change(command)

    async def act(tx: Tx) -> Order:
        now = clock()
        added = await _items(tx, command.add)
        parts = await store.kit_parts(tx, {variant.id for variant in added})
        await store.hold_recipes(tx, parts)
        also = {variant.id for variant in added} | {part.variant_id for some in parts.values() for part in some}
        held = await hold(tx, actor, order_id, now, also=also)
        if held.order.version != version:
            raise Stale(what="order", key=order_id, sent=version, current=held.order.version)
        if held.order.status in _CLOSED:
            raise OrderClosed(order_id=order_id, status=held.order.status, reason="nothing of it is left to change")
        if len(held.lines) + len(added) > MAX_LINES:
            raise TooLarge(reason=f"An order has at most {MAX_LINES} lines; send the rest as another.", limit=MAX_LINES)
        targets = _targets(held, command)
        await _lessen(tx, actor, held, targets, command.reason, now)
        await _raise(tx, actor, held, targets, list(zip(added, command.add, strict=True)), command.reason, now)
        left = [line for line in await orders.lines_to_change(tx, order_id) if line.backordered]
        waiting = {line.id: [variant for variant, _ in _parts(line, held.kits)] for line in left}
        await expect_lines(tx, held.ground, waiting, now)
        return (await current(tx, [order_id]))[order_id]

    body = {"order_id": order_id, "version": version, "command": command}
    return await once(db, sender=actor.person_id, key=key, command="orders.change", body=body, answer=Order, act=act)


async def _items(tx: Tx, added: Sequence[PlaceLine]) -> list[VariantRef]:
    known = await items.resolve_skus(tx, {line.sku for line in added}) if added else {}
    unknown: list[dict[str, object]] = [
        {"line": number, "field": f"add[{number - 1}].sku", "value": line.sku}
        for number, line in enumerate(added, 1)
        if line.sku.upper() not in known
    ]
    if unknown:
        raise UnknownItems(unknown)
    found = [known[line.sku.upper()] for line in added]
    for number, (line, variant) in enumerate(zip(added, found, strict=True)):
        if not variant.active:
            raise InactiveItem(sku=variant.sku, line=number + 1)
        exact_quantity(line.quantity, f"add[{number}].quantity", places=variant.decimals)
    return found


def _targets(held: Held, command: ChangeOrder) -> dict[int, Decimal]:
    """The new quantities, by line number, of those that change.

    Raises:
        InvalidValue: no such line, one named twice, or less than has left or was cancelled of it.
    """
    targets: dict[int, Decimal] = {}
    for number, change in enumerate(command.lines):
        line = held.lines.get(change.line_no)
        if line is None or change.line_no in targets:
            raise InvalidValue(f"lines[{number}].line_no", change.line_no, "is no line of the order, or named twice")
        exact_quantity(change.quantity, f"lines[{number}].quantity", places=line.decimals)
        gone = line.shipped + line.cancelled + line.refused
        if change.quantity < gone:
            reason = f"must be at least {gone}, what has left or was cancelled"
            raise InvalidValue(f"lines[{number}].quantity", str(change.quantity), reason, least=gone)
        targets[change.line_no] = change.quantity
    return {number: quantity for number, quantity in targets.items() if quantity != held.lines[number].quantity}


async def _lessen(
    tx: Tx, actor: Actor, held: Held, targets: Mapping[int, Decimal], reason: str | None, now: datetime
) -> None:
    """Less of some lines; what only waits goes first, and what they held goes to whoever waits."""
    endings: list[Ending] = []
    changes: list[LineChange] = []
    entries: list[Entry] = []
    in_hands: list[int] = []
    for number, quantity in targets.items():
        line = held.lines[number]
        less = line.quantity - quantity
        if less <= 0:
            continue
        taken = max(less - line.backordered, ZERO)
        if taken:
            endings += part_of(held.allocations[line.id], taken, line.allocated)
            in_hands.append(number)
        changes.append(LineChange(line.id, quantity=-less, allocated=-taken))
        facts = {"was": line.quantity, "was_allocated": line.allocated, "was_waiting": line.backordered,
                 "given_back": taken}  # fmt: skip
        entries.append(_entry(actor, held, line.id, line.variant_id, quantity, line.allocated - taken, facts, reason))
    if not changes:
        return
    require_sites(actor, held, endings)
    await hands_off(tx, actor, held, in_hands, reason or "changed")
    freed = await end(tx, endings, "released") | waiting_keys(held)
    await orders.change_lines(tx, changes)
    await store.record(tx, held.ground.version, [], entries)
    await settle_statuses(tx, [held.order.id])
    await fill(tx, actor.person_id, freed, now, reason=f"order {held.order.id} asks for less")


async def _raise(
    tx: Tx,
    actor: Actor,
    held: Held,
    targets: Mapping[int, Decimal],
    added: Sequence[tuple[VariantRef, PlaceLine]],
    reason: str | None,
    now: datetime,
) -> None:
    """More of some lines, and new lines: decided now, like those of a new order."""
    raised = {number: quantity for number, quantity in targets.items() if quantity > held.lines[number].quantity}
    if not raised and not added:
        return
    first = 1 + max(held.lines)
    new = [
        AddedLine(number, variant.id, variant.id in held.kits, line.quantity, line.unit_price)
        for number, (variant, line) in enumerate(added, first)
    ]
    added_ids = await orders.add_lines(tx, held.order.id, new)
    lines = {line.line_no: line for line in await orders.lines_to_change(tx, held.order.id)}
    wants = [_more(lines[number], quantity - lines[number].quantity) for number, quantity in raised.items()]
    wants += [_more(lines[number], ZERO) for number in added_ids]
    freed: set[rules.Key] = set()
    if held.order.fulfilment == "complete":
        # All of it that has not left is decided anew: it has all, or waits.
        named = {one.line.line_no for one in wants}
        wants += [_more(line, ZERO) for number, line in lines.items() if number not in named]
        await hands_off(
            tx, actor, held, [number for number, line in lines.items() if line.allocated], reason or "changed"
        )
        open_now = await open_of(tx, [line.id for line in lines.values()])
        endings = [Ending(one, one.quantity) for some in open_now.values() for one in some]
        require_sites(actor, held, endings)
        freed = await end(tx, endings, "released")
    decided = await _decide(tx, actor, held, wants, now)
    changes: list[LineChange] = []
    entries: list[Entry] = []
    takes: list[tuple[int, Take]] = []
    for one in sorted(wants, key=lambda one: one.line.line_no):
        line, got = one.line, decided.get(one.line.line_no)
        given, refused = (got.given, got.refused) if got else (ZERO, ZERO)
        had = line.allocated if held.order.fulfilment == "complete" else ZERO
        changes.append(LineChange(line.id, quantity=one.more, allocated=given - had, refused=refused))
        takes += [(line.id, take) for take in (got.takes if got else ())]
        was = ZERO if line.line_no in added_ids else line.quantity
        facts = {"was": was, "was_allocated": line.allocated, "given_now": given, **(got.facts if got else {})}
        has = given if had or held.order.fulfilment == "complete" else line.allocated + given
        entries.append(_entry(actor, held, line.id, line.variant_id, one.asked, has, facts, reason))
    await orders.change_lines(tx, changes)
    await store.record(tx, held.ground.version, takes, entries)
    await settle_statuses(tx, [held.order.id])
    await fill(tx, actor.person_id, freed, now, reason=f"order {held.order.id} was changed")


def _more(line: OpenLine, more: Decimal) -> More:
    return More(line, line.quantity + more, more)


async def _decide(tx: Tx, actor: Actor, held: Held, wants: Sequence[More], now: datetime) -> dict[int, Decided]:
    """What the lines get, by their number: of an order that goes whole all that has not left, else what is more."""
    order, of = held.order, held.ground.rules
    whole = order.fulfilment == "complete"
    asked = tuple(
        WantedLine(one.line.line_no, quantity, _parts(one.line, held.kits), one.line.kit, one.line.decimals)
        for one in sorted(wants, key=lambda one: one.line.line_no)
        if (quantity := _wanted(one, whole=whole))
    )
    if not asked:
        return {}
    ship_to = ShipTo(country=order.country, region=order.region, postcode=order.postcode)
    terms = Terms(
        channel=order.channel, tier=order.tier, fulfilment=order.fulfilment, site_id=order.site_id, ship_to=ship_to,
        min_life_days=order.min_life_days, arrived=order.placed_at, jumps=order.jumps,
    )  # fmt: skip
    wanted: Wanted = want(order.id, terms, asked, held.ground, now, scope=actor.scope)
    channel = of.channels.get(order.channel, rules.NO_RULES)
    variants = {variant for line in asked for variant, _ in line.parts}
    positions = await lock_to_decide(
        tx, variants, wanted.sites, now, with_lots=_tracked(wants, held.kits) & variants,
        sharing=[order.channel] if channel.share_percent is not None else [],
    )  # fmt: skip
    return {one.line: one for one in rules.decide([wanted], positions, of)}


def _wanted(one: More, *, whole: bool) -> Decimal:
    line = one.line
    if whole:
        return one.asked - line.shipped - line.cancelled - line.refused
    return one.more or line.backordered


def _tracked(wants: Sequence[More], kits: Mapping[int, list[Part]]) -> set[int]:
    """The variants whose lots are tracked, kits' components among them."""
    own = {one.line.variant_id for one in wants if not one.line.kit and one.line.tracking == "lot"}
    return own | {p.variant_id for one in wants if one.line.kit for p in kits[one.line.variant_id] if p.lots}


def _parts(line: OpenLine, kits: Mapping[int, list[Part]]) -> tuple[tuple[int, Decimal], ...]:
    if not line.kit:
        return ((line.variant_id, _ONE),)
    return tuple((part.variant_id, part.quantity) for part in kits[line.variant_id])


def _entry(
    actor: Actor, held: Held, line_id: int, variant_id: int, asked: Decimal, has: Decimal, facts: dict[str, Any],
    reason: str | None,
) -> Entry:  # fmt: skip
    """What a line asks for after the change, and how much of it is allocated then."""
    return Entry(actor.person_id, "changed", held.order.id, line_id, variant_id, asked, has, facts, reason)
