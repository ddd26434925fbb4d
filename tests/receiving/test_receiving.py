"""What comes to the dock is on hand at once, for what was ordered; what is odd is refused, or taken and noted."""

from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest
from httpx import AsyncClient
from tests.allocation.helpers import make, order
from tests.allocation.helpers import now as order_now
from tests.purchasing.helpers import on_order
from tests.receiving.helpers import close, line, on_hand, open_for, ordered, sound, take, undo

from perpetua.kit.database import Database, count_statements, sql
from perpetua.kit.errors import Refusal
from perpetua.purchasing import service as purchasing
from perpetua.receiving import service
from perpetua.receiving.types import (
    ExpectLine,
    NoteDiscrepancy,
    OpenReceipt,
    ReceiveOrder,
    ResolveDiscrepancy,
)

D = Decimal


async def status_of(db: Database, world: SimpleNamespace, po_id: int) -> str:
    return (await purchasing.get(db, world.actor(), po_id)).status


async def test_it_is_on_hand_and_off_order_at_once(db: Database, world: SimpleNamespace) -> None:
    buying = await ordered(db, world, ("APPLE", 100), ("PEAR", 20))
    receipt = await open_for(db, world, buying)
    taken = await take(db, world, receipt, line("apple", 60))
    assert [(one.order, one.order_line, one.quantity, one.open) for one in taken.lines] == [
        (buying.number, 1, D(60), D(40))
    ]
    assert (await on_hand(db, world, "APPLE", "LON-DOCK"), await on_order(db, world, "APPLE")) == (60, 40)
    assert await status_of(db, world, buying.id) == "PARTIAL_RECEIVED"
    await take(db, world, receipt, line("APPLE", 40), line("PEAR", 20, location="LON-A-1"))
    assert await status_of(db, world, buying.id) == "RECEIVED"
    done = await close(db, world, receipt)
    assert (done.status, done.lines, done.discrepancies) == ("CLOSED", 3, 0)
    assert [(one.sku, one.expected, one.received) for one in done.expected] == [("APPLE", 100, 100), ("PEAR", 20, 20)]
    with pytest.raises(Refusal, match="is closed"):
        await take(db, world, receipt, line("APPLE", 1))
    with pytest.raises(Refusal, match="is closed"):
        await close(db, world, receipt)
    await sound(db)


async def test_who_waits_has_it_in_the_same_breath(db: Database, world: SimpleNamespace) -> None:
    waiting = await order(db, world, ("FLOUR", 3))
    assert waiting.status == "BACKORDERED"
    receipt = await open_for(db, world)
    await take(db, world, receipt, line("FLOUR", 5))
    assert (await order_now(db, world, waiting)).status == "ALLOCATED"
    await undo(db, world, receipt, 1)
    assert (await order_now(db, world, waiting)).status == "BACKORDERED"
    await sound(db)


async def test_what_did_not_come_is_short(db: Database, world: SimpleNamespace) -> None:
    buying = await ordered(db, world, ("APPLE", 30), ("PEAR", 7))
    first, second = await open_for(db, world, buying), await open_for(db, world, buying)
    await take(db, world, first, line("APPLE", 10))
    await take(db, world, second, line("PEAR", 7))
    done = await close(db, world, first)
    # The pears came with the other one: they are not missed.
    assert [(one.kind, one.sku, one.quantity, one.expected) for one in done.found] == [("short", "APPLE", 20, 30)]
    assert await status_of(db, world, buying.id) == "PARTIAL_RECEIVED"
    announced = await open_for(db, world, expected=[ExpectLine(sku="APPLE", quantity=D(4))])
    assert [(one.kind, one.quantity) for one in (await close(db, world, announced)).found] == [("short", 4)]


