"""Whether a template can be printed; what is wrong is named by its field."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from perpetua.kit import barcodes
from perpetua.kit.errors import InvalidValue
from perpetua.labels.errors import NoRoom, NotPrintable
from perpetua.labels.rules.laying import (
    GAP_MM,
    LEAST_HEIGHT_MM,
    TEXT_BELOW_MM,
    fields_in,
    known_identifiers,
    lay_out,
    one_line,
)
from perpetua.labels.rules.samples import samples
from perpetua.labels.rules.sizes import PAGES, label_size
from perpetua.labels.types import FIELDS, Bars, Box, Element, Kind, Sheet, TemplateBody, Text

__all__ = ["check_body", "clean_code"]

_SLACK_MM: Final = 0.05
_CODE: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}", re.ASCII)


def clean_code(code: str) -> str:
    """A template's code as it is kept: small letters.

    Raises:
        InvalidValue: other signs than letters, digits, points, hyphens and underscores.
    """
    small = code.strip().lower()
    if not _CODE.fullmatch(small):
        raise InvalidValue("code", code, "is of letters, digits, points, hyphens and underscores, such as item-small")
    return small


def check_body(body: TemplateBody, *, today: date) -> None:
    """Refuses what could not be printed.

    Raises:
        InvalidValue: names the field, such as elements[2].data.
        NoRoom: a barcode of usual length would be too fine.
    """
    if body.name != one_line(body.name):
        raise InvalidValue("name", body.name, "has signs that don't print")
    if isinstance(body.size, Sheet):
        _check_sheet(body.size)
    wide, high = label_size(body.size)
    for place, element in enumerate(body.elements):
        field = f"elements[{place}]"
        if element.x + element.width > wide + _SLACK_MM:
            reason = f"x and width reach {element.x + element.width:g} mm; the label is {wide:g} mm wide"
            raise InvalidValue(f"{field}.width", element.width, reason)
        if element.y + element.height > high + _SLACK_MM:
            reason = f"y and height reach {element.y + element.height:g} mm; the label is {high:g} mm high"
            raise InvalidValue(f"{field}.height", element.height, reason)
        _check_element(element, field, body.kind)
    try:
        lay_out(body, samples(body), today=today, label="sample")
    except (NotPrintable, NoRoom) as refusal:
        place = re.match(r"elements\[\d+\]", str(refusal.facts.get("element", "")))
        field = f"{place[0]}.width" if place else f"elements.{refusal.facts.get('field', '')}"
        raise InvalidValue(field, "", f"with usual values: {refusal.detail}") from None


def _check_sheet(sheet: Sheet) -> None:
    wide, high = PAGES[sheet.page]
    for name, pitch, size, count, start, whole in (
        ("pitch_x", sheet.pitch_x, sheet.width, sheet.columns, sheet.left, wide),
        ("pitch_y", sheet.pitch_y, sheet.height, sheet.rows, sheet.top, high),
    ):
        if pitch < size - _SLACK_MM:
            raise InvalidValue(f"size.{name}", pitch, f"is less than the label's own {size:g} mm: they would overlap")
        reach = start + (count - 1) * pitch + size
        if reach > whole + 0.5:
            reason = f"the labels reach {reach:g} mm; the paper has {whole:g} mm"
            raise InvalidValue(f"size.{name}", pitch, reason)


def _check_element(element: Element, field: str, kind: Kind) -> None:
    match element:
        case Text():
            if element.text != one_line(element.text):
                raise InvalidValue(f"{field}.text", element.text, "has signs that don't print, or blanks around it")
            _check_fields(fields_in(element.text), f"{field}.text", kind)
            if element.least > element.size:
                raise InvalidValue(f"{field}.least", element.least, f"is more than size, which is {element.size:g}")
        case Bars():
            _check_bars(element, field, kind)
        case Box() if element.thickness * 2 > min(element.width, element.height):
            raise InvalidValue(f"{field}.thickness", element.thickness, "is more than the box has room for")
        case _:
            return


def _check_bars(element: Bars, field: str, kind: Kind) -> None:
    _check_fields([*fields_in(element.data), *(one.field for one in element.elements)], field, kind)
    if element.data != one_line(element.data):
        raise InvalidValue(f"{field}.data", element.data, "has signs that don't print, or blanks around it")
    needs_data = True
    if element.symbology in barcodes.GS1:
        if not element.elements:
            reason = f'{element.symbology} holds elements, such as {{"ai": "01", "field": "gtin"}}'
            raise InvalidValue(f"{field}.elements", "", reason)
        for unknown in known_identifiers([one.ai for one in element.elements]):
            raise InvalidValue(f"{field}.elements", unknown, "is no GS1 application identifier")
        needs_data = element.otherwise is not None
    elif element.elements or element.otherwise:
        raise InvalidValue(f"{field}.elements", element.symbology, f"{element.symbology} holds data, not elements")
    if element.otherwise in barcodes.GS1:
        raise InvalidValue(f"{field}.otherwise", element.otherwise, "must be a symbology that holds data")
    if needs_data and not element.data:
        raise InvalidValue(f"{field}.data", "", "is empty; name a field, such as {sku}")
    least = LEAST_HEIGHT_MM + (TEXT_BELOW_MM + GAP_MM if element.readable else 0)
    if element.height < least:
        raise InvalidValue(f"{field}.height", element.height, f"must be {least:g} mm or more for a barcode")


def _check_fields(named: list[str], field: str, kind: Kind) -> None:
    for name in _unknown(named, kind):
        known = ", ".join(FIELDS[kind])
        raise InvalidValue(field, name, f"{{{name}}} is no field of labels of kind {kind}; there are {known}")


def _unknown(named: list[str], kind: Kind) -> Iterator[str]:
    return (name for name in named if kind != "custom" and name not in FIELDS[kind])
