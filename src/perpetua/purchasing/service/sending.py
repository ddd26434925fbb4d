"""An order goes to its supplier by e-mail, with its PDF; and what became of that.

Always true:
- What is to be sent is queued in the transaction that says so, and sent by a job; no request waits for a mail server.
- Where there is no mail server, or no address, the order says so, and nothing fails.
- What was sent is not sent again, unless the worker was killed before it could write that down, or somebody asks.
"""

from typing import Any, Final

import structlog

from perpetua.access.service import audit
from perpetua.access.types import SYSTEM, Actor
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Refusal
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.jobs import defer
from perpetua.kit.mail import Attachment, Office
from perpetua.partners import service as partners
from perpetua.purchasing import store
from perpetua.purchasing.errors import NothingToSend
from perpetua.purchasing.service.papers import data_of, printed
from perpetua.purchasing.service.reading import locked, seen, shown
from perpetua.purchasing.types import Order

__all__ = ["TASK", "deliver", "queue", "send"]

TASK: Final = "purchasing:send"
TEXT: Final = """Dear {supplier},

please find our purchase order {number} attached. Kindly confirm quantities and the day of delivery.

{company}
"""

log = structlog.get_logger("perpetua.purchasing")


async def send(db: Database, actor: Actor, po_id: int, *, key: str | None = None) -> Answered[Order]:
    """Send an order to its supplier, again if it was sent before.

    Raises:
        Missing, OutOfScope
        NothingToSend: it was not submitted, or was cancelled.
    """
    actor.require("purchasing.write")

    async def act(tx: Tx) -> Order:
        order = await locked(tx, actor, po_id)
        if order.status in {"DRAFT", "CANCELLED"}:
            raise NothingToSend(number=order.number, po_status=order.status)
        await queue(tx, actor, order)
        return await seen(tx, actor, po_id)

    sent: dict[str, Any] = {"command": "purchasing.send", "body": [po_id]}
    done = await once(db, sender=actor.person_id, key=key, **sent, answer=Order, act=act)
    return Answered(shown(actor, done.answer), done.replayed)


async def queue(tx: Tx, actor: Actor, order: Order) -> None:
    """Have an order sent once this transaction is committed; where there is no address, say so."""
    supplier = (await partners.by_ids(tx, [order.supplier_id]))[order.supplier_id]
    to, reason = supplier.order_email, None if supplier.order_email else f"{supplier.code} has no address for orders"
    state = "not_sent" if reason else "queued"
    said = {"po_id": order.id, "to": to, "state": state, "reason": reason, "by": actor.person_id}
    send_id: int = await tx.value(store.Q["queue_send"], said)
    if not reason:
        await defer(tx, TASK, send_id=send_id)
    after = {"to": to, "state": state, "reason": reason}
    await audit(tx, actor, "purchase_order", order.id, "sending", None, after, path=[order.site_id])


async def deliver(db: Database, send_id: int, office: Office) -> None:
    """Send what was queued. Raises OSError: no mail server took it, which is written down; it may be tried again."""
    async with db.snapshot() as tx:
        rows = await tx.dicts(store.Q["to_send"], {"id": send_id})
        if not rows or rows[0]["state"] in {"sent", "not_sent"}:
            return None
        order = await seen(tx, SYSTEM, rows[0]["po_id"])
        data = await data_of(tx, order)
    if office.mailer is None:
        return await _ended(db, send_id, "not_sent", "no mail server")
    if order.status == "CANCELLED":
        return await _ended(db, send_id, "not_sent", "the order was cancelled")
    try:
        content = await printed(order, data, office.letterhead)
    except Refusal as refusal:
        return await _ended(db, send_id, "failed", refusal.detail[:300])
    file = Attachment(name=f"{order.number}.pdf", media_type="application/pdf", content=content)
    text = TEXT.format(supplier=order.supplier_name, number=order.number, company=office.letterhead.name)
    try:
        await office.mailer.send([rows[0]["to_address"]], f"Purchase order {order.number}", text, files=[file])
    except OSError as error:
        reason = "".join(letter for letter in str(error) if letter.isprintable())[:300]
        await _ended(db, send_id, "failed", reason or type(error).__name__)
        raise
    await _ended(db, send_id, "sent", None)
    log.info("purchase_order_sent", po_id=order.id, send_id=send_id)
    return None


async def _ended(db: Database, send_id: int, state: str, reason: str | None) -> None:
    said = {"id": send_id, "state": state, "reason": reason, "to": None}
    await db.run(lambda tx: tx.execute(store.Q["send_done"], said))
