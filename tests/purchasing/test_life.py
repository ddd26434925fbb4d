"""An order's life: drafted, approved by persons, submitted, received; what is on order, at every step."""

from datetime import date
from types import SimpleNamespace

import msgspec
import pytest
from tests.purchasing.helpers import MONDAY, D, drafted, on_order, ordered, sound, took_in

from perpetua.access.types import SYSTEM
from perpetua.allocation import service as allocation
from perpetua.kit.database import Database, count_statements, sql
from perpetua.kit.errors import Missing, NotAllowed, Stale
from perpetua.purchasing import service
from perpetua.purchasing.errors import (
    ApprovalNeeded,
    ApprovedAlready,
    NeedsPerson,
    NoPrice,
    NotOrdered,
    OffPack,
    OrderState,
    UnknownItems,
)
from perpetua.purchasing.types import (
    AddLine,
    ApproveOrder,
    Came,
    CancelOrder,
    ChangeLine,
    ChangeOrder,
    ConfirmOrder,
    CreateOrder,
    SubmitOrder,
)


async def test_an_order_goes_from_draft_to_received(db: Database, world: SimpleNamespace) -> None:
    draft = await drafted(db, world.actor(), ("APPLE", 100), ("PEAR", 4))
    assert (draft.status, draft.number, draft.approved, draft.total) == ("DRAFT", f"PO-{draft.id:06d}", False, D(22))
    assert [(line.unit_price, line.supplier_sku, line.stated_lead_time_days) for line in draft.lines] == [
        (D("0.2"), "S-APPLE", 7), (D("0.5"), "S-PEAR", 3),
    ]  # fmt: skip
    assert await on_order(db, world, "APPLE") == 0
    with pytest.raises(ApprovalNeeded) as refused:
        await service.submit(db, world.actor(), draft.id, SubmitOrder())
    assert (refused.value.needed, refused.value.given) == (1, 0)
    approved = (await service.approve(db, world.actor(), draft.id, ApproveOrder(note="go"))).answer
    assert (approved.approved, approved.approvals[0].total, approved.version) == (True, D(22), draft.version)
    with pytest.raises(ApprovedAlready):
        await service.approve(db, world.actor(), draft.id, ApproveOrder())
    sent = (await service.submit(db, world.actor(), draft.id, SubmitOrder(), clock=lambda: MONDAY)).answer
    assert (sent.status, sent.submitted_at) == ("SUBMITTED", MONDAY)
    assert [line.expected_on for line in sent.lines] == [date(2026, 3, 9), date(2026, 3, 5)]
    assert (await on_order(db, world, "APPLE"), await on_order(db, world, "PEAR")) == (100, 4)
    await took_in(db, sent, APPLE=40)
    assert (await service.get(db, world.actor(), draft.id)).status == "PARTIAL_RECEIVED"
    assert await on_order(db, world, "APPLE") == 60
    await took_in(db, sent, APPLE=65, PEAR=4)
    done = await service.get(db, world.actor(), draft.id)
    assert (done.status, done.lines[0].received, done.lines[0].on_order) == ("RECEIVED", 105, 0)
    assert await on_order(db, world, "APPLE") == 0
    await took_in(db, sent, APPLE=-65)
    assert (await service.get(db, world.actor(), draft.id)).status == "PARTIAL_RECEIVED"
    assert await on_order(db, world, "APPLE") == 60
    await took_in(db, sent, APPLE=-40, PEAR=-4)
    assert (await service.get(db, world.actor(), draft.id)).status == "SUBMITTED"
    await sound(db)


async def test_only_persons_approve(db: Database, world: SimpleNamespace) -> None:
    draft = await drafted(db, world.actor(), ("PEAR", 1))
    person = world.actor()
    for program in (
        SYSTEM,
        msgspec.structs.replace(SYSTEM, via="cli"),
        msgspec.structs.replace(person, via="token", token_id=1),
        msgspec.structs.replace(person, via="jwt", token_id=1),
    ):
        with pytest.raises(NeedsPerson):
            await service.approve(db, program, draft.id, ApproveOrder())
    with pytest.raises(NotAllowed):
        await service.approve(db, world.actor("warehouse_staff"), draft.id, ApproveOrder())
    with pytest.raises(Stale):
        await service.approve(db, person, draft.id, ApproveOrder(), version=9)
    await service.approve(db, msgspec.structs.replace(person, via="jwt", session_id=1), draft.id, ApproveOrder())


async def test_what_comes_is_refused_where_nothing_was_ordered(db: Database, world: SimpleNamespace) -> None:
    draft = await drafted(db, world.actor(), ("PEAR", 1))
    with pytest.raises(NotOrdered):
        await took_in(db, draft, PEAR=1)
    order = await ordered(db, world, ("PEAR", 2))
    await took_in(db, order, PEAR=1)
    with pytest.raises(NotOrdered) as refused:
        await took_in(db, order, PEAR=-2)
    assert refused.value.lines == [order.lines[0].id]
    with pytest.raises(OrderState):
        await service.approve(db, world.actor(), order.id, ApproveOrder())
    await sound(db)


