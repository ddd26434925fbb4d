"""What is asked of orders."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Final, Literal

import msgspec

__all__ = [
    "MAX_LINES", "CancelLine", "CancelOrder", "ChangeLine", "ChangeOrder", "Contact", "FloorStatus", "Fulfilment",
    "MoveOnFloor", "Pick", "PlaceLine", "PlaceOrder", "PlaceOrders", "ReturnLine", "ReturnOrder", "ShipLine",
    "ShipOrder", "ShipTo",
]  # fmt: skip

MAX_LINES: Final = 5_000
"""Of one order."""

Fulfilment = Literal["split", "complete", "cancel_rest"]
"""split: what is there goes, the rest waits; complete: all at once or wait; cancel_rest: what is missing is refused."""


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


class PlaceOrders(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Many orders, each with its own external id. Where one cannot be read, why stands in its place."""

    orders: list[PlaceOrder]

    one_by_one: ClassVar = "orders"


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


FloorStatus = Literal["RELEASED", "PICKING", "PACKED"]


class MoveOnFloor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """People begin to pick an order, have packed it, or go a step back."""

    status: FloorStatus


class ReturnLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So much of a line comes back; without `quantity` all that left and has not come back.

    `lot`, `serials`: of an item that is tracked so; of the lot or serials that left with the order. Of a kit, whose
    parts may be of several lots, neither: its parts come back as the lots that left.
    """

    line_no: int
    quantity: Decimal | None = None
    location: str | None = None
    lot: str | None = None
    serials: list[str] = []


class ReturnOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Goods of an order come back, all that left or some lines, to a place (of all lines, or each its own)."""

    location: str | None = None
    lines: list[ReturnLine] | None = None
    reason_code: str = "customer"
    effective_at: datetime | None = None
    note: str | None = None


class ChangeLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line's new quantity: all that was asked for, what has left or was cancelled included."""

    line_no: int
    quantity: Decimal


class ChangeOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order is changed: other quantities on its lines, and lines added to it."""

    lines: list[ChangeLine] = []
    add: list[PlaceLine] = []
    reason: str | None = None
