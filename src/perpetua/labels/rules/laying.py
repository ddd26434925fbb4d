"""Where everything goes on one label: boxes become texts, bars and lines at exact places, for any printer.

A barcode's narrowest bar is a whole number of the printer's dots, as wide as the box allows, and never finer than
`LEAST_MODULE_MM`; its quiet zone lies inside its box. Source: GS1 General Specifications, 5.12 (sizes, quiet zones).
"""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

import msgspec

from perpetua.gs1.service import IDENTIFIERS, bracketed, check_digit, elements_of
from perpetua.kit import barcodes
from perpetua.kit.barcodes import Symbol, Symbology
from perpetua.kit.errors import InvalidValue
from perpetua.labels.errors import NoRoom, NotPrintable
from perpetua.labels.rules.sizes import dot_mm
from perpetua.labels.types import AUTO, Align, Bars, Box, Line, SymbologyAsked, TemplateBody, Text

__all__ = [
    "LEAST_HEIGHT_MM", "LEAST_MODULE_MM", "PLACEHOLDER", "Fill", "Frame", "Part", "Shape", "Words", "fields_in",
    "known_identifiers", "lay_out", "one_line",
]  # fmt: skip

LEAST_MODULE_MM: Final = 0.19
"""Finer bars are not read by every scanner of a warehouse."""
LEAST_HEIGHT_MM: Final = 5.0
"""Lower bars are hard to hit with a beam."""
MOST_MODULE_MM: Final = 1.0
MOST_RETAIL_MODULE_MM: Final = 0.66
"""Of EAN and UPC: twice the size that the standard calls 100 %."""
TEXT_BELOW_MM: Final = 3.8
GAP_MM: Final = 0.5
TEXT_POINTS: Final = 9.0
LEAST_TEXT_POINTS: Final = 5.0
BEARER_MODULES: Final = 2
"""How thick the bars above and below an ITF-14 are, without which half a scan would read as a shorter number."""

PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_]{0,39})\}")
_RETAIL: Final = frozenset({"ean13", "ean8", "upca"})
_BY_LENGTH: Final[dict[int, Symbology]] = {8: "ean8", 12: "upca", 13: "ean13", 14: "itf14"}
_DATES: Final = frozenset({"11", "12", "13", "15", "16", "17"})
_UNPRINTED: Final = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]+")


class Words(msgspec.Struct, frozen=True, kw_only=True, tag="words", tag_field="is"):
    """A text in a box, in millimetres; sizes in points."""

    x: float
    y: float
    width: float
    height: float
    text: str
    size: float
    least: float
    bold: bool
    align: Align
    wrap: bool


class Shape(msgspec.Struct, frozen=True, kw_only=True, tag="shape", tag_field="is"):
    """A barcode: where its first bar begins, without quiet zone; `module` is its narrowest bar; in millimetres.
    `asked` and `data` are what it was made of.
    """

    x: float
    y: float
    width: float
    height: float
    module: float
    symbol: Symbol
    data: str
    pairs: tuple[tuple[str, str], ...] = ()


class Fill(msgspec.Struct, frozen=True, kw_only=True, tag="fill", tag_field="is"):
    """A black rectangle."""

    x: float
    y: float
    width: float
    height: float


class Frame(msgspec.Struct, frozen=True, kw_only=True, tag="frame", tag_field="is"):
    """An empty rectangle with a black rim, which lies inside."""

    x: float
    y: float
    width: float
    height: float
    thickness: float


Part = Words | Shape | Fill | Frame


