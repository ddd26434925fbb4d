"""What may be promised, and what is held: asked and answered."""

from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

import msgspec

__all__ = [
    "MAX_SKUS",
    "AskAvailability",
    "AvailabilityAnswer",
    "Available",
    "AvailableAt",
    "ExtendReservation",
    "HoldKind",
    "ReleaseReservation",
    "Reservation",
    "ReservationFilters",
    "Reserve",
    "ReserveLine",
    "Reserved",
    "ReservedLine",
]

MAX_SKUS: Final = 1_000
"""Asked for in one go."""

HoldKind = Literal["cart", "quote", "hold"]
"""Why stock is held: a cart for minutes, a quote for days, or somebody's word."""


class AskAvailability(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be promised of these, to a buyer of that channel and tier; left out: as the rules have it.

    `site`: only from there. `region`: only from sites in it. `min_life_days`: so long goods must last.
    """

    skus: list[str]
    site: str | None = None
    region: str | None = None
    channel: str = "direct"
    tier: str | None = None
    min_life_days: int | None = None


class AvailableAt(msgspec.Struct, frozen=True, kw_only=True):
    """An item at a site: what may be promised now, and what that follows from."""

    site: str
    available: Decimal
    on_hand: Decimal
    unsellable: Decimal
    allocated: Decimal
    reserved: Decimal
    on_order: Decimal
    next_expected: date | None = None


class Available(msgspec.Struct, frozen=True, kw_only=True):
    """An item: what may be promised now in total, and site by site. Of a kit: whole ones, of what its components allow;
    it has no stock of its own."""

    sku: str
    variant_id: int
    name: str
    unit: str
    kit: bool
    available: Decimal
    on_hand: Decimal
    allocated: Decimal
    reserved: Decimal
    on_order: Decimal
    next_expected: date | None
    sites: list[AvailableAt]


class AvailabilityAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What may be promised at that instant, by that version of the rules. `unknown`: SKUs that do not exist."""

    at: datetime
    channel: str
    tier: str | None
    config_version: int
    items: list[Available]
    unknown: list[str]


class ReserveLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One item to hold, in its own unit."""

    sku: str
    quantity: Decimal


class Reserve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Stock to hold for a cart, a quote or a person.

    `holder`: its name in the channel. `partial`: what is there, rather than all or nothing. `replace`: instead of what
    the holder has now. It ends at `expires_at` or after `expires_in_seconds`; with neither, a cart after 15 minutes, a
    quote after 7 days, a hold after 1 day.
    """

    holder: str
    lines: list[ReserveLine]
    kind: HoldKind = "cart"
    channel: str = "direct"
    expires_in_seconds: int | None = None
    expires_at: datetime | None = None
    partial: bool = False
    replace: bool = False
    tier: str | None = None
    site: str | None = None
    min_life_days: int | None = None


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """So much of an item at a site is held; of a kit, each component by itself. `lot`: where lots are tracked."""

    id: int
    kind: HoldKind
    channel: str
    holder: str
    sku: str
    variant_id: int
    site: str
    lot: str | None
    quantity: Decimal
    state: Literal["open", "ordered", "released", "expired"]
    expires_at: datetime
    created_at: datetime
    ended_at: datetime | None


class ReservedLine(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked, and how much of it is held."""

    line_no: int
    sku: str
    asked: Decimal
    given: Decimal


class Reserved(msgspec.Struct, frozen=True, kw_only=True):
    """What is held now, line by line, and as the reservations that hold it."""

    channel: str
    holder: str
    expires_at: datetime
    lines: list[ReservedLine]
    reservations: list[Reservation]


class ExtendReservation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that a holder has, and that has not expired, is held until then."""

    holder: str
    channel: str = "direct"
    expires_in_seconds: int | None = None
    expires_at: datetime | None = None


class ReleaseReservation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that a holder has (or some of its reservations, by id) is given back."""

    holder: str
    channel: str = "direct"
    ids: list[int] | None = None
    reason: str | None = None


class ReservationFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which reservations; `live`: only those that hold stock now."""

    channel: str | None = None
    holder: str | None = None
    kind: HoldKind | None = None
    sku: str | None = None
    live: bool = True
