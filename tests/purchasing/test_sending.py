"""Orders go to suppliers by e-mail, over a mail server that a test is; and what became of it stands in the order."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from tests.kit.test_mail import Inbox, free_port
from tests.purchasing.helpers import drafted, ordered

from perpetua.access.types import Actor
from perpetua.app.worker import worker_queue
from perpetua.kit import jobs, mail
from perpetua.kit.database import Database, sql
from perpetua.kit.mail import Office, SmtpMailer, Transport
from perpetua.kit.typeset import Letterhead
from perpetua.purchasing import service
from perpetua.purchasing.errors import NothingToSend
from perpetua.purchasing.types import ApproveOrder, CancelOrder, Order, Sending, SubmitOrder


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def office(inbox: Inbox) -> Iterator[Office]:
    server = Controller(inbox, hostname="127.0.0.1", port=free_port())
    server.start()
    where = Transport(security="smtp", host="127.0.0.1", port=server.port)
    yield Office(mailer=SmtpMailer(where, "buyers@shop.example"), letterhead=Letterhead(name="Shop Ltd"))
    server.stop()


async def work(db: Database, office: Office) -> None:
    """A worker does what is queued."""
    async with worker_queue(db).open_async() as queue:
        await queue.run_worker_async(
            wait=False, install_signal_handlers=False, listen_notify=False,
            additional_context=jobs.context_of(db) | mail.context_of(office),
        )  # fmt: skip


@contextlib.asynccontextmanager
async def working(db: Database, office: Office) -> AsyncIterator[None]:
    async with db.admin() as tx:
        await tx.execute(sql("DELETE FROM procrastinate_jobs"))
    yield
    await work(db, office)


async def sent_state(db: Database, actor: Actor, order: Order) -> Sending:
    found = (await service.get(db, actor, order.id)).sending
    assert found is not None
    return found


async def test_it_goes_out_when_it_is_submitted(
    db: Database, world: SimpleNamespace, office: Office, inbox: Inbox
) -> None:
    actor = world.actor()
    draft = await drafted(db, actor, ("PEAR", 4), note="Ring the bell #2")
    with pytest.raises(NothingToSend):
        await service.send(db, actor, draft.id)
    await service.approve(db, actor, draft.id, ApproveOrder())
    async with working(db, office):
        order = (await service.submit(db, actor, draft.id, SubmitOrder(send=True))).answer
        assert order.sending is not None
        assert (order.sending.state, order.sending.to) == ("queued", "orders@orchard.example")
        assert inbox.messages == []
    state = await sent_state(db, actor, order)
    assert (state.state, state.reason, state.requested_by) == ("sent", None, actor.person_id)
    assert state.ended_at is not None
    assert inbox.to == [["orders@orchard.example"]]
    message = inbox.messages[0]
    assert (message["From"], message["Subject"]) == ("buyers@shop.example", f"Purchase order {order.number}")
    body = message.get_body()
    assert body is not None
    assert order.number in body.get_content()
    assert "Shop Ltd" in body.get_content()
    (part,) = message.iter_attachments()
    assert (part.get_filename(), part.get_content_type()) == (f"{order.number}.pdf", "application/pdf")
    assert part.get_content().startswith(b"%PDF-")
    await service.deliver(db, state.id, office)
    assert len(inbox.messages) == 1  # what was sent is not sent again
    async with working(db, office):
        await service.send(db, actor, order.id)
    assert len(inbox.messages) == 2


async def test_without_a_server_or_an_address_it_says_so(db: Database, world: SimpleNamespace) -> None:
    actor = world.actor()
    order = await ordered(db, world, ("PEAR", 4))
    async with working(db, Office()):
        await service.send(db, actor, order.id)
    state = await sent_state(db, actor, order)
    assert (state.state, state.reason) == ("not_sent", "no mail server")
    async with db.admin() as tx:
        await tx.execute(sql("UPDATE suppliers SET order_email = NULL WHERE code = 'ORCHARD'"))
    await service.send(db, actor, order.id)
    state = await sent_state(db, actor, order)
    assert (state.state, state.reason) == ("not_sent", "ORCHARD has no address for orders")
    async with db.admin() as tx:
        await tx.execute(sql("UPDATE suppliers SET order_email = 'orders@orchard.example' WHERE code = 'ORCHARD'"))


async def test_a_server_that_is_away_is_written_down(db: Database, world: SimpleNamespace, office: Office) -> None:
    actor = world.actor()
    order = await ordered(db, world, ("PEAR", 4))
    nowhere = Transport(security="smtp", host="127.0.0.1", port=free_port())
    async with working(db, Office(mailer=SmtpMailer(nowhere, "a@b.example"))):
        await service.send(db, actor, order.id)
    state = await sent_state(db, actor, order)
    assert state.state == "failed"
    assert state.reason is not None
    assert "refused" in state.reason.lower()
    async with db.transaction() as tx:
        waits = await tx.value(sql("SELECT status::text FROM procrastinate_jobs WHERE task_name = 'purchasing:send'"))
    assert waits == "todo"
    await service.deliver(db, state.id, office)
    assert (await sent_state(db, actor, order)).state == "sent"


async def test_a_cancelled_order_is_not_sent(
    db: Database, world: SimpleNamespace, office: Office, inbox: Inbox
) -> None:
    order = await ordered(db, world, ("PEAR", 4))
    async with working(db, office):
        await service.send(db, world.actor(), order.id)
        await service.cancel(db, world.actor(), order.id, CancelOrder(reason="no"))
    assert (await sent_state(db, world.actor(), order)).state == "not_sent"
    assert inbox.messages == []
    with pytest.raises(NothingToSend):
        await service.send(db, world.actor(), order.id)


async def test_its_paper_has_prices_for_those_who_see_them(
    db: Database, world: SimpleNamespace, callers: dict[str, httpx.AsyncClient]
) -> None:
    order = await ordered(db, world, ("PEAR", 4), ("APPLE", 100))
    papers: dict[str, Any] = {}
    for role in ("inventory_manager", "viewer"):
        answer = await callers[role].get(f"/api/purchase-orders/{order.id}/document")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf")
        assert f'filename="{order.number}.pdf"' in answer.headers["Content-Disposition"]
        papers[role] = answer.content
    assert papers["inventory_manager"] != papers["viewer"]
    again = await callers["viewer"].get(f"/api/purchase-orders/{order.id}/document")
    assert again.content == papers["viewer"]
    assert (await callers["viewer"].post(f"/api/purchase-orders/{order.id}/send")).status_code == 403
    sent = await callers["inventory_manager"].post(f"/api/purchase-orders/{order.id}/send")
    assert (sent.status_code, sent.json()["sending"]["state"]) == (200, "queued")