def lay_out(body: TemplateBody, values: Mapping[str, str], *, today: date, label: str) -> list[Part]:
    """One label of a template.

    Args:
        body: a template that was checked.
        values: what its fields hold; a field that is not there is empty.
        today: decides the century of years written with two digits.
        label: how refusals call it.

    Raises:
        NotPrintable: a barcode can't carry its value.
        NoRoom: a barcode would be too fine to be read.
    """
    dot = dot_mm(body.size)
    parts: list[Part] = []
    for place, element in enumerate(body.elements):
        match element:
            case Text():
                parts += _words(element, values)
            case Bars():
                parts += _bars(element, values, dot, today, label, f"elements[{place}]")
            case Line():
                parts.append(Fill(x=element.x, y=element.y, width=element.width, height=element.height))
            case Box():
                parts.append(
                    Frame(
                        x=element.x, y=element.y, width=element.width, height=element.height,
                        thickness=element.thickness,
                    )
                )  # fmt: skip
    return parts


def fields_in(text: str) -> list[str]:
    """The fields that a text names in braces."""
    return PLACEHOLDER.findall(text)


def one_line(text: str) -> str:
    """The text without what doesn't print."""
    return _UNPRINTED.sub(" ", text).strip()


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its fields' values; empty where it names fields and all of them are empty."""
    named = fields_in(text)
    if named and not any(values.get(name) for name in named):
        return ""
    return PLACEHOLDER.sub(lambda match: values.get(match[1], ""), text)


def _words(element: Text, values: Mapping[str, str]) -> list[Part]:
    text = one_line(filled(element.text, values))
    if not text:
        return []
    return [
        Words(
            x=element.x, y=element.y, width=element.width, height=element.height, text=text, size=element.size,
            least=min(element.least, element.size), bold=element.bold, align=element.align, wrap=element.fit == "wrap",
        )
    ]  # fmt: skip


class _Said(NamedTuple):
    """What a barcode is to say: text, or GS1 elements; and what people read below it."""

    symbology: Symbology
    readable: str
    data: str
    pairs: tuple[tuple[str, str], ...]
    field: str


def _bars(element: Bars, values: Mapping[str, str], dot: float, today: date, label: str, field: str) -> list[Part]:
    said = _said(element, values, today, label, field)
    below = TEXT_BELOW_MM + GAP_MM if element.readable else 0.0
    symbol, refusal = _made(said, said.symbology, label)
    module = _module(symbol, element, below, dot) if symbol else None
    if module is None and element.square and said.symbology in barcodes.LINEAR:
        instead, _ = _made(said, "gs1_datamatrix" if said.pairs else "datamatrix", label)
        found = _module(instead, element, below, dot) if instead else None
        symbol, module = (instead, found) if found else (symbol, None)
    if symbol is None:
        assert refusal is not None
        raise refusal
    if module is None:
        raise _no_room(symbol, element, below, dot, label, field)
    return _placed(symbol, said, element, below, module, dot)


def _module(symbol: Symbol, element: Bars, below: float, dot: float) -> float | None:
    """How wide its narrowest bar can be: whole dots, as the box allows; None where that is too fine."""
    room = element.width / (sum(symbol.quiet) + symbol.width)
    if not symbol.linear:
        room = min(room, (element.height - below) / (symbol.height + 2 * symbol.quiet[0]))
    most = MOST_RETAIL_MODULE_MM if symbol.symbology in _RETAIL else MOST_MODULE_MM
    module = math.floor(min(room, most) / dot + 1e-6) * dot
    return module if module >= LEAST_MODULE_MM else None


def _no_room(symbol: Symbol, element: Bars, below: float, dot: float, label: str, field: str) -> NoRoom:
    least = math.ceil(LEAST_MODULE_MM / dot - 1e-6) * dot
    modules, has = sum(symbol.quiet) + symbol.width, element.width
    if not symbol.linear:
        modules, has = max(modules, symbol.height + 2 * symbol.quiet[0]), min(has, element.height - below)
    needs = round(least * modules + 0.05, 1)
    return NoRoom(label=label, element=field, symbology=symbol.symbology, needs_mm=needs, has_mm=round(has, 1))


