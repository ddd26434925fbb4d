"""Who gets what: a pure decision over positions that the caller has locked.

`decide` walks the orders in the order of the queue and the lines in theirs, and takes from one running stock: so two
lines of one order that share an item or a kit's component, and two orders decided together, can never be given the same
unit. Ways of queueing and of choosing sites are functions in tables.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from typing import Any, Final

from perpetua.allocation.types import (
    Action,
    ChannelRules,
    Decided,
    LotStock,
    Position,
    Queueing,
    Rules,
    Site,
    Sourcing,
    Take,
    Waits,
    Wanted,
    WantedLine,
)
from perpetua.kit.quantity import ZERO, plain

__all__ = [
    "NO_RULES",
    "QUEUES",
    "SOURCING",
    "Key",
    "Shelf",
    "arrivals",
    "available",
    "decide",
    "in_turn",
    "in_units",
    "rank_sites",
    "settle",
]

NO_RULES: Final = ChannelRules()
_HUNDRED: Final = Decimal(100)
_FINEST: Final = Decimal("0.0001")
_UNITS: Final = (Decimal(1), Decimal("0.1"), Decimal("0.01"), Decimal("0.001"))

Key = tuple[int, int]
"""Variant and site."""


class Shelf:
    """The running stock of a decision: what is left at each position as lines take from it.

    Args:
        positions: as they were read, by variant and site.
        rules: what channels and tiers may see.
    """

    def __init__(self, positions: Mapping[Key, Position], rules: Rules) -> None:
        self.positions = dict(positions)
        self.rules = rules
        self._ranks = {tier.code: tier.rank for tier in rules.tiers}
        self._worst = 1 + max(self._ranks.values(), default=0)
        self._own: dict[Key, Decimal] = {}

    def rank(self, tier: str | None) -> int:
        """The tier's rank; one that the rules do not know comes after all they know."""
        return self._ranks.get(tier or "", self._worst)

    def free(self, key: Key, wanted: Wanted) -> Decimal:
        """What the order may take there now."""
        position = self.positions.get(key)
        if position is None:
            return ZERO
        most = available(position, self.rules, wanted.channel, self.rank(wanted.tier), wanted.lasts_until)
        own = self._own.get(key)
        return most if own is None else max(most, min(own, _there(position, wanted.lasts_until)))

    def turn(self, held: Sequence[Take], channel: str) -> None:
        """The next order's turn: what was reserved for it is its own to take, whatever the rules hold back."""
        self._own = {}
        for take in held:
            key = (take.variant_id, take.site_id)
            position = self.positions[key]
            lots = position.lots and tuple(
                lot._replace(free=lot.free + take.quantity) if lot.lot_id == take.lot_id else lot
                for lot in position.lots
            )
            if channel in position.by_channel:
                shared = {**position.by_channel, channel: position.by_channel[channel] - take.quantity}
                position = position._replace(by_channel=shared)
            self.positions[key] = position._replace(reserved=position.reserved - take.quantity, lots=lots)
            self._own[key] = self._own.get(key, ZERO) + take.quantity

    def take(self, key: Key, quantity: Decimal, wanted: Wanted) -> list[Take]:
        """Take so much, which must be free: of the lots that expire first, where lots are tracked."""
        position = self.positions[key]
        takes: list[Take] = []
        lots = position.lots
        if lots is None:
            takes.append(Take(*key, 0, quantity))
        else:
            left, kept = quantity, list[LotStock]()
            for lot in lots:
                part = max(min(left, lot.free), ZERO) if _lasts(lot, wanted.lasts_until) else ZERO
                if part:
                    takes.append(Take(*key, lot.lot_id, part))
                    left -= part
                kept.append(lot._replace(free=lot.free - part))
            lots = tuple(kept)
        shared = position.by_channel.get(wanted.channel)
        if shared is not None:
            position = position._replace(by_channel={**position.by_channel, wanted.channel: shared + quantity})
        # Not by _replace, which costs twice: each of thousands of lines comes by here.
        self.positions[key] = Position(
            position.on_hand, position.unsellable, position.allocated + quantity, position.reserved, lots,
            position.by_channel, position.short, position.freed,
        )  # fmt: skip
        if key in self._own:
            self._own[key] = max(self._own[key] - quantity, ZERO)
        return takes

    def kept(self, wanted: Wanted) -> dict[Key, Position]:
        """What the order can touch, to come back to."""
        keys = {(variant, site) for line in wanted.lines for variant, _ in line.parts for site in wanted.sites}
        return {key: self.positions[key] for key in keys if key in self.positions}


