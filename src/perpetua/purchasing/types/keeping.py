"""Purchase orders as they are decided, written and received against."""

from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

import msgspec

from perpetua.purchasing.types.reading import OrderStatus

__all__ = ["Came", "Coming", "Counts", "LineToReceive", "LineToWrite", "OrderToReceive", "TakenIn"]


class Counts(NamedTuple):
    """How a line's quantity is divided."""

    ordered: Decimal
    received: Decimal
    cancelled: Decimal
    placed: bool
    promised: bool

    @property
    def open(self) -> Decimal:
        """What is still to come, or would be if it was ordered."""
        return max(self.ordered - self.received - self.cancelled, Decimal(0))


class LineToWrite(NamedTuple):
    """A line of an order that is made, or comes to one."""

    line_no: int
    variant_id: int
    supplier_sku: str | None
    ordered: Decimal
    unit_price: Decimal
    stated_lead_time_days: int | None
    wanted_on: date | None


class LineToReceive(msgspec.Struct, frozen=True, kw_only=True):
    """A line that goods may come for, under lock. `unit_price`: in the order's currency; `unit_cost`: in the company's.

    `most`: so much in all may be received of it without a question. Not for people: it always carries the price.
    """

    id: int
    po_id: int
    line_no: int
    variant_id: int
    sku: str
    supplier_sku: str | None
    tracking: str
    decimals: int
    ordered: Decimal
    received: Decimal
    cancelled: Decimal
    on_order: Decimal
    over_percent: Decimal
    most: Decimal
    unit_price: Decimal
    unit_cost: Decimal
    stated_lead_time_days: int | None
    expected_on: date | None
    promised_on: date | None


class OrderToReceive(msgspec.Struct, frozen=True, kw_only=True):
    """An order under lock, with all its lines: also those of which nothing is open, for what comes too much."""

    id: int
    number: str
    status: OrderStatus
    supplier_id: int
    supplier: str
    site_id: int
    site: str
    currency: str
    exchange_rate: Decimal
    submitted_at: datetime | None
    version: int
    lines: list[LineToReceive]


class Came(NamedTuple):
    """So much came of a line at that time; negative: what was written as received was not."""

    line_id: int
    quantity: Decimal
    received_at: datetime


class TakenIn(msgspec.Struct, frozen=True, kw_only=True):
    """A line after goods came for it, and its order's status then."""

    line_id: int
    po_id: int
    received: Decimal
    on_order: Decimal


class Coming(NamedTuple):
    """So much of a variant is to come to a site on a day."""

    variant_id: int
    site_id: int
    on: date
    quantity: Decimal
