"""Sales orders as values: what is asked, what became of it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal, NamedTuple

import msgspec

from perpetua.kit.quantity import ZERO

__all__ = [
    "MAX_LINES", "CancelLine", "CancelOrder", "Contact", "Counts", "Customer", "Fulfilment", "Known",
    "LineChange", "Locked", "NewLine", "NewOrder", "OpenLine", "Order", "OrderLine", "OrderStatus", "Pick", "PlaceLine",
    "PlaceOrder", "ShipLine", "ShipOrder", "ShipTo", "number_of",
]  # fmt: skip

MAX_LINES: Final = 5_000
"""Of one order."""

Fulfilment = Literal["split", "complete", "cancel_rest"]
"""split: what is there goes, the rest waits; complete: all at once or wait; cancel_rest: what is missing is refused."""

OrderStatus = Literal[
    "RECEIVED", "ALLOCATED", "PARTLY_ALLOCATED", "BACKORDERED", "RELEASED", "PICKING", "PACKED", "PARTLY_SHIPPED",
    "SHIPPED", "CANCELLED", "RETURNED",
]  # fmt: skip


class Contact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whom to reach about an order. Personal: kept apart."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    address_lines: list[str] = []
    city: str | None = None


class ShipTo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where it goes, as far as choosing a site needs it. `country`: ISO 3166, two letters."""

    country: str | None = None
    region: str | None = None
    postcode: str | None = None


class PlaceLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One item wanted, in its own unit."""

    sku: str
    quantity: Decimal
    unit_price: Decimal | None = None


class PlaceOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order to be taken. Left out: what the channel's rules say.

    `external_id` is the channel's own name for it: the same one again is the same order. `site`: only from there.
    `reservation`: the holder (cart, quote) whose reservations in this channel become this order.
    """

    lines: list[PlaceLine]
    channel: str = "direct"
    external_id: str | None = None
    customer: str | None = None
    tier: str | None = None
    fulfilment: Fulfilment | None = None
    site: str | None = None
    ship_to: ShipTo | None = None
    contact: Contact | None = None
    min_life_days: int | None = None
    placed_at: datetime | None = None
    reservation: str | None = None


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


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """What an order takes from its customer."""

    id: int
    code: str
    tier: str | None
    min_life_days: int | None
    active: bool


class Counts(NamedTuple):
    """How a line's quantity is divided; what is left waits."""

    quantity: Decimal
    allocated: Decimal = ZERO
    shipped: Decimal = ZERO
    cancelled: Decimal = ZERO
    refused: Decimal = ZERO

    @property
    def backordered(self) -> Decimal:
        """What waits."""
        return self.quantity - self.allocated - self.shipped - self.cancelled - self.refused


class Known(NamedTuple):
    """An order that is there."""

    id: int
    channel: str
    external_id: str
    body_hash: bytes


class NewLine(NamedTuple):
    """A line as it was decided."""

    id: int
    line_no: int
    variant_id: int
    kit: bool
    quantity: Decimal
    unit_price: Decimal | None
    allocated: Decimal
    refused: Decimal


class NewOrder(NamedTuple):
    """An order as it was decided, with its lines."""

    id: int
    channel: str
    external_id: str
    body_hash: bytes
    status: OrderStatus
    fulfilment: Fulfilment
    customer_id: int | None
    tier: str | None
    site_id: int | None
    ship_to: ShipTo
    min_life_days: int
    placed_at: datetime
    created_by: int
    contact: Contact | None
    lines: Sequence[NewLine]


class Locked(msgspec.Struct, frozen=True, kw_only=True):
    """An order under lock, as whoever decides anew needs it."""

    id: int
    channel: str
    status: OrderStatus
    fulfilment: Fulfilment
    tier: str | None
    site_id: int | None
    country: str | None
    region: str | None
    postcode: str | None
    min_life_days: int
    jumps: int
    placed_at: datetime
    version: int


class OpenLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that is to be changed."""

    id: int
    order_id: int
    line_no: int
    variant_id: int
    sku: str
    tracking: str
    kit: bool
    quantity: Decimal
    allocated: Decimal
    shipped: Decimal
    cancelled: Decimal
    refused: Decimal
    backordered: Decimal


class LineChange(NamedTuple):
    """What is added to a line's counts."""

    line_id: int
    quantity: Decimal = ZERO
    allocated: Decimal = ZERO
    shipped: Decimal = ZERO
    cancelled: Decimal = ZERO
    refused: Decimal = ZERO


class CancelLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So much of a line is cancelled; without `quantity` all that has not gone."""

    line_no: int
    quantity: Decimal | None = None


class CancelOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order, or some of its lines, is cancelled: what was allocated goes to whoever waits."""

    reason: str
    lines: list[CancelLine] | None = None


class Pick(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where goods of a line were taken; `serials`: of a serialised item, one for each unit."""

    location: str
    quantity: Decimal
    lot: str | None = None
    serials: list[str] = []


class ShipLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So much of a line leaves; without `quantity` all that is allocated.

    `picks`: where it was taken; without, it is taken where it is allocated, in the order that people walk.
    """

    line_no: int
    quantity: Decimal | None = None
    picks: list[Pick] | None = None


class ShipOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order leaves, as far as it is allocated, or some of its lines."""

    lines: list[ShipLine] | None = None
    effective_at: datetime | None = None
    note: str | None = None


def number_of(order_id: int) -> str:
    """The order's number, as people say it: `SO-000123`."""
    return f"SO-{order_id:06d}"
