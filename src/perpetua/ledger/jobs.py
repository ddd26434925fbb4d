"""The ledger's chores: partitions ahead, seals each minute, checkpoints and the integrity check each night."""

import structlog

from perpetua.access.types import SYSTEM
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


@jobs.periodic(cron="30 2 * * *")
@jobs.task(name="check", pass_context=True, queueing_lock="ledger:check")
async def check(context: JobContext, timestamp: int) -> None:
    """Check the integrity of everything; a failure is logged as an error, kept, and shown in the metrics."""
    done = await service.check(database_of(context), SYSTEM)
    wrong = [finding.name for finding in done.findings if finding.wrong]
    if wrong:
        log.error("integrity_broken", check_id=done.id, wrong=wrong)
    else:
        log.info("integrity_whole", check_id=done.id, rows=done.rows)
