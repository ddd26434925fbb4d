"""Quantities and money as exact decimals.

Always true:
- A quantity is a finite Decimal with at most 4 places and magnitude below 10**14 (`numeric(18,4)`).
- A unit cost or price is a finite Decimal with at most 6 places and magnitude below 10**12 (`numeric(18,6)`).
- Nothing is rounded silently: a value that does not fit is refused.
- A number is shown in one form, whoever worked it out: `2`, never `2.0000`; what comes from the database has that form.
"""

from decimal import Decimal, InvalidOperation
from functools import lru_cache

from perpetua.kit.errors import InvalidValue

__all__ = [
    "MONEY_PLACES", "QUANTITY_PLACES", "ZERO", "exact_money", "exact_quantity", "parse_decimal", "plain",
    "plain_number", "plain_text",
]  # fmt: skip

ZERO = Decimal(0)
QUANTITY_PLACES = 4
MONEY_PLACES = 6
_QUANTITY_LIMIT = Decimal(10) ** 14
_MONEY_LIMIT = Decimal(10) ** 12


def exact_quantity(value: Decimal, field: str = "quantity", *, places: int = QUANTITY_PLACES) -> Decimal:
    """`value`, when it is a quantity with at most `places` decimals (the unit's); refused otherwise.

    Raises:
        InvalidValue: not finite, too large or too fine.
    """
    return _exact(value, field, places, _QUANTITY_LIMIT)


def exact_money(value: Decimal, field: str) -> Decimal:
    """`value`, when it is an amount of money per unit (≤ 6 decimals).

    Raises:
        InvalidValue: not finite, too large or too fine.
    """
    return _exact(value, field, MONEY_PLACES, _MONEY_LIMIT)


def parse_decimal(text: str, field: str) -> Decimal:
    """The number written in `text` with a point as decimal sign, or refused.

    Raises:
        InvalidValue: no number (also NaN and infinities).
    """
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        raise InvalidValue(field, text, "is not a number; write it like 12 or 12.5") from None
    if not value.is_finite():
        raise InvalidValue(field, text, "is not a finite number")
    return value


def plain(value: Decimal) -> Decimal:
    """The same number in the form that it is shown in: without zeros that say nothing."""
    text = str(value)
    # Not by normalize(), which makes 1E+2 of 100.
    return Decimal(plain_text(value)) if ("." in text and text[-1] == "0") or "E" in text else value


@lru_cache(maxsize=16_384)
def plain_number(text: str) -> Decimal:
    """The number that the database wrote so, in the form that it is shown in. The same few come again and again."""
    return plain(Decimal(text))


def plain_text(value: Decimal) -> str:
    """Without exponent and without zeros that say nothing: 12.5000 is 12.5."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _exact(value: Decimal, field: str, places: int, limit: Decimal) -> Decimal:
    if not value.is_finite():
        raise InvalidValue(field, str(value), "is not a finite number")
    if not -limit < value < limit:
        raise InvalidValue(field, str(value), f"is too large; the limit is {limit:f}")
    # Not by normalize(), which rounds to 28 digits and so would let 1.00…01 pass as 1.
    if round(value, places) != value:
        what = "whole numbers only" if places == 0 else f"at most {places} decimals"
        raise InvalidValue(field, str(value), f"is too fine; this takes {what}", decimals=places)
    return value
