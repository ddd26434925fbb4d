"""Promises of lots, when a lot gives less than was promised of it: which move to other lots, and which are given up."""

from bisect import insort
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal

from perpetua.allocation.types import LotPromise, LotStock, Relotted
from perpetua.kit.quantity import ZERO

__all__ = ["relot"]

Move = Callable[[int, Decimal, int], Decimal]
"""Gives a promise so much at the most, for the sake of the one whose turn it is; how much it gave."""


def relot(promises: Sequence[LotPromise], lots: Sequence[LotStock]) -> list[Relotted]:
    """What becomes of each promise at a position, in their order.

    Who comes first keeps what he has before others, as far as his lot gives it. What a lot no longer gives moves to
    what is free in others, the first to expire first, if they last long enough; where only others' moving makes room,
    they move; and where nothing is free, the last in turn give up what he can use. Never more is given up than must be.

    Args:
        promises: all open ones there, the first in turn first.
        lots: those that may be sent, with all that lies of them (`free` before any promise); first expired first.
    """
    shelf = _Lots(promises, lots)
    for at, one in enumerate(promises):
        left = one.quantity - shelf.has(at)
        for move in (shelf.free_lots, shelf.bump):
            for step in (move, shelf.shift_by(move)):
                if left > 0:
                    left -= step(at, left, at)
    return [shelf.told(at) for at in range(len(promises))]


class _Lots:
    """Who has how much of which lot, as promises move."""

    def __init__(self, promises: Sequence[LotPromise], lots: Sequence[LotStock]) -> None:
        self.promises, self.lots = promises, lots
        self.room: dict[int, Decimal] = {lot.lot_id: max(lot.free, ZERO) for lot in lots}
        self.placed: list[dict[int, Decimal]] = []
        self.holders: dict[int, list[int]] = {lot.lot_id: [] for lot in lots}
        """Who has some of a lot, as it was dealt out at first; the first in turn first."""
        self.stuck: dict[str, date] = {}
        """By the way of moving: nobody can make room for who needs lots that last until then, or longer."""
        for at, one in enumerate(promises):
            part = min(one.quantity, self.room.get(one.lot_id, ZERO))
            self.placed.append({})
            if part > 0:
                self._give(at, one.lot_id, part)
                self.room[one.lot_id] -= part

    def has(self, at: int) -> Decimal:
        return sum(self.placed[at].values(), ZERO)

    def told(self, at: int) -> Relotted:
        one = self.promises[at]
        moved = {lot_id: part for lot_id, part in self.placed[at].items() if lot_id != one.lot_id}
        return Relotted(moved, one.quantity - self.has(at))

    def free_lots(self, at: int, left: Decimal, first: int) -> Decimal:
        """Of what is free; how much."""
        got = ZERO
        for lot in self._usable(at):
            part = min(left - got, self.room[lot.lot_id])
            if part > 0:
                self._give(at, lot.lot_id, part)
                self.room[lot.lot_id] -= part
                got += part
        return got

    def bump(self, at: int, left: Decimal, first: int) -> Decimal:
        """Of what those have who come after `first`, the last in turn first; how much. Their turn comes after this."""
        got = ZERO
        while got < left:
            behind = [(other, lot.lot_id) for lot in self._usable(at) if (other := self._last(lot.lot_id)) > first]
            if not behind:
                break
            other, lot_id = max(behind)
            part = min(left - got, self.placed[other][lot_id])
            self._pass(other, at, lot_id, part)
            got += part
        return got

    def shift_by(self, move: Move) -> Move:
        """Of what others have who need not lots that last so long, and can move so; how much."""

        def shift(at: int, left: Decimal, first: int) -> Decimal:
            until = self.promises[at].lasts_until or date.min
            if until >= self.stuck.get(move.__name__, date.max):
                return ZERO
            got = ZERO
            for lot in self._usable(at):
                for other in self.holders[lot.lot_id][::-1]:
                    part = min(left - got, self.placed[other].get(lot.lot_id, ZERO))
                    if part <= 0 or (self.promises[other].lasts_until or date.min) >= until:
                        continue
                    moved = move(other, part, first)
                    if moved < part:
                        moved += shift(other, part - moved, first)
                    self._pass(other, at, lot.lot_id, moved)
                    got += moved
            if got < left:
                self.stuck[move.__name__] = until
            return got

        return shift

    def _usable(self, at: int) -> list[LotStock]:
        """Lots that last long enough, and its own: what was promised may stay so."""
        own, _, until = self.promises[at]
        return [
            lot for lot in self.lots
            if until is None or lot.lot_id == own or lot.expires_on is None or lot.expires_on >= until
        ]  # fmt: skip

    def _last(self, lot_id: int) -> int:
        """The last in turn who has some of the lot; -1 where nobody has."""
        holders = self.holders[lot_id]
        while holders and self.placed[holders[-1]].get(lot_id, ZERO) <= 0:
            holders.pop()
        return holders[-1] if holders else -1

    def _give(self, at: int, lot_id: int, part: Decimal) -> None:
        mine = self.placed[at]
        if lot_id not in mine:
            insort(self.holders[lot_id], at)
        mine[lot_id] = mine.get(lot_id, ZERO) + part

    def _pass(self, other: int, at: int, lot_id: int, part: Decimal) -> None:
        if part > 0:
            left = self.placed[other].pop(lot_id) - part
            if left > 0:
                self.placed[other][lot_id] = left
            self._give(at, lot_id, part)
