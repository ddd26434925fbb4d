"""Units: conversions that are exact, or refused."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from perpetua.items.errors import NotExact
from perpetua.items.rules import convert, in_unit, unit_is_sound
from perpetua.items.types import Unit
from perpetua.kit.errors import InvalidValue

EACH = Unit(code="each", name="Each", decimals=0)
DOZEN = Unit(code="dozen", name="Dozen", decimals=0, base_code="each", factor_num=12)
KG = Unit(code="kg", name="Kilogram", decimals=3)
G = Unit(code="g", name="Gram", decimals=0, base_code="kg", factor_den=1000)
LB = Unit(code="lb", name="Pound", decimals=3, base_code="kg", factor_num=45359237, factor_den=100000000)


@pytest.mark.parametrize(
    "quantity, from_unit, to_unit, result",
    [
        ("3", DOZEN, EACH, "36"),
        ("36", EACH, DOZEN, "3"),
        ("1.25", KG, G, "1250"),
        ("1", G, KG, "0.001"),
        ("-2", DOZEN, EACH, "-24"),
        ("0", LB, KG, "0"),
        ("7", EACH, EACH, "7"),
    ],
)
def test_a_conversion_is_exact(quantity: str, from_unit: Unit, to_unit: Unit, result: str) -> None:
    assert convert(Decimal(quantity), from_unit, to_unit) == Decimal(result)


@pytest.mark.parametrize(
    "quantity, from_unit, to_unit",
    [("7", EACH, DOZEN), ("1", LB, KG), ("1", KG, EACH), ("1", KG, LB)],
)
def test_what_would_need_rounding_is_refused(quantity: str, from_unit: Unit, to_unit: Unit) -> None:
    with pytest.raises(NotExact) as refused:
        convert(Decimal(quantity), from_unit, to_unit)
    assert refused.value.facts["to_unit"] == to_unit.code


@pytest.mark.parametrize("quantity", ["1.5", "NaN", "Infinity", "1e400", "1e-400"])
def test_a_quantity_finer_than_its_unit_is_refused(quantity: str) -> None:
    with pytest.raises(InvalidValue):
        in_unit(Decimal(quantity), EACH)


def test_the_decimals_of_a_unit_are_its_grain() -> None:
    assert in_unit(Decimal("1.234"), KG) == Decimal("1.234")
    with pytest.raises(InvalidValue):
        in_unit(Decimal("1.2345"), KG)


@given(
    st.decimals(min_value=-10**6, max_value=10**6, places=3, allow_nan=False, allow_infinity=False),
    st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 10**6),
)  # fmt: skip
def test_there_and_back_is_the_same(quantity: Decimal, a: int, b: int, c: int, d: int) -> None:
    one = Unit(code="a", name="A", decimals=4, base_code="x", factor_num=a, factor_den=b)
    other = Unit(code="b", name="B", decimals=4, base_code="x", factor_num=c, factor_den=d)
    try:
        there = convert(quantity, one, other)
    except InvalidValue:
        assume(False)
        return
    assert Fraction(there) * Fraction(c, d) == Fraction(quantity) * Fraction(a, b)
    assert convert(there, other, one) == quantity


@pytest.mark.parametrize(
    "unit, base",
    [
        (Unit(code="x", name="X", decimals=5), None),
        (Unit(code="x", name="X", decimals=-1), None),
        (Unit(code="x", name="X", decimals=0, factor_num=2), None),
        (Unit(code="x", name="X", decimals=0, base_code="y"), None),
        (Unit(code="x", name="X", decimals=0, base_code="dozen"), DOZEN),
        (Unit(code="x", name="X", decimals=0, base_code="each", factor_den=0), EACH),
        (Unit(code="each", name="X", decimals=0, base_code="each"), EACH),
    ],
)
def test_a_unit_that_makes_no_sense_is_refused(unit: Unit, base: Unit | None) -> None:
    with pytest.raises(InvalidValue):
        unit_is_sound(unit, base)
