"""What a table in a file is."""

from typing import Literal, NamedTuple

import msgspec

from perpetua.kit.errors import Refusal

__all__ = ["DEFAULT_LIMITS", "Fault", "Limits", "Row", "Table", "Unreadable"]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a file is taken. Sizes in bytes are after unpacking."""

    size_bytes: int = 1 << 30
    rows: int = 5_000_000
    columns: int = 1_000
    field_characters: int = 131_072
    """Longest field, also the longest line and the longest record."""
    workbook_bytes: int = 512 << 20
    workbook_cells: int = 12_000_000
    """A workbook's sheet is held in memory while it is read: some 24 bytes a cell of its used rectangle."""


DEFAULT_LIMITS = Limits()


class Fault(NamedTuple):
    """Why a row cannot be read."""

    code: str
    reason: str


class Row(msgspec.Struct, frozen=True):
    """One data row. `line` is the physical line (in a workbook: the row) on which it begins, from 1."""

    line: int
    cells: list[str]
    fault: Fault | None = None


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """What a first pass over a file found; with it the file is read again in the same way."""

    name: str
    sha256: str
    format: Literal["csv", "xlsx"]
    packing: Literal["plain", "gz", "zip"] = "plain"
    encoding: str = "utf-8"
    delimiter: str = ","
    quoted: bool = True
    sheet: str | None = None
    header: list[str]
    header_line: int
    rows: int
    size_bytes: int
    """After unpacking."""


class Unreadable(Refusal):
    """The file as a whole cannot be read. Facts: file, reason, and line where one is to blame."""

    code = "unreadable_file"
    title = "The file cannot be read"
    sentence = "{file}: {reason}"

    def __init__(self, file: str, reason: str, **facts: object) -> None:
        super().__init__(file=file, reason=reason, **facts)
