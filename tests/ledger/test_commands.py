"""What each command does, and what it refuses."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from perpetua.kit.database import Database, count_statements, sql
from perpetua.kit.errors import InvalidValue, NotAllowed, Refusal
from perpetua.kit.idempotency import KeyReused
from perpetua.kit.listing import PageRequest
from perpetua.ledger import service
from perpetua.ledger.errors import (
    AlreadyCorrected,
    EffectiveOutOfRange,
    NotEnoughStock,
    SerialElsewhere,
    SerialsNeeded,
    UnknownNames,
    UnknownReason,
    VersionChanged,
)
from perpetua.ledger.types import (
    Adjust,
    AdjustLine,
    Correct,
    Decide,
    MovementFilters,
    Receive,
    ReceiveLine,
    ReceiveTransfer,
    Return,
    ReturnLine,
    Sell,
    SellLine,
    SerialFilters,
    StockFilters,
    Transfer,
    TransferLine,
    TransferReceiptLine,
    WriteOff,
    WriteOffLine,
)

D = Decimal
PAGE = PageRequest()


async def receive(db: Database, world: SimpleNamespace, sku: str, quantity: str, place: str, **more: Any) -> Any:
    line = ReceiveLine(sku=sku, quantity=D(quantity), location=place, **more)
    return (await service.receive(db, world.actor(), Receive(lines=[line]))).answer


async def on_hand(db: Database, world: SimpleNamespace, sku: str, place: str) -> Decimal:
    found = await service.list_stock(db, world.actor(), StockFilters(sku=sku, location=place, with_zero=True), PAGE)
    return found.items[0].on_hand


async def positions_agree(db: Database) -> None:
    """Levels are the ledger's sums, positions are the levels' sums."""
    async with db.snapshot() as tx:
        wrong = await tx.value(
            sql("""SELECT count(*) FROM (
                     SELECT variant_id, location_id, lot_id, sum(quantity) AS q
                     FROM inventory_transactions GROUP BY 1, 2, 3) l
                   FULL JOIN inventory_levels v USING (variant_id, location_id, lot_id)
                   WHERE coalesce(l.q, 0) <> coalesce(v.on_hand, 0)""")
        )
        assert wrong == 0
        wrong = await tx.value(
            sql("""SELECT count(*) FROM (
                     SELECT v.variant_id, l.site_id, sum(on_hand) FILTER (WHERE kind <> 'transit') AS on_hand,
                            sum(on_hand) FILTER (WHERE kind = 'transit') AS in_transit,
                            sum(on_hand) FILTER (WHERE kind <> 'transit' AND NOT sellable) AS unsellable
                     FROM inventory_levels v JOIN locations l ON l.id = v.location_id GROUP BY 1, 2) s
                   FULL JOIN inventory_positions p USING (variant_id, site_id)
                   WHERE coalesce(s.on_hand, 0) <> p.on_hand OR coalesce(s.in_transit, 0) <> p.in_transit
                      OR coalesce(s.unsellable, 0) <> p.unsellable""")
        )
        assert wrong == 0


async def test_receive_raises_on_hand_and_rolls_up(db: Database, world: SimpleNamespace) -> None:
    posted = await receive(db, world, "apple", "10", "lon-a-1")
    assert posted.levels[0].on_hand >= 10
    before = await on_hand(db, world, "APPLE", "LON")
    await receive(db, world, "APPLE", "5", "LON-A-2")
    assert await on_hand(db, world, "APPLE", "LON") == before + 5
    await positions_agree(db)


async def test_one_document_is_a_constant_number_of_statements(db: Database, world: SimpleNamespace) -> None:
    counts: list[int] = []
    for size in (1, 1000):
        lines = [ReceiveLine(sku="APPLE", quantity=D(1), location="LON-A-1") for _ in range(size)]
        with count_statements() as seen:
            await service.receive(db, world.actor(), Receive(lines=lines), key=f"size-{size}")
        counts.append(len(seen))
    assert counts[0] == counts[1]
    assert counts[0] <= 9


async def test_other_units_are_converted_exactly(db: Database, world: SimpleNamespace) -> None:
    posted = await receive(db, world, "FLOUR", "1500", "LON-Q", unit="g")
    assert posted.levels[0].change == D("1.5")
    with pytest.raises(InvalidValue):
        await receive(db, world, "FLOUR", "1", "LON-Q", unit="litre-of-nonsense")


async def test_selling_more_than_is_there_is_refused_with_facts(db: Database, world: SimpleNamespace) -> None:
    await receive(db, world, "PEAR", "3", "LON-A-1")
    sale = Sell(lines=[SellLine(sku="PEAR", quantity=D(4), location="LON-A-1")])
    with pytest.raises(NotEnoughStock) as refused:
        await service.sell(db, world.actor(), sale)
    assert refused.value.facts["asked"] == 4
    assert refused.value.facts["on_hand"] == 3
    assert refused.value.facts["sku"] == "PEAR"
    # Two lines of one command are summed before the check.
    twice = Sell(lines=[SellLine(sku="PEAR", quantity=D(2), location="LON-A-1")] * 2)
    with pytest.raises(NotEnoughStock):
        await service.sell(db, world.actor(), twice)
    # A shop floor may be oversold, and then it shows.
    await service.sell(db, world.actor(), Sell(lines=[SellLine(sku="PEAR", quantity=D(4), location="SHOP-FLOOR")]))
    assert await on_hand(db, world, "PEAR", "SHOP-FLOOR") == -4


async def test_the_last_unit_is_sold_once(db: Database, world: SimpleNamespace) -> None:
    await receive(db, world, "FLOUR", "1", "LON-A-2")

    async def buy() -> bool:
        try:
            await service.sell(
                db, world.actor(), Sell(lines=[SellLine(sku="FLOUR", quantity=D(1), location="LON-A-2")])
            )
        except NotEnoughStock:
            return False
        return True

    assert sum(await asyncio.gather(*(buy() for _ in range(16)))) == 1


async def test_same_key_one_effect(db: Database, world: SimpleNamespace) -> None:
    command = Receive(lines=[ReceiveLine(sku="APPLE", quantity=D(7), location="LON-A-1")])
    answers = await asyncio.gather(*(service.receive(db, world.actor(), command, key="same") for _ in range(8)))
    assert len({a.answer.posting_id for a in answers}) == 1
    assert sum(not a.replayed for a in answers) == 1
    other = Receive(lines=[ReceiveLine(sku="APPLE", quantity=D(8), location="LON-A-1")])
    with pytest.raises(KeyReused):
        await service.receive(db, world.actor(), other, key="same")


async def test_adjust_by_count_and_by_version(db: Database, world: SimpleNamespace) -> None:
    await receive(db, world, "PEAR", "20", "LON-A-2")
    level = next(
        n for n in await service.item_levels(db, world.actor(), [world.items["PEAR"]]) if n.location == "LON-A-2"
    )
    line = AdjustLine(sku="PEAR", location="LON-A-2", counted=D(18), version=level.version)
    posted = (await service.adjust(db, world.actor(), Adjust(lines=[line], reason_code="count"))).answer
    assert posted.levels[0].change == 18 - level.on_hand
    with pytest.raises(VersionChanged) as stale:
        await service.adjust(db, world.actor(), Adjust(lines=[line], reason_code="count"))
    assert stale.value.status == 412
    agreeing = AdjustLine(sku="PEAR", location="LON-A-2", counted=D(18))
    with pytest.raises(InvalidValue, match="agree"):
        await service.adjust(db, world.actor(), Adjust(lines=[agreeing], reason_code="count"))
    with pytest.raises(UnknownReason):
        await service.adjust(db, world.actor(), Adjust(lines=[line], reason_code="because"))


async def test_above_the_threshold_a_second_person_decides(db: Database, world: SimpleNamespace) -> None:
    await receive(db, world, "APPLE", "500", "LON-A-2")
    command = WriteOff(lines=[WriteOffLine(sku="APPLE", quantity=D(150), location="LON-A-2")], reason_code="damage")
    before = await on_hand(db, world, "APPLE", "LON-A-2")
    asked = (await service.write_off(db, world.actor("warehouse_staff"), command)).answer
    assert asked.posting_id is None
    assert asked.request_id
    assert await on_hand(db, world, "APPLE", "LON-A-2") == before
    with pytest.raises(NotAllowed):
        await service.approve(db, world.actor("warehouse_staff"), asked.request_id, Decide())
    done = (await service.approve(db, world.actor(), asked.request_id, Decide(note="seen it"))).answer
    assert await on_hand(db, world, "APPLE", "LON-A-2") == before - 150
    row = (await service.list_movements(db, world.actor(), MovementFilters(posting_id=done.posting_id), PAGE)).items[0]
    assert row.actor_id == world.people["warehouse_staff"]
    assert row.approved_by == world.people["inventory_manager"]
    with pytest.raises(Refusal):
        await service.approve(db, world.actor(), asked.request_id, Decide())


async def test_transfer_is_a_pair(db: Database, world: SimpleNamespace) -> None:
    await receive(db, world, "APPLE", "9", "LON-A-1")
    move = Transfer(lines=[TransferLine(sku="APPLE", quantity=D(9))], from_location="LON-A-1", to_location="SHOP-FLOOR")
    posted = (await service.transfer(db, world.actor(), move)).answer
    rows = (await service.list_movements(db, world.actor(), MovementFilters(posting_id=posted.posting_id), PAGE)).items
    assert sorted((r.type, r.quantity, r.line_no) for r in rows) == [("TRANSFER_IN", 9, 1), ("TRANSFER_OUT", -9, 1)]
    assert len({r.recorded_at for r in rows}) == 1
    await positions_agree(db)


async def test_two_step_transfer_is_never_lost(db: Database, world: SimpleNamespace) -> None:
    await receive(db, world, "PEAR", "30", "LON-A-1")
    total = await on_hand(db, world, "PEAR", "LON") + await on_hand(db, world, "PEAR", "SHOP")
    move = Transfer(
        lines=[TransferLine(sku="PEAR", quantity=D(12))],
        from_location="LON-A-1",
        to_location="SHOP-FLOOR",
        two_step=True,
    )
    sent = (await service.transfer(db, world.actor(), move)).answer
    shop = (await service.list_stock(db, world.actor(), StockFilters(sku="PEAR", location="SHOP"), PAGE)).items[0]
    assert shop.in_transit == 12
    assert await on_hand(db, world, "PEAR", "LON") + await on_hand(db, world, "PEAR", "SHOP") == total - 12
    assert sent.transfer_id
    part = ReceiveTransfer(lines=[TransferReceiptLine(line_no=1, received=D(5), lost=D(1))])
    await service.receive_transfer(db, world.actor(), sent.transfer_id, part)
    too_much = ReceiveTransfer(lines=[TransferReceiptLine(line_no=1, received=D(7))])
    with pytest.raises(InvalidValue):
        await service.receive_transfer(db, world.actor(), sent.transfer_id, too_much)
    await service.cancel_transfer(db, world.actor(), sent.transfer_id)
    document = await service.get_transfer(db, world.actor(), sent.transfer_id)
    assert document.status == "CANCELLED"
    assert (document.lines[0].received, document.lines[0].lost, document.lines[0].returned) == (5, 1, 6)
    assert await on_hand(db, world, "PEAR", "LON") + await on_hand(db, world, "PEAR", "SHOP") == total - 1
    await positions_agree(db)


async def test_a_serial_is_in_one_place(db: Database, world: SimpleNamespace) -> None:
    with pytest.raises(SerialsNeeded):
        await receive(db, world, "PHONE", "2", "LON-A-1", serials=["S1"])
    await receive(db, world, "PHONE", "2", "LON-A-1", serials=["S1", "S2"])
    with pytest.raises(SerialElsewhere):
        await receive(db, world, "PHONE", "1", "LON-A-2", serials=["s1"])
    sale = Sell(lines=[SellLine(sku="PHONE", quantity=D(1), location="LON-A-1", serials=["S1"])])

    async def sell() -> bool:
        try:
            await service.sell(db, world.actor(), sale)
        except (SerialElsewhere, NotEnoughStock):
            return False
        return True

    assert sum(await asyncio.gather(*(sell() for _ in range(6)))) == 1
    move = Transfer(lines=[TransferLine(sku="PHONE", quantity=D(1), serials=["S2"])], from_location="LON-A-1",
                    to_location="LON-A-2")  # fmt: skip
    await service.transfer(db, world.actor(), move)
    found = (await service.list_serials(db, world.actor(), PAGE, SerialFilters(sku="PHONE"))).items
    assert {(s.serial, s.status, s.location) for s in found} == {("S1", "sold", None), ("S2", "in_stock", "LON-A-2")}
    back = Return(lines=[ReturnLine(sku="PHONE", quantity=D(1), location="LON-Q", serials=["S1"])])
    await service.return_(db, world.actor(), back)
    found = (await service.list_serials(db, world.actor(), PAGE, SerialFilters(serial="S1"))).items
    assert (found[0].status, found[0].location) == ("in_stock", "LON-Q")
    await positions_agree(db)


async def test_correct_is_a_new_row_once(db: Database, world: SimpleNamespace) -> None:
    past = datetime.now(UTC) - timedelta(days=40)
    line = ReceiveLine(sku="FLOUR", quantity=D("12.5"), location="LON-A-1")
    wrong = (await service.receive(db, world.actor(), Receive(lines=[line], effective_at=past))).answer
    assert wrong.first_row_id
    command = Correct(reason="typed 12.5 for 2.5", quantity=D("2.5"))
    await service.correct(db, world.actor(), wrong.first_row_id, command)
    then = StockFilters(sku="FLOUR", location="LON-A-1", as_of=past + timedelta(days=1))
    assert (await service.list_stock(db, world.actor(), then, PAGE)).items[0].on_hand == D("2.5")
    known = StockFilters(sku="FLOUR", location="LON-A-1", known_at=wrong.recorded_at)
    assert (await service.list_stock(db, world.actor(), known, PAGE)).items[0].on_hand == D("12.5")
    with pytest.raises(AlreadyCorrected):
        await service.correct(db, world.actor(), wrong.first_row_id, command)
    row = await service.get_movement(db, world.actor(), wrong.first_row_id)
    assert row.corrected_by is not None
    await positions_agree(db)


async def test_correcting_a_transfer_moves_both_halves(db: Database, world: SimpleNamespace) -> None:
    await receive(db, world, "APPLE", "40", "LON-A-1")
    move = Transfer(lines=[TransferLine(sku="APPLE", quantity=D(10))], from_location="LON-A-1", to_location="LON-A-2")
    posted = (await service.transfer(db, world.actor(), move)).answer
    assert posted.first_row_id
    before = await on_hand(db, world, "APPLE", "LON-A-1"), await on_hand(db, world, "APPLE", "LON-A-2")
    await service.correct(db, world.actor(), posted.first_row_id, Correct(reason="only 4", quantity=D(4)))
    assert await on_hand(db, world, "APPLE", "LON-A-1") == before[0] + 6
    assert await on_hand(db, world, "APPLE", "LON-A-2") == before[1] - 6
    assert posted.last_row_id
    with pytest.raises(AlreadyCorrected):
        await service.correct(db, world.actor(), posted.last_row_id, Correct(reason="again", reverse_only=True))
    await positions_agree(db)


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        (ReceiveLine(sku="NOPE", quantity=D(1), location="LON"), UnknownNames),
        (ReceiveLine(sku="APPLE", quantity=D(1), location="NOWHERE"), UnknownNames),
        (ReceiveLine(sku="APPLE", quantity=D("1.5"), location="LON"), InvalidValue),
        (ReceiveLine(sku="APPLE", quantity=D("NaN"), location="LON"), InvalidValue),
        (ReceiveLine(sku="APPLE", quantity=D("1e400"), location="LON"), InvalidValue),
        (ReceiveLine(sku="APPLE", quantity=D("-1"), location="LON"), InvalidValue),
        (ReceiveLine(sku="APPLE", quantity=D(0), location="LON"), InvalidValue),
        (ReceiveLine(sku="MILK", quantity=D(1), location="LON"), InvalidValue),
        (ReceiveLine(sku="APPLE", quantity=D(1), location="LON", lot="L1"), InvalidValue),
        (ReceiveLine(quantity=D(1), location="LON"), InvalidValue),
        (ReceiveLine(sku="APPLE", quantity=D(1)), InvalidValue),
        (ReceiveLine(sku="APPLE", quantity=D(1), location="LON", unit_cost=D(-1)), InvalidValue),
    ],
)
async def test_bad_lines_are_refused_by_name(
    db: Database, world: SimpleNamespace, line: ReceiveLine, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal) as refused:
        await service.receive(db, world.actor(), Receive(lines=[line]))
    assert "lines[0]" in str(refused.value.facts["field"])


async def test_times_out_of_range_are_refused(db: Database, world: SimpleNamespace) -> None:
    line = ReceiveLine(sku="APPLE", quantity=D(1), location="LON")
    for at in (datetime.now(UTC) + timedelta(days=1), datetime(1969, 1, 1, tzinfo=UTC)):
        with pytest.raises(EffectiveOutOfRange):
            await service.receive(db, world.actor(), Receive(lines=[line], effective_at=at))
    future = StockFilters(as_of=datetime.now(UTC) + timedelta(hours=1))
    with pytest.raises(InvalidValue):
        await service.list_stock(db, world.actor(), future, PAGE)


async def test_scope_and_permission(db: Database, world: SimpleNamespace) -> None:
    staff = world.actor("warehouse_staff", [world.places["SHOP"]])
    command = Receive(lines=[ReceiveLine(sku="APPLE", quantity=D(1), location="LON-A-1")])
    with pytest.raises(NotAllowed):
        await service.receive(db, staff, command)
    with pytest.raises(NotAllowed):
        await service.list_stock(db, staff, StockFilters(location="LON"), PAGE)
    shown = (await service.list_movements(db, staff, MovementFilters(), PAGE)).items
    assert {row.location for row in shown} <= {"SHOP", "SHOP-FLOOR", "SHOP-TRANSIT"}
    with pytest.raises(NotAllowed):
        await service.receive(db, world.actor("viewer"), command)


async def test_who_may_not_see_costs_never_does(db: Database, world: SimpleNamespace) -> None:
    viewer = world.actor("viewer")
    rows = (await service.list_movements(db, viewer, MovementFilters(sku="APPLE"), PAGE)).items
    from perpetua.kit import json

    text = json.dumps(rows) + json.dumps(await service.list_stock(db, viewer, StockFilters(), PAGE))
    assert b"unit_cost" not in text
    assert b"value" not in text


async def test_the_application_cannot_change_the_ledger(db: Database, world: SimpleNamespace) -> None:
    await receive(db, world, "APPLE", "1", "LON-A-1")
    for statement in (
        "UPDATE inventory_transactions SET quantity = 5",
        "DELETE FROM inventory_transactions",
        "TRUNCATE inventory_transactions",
        "DELETE FROM postings",
        "UPDATE inventory_levels SET on_hand = 5",
        "INSERT INTO inventory_transactions (posting_id, recorded_at, effective_at, variant_id, location_id, line_no, "
        "type, quantity) VALUES (1, now(), now(), 1, 1, 1, 'RECEIPT', 1)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with db.transaction() as tx:
                await tx.execute(sql(statement))
    # Nor can the owner.
    for statement in (
        "UPDATE inventory_transactions SET quantity = 5",
        "DELETE FROM inventory_transactions",
        "TRUNCATE inventory_transactions",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with db.admin() as tx:
                await tx.execute(sql(statement))


async def test_a_place_with_stock_cannot_be_removed(db: Database, world: SimpleNamespace) -> None:
    await receive(db, world, "APPLE", "1", "LON-A-1")
    for statement in (
        "DELETE FROM locations WHERE code = 'LON-A-1'",
        "UPDATE locations SET active = false WHERE code = 'LON-A-1'",
    ):
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            async with db.admin() as tx:
                await tx.execute(sql(statement))


async def test_what_a_place_is_decides_how_its_stock_counts(db: Database, world: SimpleNamespace) -> None:
    await receive(db, world, "APPLE", "3", "LON-A-1")
    async with db.admin() as tx:
        await tx.execute(sql("UPDATE locations SET sellable = false WHERE code = 'LON-A-1'"))
    await positions_agree(db)
    async with db.admin() as tx:
        await tx.execute(sql("UPDATE locations SET sellable = true WHERE code = 'LON-A-1'"))
    await positions_agree(db)
