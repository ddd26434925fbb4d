"""Orders live: they are cancelled, shipped, filled when stock comes, and wait again when it is lost."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from perpetua.allocation import service
from perpetua.allocation.errors import Promised
from perpetua.kit.database import Database, Tx, sql
from perpetua.kit.errors import Refusal
from perpetua.ledger import service as ledger
from perpetua.ledger.types import Adjust, AdjustLine, PostingDraft, Receive, ReceiveLine, Row, Sell, SellLine
from perpetua.orders.types import CancelLine, CancelOrder, Order, PlaceLine, PlaceOrder, ShipLine, ShipOrder


async def bring(
    db: Database, world: SimpleNamespace, sku: str, quantity: int, place: str = "LON-A-1", **more: Any
) -> None:
    line = ReceiveLine(sku=sku, quantity=Decimal(quantity), location=place, **more)
    await ledger.receive(db, world.actor(), Receive(lines=[line]))


async def order(db: Database, world: SimpleNamespace, *lines: tuple[str, int], **more: Any) -> Order:
    asked = [PlaceLine(sku=sku, quantity=Decimal(quantity)) for sku, quantity in lines]
    return (await service.place(db, world.actor(), PlaceOrder(lines=asked, **more))).answer


async def now(db: Database, world: SimpleNamespace, one: Order) -> Order:
    return await service.get(db, world.actor(), one.id)


OPEN = "SELECT variant_id, site_id, line_id, quantity FROM order_allocations WHERE state = 'open'"
POSITIONS = f"""
SELECT p.variant_id, p.site_id, p.allocated, a.quantity FROM inventory_positions p
FULL JOIN (SELECT variant_id, site_id, sum(quantity) AS quantity FROM ({OPEN}) o GROUP BY 1, 2) a
  USING (variant_id, site_id)
WHERE coalesce(p.allocated, 0) <> coalesce(a.quantity, 0)
   OR p.allocated + p.reserved > greatest(p.on_hand - p.unsellable, 0)
