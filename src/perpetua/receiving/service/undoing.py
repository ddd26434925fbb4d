"""What was received by mistake is taken back: by rows of the ledger that name those they take back."""

from datetime import datetime

from perpetua.access.service import audit
from perpetua.access.types import Actor
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Conflict, InvalidValue
from perpetua.kit.idempotency import Answered, once
from perpetua.ledger import service as ledger
from perpetua.purchasing import service as purchasing
from perpetua.purchasing.types import Came
from perpetua.receiving import store
from perpetua.receiving.errors import AlreadyUndone
from perpetua.receiving.service.reading import receipt
from perpetua.receiving.service.taking import held
from perpetua.receiving.types import MAX_LINES, LineToUndo, Locked, Receipt, UndoLines, number_of

__all__ = ["undo_lines"]


async def undo_lines(
    db: Database, actor: Actor, receipt_id: int, command: UndoLines, *, key: str | None = None,
    clock: Clock = system_clock,
) -> Answered[Receipt]:  # fmt: skip
    """Take lines of a receipt back, all or none; also of one that is closed. Their orders are open again, and those who
    were promised the goods wait again, the last in turn first.

    One's own lines with `stock.receive`; those of others with `stock.correct`.

    Raises:
        Missing: there is no such receipt. InvalidValue: no such line.
        AlreadyUndone: it was undone. NotEnoughStock, SerialElsewhere: the goods are no longer where they were put.
        NotAllowed: somebody else received it.
    """
    actor.require("stock.receive")
    if not 0 < len(command.line_nos) <= MAX_LINES:
        raise InvalidValue("line_nos", str(len(command.line_nos)), f"must name 1 to {MAX_LINES} lines")

    async def act(tx: Tx) -> Receipt:
        of = await held(tx, actor, receipt_id)
        lines = await _lines(tx, actor, of, command)
        await purchasing.lock_orders(tx, {line.po_id for line in lines if line.po_id is not None})
        await _take_back(tx, actor, of, lines, command.reason, clock())
        return await receipt(tx, actor, receipt_id)

    body = [receipt_id, command]
    return await once(db, sender=actor.person_id, key=key, command="receipts.undo", body=body, answer=Receipt, act=act)


async def _lines(tx: Tx, actor: Actor, of: Locked, command: UndoLines) -> list[LineToUndo]:
    found = {line.line_no: line for line in await store.lines_to_undo(tx, of.id, command.line_nos)}
    for at, number in enumerate(command.line_nos):
        line = found.get(number)
        if line is None:
            raise InvalidValue(f"line_nos[{at}]", str(number), f"is no line of {number_of(of.id)}")
        if line.undone_at is not None:
            raise AlreadyUndone(receipt=number_of(of.id), line_no=number)
        if not line.row_ids:
            raise Conflict(reason=f"Line {number} is too old: its rows are in the archive.", line_no=number)
        actor.require_place(line.location_path, line.location)
        if line.received_by != actor.person_id:
            actor.require("stock.correct")
    return list(found.values())


async def _take_back(
    tx: Tx, actor: Actor, of: Locked, lines: list[LineToUndo], reason: str, now: datetime
) -> None:  # fmt: skip
    number = number_of(of.id)
    rows = [row for line in lines for row in line.row_ids]
    posted = await ledger.reverse(tx, actor, rows, reason, reference_type="receipt", reference_id=number)
    back = [Came(line.po_line_id, -line.quantity, now) for line in lines if line.po_line_id is not None]
    await purchasing.take_in(tx, back)
    params = {
        "actor_id": actor.person_id, "at": now, "posting_id": posted.posting_id, "reason": reason,
        "ids": [line.id for line in lines], "receipt_id": of.id,
    }  # fmt: skip
    await tx.execute(store.Q["undo"], params)
    undone = {"line_nos": [line.line_no for line in lines], "reason": reason}
    await audit(tx, actor, "receipt", of.id, "lines undone", None, undone)
