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
from perpetua.items import service as items
from perpetua.items.types import VariantRef
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Queries, Tx
from perpetua.kit.errors import InvalidValue, TooLarge
from perpetua.kit.quantity import ZERO, plain
from perpetua.orders.types import ShipTo

__all__ = ["availability", "known_tier"]

Q = Queries(store.__file__, "availability.sql")


async def availability(
    db: Database, actor: Actor, asked: AskAvailability, *, clock: Clock = system_clock
) -> AvailabilityAnswer:
    """What may be promised of items, in total and site by site. Five statements, however many items are asked for.

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
    async with db.snapshot() as tx:
        variants = await items.resolve_skus(tx, asked.skus)
        kits = await store.kit_parts(tx, {variant.id for variant in variants.values()})
        ground = await store.ground(tx)
        wanted, sites = _sites(asked, ground, actor, now)
        tracked = _tracked(variants.values(), kits)
        shelf, on_order = await _read(tx, tracked, wanted, ground, now.date())
        coming = await port.expected(tx, sorted(tracked))
    unique = {variant.id: variant for sku in asked.skus if (variant := variants.get(sku.upper()))}
    found = [_item(one, kits.get(one.id), sites, shelf, wanted, on_order, coming) for one in unique.values()]
    unknown = [sku for sku in dict.fromkeys(asked.skus) if sku.upper() not in variants]
    return AvailabilityAnswer(
        at=now, channel=asked.channel, tier=wanted.tier, config_version=ground.version, items=found, unknown=unknown
    )


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
        "variant_ids": list(tracked), "tracked": list(tracked.values()), "site_ids": list(wanted.sites), "today": today,
        "sharing": wanted.channel if shares else None,
    }  # fmt: skip
    positions: dict[Key, Position] = {}
    on_order: dict[Key, Decimal] = {}
    for row in await tx.dicts(Q["availability"], params):
        key = (row["variant_id"], row["site_id"])
        lots = sorted(
            map(LotStock, row["lot_ids"] or (), row["lot_free"] or (), row["lot_expires"] or ()),
            key=lambda lot: (lot.expires_on or date.max, lot.lot_id),
        )
        positions[key] = Position(
            row["on_hand"], row["unsellable"], row["allocated"], row["reserved"],
            tuple(lots) if tracked[row["variant_id"]] else None,
            {wanted.channel: row["channel_quantity"]} if shares else {},
        )  # fmt: skip
        on_order[key] = row["on_order"]
    return Shelf(positions, ground.rules), on_order


def _item(
    variant: VariantRef, parts: list[Part] | None, sites: Sequence[Site], shelf: Shelf, wanted: Wanted,
    on_order: Mapping[Key, Decimal], coming: Sequence[Expected],
) -> Available:  # fmt: skip
    if parts is not None:
        at = [_kit_at(parts, site, shelf, wanted) for site in sites]
        at = [one for one in at if one.available]
    else:
        at = [
            _at(variant.id, site, shelf, wanted, on_order[variant.id, site.id], coming)
            for site in sites
            if (variant.id, site.id) in on_order
        ]
    ids = {site.id for site in sites}
    days = [one.on for one in coming if one.variant_id == variant.id and one.site_id in ids]
    return Available(
        sku=variant.sku, variant_id=variant.id, name=variant.name, unit=variant.unit, kit=parts is not None,
        available=_sum(one.available for one in at) if variant.active else ZERO,
        on_hand=_sum(one.on_hand for one in at), allocated=_sum(one.allocated for one in at),
        reserved=_sum(one.reserved for one in at), on_order=_sum(one.on_order for one in at),
        next_expected=min(days, default=None), sites=at,
    )  # fmt: skip


def _sum(quantities: Iterable[Decimal]) -> Decimal:
    return plain(sum(quantities, ZERO))


def _at(
    variant_id: int, site: Site, shelf: Shelf, wanted: Wanted, on_order: Decimal, coming: Sequence[Expected]
) -> AvailableAt:
    position = shelf.positions[variant_id, site.id]
    days = [one.on for one in coming if (one.variant_id, one.site_id) == (variant_id, site.id)]
    return AvailableAt(
        site=site.code, available=plain(shelf.free((variant_id, site.id), wanted)), on_hand=position.on_hand,
        unsellable=position.unsellable, allocated=position.allocated, reserved=position.reserved, on_order=on_order,
        next_expected=min(days, default=None),
    )  # fmt: skip


def _kit_at(parts: Sequence[Part], site: Site, shelf: Shelf, wanted: Wanted) -> AvailableAt:
    sets = min(shelf.free((part.variant_id, site.id), wanted) / part.quantity for part in parts)
    return AvailableAt(
        site=site.code, available=sets.to_integral_value(ROUND_FLOOR), on_hand=ZERO, unsellable=ZERO, allocated=ZERO,
        reserved=ZERO, on_order=ZERO,
    )  # fmt: skip
