"""From files to chunks of parsed rows: which column feeds which field, and what cannot be parsed."""

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from perpetua.kit.errors import InvalidValue, Refusal
from perpetua.kit.imports.errors import UnknownColumns
from perpetua.kit.imports.types import BadRow, Chunk, Field, ImportOptions, Kind, Parsed, Place, Sender
from perpetua.kit.tabular import Row, Table, read

__all__ = ["Columns", "chunks", "match_columns", "names", "parse_constants"]


class Column(NamedTuple):
    """One use of one column."""

    at: int
    title: str
    field: Field
    key: str
    """Name under which the value reaches the kind."""


Columns = list[Column]

_BLANK = object()
_REMEMBERED = 10_000
_SHORT = 200
"""How many cells of a column are remembered, and how long they may be: some megabytes at the most."""


def match_columns(table: Table, fields: Sequence[Field], options: ImportOptions) -> Columns:
    """Which column feeds which field: as told by `options.mapping`, else by title and synonyms.

    Raises:
        UnknownColumns: the mapping names what is not there, two columns claim one field, or a required field has none.
    """
    named = {field.name: field for field in fields}
    titles = [_plain(title) for title in table.header]
    columns: Columns = []
    for key, title in options.mapping.items():
        field = _field(key, named)
        if field is None:
            raise _odd("mapping", key, f"there is no field {key!r} here", table, named)
        if _plain(title) not in titles:
            raise _odd("mapping", title, f"{table.name} has no column {title!r}", table, named)
        columns.append(Column(titles.index(_plain(title)), title, field, key))
    mapped = {column.key for column in columns}
    taken = {column.at for column in columns}
    known = {_plain(word): field for field in fields for word in (field.name, *field.synonyms) if "*" not in word}
    for index, title in enumerate(table.header):
        if index in taken or not titles[index]:
            continue
        if (field := known.get(titles[index])) and field.name not in mapped:
            columns.append(Column(index, title, field, field.name))
        elif field is None and (field := _family(title, fields)):
            columns.append(Column(index, title, field, title.strip().lower()))
    _check(columns, table, named, options)
    return columns


def _check(columns: Columns, table: Table, named: Mapping[str, Field], options: ImportOptions) -> None:
    seen: dict[str, str] = {}
    for column in columns:
        if column.key in seen and not column.field.many:
            reason = f"the columns {seen[column.key]!r} and {column.title!r} both say it; choose one by a mapping"
            raise _odd(column.key, column.title, reason, table, named)
        seen[column.key] = column.title
    for field in named.values():
        if field.required and field.name not in seen and field.name not in options.constants:
            reason = f"{table.name} has no column for it; name one by a mapping"
            raise _odd(field.name, ", ".join(table.header), reason, table, named)


def names(columns: Sequence[Columns], options: ImportOptions) -> frozenset[str]:
    """The fields about which the files say something."""
    return frozenset(column.key for one in columns for column in one) | frozenset(options.constants)


def parse_constants(fields: Sequence[Field], options: ImportOptions) -> dict[str, Any]:
    """The values that every row has which says nothing else."""
    named = {field.name: field for field in fields}
    values: dict[str, Any] = {}
    for key, given in options.constants.items():
        field = _field(key, named)
        if field is None:
            raise UnknownColumns("constants", key, f"there is no field {key!r} here", fields=sorted(named))
        value = field.parse(given)
        values[key] = [value] if field.many else value
    return values


def chunks(
    kind: Kind[Any],
    files: Sequence[tuple[Path, Table, Columns]],
    options: ImportOptions,
    sender: Sender,
    *,
    skip: int = 0,
) -> Generator[Chunk]:
    """All rows but the first `skip`, in chunks."""
    size = kind.chunk_rows
    constants = parse_constants(kind.fields, options)
    first, count, passed = skip, 0, 0
    good: list[Parsed] = []
    bad: list[BadRow] = []
    for number, (path, table, columns) in enumerate(files):
        if passed + table.rows <= skip:
            passed += table.rows
            continue
        parse = _parser(number, columns, kind.fields, constants, sender)
        for row in read(path, table):
            passed += 1
            if passed <= skip:
                continue
            parse(row, good, bad)
            count += 1
            if count == size:
                yield Chunk(first, count, good, bad)
                first, count, good, bad = first + count, 0, [], []
    if count:
        yield Chunk(first, count, good, bad)


def _parser(
    number: int, columns: Columns, fields: Sequence[Field], constants: Mapping[str, Any], sender: Sender
) -> Callable[[Row, list[Parsed], list[BadRow]], None]:
    """A function that puts a row among the good or the bad; made once a file, run once a row."""
    plan = [(one.at, one.key, _Column(one.field.parse), one.field) for one in columns]
    closed = [(one.at, one.key) for one in columns if one.field.needs and not sender.may(one.field.needs)]
    required = [field.name for field in fields if field.required]

    def parse(row: Row, good: list[Parsed], bad: list[BadRow]) -> None:
        place = Place(number, row.line)
        if row.fault:
            bad.append(BadRow(place, *row.fault))
            return
        cells, before = row.cells, len(bad)
        values = dict(constants)
        for index, key, column, field in plan:
            try:
                value = column[cells[index]]
            except Refusal as odd:
                # The value of a field that not everyone may see is not repeated in the report.
                bad.append(bad_row(place, odd, key, "" if field.needs else cells[index].strip()))
                continue
            if value is _BLANK:
                continue
            if field.many:
                values[key] = [*values.get(key, ()), value]
            else:
                values[key] = value
        for name in required:
            if name not in values and len(bad) == before:
                bad.append(BadRow(place, "missing_value", "is missing", name))
        for index, key in closed:
            if cells[index].strip():
                bad.append(BadRow(place, "not_allowed", "you may not set this column; leave it out", key))
        if len(bad) == before:
            good.append(Parsed(place, values))

    return parse


class _Column(dict[str, Any]):
    """What a column's cells say, by their text: most cells say what one before them said, and are not parsed again."""

    def __init__(self, parse: Callable[[str], Any]) -> None:
        super().__init__()
        self._parse = parse

    def __missing__(self, cell: str) -> Any:
        text = cell.strip()
        value = self._parse(text) if text else _BLANK
        if len(self) == _REMEMBERED:
            self.clear()
        if len(cell) <= _SHORT:
            self[cell] = value
        return value


def bad_row(place: Place, odd: Refusal, field: str | None = None, value: str | None = None) -> BadRow:
    """The refusal as a bad row's reason."""
    if isinstance(odd, InvalidValue):
        return BadRow(place, odd.code, odd.reason, field or odd.field, value if value is not None else odd.value)
    return BadRow(place, odd.code, odd.detail, field, value)


def _field(key: str, named: Mapping[str, Field]) -> Field | None:
    return named.get(key) or _family(key, list(named.values()))


def _family(title: str, fields: Sequence[Field]) -> Field | None:
    low = title.strip().lower()
    for field in fields:
        for word in (field.name, *field.synonyms):
            if word.endswith("*") and low.startswith(word[:-1]) and len(low) > len(word) - 1:
                return field
    return None


def _plain(title: str) -> str:
    """The title "Selling price (net)" and "selling_price_net" are one."""
    return re.sub(r"[\W_]+", "", title.casefold())


def _odd(field: str, value: str, reason: str, table: Table, named: Mapping[str, Field]) -> UnknownColumns:
    return UnknownColumns(field, value, reason, columns=table.header, fields=sorted(named))
