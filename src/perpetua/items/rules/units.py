"""Units: exact conversions, by fractions."""

from decimal import Decimal
from fractions import Fraction

from perpetua.items.errors import NotExact
from perpetua.items.types import Unit
from perpetua.kit.errors import InvalidValue
from perpetua.kit.quantity import exact_quantity

__all__ = ["convert", "in_unit", "unit_is_sound"]

_LARGEST_FACTOR = 10**18


def convert(quantity: Decimal, from_unit: Unit, to_unit: Unit, field: str = "quantity") -> Decimal:
    """`quantity` of `from_unit` counted in `to_unit`, exactly.

    Raises:
        NotExact: the two measure different things, or the result has more decimals than `to_unit` takes.
        InvalidValue: not finite, or too fine for `from_unit`.
    """
    in_unit(quantity, from_unit, field)
    said = f"{quantity:f} {from_unit.code}"
    if (from_unit.base_code or from_unit.code) != (to_unit.base_code or to_unit.code):
        reason = f"{from_unit.code} can't be counted in {to_unit.code}: they measure different things"
        raise NotExact(field, said, reason, from_unit=from_unit.code, to_unit=to_unit.code)
    result = Fraction(quantity) * _factor(from_unit) / _factor(to_unit)
    scaled = result * 10**to_unit.decimals
    if scaled.denominator != 1:
        reason = f"{said} is no whole number of the smallest part of {to_unit.code} ({to_unit.decimals} decimals)"
        raise NotExact(field, said, reason, from_unit=from_unit.code, to_unit=to_unit.code, decimals=to_unit.decimals)
    return exact_quantity(Decimal(scaled.numerator).scaleb(-to_unit.decimals), field, places=to_unit.decimals)


def in_unit(quantity: Decimal, unit: Unit, field: str = "quantity") -> Decimal:
    """`quantity`, when the unit can be divided so finely.

    Raises:
        InvalidValue: not finite, too large, or with more decimals than the unit takes.
    """
    return exact_quantity(quantity, field, places=unit.decimals)


def unit_is_sound(unit: Unit, base: Unit | None) -> Unit:
    """`unit`, when its numbers make sense and its base is a base.

    Raises:
        InvalidValue: decimals outside 0 to 4, a factor below 1 or beyond 10**18, a base that has a base itself.
    """
    if not 0 <= unit.decimals <= 4:
        raise InvalidValue("decimals", str(unit.decimals), "must be 0 to 4")
    for field, value in (("factor_num", unit.factor_num), ("factor_den", unit.factor_den)):
        if not 1 <= value <= _LARGEST_FACTOR:
            raise InvalidValue(field, str(value), "must be a whole number from 1 to 10**18")
    if unit.base_code is None:
        if (unit.factor_num, unit.factor_den) != (1, 1):
            raise InvalidValue("base_code", "", "is needed where there is a factor")
        return unit
    if base is None:
        raise InvalidValue("base_code", unit.base_code, "there is no such unit")
    if base.base_code is not None or base.code == unit.code:
        reason = f"must be a unit that has no base itself; take {base.base_code or 'another'}"
        raise InvalidValue("base_code", unit.base_code, reason)
    return unit


def _factor(unit: Unit) -> Fraction:
    return Fraction(unit.factor_num, unit.factor_den)
