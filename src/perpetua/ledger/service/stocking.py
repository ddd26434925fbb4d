"""Stock comes, goes and is put right: receive, sell, write off, return, adjust."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue, NotAllowed
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.quantity import ZERO, exact_quantity
from perpetua.ledger import events, rules, store
from perpetua.ledger.errors import CountsAgree, NeedsApproval
from perpetua.ledger.service.approving import post_or_ask
from perpetua.ledger.service.posting import check_versions, post
from perpetua.ledger.service.reasons import require_reason
from perpetua.ledger.service.resolving import Line, Resolved, common_line, effective, resolve, rows_of
from perpetua.ledger.types import (
    Adjust,
    Posted,
    PostingDraft,
    Receive,
    ReceiveLine,
    Return,
    Row,
    Sell,
    SellLine,
    WriteOff,
)

__all__ = ["adjust", "incoming", "receive", "return_", "sale_rows", "sell", "take_back", "write_off"]


async def receive(
    db: Database, actor: Actor, command: Receive, *, key: str | None = None, clock: Clock = system_clock
) -> Answered[Posted]:
    """Stock comes in from outside; unknown lots and serials are made."""
    actor.require("stock.receive")
    if not actor.sees_costs and any(line.unit_cost is not None for line in command.lines):
        raise NotAllowed(permission="costs.read", field="lines.unit_cost")

    async def act(tx: Tx) -> Posted:
        lines = [_arriving(i, line, command.location) for i, line in enumerate(command.lines, 1)]
        resolved = await resolve(tx, actor, lines, incoming=True)
        if command.reason_code:
            await require_reason(tx, command.reason_code, "RECEIPT")
        rows = rows_of(resolved, "RECEIPT", +1, cost=True)
        return await post(tx, actor, _draft("receive", command, rows, clock()), key=key)

    return await _run(db, actor, "receive", command, key, act)


async def incoming(tx: Tx, actor: Actor, lines: Sequence[ReceiveLine]) -> list[Resolved]:
    """Goods that arrive, each line with its place, resolved for who posts them with something else: items, places, lots
    and serials (made where they are not known), quantities in base units.

    Raises:
        As `receive`.
    """
    return await resolve(tx, actor, [_arriving(i, line, None) for i, line in enumerate(lines, 1)], incoming=True)


def _arriving(number: int, line: ReceiveLine, everywhere: str | None) -> Line:
    return common_line(number, line, everywhere, unit_cost=line.unit_cost, expires_on=line.expires_on)


async def sale_rows(tx: Tx, actor: Actor, lines: Sequence[SellLine]) -> list[Row]:
    """The SALE rows of lines that name their places, for who posts them with something else.

    Raises:
        As `sell`.
    """
    common = [common_line(i, line, None) for i, line in enumerate(lines, 1)]
    return rows_of(await resolve(tx, actor, common, places_in=False), "SALE", -1)


async def sell(
    db: Database, actor: Actor, command: Sell, *, key: str | None = None, clock: Clock = system_clock
) -> Answered[Posted]:
    """Stock goes out, sold."""
    actor.require("stock.sell")

    async def act(tx: Tx) -> Posted:
        lines = [common_line(i, line, command.location) for i, line in enumerate(command.lines, 1)]
        resolved = await resolve(tx, actor, lines, places_in=False)
        return await post(tx, actor, _draft("sell", command, rows_of(resolved, "SALE", -1), clock()), key=key)

    return await _run(db, actor, "sell", command, key, act)


async def write_off(
    db: Database, actor: Actor, command: WriteOff, *, key: str | None = None, clock: Clock = system_clock
) -> Answered[Posted]:
    """Stock is written off; above its reason's threshold it waits for approval."""
    actor.require("stock.write_off")

    async def act(tx: Tx) -> Posted:
        reason = await require_reason(tx, command.reason_code, "WRITE_OFF")
        lines = [common_line(i, line, command.location) for i, line in enumerate(command.lines, 1)]
        resolved = await resolve(tx, actor, lines, places_in=False)
        draft = _draft("write_off", command, rows_of(resolved, "WRITE_OFF", -1), clock())
        return await post_or_ask(tx, actor, draft, reason, _costs(resolved), key=key)

    return await _run(db, actor, "write_off", command, key, act)


async def return_(
    db: Database, actor: Actor, command: Return, *, key: str | None = None, clock: Clock = system_clock
) -> Answered[Posted]:
    """A customer's goods come back in, or ours go back out to their vendor."""
    actor.require("stock.return")
    if not actor.sees_costs and any(line.unit_cost is not None for line in command.lines):
        raise NotAllowed(permission="costs.read", field="lines.unit_cost")
    inward = command.direction == "in"

    async def act(tx: Tx) -> Posted:
        reason = await require_reason(tx, command.reason_code, "RETURN")
        lines = [
            common_line(i, line, command.location, unit_cost=line.unit_cost) for i, line in enumerate(command.lines, 1)
        ]
        resolved = await resolve(tx, actor, lines, incoming=inward, places_in=inward)
        rows = rows_of(resolved, "RETURN", +1 if inward else -1, cost=inward)
        return await post_or_ask(tx, actor, _draft("return", command, rows, clock()), reason, _costs(resolved), key=key)

    return await _run(db, actor, "return", command, key, act)


