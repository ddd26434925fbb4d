"""The plates' statements, and what they give."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from perpetua.kit import json
from perpetua.kit.database import Queries, Tx, array

__all__ = ["Content", "Held", "Q", "contents_of", "tell", "tree_of"]

Q = Queries(__file__)


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A plate of a tree; `depth` 0 is the one asked for."""

    id: int
    code: str
    location_id: int
    parent_id: int | None
    status: str
    version: int
    depth: int


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """Goods on a plate, by ids; `serial_id` 0 where there is none."""

    plate_id: int
    variant_id: int
    lot_id: int
    serial_id: int
    quantity: Decimal

    @property
    def goods(self) -> tuple[int, int, int]:
        """What it is: variant, lot, serial."""
        return self.variant_id, self.lot_id, self.serial_id


async def tree_of(tx: Tx, plate_id: int, *, lock: bool = False) -> list[Held]:
    """The plate and all on it, parents first; empty where there is no such plate. With `lock`, locked first."""
    if lock:
        await tx.execute(Q["lock_tree"], {"plate_id": plate_id})
    return await tx.rows(Q["tree"], {"plate_id": plate_id}, as_=Held)


async def contents_of(tx: Tx, plate_ids: Sequence[int]) -> list[Content]:
    """The goods on these plates."""
    return await tx.rows(Q["contents"], {"plate_ids": list(plate_ids)}, as_=Content)


async def tell(tx: Tx, actor_id: int, action: str, plates: Sequence[tuple[int, dict[str, Any]]]) -> None:
    """Keep what happened to plates, each with its facts."""
    if plates:
        facts = array([json.dumps(fact).decode() for _, fact in plates])
        params = {"ids": [one for one, _ in plates], "facts": facts, "actor_id": actor_id, "action": action}
        await tx.execute(Q["tell"], params)
