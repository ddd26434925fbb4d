"""Changing, confirming, cancelling: what was approved counts, and the order stays as it was in its versions."""

from datetime import date
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from tests.purchasing.helpers import D, drafted, on_order, ordered, sound, took_in

from perpetua.access import service as access
from perpetua.access.types import AuditFilters
from perpetua.kit import json
from perpetua.kit.database import Database
from perpetua.kit.errors import InvalidValue, NotAllowed, Stale
from perpetua.kit.listing import PageRequest
from perpetua.purchasing import service
from perpetua.purchasing.errors import (
    AboveOpen,
    ApprovalNeeded,
    BelowReceived,
    ChangeWaits,
    CurrencyFixed,
    NothingWaits,
    OffPack,
    OrderState,
    UnknownLine,
)
from perpetua.purchasing.types import (
    AddLine,
    ApproveOrder,
    CancelLine,
    CancelOrder,
    ChangeLine,
    ChangeOrder,
    CloseShort,
    ConfirmLine,
    ConfirmOrder,
    Order,
    OrderFilters,
    SetSettings,
    SubmitOrder,
)

LIMIT = D(1000)
FILTERS = OrderFilters()


async def change(db: Database, world: SimpleNamespace, order: Order, **fields: Any) -> Order:
    """Change the order as it is now."""
    now = await service.get(db, world.actor(), order.id)
    return (await service.change(db, world.actor(), order.id, ChangeOrder(**fields), version=now.version)).answer


async def test_a_draft_is_changed_freely_and_approved_anew_when_dearer(db: Database, world: SimpleNamespace) -> None:
    draft = await drafted(db, world.actor(), ("APPLE", 90), ("PEAR", 4))
    await service.approve(db, world.actor(), draft.id, ApproveOrder())
    # The break at 100 makes it cheaper than ninety were: 100 × 0.20 + 4 × 0.50 = 22 after 24.50.
    cheaper = await change(db, world, draft, lines=[ChangeLine(line_no=1, quantity=D(100))])
    assert (cheaper.total, cheaper.lines[0].unit_price, cheaper.approved) == (D(22), D("0.2"), True)
    dearer = await change(db, world, draft, add=[AddLine(sku="PHONE", quantity=D(1))], remove=[2], note="one phone")
    assert (dearer.total, dearer.approved, dearer.note) == (D(320), False, "one phone")
    assert [(line.line_no, line.sku) for line in dearer.lines] == [(1, "APPLE"), (3, "PHONE")]
    with pytest.raises(ApprovalNeeded):
        await service.submit(db, world.actor(), draft.id, SubmitOrder())
    with pytest.raises(OrderState):
        await change(db, world, draft, remove=[1, 3])
    with pytest.raises(UnknownLine):
        await change(db, world, draft, remove=[2])
    with pytest.raises(OffPack):
        await change(db, world, draft, lines=[ChangeLine(line_no=1, quantity=D(101))])
    with pytest.raises(InvalidValue):
        await change(db, world, draft, lines=[ChangeLine(line_no=3, quantity=D("1.5"))])
    with pytest.raises(Stale):
        await service.change(db, world.actor(), draft.id, ChangeOrder(note="late"), version=draft.version)
    moved = await change(db, world, draft, site="SHOP")
    assert moved.site == "SHOP"
    await service.approve(db, world.actor(), draft.id, ApproveOrder())
    before = await on_order(db, world, "PHONE", "SHOP")
    await service.submit(db, world.actor(), draft.id, SubmitOrder())
    assert await on_order(db, world, "PHONE", "SHOP") - before == 1
    await sound(db)


async def test_what_makes_an_order_dearer_waits_for_approval(db: Database, world: SimpleNamespace) -> None:
    order = await ordered(db, world, ("PEAR", 10))
    before = await on_order(db, world, "PEAR")
    waits = await change(db, world, order, lines=[ChangeLine(line_no=1, quantity=D(30))], reason="a wedding")
    assert waits.proposal is not None
    assert (waits.proposal.total, waits.lines[0].ordered, waits.total) == (D(15), D(10), D(5))
    assert await on_order(db, world, "PEAR") == before
    with pytest.raises(ChangeWaits):
        await change(db, world, order, note="x")
    done = (await service.approve(db, world.actor("purchasing_staff"), order.id, ApproveOrder())).answer
    assert (done.proposal, done.lines[0].ordered, done.status) == (None, D(30), "SUBMITTED")
    assert await on_order(db, world, "PEAR") == before + 20
    # Up to what was approved it may be changed at once; the document stays as it was.
    await change(db, world, order, lines=[ChangeLine(line_no=1, quantity=D(12))])
    await change(db, world, order, lines=[ChangeLine(line_no=1, quantity=D(30))])
    versions = (await service.versions(db, world.actor(), order.id, PageRequest())).items
    assert [one.order.lines[0].ordered for one in versions] == [D(12), D(30), D(10)]
    assert versions[-1].action == "changed"
    assert versions[-1].reason == "a wedding"
    assert await on_order(db, world, "PEAR") == before + 20
    await change(db, world, order, add=[AddLine(sku="PEAR", quantity=D(1))])
    await service.withdraw(db, world.actor(), order.id)
    with pytest.raises(NothingWaits):
        await service.withdraw(db, world.actor(), order.id)
    await took_in(db, order, PEAR=20)
    with pytest.raises(BelowReceived):
        await change(db, world, order, lines=[ChangeLine(line_no=1, quantity=D(19))])
    for fields in ({"remove": [1]}, {"site": "SHOP"}, {"exchange_rate": D(2)}):
        with pytest.raises(OrderState):
            await change(db, world, order, **fields)
    await sound(db)


