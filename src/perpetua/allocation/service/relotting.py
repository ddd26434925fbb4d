"""What is promised of a lot is there: when it gives less, promises move to other lots there, or wait again."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from perpetua.allocation import rules, store
from perpetua.allocation.errors import Promised
from perpetua.allocation.rules import Key
from perpetua.allocation.service.losing import LastInTurn, Why, last_in_turn, lose, whole
from perpetua.allocation.service.releasing import Ending, end
from perpetua.allocation.store import Entry, Ground
from perpetua.allocation.types import LotPromise, LotStock, Relotted, Take
from perpetua.kit import json
from perpetua.kit.database import Queries, Tx, array
from perpetua.kit.quantity import ZERO

__all__ = ["Q", "keep_lots"]

Q = Queries(store.__file__, "lots.sql")


class ShortLot(msgspec.Struct, frozen=True, kw_only=True):
    """A lot at a position of which more is promised than may be sent of it."""

    variant_id: int
    site_id: int
    lot_id: int
    sku: str
    site: str
    lot: str
    promised: Decimal
    there: Decimal
    why: str

    @property
    def key(self) -> Key:
        """Its position."""
        return self.variant_id, self.site_id


class Reserved(msgspec.Struct, frozen=True, kw_only=True):
    """An open reservation of a lot."""

    id: int
    variant_id: int
    site_id: int
    lot_id: int
    quantity: Decimal
    channel: str
    holder: str

    @property
    def key(self) -> Key:
        """Its position."""
        return self.variant_id, self.site_id


class Stand(NamedTuple):
    """How promises and lots stand at the positions in question, and what was found too much."""

    ground: Ground
    short: Sequence[ShortLot]
    reserved: Sequence[Reserved]
    allocated: Sequence[LastInTurn]
    lots: Mapping[Key, list[LotStock]]
    numbers: Mapping[int, str]
    because: str | None

    def why(self, key: Key) -> Why:
        """Why promises at the position move or end."""
        mine = [one for one in self.short if one.key == key]
        facts = {"lots": [{"lot": one.lot, "promised": one.promised, "there": one.there} for one in mine]}
        told = "; ".join(f"lot {one.lot} {one.why}" for one in mine)
        return Why(f"{told}: {self.because}" if self.because else told, facts)

    def number(self, lot_id: int) -> str:
        """What people call a lot."""
        return next((one.lot for one in self.short if one.lot_id == lot_id), self.numbers.get(lot_id, str(lot_id)))


async def keep_lots(
    tx: Tx, actor_id: int, variant_ids: Collection[int], location_ids: Collection[int], now: datetime, *,
    refuse: Collection[int] = (), because: str | None = None,
) -> set[Key]:  # fmt: skip
    """Where more of a lot is promised than may be sent, move promises to other lots of the position, else give them up,
    the last in turn first; the positions that may have some to give. In the transaction that took the goods.

    Args:
        variant_ids, location_ids: whose positions the caller has locked: of these items, at the sites of these places.
        refuse: variants of which nothing may be given up.
        because: why it happens, where somebody has said.

    Raises:
        Promised: something of these would have to be.
    """
    asked = {"variant_ids": sorted(variant_ids), "location_ids": sorted(location_ids), "today": now.date()}
    short = await tx.rows(Q["short_lots"], asked, as_=ShortLot)
    if not short:
        return set()
    # What has expired holds nothing: locking ends it. With it is locked what those who give something up hold beside.
    freed = {one.key for one in short}
    variants = {key[0] for key in freed}
    elsewhere = set(await store.everywhere(tx, variants))
    freed |= await store.lock_to_fill(tx, variants, {key[1] for key in freed | elsewhere}, losing=True)
    short = await tx.rows(Q["short_lots"], asked, as_=ShortLot)
    if not short:
        return freed
    touched = {one.key for one in short}
    stand = await _stand(tx, short, now.date(), because)
    relotted: dict[int, Relotted] = {}
    held: dict[int, Relotted] = {}
    for key in sorted(touched):
        own, theirs = _promises(stand, key)
        promises = [_promise(stand.ground, one, now.date()) for one in (*own, *theirs)]
        done = rules.relot(promises, stand.lots.get(key, []))
        held |= {one.id: what for one, what in zip(own, done, strict=False)}
        relotted |= {one.id: what for one, what in zip(theirs, done[len(own) :], strict=True)}
        if key[0] in refuse and any(what.lost for what in done):
            raise _promised(stand, key, sum((what.lost for what in done), ZERO))
    lost = whole(stand.allocated, {of: what.lost for of, what in relotted.items()})
    await lose(tx, actor_id, stand.ground, stand.allocated, lost, {key: stand.why(key) for key in touched})
    await _move(tx, actor_id, stand, relotted, lost, held)
    # Whoever lost something may have what lies elsewhere.
    return freed | {one.key for one in stand.allocated if lost.get(one.id)} | (elsewhere if lost else set())


async def _stand(tx: Tx, short: Sequence[ShortLot], today: date, because: str | None) -> Stand:
    keys = sorted({one.key for one in short})
    asked = {"variant_ids": [key[0] for key in keys], "site_ids": [key[1] for key in keys], "today": today}
    ground = await store.ground(tx)
    lots: dict[Key, list[LotStock]] = defaultdict(list)
    numbers: dict[int, str] = {}
    for row in await tx.dicts(Q["usable_lots"], asked):
        lots[row["variant_id"], row["site_id"]].append(LotStock(row["lot_id"], row["there"], row["expires_on"]))
        numbers[row["lot_id"]] = row["number"]
    reserved = await tx.rows(Q["reserved_lots"], asked, as_=Reserved)
    return Stand(ground, short, reserved, await last_in_turn(tx, ground, keys), lots, numbers, because)


def _promises(stand: Stand, key: Key) -> tuple[list[Reserved], list[LastInTurn]]:
    """At the position, the first in turn first: what is reserved, then what is allocated."""
    own = [one for one in stand.reserved if one.key == key]
    return own, [one for one in reversed(stand.allocated) if one.key == key and one.lot_id]


def _promise(ground: Ground, one: Reserved | LastInTurn, today: date) -> LotPromise:
    if isinstance(one, LastInTurn):
        days = one.min_life_days
    else:
        own = ground.rules.channels.get(one.channel, rules.NO_RULES).min_life_days
        days = ground.rules.min_life_days if own is None else own
    return LotPromise(one.lot_id, one.quantity, today + timedelta(days=days) if days else None)


def _promised(stand: Stand, key: Key, lost: Decimal) -> Promised:
    one = next(one for one in stand.short if one.key == key)
    allocated = sum((each.quantity for each in stand.allocated if each.key == key), ZERO)
    reserved = sum((each.quantity for each in stand.reserved if each.key == key), ZERO)
    return Promised(
        sku=one.sku, site=one.site, lot=one.lot, asked=one.promised - one.there,
        available=one.promised - one.there - lost, allocated=allocated, reserved=reserved,
    )  # fmt: skip


async def _move(
    tx: Tx, actor_id: int, stand: Stand, relotted: Mapping[int, Relotted], lost: Mapping[int, Decimal],
    held: Mapping[int, Relotted],
) -> None:  # fmt: skip
    """Write the moves: all leave their lots before any comes to another, so that none holds too much in between."""
    endings: list[Ending] = []
    takes: list[tuple[int, Take]] = []
    entries: list[Entry] = []
    for one in stand.allocated:
        if one.id not in relotted or not relotted[one.id].moved or lost.get(one.id) == one.quantity:
            continue
        moved = relotted[one.id].moved
        total = sum(moved.values(), ZERO)
        endings.append(Ending(one, total))
        takes += [(one.line_id, Take(*one.key, to, part)) for to, part in moved.items()]
        why = stand.why(one.key)
        facts = {"site_id": one.site_id, "variant_id": one.variant_id, **_told(stand, one.lot_id, moved), **why.facts}
        entries.append(
            Entry(actor_id, "moved", one.order_id, one.line_id, one.line_variant_id, total, total, facts, why.reason)
        )
    await end(tx, endings, "released")
    await _hold(tx, actor_id, stand, held)
    if takes:
        await store.record(tx, stand.ground.version, takes, entries)


def _told(stand: Stand, lot_id: int, moved: Mapping[int, Decimal]) -> dict[str, Any]:
    return {"from_lot": stand.number(lot_id), "to_lots": {stand.number(to): part for to, part in moved.items()}}


async def _hold(tx: Tx, actor_id: int, stand: Stand, held: Mapping[int, Relotted]) -> None:
    """Reservations move to other lots, or end; each keeps its id for the first lot it has then."""
    kept: list[tuple[int, int, Decimal, bool]] = []
    more: list[tuple[int, int, Decimal]] = []
    told: list[tuple[str, Reserved, Decimal, Decimal, dict[str, Any], str]] = []
    for one in stand.reserved:
        what = held.get(one.id)
        if what is None or not (what.moved or what.lost):
            continue
        stays = one.quantity - what.lost - sum(what.moved.values(), ZERO)
        parts = [(one.lot_id, stays)] * bool(stays) + list(what.moved.items())
        kept.append((one.id, *(parts[0] if parts else (one.lot_id, one.quantity)), not parts))
        more += [(one.id, *part) for part in parts[1:]]
        why = stand.why(one.key)
        facts = {"site_id": one.site_id, "holder": one.holder, "channel": one.channel, **why.facts}
        if parts:
            total = sum(what.moved.values(), ZERO)
            facts |= _told(stand, one.lot_id, what.moved)
            told.append(("moved", one, total + what.lost, total, facts, why.reason))
        else:
            told.append(("reservation_ended", one, what.lost, ZERO, facts | {"state": "released"}, why.reason))
    if not kept:
        return
    ids, lot_ids, quantities, ends = zip(*kept, strict=True)
    asked = {"ids": array(ids), "lot_ids": array(lot_ids), "quantities": array(quantities), "ends": list(ends)}
    await tx.execute(Q["relot_reservations"], asked)
    if more:
        ids, lot_ids, quantities = zip(*more, strict=True)
        asked = {"ids": array(ids), "lot_ids": array(lot_ids), "quantities": array(quantities)}
        await tx.execute(
            Q["split_reservations"], asked | {"actor_id": actor_id, "config_version": stand.ground.version}
        )
    params: dict[str, Any] = {
        "actor_id": actor_id, "config_version": stand.ground.version,
        "actions": array([row[0] for row in told]), "ids": array([row[1].id for row in told]),
        "variant_ids": array([row[1].variant_id for row in told]), "quantities": array([row[2] for row in told]),
        "givens": array([row[3] for row in told]), "facts": array([json.dumps(row[4]).decode() for row in told]),
        "reasons": array([row[5] for row in told]),
    }  # fmt: skip
    await tx.execute(Q["tell_reservations"], params)
