"""Spreading is exact: the parts add up, whatever the shares."""

import itertools
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpetua.costing import rules
from perpetua.kit.errors import InvalidValue

D = Decimal
AMOUNTS = st.decimals("-1000000", "1000000", places=6).filter(bool)
SHARES = st.lists(st.decimals("0", "100000", places=4), min_size=1, max_size=60).filter(lambda some: sum(some) > 0)


@given(AMOUNTS, SHARES)
def test_the_parts_add_up_to_the_last_decimal(amount: Decimal, shares: list[Decimal]) -> None:
    parts = rules.spread(amount, shares)
    assert sum(parts) == amount
    whole = sum(shares)
    for part, share in zip(parts, shares, strict=True):
        assert abs(part - amount * share / whole) < D("0.000001001")
        assert part * amount >= 0


@given(AMOUNTS, SHARES)
def test_more_never_gets_less(amount: Decimal, shares: list[Decimal]) -> None:
    parts = [abs(part) for part in rules.spread(amount, shares)]
    ranked = sorted(zip(shares, parts, strict=True))
    for (less, smaller), (more, larger) in itertools.pairwise(ranked):
        assert less == more or smaller <= larger + D("0.000001")


@given(AMOUNTS, SHARES)
def test_taking_back_is_the_same_below_nothing(amount: Decimal, shares: list[Decimal]) -> None:
    assert [-part for part in rules.spread(amount, shares)] == rules.spread(-amount, shares)


def test_thirds_and_nothing() -> None:
    assert rules.spread(D(100), [D(1)] * 3) == [D("33.333334"), D("33.333333"), D("33.333333")]
    assert rules.spread(D(10), [D(0), D(2), D(3)], places=2) == [D(0), D(4), D(6)]
    for shares in ([], [D(0)], [D(1), D(-1)]):
        with pytest.raises(InvalidValue):
            rules.spread(D(1), shares)
