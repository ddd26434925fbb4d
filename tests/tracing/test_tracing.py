"""Where goods came from and went: through transfers, orders, returns, write-offs, and into goods made of them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import UNSET
from tests.allocation.helpers import make, order
from tests.ledger.test_lots import lot

from perpetua.access.types import SYSTEM
from perpetua.allocation import service as allocation
from perpetua.kit.database import Database, count_statements
from perpetua.kit.errors import Missing
from perpetua.kit.listing import PageRequest
from perpetua.ledger import service as ledger
from perpetua.ledger.types import (
    ChangeLot,
    Correct,
    MovementFilters,
    Posted,
    PostingDraft,
    Receive,
    ReceiveLine,
    ReceiveTransfer,
    Return,
    ReturnLine,
    Row,
    Sell,
    SellLine,
    SerialFilters,
    Transfer,
    TransferLine,
    WriteOff,
    WriteOffLine,
)
from perpetua.orders import service as orders
from perpetua.orders.types import Contact, CreateCustomer, ShipOrder
from perpetua.tracing import service
from perpetua.tracing.types import OpenRecall, TraceRow

D = Decimal


async def trace(db: Database, lot_id: int, direction: Any = "forward", **more: Any) -> list[TraceRow]:
    """All pages of a trace."""
    found: list[TraceRow] = []
    cursor = None
    while True:
        page = PageRequest(limit=more.get("limit", 100), cursor=cursor)
        got = await service.trace_lot(db, more.get("actor", SYSTEM), lot_id, direction, page)
        found += got.items
        if (cursor := got.next_cursor) is None:
            return found


async def put_together(db: Database, *rows: tuple[str, str | Any, int, int, int], place: int) -> Posted:
    """One posting: (type, -, variant, lot, quantity) each."""
    drawn = [
        Row(line_no=n, type=type_, variant_id=variant, location_id=place, lot_id=lot_id, quantity=D(quantity))  # pyright: ignore[reportArgumentType]
        for n, (type_, _, variant, lot_id, quantity) in enumerate(rows, 1)
    ]
    draft = PostingDraft(command="make", effective_at=datetime.now(UTC), rows=drawn)
    return await db.run(lambda tx: ledger.post(tx, SYSTEM, draft))


def told(rows: Sequence[TraceRow]) -> list[tuple[str, str, Decimal]]:
    return [(row.type, row.location + (f">{row.to_location}" if row.to_location else ""), row.quantity) for row in rows]


async def test_a_lot_is_followed_through_transfers_orders_returns_and_write_offs(
    db: Database, world: SimpleNamespace
) -> None:
    one = await lot(db, world, "T1")
    actor = world.actor()
    await orders.create_customer(db, actor, CreateCustomer(code="C1", name="Ada & Co"))
    wanted = await order(db, world, ("T1", 3), customer="C1")
    await allocation.ship(db, actor, wanted.id, ShipOrder())
    line: dict[str, Any] = {"sku": "T1", "lot": "A"}
    moved = Transfer(lines=[TransferLine(**line, quantity=D(2))], from_location="LON-A-1", to_location="LON-A-2")
    await ledger.transfer(db, actor, moved)
    sent = Transfer(lines=[TransferLine(**line, quantity=D(2))], from_location="LON-A-1", to_location="SHOP-FLOOR",
                    two_step=True)  # fmt: skip
    document = (await ledger.transfer(db, actor, sent)).answer.transfer_id
    assert document is not None
    await ledger.receive_transfer(db, actor, document, ReceiveTransfer())
    back = Return(lines=[ReturnLine(**line, quantity=D(1), location="LON-Q")], reference_type="order",
                  reference_id=str(wanted.id))  # fmt: skip
    await ledger.return_(db, actor, back)
    await ledger.write_off(
        db, actor, WriteOff(lines=[WriteOffLine(**line, quantity=D(1), location="LON-Q")], reason_code="damage")
    )
    rows = await trace(db, one.id)
    assert told(rows) == [
        ("SALE", "LON-A-1", -3),
        ("TRANSFER_OUT", "LON-A-1>LON-A-2", -2),
        ("TRANSFER_OUT", "LON-A-1>SHOP-TRANSIT", -2),
        ("TRANSFER_OUT", "SHOP-TRANSIT>SHOP-FLOOR", -2),
        ("RETURN", "LON-Q", 1),
        ("WRITE_OFF", "LON-Q", -1),
    ]
    assert [(row.order_id, row.customer, row.customer_name) for row in rows if row.order_id] == [
        (wanted.id, "C1", "Ada & Co")
    ] * 2
    assert await trace(db, one.id, limit=1) == rows
    shy = await trace(db, one.id, actor=world.actor("viewer"))
    assert {(row.customer, row.customer_name) for row in shy} == {(UNSET, UNSET)}
    shop = await trace(db, one.id, actor=world.actor(scope=[world.places["SHOP"]]))
    assert [row.to_location for row in shop] == ["SHOP-TRANSIT", "SHOP-FLOOR"]
    holders = (await service.list_holders(db, actor, PageRequest(), lot_id=one.id)).items
    assert [(h.kind, h.quantity, h.returned, h.location or h.customer_name) for h in holders] == [
        ("here", 3, 0, "LON-A-1"), ("here", 2, 0, "LON-A-2"), ("here", 2, 0, "SHOP-FLOOR"), ("sent", 3, 1, "Ada & Co"),
    ]  # fmt: skip


async def test_customers_are_named_to_those_who_may_alone(db: Database, world: SimpleNamespace) -> None:
    one = await lot(db, world, "T6")
    await orders.create_customer(db, world.actor(), CreateCustomer(code="C6", name="Grace Ltd"))
    contact = Contact(name="Grace", email="grace@example.com")
    wanted = await order(db, world, ("T6", 3), customer="C6", contact=contact)
    await allocation.ship(db, world.actor(), wanted.id, ShipOrder())
    opened = (
        await service.open_recall(db, world.actor(), OpenRecall(reason="x", lot_ids=[one.id], with_made=False))
    ).answer
    for role, told in (("inventory_manager", True), ("warehouse_staff", False), ("viewer", False)):
        actor = world.actor(role)
        held = (await service.list_holders(db, actor, PageRequest(), recall_id=opened.id)).items[-1]
        names = (held.customer, held.customer_name, held.email)
        assert names == (("C6", "Grace Ltd", "grace@example.com") if told else (UNSET, UNSET, UNSET))
        extract = service.export_holders(db, actor, opened.id)
        rows = [row async for batch in extract.batches for row in batch]
        assert ("email" in extract.columns, "Grace Ltd" in str(rows)) == (told, told)


async def test_backward_tells_receipts_suppliers_and_documents(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "T2", tracking="lot")
    for number, reference in enumerate(("PO-000001", "PO-000002"), 1):
        line = ReceiveLine(sku="T2", quantity=D(number), location="LON-A-1", lot="A")
        received = Receive(lines=[line], reference_type="purchase_order", reference_id=reference)
        await ledger.receive(db, world.actor(), received)
    one = await lot(db, world, "T2")
    change = ChangeLot(supplier="Acme", supplier_lot="X1")
    await ledger.change_lot(db, world.actor(), one.id, change, version=1)
    rows = await trace(db, one.id, "backward")
    assert [(row.quantity, row.reference_id, row.supplier, row.supplier_lot) for row in rows] == [
        (1, "PO-000001", "Acme", "X1"), (2, "PO-000002", "Acme", "X1"), (10, None, "Acme", "X1"),
    ]  # fmt: skip
    assert await trace(db, one.id) == []
    with pytest.raises(Missing):
        await trace(db, 999_999)
    with pytest.raises(Missing):
        await trace(db, 0)


async def test_what_is_made_of_a_lot_is_followed_through_any_number_of_steps(
    db: Database, world: SimpleNamespace
) -> None:
    place = world.places["LON-A-1"]
    flour, dough, bread, other = [await lot(db, world, f"T3-{n}") for n in ("FLOUR", "DOUGH", "BREAD", "OTHER")]
    of = {one.id: (one.variant_id, one.id) for one in (flour, dough, bread, other)}
    first = await put_together(
        db, ("CONSUME", 0, *of[flour.id], -4), ("PRODUCE", 0, *of[dough.id], 3), place=place
    )  # fmt: skip
    await put_together(db, ("CONSUME", 0, *of[dough.id], -2), ("PRODUCE", 0, *of[bread.id], 5), place=place)
    # A circle (rework of bread into dough) ends all the same.
    await put_together(db, ("CONSUME", 0, *of[bread.id], -1), ("PRODUCE", 0, *of[dough.id], 1), place=place)
    await ledger.sell(
        db, world.actor(), Sell(lines=[SellLine(sku="T3-BREAD", quantity=D(1), lot="A", location="LON-A-1")])
    )  # fmt: skip
    forward = await trace(db, flour.id)
    assert {(row.type, row.sku) for row in forward} == {
        ("CONSUME", "T3-FLOUR"), ("PRODUCE", "T3-DOUGH"), ("CONSUME", "T3-DOUGH"), ("PRODUCE", "T3-BREAD"),
        ("CONSUME", "T3-BREAD"), ("SALE", "T3-BREAD"),
    }  # fmt: skip
    backward = await trace(db, bread.id, "backward")
    assert {row.sku for row in backward if row.type == "RECEIPT"} == {"T3-FLOUR", "T3-DOUGH", "T3-BREAD"}
    assert await trace(db, other.id) == []
    # What was taken back was not made.
    moves = await ledger.list_movements(db, SYSTEM, MovementFilters(posting_id=first.posting_id), PageRequest())
    used = next(row for row in moves.items if row.type == "CONSUME")
    await ledger.correct(db, world.actor(), used.id, Correct(reason="fewer", quantity=D(-3)))
    assert {row.sku for row in await trace(db, flour.id)} >= {"T3-BREAD"}
    anew = (await ledger.list_movements(db, SYSTEM, MovementFilters(sku="T3-DOUGH"), PageRequest(limit=9))).items
    made = next(row for row in anew if row.type == "PRODUCE" and row.quantity == 3)
    await ledger.correct(db, world.actor(), made.id, Correct(reason="never was", reverse_only=True))
    assert {row.sku for row in await trace(db, flour.id)} == {"T3-FLOUR"}


async def test_a_serial_is_followed_alone_and_with_its_lot(db: Database, world: SimpleNamespace) -> None:
    line = ReceiveLine(sku="PHONE", quantity=D(2), location="LON-A-1", serials=["S1", "S2"], lot="P1")
    await ledger.receive(db, world.actor(), Receive(lines=[line]))
    sale = SellLine(sku="PHONE", quantity=D(1), location="LON-A-1", serials=["S1"], lot="P1")
    await ledger.sell(db, world.actor(), Sell(lines=[sale]))
    found = (await ledger.list_serials(db, SYSTEM, PageRequest(), SerialFilters(sku="PHONE"))).items
    ids = {one.serial: one.id for one in found}
    rows = (await service.trace_serial(db, SYSTEM, ids["S1"], "forward", PageRequest())).items
    assert [(row.type, row.serial, row.lot) for row in rows] == [("SALE", "S1", "P1")]
    assert (await service.trace_serial(db, SYSTEM, ids["S2"], "forward", PageRequest())).items == []
    came = (await service.trace_serial(db, SYSTEM, ids["S2"], "backward", PageRequest())).items
    assert [(row.type, row.quantity) for row in came] == [("RECEIPT", 1)]
    with pytest.raises(Missing):
        await service.trace_serial(db, SYSTEM, 999_999, "forward", PageRequest())


async def test_a_trace_is_one_statement(db: Database, world: SimpleNamespace) -> None:
    one = await lot(db, world, "T5")
    for _ in range(5):
        moved = TransferLine(sku="T5", lot="A", quantity=D(1))
        await ledger.transfer(
            db, world.actor(), Transfer(lines=[moved], from_location="LON-A-1", to_location="LON-A-2")
        )
    with count_statements() as seen:
        assert len(await trace(db, one.id)) == 5
    assert seen == ["forward"]