async def test_too_much_is_refused_with_its_numbers(db: Database, world: SimpleNamespace) -> None:
    buying = await ordered(db, world, ("APPLE", 50))
    receipt = await open_for(db, world, buying)
    with pytest.raises(Refusal, match="60 came, 50 is open, and at most 50"):
        await take(db, world, receipt, line("APPLE", 60))
    with pytest.raises(Refusal, match="Line 2, APPLE: 1 came, 50 is open, and at most 0"):
        await take(db, world, receipt, line("APPLE", 50), line("APPLE", 1))
    taken = await take(db, world, receipt, line("APPLE", 60, accept=["over"]))
    assert taken.lines[0].discrepancies == ["over"]
    done = await close(db, world, receipt)
    assert [(one.kind, one.quantity, one.expected) for one in done.found] == [("over", 10, 50)]
    assert await on_order(db, world, "APPLE") >= 0
    await sound(db)


async def test_an_item_that_was_not_ordered_is_caught_at_the_scan(db: Database, world: SimpleNamespace) -> None:
    buying = await ordered(db, world, ("PEAR", 5))
    receipt = await open_for(db, world, buying)
    with pytest.raises(Refusal, match=f"Line 2: FLOUR is not on {buying.number}"):
        await take(db, world, receipt, line("PEAR", 1), line("FLOUR", 1))
    assert (await service.get_receipt(db, world.actor(), receipt)).lines == 0
    taken = await take(db, world, receipt, line("FLOUR", 2), accept=["unexpected"])
    assert (taken.lines[0].order, taken.lines[0].discrepancies) == (None, ["unexpected"])
    wrong = await take(db, world, receipt, line("FLOUR", 1, instead_of="PEAR", note="sack in the pear box"))
    assert (wrong.lines[0].location, wrong.lines[0].discrepancies) == ("LON-Q", ["wrong_item"])
    found = (await service.get_receipt(db, world.actor(), receipt)).found
    assert [(one.kind, one.sku, one.instead_of, one.note) for one in found] == [
        ("wrong_item", "FLOUR", "PEAR", "sack in the pear box"),
        ("unexpected", "FLOUR", None, None),
    ]
    with pytest.raises(Refusal, match="is none of the receipt's orders"):
        await take(db, world, receipt, line("PEAR", 1, order="PO-999999"))
    await sound(db)


async def test_damaged_and_expired_goods_go_where_nothing_is_sold(db: Database, world: SimpleNamespace) -> None:
    buying = await ordered(db, world, ("APPLE", 10), ("MILK", 8))
    receipt = await open_for(db, world, buying)
    taken = await take(db, world, receipt, line("APPLE", 4, condition="damaged", note="wet"))
    assert (taken.lines[0].location, taken.lines[0].open, taken.lines[0].discrepancies) == ("LON-D", 6, ["damaged"])
    old = line("MILK", 3, lot="M-OLD", expires_on=date(2020, 1, 1))
    with pytest.raises(Refusal, match="lot M-OLD: expired on 2020-01-01"):
        await take(db, world, receipt, old)
    assert not (await service.get_receipt(db, world.actor(), receipt)).came[0].lot
    taken = await take(db, world, receipt, old, accept=["expired"])
    assert (taken.lines[0].location, taken.lines[0].discrepancies) == ("LON-Q", ["expired"])
    # The day is known now, also where the label does not say it.
    with pytest.raises(Refusal, match="expired on 2020-01-01"):
        await take(db, world, receipt, line("MILK", 1, lot="m-old"))
    await sound(db)


async def test_serials_are_taken_at_the_dock(db: Database, world: SimpleNamespace) -> None:
    buying = await ordered(db, world, ("PHONE", 3))
    receipt = await open_for(db, world, buying)
    with pytest.raises(Refusal, match="send 2 different serials"):
        await take(db, world, receipt, line("PHONE", 2, serials=["P1"]))
    await take(db, world, receipt, line("PHONE", 2, serials=["P1", "P2"]))
    with pytest.raises(Refusal, match="P1"):
        await take(db, world, receipt, line("PHONE", 1, serials=["P1"]))
    shown = (await service.get_receipt(db, world.actor(), receipt)).came[0]
    assert (shown.serials, shown.order, shown.received_by) == (["P1", "P2"], buying.number, "warehouse_staff")
    await undo(db, world, receipt, 1)
    await take(db, world, receipt, line("PHONE", 1, serials=["P1"]))
    await sound(db)


