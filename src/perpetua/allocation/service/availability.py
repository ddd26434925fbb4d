"""What may be promised now: by the rules and numbers that allocation itself would decide from, without a lock."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any

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
    Site,
    Wanted,
)
from perpetua.items.types import VariantRef
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Queries, Tx, array
from perpetua.kit.errors import InvalidValue, TooLarge
from perpetua.kit.quantity import ZERO, plain
from perpetua.orders.types import ShipTo

__all__ = ["availability", "known_tier"]

Q = Queries(store.__file__, "availability.sql")


async def availability(
    db: Database, actor: Actor, asked: AskAvailability, *, clock: Clock = system_clock
) -> AvailabilityAnswer:
    """What may be promised of items, in total and site by site. Three statements, however many items are asked for.

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
        seen = await store.look(tx, asked.skus)
        ground, kits = seen.ground, seen.ground.kits
        wanted, sites = _sites(asked, ground, actor, now)
        tracked = _tracked(seen.variants.values(), kits)
        shelf, on_order = await _read(tx, tracked, wanted, ground, now.date())
        coming = _earliest(await port.expected(tx, sorted(tracked)))
    unique = {variant.id: variant for sku in asked.skus if (variant := seen.variants.get(sku.upper()))}
    found = [_item(one, kits.get(one.id), sites, shelf, wanted, on_order, coming) for one in unique.values()]
    unknown = [sku for sku in dict.fromkeys(asked.skus) if sku.upper() not in seen.variants]
    return AvailabilityAnswer(
        at=now, channel=asked.channel, tier=wanted.tier, config_version=ground.version, items=found, unknown=unknown
    )


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


def _tracked(variants: Iterable[VariantRef], kits: Mapping[int, list[Part]]) -> dict[int, bool]:
    """The variants that stock is to be read of, components for kits; whether their lots count."""
    found: dict[int, bool] = {}
    for variant in variants:
        if variant.id in kits:
            found |= {part.variant_id: part.lots for part in kits[variant.id]}
        else:
            found[variant.id] = variant.tracking == "lot"
    return found


async def _read(
    tx: Tx, tracked: Mapping[int, bool], wanted: Wanted, ground: Ground, today: date
) -> tuple[Shelf, dict[Key, Decimal]]:
    shares = ground.rules.channels.get(wanted.channel, rules.NO_RULES).share_percent is not None
    params: dict[str, Any] = {
        "variant_ids": array(list(tracked)), "tracked": array(list(tracked.values())),
        "site_ids": array(wanted.sites), "today": today,
        "sharing": wanted.channel if shares else None,
    }  # fmt: skip
    positions: dict[Key, Position] = {}
    on_order: dict[Key, Decimal] = {}
    rows = await tx.records(Q["availability"], params)
    for variant, site, on_hand, unsellable, allocated, reserved, ordered, shared, *lots in rows:
        positions[variant, site] = Position(
            on_hand, unsellable, allocated, reserved, _lots(*lots) if tracked[variant] else None,
            {wanted.channel: shared} if shares else {},
        )  # fmt: skip
        on_order[variant, site] = ordered
    return Shelf(positions, ground.rules), on_order


def _lots(
    ids: Sequence[int] | None, free: Sequence[Decimal] | None, expires: Sequence[date | None] | None
) -> tuple[LotStock, ...]:
    lots = map(LotStock, ids or (), free or (), expires or ())
    return tuple(sorted(lots, key=lambda lot: (lot.expires_on or date.max, lot.lot_id)))


def _item(
    variant: VariantRef, parts: list[Part] | None, sites: Sequence[Site], shelf: Shelf, wanted: Wanted,
    on_order: Mapping[Key, Decimal], coming: Mapping[Key, date],
) -> Available:  # fmt: skip
    if parts is not None:
        at = [one for site in sites if (one := _kit_at(parts, site, shelf, wanted)).available]
    else:
        at = [
            _at((variant.id, site.id), site.code, variant.decimals, shelf, wanted, on_order, coming)
            for site in sites
            if (variant.id, site.id) in on_order
        ]
    sums = _sums(at)
    days = [day for site in sites if (day := coming.get((variant.id, site.id)))] if coming else ()
    return Available(
        sku=variant.sku, variant_id=variant.id, name=variant.name, unit=variant.unit, kit=parts is not None,
        available=sums[0] if variant.active else ZERO, on_hand=sums[1], allocated=sums[2], reserved=sums[3],
        on_order=sums[4], next_expected=min(days, default=None), sites=at,
    )  # fmt: skip


def _sums(at: Sequence[AvailableAt]) -> list[Decimal]:
    """Over the sites: available, on hand, allocated, reserved, on order."""
    each = [(one.available, one.on_hand, one.allocated, one.reserved, one.on_order) for one in at]
    if len(each) == 1:
        return list(each[0])
    return [plain(sum(numbers, ZERO)) for numbers in zip(*each, strict=True)] or [ZERO] * 5


def _at(
    key: Key, site: str, decimals: int, shelf: Shelf, wanted: Wanted, on_order: Mapping[Key, Decimal],
    coming: Mapping[Key, date],
) -> AvailableAt:  # fmt: skip
    position = shelf.positions[key]
    return AvailableAt(
        site=site, available=plain(rules.in_units(shelf.free(key, wanted), decimals)), on_hand=position.on_hand,
        unsellable=position.unsellable, allocated=position.allocated, reserved=position.reserved,
        on_order=on_order[key], next_expected=coming.get(key),
    )  # fmt: skip


def _kit_at(parts: Sequence[Part], site: Site, shelf: Shelf, wanted: Wanted) -> AvailableAt:
    sets = min(shelf.free((part.variant_id, site.id), wanted) / part.quantity for part in parts)
    return AvailableAt(
        site=site.code, available=sets.to_integral_value(ROUND_FLOOR), on_hand=ZERO, unsellable=ZERO, allocated=ZERO,
        reserved=ZERO, on_order=ZERO,
    )  # fmt: skip
