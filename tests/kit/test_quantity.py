"""Quantities and money: exact, or refused."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpetua.kit.errors import InvalidValue
from perpetua.kit.quantity import exact_money, exact_quantity, parse_decimal, plain


@pytest.mark.parametrize("text", ["0", "-3", "12.5", "0.0001", "99999999999999.9999", "1.50000000", "1e3", "0E-30"])
def test_a_quantity_that_fits_is_taken_as_it_is(text: str) -> None:
    assert exact_quantity(Decimal(text)) == Decimal(text)


@pytest.mark.parametrize(
    "text",
    ["NaN", "sNaN", "Infinity", "1e400", "1e-400", "0.00001", "1e14", "-1e14", "1." + "0" * 60 + "1", "1" * 60],
)
def test_a_quantity_that_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        exact_quantity(Decimal(text))


@given(
    st.one_of(
        st.decimals(-(10**15), 10**15), st.builds(Decimal, st.from_regex(r"-?[0-9]{1,16}\.[0-9]{1,60}", fullmatch=True))
    ),
    st.integers(0, 4),
)
def test_a_value_is_taken_exactly_when_it_has_no_more_decimals(value: Decimal, places: int) -> None:
    fits = abs(value) < 10**14 and (Fraction(value) * 10**places).denominator == 1
    try:
        kept = exact_quantity(value, places=places)
    except InvalidValue:
        assert not fits
    else:
        assert fits
        assert kept == value


def test_money_takes_six_decimals() -> None:
    assert exact_money(Decimal("0.000001"), "price") == Decimal("0.000001")
    with pytest.raises(InvalidValue):
        exact_money(Decimal("0.0000001"), "price")


@pytest.mark.parametrize("text", ["", "abc", "nan", "1,5", "--1"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        parse_decimal(text, "quantity")


@given(st.decimals(-(10**14), 10**14, allow_nan=False, places=6))
def test_a_number_is_shown_in_one_form(value: Decimal) -> None:
    shown = str(plain(value))
    assert Decimal(shown) == value
    assert "E" not in shown
    assert "." not in shown or not shown.endswith(("0", "."))


@pytest.mark.parametrize(
    "text, shown", [("2.0000", "2"), ("1E+2", "100"), ("0.0000", "0"), ("0E-7", "0"), ("1.50", "1.5")]
)
def test_zeros_that_say_nothing_are_left_out(text: str, shown: str) -> None:
    assert str(plain(Decimal(text))) == shown
