"""Orders give up what was promised to them, as it is no longer there: they wait again, in the place they had.

Of a kit all components go, or none. An order that goes together or not at all gives up all of it, so that it neither
leaves short nor keeps from others what it cannot use; only one that people have in their hands (it is being picked, or
is packed) keeps the rest, and does not leave before it is whole again.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from perpetua.allocation import store
from perpetua.allocation.rules import Key
from perpetua.allocation.service.releasing import Ending, Open, end, in_turn_params, settle_statuses
from perpetua.allocation.store import Entry, Ground
from perpetua.kit.database import Tx
from perpetua.kit.quantity import ZERO
from perpetua.orders import service as orders
from perpetua.orders.types import Fulfilment, LineChange, OrderStatus

__all__ = ["LastInTurn", "Why", "last_in_turn", "lose", "whole"]


class LastInTurn(Open, frozen=True, kw_only=True):
    """An open allocation, with what is needed to give its line's back."""

    order_id: int
    kit: bool
    line_variant_id: int
    fulfilment: Fulfilment
    status: OrderStatus
    min_life_days: int

    @property
    def together(self) -> tuple[str, int] | None:
        """What it is given up together with; None, where a part of it can go alone."""
        if self.fulfilment == "complete" and not orders.on_floor(self.status):
            return "order", self.order_id
        return ("line", self.line_id) if self.kit else None


class Why(NamedTuple):
    """Why something is given up: in words, and the numbers."""

    reason: str
    facts: Mapping[str, Any]


async def last_in_turn(tx: Tx, ground: Ground, keys: Collection[Key]) -> list[LastInTurn]:
    """The open allocations at these positions, the last in turn first, with all that would be given up with them."""
    asked: dict[str, Any] = {
        "variant_ids": sorted({key[0] for key in keys}), "site_ids": sorted({key[1] for key in keys})
    }  # fmt: skip
    return await tx.rows(store.Q["last_in_turn"], asked | in_turn_params(ground.rules), as_=LastInTurn)


def whole(found: Sequence[LastInTurn], lost: Mapping[int, Decimal]) -> dict[int, Decimal]:
    """All that is given up, by allocation, when so much of these is: with it what goes together with them."""
    together = {one.together for one in found if lost.get(one.id)} - {None}
    every = {one.id: one.quantity for one in found if one.together in together}
    return {of: quantity for of, quantity in lost.items() if quantity} | every


async def lose(
    tx: Tx, actor_id: int, ground: Ground, found: Sequence[LastInTurn], lost: Mapping[int, Decimal],
    why: Mapping[Key, Why],
) -> dict[Key, Decimal]:  # fmt: skip
    """Give up so much of these allocations (all that goes together is among it); what each position has back.

    Args:
        lost: by allocation; see `whole`.
        why: by position; where there is none, it is given up for the sake of what goes with it.
    """
    gone = [one for one in found if lost.get(one.id)]
    if not gone:
        return {}
    await orders.lock(tx, {one.order_id for one in gone})
    lines = {line.id: line for line in await orders.lines_to_change(tx, *{one.order_id for one in gone})}
    back: dict[Key, Decimal] = defaultdict(lambda: ZERO)
    by_line: dict[int, list[LastInTurn]] = defaultdict(list)
    for one in gone:
        back[one.key] += lost[one.id]
        by_line[one.line_id].append(one)
    changes: list[LineChange] = []
    entries: list[Entry] = []
    for line_id, some in by_line.items():
        line = lines[line_id]
        given_up = line.allocated if line.kit else sum((lost[one.id] for one in some), ZERO)
        cause = next((why[one.key] for one in some if one.key in why), None)
        facts = {"site_id": some[0].site_id, "was_allocated": line.allocated, **(cause.facts if cause else {})}
        if some[0].together and some[0].fulfilment == "complete":
            facts["because"] = "complete"
        reason = cause.reason if cause else "the order goes together or not at all, and not all of it is there"
        changes.append(LineChange(line_id, allocated=-given_up))
        entries.append(
            Entry(actor_id, "released", line.order_id, line_id, line.variant_id, given_up, ZERO, facts, reason)
        )
    await end(tx, [Ending(one, lost[one.id]) for one in gone], "released")
    await orders.change_lines(tx, changes)
    await store.record(tx, ground.version, [], entries)
    await settle_statuses(tx, {one.order_id for one in gone})
    return dict(back)
