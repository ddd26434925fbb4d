"""Word of lots that expire soon, or have: to the managers, once for each date of a lot.

Always true: a lot is told of once a date, unless the mail server took it and we were killed before we wrote that down.
"""

from typing import Final

import structlog

from perpetua.access import service as access
from perpetua.access.types import SYSTEM, PeopleFilters, Role
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database
from perpetua.kit.listing import MAX_LIMIT, PageRequest
from perpetua.kit.mail import Mailer
from perpetua.kit.quantity import plain_text
from perpetua.ledger import service as ledger
from perpetua.ledger.types import ExpiringLot

__all__ = ["tell_of_expiring"]

TOLD: Final[tuple[Role, ...]] = ("administrator", "inventory_manager")
log = structlog.get_logger("perpetua.expiry")


async def tell_of_expiring(
    db: Database, mailer: Mailer | None, address: str, within_days: int, *, clock: Clock = system_clock
) -> int:
    """Send a digest of the lots that expire within so many days and that nobody was told of; how many there were.

    Args:
        mailer: None where no mail is sent: they are kept as told all the same, and listed with the instant.

    Raises:
        OSError: no mail server took it; it is tried again with the next job.
    """
    lots = await ledger.expiring_untold(db, within_days, clock=clock)
    if not lots:
        return 0
    people: list[str] = []
    for role in TOLD:
        found = await access.list_people(
            db, SYSTEM, PeopleFilters(role=role, active=True), PageRequest(limit=MAX_LIMIT)
        )
        # Who is confined to some places would read of others' stock.
        people += [one.email for one in found.items if one.id != SYSTEM.person_id and one.scope is None]
    if mailer and people:
        subject = f"Perpetua: {len(lots)} lot{'s' * (len(lots) > 1)} expire within {within_days} days"
        await mailer.send(people, subject, _text(lots, address))
    await ledger.keep_expiry_alerts(db, lots)
    log.info("expiring_told", lots=len(lots), people=len(people) if mailer else 0)
    return len(lots)


def _text(lots: list[ExpiringLot], address: str) -> str:
    told = [
        f"- {one.expires_on} ({_when(one.days_left)}): {plain_text(one.on_hand)} {one.unit} of {one.sku}, "
        f"lot {one.number} ({one.status}) {one.name}"
        for one in lots
    ]
    return "\n".join(["These lots are past their last day, or will be soon:", "", *told, "", address, ""])


def _when(days_left: int) -> str:
    if days_left < 0:
        return f"over for {-days_left} day{'s' * (days_left < -1)}"
    return "today" if days_left == 0 else f"in {days_left} day{'s' * (days_left > 1)}"
