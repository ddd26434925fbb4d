"""Goods of an order come back: their RETURN rows are posted and its lines know of it, in one transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from perpetua.access.service import audit
from perpetua.access.types import Actor
from perpetua.allocation import store
from perpetua.allocation.errors import NotWithCustomer
from perpetua.allocation.service.changing import Held, hold_all, pick_lines
from perpetua.allocation.service.reading import current
from perpetua.allocation.service.releasing import settle_statuses
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Queries, Tx
from perpetua.kit.errors import InvalidValue, Missing
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.quantity import ZERO, plain
from perpetua.ledger import service as ledger
from perpetua.ledger.types import PostingDraft, Row
from perpetua.orders import service as orders
from perpetua.orders.errors import OrderClosed
from perpetua.orders.types import LineChange, OpenLine, Order, ReturnLine, ReturnOrder
from perpetua.places import service as places
from perpetua.places.types import LocationRef

__all__ = ["return_order"]

Q = Queries(store.__file__, "returning.sql")


class _Out(msgspec.Struct, kw_only=True):
    """So much of an item, of a lot or the one with a serial, left with the order and did not come back."""

    variant_id: int
    lot_id: int
    serial_id: int | None
    serial: str | None
    lot: str
    quantity: Decimal


async def return_order(
    db: Database, actor: Actor, order_id: int, command: ReturnOrder, *, key: str | None = None,
    clock: Clock = system_clock,
) -> Answered[Order]:  # fmt: skip
    """Take back what left with an order, all of it or some lines, as the lots and serials that left.

    Where it may be sold from, it goes to whoever waits at once. An order of which all that left came back, and of which
    nothing else is open, is RETURNED.

    Raises:
        Missing: there is no such order, or no such place.
        OrderClosed: nothing of it is with the customer.
        InvalidValue: no such line, more than left with it, a lot or serials that are not told.
        NotWithCustomer: that lot, those serials or so much of a kit's parts did not leave with it.
        InactivePlace: they cannot be put there.
        NeedsApproval: so much, for that reason, only by somebody who may approve.
    """
    actor.require("stock.return")

    async def act(tx: Tx) -> Order:
        now = clock()
        where = await _places(tx, actor, command)
        sites = {place.site_id for place in where.values()}
        held = (await hold_all(tx, actor, [order_id], now, also_sites=sites))[order_id]
        told = {line.line_no: line for line in command.lines or ()}
        asked = None if command.lines is None else [(line.line_no, line.quantity) for line in command.lines]
        chosen = pick_lines(held, asked, left=lambda line: line.shipped - line.returned)
        if not chosen:
            raise OrderClosed(order_id=order_id, status=held.order.status, reason="nothing of it is with the customer")
        out = await tx.rows(Q["with_customer"], {"order_id": str(order_id)}, as_=_Out)
        rows = [
            row
            for line, quantity in chosen
            for row in _rows(line, quantity, told.get(line.line_no), command, held, where, out)
        ]
        await _post(tx, actor, order_id, command, rows, key, now)
        await orders.change_lines(tx, [LineChange(line.id, returned=quantity) for line, quantity in chosen])
        await settle_statuses(tx, [order_id])
        after = (await current(tx, [order_id]))[order_id]
        back = {str(line.line_no): plain(quantity) for line, quantity in chosen}
        await audit(tx, actor, "order", order_id, "returned", {"status": held.order.status},
                    {"status": after.status, "lines": back, "reason_code": command.reason_code})  # fmt: skip
        return after

    body = {"order_id": order_id, "command": command}
    return await once(db, sender=actor.person_id, key=key, command="orders.return", body=body, answer=Order, act=act)


async def _places(tx: Tx, actor: Actor, command: ReturnOrder) -> dict[str, LocationRef]:
    """The places that goods come back to, by code in capitals."""
    asked = {"location": command.location} if command.location else {}
    asked |= {f"lines[{n}].location": line.location for n, line in enumerate(command.lines or ()) if line.location}
    untold = [n for n, line in enumerate(command.lines or ()) if not line.location and not command.location]
    if untold or not asked:
        field = f"lines[{untold[0]}].location" if untold else "location"
        raise InvalidValue(field, "", "is missing; say where the goods are put, here or once for all lines")
    found = await places.by_codes(tx, sorted({code.upper() for code in asked.values()}))
    for code in asked.values():
        place = found.get(code.upper())
        if place is None:
            raise Missing("location", code)
        actor.require_place(place.path, place.code)
    return {code.upper(): place for code, place in found.items()}


def _rows(
    line: OpenLine, quantity: Decimal, told: ReturnLine | None, command: ReturnOrder, held: Held,
    where: Mapping[str, LocationRef], out: Sequence[_Out],
) -> list[Row]:  # fmt: skip
    """The RETURN rows of a line: of a kit, its parts."""
    code = (told.location if told else None) or command.location
    assert code is not None
    place = where[code.upper()]
    told = told or ReturnLine(line_no=line.line_no)
    rows: list[Row] = []
    parts = [(p.variant_id, p.quantity * quantity) for p in held.kits.get(line.variant_id, ())] if line.kit else None
    for variant_id, wanted in parts or [(line.variant_id, quantity)]:
        left = wanted
        for one in _of_line(line, variant_id, wanted, told, out):
            part = min(left, one.quantity)
            if part <= 0:
                continue
            one.quantity -= part
            left -= part
            rows.append(
                Row(line_no=line.line_no, type="RETURN", variant_id=variant_id, location_id=place.id, lot_id=one.lot_id,
                    serial_id=one.serial_id, quantity=part, reason_code=command.reason_code.lower())
            )  # fmt: skip
        if left > 0:
            raise NotWithCustomer(line_no=line.line_no, sku=line.sku, asked=wanted, left=plain(wanted - left))
    return rows


def _of_line(line: OpenLine, variant_id: int, wanted: Decimal, told: ReturnLine, out: Sequence[_Out]) -> Sequence[_Out]:
    """What may come back for it: of the lot or the serials that are named, where the item is tracked so."""
    mine = [one for one in out if one.variant_id == variant_id and one.quantity > 0]
    if line.kit:
        return mine
    if line.tracking == "serial":
        named = {serial.upper() for serial in told.serials}
        mine = [one for one in mine if (one.serial or "").upper() in named]
        if len(named) != wanted:
            reason = f"{line.sku} is serialised: name the {wanted} serials that come back"
            raise InvalidValue(f"line {line.line_no}: serials", str(len(named)), reason)
    elif told.serials:
        raise InvalidValue(f"line {line.line_no}: serials", str(len(told.serials)), f"{line.sku} is not serialised")
    if told.lot is not None:
        mine = [one for one in mine if one.lot.upper() == told.lot.upper()]
    elif line.tracking == "lot" and wanted < sum((one.quantity for one in mine), ZERO) and len(mine) > 1:
        lots = sorted(one.lot for one in mine)
        raise InvalidValue(f"line {line.line_no}: lot", "", f"name the lot that comes back: {', '.join(lots)}")
    return mine


async def _post(
    tx: Tx, actor: Actor, order_id: int, command: ReturnOrder, rows: list[Row], key: str | None, now: datetime
) -> None:
    draft = PostingDraft(
        command="return", effective_at=ledger.effective(command.effective_at, now), rows=rows,
        reason_code=command.reason_code.lower(), reference_type="order", reference_id=str(order_id), note=command.note,
    )  # fmt: skip
    await ledger.take_back(tx, actor, draft, key=key)
