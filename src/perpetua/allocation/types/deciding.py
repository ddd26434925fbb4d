"""Allocation as values: the rules, what is wanted, what was decided."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import msgspec

from perpetua.kit.quantity import ZERO
from perpetua.orders.types import Fulfilment

__all__ = [
    "Action",
    "ChannelRules",
    "Decided",
    "LotPromise",
    "LotStock",
    "Position",
    "Queueing",
    "Relotted",
    "Rules",
    "Site",
    "Sourcing",
    "Take",
    "TierRules",
    "Waits",
    "Wanted",
    "WantedLine",
]

Queueing = Literal["fifo", "priority"]
"""Who is first: who came first; or the better tier, and within it who came first."""

Sourcing = Literal["ranked", "nearest", "fewest_parcels", "most_stock"]

Action = Literal[
    "allocated", "partly_allocated", "backordered", "refused", "filled", "released", "cancelled", "changed", "shipped",
    "reserved", "reservation_ended", "taken", "jumped", "moved",
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


class LotPromise(NamedTuple):
    """So much of a lot is promised to somebody, for whom it must last until the day (None: not expire before)."""

    lot_id: int
    quantity: Decimal
    lasts_until: date | None


class Relotted(NamedTuple):
    """What becomes of a promise of a lot: so much moves to these lots, so much is given up; the rest stays."""

    moved: Mapping[int, Decimal]
    lost: Decimal


class Position(NamedTuple):
    """A variant at a site, read under its lock. `lots`: only where lots are tracked, first expired first.

    `by_channel`: open allocations of the channels that have a share. `short`: more of a lot is promised than may be
    sent of it, as it has expired. `freed`: locking it ended reservations, so that something may be free for others.
    """

    on_hand: Decimal
    unsellable: Decimal
    allocated: Decimal
    reserved: Decimal
    lots: tuple[LotStock, ...] | None = None
    by_channel: Mapping[str, Decimal] = {}
    short: bool = False
    freed: bool = False


class WantedLine(NamedTuple):
    """A line that wants stock. `parts`: the variant itself, or a kit's components with how many of each make one.

    `decimals`: of its unit; never a finer part is given, whatever shares and buffers in percent come to.
    """

    number: int
    quantity: Decimal
    parts: tuple[tuple[int, Decimal], ...]
    kit: bool = False
    decimals: int = 4


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


class Waits(NamedTuple):
    """So much of a variant a line waits for; only from that site, or from any. A kit's line once a component."""

    line_id: int
    variant_id: int
    quantity: Decimal
    site_id: int | None


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
