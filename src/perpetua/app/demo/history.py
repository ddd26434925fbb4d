"""A year and a half of trade, as movements in the order in which they happened; no level ever falls below zero.

Each day runs through the same hours: what was on its way arrives (06:00), suppliers deliver (07:00), goods are put
away (08:00), customers buy (09:00 to 18:00), bring back (18:30), shelves are counted (19:00), and what the shop and the
fulfilment centre lack leaves the warehouse (20:00). Items that are tracked by lot or serial go their own way
(`tracked.py`).
"""

import itertools
import math
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple

from perpetua.app.demo.catalogue import Item
from perpetua.app.demo.names import Season
from perpetua.app.demo.sites import SITES, Site, bins
from perpetua.ledger.types import TransactionType

__all__ = ["DAYS", "Move", "Trade", "first_day"]

DAYS: Final = 548
QUIET_DAYS: Final = 3
"""Before today: what leaves the warehouse then is on its way as a transfer document, made by the loader."""

WAREHOUSE, SHOP, CENTRE = SITES
BUSY: Final[Mapping[str, tuple[float, ...]]] = {
    "WH1": (1.2, 1.2, 1.1, 1.1, 1.0, 0.0, 0.0),
    "ST1": (0.7, 0.75, 0.8, 0.95, 1.15, 1.75, 1.1),
    "FC1": (1.35, 1.1, 1.0, 1.0, 0.95, 0.75, 1.05),
}
"""How busy each day of the week is, Monday first."""
MONTHS: Final = (0.8, 0.78, 0.95, 1.08, 1.15, 1.15, 1.18, 1.08, 0.95, 0.95, 1.3, 1.55)
ORDERS: Final = {"WH1": 2.5, "ST1": 17.0, "FC1": 16.0}
SEASONS: Final[Mapping[Season, tuple[float, ...]]] = {
    "flat": (1.0,) * 12,
    "summer": (0.3, 0.4, 0.7, 1.1, 1.6, 1.9, 1.9, 1.5, 0.9, 0.5, 0.4, 0.5),
    "winter": (1.7, 1.4, 1.0, 0.6, 0.4, 0.3, 0.3, 0.4, 0.9, 1.4, 1.8, 1.8),
    "spring": (0.4, 0.9, 1.8, 2.0, 1.7, 1.2, 0.8, 0.7, 0.7, 0.5, 0.5, 0.7),
    "gifts": (0.7, 0.7, 0.8, 0.8, 0.9, 0.8, 0.8, 0.8, 0.9, 1.1, 1.9, 2.6),
}


class Move(NamedTuple):
    """One movement. `line` is shared by the two halves of a transfer within their document."""

    at: datetime
    type: TransactionType
    item: int
    place: str
    quantity: int
    reason: str | None = None
    kind: str | None = None
    number: str | None = None
    with_cost: bool = False


def first_day(today: date) -> date:
    """The day on which the made-up company opens, for a demo begun `today`."""
    return today - timedelta(days=DAYS)