def available(position: Position, rules: Rules, channel: str, rank: int, lasts_until: date | None = None) -> Decimal:
    """What a channel's buyer of a tier (by rank) may be promised at a position; never below 0.

    sellable = on hand - unsellable; free = sellable - allocated - reserved; of it the channel does not see its buffer,
    nor what is held for better tiers; nor more than is left of its share of the sellable. Of lots, only what is free in
    those that last until the day, if one is given.
    """
    sellable = position.on_hand - position.unsellable
    free = sellable - position.allocated - position.reserved
    if free <= 0:
        return ZERO
    of = rules.channels.get(channel, NO_RULES)
    if of is NO_RULES and not rules.tiers and position.lots is None:
        return free
    held = sum((tier.hold_percent for tier in rules.tiers if tier.rank < rank), of.buffer_percent)
    most = free - of.buffer_units - sellable * held / _HUNDRED
    if of.share_percent is not None:
        most = min(most, sellable * of.share_percent / _HUNDRED - position.by_channel.get(channel, ZERO))
    if position.lots is not None:
        most = min(most, sum((lot.free for lot in position.lots if _lasts(lot, lasts_until)), ZERO))
    return plain(most.quantize(_FINEST, ROUND_FLOOR)) if most > 0 else ZERO


def in_units(quantity: Decimal, decimals: int) -> Decimal:
    """As much of it as the unit, with so many decimals, can give: of 3.7 pieces, 3."""
    if decimals >= len(_UNITS):
        return quantity
    whole = quantity.quantize(_UNITS[decimals], ROUND_FLOOR)
    return quantity if whole == quantity else whole


def _there(position: Position, lasts_until: date | None) -> Decimal:
    """What is free there, for somebody whom no rule holds back."""
    free = position.on_hand - position.unsellable - position.allocated - position.reserved
    if position.lots is not None:
        free = min(free, sum((lot.free for lot in position.lots if _lasts(lot, lasts_until)), ZERO))
    return max(free, ZERO)


def _lasts(lot: LotStock, until: date | None) -> bool:
    return lot.expires_on is None or until is None or lot.expires_on >= until


def in_turn(wanted: Sequence[Wanted], rules: Rules) -> list[Wanted]:
    """The orders as they are decided: those a manager put first, then by the rules' queue."""
    shelf = Shelf({}, rules)
    return sorted(wanted, key=lambda one: (-one.jumps, *QUEUES[rules.queue](one, shelf)))


QUEUES: Final[dict[Queueing, Callable[[Wanted, Shelf], tuple[Any, ...]]]] = {
    "fifo": lambda one, _: (one.arrived,),
    "priority": lambda one, shelf: (shelf.rank(one.tier), one.arrived),
}


def decide(
    wanted: Sequence[Wanted],
    positions: Mapping[Key, Position],
    rules: Rules,
    held: Mapping[int, Sequence[Take]] | None = None,
) -> list[Decided]:
    """What each line gets; in the order it was decided.

    Args:
        positions: every position of every variant that is wanted, at every site that may send it, under lock.
        held: by order, what was reserved for it, at these positions; until its turn nobody else can have it.
    """
    shelf = Shelf(positions, rules)
    decided: list[Decided] = []
    for order in in_turn(wanted, rules):
        shelf.turn(held.get(order.order, ()) if held else (), order.channel)
        decided += settle(order, shelf)
    return decided


def settle(order: Wanted, shelf: Shelf) -> list[Decided]:
    """One order: all its lines, by its fulfilment."""
    before = shelf.kept(order) if order.fulfilment == "complete" else None
    sites = SOURCING[order.sourcing](order, shelf)
    given = [_line(order, line, sites, shelf) for line in order.lines]
    if before is not None and any(one.given < one.asked for one in given):
        shelf.positions |= before
        return [_all_or_nothing(one) for one in given]
    if order.fulfilment == "cancel_rest":
        return [_refused(one) for one in given]
    return given


def _all_or_nothing(one: Decided) -> Decided:
    facts = {**one.facts, "could_have": one.given, "because": "complete"}
    return one._replace(given=ZERO, takes=(), action="backordered", facts=facts)


def _refused(one: Decided) -> Decided:
    rest = one.asked - one.given
    if not rest:
        return one
    action: Action = "partly_allocated" if one.given else "refused"
    return one._replace(refused=rest, action=action, facts={**one.facts, "because": "cancel_rest"})


def _line(order: Wanted, line: WantedLine, sites: Sequence[int], shelf: Shelf) -> Decided:
    """What a line gets, site by site; from one site alone, if one has it all."""
    free: dict[int, Decimal] = {}
    whole: int | None = None
    for site in sites:
        free[site] = _sets(order, line, site, shelf)
        if free[site] >= line.quantity:
            whole = site
            break
    left, takes, numbers = line.quantity, list[Take](), list[dict[str, Any]]()
    for site in (whole,) if whole is not None else sites:
        part = min(left, free[site])
        if part <= 0:
            continue
        for variant, each in line.parts:
            key = (variant, site)
            numbers.append(_numbers(variant, site, shelf.positions[key], free[site], part))
            takes += shelf.take(key, part * each, order)
        left -= part
        if not left:
            break
    if not takes:
        of = shelf.positions.get
        numbers = [_numbers(v, site, of((v, site)), free[site], ZERO) for site in sites for v, _ in line.parts]
    given = line.quantity - left
    action: Action = "allocated" if not left else "partly_allocated" if given else "backordered"
    return Decided(order.order, line.number, line.quantity, given, ZERO, tuple(takes), action, {"positions": numbers})


