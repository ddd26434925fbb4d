"""Orders as they are shown."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from perpetua.orders.types.commands import Contact, Fulfilment, ShipTo

__all__ = ["Order", "OrderFilters", "OrderLine", "OrderStatus", "OrderSummary", "PlacedMany", "PlacedOne", "number_of"]

OrderStatus = Literal[
    "RECEIVED", "ALLOCATED", "PARTLY_ALLOCATED", "BACKORDERED", "RELEASED", "PICKING", "PACKED", "PARTLY_SHIPPED",
    "SHIPPED", "CANCELLED", "RETURNED",
]  # fmt: skip


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line and what became of it; quantities in the item's unit. `sites`: where it is allocated, by code."""

    line_no: int
    variant_id: int
    sku: str
    name: str
    quantity: Decimal
    allocated: Decimal
    shipped: Decimal
    cancelled: Decimal
    refused: Decimal
    backordered: Decimal
    returned: Decimal = Decimal(0)
    """Of what was shipped, what came back."""
    kit: bool = False
    unit_price: Decimal | None = None
    expected_on: str | None = None
    sites: dict[str, Decimal] = {}


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order with its lines. `contact` is left out for those who may not see it."""

    id: int
    number: str
    channel: str
    external_id: str
    status: OrderStatus
    fulfilment: Fulfilment
    customer: str | None
    tier: str | None
    site: str | None
    ship_to: ShipTo
    min_life_days: int
    placed_at: datetime
    received_at: datetime
    version: int
    lines: list[OrderLine]
    contact: Contact | msgspec.UnsetType | None = msgspec.UNSET


class OrderSummary(msgspec.Struct, frozen=True, kw_only=True):
    """An order as a list shows it; the quantities are sums over its lines, whatever their units."""

    id: int
    number: str
    channel: str
    external_id: str
    status: OrderStatus
    fulfilment: Fulfilment
    customer: str | None
    tier: str | None
    site: str | None
    placed_at: datetime
    received_at: datetime
    version: int
    lines: int
    quantity: Decimal
    allocated: Decimal
    shipped: Decimal
    backordered: Decimal


class OrderFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which orders a list shows. `waiting`: only those of which something waits for stock."""

    status: OrderStatus | None = None
    channel: str | None = None
    external_id: str | None = None
    customer: str | None = None
    sku: str | None = None
    waiting: bool = False


class PlacedOne(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one of many orders: `status` as if it had been sent alone; the order, or the problem with it."""

    index: int
    status: int
    replayed: bool = False
    order: Order | msgspec.UnsetType = msgspec.UNSET
    problem: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class PlacedMany(msgspec.Struct, frozen=True, kw_only=True):
    """The answers to many orders, in their order: how many were taken, were there before, and were refused."""

    taken: int
    replayed: int
    refused: int
    orders: list[PlacedOne]


def number_of(order_id: int) -> str:
    """The order's number, as people say it: `SO-000123`."""
    return f"SO-{order_id:06d}"
