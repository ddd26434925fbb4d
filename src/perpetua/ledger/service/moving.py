"""Transfers: in one step, or in two through the destination's in-transit location."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from perpetua.access.types import Actor
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Conflict, InvalidValue, Missing
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.kit.quantity import ZERO, exact_quantity
from perpetua.ledger import rules, store
from perpetua.ledger.errors import InTransit, TransferClosed
from perpetua.ledger.service.posting import post
from perpetua.ledger.service.resolving import Resolved, common_line, effective, resolve
from perpetua.ledger.types import (
    Posted,
    PostingDraft,
    ReceiveTransfer,
    Row,
    Transfer,
    TransferDocument,
    TransferLineState,
    TransferReceiptLine,
)
from perpetua.places import service as places

__all__ = ["cancel_transfer", "get_transfer", "list_transfers", "receive_transfer", "transfer"]


async def transfer(
    db: Database, actor: Actor, command: Transfer, *, key: str | None = None, clock: Clock = system_clock
) -> Answered[Posted]:
    """Stock moves: each line one TRANSFER_OUT and one TRANSFER_IN.

    In two steps all lines share one origin and one destination, and the answer names the transfer to be received.
    """
    actor.require("stock.transfer")

    async def act(tx: Tx) -> Posted:
        lines = [
            common_line(
                i, line, None, location=line.from_location or command.from_location,
                to_location=_destination(i, line.to_location or command.to_location),
            )
            for i, line in enumerate(command.lines, 1)
        ]  # fmt: skip
        resolved = await resolve(tx, actor, lines, places_in=False)
        for one in resolved:
            assert one.to_location is not None
            if one.location.id == one.to_location.id:
                raise InvalidValue(one.line.field("to_location"), one.to_location.code, "is where it already is")
        draft = PostingDraft(
            command="transfer", effective_at=effective(command.effective_at, clock()), rows=[], note=command.note,
            reference_type=command.reference_type, reference_id=command.reference_id,
        )  # fmt: skip
        if command.two_step:
            return await _send(tx, actor, command, resolved, draft, key)
        rows: list[Row] = []
        for one in resolved:
            assert one.to_location is not None
            for out in _outgoing(one):
                rows += rules.pair(out, one.to_location.id)
        return await post(tx, actor, msgspec.structs.replace(draft, rows=rows), key=key)

    return await once(db, sender=actor.person_id, key=key, command="transfer", body=command, answer=Posted, act=act)


async def _send(
    tx: Tx, actor: Actor, command: Transfer, resolved: Sequence[Resolved], draft: PostingDraft, key: str | None
) -> Posted:
    ends = {(one.location.id, one.to_location.id if one.to_location else 0) for one in resolved}
    if len(ends) != 1:
        raise InvalidValue(
            "lines", str(len(resolved)), "a two-step transfer has one origin and one destination; send one for each"
        )
    first = resolved[0]
    assert first.to_location is not None
    transit_id = await tx.value(store.Q["transit_of"], {"site_id": first.to_location.site_id})
    if transit_id is None:
        raise Conflict(reason=f"{first.to_location.code} has no active in-transit location", remedy="create one there")
    outs = [out for one in resolved for out in _outgoing(one)]
    # A document's line for each row, so that serials are received one by one.
    outs = [msgspec.structs.replace(out, line_no=number) for number, out in enumerate(outs, 1)]
    head = {
        "from_location_id": first.location.id, "to_location_id": first.to_location.id, "transit_id": transit_id,
        "expected_at": command.expected_at, "note": command.note, "created_by": actor.person_id,
        "line_nos": [o.line_no for o in outs], "variant_ids": [o.variant_id for o in outs],
        "lot_ids": [o.lot_id for o in outs], "serial_ids": [o.serial_id for o in outs],
        "quantities": [-o.quantity for o in outs], "unit_costs": [o.unit_cost for o in outs],
    }  # fmt: skip
    transfer_id = await tx.value(store.Q["make_transfer"], head)
    rows = [row for out in outs for row in rules.pair(out, transit_id)]
    named = msgspec.structs.replace(
        draft, rows=rows, command="transfer_send", reference_type="transfer", reference_id=str(transfer_id)
    )
    posted = await post(tx, actor, named, key=key)
    return msgspec.structs.replace(posted, transfer_id=transfer_id)


async def receive_transfer(
    db: Database, actor: Actor, transfer_id: int, command: ReceiveTransfer, *, key: str | None = None,
    clock: Clock = system_clock,
) -> Answered[Posted]:  # fmt: skip
    """The second step: what came goes to its place, what is lost is written off; the rest stays in transit."""
    actor.require("stock.transfer")

    async def act(tx: Tx) -> Posted:
        document = await _open(tx, actor, transfer_id)
        target = document.to_location_id
        if command.location:
            found = await places.by_codes(tx, [command.location])
            place = found.get(command.location)
            if place is None:
                raise Missing("location", command.location)
            actor.require_place(place.path, place.code)
            if place.kind == "transit":
                raise InTransit(location=place.code)
            target = place.id
        done = _whole(document) if command.lines is None else command.lines
        _check_receipt(document, done)
        return await _settle(tx, actor, document, done, target, key, command, clock, returning=False)

    body = [transfer_id, command]
    return await once(
        db, sender=actor.person_id, key=key, command="receive_transfer", body=body, answer=Posted, act=act
    )


async def cancel_transfer(
    db: Database, actor: Actor, transfer_id: int, *, key: str | None = None, clock: Clock = system_clock
) -> Answered[Posted]:
    """What is still in transit goes back to where it came from."""
    actor.require("stock.transfer")

    async def act(tx: Tx) -> Posted:
        document = await _open(tx, actor, transfer_id)
        back = ReceiveTransfer(note="cancelled")
        return await _settle(
            tx, actor, document, _whole(document), document.from_location_id, key, back, clock, returning=True
        )

    return await once(
        db, sender=actor.person_id, key=key, command="cancel_transfer", body=transfer_id, answer=Posted, act=act
    )


async def get_transfer(db: Database, actor: Actor, transfer_id: int) -> TransferDocument:
    """A two-step transfer with its lines."""
    actor.require("stock.read")
    async with db.transaction() as tx:
        return await _document(tx, actor, transfer_id)


async def list_transfers(
    db: Database, actor: Actor, page: PageRequest, *, status: str | None = None
) -> Page[TransferDocument]:
    """Two-step transfers, newest first, without their lines."""
    actor.require("stock.read")
    after = page.after(int)
    params = {"scope": actor.scope_ids, "status": status, "after": after[0] if after else None, "limit": page.limit + 1}
    async with db.transaction() as tx:
        found = await tx.rows(store.Q["transfers"], params, as_=TransferDocument)
    return page_of(found, page, lambda document: [document.id])


async def _settle(
    tx: Tx, actor: Actor, document: TransferDocument, done: Sequence[TransferReceiptLine], target: int, key: str | None,
    command: ReceiveTransfer, clock: Clock, *, returning: bool,
) -> Posted:  # fmt: skip
    by_no = {line.line_no: line for line in document.lines}
    rows: list[Row] = []
    for receipt in done:
        line = by_no[receipt.line_no]
        row = Row(
            line_no=line.line_no, type="TRANSFER_OUT", variant_id=line.variant_id, lot_id=line.lot_id,
            serial_id=line.serial_id, location_id=document.transit_id, quantity=receipt.received,
        )  # fmt: skip
        if receipt.received:
            rows += rules.pair(row, target)
        if receipt.lost:
            rows.append(msgspec.structs.replace(row, type="WRITE_OFF", quantity=-receipt.lost, reason_code="lost"))
    draft = PostingDraft(
        command="transfer_cancel" if returning else "transfer_receive",
        effective_at=effective(command.effective_at, clock()),
        rows=rows, reference_type="transfer", reference_id=str(document.id), note=command.note,
    )  # fmt: skip
    posted = await post(tx, actor, draft, key=key)
    advanced: dict[str, Any] = {
        "transfer_id": document.id, "line_nos": [n.line_no for n in done], "lost": [n.lost for n in done],
        "received": [ZERO if returning else n.received for n in done],
        "returned": [n.received if returning else ZERO for n in done],
        "status": _status(document, done, returning=returning),
    }  # fmt: skip
    await tx.execute(store.Q["advance_transfer"], advanced)
    return msgspec.structs.replace(posted, transfer_id=document.id)


def _status(document: TransferDocument, done: Sequence[TransferReceiptLine], *, returning: bool) -> str:
    if returning:
        return "CANCELLED"
    settled = {n.line_no: n.received + n.lost for n in done}
    if any(line.open > settled.get(line.line_no, ZERO) for line in document.lines):
        return "IN_TRANSIT"
    lost = any(n.lost for n in done) or any(line.lost for line in document.lines)
    return "CLOSED_SHORT" if lost else "RECEIVED"


def _check_receipt(document: TransferDocument, done: Sequence[TransferReceiptLine]) -> None:
    by_no = {line.line_no: line for line in document.lines}
    seen: set[int] = set()
    for i, receipt in enumerate(done):
        line = by_no.get(receipt.line_no)
        if line is None or receipt.line_no in seen:
            what = "comes twice" if line else "is no line of this transfer"
            raise InvalidValue(f"lines[{i}].line_no", str(receipt.line_no), what)
        seen.add(receipt.line_no)
        for name, quantity in (("received", receipt.received), ("lost", receipt.lost)):
            exact_quantity(quantity, f"lines[{i}].{name}")
            if quantity < 0:
                raise InvalidValue(f"lines[{i}].{name}", str(quantity), "must not be negative")
        if receipt.received + receipt.lost > line.open:
            raise InvalidValue(
                f"lines[{i}].received", str(receipt.received + receipt.lost),
                f"is more than the {line.open} of {line.sku} still on the way; receive the surplus separately",
                open=line.open, sent=line.sent,
            )  # fmt: skip
    if not any(receipt.received or receipt.lost for receipt in done):
        raise InvalidValue("lines", str(len(done)), "nothing is received and nothing lost")


def _whole(document: TransferDocument) -> list[TransferReceiptLine]:
    return [TransferReceiptLine(line_no=line.line_no, received=line.open) for line in document.lines if line.open]


async def _open(tx: Tx, actor: Actor, transfer_id: int) -> TransferDocument:
    status = await tx.value(store.Q["lock_transfer"], {"transfer_id": transfer_id})
    if status is None:
        raise Missing("transfer", transfer_id)
    document = await _document(tx, actor, transfer_id)
    for place in (await places.by_ids(tx, [document.to_location_id])).values():
        actor.require_place(place.path, place.code)
    if status != "IN_TRANSIT":
        raise TransferClosed(transfer_id=transfer_id, status=status)
    return document


async def _document(tx: Tx, actor: Actor, transfer_id: int) -> TransferDocument:
    params = {"transfer_id": transfer_id, "scope": actor.scope_ids}
    head = await tx.maybe(store.Q["transfer_head"], params, as_=TransferDocument)
    if head is None:
        raise Missing("transfer", transfer_id)
    lines = await tx.rows(store.Q["transfer_lines"], params, as_=TransferLineState)
    return msgspec.structs.replace(head, lines=lines)


def _outgoing(one: Resolved) -> list[Row]:
    assert one.quantity is not None
    if one.quantity <= 0:
        raise InvalidValue(one.line.field("quantity"), str(one.quantity), "must be more than 0")
    row = Row(
        line_no=one.line.number, type="TRANSFER_OUT", variant_id=one.variant.id, location_id=one.location.id,
        lot_id=one.lot_id, quantity=Decimal(-one.quantity),
    )  # fmt: skip
    return rules.expand(row, one.serial_ids, sku=one.variant.sku, serialised=one.variant.tracking == "serial")


def _destination(number: int, code: str | None) -> str:
    if not code:
        raise InvalidValue(f"lines[{number - 1}].to_location", "", "is missing; give it here or once for all lines")
    return code
