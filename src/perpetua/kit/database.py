"""PostgreSQL: a pool, transactions, and the two kinds of statement.

Always true:
- One use case is one transaction: `Database.run` commits it whole or not at all.
- A deadlock or a serialization failure is tried again, with a fresh transaction; the caller never sees it.
- While the server is away, whoever asks is told at once; when it is back, the first to ask gets a connection.
- The pool's connections act as the application role, which may not change the ledger; `admin()` acts as the owner.
- Statements are counted (`count_statements`), so that a test can show that a document costs a constant number.
- A number has one form, whatever the scale of its column: `2`, never `2.0000` (see kit.quantity).

A statement on one row by key, or a filtered and paged list, is built with SQLAlchemy from the table; a statement that
decides over sets, or locks, is SQL in `queries.sql`, named. SQLAlchemy only writes the text: psycopg runs it.
"""

import asyncio
import contextlib
import contextvars
import random
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Mapping
from decimal import Decimal
from typing import Any, TypeVar, cast

import psycopg
import psycopg_pool
import sqlalchemy as sa
from psycopg import adapt
from psycopg import errors as pg
from psycopg.rows import class_row, dict_row, scalar_row, tuple_row
from psycopg.types.json import set_json_dumps, set_json_loads
from sqlalchemy.dialects import postgresql

from perpetua.kit import json
from perpetua.kit.quantity import plain_number
from perpetua.kit.statements import Queries, Statement, array, sql

__all__ = ["APP_ROLE", "Database", "Queries", "Statement", "Tx", "array", "count_statements", "metadata", "sql"]

T = TypeVar("T")
Params = Mapping[str, Any]
Connection = psycopg.AsyncConnection[Any]

APP_ROLE = "perpetua_app"
RETRIES = 8
OPENING_SECONDS = 60

BEGIN = b"BEGIN"
SNAPSHOT = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
BY_KEY = b"""; SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off;
SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"""

metadata = sa.MetaData()
"""All tables of all words; a test holds it against the migrated schema."""

_dialect = postgresql.dialect(paramstyle="pyformat")
_counter: contextvars.ContextVar[list[str] | None] = contextvars.ContextVar("statements", default=None)


Runnable = Statement | sa.Executable