"""
LINES = f"""
SELECT l.id, l.allocated, a.quantity FROM order_lines l
LEFT JOIN (SELECT line_id, sum(quantity) AS quantity FROM ({OPEN}) o GROUP BY 1) a ON a.line_id = l.id
WHERE NOT l.kit AND l.allocated <> coalesce(a.quantity, 0)
"""
UNEXPLAINED = """
SELECT l.id FROM order_lines l WHERE NOT EXISTS (SELECT FROM allocation_audit_log g WHERE g.line_id = l.id)
"""


async def sound(db: Database) -> None:
    """What must always be true, by plain sums."""
    async with db.transaction() as tx:
        for wrong in (POSITIONS, LINES, UNEXPLAINED):
            assert not await tx.dicts(sql(wrong))


async def test_a_cancelled_order_gives_to_whoever_waits(db: Database, world: SimpleNamespace) -> None:
    await bring(db, world, "APPLE", 10)
    first = await order(db, world, ("APPLE", 8))
    second = await order(db, world, ("APPLE", 5))
    assert (first.status, second.status) == ("ALLOCATED", "PARTLY_ALLOCATED")
    part = CancelOrder(reason="changed their mind", lines=[CancelLine(line_no=1, quantity=Decimal(1))])
    await service.cancel(db, world.actor(), first.id, part)
    assert (await now(db, world, second)).lines[0].allocated == 3
    await service.cancel(db, world.actor(), first.id, CancelOrder(reason="all of it"), key="c1")
    again = await service.cancel(db, world.actor(), first.id, CancelOrder(reason="all of it"), key="c1")
    assert (again.replayed, again.answer.status) == (True, "CANCELLED")
    filled = await now(db, world, second)
    assert (filled.status, filled.lines[0].allocated) == ("ALLOCATED", 5)
    with pytest.raises(Refusal, match="nothing of it is left"):
        await service.cancel(db, world.actor(), first.id, CancelOrder(reason="again"))
    await sound(db)


async def test_goods_that_come_go_to_the_first_in_turn(db: Database, world: SimpleNamespace) -> None:
    waiting = [await order(db, world, ("PEAR", 4)) for _ in range(3)]
    await bring(db, world, "PEAR", 6)
    assert [(await now(db, world, one)).lines[0].allocated for one in waiting] == [4, 2, 0]
    await bring(db, world, "PEAR", 10, "LON-Q")  # not for sale there
    assert [(await now(db, world, one)).lines[0].allocated for one in waiting] == [4, 2, 0]
    await bring(db, world, "PEAR", 6, "SHOP-FLOOR")
    assert [(await now(db, world, one)).lines[0].sites for one in waiting] == [
        {"LON": 4},
        {"LON": 2, "SHOP": 2},
        {"SHOP": 4},
    ]
    await sound(db)


async def test_an_order_ships_from_where_it_lies(db: Database, world: SimpleNamespace) -> None:
    await bring(db, world, "FLOUR", 5)
    await bring(db, world, "FLOUR", 5, "LON-A-2")
    one = await order(db, world, ("FLOUR", 7), ("APPLE", 9999))
    with pytest.raises(Refusal, match="at most"):
        await service.ship(db, world.actor(), one.id, ShipOrder(lines=[ShipLine(line_no=1, quantity=Decimal(8))]))
    shipped = (await service.ship(db, world.actor(), one.id, ShipOrder(lines=[ShipLine(line_no=1)]), key="s")).answer
    assert (shipped.status, shipped.lines[0].shipped, shipped.lines[0].allocated) == ("PARTLY_SHIPPED", 7, 0)
    levels = await ledger.item_levels(db, world.actor(), [world.items["FLOUR"]])
    assert sorted(level.on_hand for level in levels) == [3]
    await service.cancel(db, world.actor(), one.id, CancelOrder(reason="rest", lines=[CancelLine(line_no=2)]))
    assert (await now(db, world, one)).status == "SHIPPED"
    await sound(db)


async def test_promised_stock_is_not_sold_but_can_be_lost(db: Database, world: SimpleNamespace) -> None:
    now_free = "SELECT sum(on_hand - unsellable - allocated) FROM inventory_positions WHERE variant_id = %(v)s"
    async with db.transaction() as tx:
        free = await tx.value(sql(now_free), {"v": world.items["FLOUR"]})
    await bring(db, world, "FLOUR", 10)
    first = await order(db, world, ("FLOUR", int(free) + 4))
    second = await order(db, world, ("FLOUR", 6))
    sale = Sell(lines=[SellLine(sku="FLOUR", quantity=Decimal(1), location="LON-A-1")])
    with pytest.raises(Promised) as refused:
        await ledger.sell(db, world.actor(), sale)
    assert (refused.value.available, refused.value.allocated) == (0, free + 10)
    lost = AdjustLine(sku="FLOUR", quantity=Decimal(-7), location="LON-A-1")
    await ledger.adjust(db, world.actor(), Adjust(lines=[lost], reason_code="damage"))
    after = [await now(db, world, one) for one in (first, second)]
    assert [one.lines[0].allocated for one in after] == [free + 3, 0]
    assert [one.status for one in after] == ["PARTLY_ALLOCATED", "BACKORDERED"]
    await sound(db)


async def test_all_or_nothing_waits_without_holding(db: Database, world: SimpleNamespace) -> None:
    whole = await order(db, world, ("MILK", 2), ("PHONE", 1), fulfilment="complete")
    assert whole.status == "BACKORDERED"
    refused = await order(db, world, ("MILK", 2), fulfilment="cancel_rest")
    assert (refused.status, refused.lines[0].refused) == ("CANCELLED", 2)
    await bring(db, world, "MILK", 2, lot="M1", expires_on="2099-01-01")
    assert (await now(db, world, whole)).status == "BACKORDERED"
    await bring(db, world, "PHONE", 1, serials=["SN1"])
    assert (await now(db, world, whole)).status == "ALLOCATED"
    await sound(db)


async def test_goods_come_to_two_sites_at_once_and_one_line_waits(
    db: Database, world: SimpleNamespace, database_url: str
) -> None:
    one = await order(db, world, ("PEAR", 5))

    async def goods(tx: Tx, place: str) -> None:
        row = Row(line_no=1, type="RECEIPT", variant_id=world.items["PEAR"], location_id=world.places[place],
                  quantity=Decimal(5))  # fmt: skip
        draft = PostingDraft(command="receive", effective_at=datetime.now(UTC), rows=[row])
        await ledger.post(tx, world.actor(), draft)

    async with db.transaction() as first:
        await goods(first, "LON-A-1")
        second = asyncio.create_task(db.run(lambda tx: goods(tx, "SHOP-FLOOR")))
        await blocked(database_url)
    await second
    filled = await now(db, world, one)
    assert (filled.status, filled.lines[0].allocated, filled.lines[0].sites) == ("ALLOCATED", 5, {"LON": 5})
    await sound(db)


async def blocked(url: str) -> None:
    """Until somebody waits for a lock in this database."""
    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(30), await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while not (row := await (await connection.execute(waits.encode())).fetchone()) or not row[0]:
            pass
