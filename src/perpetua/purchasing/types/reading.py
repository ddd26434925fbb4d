"""Purchase orders as they are shown."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

__all__ = [
    "Approval", "Event", "Order", "OrderFilters", "OrderLine", "OrderStatus", "OrderSummary", "Proposal", "SendState",
    "Sending", "Settings", "Version", "number_of",
]  # fmt: skip

OrderStatus = Literal["DRAFT", "SUBMITTED", "CONFIRMED", "PARTIAL_RECEIVED", "RECEIVED", "CANCELLED"]
SendState = Literal["queued", "sent", "failed", "not_sent"]


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line and what became of it; quantities in the item's unit, the price in the order's currency.

    `expected_on`: as promised, else by the lead time stated. `unit_price` is left out for those who may not see it.
    """

    id: int
    line_no: int
    variant_id: int
    sku: str
    name: str
    unit: str
    decimals: int
    supplier_sku: str | None
    ordered: Decimal
    received: Decimal
    cancelled: Decimal
    on_order: Decimal
    stated_lead_time_days: int | None
    wanted_on: date | None
    expected_on: date | None
    promised_on: date | None
    promised_quantity: Decimal | None
    unit_price: Decimal | UnsetType = UNSET


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """Who approved the order, and what it came to then in the company's currency. `ended_at`: it counts no more."""

    person_id: int
    person: str
    note: str | None
    at: datetime
    ended_at: datetime | None
    total: Decimal | UnsetType = UNSET


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A change that would make a submitted order dearer: it waits for approval. `change`: as it was sent."""

    by: int
    at: datetime
    change: dict[str, Any]
    total: Decimal | UnsetType = UNSET


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """How the order went to its supplier by e-mail: when, to whom, and why not."""

    id: int
    state: SendState
    to: str | None
    reason: str | None
    requested_by: int
    requested_at: datetime
    ended_at: datetime | None


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A purchase order with its lines.

    `total`: what is ordered and not cancelled, in the order's currency. `approvals_needed`: how many persons must have
    approved it; `approved`: they have. Prices and totals are left out for those who may not see them.
    """

    id: int
    number: str
    status: OrderStatus
    supplier_id: int
    supplier: str
    supplier_name: str
    site_id: int
    site: str
    external_id: str | None
    currency: str
    exchange_rate: Decimal
    over_percent: Decimal
    wanted_on: date | None
    supplier_reference: str | None
    note: str | None
    approvals_needed: int
    approved: bool
    approvals: list[Approval]
    proposal: Proposal | None
    sending: Sending | None
    created_by: int
    created_at: datetime
    submitted_at: datetime | None
    updated_at: datetime
    version: int
    lines: list[OrderLine]
    total: Decimal | UnsetType = UNSET


class OrderSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A purchase order as a list shows it; quantities are sums over its lines, whatever their units.

    `due_on`: when the next of it is expected; `overdue`: that day has passed.
    """

    id: int
    number: str
    status: OrderStatus
    supplier: str
    supplier_name: str
    site: str
    external_id: str | None
    currency: str
    created_at: datetime
    submitted_at: datetime | None
    due_on: date | None
    overdue: bool
    waits_for_approval: bool
    lines: int
    ordered: Decimal
    received: Decimal
    on_order: Decimal
    version: int
    total: Decimal | UnsetType = UNSET


class OrderFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which orders a list shows. `open`: submitted, and something of it is still to come."""

    status: OrderStatus | None = None
    supplier: str | None = None
    site: str | None = None
    sku: str | None = None
    external_id: str | None = None
    open: bool = False
    overdue: bool = False
    waits_for_approval: bool = False


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A submitted order as it was before a change."""

    version: int
    action: str
    reason: str | None
    person_id: int
    at: datetime
    order: Order


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to an order: who did it, and what changed. `hidden`: what this reader is not shown."""

    id: int
    at: datetime
    actor_id: int
    actor: str
    via: str
    action: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    hidden: list[str] = []


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How we buy, as it is kept."""

    version: int
    currency: str
    second_approval_above: Decimal | None
    over_percent: Decimal
    rates: dict[str, Decimal]
    note: str | None
    created_by: int
    created_at: datetime


def number_of(po_id: int) -> str:
    """The order's number, as people say it: `PO-000123`."""
    return f"PO-{po_id:06d}"
