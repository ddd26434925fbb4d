"""Parsers of cells that several kinds have: a field's `parse`."""

from collections.abc import Callable
from decimal import Decimal

from perpetua.kit.errors import InvalidValue
from perpetua.kit.quantity import parse_decimal

__all__ = ["number", "yes_or_no"]


def number(field: str) -> Callable[[str], Decimal]:
    """Reads a number; what is none is refused, naming the field."""
    return lambda text: parse_decimal(text, field)


def yes_or_no(field: str) -> Callable[[str], bool]:
    """Reads yes or no, as files say it; anything else is refused, naming the field."""

    def parse(text: str) -> bool:
        match text.casefold():
            case "yes" | "y" | "true" | "1" | "active":
                return True
            case "no" | "n" | "false" | "0" | "inactive":
                return False
            case _:
                raise InvalidValue(field, text, "must be yes or no")

    return parse
