"""What allocation does when the ledger moves stock: keep what was promised, and give what comes to whoever waits."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final
from weakref import WeakKeyDictionary

import msgspec

from perpetua.access.types import Actor
from perpetua.allocation import store
from perpetua.allocation.errors import Promised
from perpetua.allocation.rules import Key
from perpetua.allocation.service.filling import fill
from perpetua.allocation.service.losing import LastInTurn, Why, last_in_turn, lose
from perpetua.allocation.service.relotting import Q as LOTS
from perpetua.allocation.service.relotting import keep_lots
from perpetua.kit.clock import system_clock
from perpetua.kit.database import Tx, array
from perpetua.kit.quantity import ZERO
from perpetua.ledger.types import Row

__all__ = ["KEEPER"]

CHOSEN: Final = frozenset({"SALE", "TRANSFER_OUT", "CONSUME"})
"""Somebody could have left it: refused where it is promised. All else (counted, broken, corrected) is a fact: the last
in turn wait again."""


class Short(msgspec.Struct, frozen=True, kw_only=True):
    """A position where more is promised than would be left."""

    variant_id: int
    site_id: int
    sku: str
    site: str
    sellable: Decimal
    allocated: Decimal
    reserved: Decimal
    change: Decimal
    too_much: Decimal


class Keeper:
    """Listens to the ledger."""

    def __init__(self) -> None:
        self._freed: WeakKeyDictionary[Tx, set[Key]] = WeakKeyDictionary()
        """Where more was given back than was lost, by transaction: given to whoever waits once the loss is written."""

    async def also(self, tx: Tx, rows: Sequence[Row]) -> Sequence[Key]:
        """What those who wait may need beside what comes, and what kits would give back of what goes; of what is lost,
        also what lies at other sites: whoever loses it may have that."""
        if all(row.quantity > 0 for row in rows) and not await tx.value(store.Q["anyone_waits"]):
            return []
        lost = {row.variant_id for row in rows if row.quantity < 0 and not _chosen(row)}
        needed = await store.also_needed(tx, {row.variant_id for row in rows}, losing=bool(lost))
        return [*needed, *await store.everywhere(tx, lost)]

    async def before(self, tx: Tx, actor: Actor, rows: Sequence[Row]) -> None:
        """Less would be left than is promised: refuse, or have the last in turn wait.

        Raises:
            Promised: a sale, transfer or consumption of what is promised to orders.
        """
        falling = [row for row in rows if row.quantity < 0]
        if not falling:
            return
        params = {
            "variant_ids": array([row.variant_id for row in rows]),
            "location_ids": array([row.location_id for row in rows]),
            "quantities": array([row.quantity for row in rows]),
        }
        short = await tx.rows(store.Q["promised_away"], params, as_=Short)
        if any(one.reserved for one in short):
            # What has expired holds nothing, whether or not somebody has written that down: locking ends it.
            keys = {(one.variant_id, one.site_id) for one in short}
            keys |= await store.lock_to_fill(tx, {key[0] for key in keys}, {key[1] for key in keys})
            self._freed.setdefault(tx, set()).update(keys)
            short = await tx.rows(store.Q["promised_away"], params, as_=Short)
        if not short:
            return
        chosen = {row.variant_id for row in falling if _chosen(row)}
        for one in short:
            if one.variant_id in chosen:
                left = max(one.sellable - one.allocated - one.reserved, ZERO)
                raise Promised(sku=one.sku, site=one.site, asked=-one.change, available=left, allocated=one.allocated,
                               reserved=one.reserved, on_hand=one.sellable)  # fmt: skip
        back = await _give_up(tx, actor, short)
        elsewhere = await store.everywhere(tx, {key[0] for key in back} | {one.variant_id for one in short})
        self._freed.setdefault(tx, set()).update(back, elsewhere)

    async def after(self, tx: Tx, actor: Actor, rows: Sequence[Row]) -> None:
        """Of lots no more is promised than is left. Stock came, or more was given back than was lost (of kits all goes
        or none): to those who wait for it.

        Raises:
            Promised: a sale, transfer or consumption of a lot that is promised, and other lots cannot stand in for it.
        """
        rising, freed = [row for row in rows if row.quantity > 0], self._freed.pop(tx, set[Key]())
        freed |= await self._keep_lots(tx, actor, [row for row in rows if row.quantity < 0 and row.lot_id])
        if not (rising or freed) or not await tx.value(store.Q["anyone_waits"]):
            return
        params = {
            "variant_ids": array([row.variant_id for row in rising]),
            "location_ids": array([row.location_id for row in rising]),
        }
        grown = {(row["variant_id"], row["site_id"]) for row in await tx.dicts(store.Q["grown"], params)}
        reason = "stock came" if rising else "others had to give it back, or it lies elsewhere"
        await fill(tx, actor.person_id, grown | freed, system_clock(), reason=reason)

    async def lots_change(self, tx: Tx, lot_ids: Sequence[int]) -> None:
        """Lock where something of these lots may be promised; where none is yet, none comes meanwhile."""
        keys = await self._places(tx, lot_ids)
        if keys:
            freed = await store.lock_to_fill(tx, {key[0] for key in keys}, {key[1] for key in keys}, losing=True)
            self._freed.setdefault(tx, set()).update(freed)

    async def lots_changed(self, tx: Tx, actor: Actor, lot_ids: Sequence[int], reason: str) -> None:
        """Of what may be sent no more, other lots come in or orders wait again; what may be sent now goes to whoever
        waits."""
        now, keys, freed = system_clock(), await self._places(tx, lot_ids), self._freed.pop(tx, set[Key]())
        variants, sites = {key[0] for key in keys}, {key[1] for key in keys}
        freed |= await keep_lots(tx, actor.person_id, variants, sites, now, because=reason)
        if await tx.value(store.Q["anyone_waits"]):
            await fill(tx, actor.person_id, freed | keys, now, reason=reason)

    async def _places(self, tx: Tx, lot_ids: Sequence[int]) -> set[Key]:
        rows = await tx.dicts(LOTS["positions_of_lots"], {"lot_ids": sorted(set(lot_ids))})
        return {(row["variant_id"], row["site_id"]) for row in rows}

    async def _keep_lots(self, tx: Tx, actor: Actor, falling: Sequence[Row]) -> set[Key]:
        if not falling:
            return set()
        chosen = {row.variant_id for row in falling if _chosen(row)}
        places = {row.location_id for row in falling}
        return await keep_lots(
            tx, actor.person_id, {row.variant_id for row in falling}, places, system_clock(), refuse=chosen
        )


KEEPER: Final = Keeper()


def _chosen(row: Row) -> bool:
    return row.type in CHOSEN and row.corrects_id is None


async def _give_up(tx: Tx, actor: Actor, short: Sequence[Short]) -> set[Key]:
    """Release allocations, the last in turn first, then reservations, until what is promised is there; the positions
    that have some back."""
    ground = await store.ground(tx)
    missing = {(one.variant_id, one.site_id): one.too_much for one in short}
    found = await last_in_turn(tx, ground, missing)
    lost, left = _given_up(found, missing)
    why = {(one.variant_id, one.site_id): _why(one) for one in short}
    freed = await lose(tx, actor.person_id, ground, found, lost, why)
    if left:
        params = {
            "variant_ids": [key[0] for key in left], "site_ids": [key[1] for key in left],
            "quantities": list(left.values()), "actor_id": actor.person_id, "config_version": ground.version,
        }  # fmt: skip
        await tx.execute(store.Q["drop_reservations"], params)
    return set(freed) | set(left)


def _given_up(
    found: Sequence[LastInTurn], missing: Mapping[Key, Decimal]
) -> tuple[dict[int, Decimal], dict[Key, Decimal]]:
    """How much of which allocations is given up, until as much is back as is missing; and what is missing still."""
    left = dict(missing)
    lost: dict[int, Decimal] = {}
    groups: dict[tuple[str, int], list[LastInTurn]] = defaultdict(list)
    for one in found:
        if one.together:
            groups[one.together].append(one)
    for one in found:
        need = left.get(one.key, ZERO)
        if need <= 0 or one.id in lost:
            continue
        for part in groups[one.together] if one.together else [one]:
            lost[part.id] = part.quantity if one.together else min(need, part.quantity)
            if part.key in left:
                left[part.key] -= lost[part.id]
    return lost, {key: quantity for key, quantity in left.items() if quantity > 0}


def _why(one: Short) -> Why:
    facts = {"sellable": one.sellable, "change": one.change, "allocated": one.allocated, "reserved": one.reserved}
    return Why("the stock is no longer there", facts)
