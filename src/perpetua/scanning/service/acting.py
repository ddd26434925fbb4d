"""From what a scan names to what is done: through the ledger's own commands, under a key that belongs to the scan."""

from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple

from perpetua.access.types import Actor, Permission
from perpetua.kit.clock import bounded
from perpetua.kit.database import Database
from perpetua.kit.errors import InvalidValue
from perpetua.ledger import service as ledger
from perpetua.ledger.errors import CountsAgree
from perpetua.ledger.types import Adjust, AdjustLine, Posted, Receive, ReceiveLine, Transfer, TransferLine
from perpetua.plates import service as plates
from perpetua.plates.types import MovePlate
from perpetua.receiving import service as receiving
from perpetua.receiving.types import TakeIn, TakeLine, Taken
from perpetua.scanning import rules
from perpetua.scanning.errors import AmbiguousCode, NotAnItem
from perpetua.scanning.service.understanding import Understood
from perpetua.scanning.store import Recorded
from perpetua.scanning.types import Action, Scan, ScannedItem, ScannedPlate

__all__ = ["Acted", "act", "allowed"]

_NEEDS: Final[dict[Action, Permission]] = {
    "lookup": "stock.scan",
    "receive": "stock.receive",
    "move": "stock.transfer",
    "adjust": "stock.adjust",
    "count": "stock.adjust",
}


class Acted(NamedTuple):
    """What was done. `posted` is None where a count agrees; `received` only with a receipt."""

    quantity: Decimal
    posted: Posted | None
    received: Taken | None = None


def allowed(actor: Actor, understood: Understood) -> list[Action]:
    """What the actor may do with what was scanned."""
    if understood.plate is not None:
        movable = actor.may("stock.transfer") and understood.plate.status in ("open", "closed")
        return ["lookup", "move"] if movable else ["lookup"]
    if understood.item is None:
        return ["lookup"]
    return [
        action
        for action, permission in _NEEDS.items()
        if actor.may(permission) and (understood.item.active or action != "receive")
    ]


async def act(db: Database, actor: Actor, scan: Scan, recorded: Recorded, understood: Understood) -> Acted:
    """Do what the scan asks for; the quantity in base units, and what was posted.

    Raises:
        NotAnItem: a place was scanned. AmbiguousCode: separators are lost, and what matters can't be told.
        QuantityNeeded, InvalidValue: something is missing or cannot be.
        Refusal: whatever the ledger, or receiving, refuses.
    """
    item = understood.item
    if understood.plate is not None:
        return await _move_plate(db, actor, scan, recorded, understood.plate)
    if item is None:
        raise NotAnItem("code", scan.code, f"names a place; to {scan.action}, scan an item")
    if scan.receipt_id is not None and scan.action != "receive":
        raise InvalidValue("receipt_id", str(scan.receipt_id), f"is for receiving; to {scan.action}, leave it out")
    if not scan.location and scan.receipt_id is None:
        raise InvalidValue("location", "", f"is missing; to {scan.action}, say where")
    if understood.reading.ambiguous:
        raise AmbiguousCode(scanned=scan.code[:120], choices=[choice.text for choice in understood.reading.choices])
    labelled = understood.goods.quantity if understood.goods else Decimal(1)
    quantity = rules.base_quantity(scan, item.units, labelled)
    line = _line(scan, understood, item)
    head: dict[str, Any] = {
        "effective_at": _effective(scan, recorded),
        "reference_type": "scan",
        "reference_id": str(recorded.id),
    }
    key = f"scan-{recorded.id}"
    match scan.action:
        case "receive":
            expires = understood.reading.expires_on or understood.reading.best_before_on
            if item.tracking == "lot" and expires is not None:
                line["expires_on"] = expires.isoformat()
            if scan.receipt_id is not None:
                return await _with_receipt(db, actor, scan, quantity, line, head, key)
            received = Receive(lines=[ReceiveLine(**line, quantity=quantity)], location=scan.location, **head)
            return Acted(quantity, (await ledger.receive(db, actor, received, key=key)).answer)
        case "move":
            if not scan.to:
                raise InvalidValue("to", "", "is missing; to move, say where it goes")
            moved = TransferLine(**line, quantity=quantity)
            transfer = Transfer(lines=[moved], from_location=scan.location, to_location=scan.to, **head)
            return Acted(quantity, (await ledger.transfer(db, actor, transfer, key=key)).answer)
        case "adjust":
            if not scan.reason_code:
                raise InvalidValue("reason_code", "", "is missing; an adjustment says why")
            change = AdjustLine(**line, quantity=quantity)
            adjust = Adjust(lines=[change], reason_code=scan.reason_code, location=scan.location, **head)
            return Acted(quantity, (await ledger.adjust(db, actor, adjust, key=key)).answer)
        case "count":
            found = AdjustLine(**line, counted=quantity)
            count = Adjust(lines=[found], reason_code=scan.reason_code or "count", location=scan.location, **head)
            try:
                return Acted(quantity, (await ledger.adjust(db, actor, count, key=key)).answer)
            except CountsAgree:
                return Acted(quantity, None)
        case "lookup":
            return Acted(quantity, None)


