"""`perpetua import`: files in, with progress, a report of bad rows, resume and undo."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from perpetua.app.cli import common
from perpetua.app.files import KINDS, kind_of
from perpetua.kit import imports, json
from perpetua.kit.database import Database
from perpetua.kit.errors import InvalidValue
from perpetua.kit.imports import Import, ImportOptions, Progress, Source
from perpetua.kit.listing import PageRequest
from perpetua.kit.tabular import csv_stream

__all__ = ["app"]

app = App(name="import", help="Read files in: CSV, TSV and XLSX, plain, .gz or .zip.")

SHOWN = 10
_COLUMNS = ("id", "kind", "source", "state", "rows_done", "rows_total", "rows_good", "rows_bad", "summary", "failure")
_ERRORS = ("file", "line", "field", "value", "code", "reason")

Pairs = Annotated[list[str] | None, Parameter(negative="")]
Flag = Annotated[bool, Parameter(negative="")]


@app.default
async def run(
    kind: str,
    *files: Path,
    mapping: Annotated[list[str] | None, Parameter(name="--map", negative="")] = None,
    constants: Annotated[list[str] | None, Parameter(name="--set", negative="")] = None,
    option: Pairs = None,
    dry_run: Flag = False,
    again: Flag = False,
    resume: int | None = None,
    undo: int | None = None,
    errors: Path | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
) -> int:
    """Read files in, check them, go on after an interruption, or take an import back.

    Args:
        kind: what the rows are; `perpetua import kinds` lists the kinds and their columns.
        files: one or more, read as one import.
        mapping: FIELD=COLUMN, where a column's title does not tell its field. One column may feed several fields.
        constants: FIELD=VALUE, for rows that say nothing else.
        option: NAME=VALUE, an option of the kind.
        dry_run: check everything, keep nothing but the report.
        again: take files whose content went in before.
        resume: number of the import to go on with; files only where they lie elsewhere now.
        undo: number of the import to take back.
        errors: write the bad rows to this CSV.
        encoding: such as utf-8 or cp1252, where it is not to be guessed.
        delimiter: such as ; where it is not to be guessed.
        sheet: which sheet of a workbook.
    """
    chosen = kind_of(kind)
    sources = [Source(path, path.name) for path in files]
    for path in files:
        if not path.is_file():
            raise InvalidValue("files", str(path), "is not a file")
    async with common.database() as db:
        actor = common.actor()
        if undo is not None:
            with common.progress() as bar:
                task = bar.add_task(f"{kind}, undo", total=None)
                back = await imports.undo(
                    db, actor, chosen, undo,
                    progress=lambda at: bar.update(task, completed=at.rows_done, total=at.rows_total),
                )  # fmt: skip
            return await _told(db, back, None)
        with common.progress() as bar:
            task = bar.add_task(f"{kind}, dry run" if dry_run else kind, total=None)

            def tell(at: Progress) -> None:
                bar.update(task, completed=at.rows_done, total=at.rows_total)

            if resume is not None:
                done = await imports.resume(db, actor, chosen, resume, sources=sources or None, progress=tell)
            else:
                if not sources:
                    raise InvalidValue("files", "", "name at least one file")
                options = ImportOptions(
                    mapping=_pairs("--map", mapping),
                    constants=_pairs("--set", constants),
                    kind={name: _value(text) for name, text in _pairs("--option", option).items()},
                    dry_run=dry_run, again=again, encoding=encoding, delimiter=delimiter, sheet=sheet,
                )  # fmt: skip
                done = await imports.begin(db, actor, chosen, sources, options, progress=tell)
        return await _told(db, done, errors)


@app.command
def kinds() -> None:
    """What can be imported, and the columns of each."""
    rows = [
        {
            "kind": kind.name,
            "field": field.name,
            "required": field.required,
            "also": ", ".join(field.synonyms),
            "help": field.help,
        }
        for kind in KINDS.values()
        for field in kind.fields
    ]
    common.show(rows, title="Kinds of import")


@app.command(name="list")
async def list_(*, limit: int = 20) -> None:
    """The latest imports.

    Args:
        limit: at most so many.
    """
    async with common.database() as db:
        page = await imports.list_imports(db, PageRequest(limit=min(max(limit, 1), 1000)))
    common.show(page.items, title="Imports", columns=_COLUMNS)


@app.command
async def show(number: int, *, errors: Path | None = None) -> int:
    """One import, and its bad rows.

    Args:
        number: of the import.
        errors: write the bad rows to this CSV.
    """
    async with common.database() as db:
        return await _told(db, await imports.get_import(db, number), errors)


async def _told(db: Database, done: Import, errors: Path | None) -> int:
    page = await imports.errors_of(db, done.id, PageRequest(limit=SHOWN))
    if errors:
        await _write_errors(db, done.id, errors)
    if common.as_json():
        common.show({**msgspec.structs.asdict(done), "errors": page.items})
    else:
        common.show(done, title=f"Import {done.id}", columns=_COLUMNS)
        if page.items:
            common.show(page.items, title="Bad rows" + (", the first" if page.next_cursor else ""), columns=_ERRORS)
        if page.next_cursor and not errors:
            common.say(f"All of them: perpetua import show {done.id} --errors FILE")
    nothing = done.rows_done > 0 and done.rows_good == 0
    return common.FAILED if done.state == "failed" or nothing else common.DONE


async def _write_errors(db: Database, import_id: int, path: Path) -> None:
    async def rows() -> AsyncIterator[list[list[Any]]]:
        async for batch in imports.stream_errors(db, import_id):
            yield [[getattr(one, name) for name in _ERRORS] for one in batch]

    with path.open("wb") as file:
        async for part in csv_stream(_ERRORS, rows()):
            file.write(part)


def _pairs(flag: str, given: list[str] | None) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given or ():
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise InvalidValue(flag, text, "must be written NAME=VALUE")
        pairs[name.strip()] = value
    return pairs


def _value(text: str) -> Any:
    """A number, true, false or JSON where it is one; else the text."""
    try:
        return json.loads(text)
    except msgspec.DecodeError:
        return text