class Tx:
    """One open transaction. Services and stores take it; only `Database` makes it."""

    def __init__(self, connection: Connection, *, anew: bool | None = None) -> None:
        self.connection = connection
        self.anew = anew
        """Whether it was begun before and is begun again; None where nobody would begin it again."""

    async def rows(self, statement: Runnable, params: Params | None = None, *, as_: type[T]) -> list[T]:
        """All rows, each made into `as_` by keyword (a msgspec Struct or dataclass)."""
        async with self.connection.cursor(row_factory=class_row(as_)) as cursor:
            await self._run(cursor, statement, params)
            return await cursor.fetchall()

    async def dicts(self, statement: Runnable, params: Params | None = None) -> list[dict[str, Any]]:
        """All rows as dictionaries."""
        async with self.connection.cursor(row_factory=dict_row) as cursor:
            await self._run(cursor, statement, params)
            return await cursor.fetchall()

    async def records(self, statement: Runnable, params: Params | None = None) -> list[tuple[Any, ...]]:
        """All rows as bare tuples, which are the cheapest."""
        async with self.connection.cursor(row_factory=tuple_row) as cursor:
            await self._run(cursor, statement, params)
            return await cursor.fetchall()

    async def maybe(self, statement: Runnable, params: Params | None = None, *, as_: type[T]) -> T | None:
        """The first row, or None."""
        async with self.connection.cursor(row_factory=class_row(as_)) as cursor:
            await self._run(cursor, statement, params)
            return await cursor.fetchone()

    async def values(self, statement: Runnable, params: Params | None = None) -> list[Any]:
        """The first column of all rows."""
        async with self.connection.cursor(row_factory=scalar_row) as cursor:
            await self._run(cursor, statement, params)
            return await cursor.fetchall()

    async def value(self, statement: Runnable, params: Params | None = None) -> Any:
        """The first column of the first row, or None where there is no row."""
        async with self.connection.cursor(row_factory=scalar_row) as cursor:
            await self._run(cursor, statement, params)
            return await cursor.fetchone()

    async def execute(self, statement: Runnable, params: Params | None = None) -> int:
        """Run it; the number of rows it touched."""
        async with self.connection.cursor() as cursor:
            await self._run(cursor, statement, params)
            return cursor.rowcount

    async def stream(
        self, statement: Runnable, params: Params | None = None, *, as_: type[T], batch: int = 2000
    ) -> AsyncIterator[list[T]]:
        """Rows in batches through a server-side cursor, for exports of any length."""
        async for rows in self._batches(statement, params, class_row(as_), batch):
            yield rows

    async def tuples(
        self, statement: Runnable, params: Params | None = None, *, batch: int = 2000
    ) -> AsyncIterator[list[Any]]:
        """The same as bare tuples, which for a million rows is twice as fast."""
        async for rows in self._batches(statement, params, tuple_row, batch):
            yield rows

    async def _batches(
        self, statement: Runnable, params: Params | None, factory: Any, batch: int
    ) -> AsyncIterator[list[Any]]:
        text, bound = compiled(statement, params)
        _note(statement, text)
        async with self.connection.cursor("stream", row_factory=factory) as cursor:
            await cursor.execute(cast(Any, text), bound)
            while rows := await cursor.fetchmany(batch):
                yield rows

    @contextlib.asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        """What fails inside is undone back to here and raised on; the transaction lives."""
        async with self.connection.transaction():
            yield

    async def _run(self, cursor: psycopg.AsyncCursor[Any], statement: Runnable, params: Params | None) -> None:
        text, bound = compiled(statement, params)
        _note(statement, text)
        prepare = statement.prepare if isinstance(statement, Statement) else None
        await cursor.execute(cast(Any, text), bound, prepare=prepare)


class _Pool(psycopg_pool.AsyncConnectionPool[Connection]):
    """A pool that does not keep callers waiting for a server that is away."""

    async def reconnect_failed(self) -> None:
        """No connection could be made. Where none is left to wait for, whoever waits is told."""
        async with self._lock:
            if self.get_stats()["pool_size"] > 0:
                return
            waiting = list(self._waiting)
            self._waiting.clear()
        for each in waiting:
            await each.fail(psycopg.OperationalError("the database does not answer"))


