"""What a day at work leaves open: transfers on their way, one of them come in part, corrections, a count to approve."""

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal

from perpetua.access import service as access
from perpetua.access.types import ROLES, SYSTEM, Actor
from perpetua.app.demo.history import Trade
from perpetua.app.demo.people import PEOPLE
from perpetua.app.demo.sites import SITES
from perpetua.app.demo.staff import Staff
from perpetua.kit.database import Database
from perpetua.kit.listing import PageRequest
from perpetua.ledger import service as ledger
from perpetua.ledger.types import (
    Adjust,
    AdjustLine,
    Correct,
    MovementFilters,
    ReceiveTransfer,
    Transfer,
    TransferLine,
    TransferReceiptLine,
)

__all__ = ["make"]

TRANSFERS = 5
CORRECTIONS = 3


async def make(db: Database, trade: Trade, crew: Staff, now: datetime) -> None:
    """Make all of it; the history is there, and `trade` has run to its end.

    Done again after it was cut off, it makes what is missing: each command has its key, and is the same each time.
    """
    await _transfers(db, trade, crew, now)
    await _corrections(db, crew)
    await _waiting(db, trade)


async def _transfers(db: Database, trade: Trade, crew: Staff, now: datetime) -> None:
    by_bin: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for (n, place), quantity in trade.stock.items():
        if quantity >= 4 and place == trade.home[SITES[0].code].get(n):
            by_bin[place].append((n, quantity))
    fullest = sorted(by_bin, key=lambda place: (-len(by_bin[place]), place))[:TRANSFERS]
    sender = crew.at[SITES[0].code]
    for number, place in enumerate(sorted(fullest)):
        to = SITES[1 + number % 2].code
        lines = [TransferLine(sku=trade.items[n].sku, quantity=Decimal(quantity // 2)) for n, quantity in by_bin[place]]
        sent = now - timedelta(hours=30 - 5 * number)
        command = Transfer(
            lines=lines, from_location=place, to_location=f"{to}-A-01-01", two_step=True, effective_at=sent,
            expected_at=sent + timedelta(days=2), note=f"Restock {to}",
        )  # fmt: skip
        answered = await ledger.transfer(db, sender, command, key=f"demo-transfer-{number}")
        if number == 0 and answered.answer.transfer_id is not None:
            part = ReceiveTransfer(lines=[TransferReceiptLine(line_no=1, received=lines[0].quantity)], note="First box")
            await ledger.receive_transfer(db, crew.at[to], answered.answer.transfer_id, part, key="demo-first-box")


async def _corrections(db: Database, crew: Staff) -> None:
    counted = await ledger.list_movements(
        db, SYSTEM, MovementFilters(types=["ADJUSTMENT"], reference_type="count"), PageRequest(limit=50)
    )
    found = [row for row in counted.items if row.quantity > 0 and row.command == "demo"]
    for row in found[:CORRECTIONS]:
        command = Correct(reason="One more stood behind the others", quantity=row.quantity + 1)
        await ledger.correct(db, crew.manager, row.id, command, key=f"demo-correction-{row.id}")


async def _waiting(db: Database, trade: Trade) -> None:
    """A hundred pieces and more, found by warehouse staff, who may not post that alone."""
    staff = next(person for person in PEOPLE if person.role == "warehouse_staff")
    person = await access.find_person(db, SYSTEM, staff.email)
    actor = Actor(
        person_id=person.id, name=person.name, role=person.role, permissions=ROLES[person.role],
        scope=None if person.scope is None else frozenset(person.scope), via="system",
    )  # fmt: skip
    n = max(trade.plain, key=lambda n: trade.items[n].case)
    line = AdjustLine(sku=trade.items[n].sku, quantity=Decimal(144), location=trade.home[SITES[0].code][n])
    command = Adjust(lines=[line], reason_code="found", note="A pallet stood behind the racking, not on any list")
    await ledger.adjust(db, actor, command, key="demo-waiting")