def _placed(symbol: Symbol, said: _Said, element: Bars, below: float, module: float, dot: float) -> list[Part]:
    """The symbol in its box, what belongs around it, and its text."""
    above = 0 if symbol.linear else symbol.quiet[0] * module
    wide = (sum(symbol.quiet) + symbol.width) * module
    left = element.x + {"left": 0.0, "center": (element.width - wide) / 2, "right": element.width - wide}[element.align]
    left, top = (math.floor(at / dot + 1e-6) * dot for at in (left, element.y))
    height = element.height - below if symbol.linear else symbol.height * module
    shape = Shape(
        x=left + symbol.quiet[0] * module, y=top + above, width=symbol.width * module, height=height, module=module,
        symbol=symbol, data=said.data, pairs=said.pairs,
    )  # fmt: skip
    parts: list[Part] = [shape]
    if symbol.symbology == "itf14":
        thick = BEARER_MODULES * module
        parts += [Fill(x=left, y=y, width=wide, height=thick) for y in (shape.y, shape.y + height - thick)]
    if element.readable:
        parts.append(
            Words(
                x=element.x, y=shape.y + height + above + GAP_MM, width=element.width, height=TEXT_BELOW_MM,
                text=said.readable, size=TEXT_POINTS, least=LEAST_TEXT_POINTS, bold=False, align=element.align,
                wrap=False,
            )
        )  # fmt: skip
    return parts


def _said(element: Bars, values: Mapping[str, str], today: date, label: str, field: str) -> _Said:
    asked = element.symbology
    if asked in barcodes.GS1:
        first = element.elements[0].field
        if values.get(first):
            return _gs1(asked, element, values, today, label)
        if element.otherwise is None:
            raise NotPrintable(label, first, "", "is empty, and the barcode can't do without it")
        asked = element.otherwise
    data = one_line(filled(element.data, values))
    named = fields_in(element.data)
    field = named[0] if len(named) == 1 else f"{field}.data"
    if not data:
        raise NotPrintable(label, field, "", "is empty, and so is the barcode")
    return _Said(_chosen(asked, data), data, data, (), field)


def _gs1(symbology: Symbology, element: Bars, values: Mapping[str, str], today: date, label: str) -> _Said:
    pairs = [(one.ai, _as_element(one.ai, values[one.field])) for one in element.elements if values.get(one.field)]
    try:
        made = elements_of(pairs, today=today, field="barcode")
    except InvalidValue as refusal:
        ai = refusal.facts.get("ai")
        named = next((one.field for one in element.elements if one.ai == ai), element.elements[0].field)
        raise NotPrintable(label, named, values.get(named, ""), refusal.facts["reason"]) from None
    held = tuple((one.ai, one.value) for one in made)
    return _Said(symbology, bracketed(made), "", held, element.elements[-1].field)


def _made(said: _Said, symbology: Symbology, label: str) -> tuple[Symbol | None, NotPrintable | None]:
    """The symbol, or why it can't carry what it is to say."""
    try:
        if said.pairs:
            return barcodes.make_gs1(symbology, said.pairs), None
        return barcodes.make(symbology, said.data), None
    except InvalidValue as refusal:
        return None, NotPrintable(label, said.field, said.readable, refusal.facts["reason"])


def _as_element(ai: str, value: str) -> str:
    """The value as GS1 data hold it: dates, which fields hold as people of any country read them, without hyphens."""
    day = re.fullmatch(r"[0-9]{2}([0-9]{2})-([0-9]{2})-([0-9]{2})", value)
    return "".join(day.groups()) if ai in _DATES and day else value


def _chosen(asked: SymbologyAsked, data: str) -> Symbology:
    """The symbology; for `auto` the one that the code belongs in."""
    if asked != AUTO:
        return asked
    if re.fullmatch(r"[0-9]+", data) and len(data) in _BY_LENGTH and str(check_digit(data[:-1])) == data[-1]:
        return _BY_LENGTH[len(data)]
    return "code128" if data.isascii() else "qr"


def known_identifiers(elements: Sequence[str]) -> list[str]:
    """Those that are no application identifiers."""
    return [ai for ai in elements if ai not in IDENTIFIERS]
