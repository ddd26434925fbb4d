"""What is promised of a lot is there: when it is lost, sold, blocked or expires, others come in or orders wait."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from tests.allocation.helpers import bring, make, make_kit, now, order, set_rules, sound

from perpetua.access.types import SYSTEM
from perpetua.allocation import service
from perpetua.allocation.errors import Promised
from perpetua.allocation.types import AskAvailability, ReleaseReservation, Reserve, ReserveLine
from perpetua.kit.database import Database, count_statements, sql
from perpetua.ledger import events
from perpetua.ledger import service as ledger
from perpetua.ledger.types import Adjust, AdjustLine, Sell, SellLine, Transfer, TransferLine
from perpetua.orders.types import Order, PlaceLine, PlaceOrder, ShipOrder

D = Decimal
TODAY = datetime.now(UTC).date()
LATER = str(TODAY + timedelta(days=400))
HELD = """
SELECT t.number, sum(a.quantity)::integer AS quantity FROM order_allocations a JOIN lots t ON t.id = a.lot_id
JOIN order_lines l ON l.id = a.line_id WHERE l.order_id = %(o)s AND a.state = 'open' GROUP BY 1 ORDER BY 1
"""
PROMISED = """
SELECT x.lot_id FROM (
  SELECT variant_id, site_id, lot_id, quantity FROM order_allocations WHERE state = 'open' AND lot_id <> 0
  UNION ALL SELECT variant_id, site_id, lot_id, quantity FROM reservations WHERE state = 'open' AND lot_id <> 0) x
JOIN lots t ON t.id = x.lot_id GROUP BY x.variant_id, x.site_id, x.lot_id, t.blocked, t.expires_on
HAVING sum(x.quantity) > CASE WHEN t.blocked OR t.expires_on < (now() AT TIME ZONE 'UTC')::date THEN 0 ELSE
  (SELECT coalesce(sum(v.on_hand), 0) FROM inventory_levels v JOIN locations l ON l.id = v.location_id
   WHERE v.variant_id = x.variant_id AND v.lot_id = x.lot_id AND l.site_id = x.site_id AND l.sellable) END