def _sets(order: Wanted, line: WantedLine, site: int, shelf: Shelf) -> Decimal:
    """How much of the line the site could give: of a kit, whole ones only."""
    if not line.kit:
        return in_units(shelf.free((line.parts[0][0], site), order), line.decimals)
    return min((shelf.free((variant, site), order) // each for variant, each in line.parts), default=ZERO)


def _numbers(variant: int, site: int, position: Position | None, free: Decimal, taken: Decimal) -> dict[str, Any]:
    if position is None:
        return {"variant_id": variant, "site_id": site, "on_hand": 0, "available": 0, "given": 0}
    return {
        "variant_id": variant, "site_id": site, "on_hand": position.on_hand, "unsellable": position.unsellable,
        "allocated": position.allocated, "reserved": position.reserved, "available": free, "given": taken,
    }  # fmt: skip


def _ranked(order: Wanted, shelf: Shelf) -> Sequence[int]:
    return order.sites


def _most_stock(order: Wanted, shelf: Shelf) -> Sequence[int]:
    if len(order.sites) < 2:
        return order.sites
    return sorted(order.sites, key=lambda site: -sum(_sets(order, line, site, shelf) for line in order.lines))


def _fewest_parcels(order: Wanted, shelf: Shelf) -> Sequence[int]:
    """Again and again the site that can fill most of the lines that are left, whole; of equals, the better ranked."""
    left, sites, chosen = list(order.lines), list(order.sites), list[int]()
    while left and sites:
        fills = {site: [line for line in left if _sets(order, line, site, shelf) >= line.quantity] for site in sites}
        best = max(sites, key=lambda site: len(fills[site]))
        if not fills[best]:
            break
        chosen.append(best)
        sites.remove(best)
        left = [line for line in left if line not in fills[best]]
    return [*chosen, *sites]


SOURCING: Final[dict[Sourcing, Callable[[Wanted, Shelf], Sequence[int]]]] = {
    "ranked": _ranked,
    "nearest": _ranked,  # the caller has ranked the sites by how near they are: see rank_sites
    "fewest_parcels": _fewest_parcels,
    "most_stock": _most_stock,
}


def arrivals(waiting: Sequence[Waits], coming: Sequence[tuple[int, int, date, Decimal]]) -> dict[int, date]:
    """For each line the day when all that it waits for is to have come; a line that has none is not in it.

    Args:
        waiting: in turn: what comes goes to the first first.
        coming: variant, site, day, quantity; the earliest first.
    """
    left: dict[int, list[list[Any]]] = {}
    for variant, site, day, quantity in coming:
        left.setdefault(variant, []).append([site, day, quantity])
    days: dict[int, date] = {}
    never: set[int] = set()
    for line in waiting:
        need = line.quantity
        for one in left.get(line.variant_id, ()):
            if need > 0 and one[2] > 0 and line.site_id in (None, one[0]):
                part = min(need, one[2])
                one[2] -= part
                need -= part
                days[line.line_id] = max(days.get(line.line_id, one[1]), one[1])
        if need > 0:
            never.add(line.line_id)
    return {line_id: day for line_id, day in days.items() if line_id not in never}


def rank_sites(
    sites: Sequence[Site], ranked: Sequence[str], *, near: tuple[str | None, str | None, str | None] | None = None
) -> list[Site]:
    """The sites that may send, best first: as the list names them (all by code, when it is empty).

    With `near` (country, region, postcode) by how much of it they share: first the country, then the region, then the
    longest common beginning of the postcode; of equals, as listed.
    """
    order = {code.upper(): place for place, code in enumerate(ranked)}
    kept = [site for site in sites if not order or site.code.upper() in order]
    kept.sort(key=lambda site: (order.get(site.code.upper(), 0), site.code))
    if near is not None:
        kept.sort(key=lambda site: -_nearness(site, near))
    return kept


def _nearness(site: Site, near: tuple[str | None, str | None, str | None]) -> int:
    country, region, postcode = near
    if not country or (site.country or "").upper() != country.upper():
        return 0
    same = 0
    for one, other in zip((site.postcode or "").upper(), (postcode or "").upper(), strict=False):
        if one != other:
            break
        same += 1
    in_region = bool(region) and (site.region or "").upper() == (region or "").upper()
    return 1 + 100 * in_region + same
