"""Goods come in: found, allotted to what was ordered, posted, written down; one scan or thousands of lines alike."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from perpetua.access.types import Actor
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue, Missing, NotAllowed, TooLarge
from perpetua.kit.http import LARGEST_ID
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.quantity import ZERO
from perpetua.ledger import service as ledger
from perpetua.ledger.types import PostingDraft, Row
from perpetua.plates import service as plates
from perpetua.purchasing import service as purchasing
from perpetua.purchasing.types import Came, LineToReceive, OrderToReceive, TakenIn
from perpetua.purchasing.types import number_of as order_number
from perpetua.receiving import rules, store
from perpetua.receiving.errors import (
    ExpiredGoods,
    NotAnnounced,
    OverReceipt,
    PlateThere,
    ReceiptClosed,
    Unexpected,
)
from perpetua.receiving.service.finding import Arrived, arrived_of
from perpetua.receiving.types import (
    MAX_LINES,
    Allotted,
    DiscrepancyKind,
    Found,
    Locked,
    NewLine,
    OpenLine,
    Part,
    TakeIn,
    TakeLine,
    Taken,
    TakenLine,
    TakePlate,
    number_of,
)

__all__ = ["held", "take", "take_in", "take_plate"]


async def take_in(
    db: Database, actor: Actor, receipt_id: int, command: TakeIn, *, key: str | None = None,
    clock: Clock = system_clock,
) -> Answered[Taken]:  # fmt: skip
    """Take goods of a delivery in, all of the lines or none: they are on hand at once, and whoever waits has them.

    Raises:
        Missing: there is no such receipt. ReceiptClosed: it is closed.
        OverReceipt, Unexpected, ExpiredGoods: what is taken only when it is said so (`accept`).
        LotDiffers: a lot that is known with another date. NoAreaFor: no place for goods that can't be sold.
        NotOnOrder: a line for an order that the receipt is not for.
        NotAllowed: a cost, by somebody who may not see any.
        As `ledger.receive`: names, quantities, lots, serials, places.
    """
    actor.require("stock.receive")

    async def act(tx: Tx) -> Taken:
        of = await held(tx, actor, receipt_id)
        return await take(tx, actor, of, command, clock(), key=key)

    body = [receipt_id, command]
    return await once(db, sender=actor.person_id, key=key, command="receipts.take", body=body, answer=Taken, act=act)


async def held(tx: Tx, actor: Actor, receipt_id: int) -> Locked:
    """The receipt under lock.

    Raises:
        Missing: there is none, or it is not at one of the actor's sites.
    """
    of = await store.lock(tx, receipt_id) if 0 < receipt_id <= LARGEST_ID else None
    if of is None:
        raise Missing("receipt", receipt_id)
    actor.require_place([of.site_id], of.site)
    return of


async def take(tx: Tx, actor: Actor, of: Locked, command: TakeIn, now: datetime, *, key: str | None) -> Taken:
    """As `take_in`, for a receipt that is under lock."""
    if of.status != "OPEN":
        raise ReceiptClosed(receipt=number_of(of.id))
    if len(command.lines) > MAX_LINES:
        raise TooLarge(reason=f"At most {MAX_LINES} lines at once; send the rest after.", limit=MAX_LINES)
    _check_costs(actor, of, command)
    orders = await purchasing.lock_orders(tx, of.po_ids)
    lines = {line.id: line for order in orders.values() for line in order.lines}
    arrived = await arrived_of(tx, actor, of, command, orders, now)
    allotted = _allotted(of, command, arrived, orders)
    new, rows = _written(of, arrived, allotted, lines)
    draft = PostingDraft(
        command="receive", effective_at=ledger.effective(command.effective_at, now), rows=rows,
        reference_type="receipt", reference_id=number_of(of.id),
    )  # fmt: skip
    posted = await ledger.post(tx, actor, draft, key=key, show_levels=False)
    assert posted.posting_id is not None
    came = [Came(one.po_line_id, one.quantity, draft.effective_at) for one in new if one.po_line_id is not None]
    taken = {one.line_id: one for one in await purchasing.take_in(tx, came)}
    if command.plate is not None:
        await _on_plate(tx, actor, command.plate, rows, arrived)
    version = await store.write_lines(tx, of.id, actor.person_id, posted.posting_id, draft.effective_at, new)
    told = _told(of, new, arrived, allotted, lines, taken)
    return Taken(receipt_id=of.id, receipt=number_of(of.id), posting_id=posted.posting_id, version=version, lines=told)


async def take_plate(
    db: Database, actor: Actor, receipt_id: int, command: TakePlate, *, key: str | None = None,
    clock: Clock = system_clock,
) -> Answered[Taken]:  # fmt: skip
    """Take in all that was announced on a pallet or box, by its code: it stands there then, with its goods.

    Raises:
        NotAnnounced: nothing was announced on it.
        PlateThere: there is such a plate, with goods on it: it came before.
        As `take_in`.
    """
    actor.require("stock.receive")

    async def act(tx: Tx) -> Taken:
        of = await held(tx, actor, receipt_id)
        rows = await tx.dicts(store.Q["on_plate"], {"receipt_id": of.id, "plate": command.plate})
        if not rows:
            raise NotAnnounced("plate", command.plate, f"was not announced with {number_of(of.id)}; scan what is on it")
        known = await plates.named(tx, [command.plate])
        if known is not None and (await plates.detail(tx, actor, known)).goods:
            raise PlateThere(plate=command.plate)
        lines = [TakeLine(location=command.location, **row) for row in rows]
        took = TakeIn(lines=lines, plate=command.plate, effective_at=command.effective_at, accept=command.accept)
        return await take(tx, actor, of, took, clock(), key=key)

    body = [receipt_id, command]
    return await once(db, sender=actor.person_id, key=key, command="receipts.plate", body=body, answer=Taken, act=act)


async def _on_plate(tx: Tx, actor: Actor, code: str, rows: Sequence[Row], arrived: Sequence[Arrived]) -> None:
    """What came stands on the plate: all of it at one place."""
    found = {one.place.id: one.place.code for one in arrived}
    if len(found) > 1:
        names = ", ".join(sorted(found.values()))
        raise InvalidValue("plate", code, f"would stand at {names}; send what is put elsewhere by itself")
    await plates.arrive(tx, actor, code, rows)


def _check_costs(actor: Actor, of: Locked, command: TakeIn) -> None:
    for at, line in enumerate(command.lines):
        if line.unit_cost is None:
            continue
        if not actor.may("supplier_prices.read"):
            raise NotAllowed(permission="supplier_prices.read", field=f"lines[{at}].unit_cost")
        if of.po_ids:
            raise InvalidValue(f"lines[{at}].unit_cost", "(not shown)", "is as the order says; leave it out")


def _allotted(
    of: Locked, command: TakeIn, arrived: Sequence[Arrived], orders: Mapping[int, OrderToReceive]
) -> list[Allotted]:
    """What each line is for.

    Raises:
        OverReceipt, Unexpected, ExpiredGoods: what is not accepted.
    """
    everywhere = frozenset[str](command.accept)
    found = [
        Found(
            at, one.resolved.variant.id, one.resolved.variant.sku, one.resolved.quantity or ZERO, one.condition,
            one.instead_of is not None, one.condition == "expired", everywhere | frozenset(one.line.accept), one.po_id,
        )
        for at, one in enumerate(arrived)
    ]  # fmt: skip
    for one, line in zip(found, arrived, strict=True):
        if one.quantity <= 0:
            raise InvalidValue(f"lines[{one.at}].quantity", str(one.quantity), "must be more than 0")
        if one.expired and "expired" not in one.accept:
            raise ExpiredGoods(
                line=one.at + 1, sku=one.sku, lot=line.line.lot or "none", expires_on=str(line.expires_on)
            )
    open_ = [
        OpenLine(line.id, line.po_id, line.line_no, line.variant_id, line.ordered, line.received, line.cancelled,
                 line.most, line.promised_on or line.expected_on)
        for order in orders.values() for line in order.lines
    ]  # fmt: skip
    allotted, over = rules.allot(found, open_)
    if over:
        _refuse_over(over, open_)
    known = set(of.announced)
    odd = [one for one, what in zip(found, allotted, strict=True) if what.unexpected and one.variant_id not in known]
    if not orders and not known:
        odd = []  # nobody said what would come
    if strange := [one for one in odd if "unexpected" not in one.accept]:
        names = [order.number for order in orders.values()]
        raise Unexpected(
            line=strange[0].at + 1, sku=strange[0].sku, orders=", ".join(names) or "what was announced",
            unexpected=[{"line": one.at + 1, "sku": one.sku} for one in strange[:100]],
        )  # fmt: skip
    unexpected = {one.at for one in odd}
    return [what._replace(unexpected=what.at in unexpected) for what in allotted]


def _refuse_over(over: Sequence[tuple[Found, Decimal]], lines: Sequence[OpenLine]) -> None:
    told: list[dict[str, Any]] = []
    for one, let in over[:100]:
        mine = [line for line in lines if line.variant_id == one.variant_id and one.po_id in (None, line.po_id)]
        due = sum((max(line.ordered - line.cancelled - line.received, ZERO) for line in mine), ZERO)
        told.append({"line": one.at + 1, "sku": one.sku, "came": one.quantity, "open": due, "most": let})
    raise OverReceipt(**told[0], over=told)


def _written(
    of: Locked, arrived: Sequence[Arrived], allotted: Sequence[Allotted], lines: Mapping[int, LineToReceive]
) -> tuple[list[NewLine], list[Row]]:
    """The lines of the receipt and the rows of the ledger: a line that is for several of orders becomes several."""
    new: list[NewLine] = []
    rows: list[Row] = []
    for what in allotted:
        one = arrived[what.at]
        serials = iter(one.resolved.serial_ids)
        row = Row(
            line_no=what.at + 1, type="RECEIPT", variant_id=one.resolved.variant.id, location_id=one.place.id,
            lot_id=one.resolved.lot_id, quantity=one.resolved.quantity or ZERO,
        )  # fmt: skip
        variant = one.resolved.variant
        # Checked as a whole before it is cut: as many serials as units.
        ledger.expand(row, one.resolved.serial_ids, sku=variant.sku, serialised=variant.tracking == "serial")
        for part in what.parts:
            line = lines.get(part.po_line_id) if part.po_line_id is not None else None
            cost = line.unit_cost if line else one.line.unit_cost
            mine = replace(
                row, line_no=of.last_no + len(new) + 1, quantity=part.quantity,
                unit_cost=variant.cost_price if cost is None else cost,
            )  # fmt: skip
            of_part = [next(serials) for _ in range(int(part.quantity))] if variant.tracking == "serial" else []
            rows += ledger.expand(mine, of_part, sku=variant.sku, serialised=variant.tracking == "serial")
            new.append(_line(mine, one, part, line, what.unexpected))
    return new, rows


def _line(row: Row, one: Arrived, part: Part, line: LineToReceive | None, unexpected: bool) -> NewLine:
    found: list[tuple[DiscrepancyKind, Decimal, Decimal | None]] = []
    if part.over > 0 and line is not None:
        found.append(("over", part.over, line.ordered - line.cancelled))
    if one.instead_of is not None:
        found.append(("wrong_item", part.quantity, None))
    elif unexpected:
        found.append(("unexpected", part.quantity, ZERO))
    if one.line.condition == "damaged":
        found.append(("damaged", part.quantity, None))
    if one.condition == "expired":
        found.append(("expired", part.quantity, None))
    return NewLine(
        row.line_no, part.po_line_id, row.variant_id, row.lot_id, row.location_id, one.condition, part.quantity,
        one.line.note, found, one.instead_of,
    )  # fmt: skip


def _told(
    of: Locked, new: Sequence[NewLine], arrived: Sequence[Arrived], allotted: Sequence[Allotted],
    lines: Mapping[int, LineToReceive], taken: Mapping[int, TakenIn],
) -> list[TakenLine]:  # fmt: skip
    sent = [what.at for what in allotted for _ in what.parts]
    told: list[TakenLine] = []
    for at, one in zip(sent, new, strict=True):
        line = lines.get(one.po_line_id) if one.po_line_id is not None else None
        told.append(
            TakenLine(
                line=at + 1, line_no=one.line_no, order=order_number(line.po_id) if line else None,
                order_line=line.line_no if line else None, sku=arrived[at].resolved.variant.sku, quantity=one.quantity,
                location=arrived[at].place.code, lot=arrived[at].line.lot,
                open=taken[line.id].on_order if line else None, discrepancies=[kind for kind, _, _ in one.found],
            )
        )  # fmt: skip
    return told
