"""The worker tidies what is over."""

from pathlib import Path

from perpetua.app import worker
from perpetua.app.settings import Settings
from perpetua.kit import jobs
from perpetua.kit.database import Database, sql


async def test_the_worker_tidies(db: Database, tmp_path: Path) -> None:
    async with db.transaction() as tx:
        over = "INSERT INTO sign_in_attempts VALUES (sha256('x'), 1, now() - interval '1 second')"
        await tx.execute(sql(over))
        await jobs.defer(tx, "access:tidy", timestamp=0)
    await worker.run(Settings(home=tmp_path), db, until_idle=True)
    async with db.transaction() as tx:
        assert await tx.value(sql("SELECT count(*) FROM sign_in_attempts")) == 0
