"""Which promises of lots move, and which are given up: held against the best that any dealing out could reach."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from perpetua.allocation.rules import relot
from perpetua.allocation.types import LotPromise, LotStock, Relotted

D = Decimal
DAYS = st.none() | st.integers(1, 4).map(lambda day: date(2030, 1, 1) + timedelta(days=day))
LOTS = st.lists(st.tuples(st.integers(0, 5), DAYS), max_size=4)
PROMISES = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 4), DAYS), max_size=7)


def lot(lot_id: int, free: int, day: int | None = None) -> LotStock:
    return LotStock(lot_id, D(free), date(2030, 1, day) if day else None)


def promise(lot_id: int, quantity: int, day: int | None = None) -> LotPromise:
    return LotPromise(lot_id, D(quantity), date(2030, 1, day) if day else None)


def test_who_comes_first_keeps_his_lot_and_the_last_moves() -> None:
    done = relot([promise(1, 3), promise(1, 3)], [lot(1, 4, 5), lot(2, 9, 7), lot(3, 9, 6)])
    assert done == [Relotted({}, D(0)), Relotted({2: D(2)}, D(0))]  # in the order of the lots


def test_the_last_in_turn_gives_up_what_the_first_can_use() -> None:
    done = relot([promise(1, 5), promise(2, 3), promise(2, 2)], [lot(2, 5)])
    assert done == [Relotted({2: D(5)}, D(0)), Relotted({}, D(3)), Relotted({}, D(2))]


def test_lots_that_do_not_last_are_not_for_those_who_need_longer() -> None:
    assert relot([promise(1, 2, 9)], [lot(2, 5, 8)]) == [Relotted({}, D(2))]
    assert relot([promise(1, 2, 9)], [lot(1, 5, 8)]) == [Relotted({}, D(0))]  # what was promised stays promised


def test_others_move_to_make_room() -> None:
    """The strict one gets the long lot, the middle one the middle, and the lax one what is free: three move."""
    promises = [promise(9, 1, 20), promise(1, 1, 10), promise(2, 1)]
    done = relot(promises, [lot(3, 1, 5), lot(2, 1, 15), lot(1, 1, 25)])
    assert done == [Relotted({1: D(1)}, D(0)), Relotted({2: D(1)}, D(0)), Relotted({3: D(1)}, D(0))]


def most(promises: Sequence[LotPromise], lots: Sequence[LotStock]) -> int:
    """As many units as can be promised at all, by augmenting paths."""
    units = [one for one in promises for _ in range(int(one.quantity))]
    spots = [one for one in lots for _ in range(int(one.free))]
    taken: dict[int, int] = {}

    def fits(one: LotPromise, spot: LotStock) -> bool:
        lasts = one.lasts_until is None or spot.expires_on is None or spot.expires_on >= one.lasts_until
        return one.lot_id == spot.lot_id or lasts

    def find(unit: int, seen: set[int]) -> bool:
        for at, spot in enumerate(spots):
            if at not in seen and fits(units[unit], spot):
                seen.add(at)
                if at not in taken or find(taken[at], seen):
                    taken[at] = unit
                    return True
        return False

    return sum(find(unit, set()) for unit in range(len(units)))


@settings(max_examples=300)
@given(LOTS, PROMISES)
def test_never_more_is_given_up_than_must_be(
    stock: list[tuple[int, date | None]], asked: list[tuple[int, int, date | None]]
) -> None:
    lots = [LotStock(at, D(free), day) for at, (free, day) in enumerate(stock, 1)]
    lots.sort(key=lambda one: (one.expires_on or date.max, one.lot_id))
    promises = [LotPromise(of, D(quantity), until) for of, quantity, until in asked]
    done = relot(promises, lots)
    days = {one.lot_id: one.expires_on for one in lots}
    left = {one.lot_id: one.free for one in lots}
    for one, what in zip(promises, done, strict=True):
        stays = one.quantity - what.lost - sum(what.moved.values(), D(0))
        assert min(stays, what.lost) >= 0
        assert one.lot_id not in what.moved
        for to, part in what.moved.items():
            day = days[to]
            assert part > 0
            assert one.lasts_until is None or day is None or day >= one.lasts_until
        for to, part in (*what.moved.items(), (one.lot_id, stays)):
            left[to] = left.get(to, D(0)) - part
    assert all(rest >= 0 for rest in left.values())
    assert sum(one.quantity - what.lost for one, what in zip(promises, done, strict=True)) == most(promises, lots)


@settings(max_examples=1000)
@given(LOTS, PROMISES)
def test_the_first_in_turn_lose_nothing_for_the_last(
    stock: list[tuple[int, date | None]], asked: list[tuple[int, int, date | None]]
) -> None:
    """As much as the first few could keep if they were alone, they keep among others."""
    lots = [LotStock(at, D(free), day) for at, (free, day) in enumerate(stock, 1)]
    lots.sort(key=lambda one: (one.expires_on or date.max, one.lot_id))
    days = {one.lot_id: one.expires_on or date.max for one in lots}
    promises = [
        LotPromise(of, D(quantity), until) for of, quantity, until in asked
        if until is None or days.get(of, date.max) >= until  # what was promised of a lot that does not last may stay
    ]  # fmt: skip
    done = relot(promises, lots)
    for first in range(len(promises)):
        kept = sum(one.quantity - what.lost for one, what in zip(promises[:first], done, strict=False))
        assert kept == most(promises[:first], lots)