"""


ABSENT = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7003 AND pid = pg_backend_pid()"


async def kept(db: Database) -> None:
    """No lot promises more than may be sent of it, and all else that must be true."""
    async with db.transaction() as tx:
        assert not await tx.values(sql(PROMISED))
    await sound(db)


async def held(db: Database, one: Order) -> dict[str, int]:
    """What an order has of which lot."""
    async with db.transaction() as tx:
        return {row["number"]: row["quantity"] for row in await tx.dicts(sql(HELD), {"o": one.id})}


async def stock(db: Database, world: SimpleNamespace, sku: str, **lots: Any) -> None:
    """An item with lots, each with how much of it, and by when it expires."""
    await make(db, world, sku, tracking="lot")
    for number, of in lots.items():
        quantity, expires = of if isinstance(of, tuple) else (of, LATER)
        await bring(db, world, sku, quantity, lot=number, expires_on=str(expires))


async def lose(db: Database, world: SimpleNamespace, sku: str, lot: str, quantity: int, place: str = "LON-A-1") -> None:
    line = AdjustLine(sku=sku, quantity=D(-quantity), location=place, lot=lot)
    await ledger.adjust(db, world.actor(), Adjust(lines=[line], reason_code="damage"))


async def change_lot(db: Database, world: SimpleNamespace, sku: str, number: str, text: str) -> None:
    """As whoever recalls a lot does it."""
    asked = {"v": world.items[sku], "n": number}
    async with db.transaction() as tx:
        lot_id = await tx.value(sql("SELECT id FROM lots WHERE variant_id = %(v)s AND number = %(n)s"), asked)
        async with events.changing_lots(tx, world.actor(), [lot_id], "recall 12"), db.admin() as owner:
            await owner.execute(sql(f"UPDATE lots SET {text} WHERE id = %(i)s"), {"i": lot_id})


async def test_another_lot_comes_in_for_one_that_is_lost(db: Database, world: SimpleNamespace) -> None:
    await stock(db, world, "L1", A=(5, TODAY + timedelta(days=10)), B=(3, TODAY + timedelta(days=20)), C=9)
    first, second = await order(db, world, ("L1", 2)), await order(db, world, ("L1", 3))
    await lose(db, world, "L1", "A", 4)
    assert (await held(db, first), await held(db, second)) == ({"A": 1, "B": 1}, {"B": 2, "C": 1})
    assert [(await now(db, world, one)).status for one in (first, second)] == ["ALLOCATED"] * 2
    told = (await service.explain(db, world.actor(), first.id)).lines[0].later[0]
    assert (told.action, told.given, told.says) == ("moved", 1, "Of lot A moved 1 to lot B: lot A has less.")
    assert told.facts["lots"] == [{"lot": "A", "promised": "5", "there": "1"}]
    await kept(db)
    done = await service.ship(db, world.actor(), first.id, ShipOrder())
    assert done.answer.status == "SHIPPED"
    await kept(db)


async def test_where_no_other_lot_is_the_last_in_turn_wait_again(db: Database, world: SimpleNamespace) -> None:
    await stock(db, world, "L2", A=5, B=5)
    first, second = await order(db, world, ("L2", 5)), await order(db, world, ("L2", 5))
    assert (await held(db, first), await held(db, second)) == ({"A": 5}, {"B": 5})
    await lose(db, world, "L2", "A", 5)
    assert (await held(db, first), await held(db, second)) == ({"B": 5}, {})
    assert (await now(db, world, second)).status == "BACKORDERED"
    await kept(db)
    await bring(db, world, "L2", 5, lot="C", expires_on=LATER)
    assert await held(db, second) == {"C": 5}
    await kept(db)


async def test_lots_that_would_not_last_do_not_come_in(db: Database, world: SimpleNamespace) -> None:
    await stock(db, world, "L3", A=5, SOON=(5, TODAY + timedelta(days=10)))
    one = await order(db, world, ("L3", 3), min_life_days=30)
    await lose(db, world, "L3", "A", 4)
    assert await held(db, one) == {"A": 1}
    again = await now(db, world, one)
    assert (again.status, again.lines[0].backordered) == ("PARTLY_ALLOCATED", 2)
    await kept(db)


async def test_what_is_promised_of_a_lot_is_not_sold_or_put_away(db: Database, world: SimpleNamespace) -> None:
    await stock(db, world, "L4", A=5, B=4)
    one = await order(db, world, ("L4", 4))

    async def sell(lot: str, quantity: int) -> None:
        line = SellLine(sku="L4", quantity=D(quantity), location="LON-A-1", lot=lot)
        await ledger.sell(db, world.actor(), Sell(lines=[line]))

    await sell("A", 3)  # two more than were free of it; others come in
    assert await held(db, one) == {"A": 2, "B": 2}
    with pytest.raises(Promised) as refused:
        await sell("B", 3)
    assert (refused.value.sku, refused.value.allocated) == ("L4", 4)
    line = TransferLine(sku="L4", quantity=D(2), lot="A", from_location="LON-A-1", to_location="LON-Q")
    await ledger.transfer(db, world.actor(), Transfer(lines=[line]))
    assert await held(db, one) == {"B": 4}
    line = TransferLine(sku="L4", quantity=D(1), lot="B", from_location="LON-A-1", to_location="LON-Q")
    with pytest.raises(Promised):
        await ledger.transfer(db, world.actor(), Transfer(lines=[line]))
    line = TransferLine(sku="L4", quantity=D(4), lot="B", from_location="LON-A-1", to_location="LON-A-2")
    await ledger.transfer(db, world.actor(), Transfer(lines=[line]))
    assert await held(db, one) == {"B": 4}
    await kept(db)


async def test_a_lot_is_blocked_and_freed_again(db: Database, world: SimpleNamespace) -> None:
    await stock(db, world, "L5", A=5, B=2)
    first, second = await order(db, world, ("L5", 3)), await order(db, world, ("L5", 2))
    await change_lot(db, world, "L5", "A", "status = 'hold'")
    assert (await held(db, first), await held(db, second)) == ({"B": 2}, {})
    told = (await service.explain(db, world.actor(), second.id)).lines[0].later[0]
    assert (told.action, told.reason) == ("released", "lot A is blocked: recall 12")
    await kept(db)
    await change_lot(db, world, "L5", "A", "status = 'released'")
    assert (await held(db, first), await held(db, second)) == ({"A": 1, "B": 2}, {"A": 2})
    await kept(db)


async def test_blocking_waits_for_who_decides_and_they_for_it(db: Database, world: SimpleNamespace) -> None:
    """Whoever blocks a lot holds its positions, and keeps others from being made: nobody promises of it meanwhile."""
    await stock(db, world, "L6", A=5)
    asked = {"v": world.items["L6"]}
    async with db.transaction() as tx:
        lot_id = await tx.value(sql("SELECT id FROM lots WHERE variant_id = %(v)s"), asked)
        async with events.changing_lots(tx, world.actor(), [lot_id], "recall"):
            assert await tx.value(sql(ABSENT)) == 1


def order_line(sku: str, quantity: int) -> PlaceLine:
    return PlaceLine(sku=sku, quantity=D(quantity))


def tomorrow(days: int) -> Callable[[], datetime]:
    return lambda: datetime.now(UTC) + timedelta(days=days)


async def test_what_expires_by_the_clock_is_replaced_by_the_job(db: Database, world: SimpleNamespace) -> None:
    await stock(db, world, "L7", A=(5, TODAY + timedelta(days=1)), B=3)
    first, second = await order(db, world, ("L7", 2)), await order(db, world, ("L7", 3))
    await service.expire(db, clock=tomorrow(1))
    assert (await held(db, first), await held(db, second)) == ({"A": 2}, {"A": 3})
    await service.expire(db, clock=tomorrow(2))
    assert (await held(db, first), await held(db, second)) == ({"B": 2}, {"B": 1})
    assert (await now(db, world, second)).status == "PARTLY_ALLOCATED"
    assert await service.expire(db, clock=tomorrow(2)) == 0
    await kept(db)


async def test_what_expired_is_replaced_before_anybody_new_gets_some(db: Database, world: SimpleNamespace) -> None:
    await stock(db, world, "L8", A=(5, TODAY + timedelta(days=1)), B=6)
    first = await order(db, world, ("L8", 4))
    waits = await order(db, world, ("L8", 9))
    assert (await now(db, world, waits)).lines[0].backordered == 2
    lines = [order_line("L8", 6)]
    late = await service.place(db, world.actor(), PlaceOrder(lines=lines), clock=tomorrow(2))
    assert (await held(db, first), await held(db, waits), late.answer.status) == ({"B": 4}, {"B": 2}, "BACKORDERED")
    await kept(db)


async def test_what_must_be_replaced_is_not_available(db: Database, world: SimpleNamespace) -> None:
    await stock(db, world, "L9", A=(5, TODAY + timedelta(days=1)), B=6)
    await order(db, world, ("L9", 4))
    asked = AskAvailability(skus=["L9"])
    assert (await service.availability(db, world.actor(), asked)).items[0].available == 7
    assert (await service.availability(db, world.actor(), asked, clock=tomorrow(2))).items[0].available == 2
    answer = await service.place(db, world.actor(), PlaceOrder(lines=[order_line("L9", 6)]), clock=tomorrow(2))
    assert answer.answer.lines[0].allocated == 2


async def test_an_order_ships_what_comes_in_for_what_expired(db: Database, world: SimpleNamespace) -> None:
    await stock(db, world, "L10", A=(5, TODAY + timedelta(days=1)), B=2)
    one = await order(db, world, ("L10", 3))
    done = await service.ship(db, world.actor(), one.id, ShipOrder(effective_at=datetime.now(UTC)), clock=tomorrow(2))
    assert (done.answer.lines[0].shipped, done.answer.lines[0].backordered) == (2, 1)
    await kept(db)


async def test_reservations_come_before_orders_and_move_too(db: Database, world: SimpleNamespace) -> None:
    await stock(db, world, "L11", A=4, B=4)
    lines = [ReserveLine(sku="L11", quantity=D(3))]
    cart = (await service.reserve(db, world.actor(), Reserve(holder="l11", lines=lines))).answer
    one = await order(db, world, ("L11", 5))
    assert (cart.reservations[0].lot, await held(db, one)) == ("A", {"A": 1, "B": 4})
    await lose(db, world, "L11", "A", 4)
    assert await held(db, one) == {"B": 1}
    gone = await service.release(db, world.actor(), ReleaseReservation(holder="l11", ids=[cart.reservations[0].id]))
    assert [(row.lot, row.quantity) for row in gone.answer.reservations] == [("B", 3)]
    assert await held(db, one) == {"B": 4}
    await kept(db)
    await service.reserve(db, world.actor(), Reserve(holder="l11", lines=lines, partial=True))
    await lose(db, world, "L11", "B", 4)
    assert await held(db, one) == {}
    await kept(db)


async def test_kits_give_up_all_components_when_a_lot_of_one_is_lost(db: Database, world: SimpleNamespace) -> None:
    await stock(db, world, "L12", A=2, B=1)
    await make(db, world, "JAR")
    await bring(db, world, "JAR", 9)
    await make_kit(db, world, "L12-KIT", L12=1, JAR=2)
    first, second = await order(db, world, ("L12-KIT", 2)), await order(db, world, ("L12-KIT", 1))
    await lose(db, world, "L12", "A", 1)
    assert [(await now(db, world, one)).lines[0].allocated for one in (first, second)] == [2, 0]
    await lose(db, world, "L12", "A", 1)
    assert [(await now(db, world, one)).lines[0].allocated for one in (first, second)] == [1, 0]
    await kept(db)


async def test_untracked_goods_need_no_further_statement(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "PLAIN")
    await bring(db, world, "PLAIN", 5)
    with count_statements() as seen:
        await order(db, world, ("PLAIN", 1))
    assert not {"lots", "short_lots", "usable_lots"} & set(seen)
    with count_statements() as seen:
        line = AdjustLine(sku="PLAIN", quantity=D(-1), location="LON-A-1")
        await ledger.adjust(db, world.actor(), Adjust(lines=[line], reason_code="damage"))
    assert not {"lots", "short_lots", "usable_lots"} & set(seen)


async def test_the_check_finds_a_lot_that_promises_too_much(db: Database, world: SimpleNamespace) -> None:
    await stock(db, world, "L13", A=5, B=5)
    await order(db, world, ("L13", 3))
    assert "lots" not in {one.name for one in (await service.check(db, SYSTEM, keep=False)).findings if one.wrong}
    async with db.admin() as tx:
        await tx.execute(sql("UPDATE lots SET status = 'hold' WHERE variant_id = %(v)s AND number = 'A'"),
                         {"v": world.items["L13"]})  # fmt: skip
    found = next(one for one in (await service.check(db, SYSTEM, keep=False)).findings if one.name == "lots")
    assert found.wrong == 1
    await service.expire(db)
    assert "lots" not in {one.name for one in (await service.check(db, SYSTEM, keep=False)).findings if one.wrong}
    await set_rules(db, "{}")


async def test_what_lies_at_another_site_comes_in_too(db: Database, world: SimpleNamespace) -> None:
    await stock(db, world, "L14", A=5)
    await bring(db, world, "L14", 3, "SHOP-FLOOR", lot="S", expires_on=LATER)
    one = await order(db, world, ("L14", 4))
    await change_lot(db, world, "L14", "A", "status = 'hold'")
    assert await held(db, one) == {"S": 3}
    assert (await now(db, world, one)).lines[0].sites == {"SHOP": 3}
    await kept(db)
