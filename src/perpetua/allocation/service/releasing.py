"""Stock that was promised is taken back from orders, or leaves with them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

import msgspec

from perpetua.allocation import store
from perpetua.allocation.rules import Key
from perpetua.kit.database import Tx, array
from perpetua.kit.quantity import ZERO

__all__ = ["Open", "end", "open_of", "part_of"]


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """An open allocation."""

    id: int
    line_id: int
    variant_id: int
    site_id: int
    lot_id: int
    quantity: Decimal

    @property
    def key(self) -> Key:
        """Its position."""
        return self.variant_id, self.site_id


class Ending(NamedTuple):
    """So much of an open allocation ends."""

    of: Open
    quantity: Decimal


async def open_of(tx: Tx, line_ids: Iterable[int]) -> dict[int, list[Open]]:
    """The open allocations of lines, by line."""
    found: dict[int, list[Open]] = defaultdict(list)
    for one in await tx.rows(store.Q["open_of_lines"], {"line_ids": sorted(set(line_ids))}, as_=Open):
        found[one.line_id].append(one)
    return found


def part_of(allocations: Sequence[Open], share: Decimal, whole: Decimal) -> list[Ending]:
    """Endings for `share` of the `whole` that a line has allocated: of each component as much as goes with it.

    The last taken is the first given back.
    """
    left: dict[int, Decimal] = defaultdict(lambda: ZERO)
    for one in allocations:
        left[one.variant_id] += one.quantity
    left = {variant: total * share / whole for variant, total in left.items()}
    endings: list[Ending] = []
    for one in reversed(allocations):
        part = min(left[one.variant_id], one.quantity)
        if part > 0:
            endings.append(Ending(one, part))
            left[one.variant_id] -= part
    return endings


async def end(tx: Tx, endings: Sequence[Ending], state: Literal["shipped", "released"]) -> set[Key]:
    """End so much of the allocations, in one statement; the positions that have it back (or are rid of it)."""
    if endings:
        params = {
            "ids": array([one.of.id for one in endings]), "quantities": array([one.quantity for one in endings]),
            "state": state,
        }  # fmt: skip
        await tx.execute(store.Q["end_allocations"], params)
    return {one.of.key for one in endings}