async def test_one_line_may_be_for_several_of_orders(db: Database, world: SimpleNamespace) -> None:
    later = await ordered(db, world, ("PEAR", 5), wanted_on=date(2030, 1, 1))
    sooner = await ordered(db, world, ("PEAR", 5))
    receipt = await open_for(db, world, later, sooner)
    taken = await take(db, world, receipt, line("PEAR", 7))
    assert sum((one.quantity for one in taken.lines), D(0)) == 7
    assert {one.order for one in taken.lines} == {later.number, sooner.number}
    named = await take(db, world, receipt, line("PEAR", 3, order=taken.lines[1].order))
    assert [one.open for one in named.lines] == [0]
    await sound(db)


async def test_a_mistake_is_undone_once_and_by_whom_it_may(db: Database, world: SimpleNamespace) -> None:
    buying = await ordered(db, world, ("APPLE", 10), ("PEAR", 10))
    receipt = await open_for(db, world, buying)
    before = await on_hand(db, world, "APPLE")
    await take(db, world, receipt, line("APPLE", 10), line("PEAR", 5))
    with pytest.raises(Refusal, match=r"stock\.correct"):
        await undo(db, world, receipt, 1, role="purchasing_staff")
    with pytest.raises(Refusal, match="is no line of"):
        await undo(db, world, receipt, 1, 9)
    after = await undo(db, world, receipt, 1, role="inventory_manager")
    assert (after.lines, await on_hand(db, world, "APPLE")) == (1, before)
    assert [one.undo_reason for one in after.came] == [None, "counted twice"]
    with pytest.raises(Refusal, match="was undone before"):
        await undo(db, world, receipt, 1)
    assert await status_of(db, world, buying.id) == "PARTIAL_RECEIVED"
    await close(db, world, receipt)
    await undo(db, world, receipt, 2)  # also of one that is closed
    assert await status_of(db, world, buying.id) in ("SUBMITTED", "CONFIRMED")
    await sound(db)


async def test_an_order_is_received_in_one_go(db: Database, world: SimpleNamespace) -> None:
    buying = await ordered(db, world, ("APPLE", 10), ("PEAR", 10))
    clerk = world.actor("warehouse_staff")
    done = (await service.receive_order(db, clerk, buying.id, ReceiveOrder(location="LON-A-2"), key="go")).answer
    assert (done.status, done.lines, done.discrepancies, done.location) == ("CLOSED", 2, 0, "LON-A-2")
    again = await service.receive_order(db, clerk, buying.id, ReceiveOrder(location="LON-A-2"), key="go")
    assert (again.replayed, again.answer.id) == (True, done.id)
    assert await status_of(db, world, buying.id) == "RECEIVED"
    with pytest.raises(Refusal, match="Nothing of"):
        await service.receive_order(db, clerk, buying.id, ReceiveOrder(location="LON"))
    milk = await ordered(db, world, ("MILK", 5))
    with pytest.raises(Refusal, match="tracked by lot or serial"):
        await service.receive_order(db, clerk, milk.id, ReceiveOrder(location="LON"))
    short = ReceiveOrder(location="LON", lines=[line("MILK", 2, lot="L9")])
    assert [one.kind for one in (await service.receive_order(db, clerk, milk.id, short)).answer.found] == ["short"]
    await sound(db)


