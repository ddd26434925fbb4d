"""What allocation should do, told as plainly as can be: dicts and loops, no locks, no SQL, whole units.

Items A and B lie at two sites; a kit is one A and two B. Whoever is first gets what is there; the rest waits in turn.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

SITES = ("LON", "SHOP")
"""As they are asked: by their codes."""
PARTS = {"A": {"A": 1}, "B": {"B": 1}, "KIT": {"A": 1, "B": 2}}
Key = tuple[str, str]
"""Item and site."""


@dataclass
class Line:
    """A line: what it has, by site, in the order it came to it."""

    item: str
    quantity: int
    takes: list[list[str | int]] = field(default_factory=list)
    shipped: int = 0
    cancelled: int = 0
    refused: int = 0

    @property
    def allocated(self) -> int:
        return sum(int(quantity) for _, quantity in self.takes)

    @property
    def waiting(self) -> int:
        return self.quantity - self.allocated - self.shipped - self.cancelled - self.refused

    def give_back(self, quantity: int) -> list[tuple[str, int]]:
        """The last taken is the first given back; what of it, by site."""
        back: list[tuple[str, int]] = []
        while quantity:
            site, had = self.takes[-1]
            part = min(int(had), quantity)
            back.append((str(site), part))
            quantity -= part
            self.takes[-1][1] = int(had) - part
            if part == had:
                self.takes.pop()
        return back


@dataclass
class Order:
    """An order, with its place in the queue."""

    turn: int
    fulfilment: str
    lines: list[Line]
    jumps: int = 0

    @property
    def closed(self) -> bool:
        """Nothing of it is left to change."""
        return not any(line.allocated or line.waiting for line in self.lines)

    @property
    def whole(self) -> bool:
        return self.fulfilment == "complete"


class Model:
    """All there is."""

    def __init__(self) -> None:
        self.hand: dict[Key, int] = {(item, site): 0 for item in ("A", "B") for site in SITES}
        self.orders: list[Order] = []
        self.holds: dict[str, list[tuple[Key, int]]] = {}

    def free(self, key: Key) -> int:
        return self.hand[key] - self.allocated(key) - self.reserved(key)

    def allocated(self, key: Key) -> int:
        item, site = key
        return sum(
            int(quantity) * PARTS[line.item].get(item, 0)
            for order in self.orders for line in order.lines for at, quantity in line.takes if at == site
        )  # fmt: skip

    def reserved(self, key: Key) -> int:
        return sum(quantity for held in self.holds.values() for at, quantity in held if at == key)

    def sets(self, item: str, site: str) -> int:
        """So many of it could be given there; of a kit, whole ones."""
        return min(max(self.free((part, site)), 0) // each for part, each in PARTS[item].items())

    def place(self, asked: Sequence[tuple[str, int]], fulfilment: str, holder: str | None = None) -> Order:
        """What was held for it is its own; what is not there waits, or is refused."""
        self.holds.pop(holder or "", None)
        order = Order(len(self.orders), fulfilment, [Line(item, quantity) for item, quantity in asked])
        self.orders.append(order)
        self._give(order, order.lines)
        if fulfilment == "cancel_rest":
            for line in order.lines:
                line.refused = line.waiting
        self.settle()
        return order

    def hold(self, holder: str, asked: Sequence[tuple[str, int]], *, partial: bool) -> bool:
        """Hold it; False where not all is there, and nothing is held then."""
        for_it = Order(-1, "split" if partial else "complete", [Line(item, quantity) for item, quantity in asked])
        self.orders.append(for_it)
        self._give(for_it, for_it.lines)
        self.orders.remove(for_it)
        held: dict[Key, int] = {}
        for line in for_it.lines:
            for site, quantity in line.takes:
                for part, each in PARTS[line.item].items():
                    held[part, str(site)] = held.get((part, str(site)), 0) + int(quantity) * each
        if held:
            self.holds[holder] = list(held.items())
        return partial or bool(held)

    def settle(self) -> None:
        """What is free goes to whoever waits, in their turn."""
        for order in sorted(self.orders, key=lambda order: (-order.jumps, order.turn)):
            self._give(order, [line for line in order.lines if line.waiting])

    def _give(self, order: Order, lines: Iterable[Line]) -> None:
        lines = list(lines)
        before = [[list(take) for take in line.takes] for line in lines]
        for line in lines:
            self.give(line, line.waiting)
        if order.whole and any(line.waiting for line in lines):
            for line, takes in zip(lines, before, strict=True):
                line.takes = takes

    def give(self, line: Line, quantity: int) -> int:
        """From one site alone, if one has it all; else what each has; how many could not be given."""
        for site in SITES:
            if quantity and self.sets(line.item, site) >= quantity:
                line.takes.append([site, quantity])
                return 0
        for site in SITES:
            part = min(quantity, self.sets(line.item, site))
            if part:
                line.takes.append([site, part])
                quantity -= part
        return quantity

    def lose(self, key: Key, quantity: int) -> None:
        """It is gone: the last in turn wait again, of kits all; then what is held ends, the youngest first."""
        missing = -(self.free(key) - quantity)
        for order, line in self._last_in_turn():
            while missing > 0 and any(site == key[1] for site, _ in line.takes) and key[0] in PARTS[line.item]:
                if line.item == "KIT" or order.whole:
                    missing -= sum(self._give_up(one, key) for one in (order.lines if order.whole else [line]))
                    continue
                at = max(n for n, (site, _) in enumerate(line.takes) if site == key[1])
                part = min(missing, int(line.takes[at][1]))
                missing -= part
                line.takes[at][1] = int(line.takes[at][1]) - part
                if not line.takes[at][1]:
                    line.takes.pop(at)
        for holder in reversed(list(self.holds)):
            here = sum(held for at, held in self.holds[holder] if at == key)
            if missing > 0 and here:
                missing -= here
                self.holds[holder] = [(at, held) for at, held in self.holds[holder] if at != key]
        self.holds = {holder: held for holder, held in self.holds.items() if held}
        self.hand[key] -= quantity
        self.settle()

    def _give_up(self, line: Line, key: Key) -> int:
        """All of a line; how much that gives back at the position."""
        item, site = key
        back = sum(int(quantity) * PARTS[line.item].get(item, 0) for at, quantity in line.takes if at == site)
        line.takes = []
        return back

    def _last_in_turn(self) -> Iterator[tuple[Order, Line]]:
        for order in sorted(self.orders, key=lambda order: (order.jumps, -order.turn)):
            for line in reversed(order.lines):
                yield order, line
