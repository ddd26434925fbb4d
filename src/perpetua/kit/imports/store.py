"""The state of imports in the database."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from psycopg.types.json import Jsonb

from perpetua.kit import json
from perpetua.kit.database import Database, Queries, Tx
from perpetua.kit.errors import Missing
from perpetua.kit.imports.tables import import_errors, imports
from perpetua.kit.imports.types import BadRow, Import, Progress, Remembered, Source
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.kit.tabular import Table

__all__ = [
    "ImportError_",
    "KeptFile",
    "errors_of",
    "get_import",
    "list_imports",
    "remembered",
    "sender_of",
    "stream_errors",
    "undo_sender_of",
]

Q = Queries(__file__, "imports.sql")
PART_BYTES = 1 << 20
SHOWN = 200


class KeptFile(msgspec.Struct, frozen=True, kw_only=True):
    """One of the import's files: where it lies (None: in the database), and how it is read."""

    path: str | None
    table: Table


class ImportError_(msgspec.Struct, frozen=True, kw_only=True):  # noqa: N801 - ImportError is Python's own
    """One reason why a row was not taken. `line` is the physical line in `file` (from 0)."""

    id: int
    file: int
    line: int
    field: str | None
    value: str | None
    code: str
    reason: str


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """How far an import is."""

    state: str
    rows_done: int
    runs: int
    is_prepared: bool
    prepared: Any


class Same(msgspec.Struct, frozen=True, kw_only=True):
    """An import of the same content."""

    import_id: int
    state: str
    at: datetime


class _Raw(msgspec.Struct, frozen=True, kw_only=True):
    """The files as they lie there."""

    files: list[dict[str, Any]]


_shown = [imports.c[name] for name in Import.__struct_fields__]


async def list_imports(db: Database, page: PageRequest, *, kind: str | None = None) -> Page[Import]:
    """Imports, latest first."""
    query = sa.select(*_shown).order_by(imports.c.id.desc()).limit(page.limit + 1)
    if kind:
        query = query.where(imports.c.kind == kind)
    if after := page.after(int):
        query = query.where(imports.c.id < after[0])
    async with db.transaction() as tx:
        rows = [_import(row) for row in await tx.dicts(query)]
    return page_of(rows, page, lambda row: [row.id])


async def get_import(db: Database, import_id: int) -> Import:
    """One import as it stands. Raises Missing."""
    async with db.transaction() as tx:
        rows = await tx.dicts(sa.select(*_shown).where(imports.c.id == import_id))
    if not rows:
        raise Missing("import", import_id)
    return _import(rows[0])


async def sender_of(db: Database, import_id: int) -> dict[str, Any]:
    """The actor that began it, as plain JSON. Raises Missing."""
    async with db.transaction() as tx:
        sender = await tx.value(sa.select(imports.c.sender).where(imports.c.id == import_id))
    if sender is None:
        raise Missing("import", import_id)
    return sender


async def undo_sender_of(db: Database, import_id: int) -> dict[str, Any]:
    """The actor who asked to undo it, as plain JSON. Raises Missing."""
    async with db.transaction() as tx:
        sender = await tx.value(sa.select(imports.c.undo_sender).where(imports.c.id == import_id))
    if sender is None:
        raise Missing("undo of import", import_id)
    return sender


async def errors_of(db: Database, import_id: int, page: PageRequest) -> Page[ImportError_]:
    """Reasons for bad rows, in the order of the files."""
    query = _errors(import_id).limit(page.limit + 1)
    if after := page.after(int):
        query = query.where(import_errors.c.id > after[0])
    async with db.transaction() as tx:
        rows = await tx.rows(query, as_=ImportError_)
    return page_of(rows, page, lambda row: [row.id])


async def stream_errors(db: Database, import_id: int) -> AsyncIterator[list[ImportError_]]:
    """All of them, in batches."""
    async with db.snapshot() as tx:
        async for batch in tx.stream(_errors(import_id), as_=ImportError_):
            yield batch


async def remembered(tx: Tx, import_id: int) -> list[Remembered]:
    """What the import did, the latest first."""
    rows = await tx.dicts(Q["remembered"], {"id": import_id})
    return [Remembered(row["what"], row["ids"], row["before"]) for row in rows]


async def kept(db: Database, import_id: int) -> list[KeptFile]:
    """The import's files."""
    async with db.transaction() as tx:
        query = sa.select(imports.c.files).where(imports.c.id == import_id)
        row = await tx.maybe(query, as_=_Raw)
    if row is None:
        raise Missing("import", import_id)
    return [msgspec.convert(one, KeptFile) for one in row.files]


async def fetch_files(db: Database, import_id: int, files: Sequence[KeptFile], folder: Path) -> list[Source]:
    """Write the files that lie in the database into `folder`; names in there are ours, never the sender's."""
    sources = [Source(folder / f"{number}", file.table.name) for number, file in enumerate(files)]
    async with db.transaction() as tx:
        async for batch in tx.stream(Q["parts"], {"id": import_id}, as_=_Part, batch=4):
            for part in batch:
                with sources[part.file].path.open("ab") as file:
                    file.write(part.data)
    return sources


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    file: int
    data: bytes


async def keep_files(tx: Tx, import_id: int, sources: Sequence[Source]) -> None:
    """Put the files into the database."""
    for number, source in enumerate(sources):
        with source.path.open("rb") as file:
            part = 0
            while data := file.read(PART_BYTES):
                await tx.execute(Q["keep_part"], {"id": import_id, "file": number, "part": part, "data": data})
                part += 1


async def keep_errors(tx: Tx, import_id: int, bad: Sequence[BadRow]) -> None:
    """Write down why rows were not taken; one statement."""
    if bad:
        given = {
            "id": import_id,
            "files": [one.place.file for one in bad],
            "lines": [one.place.line for one in bad],
            "fields": [one.field for one in bad],
            "values": [_clean(one.value) for one in bad],
            "codes": [one.code for one in bad],
            "reasons": [_clean(one.reason) for one in bad],
        }
        await tx.execute(Q["keep_errors"], given)


async def advance(tx: Tx, import_id: int, good: int, bad: int, counts: Mapping[str, int]) -> Progress:
    """Move the import on past a chunk."""
    known = await tx.value(Q["summary"], {"id": import_id})
    summary = added(known, counts)
    await tx.execute(Q["advance"], {"id": import_id, "good": good, "bad": bad, "summary": jsonb(summary)})
    row = sa.select(imports.c.id, imports.c.rows_done, imports.c.rows_total, imports.c.rows_bad)
    (told,) = await tx.dicts(row.where(imports.c.id == import_id))
    return Progress(told["id"], told["rows_done"], told["rows_total"], told["rows_bad"])


def added(known: Mapping[str, int], counts: Mapping[str, int]) -> dict[str, int]:
    """Both, summed key by key."""
    return {key: known.get(key, 0) + counts.get(key, 0) for key in {**known, **counts}}


def jsonb(value: Any) -> Jsonb:
    """A parameter for a jsonb column."""
    return Jsonb(json.plain(value))


def _clean(value: str | None) -> str | None:
    """Shortened, and without the NULs that the database cannot hold."""
    return None if value is None else value[:SHOWN].replace("\0", "␀")


def _errors(import_id: int) -> sa.Select[Any]:
    columns = [import_errors.c[name] for name in ImportError_.__struct_fields__]
    return sa.select(*columns).where(import_errors.c.import_id == import_id).order_by(import_errors.c.id)


def _import(row: dict[str, Any]) -> Import:
    return msgspec.convert(row, Import)
