"""What items do by themselves, at night."""

from perpetua.items.service.search import refresh_vocabulary
from perpetua.kit.jobs import Blueprint, JobContext, database_of

__all__ = ["jobs"]

jobs = Blueprint()


@jobs.periodic(cron="41 2 * * *")
@jobs.task(name="refresh_vocabulary", pass_context=True, queueing_lock="refresh_vocabulary")
async def refresh_vocabulary_(context: JobContext, timestamp: int) -> None:
    """Count the words of the search vocabulary anew."""
    await refresh_vocabulary(database_of(context))
