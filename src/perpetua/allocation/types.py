"""Allocation as values: the rules, what is wanted, what was decided."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple

import msgspec

from perpetua.kit.quantity import ZERO
from perpetua.orders.types import Fulfilment

__all__ = [
    "MAX_SKUS", "Action", "AskAvailability", "AvailabilityAnswer", "Available", "AvailableAt", "ChannelRules",
    "Decided", "DecisionRow", "Explained", "ExplainedLine", "ExtendReservation", "HoldKind", "LotStock", "Position",
    "Queueing", "ReleaseReservation", "Reservation", "ReservationFilters", "Reserve", "ReserveLine", "Reserved",
    "ReservedLine", "Rules", "RulesVersion", "ServiceLevel", "SetRules", "Site", "Sourcing", "Take", "TierRules",
    "Wanted", "WantedLine",
]  # fmt: skip

MAX_SKUS: Final = 1_000
"""Asked for in one go."""

Queueing = Literal["fifo", "priority"]
"""Who is first: who came first; or the better tier, and within it who came first."""

Sourcing = Literal["ranked", "nearest", "fewest_parcels", "most_stock"]

HoldKind = Literal["cart", "quote", "hold"]
"""Why stock is held: a cart for minutes, a quote for days, or somebody's word."""

Action = Literal[
    "allocated", "partly_allocated", "backordered", "refused", "filled", "released", "cancelled", "changed", "shipped",
    "reserved", "reservation_ended", "taken", "jumped",
]  # fmt: skip


class TierRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A class of buyers.

    `rank`: 1 is the best. `service_level`: the share of its lines that should be allocated at once (0 to 1), reported
    beside what came true. `hold_percent`: so much of each site's stock is held back from worse tiers.
    """

    code: str
    rank: int
    service_level: Decimal | None = None
    hold_percent: Decimal = ZERO


class ChannelRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a channel may take, and how its orders are met when they do not say.

    `buffer_units`, `buffer_percent`: it does not see so much of each site's stock. `share_percent`: at most so much of
    a site's stock may be allocated to it at a time.
    """

    buffer_units: Decimal = ZERO
    buffer_percent: Decimal = ZERO
    share_percent: Decimal | None = None
    tier: str | None = None
    fulfilment: Fulfilment | None = None
    min_life_days: int | None = None
    sites: list[str] | None = None
    sourcing: Sourcing | None = None


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of allocation, edited without a deployment; each edit is a new version.

    `sites`: codes of the sites that sell, best first; empty: all, by code.
    """

    queue: Queueing = "priority"
    tiers: list[TierRules] = []
    channels: dict[str, ChannelRules] = {}
    sites: list[str] = []
    sourcing: Sourcing = "ranked"
    fulfilment: Fulfilment = "split"
    min_life_days: int = 0


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A site that may send goods, and where it is."""

    id: int
    code: str
    country: str | None = None
    region: str | None = None
    postcode: str | None = None


class LotStock(NamedTuple):
    """What may be promised of a lot at a site."""

    lot_id: int
    free: Decimal
    expires_on: date | None


class Position(NamedTuple):
    """A variant at a site, read under its lock. `lots`: only where lots are tracked, first expired first.

    `by_channel`: open allocations of the channels that have a share.
    """

    on_hand: Decimal
    unsellable: Decimal
    allocated: Decimal
    reserved: Decimal
    lots: tuple[LotStock, ...] | None = None
    by_channel: Mapping[str, Decimal] = {}


class WantedLine(NamedTuple):
    """A line that wants stock. `parts`: the variant itself, or a kit's components with how many of each make one."""

    number: int
    quantity: Decimal
    parts: tuple[tuple[int, Decimal], ...]
    kit: bool = False


class Wanted(NamedTuple):
    """An order's lines that want stock together. `order` is the caller's own key."""

    order: int
    channel: str
    tier: str | None
    fulfilment: Fulfilment
    sites: tuple[int, ...]
    sourcing: Sourcing
    lasts_until: date | None
    lines: tuple[WantedLine, ...]
    arrived: datetime
    jumps: int = 0


class Take(NamedTuple):
    """So much of a variant at a site, of a lot (0: none), goes to a line."""

    variant_id: int
    site_id: int
    lot_id: int
    quantity: Decimal


class Decided(NamedTuple):
    """What became of a line. `facts`: the numbers, site by site, that it was decided from."""

    order: int
    line: int
    asked: Decimal
    given: Decimal
    refused: Decimal
    takes: tuple[Take, ...]
    action: Action
    facts: dict[str, Any]


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


class SetRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of allocation as they are to be from now on, and why."""

    rules: Rules
    note: str | None = None


class RulesVersion(msgspec.Struct, frozen=True, kw_only=True):
    """The rules as they were from then until the next version."""

    version: int
    rules: Rules
    note: str | None
    created_by: int
    by: str
    created_at: datetime


class ServiceLevel(msgspec.Struct, frozen=True, kw_only=True):
    """Of the lines that a channel's buyers of a tier asked for, how many were allocated at once, in full.

    `share`, `units_share` and `target` are between 0 and 1; `target` is the tier's `service_level`.
    """

    channel: str
    tier: str | None
    lines: int
    at_once: int
    share: Decimal
    units_share: Decimal
    target: Decimal | None


class DecisionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the audit log: what was decided, by whom, from which numbers. `says`: the same in words."""

    id: int
    at: datetime
    actor_id: int
    actor: str
    action: Action
    order_id: int | None
    line_no: int | None
    reservation_id: int | None
    sku: str
    asked: Decimal
    given: Decimal
    config_version: int
    facts: dict[str, Any]
    reason: str | None
    says: str = ""


class ExplainedLine(msgspec.Struct, frozen=True, kw_only=True):
    """Why a line has what it has. `decided`: when it came; `later`: all since then.

    `lines_before`, `units_before`: what waits for the same item now and comes first.
    """

    line_no: int
    sku: str
    quantity: Decimal
    allocated: Decimal
    backordered: Decimal
    expected_on: str | None
    lines_before: int
    units_before: Decimal
    decided: DecisionRow | None
    later: list[DecisionRow]
    says: str


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """Why an order has what it has, line by line. `rules`: those it was decided by."""

    order_id: int
    number: str
    channel: str
    tier: str | None
    fulfilment: Fulfilment
    jumps: int
    rules: RulesVersion | None
    lines: list[ExplainedLine]
