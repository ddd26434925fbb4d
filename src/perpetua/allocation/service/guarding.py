"""What allocation does when the ledger moves stock: keep what was promised, and give what comes to whoever waits."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final
from weakref import WeakKeyDictionary

import msgspec

from perpetua.access.types import Actor
from perpetua.allocation import store
from perpetua.allocation.errors import Promised
from perpetua.allocation.rules import Key
from perpetua.allocation.service.filling import fill, in_turn_params, settle_statuses
from perpetua.allocation.service.releasing import Ending, Open, end
from perpetua.allocation.store import Entry, Ground
from perpetua.kit.clock import system_clock
from perpetua.kit.database import Tx, array
from perpetua.kit.quantity import ZERO
from perpetua.ledger.types import Row
from perpetua.orders import service as orders
from perpetua.orders.types import LineChange

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


class LastInTurn(Open, frozen=True, kw_only=True):
    """An open allocation, with what is needed to give its line's back; `here`: it stands at a position asked for."""

    order_id: int
    kit: bool
    line_variant_id: int
    here: bool


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
        needed = await store.also_needed(tx, {row.variant_id for row in rows})
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
            await store.lock_to_fill(tx, {key[0] for key in keys}, {key[1] for key in keys})
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
        """Stock came, or more was given back than was lost (of kits all goes or none): to those who wait for it."""
        rising, freed = [row for row in rows if row.quantity > 0], self._freed.pop(tx, set())
        if not (rising or freed) or not await tx.value(store.Q["anyone_waits"]):
            return
        params = {
            "variant_ids": array([row.variant_id for row in rising]),
            "location_ids": array([row.location_id for row in rising]),
        }
        grown = {(row["variant_id"], row["site_id"]) for row in await tx.dicts(store.Q["grown"], params)}
        reason = "stock came" if rising else "others had to give it back, or it lies elsewhere"
        await fill(tx, actor.person_id, grown | freed, system_clock(), reason=reason)


KEEPER: Final = Keeper()


def _chosen(row: Row) -> bool:
    return row.type in CHOSEN and row.corrects_id is None


async def _give_up(tx: Tx, actor: Actor, short: Sequence[Short]) -> set[Key]:
    """Release allocations, the last in turn first, then reservations, until what is promised is there; the positions
    that have some back."""
    ground = await store.ground(tx)
    asked: dict[str, Any] = {
        "variant_ids": [one.variant_id for one in short], "site_ids": [one.site_id for one in short]
    }  # fmt: skip
    found = await tx.rows(store.Q["last_in_turn"], asked | in_turn_params(ground.rules), as_=LastInTurn)
    missing = {(one.variant_id, one.site_id): one.too_much for one in short}
    order_ids, freed = await _lose(tx, actor, ground, found, missing)
    left = {key: quantity for key, quantity in missing.items() if quantity > 0}
    if left:
        params = {
            "variant_ids": [key[0] for key in left], "site_ids": [key[1] for key in left],
            "quantities": list(left.values()), "actor_id": actor.person_id, "config_version": ground.version,
        }  # fmt: skip
        await tx.execute(store.Q["drop_reservations"], params)
    await settle_statuses(tx, order_ids)
    return freed | set(left)


async def _lose(
    tx: Tx, actor: Actor, ground: Ground, found: Sequence[LastInTurn], missing: dict[Key, Decimal]
) -> tuple[set[int], set[Key]]:
    """End as much of the allocations as is missing; the orders that lost some, and the positions that have some back.
    `missing` is left with the rest."""
    endings: list[Ending] = []
    lost: dict[int, tuple[LastInTurn, Decimal]] = {}
    kits: set[int] = set()
    for one in found:
        need = missing.get(one.key, ZERO)
        if one.line_id in kits or need <= 0:
            continue
        if one.kit:
            # Of a kit all components go, or none: the whole line waits again.
            kits.add(one.line_id)
            parts = [part for part in found if part.line_id == one.line_id]
            endings += [Ending(part, part.quantity) for part in parts]
            for part in parts:
                if part.key in missing:
                    missing[part.key] -= part.quantity
            lost[one.line_id] = (one, ZERO)
            continue
        part = min(need, one.quantity)
        missing[one.key] -= part
        endings.append(Ending(one, part))
        lost[one.line_id] = (one, lost.get(one.line_id, (one, ZERO))[1] + part)
    if not endings:
        return set(), set()
    order_ids = {one.order_id for one, _ in lost.values()}
    await orders.lock(tx, order_ids)
    kit_orders = {one.order_id for one, _ in lost.values() if one.kit}
    whole = {line.id: line.allocated for line in await orders.lines_to_change(tx, *kit_orders)} if kit_orders else {}
    changes = [LineChange(line_id, allocated=-(quantity or whole[line_id])) for line_id, (_, quantity) in lost.items()]
    freed = await end(tx, endings, "released")
    await orders.change_lines(tx, changes)
    entries = [
        Entry(actor.person_id, "released", one.order_id, line_id, one.line_variant_id, -change.allocated, ZERO,
              {"site_id": one.site_id}, "the stock is no longer there")
        for (line_id, (one, _)), change in zip(lost.items(), changes, strict=True)
    ]  # fmt: skip
    await store.record(tx, ground.version, [], entries)
    return order_ids, freed
