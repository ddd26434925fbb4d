"""Chores of access, done by the worker."""

from perpetua.access import service
from perpetua.kit.jobs import Blueprint, JobContext, database_of

__all__ = ["jobs"]

jobs = Blueprint()


@jobs.periodic(cron="23 * * * *")
@jobs.task(name="tidy", pass_context=True, queueing_lock="access:tidy")
async def tidy(context: JobContext, timestamp: int) -> None:
    """Remove sessions that are over and attempts that no longer count."""
    await service.tidy(database_of(context))
