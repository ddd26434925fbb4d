"""A place as a row of a file, and its address back from the cells."""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from perpetua.kit import json
from perpetua.kit.errors import InvalidValue
from perpetua.places.types import Location

__all__ = ["ADDRESS", "COLUMNS", "cells_of", "read_lines"]

COLUMNS: Final[Mapping[str, Literal["text", "quantity", "integer", "boolean"]]] = {
    "code": "text", "parent": "text", "kind": "text", "name": "text", "capacity_units": "quantity",
    "weight_limit_kg": "quantity", "temperature_zone": "text", "temperature_min_c": "quantity",
    "temperature_max_c": "quantity", "pick_sequence": "integer", "sellable": "boolean", "negative_allowed": "boolean",
    "active": "boolean", "address_lines": "text", "city": "text", "region": "text", "postcode": "text",
    "country": "text", "phone": "text",
}  # fmt: skip
"""The columns of a file of places, and what each holds."""

ADDRESS: Final = ("address_lines", "city", "region", "postcode", "country", "phone")


def cells_of(place: Location) -> list[Any]:
    """The place in the order of COLUMNS. An address without a line has no cell."""
    address = place.address or {}
    shown = {
        **{name: address.get(name) for name in ADDRESS},
        "address_lines": _write_lines(address.get("lines", [])),
        "parent": place.path_codes[-2] if place.parent_id is not None else None,
    }
    return [shown[name] if name in shown else getattr(place, name) for name in COLUMNS]


def _write_lines(lines: list[str]) -> str | None:
    """Line under line; as JSON where that would not read back."""
    if not lines:
        return None
    text = "\n".join(lines)
    return text if _split(text) == lines else json.dumps(lines).decode()


def read_lines(text: str) -> list[str]:
    """The lines of an address: line under line, or a JSON list.

    Raises:
        InvalidValue: it begins like a list, and is none.
    """
    if not text.startswith("["):
        return _split(text)
    try:
        return json.decode(text, list[str])
    except msgspec.MsgspecError:
        raise InvalidValue("address_lines", text, "is not a list of lines") from None


def _split(text: str) -> list[str]:
    return [] if text.startswith("[") else [line for part in text.splitlines() if (line := part.strip())]
