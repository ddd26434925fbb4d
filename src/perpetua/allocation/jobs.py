"""Allocation's chores: what has expired is given to whoever waits."""

from perpetua.allocation import service
from perpetua.kit.jobs import Blueprint, JobContext, database_of

__all__ = ["jobs"]

jobs = Blueprint()


@jobs.periodic(cron="* * * * *")
@jobs.task(name="expire", pass_context=True, queueing_lock="allocation:expire")
async def expire(context: JobContext, timestamp: int) -> None:
    """End the reservations that have expired. They hold nothing before it, either."""
    await service.expire(database_of(context))
