"""Stock is held for carts, quotes and people: by the rules and under the locks that allocation decides with."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, cast

from perpetua.access.types import SYSTEM, Actor
from perpetua.allocation import rules, store
from perpetua.allocation.errors import NotEnoughAvailable
from perpetua.allocation.rules import Key
from perpetua.allocation.service.availability import known_tier
from perpetua.allocation.service.drafting import Terms, find_variants, parts_of, want
from perpetua.allocation.service.filling import fill, lock_and_give, lock_to_decide
from perpetua.allocation.service.holding import Holding, Q, end_held, held_by
from perpetua.allocation.service.relotting import Q as LOTS
from perpetua.allocation.service.relotting import keep_lots
from perpetua.allocation.store import Ground
from perpetua.allocation.types import (
    Decided,
    ExtendReservation,
    HoldKind,
    ReleaseReservation,
    Reservation,
    ReservationFilters,
    Reserve,
    Reserved,
    ReservedLine,
    Take,
    Wanted,
    WantedLine,
)
from perpetua.items import service as items
from perpetua.items.types import VariantRef
from perpetua.kit import json
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Tx, array
from perpetua.kit.errors import InvalidValue, Missing, TooLarge
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.kit.quantity import ZERO, exact_quantity, plain
from perpetua.orders.types import ShipTo

__all__ = ["expire", "extend", "list_reservations", "release", "reserve"]

MAX_LINES: Final = 500
LONGEST: Final = timedelta(days=366)
USUAL: Final[Mapping[HoldKind, timedelta]] = {
    "cart": timedelta(minutes=15), "quote": timedelta(days=7), "hold": timedelta(days=1),
}  # fmt: skip
MANY: Final = 200
"""Positions that are looked after in one transaction."""


async def reserve(
    db: Database, actor: Actor, command: Reserve, *, key: str | None = None, clock: Clock = system_clock
) -> Answered[Reserved]:
    """Hold stock for a holder: all lines or nothing, or (`partial`) what is there.

    Raises:
        NotEnoughAvailable: not all is there, and all was asked for.
        InvalidValue, UnknownItems, InactiveItem: a value or a SKU that cannot be taken.
    """
    actor.require("orders.write")
    _check_names(command.channel, command.holder)
    if not command.lines:
        raise InvalidValue("lines", "[]", "must have at least one line")
    if len(command.lines) > MAX_LINES:
        raise TooLarge(reason=f"At most {MAX_LINES} lines are held at once; send the rest after.", limit=MAX_LINES)
    for at, line in enumerate(command.lines):
        if exact_quantity(line.quantity, f"lines[{at}].quantity") <= 0:
            raise InvalidValue(f"lines[{at}].quantity", str(line.quantity), "must be more than 0")
    if command.min_life_days is not None and not 0 <= command.min_life_days <= 3650:
        raise InvalidValue("min_life_days", command.min_life_days, "must be 0 to 3650")
    _until(command, clock(), USUAL[command.kind])

    async def act(tx: Tx) -> Reserved:
        return await _reserve(tx, actor, command, clock())

    return await once(
        db, sender=actor.person_id, key=key, command="allocation.reserve", body=command, answer=Reserved, act=act
    )


async def extend(
    db: Database, actor: Actor, command: ExtendReservation, *, key: str | None = None, clock: Clock = system_clock
) -> Answered[Reserved]:
    """Hold what a holder has for longer (or shorter); what has expired is gone.

    Raises:
        Missing: the holder has nothing any more.
    """
    actor.require("orders.write")
    _check_names(command.channel, command.holder)
    if command.expires_at is None and command.expires_in_seconds is None:
        raise InvalidValue("expires_in_seconds", "", "say until when, or for how long")
    _until(command, clock(), LONGEST)

    async def act(tx: Tx) -> Reserved:
        now = clock()
        until = _until(command, now, LONGEST)
        held, _ = await _hold(tx, actor, command.channel, command.holder, now)
        asked = {"ids": [one.id for one in held], "expires_at": until}
        if not held or not await tx.execute(Q["extend"], asked):
            raise Missing("reservation of", command.holder)
        return await _answer(tx, command.channel, command.holder, until, [], [one.id for one in held])

    return await once(
        db, sender=actor.person_id, key=key, command="allocation.extend", body=command, answer=Reserved, act=act
    )


async def release(
    db: Database, actor: Actor, command: ReleaseReservation, *, key: str | None = None, clock: Clock = system_clock
) -> Answered[Reserved]:
    """Give back what a holder has; it goes to whoever waits.

    Raises:
        Missing: the holder has nothing any more (or not these).
    """
    actor.require("orders.write")
    _check_names(command.channel, command.holder)
    if command.reason is not None and not 0 < len(command.reason.strip()) <= 500:
        raise InvalidValue("reason", command.reason, "must have 1 to 500 characters, or be left out")

    async def act(tx: Tx) -> Reserved:
        now = clock()
        held, ground = await _hold(tx, actor, command.channel, command.holder, now)
        chosen = [one for one in held if command.ids is None or one.id in command.ids]
        if not chosen or (command.ids is not None and len(chosen) != len(set(command.ids))):
            raise Missing("reservation of", command.holder)
        ended = await end_held(
            tx,
            chosen,
            "released",
            actor_ids=[actor.person_id] * len(chosen),
            version=ground.version,
            reason=command.reason,
        )
        await fill(tx, actor.person_id, {one.key for one in ended}, now, reason="a reservation was released")
        return await _answer(tx, command.channel, command.holder, now, [], [one.id for one in ended])

    return await once(
        db, sender=actor.person_id, key=key, command="allocation.release", body=command, answer=Reserved, act=act
    )


async def list_reservations(
    db: Database, actor: Actor, filters: ReservationFilters, page: PageRequest
) -> Page[Reservation]:
    """Reservations, the newest first; those at sites in the actor's scope."""
    actor.require("orders.read")
    after = page.after(int)
    params: dict[str, Any] = {
        "channel": filters.channel, "holder": filters.holder, "kind": filters.kind, "sku": filters.sku, "ids": None,
        "live": filters.live, "scope": actor.scope_ids, "after": after[0] if after else None, "limit": page.limit + 1,
    }  # fmt: skip
    async with db.transaction() as tx:
        found = await tx.rows(Q["reservations"], params, as_=Reservation)
    return page_of(found, page, lambda one: [one.id])


