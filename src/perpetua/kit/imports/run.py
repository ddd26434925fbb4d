"""One import being run: chunk after chunk, each a transaction that also moves the import on."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from typing import Any

import psycopg

from perpetua.kit import json
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Refusal
from perpetua.kit.imports import reading, store
from perpetua.kit.imports.errors import RunElsewhere
from perpetua.kit.imports.store import Q, jsonb
from perpetua.kit.imports.types import BadRow, Chunk, ChunkResult, Import, Kind, Progress, Source
from perpetua.kit.tabular import Table

__all__ = ["ImportRun", "Told"]

Told = Callable[[Progress], None]
_DATA_AT_FAULT = ("22", "23", "44", "P0")
"""SQLSTATE classes of a row that the database will not have: data, integrity, check option, raised by a trigger."""


class ImportRun:
    """One import being run; what a kind sees of it is `types.Run`."""

    def __init__(
        self,
        db: Database,
        actor: Any,
        kind: Kind[Any],
        known: Import,
        sources: Sequence[Source],
        tables: Sequence[Table],
        progress: Told | None,
    ) -> None:
        self.db = db
        self.actor = actor
        self.kind = kind
        self.import_id = known.id
        self.options = known.options
        self.files = tables
        self.prepared: Any = None
        self.number = 0
        """Which run of this import this is; a later one takes over."""
        self.cache: dict[str, Any] = {}
        self.memory: dict[str, Any] = {}
        self._at = {"id": known.id}
        self._told = progress or _unheard
        columns = [reading.match_columns(table, kind.fields, known.options) for table in tables]
        self.fields = reading.names(columns, known.options)
        self._reads = [(source.path, table, one) for source, table, one in zip(sources, tables, columns, strict=True)]

    async def chunks(self, skip: int = 0) -> AsyncGenerator[Chunk]:
        """Chunks, the next one being read in a thread while this one is worked on."""
        source = reading.chunks(self.kind, self._reads, self.options, self.actor, skip=skip)
        ahead = asyncio.create_task(asyncio.to_thread(_next, source))
        try:
            while (chunk := await ahead) is not None:
                ahead = asyncio.create_task(asyncio.to_thread(_next, source))
                yield chunk
        finally:
            with contextlib.suppress(Exception):
                await ahead
            source.close()

    async def remember(self, tx: Tx, what: str, ids: Sequence[int], before: Sequence[Any] | None = None) -> None:
        """Write down what undo will need: made ids, or changed ones with how they were."""
        if ids:
            kept = None if before is None else jsonb(before)
            await tx.execute(Q["remember"], {**self._at, "what": what, "ids": list(ids), "before": kept})

    async def real(self) -> None:
        """Each chunk in its own transaction, from where the import stands."""
        done = await self._fresh(self._start)
        async with contextlib.aclosing(self.chunks(done)) as chunks:
            async for chunk in chunks:
                self._told(await self._fresh(lambda tx, chunk=chunk: self._chunk(tx, chunk)))
        await self._fresh(self._finish)

    async def check(self) -> None:
        """All in one transaction that is rolled back; only the report is kept, by other transactions."""
        await self.db.run(self._begin_check)

        async def act(tx: Tx) -> None:
            self.prepared = json.plain(await self.kind.prepare(tx, self.actor, self))
            async with contextlib.aclosing(self.chunks()) as chunks:
                async for chunk in chunks:
                    result = await self._apply(tx, chunk)
                    self._told(await self.db.run(lambda own, chunk=chunk, it=result: self._checked(own, chunk, it)))
            counts = await self.kind.finish(tx, self.actor, self)
            raise _RolledBack(counts)

        try:
            async with self.db.transaction() as tx:
                await act(tx)
        except _RolledBack as end:
            counts = end.args[0]
            await self.db.run(lambda tx: self._end(tx, "checked", counts))

    async def _fresh(self, act: Callable[[Tx], Awaitable[Any]]) -> Any:
        """`db.run`, with the cache emptied when the transaction is rolled back and tried again."""
        tries = 0

        async def counted(tx: Tx) -> Any:
            nonlocal tries
            if tries:
                self.cache.clear()
            tries += 1
            return await act(tx)

        return await self.db.run(counted)

    async def _start(self, tx: Tx) -> int:
        position = await self._position(tx)
        self.number = await tx.value(Q["start_run"], self._at)
        self.prepared = position.prepared
        if not position.is_prepared:
            self.prepared = json.plain(await self.kind.prepare(tx, self.actor, self))
            await tx.execute(Q["keep_prepared"], {**self._at, "prepared": jsonb(self.prepared)})
        return position.rows_done

    async def _begin_check(self, tx: Tx) -> None:
        await self._position(tx)
        self.number = await tx.value(Q["start_run"], self._at)
        await tx.execute(Q["restart_check"], self._at)
        await tx.execute(Q["forget_errors"], self._at)

    async def _chunk(self, tx: Tx, chunk: Chunk) -> Progress:
        position = await self._position(tx, self.number)
        assert position.rows_done == chunk.first
        return await self._report(tx, chunk, await self._apply(tx, chunk))

    async def _checked(self, tx: Tx, chunk: Chunk, result: ChunkResult) -> Progress:
        await self._position(tx, self.number)
        return await self._report(tx, chunk, result)

    async def _finish(self, tx: Tx) -> None:
        await self._position(tx, self.number)
        await self._end(tx, "done", await self.kind.finish(tx, self.actor, self))

    async def _position(self, tx: Tx, run: int | None = None) -> store.Position:
        """Lock the import and see where it stands; `run` is given where it must still be ours."""
        position = await tx.maybe(Q["lock_import"], self._at, as_=store.Position)
        if position is None or position.state not in ("waiting", "running", "failed"):
            raise RunElsewhere(import_id=self.import_id)
        if run is not None and (position.runs != run or position.state != "running"):
            raise RunElsewhere(import_id=self.import_id)
        return position

    async def _apply(self, tx: Tx, chunk: Chunk) -> ChunkResult:
        """The kind's work on the chunk; where that is refused, on its halves, until the bad row is alone."""
        if not chunk.rows:
            return ChunkResult()
        try:
            async with tx.savepoint():
                return await self.kind.apply(tx, self.actor, self, chunk)
        except Refusal as odd:
            bad = reading.bad_row(chunk.rows[0].place, odd)
        except psycopg.DatabaseError as odd:
            if (odd.sqlstate or "")[:2] not in _DATA_AT_FAULT:
                raise
            bad = BadRow(chunk.rows[0].place, "refused_by_database", odd.diag.message_primary or str(odd))
        self.cache.clear()
        if len(chunk.rows) == 1:
            return ChunkResult([bad])
        half = len(chunk.rows) // 2
        one = await self._apply(tx, chunk._replace(rows=chunk.rows[:half]))
        two = await self._apply(tx, chunk._replace(rows=chunk.rows[half:]))
        return ChunkResult([*one.bad, *two.bad], store.added(one.counts, two.counts))

    async def _report(self, tx: Tx, chunk: Chunk, result: ChunkResult) -> Progress:
        reasons = sorted([*chunk.bad, *result.bad], key=lambda one: one.place)
        await store.keep_errors(tx, self.import_id, reasons)
        bad = len({one.place for one in reasons})
        return await store.advance(tx, self.import_id, chunk.size - bad, bad, result.counts)

    async def _end(self, tx: Tx, state: str, counts: Any) -> None:
        summary = store.added(await tx.value(Q["summary"], self._at), counts)
        await tx.execute(Q["end_import"], {**self._at, "state": state, "summary": jsonb(summary)})
        await tx.execute(Q["drop_files"], self._at)


class _RolledBack(Exception):
    """Ends a dry run's transaction."""


def _unheard(_: Progress) -> None:
    """Nobody wants to know how far it is."""


def _next(chunks: Iterator[Chunk]) -> Chunk | None:
    return next(chunks, None)
