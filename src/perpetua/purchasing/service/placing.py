"""An approved draft becomes an order."""

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from perpetua.access.service import audit
from perpetua.access.types import Actor
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Stale
from perpetua.kit.idempotency import Answered, once
from perpetua.partners import service as partners
from perpetua.partners.errors import InactiveSupplier
from perpetua.purchasing import events, store
from perpetua.purchasing.errors import ApprovalNeeded, OrderState
from perpetua.purchasing.service.drafting import expected_on
from perpetua.purchasing.service.reading import locked, seen, shown
from perpetua.purchasing.service.sending import queue
from perpetua.purchasing.types import Order, OrderStatus, SubmitOrder

__all__ = ["check_version", "in_company", "lock_for", "require_status", "submit"]


async def submit(
    db: Database, actor: Actor, po_id: int, command: SubmitOrder, *, version: int | None = None, key: str | None = None,
    clock: Clock = system_clock,
) -> Answered[Order]:  # fmt: skip
    """An approved draft becomes an order: what is on order shows from this moment, and when it is expected.

    Raises:
        Missing, OutOfScope, Stale, InactiveSupplier
        OrderState: it is no draft.
        ApprovalNeeded: too few have approved it.
    """
    actor.require("purchasing.write")

    async def act(tx: Tx) -> Order:
        order = await locked(tx, actor, po_id)
        check_version(order, version)
        require_status(order, "DRAFT", what="only a draft is submitted")
        if not order.approved:
            given = sum(1 for one in order.approvals if one.ended_at is None)
            raise ApprovalNeeded(number=order.number, needed=order.approvals_needed, given=given)
        supplier = (await partners.by_ids(tx, [order.supplier_id]))[order.supplier_id]
        if not supplier.active:
            raise InactiveSupplier(supplier=supplier.code)
        variants = {line.variant_id for line in order.lines}
        await lock_for(tx, order, variants)
        now = clock()
        expected = {
            line.id: expected_on(supplier, now, line.stated_lead_time_days, line.wanted_on or order.wanted_on)
            for line in order.lines
        }
        await store.place(tx, po_id, expected, now)
        await events.tell_changed(tx, sorted(variants))
        if command.send:
            await queue(tx, actor, order)
        after = await seen(tx, actor, po_id)
        await audit(tx, actor, "purchase_order", po_id, "submitted", {"status": order.status}, {"status": after.status},
                    path=[order.site_id])  # fmt: skip
        return after

    sent: dict[str, Any] = {"command": "purchasing.submit", "body": [po_id, version, command]}
    done = await once(db, sender=actor.person_id, key=key, **sent, answer=Order, act=act)
    return Answered(shown(actor, done.answer), done.replayed)


async def lock_for(tx: Tx, order: Order, variant_ids: Collection[int]) -> None:
    """Lock the positions that a change of these items' lines will touch, and what whoever waits for them needs."""
    also = await events.ask_also(tx, sorted(variant_ids))
    await store.positions(tx, sorted((variant, order.site_id) for variant in variant_ids), sorted(set(also)))


def in_company(order: Order) -> Decimal:
    """What the order comes to, in the company's currency."""
    assert isinstance(order.total, Decimal)
    return order.total * order.exchange_rate


def check_version(order: Order, version: int | None) -> None:
    """Raises Stale: it was changed since it was read."""
    if version is not None and version != order.version:
        raise Stale(what="purchase order", key=order.id, sent=version, current=order.version)


def require_status(order: Order, *statuses: OrderStatus, what: str) -> None:
    """Raises OrderState: it is in none of these."""
    if order.status not in statuses:
        raise OrderState(po_id=order.id, number=order.number, po_status=order.status, reason=what)
