"""Tables written as a stream: rows go in by batches, bytes come out, nothing is held."""

import csv
import io
import re
import zipfile
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from perpetua.kit.quantity import plain_text
from perpetua.kit.sink import Sink

__all__ = ["csv_stream", "unquoted", "xlsx_stream"]

Batches = AsyncIterable[Iterable[Sequence[Any]]]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MARKED = re.compile(r"'+[=+\-@\t\r]")
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0d\x0e-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_EXACT_DIGITS = 15
SHEET_ROWS = 1_048_576


async def csv_stream(header: Sequence[str], batches: Batches, *, bom: bool = False) -> AsyncIterator[bytes]:
    """CSV in UTF-8. Text that a spreadsheet would run as a formula gets a leading quote; `unquoted` takes it off.

    Args:
        bom: begin with a byte-order mark, without which Excel takes the file for Windows-1252.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([_csv_cell(name) for name in header])
    yield (("\ufeff" if bom else "") + buffer.getvalue()).encode()
    async for batch in batches:
        buffer.seek(0)
        buffer.truncate()
        writer.writerows([_csv_cell(value) for value in row] for row in batch)
        yield buffer.getvalue().encode()


def unquoted(cell: str) -> str:
    """A CSV cell without the quote that `csv_stream` set before formula signs."""
    return cell[1:] if cell[:1] == "'" and _MARKED.match(cell) else cell


def _csv_cell(value: Any) -> Any:
    match value:
        case str():
            return f"'{value}" if value.startswith(_FORMULA) or _MARKED.match(value) else value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case _:
            return _number_or_instant(value)


def _number_or_instant(value: Any) -> str:
    match value:
        case Decimal():
            return plain_text(value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case _:
            return str(value)


async def xlsx_stream(header: Sequence[str], batches: Batches, *, sheet: str = "Sheet1") -> AsyncIterator[bytes]:
    """A workbook of one sheet. Text is always a text cell, never a formula; a number of over 15 digits is text.

    Rows beyond what a sheet holds go on in a second sheet, with the header again.
    """
    sink = Sink()
    sheets = 0
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        part: Any = None
        row = SHEET_ROWS
        async for batch in batches:
            text: list[str] = []
            for values in batch:
                if row >= SHEET_ROWS:
                    part = _next_part(archive, part, text, sheets := sheets + 1)
                    text, row = [_row(1, header)], 1
                row += 1
                text.append(_row(row, values))
            if part and text:
                part.write("".join(text).encode())
            yield sink.take()
        if part is None:
            part = _next_part(archive, None, [], sheets := 1)
            part.write(_row(1, header).encode())
        part.write(b"</sheetData></worksheet>")
        part.close()
        for name, content in _frame(sheets, sheet):
            archive.writestr(name, content)
    yield sink.take()


def _next_part(archive: zipfile.ZipFile, part: Any, text: list[str], number: int) -> Any:
    if part:
        part.write(("".join(text) + "</sheetData></worksheet>").encode())
        part.close()
    part = archive.open(f"xl/worksheets/sheet{number}.xml", "w", force_zip64=True)
    part.write(f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
    return part


def _row(number: int, values: Sequence[Any]) -> str:
    cells = "".join(_xlsx_cell(f"{_letters(at)}{number}", value) for at, value in enumerate(values))
    return f'<row r="{number}">{cells}</row>'


def _xlsx_cell(place: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | Decimal):
        text = plain_text(Decimal(value))
        if len(text.lstrip("-0.").replace(".", "")) <= _EXACT_DIGITS:
            return f'<c r="{place}"><v>{text}</v></c>'
    else:
        text = value if isinstance(value, str) else _number_or_instant(value)
    text = escape(_ILLEGAL.sub(lambda sign: f"_x{ord(sign[0]):04X}_", text))
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


_names: list[str] = []


def _letters(column: int) -> str:
    """0 is A, 26 is AA."""
    while len(_names) <= column:
        number, name = len(_names), ""
        while number >= 0:
            name, number = chr(65 + number % 26) + name, number // 26 - 1
        _names.append(name)
    return _names[column]


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def _frame(sheets: int, title: str) -> Iterable[tuple[str, str]]:
    """The parts around the sheets, as ECMA-376 wants them."""
    numbers = range(1, sheets + 1)
    parts = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_KIND}.worksheet+xml"/>' for n in numbers
    )
    yield (
        "[Content_Types].xml",
        (
            f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>{parts}</Types>'
        ),
    )
    yield (
        "_rels/.rels",
        (
            f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
    )
    names = "".join(
        f'<sheet name="{escape(title if n == 1 else f"{title} {n}")}" sheetId="{n}" r:id="rId{n}"/>' for n in numbers
    )
    yield (
        "xl/workbook.xml",
        (f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{names}</sheets></workbook>'),
    )
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
    )
    yield "xl/_rels/workbook.xml.rels", f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>'
