"""What was ordered is not to come: some of a line, the rest, or all of it; or less came, and it is closed short."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from perpetua.access.service import Change, audit, audit_many
from perpetua.access.types import Actor
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.quantity import ZERO, exact_quantity
from perpetua.purchasing import events, rules, store
from perpetua.purchasing.errors import AboveOpen, OrderState, UnknownLine
from perpetua.purchasing.service.placing import check_version, lock_for, require_status
from perpetua.purchasing.service.reading import locked, seen, shown
from perpetua.purchasing.types import MAX_LINES, CancelLine, CancelOrder, CloseShort, Order, OrderLine

__all__ = ["cancel", "cancel_drafts", "close_short"]


async def cancel(
    db: Database, actor: Actor, po_id: int, command: CancelOrder, *, version: int | None = None, key: str | None = None
) -> Answered[Order]:
    """Cancel a draft, or what is open of an order: all of it, some lines, or so much of them. A change that waits for
    approval goes with it.

    Raises:
        Missing, OutOfScope, Stale, InvalidValue
        OrderState: nothing of it is open; or lines of a draft were named, which are removed instead.
        UnknownLine, AboveOpen
    """
    actor.require("purchasing.write")
    _check(command)

    async def act(tx: Tx) -> Order:
        order = await locked(tx, actor, po_id)
        check_version(order, version)
        require_status(order, "DRAFT", "SUBMITTED", "CONFIRMED", "PARTIAL_RECEIVED", what="nothing of it is open")
        if order.status == "DRAFT" and command.lines is not None:
            reason = "lines of a draft are removed by changing it; only the whole of it is cancelled"
            raise OrderState(po_id=order.id, number=order.number, po_status=order.status, reason=reason)
        return await _cancel(tx, actor, order, _taken_back(order, command.lines), "cancelled", command.reason)

    sent: dict[str, Any] = {"command": "purchasing.cancel", "body": [po_id, version, command]}
    done = await once(db, sender=actor.person_id, key=key, **sent, answer=Order, act=act)
    return Answered(shown(actor, done.answer), done.replayed)


async def close_short(
    db: Database, actor: Actor, po_id: int, command: CloseShort, *, version: int | None = None, key: str | None = None
) -> Answered[Order]:
    """Of an order of which something came, or of some of its lines, nothing more is to come.

    Raises:
        Missing, OutOfScope, Stale, InvalidValue, UnknownLine, AboveOpen
        OrderState: nothing of it came, or nothing is open.
    """
    actor.require("purchasing.write")
    rules.check_text("reason", command.reason, 500)

    async def act(tx: Tx) -> Order:
        order = await locked(tx, actor, po_id)
        check_version(order, version)
        require_status(order, "PARTIAL_RECEIVED", what="only what has come in part is closed short")
        numbers = None if command.line_nos is None else sorted(set(command.line_nos))
        lines = None if numbers is None else [CancelLine(line_no=number) for number in numbers]
        return await _cancel(tx, actor, order, _taken_back(order, lines), "closed_short", command.reason)

    sent: dict[str, Any] = {"command": "purchasing.close_short", "body": [po_id, version, command]}
    done = await once(db, sender=actor.person_id, key=key, **sent, answer=Order, act=act)
    return Answered(shown(actor, done.answer), done.replayed)


async def cancel_drafts(tx: Tx, actor: Actor, po_ids: Sequence[int], reason: str) -> list[int]:
    """Cancel those of the orders that are still drafts and the actor's, in a constant number of statements; which."""
    actor.require("purchasing.write")
    there = await store.lock(tx, po_ids)
    found = await store.orders(tx, there, actor.scope_ids)
    drafts = [order for order in found.values() if order.status == "DRAFT"]
    for order in drafts:
        actor.require_place([order.site_id], order.site)
    await tx.execute(store.Q["cancel_drafts"], {"ids": [order.id for order in drafts]})
    was, now = {"status": "DRAFT"}, {"status": "CANCELLED", "reason": reason}
    await audit_many(tx, actor, "purchase_order", [
        Change(id=order.id, action="cancelled", before=was, after=now, path=[order.site_id]) for order in drafts
    ])  # fmt: skip
    return [order.id for order in drafts]


async def _cancel(
    tx: Tx, actor: Actor, order: Order, lines: Sequence[OrderLine], action: str, reason: str
) -> Order:  # fmt: skip
    variants = {line.variant_id for line in lines}
    if order.status != "DRAFT":
        await store.keep_version(tx, order, action, reason, actor.person_id)
        await lock_for(tx, order, variants)
    if order.proposal is not None:
        await store.propose(tx, order.id, None, None)
    await store.set_lines(tx, order.id, lines)
    if order.status != "DRAFT":
        await events.tell_changed(tx, sorted(variants))
    after = await seen(tx, actor, order.id)
    old = {f"line_{line.line_no}_cancelled": line.cancelled for line in order.lines}
    before: dict[str, Any] = {"status": order.status} | {
        name: old[name] for line in lines if (name := f"line_{line.line_no}_cancelled")
    }
    now = {"status": after.status, "reason": reason} | {
        f"line_{line.line_no}_cancelled": line.cancelled for line in lines
    }
    await audit(tx, actor, "purchase_order", order.id, action, before, now, path=[order.site_id])
    return after


def _check(command: CancelOrder) -> None:
    rules.check_text("reason", command.reason, 500)
    if command.lines is None:
        return
    numbers = [line.line_no for line in command.lines]
    if not numbers or len(set(numbers)) < len(numbers) or len(numbers) > MAX_LINES:
        raise InvalidValue(
            "lines", numbers[:100], "name each line once, at least one; or leave it out for the whole order"
        )
    for at, line in enumerate(command.lines):
        if line.quantity is not None and exact_quantity(line.quantity, f"lines[{at}].quantity") <= 0:
            raise InvalidValue(f"lines[{at}].quantity", str(line.quantity), "must be more than 0")


def _taken_back(order: Order, asked: Sequence[CancelLine] | None) -> list[OrderLine]:
    """The lines as they are afterwards. Raises UnknownLine, AboveOpen."""
    lines = {line.line_no: line for line in order.lines}
    if asked is None:
        asked = [CancelLine(line_no=line.line_no) for line in order.lines if _open(line)]
    done: list[OrderLine] = []
    for at, one in enumerate(asked):
        if (line := lines.get(one.line_no)) is None:
            raise UnknownLine(f"lines[{at}].line_no", one.line_no, order.number)
        is_open = _open(line)
        quantity = is_open if one.quantity is None else one.quantity
        exact_quantity(quantity, f"lines[{at}].quantity", places=line.decimals)
        if not is_open or quantity > is_open:
            raise AboveOpen(number=order.number, line_no=line.line_no, asked=one.quantity, open=is_open)
        done.append(msgspec.structs.replace(line, cancelled=line.cancelled + quantity))
    return done


def _open(line: OrderLine) -> Decimal:
    return max(line.ordered - line.received - line.cancelled, ZERO)
