"""Orders as they are decided, written and changed."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import msgspec

from perpetua.kit.quantity import ZERO
from perpetua.orders.types.commands import Contact, Fulfilment, ShipTo
from perpetua.orders.types.reading import OrderStatus

__all__ = ["AddedLine", "Counts", "Known", "LineChange", "Locked", "NewLine", "NewOrder", "OpenLine"]


class Counts(NamedTuple):
    """How a line's quantity is divided; what is left waits."""

    quantity: Decimal
    allocated: Decimal = ZERO
    shipped: Decimal = ZERO
    cancelled: Decimal = ZERO
    refused: Decimal = ZERO
    returned: Decimal = ZERO
    """Of what was shipped, what came back."""

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
    decimals: int
    kit: bool
    quantity: Decimal
    allocated: Decimal
    shipped: Decimal
    cancelled: Decimal
    refused: Decimal
    returned: Decimal
    backordered: Decimal


class LineChange(NamedTuple):
    """What is added to a line's counts."""

    line_id: int
    quantity: Decimal = ZERO
    allocated: Decimal = ZERO
    shipped: Decimal = ZERO
    cancelled: Decimal = ZERO
    refused: Decimal = ZERO
    returned: Decimal = ZERO


class AddedLine(NamedTuple):
    """A line that comes to an order that is there."""

    line_no: int
    variant_id: int
    kit: bool
    quantity: Decimal
    unit_price: Decimal | None
