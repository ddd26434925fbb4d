"""An order leaves: its SALE rows are posted and its allocations closed, in one transaction."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from perpetua.access.types import Actor
from perpetua.allocation import store
from perpetua.allocation.errors import NothingToPick
from perpetua.allocation.service.changing import Held, hold, pick_lines, require_sites
from perpetua.allocation.service.filling import fill
from perpetua.allocation.service.reading import current
from perpetua.allocation.service.releasing import Ending, end, part_of, settle_statuses
from perpetua.allocation.store import Entry
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.quantity import ZERO
from perpetua.ledger import service as ledger
from perpetua.ledger.types import PostingDraft, Row, SellLine
from perpetua.orders import service as orders
from perpetua.orders.errors import OrderClosed
from perpetua.orders.types import LineChange, OpenLine, Order, ShipLine, ShipOrder

__all__ = ["ship"]

Chosen = list[tuple[OpenLine, Decimal, ShipLine | None]]


async def ship(
    db: Database,
    actor: Actor,
    order_id: int,
    command: ShipOrder,
    *,
    key: str | None = None,
    clock: Clock = system_clock,
) -> Answered[Order]:
    """Ship an order, as far as it is allocated, or some of its lines.

    Raises:
        Missing: there is no such order.
        OrderClosed: nothing of it is allocated; or it goes together or not at all, and some of it waits.
        InvalidValue: no such line, more than is allocated, or picks that do not add up.
        NothingToPick: what is allocated does not lie where it could be taken without being told where.
        OutOfScope: it would leave a site that is not the actor's.
    """
    actor.require("orders.ship")

    async def act(tx: Tx) -> Order:
        now = clock()
        held = await hold(tx, actor, order_id, now)
        chosen = _chosen(held, command)
        if not chosen:
            raise OrderClosed(order_id=order_id, status=held.order.status, reason="nothing of it is allocated")
        if held.order.fulfilment == "complete" and any(line.backordered for line in held.lines.values()):
            reason = "it goes together or not at all, and some of it waits; cancel that first to send the rest"
            raise OrderClosed(order_id=order_id, status=held.order.status, reason=reason)
        endings = {
            line.id: part_of(held.allocations[line.id], quantity, line.allocated) for line, quantity, _ in chosen
        }
        require_sites(actor, held, (one for some in endings.values() for one in some))
        rows = await _rows(tx, actor, chosen, endings, now.date())
        await end(tx, [one for some in endings.values() for one in some], "shipped")
        await orders.change_lines(
            tx, [LineChange(line.id, allocated=-quantity, shipped=quantity) for line, quantity, _ in chosen]
        )
        draft = PostingDraft(
            command="ship", effective_at=ledger.effective(command.effective_at, now), rows=rows, reference_type="order",
            reference_id=str(order_id), note=command.note,
        )  # fmt: skip
        posted = await ledger.post(tx, actor, draft, key=key, show_levels=False)
        entries = [
            Entry(actor.person_id, "shipped", order_id, line.id, line.variant_id, quantity, quantity,
                  {"posting_id": posted.posting_id, "was_allocated": line.allocated})
            for line, quantity, _ in chosen
        ]  # fmt: skip
        await store.record(tx, held.ground.version, [], entries)
        await settle_statuses(tx, [order_id], left=True)
        # What was taken elsewhere than allocated leaves stock free where it was.
        await fill(tx, actor.person_id, {one.of.key for some in endings.values() for one in some}, now)
        return (await current(tx, [order_id]))[order_id]

    body = {"order_id": order_id, "command": command}
    return await once(db, sender=actor.person_id, key=key, command="orders.ship", body=body, answer=Order, act=act)


def _chosen(held: Held, command: ShipOrder) -> Chosen:
    asked = None if command.lines is None else [(line.line_no, line.quantity) for line in command.lines]
    told = {line.line_no: line for line in command.lines or ()}
    chosen: Chosen = []
    for line, quantity in pick_lines(held, asked, left=lambda line: line.allocated):
        one = told.get(line.line_no)
        if one is not None and one.picks is not None:
            if line.kit:
                raise InvalidValue(f"lines[{line.line_no}].picks", "", "of a kit are not told; leave them out")
            picked = sum((pick.quantity for pick in one.picks), ZERO)
            if picked != quantity:
                raise InvalidValue(
                    f"lines[{line.line_no}].picks",
                    str(picked),
                    f"must add up to {quantity}, what leaves",
                    quantity=quantity,
                )
        elif line.tracking == "serial":
            raise InvalidValue(f"lines[{line.line_no}].picks", "", f"{line.sku} is serialised: say which serials leave")
        chosen.append((line, quantity, one))
    return chosen


async def _rows(tx: Tx, actor: Actor, chosen: Chosen, endings: dict[int, list[Ending]], today: date) -> list[Row]:
    """The SALE rows: from where it was said, else from where it lies."""
    told = [(line, pick) for line, _, one in chosen if one and one.picks for pick in one.picks]
    rows: list[Row] = []
    if told:
        lines = [
            SellLine(variant_id=line.variant_id, location=pick.location, quantity=pick.quantity, lot=pick.lot,
                     serials=pick.serials)
            for line, pick in told
        ]  # fmt: skip
        rows += await ledger.sale_rows(tx, actor, lines)
    untold = [ending for line, _, one in chosen if not (one and one.picks) for ending in endings[line.id]]
    rows += await _found(tx, untold, today, first=len(rows) + 1)
    return rows


async def _found(tx: Tx, endings: Sequence[Ending], today: date, *, first: int) -> list[Row]:
    if not endings:
        return []
    keys = {one.of.key for one in endings}
    asked = {
        "variant_ids": sorted({key[0] for key in keys}), "site_ids": sorted({key[1] for key in keys}), "today": today,
    }  # fmt: skip
    levels: dict[tuple[int, int], list[list[Decimal | int]]] = defaultdict(list)
    for row in await tx.dicts(store.Q["where_to_pick"], asked):
        levels[row["variant_id"], row["site_id"]].append([row["lot_id"], row["location_id"], row["on_hand"]])
    taken: dict[tuple[int, int, int], Decimal] = defaultdict(lambda: ZERO)
    for one in endings:
        left = one.quantity
        # Its own lot first; where that is gone, what there is.
        for level in sorted(levels[one.of.key], key=lambda level: level[0] != one.of.lot_id):
            part = min(left, Decimal(level[2]))
            if part > 0:
                taken[one.of.variant_id, int(level[1]), int(level[0])] += part
                level[2] -= part
                left -= part
        if left > 0:
            raise NothingToPick(variant_id=one.of.variant_id, asked=one.quantity, found=one.quantity - left)
    return [
        Row(line_no=number, type="SALE", variant_id=variant, location_id=location, lot_id=lot, quantity=-quantity)
        for number, ((variant, location, lot), quantity) in enumerate(taken.items(), first)
    ]
