"""Deliveries begin and end: a receipt is opened for what stands at the dock, and closed when all of it is in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from perpetua.access.service import audit
from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Tx, array
from perpetua.kit.errors import Conflict, InvalidValue, Missing
from perpetua.kit.http import LARGEST_ID
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.quantity import exact_quantity
from perpetua.partners import service as partners
from perpetua.places import service as places
from perpetua.places.types import SITE_KINDS, LocationRef
from perpetua.purchasing import service as purchasing
from perpetua.receiving import store
from perpetua.receiving.errors import ReceiptClosed
from perpetua.receiving.service.reading import receipt
from perpetua.receiving.service.taking import held, take
from perpetua.receiving.types import (
    MAX_LINES,
    CloseReceipt,
    ExpectLine,
    Locked,
    OpenReceipt,
    Receipt,
    ReceiveOrder,
    TakeIn,
    TakeLine,
    number_of,
)

__all__ = ["close_receipt", "open_receipt", "order_ids", "receive_order"]

TAKEN = ("SUBMITTED", "CONFIRMED", "PARTIAL_RECEIVED", "RECEIVED")
"""Orders that goods may come for: also one of which all came, for what comes too much."""


async def open_receipt(
    db: Database, actor: Actor, command: OpenReceipt, *, key: str | None = None
) -> Answered[Receipt]:
    """A delivery is at the dock.

    Raises:
        InvalidValue: no such place, order, supplier or item; orders of another site or of several suppliers.
        Conflict: an order that nothing can come for. OutOfScope, InactivePlace: the place.
    """
    actor.require("stock.receive")

    async def act(tx: Tx) -> Receipt:
        receipt_id = await _open(tx, actor, command)
        return await receipt(tx, actor, receipt_id)

    return await once(
        db, sender=actor.person_id, key=key, command="receipts.open", body=command, answer=Receipt, act=act
    )


async def close_receipt(
    db: Database, actor: Actor, receipt_id: int, command: CloseReceipt, *, key: str | None = None,
    clock: Clock = system_clock,
) -> Answered[Receipt]:  # fmt: skip
    """All of a delivery is in; what was expected and did not come is written down as short.

    Raises:
        Missing: there is no such receipt. ReceiptClosed: it is closed.
    """
    actor.require("stock.receive")

    async def act(tx: Tx) -> Receipt:
        of = await held(tx, actor, receipt_id)
        await purchasing.lock_orders(tx, of.po_ids)
        await _close(tx, actor, of, command.note, clock())
        return await receipt(tx, actor, receipt_id)

    body = [receipt_id, command]
    return await once(db, sender=actor.person_id, key=key, command="receipts.close", body=body, answer=Receipt, act=act)


async def receive_order(
    db: Database, actor: Actor, po_id: int, command: ReceiveOrder, *, key: str | None = None,
    clock: Clock = system_clock,
) -> Answered[Receipt]:  # fmt: skip
    """A purchase order came, in one go: a receipt is opened, these lines (or all that is open) come in, it is closed.

    Raises:
        Missing: there is no such order.
        InvalidValue: nothing is said of lots or serials that the items are tracked by.
        As `open_receipt` and `take_in`.
    """
    actor.require("stock.receive")

    async def act(tx: Tx) -> Receipt:
        if not 0 < po_id <= LARGEST_ID or po_id not in await purchasing.lock_orders(tx, [po_id]):
            raise Missing("purchase order", po_id)
        opened = OpenReceipt(
            location=command.location, orders=[str(po_id)], reference=command.reference, carrier=command.carrier,
            note=command.note,
        )  # fmt: skip
        receipt_id = await _open(tx, actor, opened)
        lines = command.lines if command.lines is not None else await _all_open(tx, po_id)
        of = await held(tx, actor, receipt_id)
        took = TakeIn(lines=lines, effective_at=command.effective_at, accept=command.accept)
        await take(tx, actor, of, took, clock(), key=key)
        await _close(tx, actor, of, None, clock())
        return await receipt(tx, actor, receipt_id)

    body = [po_id, command]
    return await once(db, sender=actor.person_id, key=key, command="receipts.order", body=body, answer=Receipt, act=act)


async def order_ids(tx: Tx, names: Sequence[str], field: str = "orders") -> dict[str, dict[str, Any]]:
    """Purchase orders by what they are called (PO-000123, or 123), in capitals.

    Raises:
        InvalidValue: there is no such order.
    """
    ids: dict[str, int] = {}
    for at, name in enumerate(names):
        digits = name.upper().removeprefix("PO-")
        if not (digits.isascii() and digits.isdigit()) or int(digits) > LARGEST_ID:
            raise InvalidValue(f"{field}[{at}]", name, "is no purchase order; write it like PO-000123")
        ids[name.upper()] = int(digits)
    params = {"names": list(ids), "ids": list(ids.values())}
    found = {row["name"]: row for row in await tx.dicts(store.Q["orders_named"], params)} if ids else {}
    for at, name in enumerate(names):
        if name.upper() not in found:
            raise InvalidValue(f"{field}[{at}]", name, "is no purchase order")
    return found


async def _open(tx: Tx, actor: Actor, command: OpenReceipt) -> int:
    place = (await places.require(tx, actor, [command.location]))[command.location]
    dock = await _dock(tx, place)
    orders = await order_ids(tx, command.orders)
    supplier_id = await _supplier(tx, command, list(orders.values()))
    for at, name in enumerate(command.orders):
        order = orders[name.upper()]
        if order["site_id"] != place.site_id:
            raise InvalidValue(f"orders[{at}]", name, "is to come to another site")
        if order["status"] not in TAKEN:
            raise Conflict(reason=f"{name} is {order['status']}: nothing can come for it.", order=name)
    announced = await _announced(tx, command.expected)
    params = {
        "site_id": place.site_id, "location_id": dock, "supplier_id": supplier_id, "reference": command.reference,
        "carrier": command.carrier, "note": command.note, "created_by": actor.person_id,
        "po_ids": sorted({order["id"] for order in orders.values()}),
        "variant_ids": array([variant for variant, _ in announced]),
        "quantities": array([line.quantity for _, line in announced]),
        "plates": array([line.plate for _, line in announced]), "lots": array([line.lot for _, line in announced]),
        "expires": array([line.expires_on and line.expires_on.isoformat() for _, line in announced]),
    }  # fmt: skip
    receipt_id: int = await tx.value(store.Q["open"], params)
    await audit(tx, actor, "receipt", receipt_id, "opened", None, command)
    return receipt_id


async def _dock(tx: Tx, place: LocationRef) -> int:
    """Where goods are put at first: the place itself, or of a site its first dock."""
    if place.kind == "transit":
        raise InvalidValue("location", place.code, "is for goods on their way between sites")
    if place.kind not in SITE_KINDS:
        return place.id
    found: int | None = await tx.value(store.Q["first_dock"], {"site_id": place.id})
    return found or place.id


async def _supplier(tx: Tx, command: OpenReceipt, orders: Sequence[dict[str, Any]]) -> int | None:
    suppliers = {order["supplier_id"] for order in orders}
    if len(suppliers) > 1:
        raise InvalidValue("orders", ", ".join(command.orders), "are of several suppliers; open a receipt for each")
    if command.supplier is None:
        return next(iter(suppliers), None)
    named = (await partners.by_codes(tx, [command.supplier])).get(command.supplier.upper())
    if named is None:
        raise InvalidValue("supplier", command.supplier, "is no supplier")
    if suppliers and named.id not in suppliers:
        raise InvalidValue("supplier", command.supplier, "is not the supplier of these orders")
    return named.id


async def _announced(tx: Tx, lines: Sequence[ExpectLine] | None) -> list[tuple[int, ExpectLine]]:
    if not lines:
        return []
    if len(lines) > MAX_LINES:
        raise InvalidValue("expected", str(len(lines)), f"has more than {MAX_LINES} lines")
    found = await items.resolve_skus(tx, [line.sku for line in lines])
    announced: list[tuple[int, ExpectLine]] = []
    for at, line in enumerate(lines):
        variant = found.get(line.sku.upper())
        if variant is None:
            raise InvalidValue(f"expected[{at}].sku", line.sku, "is no item")
        field = f"expected[{at}].quantity"
        if exact_quantity(line.quantity, field, places=variant.decimals) <= 0:
            raise InvalidValue(field, str(line.quantity), "must be more than 0")
        announced.append((variant.id, line))
    return announced


async def _all_open(tx: Tx, po_id: int) -> list[TakeLine]:
    order = (await purchasing.lock_orders(tx, [po_id]))[po_id]
    due = [line for line in order.lines if line.on_order > 0]
    if tracked := [line.sku for line in due if line.tracking != "none"]:
        reason = "name the lines: these are tracked by lot or serial, which must be told"
        raise InvalidValue("lines", ", ".join(tracked[:20]), reason, tracked=tracked[:100])
    if not due:
        raise Conflict(reason=f"Nothing of {order.number} is open.", order=order.number)
    return [TakeLine(variant_id=line.variant_id, quantity=line.on_order) for line in due]


async def _close(tx: Tx, actor: Actor, of: Locked, note: str | None, now: datetime) -> None:
    if of.status != "OPEN":
        raise ReceiptClosed(receipt=number_of(of.id))
    await tx.value(store.Q["close"], {"id": of.id, "actor_id": actor.person_id, "at": now, "note": note})
    await audit(tx, actor, "receipt", of.id, "closed", {"status": "OPEN"}, {"status": "CLOSED", "note": note})
