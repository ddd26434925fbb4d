"""The rule of matching: what it says in words, and that the database says the same."""

from decimal import Decimal
from typing import Any

import psycopg
from hypothesis import given
from hypothesis import strategies as st

from perpetua.purchasing.rules import matching
from perpetua.purchasing.types.invoices import LineFacts, Tolerances

D = Decimal
SMALL = st.sampled_from([D(0), D("0.5"), D(1), D(2), D("3.3333"), D(10), D("10.1"), D(100)])
SOME = st.sampled_from([D("0.5"), D(1), D(2), D("3.3333"), D(10), D("10.1"), D(100)])
LIMIT = st.none() | SMALL
PER_CENT = st.sampled_from([D(0), D(1), D("2.5"), D(100)])
FACTS: Any = st.builds(
    LineFacts, st.sampled_from(["goods", "goods", "goods", "freight"]), st.booleans(), SOME, SMALL, SOME, SMALL, SMALL,
    SMALL, SMALL, st.booleans(), PER_CENT,
)  # fmt: skip
MAY: Any = st.builds(Tolerances, PER_CENT, LIMIT, PER_CENT, LIMIT, LIMIT)
ASK = "SELECT invoice_problems(" + ", ".join(
    ["%s", "%s"] + ["%s::numeric"] * 7 + ["%s", "%s::numeric"] + ["%s::numeric"] * 5
) + ")"  # fmt: skip


def test_the_database_says_what_the_rule_says(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:

        @given(FACTS, MAY)
        def same(line: LineFacts, may: Tolerances) -> None:
            row = connection.execute(ASK.encode(), [*line, *may]).fetchone()
            assert (row or [None])[0] == matching.problems(line, may)

        same()


@given(FACTS, MAY)
def test_what_came_never_makes_it_worse(line: LineFacts, may: Tolerances) -> None:
    more = line._replace(received=line.received + 1)
    assert len(matching.problems(more, may)) <= len(matching.problems(line, may))
    wider = may._replace(price_percent=may.price_percent + 1, quantity_percent=may.quantity_percent + 1)
    assert set(matching.problems(line, wider)) <= set(matching.problems(line, may))


@given(FACTS)
def test_what_is_exactly_right_passes_without_tolerance(line: LineFacts) -> None:
    exact = line._replace(
        kind="goods", known=True, ordered=line.quantity + line.before, received=line.quantity + line.before,
        unit_price=line.expected_price,
    )  # fmt: skip
    assert matching.problems(exact, Tolerances(D(0), D(0), D(0), D(0), D(0))) == []


@given(FACTS, st.sampled_from(["accept", "reject", "credit"]))
def test_what_is_agreed_is_between_nothing_and_what_is_billed(line: LineFacts, decision: Any) -> None:
    paid = matching.agreed(decision, line, D(1))
    whole = matching.amount(line.quantity, line.unit_price, D(1))
    assert D(0) <= paid <= whole + D("0.01")
    assert D(0) <= matching.agreed_quantity(decision, line) <= line.quantity
    if decision == "reject":
        assert paid == 0
