"""What is expected of lead times: between own and supplier's, nearer to own the more there are."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from perpetua.purchasing.rules.lead_times import Variances, confidence, variances
from perpetua.purchasing.types.lead_times import Expected, Spread, Structure

D = Decimal
DAYS = st.integers(0, 200).map(D)
SOME = st.integers(1, 500).map(D)
ABOVE = st.sampled_from([D("0.01"), D(1), D(7), D(400), D(90000)])


def everybody(n: int = 100) -> Structure:
    """All rows, as far as an expectation needs them."""
    zero, mean = D(0), D(30)
    return Structure(
        n=D(n), items=D(10), suppliers=D(3), mean=mean, within=zero, between_items=zero, squares_per_supplier=zero,
        squares_per_all=zero, supplier_squares=zero, between_suppliers=zero, due=D(50), late=D(10),
        quantiles=[mean, mean + 10, mean + 20, mean + 30],
    )  # fmt: skip


def spread(n: int, mean: int, supplier_n: int = 40, supplier_mean: int = 50) -> Spread:
    """An item that always took the same."""
    return Spread(
        supplier_id=1, variant_id=1, supplier="S", sku="I", stated_days=None, n=D(n), mean=D(mean) if n else None,
        variance=D(9) if n else None, due=D(n), late=D(0), quantiles=[D(mean)] * 4 if n else None,
        supplier_n=D(supplier_n), supplier_mean=D(supplier_mean) if supplier_n else None, supplier_due=D(supplier_n),
        supplier_late=D(0), supplier_quantiles=[D(supplier_mean)] * 4 if supplier_n else None,
        supplier_squares=D(supplier_n * 4),
    )  # fmt: skip


def told(of: Spread, known: Variances) -> Expected:
    found = confidence(of, everybody(), known).expected
    assert found is not None
    return found


VARIANCES: Any = st.builds(Variances, ABOVE, ABOVE, ABOVE)


@given(VARIANCES)
def test_without_own_it_is_the_suppliers(known: Variances) -> None:
    found, none = told(spread(0, 0), known), told(spread(0, 0, supplier_n=0), known)
    assert found.own_weight == 0
    assert D(30) <= found.mean_days <= D(50)
    assert (none.others_weight, none.mean_days) == (1, 30)


@given(VARIANCES, st.integers(0, 200))
def test_with_many_it_is_its_own(known: Variances, mean: int) -> None:
    many = int(known.within / known.items * 10**6) + 10**6
    found = told(spread(many, mean), known)
    assert abs(found.mean_days - mean) <= D("0.01")
    assert found.own_weight >= D("0.9999")
    assert found.high_days - found.low_days <= D("1.1")


@given(VARIANCES, st.integers(0, 200), st.integers(0, 200))
def test_more_of_its_own_counts_more_and_is_surer(known: Variances, mean: int, n: int) -> None:
    less, more = told(spread(n, mean), known), told(spread(n + 1, mean), known)
    assert more.own_weight >= less.own_weight
    assert abs(more.mean_days - mean) <= abs(less.mean_days - mean) + D("0.01")
    assert more.high_days - more.low_days <= less.high_days - less.low_days + D("0.02")
    for one in (less, more):
        assert one.own_weight + one.supplier_weight + one.others_weight == 1
        assert D(0) <= one.low_days <= one.mean_days <= one.high_days
        q = one.quantiles
        assert q.p50 <= q.p80 <= q.p90 <= q.p95
        assert min(D(mean), D(30)) - D("0.01") <= one.mean_days <= max(D(mean), D(50)) + D("0.01")


@given(VARIANCES, st.integers(0, 199), st.integers(1, 50))
def test_longer_lead_times_are_never_expected_shorter(known: Variances, mean: int, n: int) -> None:
    assert told(spread(n, mean + 1), known).mean_days >= told(spread(n, mean), known).mean_days


def test_the_variances_of_a_design_worked_by_hand() -> None:
    # Two suppliers with two items each, two rows each: 1 3, 5 7 | 11 13, 15 17. Balanced: MS within 2, items 16,
    # suppliers 200.
    found = variances(
        Structure(
            n=D(8), items=D(4), suppliers=D(2), mean=D(9), within=D(8), between_items=D(32), squares_per_supplier=D(4),
            squares_per_all=D(2), supplier_squares=D(4), between_suppliers=D(200), due=D(0), late=D(0), quantiles=None,
        )
    )  # fmt: skip
    assert found == Variances(D(2), D(7), D(46))  # (16 - 2) / 2, (200 - 16) / 4


def test_nothing_known_says_nothing() -> None:
    empty = everybody(n=0)
    assert confidence(spread(0, 0, supplier_n=0), empty, variances(empty)).expected is None
