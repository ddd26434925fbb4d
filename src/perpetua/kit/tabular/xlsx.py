"""Workbooks, by calamine, behind a guard: a workbook is a zip of XML and can unpack to anything."""

import datetime as dt
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import python_calamine as calamine

from perpetua.kit.tabular.types import Fault, Limits, Row, Table, Unreadable

__all__ = ["inspect", "read"]

_CELL = re.compile(rb'<(?:\w+:)?c [^>]*?r="([A-Z]{1,3})([0-9]{1,7})"')
_BLOCK = 1 << 20
_OVERLAP = 64


def inspect(path: Path, name: str, sha256: str, limits: Limits, sheet: str | None) -> Table:
    """What the workbook's sheet (the first visible one where not given) holds."""
    size = _guard(path, name, limits)
    with _workbook(path, name) as book:
        visible = [one.name for one in book.sheets_metadata if one.visible == calamine.SheetVisibleEnum.Visible]
        chosen = sheet or next(iter(visible), None)
        if chosen is None or chosen not in book.sheet_names:
            raise Unreadable(name, f"there is no sheet {sheet!r}", sheets=book.sheet_names)
        table = Table(
            name=name, sha256=sha256, format="xlsx", packing="zip", sheet=chosen,
            header=[], header_line=1, rows=0, size_bytes=size,
        )  # fmt: skip
        rows = _rows(book, table)
        header = next(rows, None)
        if header is None:
            raise Unreadable(name, f"the sheet {chosen!r} is empty; its first row must name the columns")
        names = [cell.strip() for cell in header.cells]
        while names and not names[-1]:
            names.pop()
        if len(names) > limits.columns:
            raise Unreadable(name, f"it has {len(names):,} columns; at most {limits.columns:,} are taken")
        count = sum(1 for _ in rows)
    return Table(
        name=name, sha256=sha256, format="xlsx", packing="zip", sheet=chosen,
        header=names, header_line=header.line, rows=count, size_bytes=size,
    )  # fmt: skip


def read(path: Path, table: Table) -> Iterator[Row]:
    """The data rows of the sheet."""
    width = len(table.header)
    with _workbook(path, table.name) as book:
        rows = _rows(book, table)
        next(rows, None)
        for row in rows:
            cells, fault = row.cells, row.fault
            extra = any(cell.strip() for cell in cells[width:])
            if extra:
                fault = fault or Fault("ragged", f"the row has {len(cells)} values, the header {width}")
            yield Row(row.line, cells[:width] + [""] * (width - len(cells)), fault)


def _rows(book: calamine.CalamineWorkbook, table: Table) -> Iterator[Row]:
    assert table.sheet is not None
    sheet = book.get_sheet_by_name(table.sheet)
    if sheet.start is None:
        return
    margin = sheet.start[1]  # the empty rows above are read as rows, the empty columns at the left are not
    for line, values in enumerate(sheet.iter_rows(), 1):
        cells = [""] * margin + [_text(value) for value in values]
        if any(cell.strip() for cell in cells):
            nul = any("\0" in cell for cell in cells)
            yield Row(line, cells, Fault("nul", "the row holds a NUL byte") if nul else None)


def _text(value: Any) -> str:
    """A cell as one would write it in a CSV: whole numbers without a point, instants in ISO 8601."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case dt.datetime():
            return value.isoformat(sep=" ")
        case dt.date() | dt.time():
            return value.isoformat()
        case _:
            return str(value)


class _workbook:  # noqa: N801 - used as a function
    """The open workbook; calamine's complaints become refusals."""

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name

    def __enter__(self) -> calamine.CalamineWorkbook:
        try:
            load: Callable[[str], calamine.CalamineWorkbook] = cast(Any, calamine).load_workbook
            self._book = load(str(self._path))
        except (calamine.CalamineError, OSError, ValueError) as odd:
            raise Unreadable(self._name, f"the workbook is damaged or protected: {odd}") from None
        return self._book

    def __exit__(self, kind: type[BaseException] | None, odd: BaseException | None, _: object) -> None:
        self._book.close()
        if isinstance(odd, calamine.CalamineError):
            raise Unreadable(self._name, f"the workbook is damaged: {odd}") from None


def _guard(path: Path, name: str, limits: Limits) -> int:
    """Unpack everything once, keeping nothing: sizes, used rectangle and repeated strings within the limits."""
    total = strings = longest = 0
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                used = _Used()
                with archive.open(member) as file:
                    while block := file.read(_BLOCK):
                        total += len(block)
                        _refuse_if(
                            total > limits.workbook_bytes, name, f"unpacks to more than {limits.workbook_bytes:,} bytes"
                        )
                        used.see(block, name)
                strings, longest = strings + used.strings, max(longest, used.longest)
                area = f"the used area of a sheet is {used.row:,} rows by {used.column:,} columns"
                _refuse_if(used.row * used.column > limits.workbook_cells, name, area)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error) as odd:
        raise Unreadable(name, f"the workbook is damaged or protected: {odd}") from None
    # Each cell gets its own copy of the text it refers to.
    _refuse_if(strings * longest > 2 * limits.workbook_bytes, name, f"it repeats a text of {longest:,} bytes too often")
    return total


def _refuse_if(over: bool, name: str, what: str) -> None:
    if over:
        raise Unreadable(name, f"{what}; split it, delete what is empty, or send CSV")


class _Used:
    """What one part of the workbook would take in memory, seen block by block."""

    def __init__(self) -> None:
        self.row = self.column = self.strings = self.longest = 0
        self._tail = b""
        self._since = 0

    def see(self, block: bytes, name: str) -> None:
        """Raises Unreadable for XML entities: no spreadsheet writes them, bombs do."""
        text = self._tail + block
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
            raise Unreadable(name, "the workbook declares XML entities, which no spreadsheet writes")
        for letters, number in _CELL.findall(text):
            self.column, self.row = max(self.column, _column(letters)), max(self.row, int(number))
        self.strings += block.count(b't="s"')
        first, *rest = block.split(b"<si>")
        self._since += len(first)
        for part in rest:
            self.longest = max(self.longest, self._since)
            self._since = len(part)
        # Only shared strings have <si>; elsewhere nothing was split off.
        self._tail = block[-_OVERLAP:]


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
