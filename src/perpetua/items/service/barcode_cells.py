"""Barcodes in one cell of a table: `4006381333931; 14006381333938 case:12; A-17 each:1 internal`.

Always true: what `write_barcodes` writes, `read_barcodes` reads as the same codes, levels and units.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from perpetua.items.rules import normalise_barcode
from perpetua.items.types import AddBarcode
from perpetua.kit import json
from perpetua.kit.errors import InvalidValue
from perpetua.kit.quantity import parse_decimal

__all__ = ["read_barcodes", "write_barcodes"]

_ONE = re.compile(
    r"(?P<code>.+?)(?:\s+(?P<level>each|inner|case|pallet)(?::(?P<units>[0-9.]+))?)?"
    r"(?:\s+(?P<kind>ean13|ean8|upca|upce|gtin14|restricted|code128|qr|internal))?"
)


def read_barcodes(text: str) -> list[AddBarcode]:
    """The barcodes of a cell, separated by `;` or `|`; a cell that begins with `[` is JSON.

    Raises:
        InvalidValue: not of this form.
    """
    if text.isascii() and text.isdigit():
        return [AddBarcode(code=text)]
    if text.startswith("["):
        try:
            return json.decode(text, list[AddBarcode])
        except msgspec.MsgspecError as odd:
            raise InvalidValue("barcodes", text, f"is no list of barcodes: {odd}") from None
    return [_one(part.strip()) for part in re.split(r"[;|]", text) if part.strip()]


def write_barcodes(barcodes: Sequence[Mapping[str, Any]]) -> str:
    """A cell of them (code, kind, level, units), as short as it can be."""
    parts = [_short(one) for one in barcodes]
    if all(_same(part, one) for part, one in zip(parts, barcodes, strict=True)):
        return "; ".join(parts)
    plain = [{**one, "kind": one["kind"] if _must_say(one) else None} for one in barcodes]
    return json.dumps(plain).decode()


def _one(part: str) -> AddBarcode:
    found = _ONE.fullmatch(part)
    if found is None:
        raise InvalidValue("barcodes", part, "is no barcode")
    level, units = found["level"], found["units"]
    return AddBarcode(
        code=found["code"],
        kind=found["kind"],  # pyright: ignore[reportArgumentType] - the pattern has the same words
        level=level or "each",  # pyright: ignore[reportArgumentType]
        units=parse_decimal(units, "barcodes") if units else Decimal(1),
    )


def _short(one: Mapping[str, Any]) -> str:
    text = one["code"]
    if one["level"] != "each" or Decimal(one["units"]) != 1:
        text += f" {one['level']}:{one['units']}"
    return f"{text} {one['kind']}" if _must_say(one) else text


def _must_say(one: Mapping[str, Any]) -> bool:
    """Whether the code alone would be taken for another kind, or refused. A GTIN tells its own."""
    if one["kind"] not in ("internal", "code128", "qr"):
        return False
    try:
        return normalise_barcode(one["code"]).kind != one["kind"]
    except InvalidValue:
        return True


def _same(part: str, one: Mapping[str, Any]) -> bool:
    if re.search(r"[;|]", part) or part.startswith("["):
        return False
    read = _one(part)
    kept = (one["code"], one["level"], Decimal(one["units"]))
    return (read.code, read.level, read.units) == kept
