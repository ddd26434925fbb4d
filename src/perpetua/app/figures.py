"""The figures that words give to /metrics: whether the last check passed, and what the worker has left to do."""

from perpetua.app.metrics import Metrics
from perpetua.kit.database import Database, sql
from perpetua.ledger import service as ledger

__all__ = ["watch"]

JOBS = sql("SELECT status::text, count(*) AS jobs FROM procrastinate_jobs WHERE status <> 'succeeded' GROUP BY status")


def watch(metrics: Metrics) -> None:
    """Add them."""
    metrics.watch(
        "perpetua_integrity",
        "The last check of integrity: passed is 1 or 0, finished is its end in seconds since 1970",
        _integrity,
        label="figure",
    )
    metrics.watch("perpetua_jobs", "Jobs of the worker that did not succeed (yet)", _jobs, label="status")


async def _integrity(db: Database) -> dict[str, float]:
    last = await ledger.last_check(db)
    return {} if last is None else {"passed": float(last[0]), "finished": last[1].timestamp()}


async def _jobs(db: Database) -> dict[str, float]:
    counted: dict[str, float] = dict.fromkeys(("todo", "doing", "failed"), 0)
    async with db.transaction() as tx:
        return counted | {row["status"]: row["jobs"] for row in await tx.dicts(JOBS)}