async def expire(db: Database, *, clock: Clock = system_clock) -> int:
    """End what has expired, and give what it held to whoever waits; how many positions were looked after. Where lots
    have expired of which something is promised, other lots come in, or it is given up.

    Who decides something there does it too, under the same lock: nothing waits for this.
    """
    async with db.transaction() as tx:
        due = [(row["variant_id"], row["site_id"]) for row in await tx.dicts(Q["due"])]
        lots = [
            (row["variant_id"], row["site_id"]) for row in await tx.dicts(LOTS["due_lots"], {"today": clock().date()})
        ]
    due = sorted({*due, *lots})
    for first in range(0, len(due), MANY):
        some: list[Key] = due[first : first + MANY]

        async def act(tx: Tx, some: Sequence[Key] = some) -> None:
            now = clock()
            variants, sites = {key[0] for key in some}, sorted({key[1] for key in some})
            freed = await store.lock_to_fill(tx, variants, sites, losing=bool(lots)) | set(some)
            freed |= await keep_lots(tx, SYSTEM.person_id, variants, sites, now) if lots else set[Key]()
            await fill(tx, SYSTEM.person_id, freed, now, reason="a reservation or a lot expired")

        await db.run(act)
    return len(due)


async def _reserve(tx: Tx, actor: Actor, command: Reserve, now: datetime) -> Reserved:
    variants = await items.resolve_skus(tx, {line.sku for line in command.lines})
    found = find_variants(command.lines, variants)
    kits = await store.kit_parts(tx, [variant.id for variant in found])
    await store.hold_recipes(tx, kits)
    ground = await store.ground(tx)
    lines = tuple(
        WantedLine(number, line.quantity, *parts_of(variant, kits), variant.decimals)
        for number, (line, variant) in enumerate(zip(command.lines, found, strict=True), 1)
    )
    wanted = _wanted(command, lines, ground, actor, now)
    tracked = {variant.id for variant in found if variant.tracking == "lot"}
    tracked |= {part.variant_id for parts in kits.values() for part in parts if part.lots}
    own = await _own(tx, actor, command.channel, command.holder) if command.replace else []
    shares = ground.rules.channels.get(command.channel, rules.NO_RULES).share_percent is not None
    stock = {variant for line in lines for variant, _ in line.parts} | {one.variant_id for one in own}
    sites = set(wanted.sites) | {one.site_id for one in own}
    if own:  # what of it is not held anew goes to whoever waits
        await lock_and_give(tx, stock, sites, now)
    positions = await lock_to_decide(
        tx, stock, sites, now, with_lots=tracked, sharing=[command.channel] if shares else []
    )
    own = await held_by(tx, [(command.channel, command.holder)]) if own else own
    ended = await end_held(
        tx,
        own,
        "released",
        actor_ids=[actor.person_id] * len(own),
        version=ground.version,
        reason="replaced by its holder",
    )
    given_back = [Take(*one.key, one.lot_id, one.quantity) for one in ended]
    decided = rules.decide([wanted], positions, ground.rules, {0: given_back})
    if not command.partial:
        _refuse_short(decided, found)
    until = _until(command, now, USUAL[command.kind])
    made = await _write(tx, actor, command, ground, decided, until)
    rest = {one.key for one in ended}
    await fill(tx, actor.person_id, rest, now, reason="a reservation was replaced")
    told = [
        ReservedLine(line_no=one.line, sku=found[one.line - 1].sku, asked=plain(one.asked), given=plain(one.given))
        for one in decided
    ]  # fmt: skip
    return await _answer(tx, command.channel, command.holder, until, told, made)