async def _with_receipt(
    db: Database, actor: Actor, scan: Scan, quantity: Decimal, line: dict[str, Any], head: dict[str, Any], key: str
) -> Acted:
    assert scan.receipt_id is not None
    day = line.pop("expires_on", None)
    came = TakeLine(
        **line, quantity=quantity, location=scan.location, condition=scan.condition or "good", accept=scan.accept or [],
        expires_on=None if day is None else date.fromisoformat(day),
    )  # fmt: skip
    command = TakeIn(lines=[came], effective_at=head["effective_at"])
    taken = (await receiving.take_in(db, actor, scan.receipt_id, command, key=key)).answer
    posted = Posted(posting_id=taken.posting_id, effective_at=head["effective_at"], rows=len(taken.lines))
    return Acted(quantity, posted, taken)


async def _move_plate(db: Database, actor: Actor, scan: Scan, recorded: Recorded, plate: ScannedPlate) -> Acted:
    if scan.action != "move":
        raise NotAnItem("code", scan.code, f"names a plate, which is moved; to {scan.action}, scan an item")
    if not scan.to:
        raise InvalidValue("to", "", "is missing; to move, say where it goes")
    standing = plate.status in ("open", "closed")
    if standing and scan.location and scan.location.upper() != plate.location.upper():
        raise InvalidValue("location", scan.location, f"is not where the plate is: {plate.location}", at=plate.location)
    effective_at = _effective(scan, recorded)
    moved = await plates.move(
        db, actor, plate.plate_id, MovePlate(to=scan.to, effective_at=effective_at), key=f"scan-{recorded.id}",
        reference=("scan", str(recorded.id)),
    )  # fmt: skip
    posting_id = moved.answer.posting_id
    if posting_id is None:  # a plate without goods moves without a posting
        return Acted(Decimal(1), None)
    rows = 2 * len({(one.variant_id, one.lot_id, one.serial_id) for one in moved.answer.goods})
    return Acted(Decimal(1), Posted(posting_id=posting_id, effective_at=effective_at, rows=rows))


def _line(scan: Scan, understood: Understood, item: ScannedItem) -> dict[str, Any]:
    """What all lines share: the item, and the lot and serial where it is tracked so. The label speaks first."""
    line: dict[str, Any] = {"variant_id": item.variant_id}
    lot, serial = understood.reading.lot or scan.lot, understood.reading.serial or scan.serial
    if item.tracking != "none" and lot:
        line["lot"] = lot
    if item.tracking == "serial" and serial:
        line["serials"] = [serial]
    return line


def _effective(scan: Scan, recorded: Recorded) -> Any:
    scanned_at = None if scan.scanned_at is None else bounded(scan.scanned_at, "scanned_at")
    return rules.effective_at(scanned_at, recorded.recorded_at)