class Trade:
    """The company's days, one after the other. Iterate over `days()`; `stock` is then what is where.

    Args:
        rng: all chance comes from here.
        items: the catalogue's variants; tracked ones are left out.
        today: the first day that is not made up.
    """

    def __init__(self, rng: random.Random, items: Sequence[Item], today: date) -> None:
        self.rng = rng
        self.items = items
        self.today = today
        self.plain = [n for n, item in enumerate(items) if item.tracking == "none"]
        self.home = {site.code: self._homes(site) for site in SITES}
        self.stock: dict[tuple[int, str], int] = defaultdict(int)
        self.monthly = self._monthly()
        self.everywhere = {n: sum(self.monthly.get((n, site.code), 0.0) for site in SITES) for n in self.plain}
        self._arriving: dict[date, list[tuple[str, int, int, str]]] = defaultdict(list)
        self._ordered: dict[date, list[tuple[str, int, int]]] = defaultdict(list)
        self._coming: dict[tuple[int, str], int] = defaultdict(int)
        self._returning: dict[date, list[tuple[str, int, int, str]]] = defaultdict(list)
        self._aside: set[tuple[str, int]] = set()
        self._numbers: dict[str, int] = defaultdict(int)
        self._chances: dict[tuple[str, int], tuple[list[int], list[float]]] = {}

    def days(self) -> Iterator[list[Move]]:
        """Each day's movements, in their order."""
        start = first_day(self.today)
        yield self._open(start)
        for n in range(1, DAYS):
            day = start + timedelta(days=n)
            moves = [*self._arrive(day), *self._deliver(day), *self._sell(day), *self._take_back(day)]
            moves += [*self._count(day), *self._tidy(day)]
            if n < DAYS - QUIET_DAYS and day.weekday() in {1, 4}:
                moves += self._replenish(day)
            if day.weekday() == 0:
                self._order(day)
            yield sorted(moves, key=lambda move: move.at)  # stable: one place's movements keep their order

    # --- the day's parts -------------------------------------------------------------------------------------------

    def _open(self, day: date) -> list[Move]:
        moves: list[Move] = []
        for site in SITES:
            for n, place in self.home[site.code].items():
                months = 3.0 if site is WAREHOUSE else 1.5
                quantity = self._round(n, max(4, math.ceil(self.monthly[n, site.code] * months)), site)
                move = Move(_at(day, 6), "RECEIPT", n, place, quantity, "opening", "opening", site.code, True)
                moves.append(self._do(move))
        return moves

    def _arrive(self, day: date) -> Iterator[Move]:
        for code, n, quantity, number in self._arriving.pop(day, []):
            transit, home = f"{code}-TRANSIT", self.home[code][n]
            yield self._do(Move(_at(day, 6, 10), "TRANSFER_OUT", n, transit, -quantity, None, "replenishment", number))
            yield self._do(Move(_at(day, 6, 10), "TRANSFER_IN", n, home, quantity, None, "replenishment", number))
            self._coming[n, code] -= quantity

    def _deliver(self, day: date) -> list[Move]:
        due = self._ordered.pop(day, [])
        moves: list[Move] = []
        for number, n, quantity in due:
            came = quantity if self.rng.random() > 0.02 else max(1, quantity - self.rng.randint(1, 3))
            moves.append(self._do(Move(_at(day, 7), "RECEIPT", n, WAREHOUSE.dock, came, None, "purchase_order",
                                       number, True)))  # fmt: skip
            self._coming[n, WAREHOUSE.code] -= quantity
        for number, n, _ in due:
            there = self.stock[n, WAREHOUSE.dock]
            minute = self.rng.randint(0, 50)
            aside = 1 if there > 3 and self.rng.random() < 0.03 else 0
            if aside:
                self._aside.add((WAREHOUSE.code, n))
            for place, quantity in ((WAREHOUSE.quarantine, aside), (self.home[WAREHOUSE.code][n], there - aside)):
                if quantity:
                    at = _at(day, 8, minute)
                    moves.append(
                        self._do(Move(at, "TRANSFER_OUT", n, WAREHOUSE.dock, -quantity, None, "putaway", number))
                    )
                    moves.append(self._do(Move(at, "TRANSFER_IN", n, place, quantity, None, "putaway", number)))
        return moves

    def _sell(self, day: date) -> list[Move]:
        sales: list[tuple[datetime, Site, int, int, str]] = []
        growth = 0.85 + 0.3 * (DAYS - (self.today - day).days) / DAYS
        for site in SITES:
            busy = ORDERS[site.code] * BUSY[site.code][day.weekday()] * MONTHS[day.month - 1] * growth
            for _ in range(self._about(busy)):
                at = _at(day, 9) + timedelta(minutes=self.rng.randint(0, 539))
                number = self._number("SO", day)
                lines = self.rng.choices((1, 2, 3, 4), (60, 25, 10, 5))[0]
                chosen = dict.fromkeys(self._choose(site, day.month, lines))
                sales += [(at, site, n, self._asked(site, n), number) for n in chosen]
        sales.sort(key=lambda sale: sale[0])
        moves: list[Move] = []
        for at, site, n, asked, number in sales:
            place = self.home[site.code][n]
            sold = min(asked, self.stock[n, place])
            if not sold:
                continue  # sold out: the customer goes elsewhere
            moves.append(self._do(Move(at, "SALE", n, place, -sold, None, "sales_order", number)))
            if self.rng.random() < 0.04:
                back = day + timedelta(days=self.rng.randint(2, 21))
                self._returning[back].append((site.code, n, min(sold, 2), number))
        return moves

    def _take_back(self, day: date) -> Iterator[Move]:
        for code, n, quantity, number in self._returning.pop(day, []):
            faulty = self.rng.random() < 0.2
            place = f"{code}-QUARANTINE" if faulty else self.home[code][n]
            if faulty:
                self._aside.add((code, n))
            reason = "faulty" if faulty else self.rng.choice(("customer", "unwanted"))
            yield self._do(Move(_at(day, 18, 30), "RETURN", n, place, quantity, reason, "sales_order", number, True))

    def _count(self, day: date) -> Iterator[Move]:
        for site in SITES:
            number = f"CC-{site.code}-{day:%y%m%d}"
            for n in self.rng.sample(list(self.home[site.code]), 4):
                place = self.home[site.code][n]
                odd = self.rng.choices((0, -1, -2, 1), (76, 12, 4, 8))[0]
                odd = max(odd, -self.stock[n, place])
                if odd:
                    yield self._do(Move(_at(day, 19), "ADJUSTMENT", n, place, odd, "count", "count", number, odd > 0))
            if self.rng.random() < 0.12:
                n = self.rng.choice(list(self.home[site.code]))
                reason = self.rng.choices(("damage", "theft", "sample"), (6, 2, 2))[0]
                if self.stock[n, self.home[site.code][n]] > 1:
                    yield self._do(Move(_at(day, 19, 20), "WRITE_OFF", n, self.home[site.code][n], -1, reason))

    def _tidy(self, day: date) -> Iterator[Move]:
        """At the end of each week quarantine is looked through: half goes back to its bin, half is written off."""
        if day.weekday() != 6:
            return
        for code, n in sorted(self._aside):
            place, home = f"{code}-QUARANTINE", self.home[code][n]
            quantity = self.stock[n, place]
            if self.rng.random() < 0.5:
                yield self._do(Move(_at(day, 19, 40), "WRITE_OFF", n, place, -quantity, "faulty"))
                continue
            number = f"QC-{code}-{day:%y%m%d}"
            yield self._do(Move(_at(day, 19, 45), "TRANSFER_OUT", n, place, -quantity, None, "inspection", number))
            yield self._do(Move(_at(day, 19, 45), "TRANSFER_IN", n, home, quantity, None, "inspection", number))
        self._aside.clear()

    def _replenish(self, day: date) -> Iterator[Move]:
        for site in (SHOP, CENTRE):
            number = self._number("TR", day)
            for n, home in self.home[site.code].items():
                monthly = self.monthly[n, site.code] * SEASONS[self.items[n].season][day.month - 1]
                there = self.stock[n, home] + self._coming[n, site.code]
                if there > max(1, 0.5 * monthly):
                    continue
                source = self.home[WAREHOUSE.code][n]
                quantity = min(math.ceil(max(4, 2.2 * monthly)) - there, self.stock[n, source])
                if quantity <= 0:
                    continue
                yield self._do(Move(_at(day, 20), "TRANSFER_OUT", n, source, -quantity, None, "replenishment", number))
                yield self._do(
                    Move(_at(day, 20), "TRANSFER_IN", n, site.transit, quantity, None, "replenishment", number)
                )
                self._arriving[day + timedelta(days=1)].append((site.code, n, quantity, number))
                self._coming[n, site.code] += quantity

    def _order(self, day: date) -> None:
        """What runs short is ordered from its supplier: one order a brand, one to three weeks on its way."""
        orders: dict[str, tuple[str, date]] = {}
        for n, home in self.home[WAREHOUSE.code].items():
            ahead = SEASONS[self.items[n].season][day.month % 12]
            monthly = self.everywhere[n] * ahead
            there = self.stock[n, home] + self._coming[n, WAREHOUSE.code]
            if there > max(4, 1.5 * monthly):
                continue
            brand = self.items[n].name.split()[0]
            if brand not in orders:
                due = day + timedelta(days=self.rng.randint(7, 20))
                due -= timedelta(days=max(0, due.weekday() - 4))  # nobody delivers at the weekend
                orders[brand] = (self._number("PO", day), due)
            quantity = self._round(n, max(6, math.ceil(4 * monthly) - there), WAREHOUSE)
            number, due = orders[brand]
            self._ordered[due].append((number, n, quantity))
            self._coming[n, WAREHOUSE.code] += quantity

    # --- small things ----------------------------------------------------------------------------------------------

    def _do(self, move: Move) -> Move:
        self.stock[move.item, move.place] += move.quantity
        return move

    def _homes(self, site: Site) -> dict[int, str]:
        """Each item's bin there; the shop has two thirds of them, the fulfilment centre four fifths."""
        share = {"WH1": 1.0, "ST1": 0.68, "FC1": 0.8}[site.code]
        kept = [n for n in self.plain if share == 1 or self.rng.random() < share]
        return dict(zip(kept, itertools.cycle(bins(site)), strict=False))

    def _monthly(self) -> dict[tuple[int, str], float]:
        """How many pieces of each item leave a site in an average month."""
        expected: dict[tuple[int, str], float] = {}
        for site in SITES:
            total = sum(self.items[n].weight for n in self.home[site.code])
            pieces = ORDERS[site.code] * 30 * 1.6 * (7.0 if site is WAREHOUSE else 1.25)
            for n in self.home[site.code]:
                expected[n, site.code] = pieces * self.items[n].weight / total
        return expected

    def _choose(self, site: Site, month: int, count: int) -> list[int]:
        if (site.code, month) not in self._chances:
            kept = list(self.home[site.code])
            weights = (self.items[n].weight * SEASONS[self.items[n].season][month - 1] for n in kept)
            self._chances[site.code, month] = kept, list(itertools.accumulate(weights))
        kept, chances = self._chances[site.code, month]
        return self.rng.choices(kept, cum_weights=chances, k=count)

    def _asked(self, site: Site, n: int) -> int:
        if self.items[n].unit == "m":
            return self.rng.randint(3, 30)
        if site is WAREHOUSE:
            return self.rng.choice((2, 4, 6, 12))
        return self.rng.choices((1, 2, 3, 4), (84, 11, 3, 2))[0]

    def _round(self, n: int, quantity: int, site: Site) -> int:
        case = self.items[n].case
        return math.ceil(quantity / case) * case if site is WAREHOUSE else quantity

    def _about(self, mean: float) -> int:
        return max(0, round(self.rng.gauss(mean, math.sqrt(mean)))) if mean > 0 else 0

    def _number(self, prefix: str, day: date) -> str:
        self._numbers[prefix] += 1
        return f"{prefix}-{day:%y}-{self._numbers[prefix]:05d}"


def _at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), UTC)