async def take_back(tx: Tx, actor: Actor, draft: PostingDraft, *, key: str | None = None) -> Posted:
    """Post RETURN rows that another word has made, in its transaction; they cost what their items cost.

    Raises:
        UnknownReason: the draft's reason is none for returns.
        NeedsApproval: above the reason's threshold only somebody who may approve takes goods back.
        As `post`.
    """
    assert draft.reason_code is not None
    reason = await require_reason(tx, draft.reason_code, "RETURN")
    found = await items.variants_by_ids(tx, [row.variant_id for row in draft.rows])
    costs = {variant.id: variant.cost_price for variant in found.values()}
    rows = [msgspec.structs.replace(row, unit_cost=costs[row.variant_id]) for row in draft.rows]
    why = rules.why_approval(reason, rows, costs)
    if why and not actor.may("stock.approve"):
        raise NeedsApproval(because=why)
    approved_by = actor.person_id if why else None
    return await post(tx, actor, msgspec.structs.replace(draft, rows=rows, approved_by=approved_by), key=key)


async def adjust(
    db: Database, actor: Actor, command: Adjust, *, key: str | None = None, clock: Clock = system_clock
) -> Answered[Posted]:
    """On hand is put right, by a change or by what was counted; above its reason's threshold it waits for approval."""
    actor.require("stock.adjust")
    for i, line in enumerate(command.lines):
        if (line.quantity is None) == (line.counted is None):
            raise InvalidValue(f"lines[{i}].quantity", str(line.quantity), "give either quantity or counted")

    async def act(tx: Tx) -> Posted:
        reason = await require_reason(tx, command.reason_code, "ADJUSTMENT")
        lines = [
            common_line(i, line, command.location, quantity=line.counted if line.quantity is None else line.quantity)
            for i, line in enumerate(command.lines, 1)
        ]
        growing = any((line.quantity or ZERO) > 0 or line.counted for line in command.lines)
        resolved = await resolve(tx, actor, lines, incoming=growing)
        draft = await _adjusting(tx, command, resolved, clock())
        return await post_or_ask(tx, actor, draft, reason, _costs(resolved), key=key)

    return await _run(db, actor, "adjust", command, key, act)


async def _adjusting(tx: Tx, command: Adjust, resolved: Sequence[Resolved], now: datetime) -> PostingDraft:
    """The rows of an adjustment. What was counted becomes a change against the level, read under its lock. It may turn
    out to be a loss, so all that a loss needs is locked with it: once the change is known, that would be out of turn.
    """
    places = [
        Row(line_no=r.line.number, type="ADJUSTMENT", variant_id=r.variant.id, location_id=r.location.id,
            lot_id=r.lot_id, quantity=Decimal(-1) if line.counted is not None else r.quantity or ZERO)
        for r, line in zip(resolved, command.lines, strict=True)
    ]  # fmt: skip
    await store.lock(tx, places, await events.ask_also(tx, places))
    expected = {
        place.level: line.version for place, line in zip(places, command.lines, strict=True) if line.version is not None
    }
    counting = [place.level for place, line in zip(places, command.lines, strict=True) if line.counted is not None]
    levels = await store.levels(tx, [*counting, *expected])
    await check_versions(tx, levels, expected)
    rows: list[Row] = []
    for one, place, line in zip(resolved, places, command.lines, strict=True):
        assert one.quantity is not None
        change = one.quantity
        if line.counted is not None:
            exact_quantity(line.counted, one.line.field("counted"))
            if line.counted < 0:
                raise InvalidValue(one.line.field("counted"), str(line.counted), "cannot be negative")
            level = levels.get(place.level)
            change = one.quantity - (level.on_hand if level else ZERO)
        if change == 0 and line.counted is not None:
            continue
        if change == 0:
            raise InvalidValue(one.line.field("quantity"), "0", "changes nothing; leave the line out")
        row = Row(
            line_no=place.line_no, type="ADJUSTMENT", variant_id=place.variant_id, location_id=place.location_id,
            lot_id=place.lot_id, quantity=change, unit_cost=one.variant.cost_price if change > 0 else None,
        )  # fmt: skip
        rows += rules.expand(row, one.serial_ids, sku=one.variant.sku, serialised=one.variant.tracking == "serial")
    if not rows:
        raise CountsAgree("lines", str(len(command.lines)), "all counts agree with what is on hand: nothing to adjust")
    return _draft("adjust", command, rows, now)


def _draft(name: str, command: Any, rows: list[Row], now: datetime) -> PostingDraft:
    return PostingDraft(
        command=name, effective_at=effective(command.effective_at, now), rows=rows,
        reason_code=command.reason_code.lower() if getattr(command, "reason_code", None) else None,
        reference_type=command.reference_type, reference_id=command.reference_id, note=command.note,
    )  # fmt: skip


def _costs(resolved: Sequence[Resolved]) -> dict[int, Decimal | None]:
    return {one.variant.id: one.variant.cost_price for one in resolved}


async def _run(db: Database, actor: Actor, name: str, command: Any, key: str | None, act: Any) -> Answered[Posted]:
    return await once(db, sender=actor.person_id, key=key, command=name, body=command, answer=Posted, act=act)
