"""The ledger's chores: partitions ahead, seals each minute, checkpoints each night."""

import structlog

from perpetua.kit.jobs import Blueprint, JobContext, database_of
from perpetua.ledger import service

__all__ = ["jobs"]

log = structlog.get_logger("perpetua.ledger")
jobs = Blueprint()


@jobs.periodic(cron="* * * * *")
@jobs.task(name="seal", pass_context=True, queueing_lock="ledger:seal")
async def seal(context: JobContext, timestamp: int) -> None:
    """Seal what has become final."""
    await service.seal(database_of(context))


@jobs.periodic(cron="10 0 * * *")
@jobs.task(name="make_partitions", pass_context=True, queueing_lock="ledger:make_partitions")
async def make_partitions(context: JobContext, timestamp: int) -> None:
    """Make the months ahead."""
    made = await service.make_partitions(database_of(context))
    if made:
        log.info("partitions_made", months=made)


@jobs.periodic(cron="20 0 * * *")
@jobs.task(name="make_checkpoints", pass_context=True, queueing_lock="ledger:make_checkpoints")
async def make_checkpoints(context: JobContext, timestamp: int) -> None:
    """Make the month ends that are due."""
    made = await service.make_checkpoints(database_of(context))
    if made:
        log.info("checkpoints_made", count=made)
