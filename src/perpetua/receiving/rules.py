"""What goods that came are for: decided from the lines that are open, nothing else."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from perpetua.kit.quantity import ZERO
from perpetua.receiving.types import Allotted, Found, OpenLine, Part

__all__ = ["allot"]


def allot(came: Sequence[Found], lines: Iterable[OpenLine]) -> tuple[list[Allotted], list[tuple[Found, Decimal]]]:
    """What each line that came is for, in their order; and those of which too much came, with how much is let through.

    What is open is filled first, the earliest due first. What is more goes to the earliest line that takes more without
    a question; beyond that only what is accepted as over, at the item's last line. An item of no line is unexpected;
    what is wrong (another item should have come) is for no line.
    """
    open_: dict[int, list[OpenLine]] = defaultdict(list)
    for line in sorted(lines, key=lambda one: (one.due or date.max, one.po_id, one.line_no)):
        open_[line.variant_id].append(line)
    taken: dict[int, Decimal] = defaultdict(lambda: ZERO)
    allotted: list[Allotted] = []
    over: list[tuple[Found, Decimal]] = []
    for one in came:
        mine = [line for line in open_.get(one.variant_id, ()) if one.po_id in (None, line.po_id)]
        if one.wrong or not mine:
            allotted.append(Allotted(one.at, [Part(None, one.quantity, ZERO)], not one.wrong))
            continue
        left, parts = one.quantity, dict[int, Part]()
        for limit in ("open", "most"):
            for line in mine:
                room = _room(line, taken[line.id], limit)
                left -= _take(line, min(left, room), taken, parts)
        if left > 0 and "over" in one.accept:
            left -= _take(mine[-1], left, taken, parts)
        if left > 0:
            over.append((one, one.quantity - left))
        allotted.append(Allotted(one.at, list(parts.values()), False))
    return allotted, over


def _room(line: OpenLine, taken: Decimal, limit: str) -> Decimal:
    most = line.most if limit == "most" else line.ordered - line.cancelled
    return max(most - line.received - taken, ZERO)


def _take(line: OpenLine, quantity: Decimal, taken: dict[int, Decimal], parts: dict[int, Part]) -> Decimal:
    if quantity <= 0:
        return ZERO
    due = line.ordered - line.cancelled
    before = line.received + taken[line.id]
    more = max(before + quantity - due, ZERO) - max(before - due, ZERO)
    taken[line.id] += quantity
    was = parts.get(line.id, Part(line.id, ZERO, ZERO))
    parts[line.id] = Part(line.id, was.quantity + quantity, was.over + more)
    return quantity
