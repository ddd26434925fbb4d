"""What goods are for, by hypothesis: nothing is lost, nothing is for a line that cannot take it."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from perpetua.receiving.rules import allot
from perpetua.receiving.types import Found, OpenLine


@st.composite
def lines(draw: st.DrawFn) -> list[OpenLine]:
    made: list[OpenLine] = []
    for number in range(draw(st.integers(0, 5))):
        ordered = draw(st.integers(1, 20))
        cancelled = draw(st.integers(0, ordered))
        more = draw(st.integers(0, 3))
        received = draw(st.integers(0, ordered + more))
        made.append(
            OpenLine(
                number + 1, draw(st.integers(1, 2)), number + 1, draw(st.integers(1, 2)), Decimal(ordered),
                Decimal(received), Decimal(cancelled), Decimal(ordered - cancelled + more),
                draw(st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 5))),
            )
        )  # fmt: skip
    return made


@st.composite
def came(draw: st.DrawFn) -> list[Found]:
    return [
        Found(at, draw(st.integers(1, 3)), "X", Decimal(draw(st.integers(1, 15))), "good", draw(st.booleans()), False,
              draw(st.sampled_from([frozenset(), frozenset({"over"})])), draw(st.none() | st.integers(1, 2)))
        for at in range(draw(st.integers(1, 6)))
    ]  # fmt: skip


def mine(one: Found, open_: list[OpenLine]) -> list[OpenLine]:
    """The lines that it may be for."""
    return [line for line in open_ if line.variant_id == one.variant_id and one.po_id in (None, line.po_id)]


@given(came(), lines())
def test_nothing_is_lost_and_no_line_takes_too_much(found: list[Found], open_: list[OpenLine]) -> None:
    allotted, over = allot(found, open_)
    refused = {one.at: let for one, let in over}
    by_id = {line.id: line for line in open_}
    taken: dict[int, Decimal] = {}
    forced: set[int] = set()
    for one, what in zip(found, allotted, strict=True):
        total = sum((part.quantity for part in what.parts), Decimal(0))
        assert total == refused.get(one.at, one.quantity)
        for part in what.parts:
            if part.po_line_id is None:
                assert one.wrong or not [
                    x for x in open_ if x.variant_id == one.variant_id and one.po_id in (None, x.po_id)
                ]
                continue
            line = by_id[part.po_line_id]
            assert line.variant_id == one.variant_id
            assert one.po_id in (None, line.po_id)
            before = line.received + taken.get(line.id, Decimal(0))
            due = line.ordered - line.cancelled
            assert part.over == max(before + part.quantity - due, Decimal(0)) - max(before - due, Decimal(0))
            taken[line.id] = taken.get(line.id, Decimal(0)) + part.quantity
            if "over" in one.accept:
                forced.add(line.id)
    for line_id, quantity in taken.items():
        line = by_id[line_id]
        assert line_id in forced or line.received + quantity <= max(line.most, line.received)
    for one, _ in over:
        assert "over" not in one.accept
        assert all(x.received + taken.get(x.id, Decimal(0)) >= x.most for x in mine(one, open_))
