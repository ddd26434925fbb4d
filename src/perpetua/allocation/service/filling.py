"""Goods come: those who wait for them get them, in their turn, in the transaction that brings them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

import msgspec
from psycopg import errors as pg

from perpetua.access.types import SYSTEM
from perpetua.allocation import rules, store
from perpetua.allocation.rules import Key
from perpetua.allocation.service.drafting import Terms, want
from perpetua.allocation.service.releasing import in_turn_params, settle_statuses
from perpetua.allocation.service.relotting import keep_lots
from perpetua.allocation.store import Entry, Ground, Part
from perpetua.allocation.types import Position, Rules, Take, Wanted, WantedLine
from perpetua.kit.database import Tx
from perpetua.orders import service as orders
from perpetua.orders.types import Fulfilment, LineChange, ShipTo

__all__ = ["fill", "lock_and_give", "lock_to_decide"]

MOST_WAITING: Final = 1_000
"""Lines that are looked at in one go; while all of a go were filled, there is another."""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A line that waits, with what its order says of how it is to be met."""

    line_id: int
    order_id: int
    line_no: int
    variant_id: int
    kit: bool
    lots: bool
    decimals: int
    backordered: Decimal
    channel: str
    tier: str | None
    fulfilment: Fulfilment
    site_id: int | None
    country: str | None
    region: str | None
    postcode: str | None
    min_life_days: int
    jumps: int
    placed_at: datetime


async def lock_to_decide(
    tx: Tx, variant_ids: Collection[int], site_ids: Collection[int], now: datetime, *, with_lots: Collection[int],
    sharing: Sequence[str],
) -> dict[Key, Position]:  # fmt: skip
    """Lock the positions before something new is decided there; see `store.lock`.

    Where lots have expired of which something is promised, others come in first; and what reservations held that have
    expired goes first to those who wait: who comes now has what is left. That may need more positions, and all are
    locked in one order: so the transaction is begun anew and then begins by locking these, too.

    Raises:
        SerializationFailure: begin anew.
    """
    asked: dict[str, Any] = {"with_lots": with_lots, "sharing": sharing, "today": now.date()}
    wide = set[Key]()
    if tx.anew:
        sites = {*site_ids, *(site for _, site in await store.everywhere(tx, variant_ids))}
        wide = await store.lock_to_fill(tx, variant_ids, sites, losing=True)
    positions = await store.lock(tx, variant_ids, sorted(site_ids), **asked)
    short = {key for key, one in positions.items() if one.short}
    freed = wide | {key for key, one in positions.items() if one.freed}
    if not (short or freed):
        return positions
    if tx.anew is False:
        raise pg.SerializationFailure("more is to be locked than this began with")
    if tx.anew is None:
        freed |= await store.lock_to_fill(tx, variant_ids, site_ids)
    if short:
        variants, sites = {key[0] for key in short}, {key[1] for key in short}
        freed |= await keep_lots(tx, SYSTEM.person_id, variants, sites, now)
    await fill(tx, SYSTEM.person_id, freed, now, reason="a reservation or a lot expired")
    return await store.lock(tx, variant_ids, sorted(site_ids), **asked)


async def lock_and_give(tx: Tx, variant_ids: Collection[int], site_ids: Collection[int], now: datetime) -> None:
    """Lock the positions, and with them what those who wait may need beside, before some of it is given to them; what
    reservations held that have expired goes to them at once."""
    freed = await store.lock_to_fill(tx, variant_ids, site_ids)
    await fill(tx, SYSTEM.person_id, freed, now, reason="a reservation expired")


async def fill(tx: Tx, actor_id: int, grown: Iterable[Key], now: datetime, *, reason: str | None = None) -> int:
    """Give what is free at these positions, whose locks the caller holds, to whoever waits; how many lines got some.

    Plain lines take from these positions alone. What needs more than one (kits, orders that go together or not at all)
    locks the others too.
    """
    keys = set(grown)
    filled, looked_at, kept = 0, list[int](), set[Key]()
    ground = await store.ground(tx) if keys else None
    while keys and ground:
        asked = {"variant_ids": sorted({variant for variant, _ in keys}), "most": MOST_WAITING, "looked_at": looked_at}
        lines = await tx.rows(store.Q["waiting"], asked | in_turn_params(ground.rules), as_=Waiting)
        if not lines:
            break
        kits = await store.kit_parts(tx, {line.variant_id for line in lines if line.kit})
        wanted = _all_wanted(lines, kits, keys, ground, now)
        positions = await _positions(tx, lines, wanted, kits, keys, ground.rules, now.date())
        if short := {key for key, one in positions.items() if one.short} - kept:
            # Lots have expired: first they are kept, and whoever loses by it waits with the others.
            kept |= short
            keys |= await keep_lots(tx, actor_id, {key[0] for key in short}, {key[1] for key in short}, now)
            continue
        looked_at += {line.order_id for line in lines}
        got, keys = await _fill_some(tx, actor_id, lines, kits, positions, keys, ground, now, reason)
        filled += got
        if len(lines) < MOST_WAITING:
            break
    return filled


