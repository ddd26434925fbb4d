"""CSV and TSV, row by row; workbooks are read next door."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from perpetua.kit.tabular import xlsx
from perpetua.kit.tabular.opening import find_encoding, opened_text, unpacking
from perpetua.kit.tabular.types import DEFAULT_LIMITS, Fault, Limits, Row, Table, Unreadable
from perpetua.kit.tabular.writing import unquoted

__all__ = ["inspect", "read"]

_DELIMITERS = ",\t;|"
_SAMPLE = 1 << 16
_BLOCK = 1 << 16
_SUSPECT = ("\0", "'=", "'+", "'-", "'@", "'\t", "'\r", "''")
_TOO_LONG = Fault("too_long", "the row is too long")
_OPEN_QUOTE = Fault("broken_quotes", "a quote is opened or closed where none may be; double the quotes in a value")


def inspect(
    path: Path,
    *,
    name: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
) -> Table:
    """A first pass over the whole file: what it is, its header, how many rows.

    Args:
        name: what to call it in messages; the path's last part where not given.
        encoding, delimiter, sheet: as known by the sender; found out where not given.

    Raises:
        Unreadable: no table, broken, or over the limits.
    """
    name = name or path.name
    packed = unpacking(path, name)
    if packed.format == "xlsx":
        return xlsx.inspect(path, name, packed.sha256, limits, sheet)
    found, size = find_encoding(path, packed.packing, name, limits, encoding)
    with opened_text(path, packed.packing, name, found) as text:
        sample = text.read(_SAMPLE)
    delimiter = delimiter or _delimiter(sample)
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise Unreadable(name, f"the delimiter {delimiter!r} is not one character")
    table = Table(
        name=name, sha256=packed.sha256, format="csv", packing=packed.packing, encoding=found, delimiter=delimiter,
        quoted=_quoted(sample, delimiter), header=[], header_line=1, rows=0, size_bytes=size,
    )  # fmt: skip
    rows = _rows(path, table, limits)
    header = next(rows, None)
    if header is None:
        raise Unreadable(name, "it is empty; its first row must name the columns")
    if header.fault:
        raise Unreadable(name, f"the row of column names: {header.fault.reason}", line=header.line)
    names = [cell.strip() for cell in header.cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > limits.columns:
        raise Unreadable(name, f"it has {len(names):,} columns; at most {limits.columns:,} are taken")
    count = 0
    for count, _ in enumerate(rows, 1):
        if count > limits.rows:
            raise Unreadable(name, f"it has more than {limits.rows:,} rows; split it", limit=limits.rows)
    return msgspec.structs.replace(table, header=names, header_line=header.line, rows=count)


def read(path: Path, table: Table, limits: Limits = DEFAULT_LIMITS) -> Iterator[Row]:
    """The data rows of a file that `inspect` described; blank rows are passed over.

    Rows have exactly as many cells as the header: what is not so has a fault.
    """
    if table.format == "xlsx":
        yield from xlsx.read(path, table)
        return
    width = len(table.header)
    rows = _rows(path, table, limits)
    next(rows, None)
    for row in rows:
        if len(row.cells) == width or row.fault:
            yield row
        elif any(cell.strip() for cell in row.cells[width:]) or len(row.cells) < width:
            yield Row(row.line, [], Fault("ragged", f"the row has {len(row.cells)} values, the header {width}"))
        else:
            yield Row(row.line, row.cells[:width])


def _rows(path: Path, table: Table, limits: Limits) -> Iterator[Row]:
    """Header and rows, as wide as they come.

    Whole blocks of lines go through the csv reader at once; only where it stumbles (a quote left open at the end of the
    block, or misplaced) one record is read line by line.
    """
    quoting = csv.QUOTE_MINIMAL if table.quoted else csv.QUOTE_NONE
    dialect: dict[str, Any] = {"delimiter": table.delimiter, "quoting": quoting, "strict": table.quoted}
    with opened_text(path, table.packing, table.name, table.encoding) as text:
        lines = _Lines(text, limits.field_characters)
        while lines.fill():
            reader = csv.reader(lines.rest(), **dialect)
            first, done, suspect = lines.first, 0, lines.suspect
            try:
                for cells in reader:
                    line, done = first + done, reader.line_num
                    if not cells or not (cells[0] or any(map(str.strip, cells))):
                        continue
                    yield _suspected(Row(line, cells)) if suspect else Row(line, cells)
                lines.taken(done)
            except csv.Error:
                lines.taken(done)
                yield lines.record(dialect)


def _suspected(row: Row) -> Row:
    """The row of a block in which there are NULs or quotes before formulas."""
    if any("\0" in cell for cell in row.cells):
        return Row(row.line, [], Fault("nul", "the row holds a NUL byte"))
    return Row(row.line, [unquoted(cell) for cell in row.cells])


class _Lines:
    """Physical lines, a block at a time."""

    def __init__(self, text: io.TextIOWrapper, longest: int) -> None:
        self._text = text
        self._longest = longest
        self._cut = ""
        self._lines: list[str] = []
        self._at = 0
        self.first = 1
        """Number of the next line."""
        self.suspect = False
        """Whether the lines that are there may hold NULs or quoted formulas."""

    def fill(self) -> bool:
        """Have at least one line, unless the file is at its end."""
        if self._at < len(self._lines):
            return True
        self._lines, self._at, self.suspect = [], 0, False
        return self._more()

    def rest(self) -> Iterator[str]:
        """The lines that are there, from the next one on."""
        lines: Any = iter(self._lines)
        lines.__setstate__(self._at)  # a jump, where slicing would copy the block for every broken row
        return lines

    def taken(self, count: int) -> None:
        """That many lines are done with."""
        self._at += count
        self.first += count

    def record(self, dialect: dict[str, Any]) -> Row:
        """One record, reading on as far as it takes; of one that is broken only the first line is done with."""
        used = size = 0

        def pulled() -> Iterator[str]:
            nonlocal used, size
            while size <= self._longest and (self._at + used < len(self._lines) or self._more()):
                line = self._lines[self._at + used]
                used, size = used + 1, size + len(line)
                yield line

        first, begins = self.first, self._lines[self._at]
        try:
            row = Row(first, next(csv.reader(pulled(), **dialect)))
        except (csv.Error, StopIteration):
            self.taken(1)
            return Row(first, [], _TOO_LONG if len(begins) > self._longest else _OPEN_QUOTE)
        self.taken(used)
        return _suspected(row)

    def _more(self) -> bool:
        text = self._whole_lines()
        self.suspect = self.suspect or any(sign in text for sign in _SUSPECT)
        self._lines += io.StringIO(text, newline="").readlines()
        return bool(text)

    def _whole_lines(self) -> str:
        """Text up to a line's end; a line without end in sight is cut to just over what is refused."""
        text = self._cut
        while True:
            more = self._text.read(_BLOCK)
            text += more
            cut = text.rfind("\n") + 1 or text.rfind("\r", 0, -1) + 1
            if not more:
                self._cut = ""
                return text
            if cut:
                self._cut = text[cut:]
                return text[:cut]
            if len(text) > self._longest + _BLOCK:
                text = text[: self._longest + 1] + ("\r" if text.endswith("\r") else "")


def _delimiter(sample: str) -> str:
    """The one that splits the first line into most columns outside quotes; a comma where none does."""
    first = re.sub(r'"(?:[^"]|"")*"', "", sample).splitlines()
    line = next((one for one in first if one.strip()), "")
    counted = Counter({sign: line.count(sign) for sign in _DELIMITERS})
    best, many = counted.most_common(1)[0]
    return best if many else ","


def _quoted(sample: str, delimiter: str) -> bool:
    """Whether quotes enclose values. In tab-separated text they often are only inches."""
    if delimiter != "\t":
        return True
    begins = [cell for line in sample.splitlines() for cell in line.split("\t") if cell.startswith('"')]
    return all(re.fullmatch(r'"(?:[^"]|"")*"?', cell) for cell in begins)
