"""What plates do when the ledger moves goods without them: give up what is no longer there."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from perpetua.access.types import Actor
from perpetua.kit.database import Tx, array
from perpetua.ledger.types import Row
from perpetua.plates import store
from perpetua.plates.store import Content, Q

__all__ = ["KEEPER", "facts_of", "take"]


class Keeper:
    """Listens to the ledger."""

    async def also(self, tx: Tx, rows: Sequence[Row]) -> Sequence[tuple[int, int]]:
        """None: what stands on plates is part of the rows' own levels."""
        return []

    async def before(self, tx: Tx, actor: Actor, rows: Sequence[Row]) -> None:
        """Goods on plates may be taken like others."""

    async def after(self, tx: Tx, actor: Actor, rows: Sequence[Row]) -> None:
        """Where plates hold more than is left, they give it up, the one with the least first; a closed plate whose last
        goods were sold has left with them."""
        falling = [row for row in rows if row.quantity < 0]
        if not falling:
            return
        params = {
            "variant_ids": array([row.variant_id for row in falling]),
            "location_ids": array([row.location_id for row in falling]),
            "lot_ids": array([row.lot_id for row in falling]),
        }
        lost = await tx.rows(Q["too_much"], params, as_=Content)
        if not lost:
            return
        await take(tx, lost)
        by_plate: dict[int, list[Content]] = defaultdict(list)
        for one in lost:
            by_plate[one.plate_id].append(one)
        await store.tell(tx, actor.person_id, "gave_up", [(plate, facts_of(some)) for plate, some in by_plate.items()])
        if any(row.type == "SALE" and row.corrects_id is None for row in falling):
            await _leave(tx, actor, list(by_plate))

    async def lots_change(self, tx: Tx, lot_ids: Sequence[int]) -> None:
        """Whether goods may be sent does not matter to what they stand on."""

    async def lots_changed(self, tx: Tx, actor: Actor, lot_ids: Sequence[int], reason: str) -> None:
        """Nor when it has changed."""


KEEPER: Final = Keeper()


async def take(tx: Tx, contents: Sequence[Content]) -> None:
    """Take so much of these contents off their plates, under their positions' locks. One statement."""
    params = {
        "plate_ids": array([one.plate_id for one in contents]),
        "variant_ids": array([one.variant_id for one in contents]),
        "lot_ids": array([one.lot_id for one in contents]),
        "serial_ids": array([one.serial_id for one in contents]),
        "quantities": array([one.quantity for one in contents]),
    }
    await tx.execute(Q["take"], params)


def facts_of(contents: Sequence[Content]) -> dict[str, Any]:
    """What of them is kept with an event: by item and lot, how much, and which serials."""
    sums: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    serials: dict[tuple[int, int], list[int]] = defaultdict(list)
    for one in contents:
        sums[one.variant_id, one.lot_id] += one.quantity
        if one.serial_id:
            serials[one.variant_id, one.lot_id].append(one.serial_id)
    return {
        "goods": [
            {"variant_id": variant, "lot_id": lot, "quantity": quantity, "serial_ids": serials[variant, lot][:1000]}
            for (variant, lot), quantity in sorted(sums.items())
        ]
    }


async def _leave(tx: Tx, actor: Actor, plate_ids: list[int]) -> None:
    # A pallet leaves when its last box has: from the boxes up, as many rounds as plates stand on each other.
    while plate_ids:
        gone = await tx.dicts(Q["left_whole"], {"ids": plate_ids})
        if not gone:
            return
        ids = [row["id"] for row in gone]
        await tx.execute(Q["set_status"], {"ids": ids, "status": "shipped"})
        await store.tell(tx, actor.person_id, "shipped", [(one, {}) for one in ids])
        plate_ids = [row["parent_id"] for row in gone if row["parent_id"] is not None]