async def _fill_some(
    tx: Tx, actor_id: int, lines: Sequence[Waiting], kits: Mapping[int, list[Part]], positions: Mapping[Key, Position],
    keys: set[Key], ground: Ground, now: datetime, reason: str | None,
) -> tuple[int, set[Key]]:  # fmt: skip
    """How many lines got some, and the positions where something is left: of those, too, that none of these wants."""
    lines = await _still_waiting(tx, lines)
    wanted = _all_wanted(lines, kits, keys, ground, now)
    decided = [one for one in rules.decide(wanted, positions, ground.rules) if one.given]
    by_place = {(line.order_id, line.line_no): line for line in lines}
    takes: list[tuple[int, Take]] = []
    entries: list[Entry] = []
    changes: list[LineChange] = []
    for one in decided:
        line = by_place[one.order, one.line]
        takes += [(line.line_id, take) for take in one.takes]
        changes.append(LineChange(line.line_id, allocated=one.given))
        entries.append(
            Entry(actor_id, "filled", line.order_id, line.line_id, line.variant_id, one.asked, one.given, one.facts,
                  reason)
        )  # fmt: skip
    if decided:
        await orders.change_lines(tx, changes)
        await store.record(tx, ground.version, takes, entries)
        await settle_statuses(tx, {one.order for one in decided})
    left = {key: one.on_hand - one.unsellable - one.allocated - one.reserved for key, one in positions.items()}
    for _, take in takes:
        left[take.variant_id, take.site_id] -= take.quantity
    return len(decided), {key for key in keys if key not in left or left[key] > 0}


async def _still_waiting(tx: Tx, lines: Sequence[Waiting]) -> list[Waiting]:
    """The lines as they are under their orders' locks: goods that come to another site at this moment hold other
    positions, and may have gone to the same lines."""
    await orders.lock(tx, {line.order_id for line in lines})
    rows = await tx.dicts(store.Q["still_waiting"], {"line_ids": [line.line_id for line in lines]})
    now = {row["id"]: row["backordered"] for row in rows}
    return [msgspec.structs.replace(line, backordered=now[line.line_id]) for line in lines if line.line_id in now]


def _all_wanted(
    lines: Sequence[Waiting], kits: Mapping[int, list[Part]], keys: set[Key], ground: Ground, now: datetime
) -> list[Wanted]:
    """What the lines want, order by order; those that nothing may be sent to from here are left out."""
    groups = groupby(lines, lambda line: line.order_id)
    wanted = [_wanted(list(group), kits, keys, ground, now) for _, group in groups]
    return [one for one in wanted if one.sites]


def _wanted(
    lines: list[Waiting], kits: Mapping[int, list[Part]], keys: set[Key], ground: Ground, now: datetime
) -> Wanted:
    first = lines[0]
    parts = {
        line.line_no: tuple((part.variant_id, part.quantity) for part in kits[line.variant_id])
        if line.kit else ((line.variant_id, Decimal(1)),)
        for line in lines
    }  # fmt: skip
    asked = tuple(
        WantedLine(line.line_no, line.backordered, parts[line.line_no], line.kit, line.decimals) for line in lines
    )
    ship_to = ShipTo(country=first.country, region=first.region, postcode=first.postcode)
    terms = Terms(
        channel=first.channel, tier=first.tier, fulfilment=_waits(first.fulfilment), site_id=first.site_id,
        ship_to=ship_to, min_life_days=first.min_life_days, arrived=first.placed_at, jumps=first.jumps,
    )  # fmt: skip
    one = want(first.order_id, terms, asked, ground, now)
    if _needs_more(one):
        return one
    grown = {site for _, site in keys}
    return one._replace(sites=tuple(site for site in one.sites if site in grown))


def _waits(fulfilment: Fulfilment) -> Fulfilment:
    """What waits is not refused later for what is missing still."""
    return "split" if fulfilment == "cancel_rest" else fulfilment


def _needs_more(one: Wanted) -> bool:
    return one.fulfilment == "complete" or any(line.kit for line in one.lines)


async def _positions(
    tx: Tx,
    lines: Sequence[Waiting],
    wanted: Sequence[Wanted],
    kits: Mapping[int, list[Part]],
    keys: set[Key],
    of: Rules,
    today: date,
) -> dict[Key, Position]:
    """What is there: at the caller's positions, and where more than one is needed at all of them."""
    tracked = {line.variant_id for line in lines if line.lots} | {
        p.variant_id for ps in kits.values() for p in ps if p.lots
    }
    wide = any(_needs_more(one) for one in wanted)
    variants = {variant for one in wanted for line in one.lines for variant, _ in line.parts}
    sites = {site for one in wanted for site in one.sites} if wide else {site for _, site in keys}
    sharing = sorted({
        one.channel for one in wanted
        if of.channels.get(one.channel, rules.NO_RULES).share_percent is not None
    })  # fmt: skip
    found = await store.lock(tx, variants, sorted(sites), with_lots=tracked & variants, sharing=sharing, today=today)
    return found if wide else {key: position for key, position in found.items() if key in keys}