async def test_a_receipt_is_for_what_can_come(db: Database, world: SimpleNamespace) -> None:
    draft = (await purchasing.create(db, world.actor(), _drafting("ORCHARD", "LON"))).answer
    shop = await ordered(db, world, ("PEAR", 5), site="SHOP")
    for wrong, says in (
        (OpenReceipt(location="LON", orders=[draft.number]), "is DRAFT"),
        (OpenReceipt(location="LON", orders=[shop.number]), "is to come to another site"),
        (OpenReceipt(location="LON", orders=["PO-X"]), "is no purchase order"),
        (OpenReceipt(location="LON", orders=["PO-99999999"]), "is no purchase order"),
        (OpenReceipt(location="LON-TRANSIT"), "on their way"),
        (OpenReceipt(location="NOWHERE"), "no such place"),
        (OpenReceipt(location="LON", supplier="NOBODY"), "is no supplier"),
        (OpenReceipt(location="SHOP", supplier="BERLIN", orders=[shop.number]), "is not the supplier"),
        (OpenReceipt(location="LON", expected=[ExpectLine(sku="GHOST", quantity=D(1))]), "is no item"),
    ):
        with pytest.raises(Refusal, match=says):
            await service.open_receipt(db, world.actor(), wrong)
    confined = world.actor("warehouse_staff", scope=[world.places["SHOP"]])
    with pytest.raises(Refusal):
        await service.open_receipt(db, confined, OpenReceipt(location="LON"))
    at_home = await open_for(db, world)
    with pytest.raises(Refusal, match="no receipt"):
        await service.get_receipt(db, confined, at_home)
    with pytest.raises(Refusal, match="is not at LON"):
        await take(db, world, at_home, line("APPLE", 1, location="SHOP-FLOOR"))


def _drafting(supplier: str, site: str):
    from perpetua.purchasing.types import AddLine, CreateOrder

    return CreateOrder(supplier=supplier, site=site, lines=[AddLine(sku="PEAR", quantity=D(1))])


async def test_costs_are_the_orders_and_for_those_who_see_them(db: Database, world: SimpleNamespace) -> None:
    blind = await open_for(db, world)
    with pytest.raises(Refusal, match=r"supplier_prices\.read"):
        await take(db, world, blind, line("PEAR", 1, unit_cost=D("0.4")))
    await take(db, world, blind, line("PEAR", 1, unit_cost=D("0.4")), role="purchasing_staff")
    buying = await ordered(db, world, ("PEAR", 5))
    receipt = await open_for(db, world, buying)
    with pytest.raises(Refusal, match="is as the order says"):
        await take(db, world, receipt, line("PEAR", 1, unit_cost=D("0.4")), role="purchasing_staff")
    taken = await take(db, world, receipt, line("PEAR", 5))
    async with db.transaction() as tx:
        text = "SELECT unit_cost FROM inventory_transactions WHERE posting_id = %(p)s"
        assert await tx.values(sql(text), {"p": taken.posting_id}) == [D("0.5")]


async def test_what_a_supplier_calls_it(db: Database, world: SimpleNamespace) -> None:
    from perpetua.receiving.types import TakeLine

    buying = await ordered(db, world, ("PEAR", 5))
    receipt = await open_for(db, world, buying)
    taken = await take(db, world, receipt, TakeLine(supplier_sku="s-pear", quantity=D(2)))
    assert taken.lines[0].sku == "PEAR"
    with pytest.raises(Refusal, match="is no item of the supplier"):
        await take(db, world, receipt, TakeLine(supplier_sku="S-GHOST", quantity=D(2)))


