"""Stock that was promised is taken back from orders, or leaves with them; and what becomes of their statuses."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

import msgspec

from perpetua.allocation import store
from perpetua.allocation.rules import Key
from perpetua.allocation.types import Rules
from perpetua.kit.database import Tx, array
from perpetua.kit.quantity import ZERO
from perpetua.orders import service as orders
from perpetua.orders.types import OrderStatus

__all__ = ["Ending", "Open", "end", "in_turn_params", "open_of", "part_of", "settle_statuses"]


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


def in_turn_params(of: Rules) -> dict[str, object]:
    """The parameters by which a statement puts orders in their turn."""
    tiers = of.tiers if of.queue == "priority" else []
    return {
        "tiers": [tier.code for tier in tiers], "ranks": [tier.rank for tier in tiers],
        "worst": 1 + max((tier.rank for tier in tiers), default=0),
    }  # fmt: skip


async def settle_statuses(tx: Tx, order_ids: Iterable[int], *, left: bool = False) -> None:
    """Write the statuses that the orders' lines come to now; `left`: goods of theirs have just left."""
    counts = await orders.counts(tx, sorted(set(order_ids)))
    statuses: dict[int, OrderStatus] = {
        order_id: orders.settled(now, lines, left=left) for order_id, (now, lines) in counts.items()
    }
    await orders.set_statuses(tx, statuses)
