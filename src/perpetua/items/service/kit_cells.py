"""A kit's components in one cell of a table: `PEN-BLUE*2; PEN-RED; FLOUR*0.5`; `none`: it is no kit.

Always true: what `write_components` writes, `read_components` reads as the same SKUs and quantities.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from perpetua.items.types import KitPart
from perpetua.kit import json
from perpetua.kit.errors import InvalidValue
from perpetua.kit.quantity import parse_decimal, plain_text

__all__ = ["NONE", "read_components", "write_components"]

NONE = "none"
_FORM = "write it like PEN-BLUE*2; PEN-RED"
_ONE = re.compile(r"(?P<sku>.+?)(?:\s*[*×]\s*(?P<quantity>\S+))?")


def read_components(text: str) -> list[KitPart]:
    """The components of a cell, separated by `;` or `|`; a cell that begins with `[` is JSON.

    Raises:
        InvalidValue: not of this form.
    """
    if text.casefold() == NONE:
        return []
    if text.startswith("["):
        try:
            return json.decode(text, list[KitPart])
        except msgspec.MsgspecError as odd:
            raise InvalidValue("components", text, f"is no list of components: {odd}") from None
    parts = [_one(part.strip()) for part in re.split(r"[;|]", text) if part.strip()]
    if not parts:
        raise InvalidValue("components", text, f"names no component; {_FORM}, or none")
    return parts


def write_components(components: Sequence[Mapping[str, Any]]) -> str | None:
    """A cell of them (sku, quantity), as short as it can be; None where there are none."""
    if not components:
        return None
    parts = [_short(one["sku"], Decimal(one["quantity"])) for one in components]
    text = "; ".join(parts)
    if not any(re.search(r"[;|]", part) for part in parts) and _reads(text) == _parts(components):
        return text
    return json.dumps([{"sku": part.sku, "quantity": part.quantity} for part in _parts(components)]).decode()


def _one(part: str) -> KitPart:
    found = _ONE.fullmatch(part)
    if found is None:
        raise InvalidValue("components", part, f"is no component; {_FORM}")
    if found["quantity"] is None:
        return KitPart(sku=found["sku"])
    try:
        return KitPart(sku=found["sku"], quantity=parse_decimal(found["quantity"], "components"))
    except InvalidValue:
        raise InvalidValue("components", part, f"what comes after * is a quantity; {_FORM}") from None


def _short(sku: str, quantity: Decimal) -> str:
    return sku if quantity == 1 else f"{sku}*{plain_text(quantity)}"


def _parts(components: Sequence[Mapping[str, Any]]) -> list[KitPart]:
    return [KitPart(sku=one["sku"], quantity=Decimal(one["quantity"])) for one in components]


def _reads(text: str) -> list[KitPart]:
    try:
        return read_components(text)
    except InvalidValue:
        return []
