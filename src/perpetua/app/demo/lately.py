"""What a day at work leaves open: transfers on their way, one of them come in part, corrections, a count to approve."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

from perpetua.access import service as access
from perpetua.access.types import ROLES, SYSTEM, Actor
from perpetua.app.demo.history import Trade
from perpetua.app.demo.people import PEOPLE
from perpetua.app.demo.sites import SITES
from perpetua.kit.clock import Clock
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


async def make(db: Database, trade: Trade, clock: Clock) -> None:
    """Make all of it; the history is there, and `trade` has run to its end."""
    await _transfers(db, trade, clock)
    await _corrections(db)
    await _waiting(db, trade)


async def _transfers(db: Database, trade: Trade, clock: Clock) -> None:
    by_bin: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for (n, place), quantity in trade.stock.items():
        if quantity >= 4 and place == trade.home[SITES[0].code].get(n):
            by_bin[place].append((n, quantity))
    fullest = sorted(by_bin, key=lambda place: (-len(by_bin[place]), place))[:TRANSFERS]
    for number, place in enumerate(sorted(fullest)):
        to = SITES[1 + number % 2].code
        lines = [TransferLine(sku=trade.items[n].sku, quantity=Decimal(quantity // 2)) for n, quantity in by_bin[place]]
        sent = clock() - timedelta(hours=30 - 5 * number)
        command = Transfer(
            lines=lines, from_location=place, to_location=f"{to}-A-01-01", two_step=True, effective_at=sent,
            expected_at=sent + timedelta(days=2), note=f"Restock {to}",
        )  # fmt: skip
        # The clock goes on between two tries, so a try that was cut off is known by its key alone.
        answered = await ledger.transfer(db, SYSTEM, command)
        if number == 0 and answered.answer.transfer_id is not None:
            part = ReceiveTransfer(lines=[TransferReceiptLine(line_no=1, received=lines[0].quantity)], note="First box")
            await ledger.receive_transfer(db, SYSTEM, answered.answer.transfer_id, part)


async def _corrections(db: Database) -> None:
    counted = await ledger.list_movements(
        db, SYSTEM, MovementFilters(types=["ADJUSTMENT"], reference_type="count"), PageRequest(limit=50)
    )
    found = [row for row in counted.items if row.quantity > 0 and row.corrects_id is None and row.corrected_by is None]
    for row in found[:CORRECTIONS]:
        command = Correct(reason="One more stood behind the others", quantity=row.quantity + 1)
        await ledger.correct(db, SYSTEM, row.id, command)


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