class Database:
    """A pool of connections to one database.

    Args:
        url: libpq URL or key/value string.
        role: the role that pooled connections take on after sign-in; None keeps the one that signed in.
    """

    def __init__(self, url: str, *, role: str | None = APP_ROLE, min_size: int = 1, max_size: int = 10) -> None:
        self.url = url
        self.role = role
        self.retried: Counter[str] = Counter()
        """How many transactions were begun anew, by the reason."""
        self._pool = _Pool(
            url,
            kwargs={"autocommit": True},
            configure=self._configure,
            min_size=min_size,
            max_size=max_size,
            open=False,
            timeout=30,
            reconnect_timeout=OPENING_SECONDS,
        )

    async def open(self) -> None:
        """Open the pool; waits for the first connection."""
        await self._pool.open(wait=True, timeout=OPENING_SECONDS)
        # From now on the next caller is the next try, rather than a timer that doubles from one try to the next.
        self._pool.reconnect_timeout = 0

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

    def pool_figures(self) -> dict[str, int]:
        """The pool's own counts (`pool_size`, `requests_waiting`, …), for the operator."""
        return self._pool.get_stats()

    async def __aenter__(self) -> "Database":
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def run(self, act: Callable[[Tx], Awaitable[T]], *, by_key: bool = False) -> T:
        """Run `act` in one transaction; again from the start after a deadlock or a serialization failure.

        `act` must have no effect outside the transaction, as it may run more than once.

        Args:
            act: the use case.
            by_key: every statement finds its rows by a key, so that plans are made once and use the indexes, however
                small the tables were when they were made; those of the foreign keys' checks among them.
        """
        for attempt in range(RETRIES):
            try:
                async with self._begun(BEGIN + BY_KEY if by_key else BEGIN) as connection:
                    return await act(Tx(connection, anew=attempt > 0))
            except (pg.DeadlockDetected, pg.SerializationFailure) as error:
                self.retried[type(error).__name__] += 1
                if attempt == RETRIES - 1:
                    raise
                await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311
        raise AssertionError("unreachable")

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Tx]:
        """One transaction (READ COMMITTED), committed at the end, rolled back on any exception."""
        async with self._begun(BEGIN) as connection:
            yield Tx(connection)

    async def glance(self, act: Callable[[Tx], Awaitable[T]]) -> T:
        """Run `act`, each statement of which is a transaction of its own and does no harm when it is run twice. As in
        `run`, a connection that a restart of the server broke is exchanged."""
        for more in reversed(range(self._pool.max_size + 1)):
            async with self._pool.connection() as connection:
                try:
                    return await act(Tx(connection))
                except psycopg.OperationalError:
                    if not (more and connection.closed):
                        raise
        raise AssertionError("unreachable")

    @contextlib.asynccontextmanager
    async def snapshot(self, *, by_key: bool = False) -> AsyncGenerator[Tx]:
        """A read-only transaction in which every statement sees the same instant. `by_key`: as in `run`."""
        async with self._begun(SNAPSHOT + BY_KEY if by_key else SNAPSHOT) as connection:
            yield Tx(connection)

    @contextlib.asynccontextmanager
    async def admin(self) -> AsyncGenerator[Tx]:
        """A transaction as the owner of the schema: for migrations, partitions, archive; never for a request."""
        async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as connection:
            await _prepare(connection)
            async with connection.transaction():
                yield Tx(connection)

    @contextlib.asynccontextmanager
    async def _begun(self, begin: bytes) -> AsyncGenerator[Connection]:
        """A connection with a transaction begun, committed at the end. One that a restart of the server broke is
        exchanged: as its BEGIN failed, nothing was done on it."""
        for more in reversed(range(self._pool.max_size + 1)):
            async with self._pool.connection() as connection:
                try:
                    await connection.execute(begin)
                except psycopg.OperationalError:
                    if not (more and connection.closed):
                        raise
                    continue
                try:
                    yield connection
                except BaseException:
                    if not connection.closed:
                        await connection.rollback()
                    raise
                await connection.commit()
                return

    async def _configure(self, connection: Connection) -> None:
        await _prepare(connection)
        if self.role:
            await connection.execute(f'SET ROLE "{self.role}"'.encode())


class _PlainNumbers(adapt.Loader):
    """`numeric` as Decimal, in the form that numbers are shown in."""

    def load(self, data: adapt.Buffer) -> Decimal:
        return plain_number(bytes(data).decode())


async def _prepare(connection: Connection) -> None:
    set_json_dumps(json.dumps, connection)
    set_json_loads(json.loads, connection)
    connection.adapters.register_loader("numeric", _PlainNumbers)
    await connection.execute("SET timezone = 'UTC'")


def compiled(statement: Runnable, params: Params | None) -> tuple[str, Params | None]:
    """The text and parameters that psycopg runs."""
    if isinstance(statement, Statement):
        return statement, params
    made = cast(Any, statement).compile(dialect=_dialect, compile_kwargs={"render_postcompile": True})
    return str(made), cast(Params, {**made.params, **(params or {})})


@contextlib.contextmanager
def count_statements() -> Generator[list[str]]:
    """The statements run inside, in order (their names, or their text)."""
    seen: list[str] = []
    token = _counter.set(seen)
    try:
        yield seen
    finally:
        _counter.reset(token)


def _note(statement: Runnable, text: str) -> None:
    seen = _counter.get()
    if seen is not None:
        seen.append(statement.name if isinstance(statement, Statement) else text)
