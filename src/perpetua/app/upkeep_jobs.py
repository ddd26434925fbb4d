"""Chores that need what the settings say: a folder for old months, a mail server, the store of images.

Always true:
- Without its setting, a chore that takes anything out of the database does nothing.
- Administrators are told of each failed check of integrity once, unless the mail server took it and we were killed
  before we wrote that down: then twice.
"""

from datetime import timedelta
from typing import Any, Final, cast

import structlog

from perpetua.access import service as access
from perpetua.access.types import SYSTEM, AuditFilters, PeopleFilters
from perpetua.app.expiry_alert import tell_of_expiring
from perpetua.app.settings import Settings
from perpetua.items import service as items
from perpetua.kit.clock import system_clock
from perpetua.kit.database import Database
from perpetua.kit.jobs import Blueprint, JobContext, database_of
from perpetua.kit.listing import MAX_LIMIT, PageRequest
from perpetua.kit.mail import Mailer, SmtpMailer
from perpetua.kit.objects import DiskStore
from perpetua.ledger import service as ledger
from perpetua.ledger.types import IntegrityCheck
from perpetua.receiving import service as receiving

__all__ = ["context_of", "jobs", "tell_of_broken_integrity"]

IMAGES_STAY: Final = timedelta(days=1)
KIND: Final = "integrity_check"
_SETTINGS: Final = "settings"
log = structlog.get_logger("perpetua.upkeep")
jobs = Blueprint()


def context_of(settings: Settings) -> dict[str, Any]:
    """What a worker hands to these tasks."""
    return {_SETTINGS: settings}


@jobs.periodic(cron="40 3 * * *")
@jobs.task(name="archive", pass_context=True, queueing_lock="upkeep:archive")
async def archive(context: JobContext, timestamp: int) -> None:
    """Archive the months that are older than the settings keep."""
    settings = _settings(context)
    if settings.archive_months:
        done = await ledger.archive(
            database_of(context), SYSTEM, settings.archive_folder, keep_months=settings.archive_months
        )
        for month in done:
            log.info("month_archived", month=str(month.month), rows=month.rows)


@jobs.periodic(cron="50 3 * * *")
@jobs.task(name="remove_images", pass_context=True, queueing_lock="upkeep:remove_images")
async def remove_images(context: JobContext, timestamp: int) -> None:
    """Remove pictures that no product has had for a day, and files that nothing else has."""
    store = DiskStore(_settings(context).home / "objects")
    removed = await items.remove_unheld_images(
        database_of(context),
        store,
        before=system_clock() - IMAGES_STAY,
        also_held=[ledger.holds_content, receiving.holds_content],
    )
    if removed:
        log.info("images_removed", count=removed)


@jobs.periodic(cron="*/5 * * * *")
@jobs.task(name="alert", pass_context=True, queueing_lock="upkeep:alert")
async def alert(context: JobContext, timestamp: int) -> None:
    """Tell administrators when the last check of integrity failed."""
    settings = _settings(context)
    if settings.smtp:
        await tell_of_broken_integrity(
            database_of(context), SmtpMailer(settings.smtp, settings.mail_from), settings.address
        )


@jobs.periodic(cron="0 5 * * *")
@jobs.task(name="expiring", pass_context=True, queueing_lock="upkeep:expiring")
async def expiring(context: JobContext, timestamp: int) -> None:
    """Tell managers of the lots that expire soon."""
    settings = _settings(context)
    if settings.expiry_days:
        mailer = SmtpMailer(settings.smtp, settings.mail_from) if settings.smtp else None
        await tell_of_expiring(database_of(context), mailer, settings.address, settings.expiry_days)


async def tell_of_broken_integrity(db: Database, mailer: Mailer, address: str) -> None:
    """Send mail where the last check failed and nobody was told of it.

    Raises:
        OSError: no mail server took it; it is tried again with the next job.
    """
    checks = (await ledger.list_checks(db, SYSTEM, PageRequest(limit=1))).items
    if not checks or checks[0].passed:
        return
    last = checks[0]
    told = await access.list_audit(db, SYSTEM, AuditFilters(kind=KIND, id=str(last.id)), PageRequest(limit=1))
    if told.items:
        return
    found = await access.list_people(
        db, SYSTEM, PeopleFilters(role="administrator", active=True), PageRequest(limit=MAX_LIMIT)
    )
    people = [person for person in found.items if person.id != SYSTEM.person_id]
    if not people:
        log.error("nobody_to_alert", check_id=last.id)
        return
    await mailer.send([person.email for person in people], "Perpetua: the ledger's integrity is broken",
                      _text(last, address))  # fmt: skip
    await db.run(
        lambda tx: access.audit(tx, SYSTEM, KIND, last.id, "alerted", after={"people": [one.id for one in people]})
    )
    log.info("administrators_alerted", check_id=last.id, count=len(people))


def _text(check: IntegrityCheck, address: str) -> str:
    wrong = [f"- {one.meaning}: {one.wrong} wrong" for one in check.findings if one.wrong]
    return "\n".join([
        f"The check of {check.finished_at:%Y-%m-%d %H:%M} UTC (number {check.id}) found what should not be:",
        "", *wrong, "",
        "Something was changed behind the ledger's back, or there is a fault. Make a backup before all else, then run",
        "`perpetua check` on the machine: it names the rows.", "", address, "",
    ])  # fmt: skip


def _settings(context: JobContext) -> Settings:
    given: dict[str, Any] = cast(Any, context).additional_context
    return given[_SETTINGS]