async def test_discrepancies_are_noted_and_resolved(db: Database, world: SimpleNamespace) -> None:
    receipt = await open_for(db, world, supplier="BERLIN")
    clerk, buyer = world.actor("warehouse_staff"), world.actor("purchasing_staff")
    note = NoteDiscrepancy(kind="unexpected", quantity=D(2), code="4006381333931", note="two boxes of pens")
    noted = (await service.note_discrepancy(db, clerk, receipt, note)).answer
    assert (noted.sku, noted.code, noted.supplier, noted.status) == (None, "4006381333931", "BERLIN", "OPEN")
    with pytest.raises(Refusal, match="say what it is about"):
        await service.note_discrepancy(db, clerk, receipt, NoteDiscrepancy(kind="short", quantity=D(1)))
    answer = ResolveDiscrepancy(resolution="returned", note="went back with the driver")
    with pytest.raises(Refusal, match=r"purchasing\.write"):
        await service.resolve_discrepancy(db, clerk, noted.id, answer, version=1)
    with pytest.raises(Refusal, match="version 1"):
        await service.resolve_discrepancy(db, buyer, noted.id, answer, version=7)
    done = (await service.resolve_discrepancy(db, buyer, noted.id, answer, version=noted.version)).answer
    assert (done.status, done.resolution, done.settled_by) == ("RESOLVED", "returned", "purchasing_staff")
    with pytest.raises(Refusal, match="is RESOLVED already"):
        await service.resolve_discrepancy(db, buyer, noted.id, answer, version=done.version)


async def test_five_thousand_lines_are_as_many_statements_as_two(db: Database, world: SimpleNamespace) -> None:
    skus = [f"BULK-{number:04}" for number in range(2_500)]
    await make(db, world, *skus[:2])
    async with db.admin() as tx:
        await tx.execute(
            sql("""WITH p AS (INSERT INTO products (name, first_sku) SELECT s, s FROM unnest(%(s)s::text[]) s
                              RETURNING id, first_sku)
                   INSERT INTO product_variants (product_id, sku, name, unit)
                   SELECT id, first_sku, first_sku, 'each' FROM p"""),
            {"s": skus[2:]},
        )
    counts: list[int] = []
    for many in (2, 2_500):
        receipt = await open_for(db, world)
        with count_statements() as seen:
            await take(db, world, receipt, *[line(sku, 1) for sku in skus[:many] for _ in range(2)])
        counts.append(len(seen))
    assert counts[0] == counts[1] < 30, counts
    await sound(db)


async def test_the_list_is_a_pdf_and_the_same_each_time(
    callers: dict[str, AsyncClient], db: Database, world: SimpleNamespace
) -> None:
    buying = await ordered(db, world, ("PEAR", 5), ("MILK", 3))
    receipt = await open_for(db, world, buying, note="Ring twice # and *wait*")
    path = f"/api/receipts/{receipt}/receiving-list"
    one, again = [await callers["viewer"].get(path) for _ in range(2)]
    assert (one.status_code, one.headers["content-type"]) == (200, "application/pdf")
    assert one.content.startswith(b"%PDF")
    assert one.content == again.content
    blind = await callers["viewer"].get(path, params={"blind": "true"})
    assert blind.status_code == 200
    assert blind.content != one.content
    assert (await callers["viewer"].get("/api/receipts/999999/receiving-list")).status_code == 404


async def test_photos_of_what_was_broken(callers: dict[str, AsyncClient], db: Database, world: SimpleNamespace) -> None:
    clerk = callers["warehouse_staff"]
    receipt = await open_for(db, world)
    await take(db, world, receipt, line("PEAR", 1, condition="damaged"))
    found = (await clerk.get("/api/discrepancies", params={"receipt_id": receipt})).json()["items"]
    path = f"/api/discrepancies/{found[0]['id']}/photos"
    png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 40
    added = [await clerk.post(path, files={"data": ("pear.png", png, "text/plain")}) for _ in range(2)]
    assert [one.status_code for one in added] == [201, 201]
    (photo,) = added[1].json()["photos"]
    read = await callers["viewer"].get(f"/api/discrepancies/photos/{photo['sha256']}")
    assert (read.content, read.headers["content-type"]) == (png, "image/png")
    assert (await clerk.post(path, files={"data": ("x.png", b"hello", "image/png")})).status_code == 422
    assert (await clerk.get(f"/api/discrepancies/photos/{'0' * 64}")).status_code == 404
    assert (await callers["viewer"].post(path, files={"data": ("p.png", png, "image/png")})).status_code == 403
