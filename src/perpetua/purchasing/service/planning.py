"""What an order would be after a change: worked out before anything is written."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from perpetua.access.types import Actor
from perpetua.kit.database import Tx
from perpetua.kit.quantity import exact_quantity
from perpetua.partners import service as partners
from perpetua.partners.types import SupplierRef
from perpetua.places import service as places
from perpetua.purchasing import rules, store
from perpetua.purchasing.errors import BelowReceived, OrderState, UnknownLine
from perpetua.purchasing.service.drafting import a_site, expected_on, know, written
from perpetua.purchasing.types import ChangeLine, ChangeOrder, CreateOrder, LineToWrite, Order, OrderLine

__all__ = ["Plan", "plan", "said"]


class Plan(NamedTuple):
    """An order as a change would leave it. `head`: columns of the order itself; `ours`: its total in our currency."""

    head: dict[str, Any]
    changed: list[OrderLine]
    added: list[LineToWrite]
    expected: list[date | None]
    removed: list[int]
    site_id: int | None
    total: Decimal
    ours: Decimal

    @property
    def variant_ids(self) -> set[int]:
        """The items of the lines that it touches."""
        return {line.variant_id for line in self.changed} | {line.variant_id for line in self.added}


async def plan(tx: Tx, actor: Actor, order: Order, change: ChangeOrder, now: datetime) -> Plan:
    """The order as the change would leave it.

    Raises:
        OrderState: something of it is for drafts alone.
        UnknownLine, BelowReceived, UnknownItems, OffPack, NoPrice, InvalidValue, NotAllowed
    """
    draft = order.status == "DRAFT"
    if not draft and (change.remove or change.site is not UNSET or change.exchange_rate is not UNSET):
        reason = "lines are removed, and site and rate changed, only in a draft; cancel what is not to come"
        raise OrderState(po_id=order.id, number=order.number, po_status=order.status, reason=reason)
    if any(line.unit_price is not UNSET for line in change.lines):
        actor.require("supplier_prices.read")
    lines = {line.line_no: line for line in order.lines}
    for at, line_no in enumerate(change.remove):
        if line_no not in lines:
            raise UnknownLine(f"remove[{at}]", line_no, order.number)
    changed = await _changed(tx, order, lines, change)
    supplier = (await partners.by_ids(tx, [order.supplier_id]))[order.supplier_id]
    added = await _added(tx, actor, order, supplier, change, max(lines) + 1)
    left = {no: line for no, line in lines.items() if no not in set(change.remove)} | {c.line_no: c for c in changed}
    if not left and not added:
        reason = "its last line would be removed; cancel it instead"
        raise OrderState(po_id=order.id, number=order.number, po_status=order.status, reason=reason)
    total = rules.total_of(
        [
            (line.ordered - line.cancelled, line.unit_price)
            for line in left.values()
            if isinstance(line.unit_price, Decimal)
        ]
        + [(line.ordered, line.unit_price) for line in added]
    )
    rate = change.exchange_rate if isinstance(change.exchange_rate, Decimal) else order.exchange_rate
    head = {
        name: value for name in ("wanted_on", "note", "exchange_rate") if (value := getattr(change, name)) is not UNSET
    }
    site_id = None
    if isinstance(change.site, str):
        site_id = a_site(actor, change.site, await places.by_codes(tx, [change.site])).id
    expected = [
        None if draft else expected_on(supplier, now, line.stated_lead_time_days, line.wanted_on or order.wanted_on)
        for line in added
    ]
    return Plan(head, changed, added, expected, change.remove, site_id, total, total * rate)


async def _added(
    tx: Tx, actor: Actor, order: Order, supplier: SupplierRef, change: ChangeOrder, first: int
) -> list[LineToWrite]:
    if not change.add:
        return []
    known = await know(tx, [CreateOrder(supplier=supplier.code, site=order.site, lines=change.add)])
    return written(actor, supplier, change.add, first, known, allow_off_pack=change.allow_off_pack, field="add")


async def _changed(tx: Tx, order: Order, lines: dict[int, OrderLine], change: ChangeOrder) -> list[OrderLine]:
    for at, one in enumerate(change.lines):
        if one.line_no not in lines:
            raise UnknownLine(f"lines[{at}].line_no", one.line_no, order.number)
    variant_ids = {lines[one.line_no].variant_id for one in change.lines if one.quantity is not UNSET}
    terms = await store.terms(tx, {(order.supplier_id, variant) for variant in variant_ids}) if variant_ids else {}
    done: list[OrderLine] = []
    for at, one in enumerate(change.lines):
        line, field = lines[one.line_no], f"lines[{at}].quantity"
        new: dict[str, Any] = {n: v for n in ("unit_price", "wanted_on") if (v := getattr(one, n)) is not UNSET}
        if isinstance(one.quantity, Decimal):
            quantity = exact_quantity(one.quantity, field, places=line.decimals)
            if quantity < line.received + line.cancelled:
                raise BelowReceived(number=order.number, line_no=line.line_no, asked=quantity, received=line.received,
                                    cancelled=line.cancelled)  # fmt: skip
            kept = terms.get((order.supplier_id, line.variant_id))
            rules.check_pack(field, line.sku, quantity, kept, allow_off_pack=change.allow_off_pack)
            new |= {"ordered": quantity} | _price(kept, line, one, quantity)
            if quantity > line.ordered:  # what comes on top was promised by nobody
                new |= {"promised_on": None, "promised_quantity": None}
        done.append(msgspec.structs.replace(line, **new))
    return done


def _price(terms: Any, line: OrderLine, change: ChangeLine, quantity: Decimal) -> dict[str, Decimal]:
    """Where the line had the price of the supplier's list, and none is given, that of the new quantity."""
    if terms is None or change.unit_price is not UNSET or line.received:
        return {}
    if rules.price_for(terms.prices, line.ordered) != line.unit_price:
        return {}
    price = rules.price_for(terms.prices, quantity)
    return {} if price is None else {"unit_price": price}


def said(order: Order, planned: Plan, change: ChangeOrder) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the trail tells of a change: before and after; prices under names that tell what they are."""
    lines = {line.line_no: line for line in order.lines}
    before: dict[str, Any] = {name: getattr(order, name) for name in planned.head}
    after: dict[str, Any] = dict(planned.head)
    for line in planned.changed:
        old = lines[line.line_no]
        for name, label in (("ordered", "ordered"), ("wanted_on", "wanted_on"), ("unit_price", "price_cost")):
            if getattr(old, name) != getattr(line, name):
                before[f"line_{line.line_no}_{label}"] = getattr(old, name)
                after[f"line_{line.line_no}_{label}"] = getattr(line, name)
    if planned.added:
        after["added"] = [{"line_no": line.line_no, "variant_id": line.variant_id, "ordered": line.ordered}
                          for line in planned.added[:100]]  # fmt: skip
        before["added"] = []
    if planned.removed:
        before["removed"], after["removed"] = [], _numbers(planned.removed)
    if planned.site_id is not None:
        before["site"], after["site"] = order.site, change.site
    return before, after | ({"reason": change.reason} if change.reason else {})


def _numbers(numbers: Sequence[int]) -> list[int]:
    return list(numbers[:100])
