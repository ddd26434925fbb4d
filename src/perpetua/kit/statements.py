"""SQL as text: statements by name from files, short ones where they are used, columns as array literals."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from types import NoneType
from typing import Any, Final

__all__ = ["Queries", "Statement", "array", "sql"]

_BEGINS: Final = re.compile(r"^-- (name|part): *(\w+) *$", re.MULTILINE)
_DEPTH: Final = 3
_WITH: Final = re.compile(r"^ *-- with: *(\w+) *$", re.MULTILINE)


class Statement(str):
    """The text of one named statement, with `%(name)s` parameters."""

    name: str
    prepare: bool | None
    """False where the text has optional filters (`… IS NULL OR …`): those are planned for the filters given, each time.
    True where it says `-- planned once`: its filters change nothing about the way, and planning would cost more than
    running. None leaves it to psycopg, which prepares what it has run a few times."""

    def __new__(cls, text: str, name: str) -> "Statement":
        self = super().__new__(cls, text)
        self.name = name
        self.prepare = True if "-- planned once" in text else False if " IS NULL OR " in text else None
        return self


class Queries(Mapping[str, Statement]):
    """The named statements of a word's `queries.sql` (each begins with a line `-- name: lock_positions`).

    What several of them say alike is said once, after a line `-- part: of_items`; where a line `-- with: of_items`
    stands, it is put in; parts may have parts. The parts of all files of a folder are there for each of them.
    """

    def __init__(self, beside: str, file: str = "queries.sql") -> None:
        path = Path(beside).parent / file
        parts = {
            name: text for one in sorted(path.parent.glob("*.sql")) for kind, name, text in _read(one) if kind == "part"
        }
        self._named = {
            name: Statement(_filled(text, parts), name)
            for kind, name, text in _read(path) if kind == "name"
        }  # fmt: skip

    def __getitem__(self, name: str) -> Statement:
        return self._named[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)


def _filled(text: str, parts: Mapping[str, str]) -> str:
    """The text with its parts put in, and theirs."""
    for _ in range(_DEPTH):
        text = _WITH.sub(lambda put: parts[put[1]], text)
    return text


def _read(path: Path) -> list[tuple[str, str, str]]:
    """What a file holds: `name` or `part`, what it is called, its text."""
    found = _BEGINS.split(path.read_text(encoding="utf-8"))[1:]
    return [(kind, name, text.strip("\n ").rstrip(";\n ")) for kind, name, text in zip(*[iter(found)] * 3, strict=True)]


@lru_cache(maxsize=1024)
def sql(text: str) -> Statement:
    """A short statement written where it is used (DDL, a SET, a health probe)."""
    return Statement(text, text)


def array(values: Sequence[Any]) -> str | None:
    """A column as an array literal for `unnest(%(name)s::bigint[], …)`; None where all are None (unnest pads it).

    Numbers, instants, text and bytes; ten times as fast as adapting the values one by one, which counts for thousands
    of rows.
    """
    kinds = set(map(type, values))  # one pass in C; looking for a None with == would ask each Decimal
    there = kinds - {NoneType}
    if not there:
        return None
    if any(issubclass(kind, str) for kind in there):
        write: Callable[[Any], str] = _quoted
    elif datetime in there:
        # One instant is often that of many rows, and writing it costs more than looking it up.
        write = {value: value.isoformat() for value in set(values) if value is not None}.__getitem__
    elif bytes in there:
        write = _hexadecimal
    else:
        write = str
    if len(there) < len(kinds):
        return "{" + ",".join(["NULL" if value is None else write(value) for value in values]) + "}"
    return "{" + ",".join(map(write, values)) + "}"


def _quoted(text: str) -> str:
    if '"' in text or "\\" in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _hexadecimal(value: bytes) -> str:
    return '"\\\\x' + value.hex() + '"'
