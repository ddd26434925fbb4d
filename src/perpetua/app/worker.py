"""The background worker: does what was queued, and what is due by the clock.

Always true: asked to stop, it ends what it has begun (within a time limit), and takes nothing new.
"""

from typing import Final

import procrastinate
import structlog
from procrastinate import Blueprint

from perpetua.access import jobs as access
from perpetua.allocation import jobs as allocation
from perpetua.app import imports_jobs, upkeep_jobs
from perpetua.app.settings import Settings
from perpetua.items import jobs as items
from perpetua.kit import jobs, mail, typeset
from perpetua.kit.database import Database
from perpetua.ledger import jobs as ledger
from perpetua.purchasing import jobs as purchasing

__all__ = ["TASKS", "run", "worker_queue"]

TASKS: Final[dict[str, Blueprint]] = {
    "access": access.jobs, "items": items.jobs, "ledger": ledger.jobs, "allocation": allocation.jobs,
    "purchasing": purchasing.jobs,
    "imports": imports_jobs.jobs, "upkeep": upkeep_jobs.jobs,
}  # fmt: skip
"""Each word with jobs, and its tasks; a task's full name is `word:name`."""

GRACE_SECONDS: Final = 20

log = structlog.get_logger("perpetua.worker")


def worker_queue(db: Database) -> procrastinate.App:
    """The queue with the tasks of all words."""
    queue = jobs.queue(db)
    for word, tasks in TASKS.items():
        jobs.add_tasks(queue, word, tasks)
    return queue


async def run(settings: Settings, db: Database, *, until_idle: bool = False) -> None:
    """Work until SIGINT or SIGTERM; or, `until_idle`, until nothing waits."""
    typeset.use_fonts(settings.fonts)
    mailer = mail.SmtpMailer(settings.smtp, settings.mail_from) if settings.smtp else None
    office = mail.Office(mailer=mailer, letterhead=settings.letterhead)
    async with worker_queue(db).open_async() as queue:
        await jobs.take_over(queue)
        log.info("worker_ready", words=sorted(TASKS), concurrency=settings.job_concurrency)
        await queue.run_worker_async(
            concurrency=settings.job_concurrency,
            wait=not until_idle,
            delete_jobs="successful",
            shutdown_graceful_timeout=GRACE_SECONDS,
            additional_context=jobs.context_of(db) | upkeep_jobs.context_of(settings) | mail.context_of(office),
            update_heartbeat_interval=jobs.HEARTBEAT_SECONDS,
            stalled_worker_timeout=jobs.STALLED_SECONDS,
        )
    log.info("worker_stopped")
