"""Changing an order. What makes a submitted one dearer waits for approval, and takes effect with it."""

from typing import Any

import msgspec

from perpetua.access.service import audit
from perpetua.access.types import Actor
from perpetua.kit import json
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Tx
from perpetua.kit.idempotency import Answered, once
from perpetua.purchasing import events, rules, store
from perpetua.purchasing.errors import ApprovedAlready, ChangeWaits, NeedsPerson, NothingWaits, TooManyLines
from perpetua.purchasing.service.placing import check_version, in_company, lock_for, require_status
from perpetua.purchasing.service.planning import Plan, plan, said
from perpetua.purchasing.service.reading import locked, seen, shown
from perpetua.purchasing.types import MAX_LINES, ApproveOrder, ChangeOrder, Order

__all__ = ["approve", "change", "withdraw"]


async def change(
    db: Database, actor: Actor, po_id: int, command: ChangeOrder, *, version: int, key: str | None = None,
    clock: Clock = system_clock,
) -> Answered[Order]:  # fmt: skip
    """Change an order, within what is approved at once; beyond it, a draft needs approval again, and of a submitted
    order the change waits as its `proposal`.

    Raises:
        Missing, OutOfScope, Stale, InvalidValue, TooLarge, NotAllowed
        OrderState: nothing more is to come of it, or it is for drafts alone.
        ChangeWaits: another change waits for approval.
        UnknownLine, BelowReceived, UnknownItems, OffPack, NoPrice
    """
    actor.require("purchasing.write")
    rules.check_change(command)

    async def act(tx: Tx) -> Order:
        order = await locked(tx, actor, po_id)
        check_version(order, version)
        require_status(
            order, "DRAFT", "SUBMITTED", "CONFIRMED", "PARTIAL_RECEIVED", what="nothing more is to come of it"
        )
        if order.proposal is not None:
            raise ChangeWaits(number=order.number)
        planned = await plan(tx, actor, order, command, clock())
        if len(order.lines) + len(planned.added) > MAX_LINES:
            raise TooManyLines(number=order.number, limit=MAX_LINES)
        if order.status == "DRAFT" or planned.ours <= in_company(order) or await _covered(tx, order, planned):
            await _apply(tx, actor, order, planned, command)
        else:
            body = {"change": msgspec.to_builtins(command), "total": str(planned.total)}
            await store.propose(tx, po_id, json.dumps(body).decode(), actor.person_id)
            after = {"reason": command.reason, "total_cost": planned.total}
            await audit(tx, actor, "purchase_order", po_id, "proposed", None, after, path=[order.site_id])
        return await seen(tx, actor, po_id)

    sent: dict[str, Any] = {"command": "purchasing.change", "body": [po_id, version, command]}
    done = await once(db, sender=actor.person_id, key=key, **sent, answer=Order, act=act)
    return Answered(shown(actor, done.answer), done.replayed)


async def approve(
    db: Database, actor: Actor, po_id: int, command: ApproveOrder, *, version: int | None = None,
    key: str | None = None, clock: Clock = system_clock,
) -> Answered[Order]:  # fmt: skip
    """A person approves a draft, or the change of a submitted order that waits; above the limit of the settings, two
    different persons must. With the last approval, the change takes effect.

    Raises:
        Missing, OutOfScope, Stale, InvalidValue
        NeedsPerson: the system or a program asks.
        OrderState: there is nothing to approve.
        ApprovedAlready: the same person has approved it.
    """
    actor.require("purchasing.approve")
    if command.note is not None:
        rules.check_text("note", command.note, 500)

    async def act(tx: Tx) -> Order:
        order = await locked(tx, actor, po_id)
        check_version(order, version)
        if not rules.is_person(actor):
            raise NeedsPerson(number=order.number, via=actor.via)
        planned, waits = None, None
        if order.proposal is not None:
            waits = msgspec.convert(order.proposal.change, ChangeOrder)
            planned = await plan(tx, actor, order, waits, clock())
        else:
            require_status(order, "DRAFT", what="there is nothing to approve")
        ours = planned.ours if planned else in_company(order)
        now = await store.settings(tx)
        needed = rules.approvals_needed(ours, now.second_approval_above)
        covering = rules.covering(order.approvals, ours)
        if actor.person_id in covering:
            raise ApprovedAlready(number=order.number, missing=max(needed - len(covering), 0))
        await store.end_approvals(tx, po_id, of=actor.person_id)
        await store.approve(tx, po_id, actor.person_id, ours, command.note)
        after = {"note": command.note, "total_cost": ours}
        await audit(tx, actor, "purchase_order", po_id, "approved", None, after, path=[order.site_id])
        if planned and waits and len(covering) + 1 >= needed:
            await store.propose(tx, po_id, None, None)
            await _apply(tx, actor, order, planned, waits)
        return await seen(tx, actor, po_id)

    sent: dict[str, Any] = {"command": "purchasing.approve", "body": [po_id, version, command]}
    done = await once(db, sender=actor.person_id, key=key, **sent, answer=Order, act=act)
    return Answered(shown(actor, done.answer), done.replayed)


async def withdraw(
    db: Database, actor: Actor, po_id: int, *, version: int | None = None, key: str | None = None
) -> Answered[Order]:
    """Withdraw a change that waits for approval. Raises: Missing, OutOfScope, Stale, NothingWaits."""
    actor.require("purchasing.write")

    async def act(tx: Tx) -> Order:
        order = await locked(tx, actor, po_id)
        check_version(order, version)
        if order.proposal is None:
            raise NothingWaits(number=order.number)
        await store.propose(tx, po_id, None, None)
        said_after = {"proposed_by": order.proposal.by}
        await audit(tx, actor, "purchase_order", po_id, "withdrawn", None, said_after, path=[order.site_id])
        return await seen(tx, actor, po_id)

    sent: dict[str, Any] = {"command": "purchasing.withdraw", "body": [po_id, version]}
    done = await once(db, sender=actor.person_id, key=key, **sent, answer=Order, act=act)
    return Answered(shown(actor, done.answer), done.replayed)


async def _covered(tx: Tx, order: Order, planned: Plan) -> bool:
    """Whether what it would come to has been approved already."""
    now = await store.settings(tx)
    needed = rules.approvals_needed(planned.ours, now.second_approval_above)
    return len(rules.covering(order.approvals, planned.ours)) >= needed


async def _apply(tx: Tx, actor: Actor, order: Order, planned: Plan, command: ChangeOrder) -> None:
    placed = order.status != "DRAFT"
    if placed:
        await store.keep_version(tx, order, "changed", command.reason, actor.person_id)
        if planned.variant_ids:
            await lock_for(tx, order, planned.variant_ids)
    if planned.removed:
        await store.remove_lines(tx, order.id, planned.removed)
    if planned.site_id is not None:
        await store.move(tx, order.id, planned.site_id)
    await store.set_lines(tx, order.id, planned.changed)
    site_id = order.site_id if planned.site_id is None else planned.site_id
    if planned.added:
        await store.add_lines(tx, order, planned.added, planned.expected, placed=placed, site_id=site_id)
    if planned.head:
        await store.set_head(tx, order.id, planned.head)
    if not placed:
        await store.end_approvals(tx, order.id, below=planned.ours)
    elif planned.variant_ids:
        await events.tell_changed(tx, sorted(planned.variant_ids))
    before, after = said(order, planned, command)
    await audit(tx, actor, "purchase_order", order.id, "changed", before, after, path=[site_id])
