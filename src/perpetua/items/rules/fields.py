"""What the fields of an item may hold."""

import math
import re
import unicodedata
from decimal import Decimal
from typing import Any

from perpetua.kit import json
from perpetua.kit.errors import InvalidValue

__all__ = [
    "clean_attributes", "clean_code", "clean_length", "clean_name", "clean_price", "clean_sku", "clean_text",
    "clean_unit_code", "clean_weight",
]  # fmt: skip

MAX_ATTRIBUTES_BYTES = 16_384
MAX_DEPTH = 4
MAX_ITEMS = 200
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
_UNIT_CODE = re.compile(r"[A-Za-z0-9_.²³%/-]{1,20}", re.ASCII)
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


def clean_sku(text: str, field: str = "sku") -> str:
    """A SKU as it is kept: without spaces around it, in the case it was given.

    Raises:
        InvalidValue: empty, longer than 64 characters, or with characters that don't print.
    """
    return _line(text, field, 64)


def clean_code(text: str, field: str = "code") -> str:
    """The code of an owner or category, under the same rules as a SKU."""
    return _line(text, field, 64)


def clean_unit_code(text: str, field: str = "code") -> str:
    """The code of a unit: up to 20 letters, digits, and the signs that units are written with.

    Raises:
        InvalidValue: empty, too long, or with other characters.
    """
    code = text.strip()
    if not _UNIT_CODE.fullmatch(code):
        raise InvalidValue(field, text, "must have 1 to 20 letters (A–Z), digits, or of _ . ² ³ % / -")
    return code


def clean_name(text: str, field: str = "name") -> str:
    """A name as it is kept: one line, 1 to 300 characters.

    Raises:
        InvalidValue: empty, too long, or with characters that don't print.
    """
    return _line(text, field, 300)


def clean_text(text: str, field: str = "description", limit: int = 20_000) -> str:
    """A text of several lines as it is kept.

    Raises:
        InvalidValue: too long, or with characters that can't be stored.
    """
    cleaned = unicodedata.normalize("NFC", text.strip())
    if len(cleaned) > limit:
        raise InvalidValue(field, cleaned, f"is too long; at most {limit} characters")
    if _UNSTORABLE.search(cleaned):
        raise InvalidValue(field, ascii(cleaned), "has characters that can't be stored")
    return cleaned


def clean_attributes(value: dict[str, Any], field: str = "attributes") -> dict[str, Any]:
    """Attributes, when they are a JSON object of sane size: 4 levels deep, 200 members each, 16 kB in all.

    Raises:
        InvalidValue: names the member that can't be taken.
    """
    _check_member(value, field, 0)
    size = len(json.dumps(value))
    if size > MAX_ATTRIBUTES_BYTES:
        raise InvalidValue(field, f"{size} bytes", f"is too large; at most {MAX_ATTRIBUTES_BYTES} bytes as JSON")
    return value


def clean_price(value: Decimal | None, field: str) -> Decimal | None:
    """A price per unit: not below zero, at most 6 decimals.

    Raises:
        InvalidValue: negative, not finite, too large or too fine. It does not repeat a cost.
    """
    return _number(value, field, 6, Decimal(10) ** 12, zero=True)


def clean_weight(value: Decimal | None, field: str) -> Decimal | None:
    """A weight in kilograms: not below zero, at most 6 decimals."""
    return _number(value, field, 6, Decimal(10) ** 12, zero=True)


def clean_length(value: Decimal | None, field: str) -> Decimal | None:
    """A length in millimetres: above zero, at most 3 decimals."""
    return _number(value, field, 3, Decimal(10) ** 9, zero=False)


def _number(value: Decimal | None, field: str, places: int, limit: Decimal, *, zero: bool) -> Decimal | None:
    if value is None:
        return None
    shown = "(not shown)" if "cost" in field else str(value)[:40]
    if not value.is_finite() or value >= limit:
        raise InvalidValue(field, shown, f"must be a number below {limit:f}")
    if value < 0 or (value == 0 and not zero):
        raise InvalidValue(field, shown, "must not be negative" if zero else "must be above zero")
    if value != round(value, places):
        raise InvalidValue(field, shown, f"is too fine; at most {places} decimals", decimals=places)
    # As the database reads it back, so that the trail tells no change where there is none.
    return round(value, 0) if value == value.to_integral_value() else value.normalize()


def _line(text: str, field: str, limit: int) -> str:
    cleaned = unicodedata.normalize("NFC", text.strip())
    if not cleaned:
        raise InvalidValue(field, text, "is empty")
    if len(cleaned) > limit:
        raise InvalidValue(field, cleaned, f"is too long; at most {limit} characters")
    if _UNPRINTABLE.search(cleaned):
        raise InvalidValue(field, ascii(cleaned), "has characters that don't print")
    return cleaned


def _check_member(value: Any, path: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InvalidValue(path[:200], value, f"lies too deep; at most {MAX_DEPTH} levels")
    match value:
        case dict():
            members: list[tuple[Any, Any]] = list(value.items())  # pyright: ignore[reportUnknownArgumentType]
            _check_count(path, len(members))
            for key, member in members:
                if not isinstance(key, str) or not 0 < len(key) <= 100 or _UNPRINTABLE.search(key):
                    raise InvalidValue(path[:200], ascii(key), "has a name that is empty, too long or doesn't print")
                _check_member(member, f"{path}.{key}", depth + 1)
        case list():
            listed: list[Any] = list(value)  # pyright: ignore[reportUnknownArgumentType]
            _check_count(path, len(listed))
            for place, member in enumerate(listed):
                _check_member(member, f"{path}[{place}]", depth + 1)
        case str():
            clean_text(value, path[:200], 4000)
        case float() if not math.isfinite(value):
            raise InvalidValue(path[:200], value, "is not a finite number")
        case None | bool() | int() | float():
            pass
        case _:
            raise InvalidValue(path[:200], value, "is not a JSON value")


def _check_count(path: str, count: int) -> None:
    if count > MAX_ITEMS:
        raise InvalidValue(path[:200], f"{count} members", f"has too many; at most {MAX_ITEMS}")
