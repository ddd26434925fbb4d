"""Jobs: queued with the caller's data or not at all, done by a worker, taken over from a killed one."""

import contextlib

import pytest
from procrastinate import Blueprint, JobContext
from procrastinate.exceptions import ConnectorException

from perpetua.app import worker
from perpetua.app.settings import Settings
from perpetua.kit import jobs
from perpetua.kit.database import Database, Tx, sql

ANSWERED: list[int] = []
probe = Blueprint()


@probe.task(name="ask", pass_context=True)
async def ask(context: JobContext, number: int) -> None:
    async with jobs.database_of(context).transaction() as tx:
        ANSWERED.append(await tx.value(sql("SELECT %(number)s::int"), {"number": number}))


@probe.task(name="cut", pass_context=True)
async def cut(context: JobContext) -> None:
    """Ends as the database loses all its connections."""
    async with jobs.database_of(context).admin() as tx:
        await tx.values(
            sql("""SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()""")
        )


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    ANSWERED.clear()
    monkeypatch.setitem(worker.TASKS, "probe", probe)


async def waiting(db: Database) -> int:
    async with db.transaction() as tx:
        return await tx.value(sql("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'"))


async def test_a_job_is_there_when_its_transaction_commits_and_never_otherwise(db: Database) -> None:
    before = await waiting(db)
    async with db.transaction() as tx:
        assert await jobs.defer(tx, "probe:nobody", number=1)
        await tx.execute(sql("DELETE FROM procrastinate_jobs WHERE task_name = 'probe:nobody'"))
        await jobs.defer(tx, "probe:ask", number=1)
    assert await waiting(db) == before + 1

    async def fail(tx: Tx) -> None:
        await jobs.defer(tx, "probe:ask", number=2)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await db.run(fail)
    assert await waiting(db) == before + 1


async def test_one_waits_where_one_is_enough(db: Database) -> None:
    async with db.transaction() as tx:
        first = await jobs.defer(tx, "probe:ask", unless_queued=True, number=3)
        assert await jobs.defer(tx, "probe:ask", unless_queued=True, number=3) is None
        assert await tx.value(sql("SELECT 1")) == 1  # the transaction lives on
        await tx.execute(sql("DELETE FROM procrastinate_jobs WHERE id = %(id)s"), {"id": first})


@pytest.mark.usefixtures("tasks")
async def test_a_worker_does_what_waits_as_the_application(db: Database, settings: Settings) -> None:
    async with db.transaction() as tx:
        await tx.execute(sql("DELETE FROM procrastinate_jobs"))
        for number in range(5):
            await jobs.defer(tx, "probe:ask", number=number)
    await worker.run(settings, db, until_idle=True)
    assert sorted(ANSWERED) == [0, 1, 2, 3, 4]
    assert await waiting(db) == 0


@pytest.mark.usefixtures("tasks")
async def test_what_a_killed_worker_had_begun_is_done(db: Database, settings: Settings) -> None:
    async with db.transaction() as tx:
        job = await jobs.defer(tx, "probe:ask", number=42)
        await tx.execute(
            sql("""WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat)
                                 VALUES (now() - interval '1 hour') RETURNING id)
                   UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM dead)
                   WHERE id = %(id)s"""),
            {"id": job},
        )
        await jobs.defer(tx, "kit:retry_stalled", timestamp=0)
    await worker.run(settings, db, until_idle=True)
    await worker.run(settings, db, until_idle=True)
    assert ANSWERED == [42]


@pytest.fixture
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"), given_secret="s" * 40)


@pytest.mark.usefixtures("tasks")
async def test_one_that_waits_already_does_not_keep_the_others_of_a_killed_worker(
    db: Database, settings: Settings
) -> None:
    async with db.transaction() as tx:
        await tx.execute(sql("DELETE FROM procrastinate_jobs"))
        lost = [await jobs.defer(tx, "probe:ask", unless_queued=True, number=7)]
        await tx.execute(sql("UPDATE procrastinate_jobs SET status = 'doing'"))
        await jobs.defer(tx, "probe:ask", unless_queued=True, number=7)
        lost.append(await jobs.defer(tx, "probe:ask", number=8))
        await tx.execute(sql("UPDATE procrastinate_jobs SET status = 'doing' WHERE id = ANY(%(lost)s)"), {"lost": lost})
    await worker.run(settings, db, until_idle=True)
    assert sorted(ANSWERED) == [7, 8]
    assert await waiting(db) == 0


@pytest.mark.usefixtures("tasks")
async def test_how_a_job_ended_is_kept_when_the_database_was_away_just_then(db: Database, settings: Settings) -> None:
    async with db.transaction() as tx:
        await tx.execute(sql("DELETE FROM procrastinate_jobs"))
        await jobs.defer(tx, "probe:cut")
    with contextlib.suppress(ConnectorException):  # where it looked for more work just then; it is started again
        await worker.run(settings, db, until_idle=True)
    async with db.transaction() as tx:
        assert await tx.values(sql("SELECT status::text FROM procrastinate_jobs WHERE task_name = 'probe:cut'")) == []
