"""Allocation's chores: what became free is given to whoever waits; and the proof that all is well, each night."""

import structlog

from perpetua.access.types import SYSTEM
from perpetua.allocation import service
from perpetua.kit.jobs import Blueprint, JobContext, database_of

__all__ = ["jobs"]

log = structlog.get_logger("perpetua.allocation")
jobs = Blueprint()


@jobs.periodic(cron="* * * * *")
@jobs.task(name="expire", pass_context=True, queueing_lock="allocation:expire")
async def expire(context: JobContext, timestamp: int) -> None:
    """End the reservations that have expired. They hold nothing before it, either."""
    await service.expire(database_of(context))


@jobs.periodic(cron="*/10 * * * *")
@jobs.task(name="refill_due", pass_context=True, queueing_lock="allocation:refill_due")
async def refill_due(context: JobContext, timestamp: int) -> None:
    """Look again for what became free otherwise than by goods that came."""
    await service.refill(database_of(context))


@jobs.periodic(cron="* * * * *")
@jobs.task(name="expect", pass_context=True, queueing_lock="allocation:expect")
async def expect(context: JobContext, timestamp: int) -> None:
    """Tell those who wait when what they wait for is to come."""
    await service.expect_all(database_of(context))


@jobs.task(name="refill", pass_context=True, queueing_lock="allocation:refill")
async def refill(context: JobContext) -> None:
    """The rules were changed: give what is free by them to whoever waits."""
    await service.refill(database_of(context))


@jobs.periodic(cron="30 2 * * *")
@jobs.task(name="check", pass_context=True, queueing_lock="allocation:check")
async def check(context: JobContext, timestamp: int) -> None:
    """Check the integrity of everything; a failure is logged as an error, kept, and shown in the metrics."""
    done = await service.check(database_of(context), SYSTEM)
    wrong = [finding.name for finding in done.findings if finding.wrong]
    if wrong:
        log.error("integrity_broken", check_id=done.id, wrong=wrong)
    else:
        log.info("integrity_whole", check_id=done.id, rows=done.rows)