async def test_above_the_limit_two_persons_approve(db: Database, world: SimpleNamespace) -> None:
    now = await service.get_settings(db, world.actor())
    command = SetSettings(currency="GBP", second_approval_above=LIMIT, rates={"EUR": D("0.85")})
    with pytest.raises(NotAllowed):
        await service.set_settings(db, world.actor("purchasing_staff"), command, version=now.version)
    await service.set_settings(db, world.actor(), command, version=now.version)
    with pytest.raises(Stale):
        await service.set_settings(db, world.actor(), command, version=now.version)
    odd = SetSettings(currency="EUR")
    await drafted(db, world.actor(), ("PEAR", 1))
    with pytest.raises(CurrencyFixed):
        await service.set_settings(db, world.actor(), odd, version=now.version + 1)
    draft = await drafted(db, world.actor(), ("PHONE", 4))
    assert draft.approvals_needed == 2
    first = (await service.approve(db, world.actor(), draft.id, ApproveOrder())).answer
    assert not first.approved
    with pytest.raises(ApprovalNeeded) as refused:
        await service.submit(db, world.actor(), draft.id, SubmitOrder())
    assert (refused.value.needed, refused.value.given) == (2, 1)
    second = (await service.approve(db, world.actor("purchasing_staff"), draft.id, ApproveOrder())).answer
    assert second.approved
    await service.submit(db, world.actor(), draft.id, SubmitOrder())
    waits = await change(db, world, draft, lines=[ChangeLine(line_no=1, quantity=D(5))])
    assert waits.proposal is not None
    half = (await service.approve(db, world.actor(), draft.id, ApproveOrder())).answer
    assert half.proposal is not None
    whole = (await service.approve(db, world.actor("administrator"), draft.id, ApproveOrder())).answer
    assert (whole.proposal, whole.lines[0].ordered) == (None, D(5))
    line = AddLine(sku="FLOUR", quantity=D("1.5"), unit_price=D(800))
    abroad = await drafted(db, world.actor(), supplier="BERLIN", lines=[line])
    assert (abroad.currency, abroad.exchange_rate, abroad.approvals_needed) == ("EUR", D("0.85"), 2)
    line = AddLine(sku="FLOUR", quantity=D("1.5"), unit_price=D(700))
    cheap = await drafted(db, world.actor(), supplier="BERLIN", lines=[line])
    assert cheap.approvals_needed == 1
    restored = SetSettings(currency="GBP", rates={"EUR": D("0.85")})
    await service.set_settings(db, world.actor(), restored, version=now.version + 1)
    await sound(db)


async def test_the_supplier_confirms_lines(db: Database, world: SimpleNamespace) -> None:
    order = await ordered(db, world, ("APPLE", 50), ("PEAR", 8), ("MILK", 3))
    assert order.lines[2].expected_on == date(2026, 3, 9)  # the supplier's five days, and two of a week-end
    half = (
        await service.confirm(
            db, world.actor(), order.id,
            ConfirmOrder(lines=[ConfirmLine(line_no=1, promised_on=date(2026, 3, 20), quantity=D(40))]),
        )
    ).answer  # fmt: skip
    assert (half.status, half.lines[0].expected_on, half.lines[0].promised_quantity) == (
        "SUBMITTED", date(2026, 3, 20), D(40),
    )  # fmt: skip
    command = ConfirmOrder(
        lines=[ConfirmLine(line_no=2, promised_on=date(2026, 4, 1), quantity=D(5))],
        promised_on=date(2026, 4, 2), supplier_reference="AB-77", cancel_rest=True,
    )  # fmt: skip
    done = (await service.confirm(db, world.actor(), order.id, command)).answer
    assert (done.status, done.supplier_reference) == ("CONFIRMED", "AB-77")
    assert [line.promised_on for line in done.lines] == [date(2026, 4, 2), date(2026, 4, 1), date(2026, 4, 2)]
    assert [line.cancelled for line in done.lines] == [0, 3, 0]
    more = await change(db, world, order, lines=[ChangeLine(line_no=2, quantity=D(6), unit_price=D("0.01"))])
    assert more.status == "CONFIRMED"  # three of the six were cancelled
    late = ConfirmOrder(lines=[ConfirmLine(line_no=2, promised_on=date(2026, 4, 1), quantity=D(6))])
    with pytest.raises(AboveOpen):
        await service.confirm(db, world.actor(), order.id, late)
    with pytest.raises(InvalidValue):
        await service.confirm(db, world.actor(), order.id, ConfirmOrder())
    draft = await drafted(db, world.actor(), ("PEAR", 1))
    with pytest.raises(OrderState):
        await service.confirm(db, world.actor(), draft.id, ConfirmOrder(promised_on=date(2026, 4, 2)))
    await sound(db)