async def test_who_receives_is_told_of_every_line(db: Database, world: SimpleNamespace) -> None:
    order = await ordered(db, world, ("APPLE", 100), ("PHONE", 2))
    async with db.transaction() as tx:
        with count_statements() as seen:
            found = (await service.lock_orders(tx, [order.id, 10**9]))[order.id]
            await service.take_in(tx, [Came(line.id, D(1), MONDAY) for line in found.lines] * 3)
    assert len(seen) == 4
    apple, phone = found.lines
    assert (apple.most, apple.unit_cost, apple.tracking, apple.on_order) == (D(100), D("0.2"), "none", D(100))
    assert (phone.tracking, phone.decimals, found.status) == ("serial", 0, "SUBMITTED")
    again = await service.get(db, world.actor(), order.id)
    assert [line.received for line in again.lines] == [3, 3]


async def test_minimum_packs_prices_and_names_are_checked(db: Database, world: SimpleNamespace) -> None:
    buyer = world.actor("purchasing_staff")
    for quantity, nearest in ((5, 10), (12, 15)):
        with pytest.raises(OffPack) as off:
            await drafted(db, buyer, ("APPLE", quantity))
        assert (off.value.nearest, off.value.min_order_qty, off.value.pack_multiple) == (nearest, 10, 5)
    kept = await drafted(db, buyer, ("APPLE", 5), allow_off_pack=True)
    assert kept.lines[0].ordered == 5
    with pytest.raises(NoPrice):
        await drafted(db, buyer, ("FLOUR", 1))
    with pytest.raises(UnknownItems) as unknown:
        await drafted(db, buyer, ("PEAR", 1), ("NONE", 1))
    assert unknown.value.unknown[0]["line"] == 2
    with pytest.raises(NotAllowed):
        await drafted(db, world.actor("viewer"), ("PEAR", 1))
    blind = msgspec.structs.replace(buyer, permissions=buyer.permissions - {"supplier_prices.read"})
    line = AddLine(sku="PEAR", quantity=D(1), unit_price=D(1))
    with pytest.raises(NotAllowed):
        await service.create(db, blind, CreateOrder(supplier="ORCHARD", site="LON", lines=[line]))
    hidden = await drafted(db, blind, ("PEAR", 1))
    assert (hidden.total, hidden.lines[0].unit_price) == (msgspec.UNSET, msgspec.UNSET)
    with pytest.raises(Missing):
        await service.get(db, world.actor(scope=[world.places["SHOP"]]), hidden.id)
    assert (await service.get(db, world.actor(scope=[world.places["LON-A"]]), hidden.id)).id == hidden.id


async def test_the_statements_do_not_grow_with_the_lines(db: Database, world: SimpleNamespace) -> None:
    counts: list[list[int]] = []
    for lines in (1, 3000):
        with count_statements() as creating:
            draft = await drafted(db, world.actor(), *[("PEAR", 1), ("APPLE", 10)] * lines)
        await service.approve(db, world.actor(), draft.id, ApproveOrder())
        with count_statements() as submitting:
            await service.submit(db, world.actor(), draft.id, SubmitOrder())
        counts.append([len(creating), len(submitting)])
    assert counts[0] == counts[1], counts
    await sound(db)


async def test_nor_do_those_of_its_later_life(db: Database, world: SimpleNamespace) -> None:
    counts: list[list[int]] = []
    for lines in (1, 800):
        order = await ordered(db, world, *[("PEAR", 4), ("MILK", 3)] * lines)
        with count_statements() as confirming:
            await service.confirm(db, world.actor(), order.id, ConfirmOrder(promised_on=MONDAY.date()))
        now = await service.get(db, world.actor(), order.id)
        less = ChangeOrder(lines=[ChangeLine(line_no=line.line_no, quantity=D(2)) for line in now.lines])
        with count_statements() as changing:
            await service.change(db, world.actor(), order.id, less, version=now.version)
        with count_statements() as cancelling:
            await service.cancel(db, world.actor(), order.id, CancelOrder(reason="x"))
        counts.append([len(confirming), len(changing), len(cancelling)])
    assert counts[0] == counts[1], counts


async def test_the_check_finds_what_is_wrong(db: Database, world: SimpleNamespace) -> None:
    order = await ordered(db, world, ("MILK", 9))
    assert (await allocation.check(db, world.actor(), keep=False)).passed
    async with db.admin() as tx:
        await tx.execute(sql("UPDATE inventory_positions SET on_order = on_order + 1 WHERE on_order > 0"))
        await tx.execute(sql("UPDATE purchase_orders SET status = 'CANCELLED' WHERE id = %(id)s"), {"id": order.id})
    done = await allocation.check(db, world.actor(), keep=False)
    assert {one.name for one in done.findings if one.wrong} >= {"on_order", "po_statuses"}
