"""What may be promised now: by the rules and numbers that allocation itself would decide from, without a lock."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_FLOOR, Decimal
from typing import NamedTuple

import msgspec

from perpetua.access.types import Actor
from perpetua.allocation import port, rules, store
from perpetua.allocation.port import Expected
from perpetua.allocation.rules import Key, Shelf
from perpetua.allocation.service.drafting import Terms, want
from perpetua.allocation.store import Ground, Part
from perpetua.allocation.types import (
    MAX_SKUS,
    AskAvailability,
    AvailabilityAnswer,
    Available,
    AvailableAt,
    LotStock,
    Position,
    Rules,
    Site,
    Wanted,
)
from perpetua.items import service as items
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Queries, Tx, array
from perpetua.kit.errors import InvalidValue, TooLarge
from perpetua.kit.quantity import ZERO, plain, plain_number
from perpetua.orders.types import ShipTo

__all__ = ["availability", "known_tier"]

Q = Queries(store.__file__, "availability.sql")


class _Item(NamedTuple):
    """An item that is named."""

    asked: str
    id: int
    sku: str
    name: str
    unit: str
    decimals: int
    active: bool
    kit: bool
    lots: bool


class _Read(msgspec.Struct):
    """What the statement gives. `stock`: variant, site, on hand, unsellable, allocated, reserved, on order; again and
    again."""

    version: int
    rules: Rules
    items: list[_Item] | None
    parts: list[tuple[int, int, Decimal, bool]] | None
    sites: list[Site] | None
    stock: str | None
    shared: list[tuple[int, int, Decimal]] | None
    lots: list[tuple[int, int, int, Decimal, date | None]] | None


_read = msgspec.json.Decoder(_Read, strict=False).decode


class _Seen(NamedTuple):
    """What an answer stands on; items by SKU in capitals."""

    items: Mapping[str, _Item]
    ground: Ground
    shelf: Shelf
    on_order: Mapping[Key, Decimal]

    @property
    def stocked(self) -> list[int]:
        """The variants whose stock counts: components for kits."""
        parts = {part.variant_id for parts in self.ground.kits.values() for part in parts}
        return sorted(parts | {item.id for item in self.items.values() if not item.kit})


async def availability(
    db: Database, actor: Actor, asked: AskAvailability, *, clock: Clock = system_clock
) -> AvailabilityAnswer:
    """What may be promised of items, in total and site by site. One statement, however many items are asked for.

    Raises:
        InvalidValue: no SKU, a site that does not sell, a tier that the rules do not know.
        OutOfScope: a site that is not the actor's; without one, only theirs are told of.
        TooLarge: more than 1,000 SKUs.
    """
    actor.require("stock.read")
    if not asked.skus:
        raise InvalidValue("skus", "[]", "name at least one SKU")
    if len(asked.skus) > MAX_SKUS:
        raise TooLarge(reason=f"At most {MAX_SKUS} SKUs at once; ask again for the rest.", limit=MAX_SKUS)
    if asked.min_life_days is not None and not 0 <= asked.min_life_days <= 3650:
        raise InvalidValue("min_life_days", asked.min_life_days, "must be 0 to 3650")
    now = clock()
    async with db.snapshot(by_key=True) as tx:
        seen = await _look(tx, asked, now.date())
        coming = _earliest(await port.expected(tx, seen.stocked))
    wanted, sites = _sites(asked, seen.ground, actor, now)
    found = [_item(item, seen, sites, wanted, coming) for item in dict.fromkeys(seen.items.values())]
    unknown = [sku for sku in dict.fromkeys(asked.skus) if sku.upper() not in seen.items]
    return AvailabilityAnswer(
        at=now,
        channel=asked.channel,
        tier=wanted.tier,
        config_version=seen.ground.version,
        items=found,
        unknown=unknown,
    )


async def _look(tx: Tx, asked: AskAvailability, today: date) -> _Seen:
    forms = items.forms_of_skus(asked.skus)
    params = {"skus": array([form for form in set(forms.values()) if form]), "channel": asked.channel, "today": today}
    read = _read(await tx.value(Q["availability"], params))
    by_form = {item.asked: item for item in read.items or ()}
    kits: dict[int, list[Part]] = {}
    for kit_id, variant, quantity, lots in read.parts or ():
        kits.setdefault(kit_id, []).append(Part(kit_id=kit_id, variant_id=variant, quantity=quantity, lots=lots))
    ground = Ground(read.version, read.rules, read.sites or [], kits)
    positions, on_order = _positions(read, asked.channel, kits)
    return _Seen(
        {sku: item for sku, form in forms.items() if (item := by_form.get(form))}, ground,
        Shelf(positions, read.rules), on_order,
    )  # fmt: skip


def _positions(
    read: _Read, channel: str, kits: Mapping[int, Sequence[Part]]
) -> tuple[dict[Key, Position], dict[Key, Decimal]]:
    """What is there, and what is on order, by variant and site."""
    lots: dict[Key, list[LotStock]] = {}
    for variant, site, lot_id, free, expires_on in read.lots or ():
        lots.setdefault((variant, site), []).append(LotStock(lot_id, free, expires_on))
    tracked = {item.id for item in read.items or () if item.lots}
    tracked |= {part.variant_id for parts in kits.values() for part in parts if part.lots}
    shared = {(variant, site): quantity for variant, site, quantity in read.shared or ()}
    shares = read.rules.channels.get(channel, rules.NO_RULES).share_percent is not None
    positions: dict[Key, Position] = {}
    on_order: dict[Key, Decimal] = {}
    each = iter((read.stock or "").split())
    for variant, site, *numbers in zip(*[each] * 7, strict=True):
        key = (int(variant), int(site))
        on_hand, unsellable, allocated, reserved, on_order[key] = map(plain_number, numbers)
        positions[key] = Position(
            on_hand, unsellable, allocated, reserved, _in_order(lots.get(key, ())) if key[0] in tracked else None,
            {channel: shared.get(key, ZERO)} if shares else {},
        )  # fmt: skip
    return positions, on_order


def _in_order(lots: Iterable[LotStock]) -> tuple[LotStock, ...]:
    return tuple(sorted(lots, key=lambda lot: (lot.expires_on or date.max, lot.lot_id)))


def _earliest(coming: Iterable[Expected]) -> dict[Key, date]:
    """The first day on which anything is expected, by variant and site."""
    days: dict[Key, date] = {}
    for one in coming:
        key = (one.variant_id, one.site_id)
        days[key] = min(days.get(key, one.on), one.on)
    return days


def known_tier(tier: str | None, ground: Ground) -> str | None:
    """The tier, when there is none or the rules know it.

    Raises:
        InvalidValue: the rules do not know it.
    """
    known = {one.code for one in ground.rules.tiers}
    if tier is not None and tier not in known:
        raise InvalidValue("tier", tier, f"is none of the rules' tiers: {', '.join(sorted(known)) or 'none'}")
    return tier


def _sites(asked: AskAvailability, ground: Ground, actor: Actor, now: datetime) -> tuple[Wanted, list[Site]]:
    """An order that wants nothing, as this buyer would place it, with the sites that could send."""
    of = ground.rules.channels.get(asked.channel, rules.NO_RULES)
    site = next((one for one in ground.sites if asked.site and one.code.upper() == asked.site.upper()), None)
    if asked.site and site is None:
        raise InvalidValue("site", asked.site, "is no site that sells")
    if site is not None:
        actor.require_place([site.id], site.code)
    lives = (asked.min_life_days, of.min_life_days)
    terms = Terms(
        channel=asked.channel, tier=known_tier(asked.tier, ground) or of.tier, fulfilment="split",
        site_id=site.id if site else None, ship_to=ShipTo(), arrived=now,
        min_life_days=next((days for days in lives if days is not None), ground.rules.min_life_days),
    )  # fmt: skip
    wanted = want(0, terms, (), ground, now)
    by_id = {one.id: one for one in ground.sites}
    sites = [by_id[site_id] for site_id in wanted.sites if actor.scope is None or site_id in actor.scope]
    if asked.region is not None:
        sites = [one for one in sites if (one.region or "").upper() == asked.region.upper()]
    return wanted._replace(sites=tuple(one.id for one in sites)), sites


def _item(item: _Item, seen: _Seen, sites: Sequence[Site], wanted: Wanted, coming: Mapping[Key, date]) -> Available:
    if item.kit:
        parts = seen.ground.kits[item.id]
        at = [one for site in sites if (one := _kit_at(parts, site, seen.shelf, wanted)).available]
    else:
        at = [_at(item, key, site.code, seen, wanted, coming)
              for site in sites if (key := (item.id, site.id)) in seen.on_order]  # fmt: skip
    available, on_hand, allocated, reserved, on_order = _sums(at)
    days = [day for site in sites if (day := coming.get((item.id, site.id)))] if coming else ()
    return Available(
        sku=item.sku, variant_id=item.id, name=item.name, unit=item.unit, kit=item.kit,
        available=available if item.active else ZERO, on_hand=on_hand, allocated=allocated, reserved=reserved,
        on_order=on_order, next_expected=min(days, default=None), sites=at,
    )  # fmt: skip


def _sums(at: Sequence[AvailableAt]) -> list[Decimal]:
    """Over the sites: available, on hand, allocated, reserved, on order."""
    if len(at) == 1:
        one = at[0]
        return [one.available, one.on_hand, one.allocated, one.reserved, one.on_order]
    each = [(one.available, one.on_hand, one.allocated, one.reserved, one.on_order) for one in at]
    return [plain(sum(numbers, ZERO)) for numbers in zip(*each, strict=True)] or [ZERO] * 5


def _at(item: _Item, key: Key, site: str, seen: _Seen, wanted: Wanted, coming: Mapping[Key, date]) -> AvailableAt:
    position = seen.shelf.positions[key]
    return AvailableAt(
        site=site, available=plain(rules.in_units(seen.shelf.free(key, wanted), item.decimals)),
        on_hand=position.on_hand, unsellable=position.unsellable, allocated=position.allocated,
        reserved=position.reserved, on_order=seen.on_order[key], next_expected=coming.get(key),
    )  # fmt: skip


def _kit_at(parts: Sequence[Part], site: Site, shelf: Shelf, wanted: Wanted) -> AvailableAt:
    sets = min(shelf.free((part.variant_id, site.id), wanted) / part.quantity for part in parts)
    return AvailableAt(
        site=site.code, available=sets.to_integral_value(ROUND_FLOOR), on_hand=ZERO, unsellable=ZERO, allocated=ZERO,
        reserved=ZERO, on_order=ZERO,
    )  # fmt: skip
