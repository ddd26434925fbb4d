"""The supplier confirms: when each line is to come, and how much of it."""

from typing import Any

import msgspec

from perpetua.access.service import audit
from perpetua.access.types import Actor
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.quantity import exact_quantity
from perpetua.purchasing import events, rules, store
from perpetua.purchasing.errors import AboveOpen, UnknownLine
from perpetua.purchasing.service.placing import check_version, lock_for, require_status
from perpetua.purchasing.service.reading import locked, seen, shown
from perpetua.purchasing.types import MAX_LINES, ConfirmLine, ConfirmOrder, Order, OrderLine

__all__ = ["confirm"]


async def confirm(
    db: Database, actor: Actor, po_id: int, command: ConfirmOrder, *, version: int | None = None, key: str | None = None
) -> Answered[Order]:
    """Write what the supplier promises. Whoever waits for the goods is told the new day in the same transaction.

    Raises:
        Missing, OutOfScope, Stale, InvalidValue
        OrderState: it is not on order.
        UnknownLine, AboveOpen: nothing is open of the line, or less than was promised.
    """
    actor.require("purchasing.write")
    _check(command)

    async def act(tx: Tx) -> Order:
        order = await locked(tx, actor, po_id)
        check_version(order, version)
        require_status(order, "SUBMITTED", "CONFIRMED", "PARTIAL_RECEIVED", what="it is not on order")
        promised = _promised(order, command)
        await store.keep_version(tx, order, "confirmed", None, actor.person_id)
        variants = {line.variant_id for line in promised}
        await lock_for(tx, order, variants)
        await store.set_lines(tx, po_id, promised)
        if command.supplier_reference is not None:
            await store.set_head(tx, po_id, {"supplier_reference": command.supplier_reference})
        await events.tell_changed(tx, sorted(variants))
        after = await seen(tx, actor, po_id)
        await audit(tx, actor, "purchase_order", po_id, "confirmed", *_said(order, after), path=[order.site_id])
        return after

    sent: dict[str, Any] = {"command": "purchasing.confirm", "body": [po_id, version, command]}
    done = await once(db, sender=actor.person_id, key=key, **sent, answer=Order, act=act)
    return Answered(shown(actor, done.answer), done.replayed)


def _check(command: ConfirmOrder) -> None:
    numbers = [line.line_no for line in command.lines]
    if not numbers and command.promised_on is None:
        raise InvalidValue("lines", "[]", "name the lines that are promised, or give promised_on for all")
    if len(set(numbers)) < len(numbers) or len(numbers) > MAX_LINES:
        raise InvalidValue("lines", numbers[:100], "name each line once")
    rules.check_wanted("promised_on", command.promised_on)
    for at, line in enumerate(command.lines):
        rules.check_wanted(f"lines[{at}].promised_on", line.promised_on)
        if line.quantity is not None:
            rules.check_number(f"lines[{at}].quantity", exact_quantity(line.quantity, f"lines[{at}].quantity"))
    if command.supplier_reference is not None:
        rules.check_text("supplier_reference", command.supplier_reference, 200)


def _promised(order: Order, command: ConfirmOrder) -> list[OrderLine]:
    lines = {line.line_no: line for line in order.lines}
    for at, one in enumerate(command.lines):
        if one.line_no not in lines:
            raise UnknownLine(f"lines[{at}].line_no", one.line_no, order.number)
        line, asked = lines[one.line_no], one.quantity
        if asked is not None:
            exact_quantity(asked, f"lines[{at}].quantity", places=line.decimals)
        if not line.on_order or (asked is not None and asked > line.on_order):
            raise AboveOpen(number=order.number, line_no=one.line_no, asked=asked, open=line.on_order)
    named = {one.line_no for one in command.lines}
    given = list(command.lines)
    if (rest := command.promised_on) is not None:
        given += [
            ConfirmLine(line_no=no, promised_on=rest) for no, line in lines.items() if line.on_order and no not in named
        ]
    return [_line(lines[one.line_no], one, cancel_rest=command.cancel_rest) for one in given]


def _line(line: OrderLine, one: ConfirmLine, *, cancel_rest: bool) -> OrderLine:
    promised = line.on_order if one.quantity is None else one.quantity
    return msgspec.structs.replace(
        line, promised_on=one.promised_on, expected_on=one.promised_on, promised_quantity=promised,
        cancelled=line.cancelled + (line.on_order - promised if cancel_rest else 0),
    )  # fmt: skip


def _said(before: Order, after: Order) -> tuple[dict[str, Any], dict[str, Any]]:
    old: dict[str, Any] = {"status": before.status, "supplier_reference": before.supplier_reference}
    new: dict[str, Any] = {"status": after.status, "supplier_reference": after.supplier_reference}
    for was, now in zip(before.lines, after.lines, strict=True):
        for name in ("promised_on", "promised_quantity", "cancelled"):
            if getattr(was, name) != getattr(now, name):
                old[f"line_{now.line_no}_{name}"], new[f"line_{now.line_no}_{name}"] = (
                    getattr(was, name),
                    getattr(now, name),
                )
    return old, new
