"""Running an import: begin, go on, undo."""

import asyncio
import contextlib
import hashlib
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Missing, NotAllowed, Refusal
from perpetua.kit.imports import reading, store
from perpetua.kit.imports.errors import AlreadyImported, FileChanged, NotResumable, RunElsewhere
from perpetua.kit.imports.run import ImportRun, Told
from perpetua.kit.imports.store import KeptFile, Q, jsonb
from perpetua.kit.imports.types import (
    Import,
    ImportOptions,
    Kind,
    Progress,
    Sender,
    Source,
)
from perpetua.kit.tabular import DEFAULT_LIMITS, Limits, Table, inspect

__all__ = ["PERMISSION", "begin", "fail", "fail_undo", "resume", "submit", "submit_undo", "undo"]

A = TypeVar("A", bound=Sender)
Also = Callable[[Tx, int], Awaitable[None]]
PERMISSION = "imports.run"


async def begin(
    db: Database,
    actor: A,
    kind: Kind[A],
    sources: Sequence[Source],
    options: ImportOptions,
    *,
    progress: Told | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Import:
    """Import these files now, from where they lie.

    Raises:
        Unreadable, UnknownColumns, AlreadyImported, and what the kind's `check` and `prepare` raise.
    """
    import_id = await _create(db, actor, kind, sources, options, limits, keep=False, also=None)
    return await resume(db, actor, kind, import_id, progress=progress)


async def submit(
    db: Database,
    actor: A,
    kind: Kind[A],
    sources: Sequence[Source],
    options: ImportOptions,
    *,
    also: Also,
    limits: Limits = DEFAULT_LIMITS,
) -> Import:
    """Keep the files in the database and leave the import waiting; `also` joins the transaction (to enqueue a job)."""
    import_id = await _create(db, actor, kind, sources, options, limits, keep=True, also=also)
    return await store.get_import(db, import_id)


async def resume(
    db: Database,
    actor: A,
    kind: Kind[A],
    import_id: int,
    *,
    sources: Sequence[Source] | None = None,
    progress: Told | None = None,
) -> Import:
    """Go on with an import that waits or was interrupted; a dry run starts again.

    Args:
        sources: where the files lie now; where they lay at first if not given.

    Raises:
        FileChanged: a file has other content than at first.
        RunElsewhere: another process moved the import on meanwhile.
    """
    _allowed(actor)
    known = await store.get_import(db, import_id)
    if known.kind != kind.name:
        raise Missing(f"import of {kind.name}", import_id)
    if known.state not in ("waiting", "running", "failed"):
        raise NotResumable(import_id=import_id, state=known.state)
    kept = await store.kept(db, import_id)
    run: ImportRun | None = None
    try:
        with tempfile.TemporaryDirectory(prefix="perpetua-import-") as folder:
            if sources is None:
                sources = await _find(db, import_id, kept, Path(folder))
            await asyncio.to_thread(_verify, import_id, sources, kept)
            run = ImportRun(db, actor, kind, known, sources, [one.table for one in kept], progress)
            await (run.check() if known.dry_run else run.real())
    except RunElsewhere:
        raise
    except (Exception, asyncio.CancelledError) as odd:
        with contextlib.suppress(Exception):
            number = run.number if run else 0
            async with db.transaction() as tx:
                await tx.execute(Q["fail_import"], {"id": import_id, "run": number, "failure": _failure(odd)[:1000]})
        raise
    return await store.get_import(db, import_id)


async def fail(db: Database, import_id: int, failure: str) -> None:
    """Write down why an import that waits cannot be run at all."""
    async with db.transaction() as tx:
        await tx.execute(Q["fail_waiting"], {"id": import_id, "failure": failure[:1000]})


async def undo(db: Database, actor: A, kind: Kind[A], import_id: int, *, progress: Told | None = None) -> Import:
    """Take back what an import did, whole or not at all; one that was cut off is begun again.

    Raises:
        CannotUndo: something came to depend on it; names what.
        RunElsewhere: another process took over the undo meanwhile.
    """
    await _undoable(db, actor, kind, import_id)
    number = await db.run(lambda tx: _begin_undo(tx, actor, import_id))

    async def tell(done: int, total: int) -> None:
        told = {"id": import_id, "run": number, "done": done, "total": total}
        await db.run(lambda own: own.execute(Q["undo_told"], told))
        if progress:
            progress(Progress(import_id, done, total, 0))

    async def act(tx: Tx) -> None:
        counts = await kind.undo(tx, actor, import_id, tell)
        position = await tx.maybe(Q["lock_import"], {"id": import_id}, as_=store.Position)
        if position is None or (position.state, position.runs) != ("undoing", number):
            raise RunElsewhere(import_id=import_id)
        summary = store.added(await tx.value(Q["summary"], {"id": import_id}), counts)
        await tx.execute(Q["mark_undone"], {"id": import_id, "actor_id": actor.person_id, "summary": jsonb(summary)})
        await tx.execute(Q["drop_files"], {"id": import_id})

    try:
        await db.run(act)
    except RunElsewhere:
        raise
    except (Exception, asyncio.CancelledError) as odd:
        with contextlib.suppress(Exception):
            await fail_undo(db, import_id, _failure(odd), run=number)
        raise
    return await store.get_import(db, import_id)


async def submit_undo(db: Database, actor: A, kind: Kind[A], import_id: int, *, also: Also) -> Import:
    """Leave the undo to others; `also` joins the transaction (to enqueue a job that calls `undo`)."""
    await _undoable(db, actor, kind, import_id)

    async def act(tx: Tx) -> None:
        await _begin_undo(tx, actor, import_id)
        await also(tx, import_id)

    await db.run(act)
    return await store.get_import(db, import_id)


async def fail_undo(db: Database, import_id: int, failure: str, *, run: int | None = None) -> None:
    """Write down why an import was not undone; it stands as it stood before."""
    async with db.transaction() as tx:
        await tx.execute(Q["fail_undo"], {"id": import_id, "run": run, "failure": failure[:1000]})


async def _undoable(db: Database, actor: A, kind: Kind[A], import_id: int) -> None:
    _allowed(actor)
    known = await store.get_import(db, import_id)
    if known.kind != kind.name:
        raise Missing(f"import of {kind.name}", import_id)


async def _begin_undo(tx: Tx, actor: Sender, import_id: int) -> int:
    position = await tx.maybe(Q["lock_import"], {"id": import_id}, as_=store.Position)
    if position is None or position.state in ("waiting", "checked", "undone"):
        raise NotResumable(import_id=import_id, state=position.state if position else "gone")
    return await tx.value(Q["begin_undo"], {"id": import_id, "sender": jsonb(actor)})


async def _create(
    db: Database,
    actor: A,
    kind: Kind[A],
    sources: Sequence[Source],
    options: ImportOptions,
    limits: Limits,
    *,
    keep: bool,
    also: Also | None,
) -> int:
    _allowed(actor)
    tables = await asyncio.to_thread(_inspect, sources, options, limits)
    columns = [reading.match_columns(table, kind.fields, options) for table in tables]
    reading.parse_constants(kind.fields, options)
    for field in kind.fields:
        if field.needs and field.name in options.constants and not actor.may(field.needs):
            raise NotAllowed(permission=field.needs, field=field.name)
    kind.check(actor, reading.names(columns, options), options)
    digest = hashlib.sha256("".join(table.sha256 for table in tables).encode()).hexdigest()
    files = [
        KeptFile(path=None if keep else str(source.path.resolve()), table=table)
        for source, table in zip(sources, tables, strict=True)
    ]
    made = {
        "kind": kind.name,
        "actor_id": actor.person_id,
        "sender": jsonb(actor),
        "source": ", ".join(table.name for table in tables)[:500],
        "sha256": digest,
        "once": not (kind.repeatable or options.again or options.dry_run),
        "files": jsonb(files),
        "options": jsonb(options),
        "columns": jsonb({column.title: column.key for column in columns[0]}),
        "dry_run": options.dry_run,
        "rows_total": sum(table.rows for table in tables),
    }

    async def act(tx: Tx) -> int:
        import_id = await tx.value(Q["make_import"], made)
        if import_id is None:
            (same,) = await tx.rows(Q["same_content"], made, as_=store.Same)
            raise AlreadyImported(import_id=same.import_id, state=same.state, at=same.at)
        if keep:
            await store.keep_files(tx, import_id, sources)
        if also:
            await also(tx, import_id)
        return import_id

    return await db.run(act)


def _failure(odd: BaseException) -> str:
    return odd.detail if isinstance(odd, Refusal) else f"{type(odd).__name__}: {odd}"


def _allowed(actor: Sender) -> None:
    if not actor.may(PERMISSION):
        raise NotAllowed(permission=PERMISSION)


def _inspect(sources: Sequence[Source], options: ImportOptions, limits: Limits) -> list[Table]:
    given: dict[str, Any] = {"encoding": options.encoding, "delimiter": options.delimiter, "sheet": options.sheet}
    return [inspect(source.path, name=source.name, limits=limits, **given) for source in sources]


async def _find(db: Database, import_id: int, kept: Sequence[KeptFile], folder: Path) -> list[Source]:
    paths = [one.path for one in kept]
    if all(path is None for path in paths):
        return await store.fetch_files(db, import_id, kept, folder)
    return [Source(Path(one.path or ""), one.table.name) for one in kept]


def _verify(import_id: int, sources: Sequence[Source], kept: Sequence[KeptFile]) -> None:
    if len(sources) != len(kept):
        raise FileChanged(import_id=import_id, file=f"{len(sources)} files instead of {len(kept)}")
    for source, one in zip(sources, kept, strict=True):
        if not source.path.is_file():
            raise Missing("file", source.path)
        with source.path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != one.table.sha256:
                raise FileChanged(import_id=import_id, file=source.name)