def _wanted(command: Reserve, lines: tuple[WantedLine, ...], ground: Ground, actor: Actor, now: datetime) -> Wanted:
    of = ground.rules.channels.get(command.channel, rules.NO_RULES)
    site = next((one for one in ground.sites if command.site and one.code.upper() == command.site.upper()), None)
    if command.site and site is None:
        raise InvalidValue("site", command.site, "is no site that sells")
    lives = (command.min_life_days, of.min_life_days)
    terms = Terms(
        channel=command.channel, tier=known_tier(command.tier, ground) or of.tier, site_id=site.id if site else None,
        fulfilment="split" if command.partial else "complete", ship_to=ShipTo(), arrived=now,
        min_life_days=next((days for days in lives if days is not None), ground.rules.min_life_days),
    )  # fmt: skip
    return want(0, terms, lines, ground, now, scope=actor.scope)


def _refuse_short(decided: Sequence[Decided], found: Sequence[VariantRef]) -> None:
    if all(one.given == one.asked for one in decided):
        return
    short = [
        {"line": one.line, "sku": found[one.line - 1].sku, "asked": one.asked, "available": one.facts["could_have"]}
        for one in decided
        if one.facts["could_have"] < one.asked
    ]
    first = short[0]
    raise NotEnoughAvailable(
        sku=first["sku"], site="the sites that may send it", asked=first["asked"], available=first["available"],
        shortages=short,
    )  # fmt: skip


async def _write(
    tx: Tx, actor: Actor, command: Reserve, ground: Ground, decided: Sequence[Decided], until: datetime
) -> list[int]:
    held: dict[tuple[int, int, int], Decimal] = defaultdict(lambda: ZERO)
    facts: dict[tuple[int, int, int], dict[str, Any]] = {}
    for one in decided:
        numbers = {(row["variant_id"], row["site_id"]): row for row in one.facts["positions"]}
        for take in one.takes:
            held[take[:3]] += take.quantity
            was = numbers.get((take.variant_id, take.site_id))
            facts.setdefault(take[:3], {"holder": command.holder, "channel": command.channel, "position": was})
    if not held:
        return []
    params: dict[str, Any] = {
        "kind": command.kind, "channel": command.channel, "holder": command.holder, "expires_at": until,
        "actor_id": actor.person_id, "config_version": ground.version,
        "variant_ids": [key[0] for key in held], "site_ids": [key[1] for key in held],
        "lot_ids": [key[2] for key in held], "quantities": list(held.values()),
        "facts": array([json.dumps(facts[key]).decode() for key in held]),
    }  # fmt: skip
    return cast(list[int], await tx.values(Q["reserve"], params))


async def _own(tx: Tx, actor: Actor, channel: str, holder: str) -> list[Holding]:
    """What the holder has, as far as it lies at the actor's sites."""
    held = await held_by(tx, [(channel, holder)])
    return [one for one in held if actor.scope is None or one.site_id in actor.scope]


async def _hold(tx: Tx, actor: Actor, channel: str, holder: str, now: datetime) -> tuple[list[Holding], Ground]:
    """What the holder has, with its positions locked; what has expired is not among it."""
    before = await _own(tx, actor, channel, holder)
    variants, sites = {one.variant_id for one in before}, sorted({one.site_id for one in before})
    if before:
        await lock_and_give(tx, variants, sites, now)
    locked = {one.key for one in before}
    held = [one for one in await _own(tx, actor, channel, holder) if one.key in locked]
    return held, await store.ground(tx)


async def _answer(
    tx: Tx, channel: str, holder: str, until: datetime, lines: list[ReservedLine], ids: Sequence[int]
) -> Reserved:
    params: dict[str, Any] = dict.fromkeys(("after", "channel", "holder", "kind", "sku", "scope"))
    found = await tx.rows(Q["reservations"], params | {"ids": list(ids), "live": False, "limit": len(ids)},
                          as_=Reservation)  # fmt: skip
    return Reserved(channel=channel, holder=holder, expires_at=until, lines=lines, reservations=found)


def _until(command: Reserve | ExtendReservation, now: datetime, usual: timedelta) -> datetime:
    seconds, at = command.expires_in_seconds, command.expires_at
    if seconds is not None and at is not None:
        raise InvalidValue("expires_at", at.isoformat(), "or expires_in_seconds, not both")
    if seconds is not None and not 0 < seconds <= LONGEST.total_seconds():
        raise InvalidValue("expires_in_seconds", seconds, "must be more than 0 and at most a year")
    if at is not None and (at.tzinfo is None or not now < at <= now + LONGEST):
        raise InvalidValue("expires_at", at.isoformat(), "must have a time zone and lie within a year from now")
    return at or now + (timedelta(seconds=seconds) if seconds is not None else usual)


def _check_names(channel: str, holder: str) -> None:
    for field, value, longest in (("channel", channel, 60), ("holder", holder, 200)):
        if not 0 < len(value) <= longest or not value.isprintable() or value != value.strip():
            raise InvalidValue(field, value, f"must have 1 to {longest} printable characters, no blanks at its ends")
