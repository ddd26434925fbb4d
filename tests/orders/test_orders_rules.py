"""What follows from an order's lines: its status, on the floor and off it."""

from decimal import Decimal
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from perpetua.orders.rules import MOVES, on_floor, settled, status_of
from perpetua.orders.types import Counts, OrderStatus

FLOOR = ("RELEASED", "PICKING", "PACKED")
units = st.integers(0, 4).map(Decimal)


@st.composite
def counts(draw: st.DrawFn) -> Counts:
    """A line, divided in any way."""
    allocated, shipped, cancelled, refused, waiting = (draw(units) for _ in range(5))
    return Counts(allocated + shipped + cancelled + refused + waiting, allocated, shipped, cancelled, refused)


@given(st.sampled_from(get_args(OrderStatus)), st.lists(counts(), min_size=1, max_size=4), st.booleans())
def test_an_order_stays_on_the_floor_while_any_of_it_is_allocated(
    now: OrderStatus, lines: list[Counts], left: bool
) -> None:
    after = settled(now, lines, left=left)
    if now in FLOOR and not left and any(line.allocated for line in lines):
        assert after == now
    else:
        assert after == status_of(lines)
        assert after not in FLOOR


def test_moves_lead_over_the_floor_and_never_past_it() -> None:
    assert MOVES.keys() == {"ALLOCATED", "PARTLY_ALLOCATED", "PARTLY_SHIPPED", *FLOOR}
    assert {to for moves in MOVES.values() for to in moves} == set(FLOOR)
    assert all(MOVES[status] == {"RELEASED"} for status in ("ALLOCATED", "PARTLY_ALLOCATED", "PARTLY_SHIPPED"))
    assert MOVES["RELEASED"] == {"PICKING"}
    assert [on_floor(status) for status in FLOOR] == [False, True, True]