async def test_what_is_not_to_come_is_cancelled(db: Database, world: SimpleNamespace) -> None:
    order = await ordered(db, world, ("APPLE", 50), ("PEAR", 8))
    before = await on_order(db, world, "APPLE")
    command = CancelOrder(reason="too many", lines=[CancelLine(line_no=1, quantity=D(20))])
    part = (await service.cancel(db, world.actor(), order.id, command)).answer
    assert (part.status, part.lines[0].cancelled, part.lines[0].on_order) == ("SUBMITTED", 20, 30)
    assert await on_order(db, world, "APPLE") == before - 20
    for lines in ([CancelLine(line_no=1, quantity=D(31))], [CancelLine(line_no=1, quantity=D(1))] * 2, []):
        with pytest.raises((AboveOpen, InvalidValue)):
            await service.cancel(db, world.actor(), order.id, CancelOrder(reason="x", lines=lines))
    with pytest.raises(OrderState):
        await service.close_short(db, world.actor(), order.id, CloseShort(reason="nothing came"))
    await took_in(db, order, APPLE=10)
    closed = (
        await service.close_short(db, world.actor(), order.id, CloseShort(reason="sold out", line_nos=[1]))
    ).answer
    assert (closed.status, closed.lines[0].cancelled) == ("PARTIAL_RECEIVED", 40)
    rest = (await service.cancel(db, world.actor(), order.id, CancelOrder(reason="no more"))).answer
    assert (rest.status, rest.lines[1].cancelled) == ("RECEIVED", 8)
    with pytest.raises(OrderState):
        await service.cancel(db, world.actor(), order.id, CancelOrder(reason="again"))
    never = await ordered(db, world, ("PEAR", 2))
    assert (await service.cancel(db, world.actor(), never.id, CancelOrder(reason="x"))).answer.status == "CANCELLED"
    draft = await drafted(db, world.actor(), ("PEAR", 2))
    assert (await service.cancel(db, world.actor(), draft.id, CancelOrder(reason="x"))).answer.status == "CANCELLED"
    with pytest.raises(OrderState):
        await service.approve(db, world.actor(), draft.id, ApproveOrder())
    await sound(db)


async def test_prices_are_for_those_who_may_see_them(db: Database, world: SimpleNamespace) -> None:
    order = await ordered(db, world, ("PEAR", 10))
    await change(db, world, order, lines=[ChangeLine(line_no=1, quantity=D(8), unit_price=D("0.4321"))])
    await change(db, world, order, lines=[ChangeLine(line_no=1, quantity=D(80))])
    clerk = world.actor("warehouse_staff")
    for reader, sees in ((clerk, False), (world.actor("purchasing_staff"), True)):
        shown = [
            await service.get(db, reader, order.id),
            *(await service.versions(db, reader, order.id, PageRequest())).items,
            *(await service.history(db, reader, order.id, PageRequest())).items,
            *(await service.list_orders(db, reader, FILTERS, PageRequest())).items,
        ]
        text = json.dumps(shown).decode()
        assert ("0.4321" in text, '"unit_price"' in text, '"total"' in text) == (sees, sees, sees)
    events = (await service.history(db, clerk, order.id, PageRequest())).items
    assert [one.action for one in events] == ["proposed", "changed", "submitted", "approved", "created"]
    auditor = msgspec.structs.replace(world.actor(), permissions=world.actor().permissions - {"supplier_prices.read"})
    trail = await access.list_audit(db, auditor, AuditFilters(kind="purchase_order"), PageRequest())
    assert "0.4321" not in json.dumps(trail).decode()
    blind = ChangeOrder(lines=[ChangeLine(line_no=1, unit_price=D(1))])
    fresh = await drafted(db, world.actor(), ("PEAR", 1))
    with pytest.raises(NotAllowed):
        await service.change(db, auditor, fresh.id, blind, version=fresh.version)
