"""Work for later: queued in the caller's transaction, done by a worker, at least once.

Always true:
- A job exists exactly when the transaction that deferred it was committed.
- A job whose worker was killed is done again by another, within two minutes: a task must bear being run twice.
- Arguments are ids and numbers, never names, addresses or secrets: they are kept in the queue and may be logged.

A word's `jobs.py` exports `jobs`, a `Blueprint`; its tasks take the context first and ask it for the database:

    jobs = Blueprint()

    @jobs.periodic(cron="*/5 * * * *")
    @jobs.task(name="seal", pass_context=True, queueing_lock="seal")
    async def seal(context: JobContext, timestamp: int) -> None:
        await service.seal(database_of(context))
"""

import asyncio
from typing import Any, Final, LiteralString, cast

import procrastinate
import psycopg
import structlog
from procrastinate import Blueprint, JobContext, RetryStrategy, exceptions
from procrastinate.jobs import Status

from perpetua.kit.clock import system_clock
from perpetua.kit.database import Database, Tx

__all__ = [
    "HEARTBEAT_SECONDS", "STALLED_SECONDS", "Blueprint", "JobContext", "RetryStrategy", "database_of", "defer",
    "housekeeping", "queue", "take_over",
]  # fmt: skip

KEEP_FINISHED_HOURS: Final = 24 * 30
"""Failed jobs are kept this long for people to see; done ones go at once."""
HEARTBEAT_SECONDS: Final = 5
STALLED_SECONDS: Final = 20
"""A worker that was not heard of for so long is dead; one that was only slow finds its job done by another."""
AGAIN_SECONDS: Final = (0.0, 0.1, 0.5, 1, 2, 4, 8, 15, 30)
_DATABASE: Final = "database"

_unopened: Final = procrastinate.App(connector=procrastinate.PsycopgConnector())
"""Writes jobs through the caller's own connection; has none itself."""

log = structlog.get_logger("perpetua.jobs")
housekeeping = Blueprint()
"""The queue's own chores."""


class _Connector(procrastinate.PsycopgConnector):
    """Writes down how a job ended also when the database is away just then: a job that counts as running, while its
    worker lives, is taken over by nobody."""

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        """Run what answers nothing; again, for some minutes, when there is no connection (it may then run twice)."""
        for seconds in AGAIN_SECONDS:
            try:
                return await super().execute_query_async(query, **arguments)
            except exceptions.ConnectorException as error:
                if not isinstance(error.__cause__, psycopg.OperationalError):
                    raise
                log.warning("queue_away", error=str(error.__cause__))
            await asyncio.sleep(seconds)
        return await super().execute_query_async(query, **arguments)


def queue(db: Database) -> procrastinate.App:
    """The queue in `db`; a worker opens it (`async with queue(db).open_async()`)."""

    async def configure(connection: psycopg.AsyncConnection[Any]) -> None:
        if db.role:
            await connection.execute(f'SET ROLE "{db.role}"'.encode())
            await connection.commit()

    connector = _Connector(conninfo=db.url, min_size=1, max_size=4, configure=configure)
    app = procrastinate.App(connector=connector)
    add_tasks(app, "kit", housekeeping)
    return app


def add_tasks(app: procrastinate.App, word: str, tasks: Blueprint) -> None:
    """Let the queue know a word's tasks, as `word:name`; in any number of queues of one process."""
    given, into = cast(Any, tasks), cast(Any, app)  # their types are partly unknown
    if not any(name.startswith(f"{word}:") for name in given.tasks):
        app.add_tasks_from(tasks, namespace=word)
        return
    # procrastinate wrote the prefix into the tasks when the first queue took them, and would write it again.
    into.tasks.update(given.tasks)
    for due in given.periodic_registry.periodic_tasks.values():
        into.periodic_registry.register_task(
            task=due.task, cron=due.cron, periodic_id=due.periodic_id, configure_kwargs=due.configure_kwargs
        )
    for task in given.tasks.values():
        task.blueprint = app


async def defer(tx: Tx, task: str, /, *, unless_queued: bool = False, **arguments: Any) -> int | None:
    """Queue the task named `task` (`word:name`) in this transaction; the job's id.

    Args:
        tx: the job is there when this commits, and never was when it does not.
        task: its full name, e.g. `ledger:seal`.
        unless_queued: nothing is done, and None answered, when one waits already.
        arguments: ids and numbers.
    """
    lock = task if unless_queued else None
    deferrer = _unopened.configure_task(task, allow_unknown=True, queueing_lock=lock, connection=tx.connection)
    try:
        async with tx.savepoint():
            return await deferrer.defer_async(**arguments)
    except exceptions.AlreadyEnqueued:
        return None


def database_of(context: JobContext) -> Database:
    """The database that the worker gave to its tasks."""
    given: dict[str, Any] = cast(Any, context).additional_context
    return given[_DATABASE]


def context_of(db: Database) -> dict[str, Any]:
    """What a worker hands to its tasks."""
    return {_DATABASE: db}


@housekeeping.periodic(cron="* * * * *")
@housekeeping.task(name="retry_stalled", pass_context=True, queueing_lock="retry_stalled")
async def retry_stalled(context: JobContext, timestamp: int) -> None:
    """Queue again what a killed worker had begun."""
    await take_over(context.app)


async def take_over(app: procrastinate.App) -> None:
    """Queue again what killed workers had begun; also done by a worker that starts."""
    manager = app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
        log.warning("job_taken_over", job=job.id, task=job.task_name)
        try:
            await manager.retry_job(job, retry_at=system_clock())
        except exceptions.UniqueViolation:
            # Of these one may wait at a time, and one waits already: it will do this one's work.
            await manager.finish_job(job, status=Status.ABORTED, delete_job=True)
        except exceptions.ConnectorException as error:
            log.info("job_taken_over_elsewhere", job=job.id, error=str(error))  # by another worker, meanwhile


@housekeeping.periodic(cron="17 3 * * *")
@housekeeping.task(name="forget_finished", pass_context=True, queueing_lock="forget_finished")
async def forget_finished(context: JobContext, timestamp: int) -> None:
    """Remove jobs that ended long ago."""
    await context.app.job_manager.delete_old_jobs(
        nb_hours=KEEP_FINISHED_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )
