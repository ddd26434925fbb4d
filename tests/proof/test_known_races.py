"""Races that other systems were found to lose, by their names. Nothing sleeps here: who is to wait is seen waiting."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from perpetua.allocation import service
from perpetua.allocation.service import Request
from perpetua.allocation.types import Reserve, ReserveLine
from perpetua.kit.database import Database, Tx, sql
from perpetua.kit.errors import Refusal
from perpetua.ledger import service as ledger
from perpetua.ledger.types import Adjust, AdjustLine, Receive, ReceiveLine, Return, ReturnLine, Sell, SellLine
from perpetua.orders.types import CancelOrder, Order, Pick, PlaceLine, PlaceOrder, ShipLine, ShipOrder

D = Decimal
NEW = count()


@pytest.fixture(scope="module")
async def pools(database_url: str) -> AsyncIterator[list[Database]]:
    """Two pools, as two processes have them."""
    made = [Database(database_url, max_size=20) for _ in range(2)]
    for pool in made:
        await pool.open()
    yield made
    for pool in made:
        await pool.close()


class Item:
    """An item of its own for a test, and what can be done with it."""

    def __init__(self, db: Database, world: SimpleNamespace, sku: str, variant_id: int) -> None:
        self.db, self.world, self.sku, self.id = db, world, sku, variant_id

    async def bring(self, quantity: int, place: str = "LON-A-1", **more: Any) -> None:
        line = ReceiveLine(sku=self.sku, quantity=D(quantity), location=place, **more)
        await ledger.receive(self.db, self.world.actor(), Receive(lines=[line]))

    def order(self, quantity: int = 1, **more: Any) -> PlaceOrder:
        return PlaceOrder(lines=[PlaceLine(sku=self.sku, quantity=D(quantity))], **more)

    async def place(self, quantity: int = 1, db: Database | None = None, **more: Any) -> Order:
        return (await service.place(db or self.db, self.world.actor(), self.order(quantity, **more))).answer

    async def now(self, order: Order) -> Order:
        return await service.get(self.db, self.world.actor(), order.id)

    async def sound(self) -> tuple[Decimal, Decimal]:
        """What may be sold and what is promised, over all sites; promised is never more, at any."""
        text = """SELECT on_hand - unsellable AS there, allocated + reserved AS promised FROM inventory_positions
                  WHERE variant_id = %(v)s"""
        async with self.db.transaction() as tx:
            rows = await tx.dicts(sql(text), {"v": self.id})
        assert all(row["promised"] <= max(row["there"], 0) for row in rows)
        return sum((row["there"] for row in rows), D(0)), sum((row["promised"] for row in rows), D(0))


@pytest.fixture
async def make(db: Database, world: SimpleNamespace) -> Callable[..., Awaitable[Item]]:
    """Makes an item that nobody has touched."""

    async def made(tracking: str = "none", *, of: dict[int, int] | None = None) -> Item:
        sku = f"RACE-{next(NEW)}"
        async with db.admin() as tx:
            variant_id = await tx.value(
                sql("""WITH r AS (INSERT INTO products (name, first_sku) VALUES (%(s)s, %(s)s) RETURNING id)
                       INSERT INTO product_variants (product_id, sku, name, unit, tracking)
                       SELECT id, %(s)s, %(s)s, 'each', %(t)s FROM r RETURNING id"""),
                {"s": sku, "t": tracking},
            )
            for component, quantity in (of or {}).items():
                await tx.execute(
                    sql("INSERT INTO kit_components (kit_id, component_id, quantity) VALUES (%(k)s, %(c)s, %(q)s)"),
                    {"k": variant_id, "c": component, "q": quantity},
                )
        return Item(db, world, sku, variant_id)

    return made


async def together(*acts: Awaitable[Any]) -> tuple[list[Any], list[Refusal]]:
    """What all gave when run at once; anything else than an answer or a refusal fails the test."""
    gave = await asyncio.gather(*acts, return_exceptions=True)
    for one in gave:
        if isinstance(one, BaseException) and not isinstance(one, Refusal):
            raise one
    return [g for g in gave if not isinstance(g, Refusal)], [g for g in gave if isinstance(g, Refusal)]


async def seen_waiting(db: Database, tx: Tx) -> None:
    """Until somebody waits for what this transaction holds."""
    pid = tx.connection.info.backend_pid
    text = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE %(p)s = ANY (pg_blocking_pids(pid)))"
    async with asyncio.timeout(60):
        while True:
            async with db.transaction() as other:
                if await other.value(sql(text), {"p": pid}):
                    return


async def test_the_last_unit_wanted_sixteen_times_at_once(pools: list[Database], make: Any) -> None:
    item = await make()
    await item.bring(1)
    orders = await asyncio.gather(*(item.place(1, pools[n % 2]) for n in range(16)))
    assert sum(order.lines[0].allocated for order in orders) == 1
    assert await item.sound() == (1, 1)


async def test_two_lines_of_one_cart_share_an_item_and_kits_a_component(make: Any, world: SimpleNamespace) -> None:
    part, other = await make(), await make()
    kit, larger = await make(of={part.id: 1, other.id: 1}), await make(of={part.id: 2})
    await part.bring(5)
    await other.bring(9)
    lines = [PlaceLine(sku=one.sku, quantity=D(2)) for one in (part, kit, larger, part)]
    order = (await service.place(part.db, world.actor(), PlaceOrder(lines=lines))).answer
    assert [line.allocated for line in order.lines] == [2, 2, 0, 1]
    assert await part.sound() == (5, 5)
    assert await other.sound() == (9, 2)


async def test_the_check_and_the_reservation_are_one(pools: list[Database], make: Any, world: SimpleNamespace) -> None:
    item = await make()
    await item.bring(4)
    reserve = Reserve(channel="web", holder="cart", kind="cart", lines=[ReserveLine(sku=item.sku, quantity=D(3))])
    await together(
        item.place(3, pools[0]),
        service.reserve(pools[1], world.actor(), reserve),
        item.place(3, pools[1], fulfilment="complete"),
    )
    there, promised = await item.sound()
    assert (there, promised in {3, 4}) == (4, True)


async def test_a_return_races_an_order(pools: list[Database], make: Any, world: SimpleNamespace) -> None:
    for _ in range(6):
        item = await make()
        await item.bring(1)
        line = ReturnLine(sku=item.sku, quantity=D(2), location="LON-A-1")
        back = Return(lines=[line], direction="in")
        gave, refused = await together(
            item.place(2, pools[0]), ledger.return_(pools[1], world.actor(), back), item.place(2, pools[0])
        )
        assert not refused
        assert await item.sound() == (3, 3)
        now = [await item.now(one) for one in gave if isinstance(one, Order)]
        assert sum(one.lines[0].allocated for one in now) == 3


async def test_a_count_races_an_order(pools: list[Database], make: Any, world: SimpleNamespace) -> None:
    for counted in (0, 1, 5):
        item = await make()
        await item.bring(3)
        line = AdjustLine(sku=item.sku, counted=D(counted), location="LON-A-1")
        await together(
            item.place(2, pools[0]),
            ledger.adjust(pools[1], world.actor(), Adjust(lines=[line], reason_code="count")),
            item.place(2, pools[1]),
        )
        assert await item.sound() == (counted, min(counted, 4))


async def test_a_serial_is_shipped_once(pools: list[Database], make: Any, world: SimpleNamespace) -> None:
    item = await make("serial")
    await item.bring(2, serials=["R1", "R2"])
    orders = [await item.place(), await item.place()]
    pick = Pick(location="LON-A-1", quantity=D(1), serials=["R1"])
    command = ShipOrder(lines=[ShipLine(line_no=1, picks=[pick])])
    gave, refused = await together(
        *(service.ship(pools[n], world.actor(), one.id, command) for n, one in enumerate(orders))
    )
    assert (len(gave), len(refused)) == (1, 1)
    assert await item.sound() == (1, 1)
    states = sorted([(await item.now(one)).status for one in orders])
    assert states == ["ALLOCATED", "SHIPPED"]


async def test_expired_and_blocked_lots_are_not_promised(make: Any, db: Database) -> None:
    item, today = await make("lot"), datetime.now(UTC).date()
    await item.bring(2, lot="OLD", expires_on=str(today - timedelta(days=1)))
    await item.bring(2, lot="BLOCKED", expires_on=str(today + timedelta(days=90)))
    await item.bring(2, lot="GOOD", expires_on=str(today + timedelta(days=60)))
    async with db.admin() as tx:
        await tx.execute(
            sql("UPDATE lots SET status = 'hold' WHERE number = 'BLOCKED' AND variant_id = %(v)s"), {"v": item.id}
        )
    orders = await asyncio.gather(*(item.place(1) for _ in range(6)))
    assert sum(order.lines[0].allocated for order in orders) == 2
    async with db.transaction() as tx:
        lots = await tx.values(
            sql("""SELECT DISTINCT t.number FROM order_allocations a JOIN lots t ON t.id = a.lot_id
                   WHERE a.variant_id = %(v)s"""),
            {"v": item.id},
        )
    assert lots == ["GOOD"]


async def test_a_cancel_races_the_receipt_that_fills_it(
    pools: list[Database], make: Any, world: SimpleNamespace
) -> None:
    for _ in range(6):
        item = await make()
        first, second = await item.place(2), await item.place(2)
        arrival = Receive(lines=[ReceiveLine(sku=item.sku, quantity=D(2), location="LON-A-1")])
        _, refused = await together(
            ledger.receive(pools[0], world.actor(), arrival),
            service.cancel(pools[1], world.actor(), first.id, CancelOrder(reason="no longer")),
        )
        assert not refused
        assert [(await item.now(one)).status for one in (first, second)] == ["CANCELLED", "ALLOCATED"]
        assert await item.sound() == (2, 2)


async def test_an_order_races_the_very_first_receipt(pools: list[Database], make: Any, world: SimpleNamespace) -> None:
    """There is no position to lock yet: whoever is second waits for the first, and they find each other."""
    item = await make()
    arrival = Receive(lines=[ReceiveLine(sku=item.sku, quantity=D(1), location="LON-A-1")])
    async with asyncio.TaskGroup() as group, pools[0].transaction() as tx:
        # As an order that has looked, and found nothing.
        found = await tx.dicts(
            sql("SELECT * FROM allocation_lock(ARRAY[%(v)s]::bigint[], ARRAY[%(s)s]::bigint[])"),
            {"v": item.id, "s": world.places["LON"]},
        )
        assert found == []
        coming = group.create_task(ledger.receive(pools[1], world.actor(), arrival))
        await seen_waiting(item.db, tx)
        assert not coming.done()
    assert await item.sound() == (1, 0)
    for _ in range(6):
        item = await make()
        arrival = Receive(lines=[ReceiveLine(sku=item.sku, quantity=D(1), location="LON-A-1")])
        await together(ledger.receive(pools[0], world.actor(), arrival), item.place(1, pools[1]))
        assert await item.sound() == (1, 1)


async def test_one_external_id_from_two_processes_at_once(pools: list[Database], make: Any) -> None:
    item = await make()
    await item.bring(9)
    name = {"channel": "web", "external_id": f"TWICE-{item.id}"}
    orders = await asyncio.gather(*(item.place(2, pools[n % 2], **name) for n in range(12)))
    assert len({order.id for order in orders}) == 1
    assert await item.sound() == (9, 2)


async def test_a_bad_order_fails_alone(make: Any, world: SimpleNamespace, db: Database) -> None:
    item = await make()
    await item.bring(3)
    bad = [
        PlaceOrder(lines=[PlaceLine(sku=sku, quantity=quantity)])
        for sku, quantity in (
            ("NO\x00THING", D(1)), (item.sku, D("NaN")), (item.sku, D("1e40")), (item.sku, D("0.5")), ("", D(1)),
        )
    ]  # fmt: skip
    orders = [bad[0], item.order(), bad[1], bad[2], item.order(), bad[3], bad[4], item.order()]
    outcomes = await service.place_together(db, [Request(world.actor(), one) for one in orders])
    assert [isinstance(one, Refusal) for one in outcomes] == [True, False, True, True, False, True, True, False]
    assert await item.sound() == (3, 3)


async def test_what_has_expired_stops_no_sale(make: Any, world: SimpleNamespace, db: Database) -> None:
    item = await make()
    await item.bring(1)
    async with db.admin() as tx:
        await tx.execute(
            sql("""INSERT INTO reservations
                     (kind, channel, holder, variant_id, site_id, quantity, expires_at, created_by)
                   VALUES ('cart', 'web', 'gone', %(v)s, %(s)s, 1, now() - interval '1 minute', 0)"""),
            {"v": item.id, "s": world.places["LON"]},
        )
    line = SellLine(sku=item.sku, quantity=D(1), location="LON-A-1")
    await ledger.sell(db, world.actor(), Sell(lines=[line]))
    assert await item.sound() == (0, 0)


async def test_a_lost_component_takes_a_kit_and_leaves_nothing_idle(make: Any, world: SimpleNamespace) -> None:
    one, other = await make(), await make()
    kit = await make(of={one.id: 1, other.id: 1})
    await one.bring(3)
    await other.bring(3)
    whole, single, waiting = await kit.place(3), await one.place(2), await other.place(1)
    assert whole.lines[0].allocated == 3
    line = AdjustLine(sku=one.sku, quantity=D(-1), location="LON-A-1")
    await ledger.adjust(one.db, world.actor(), Adjust(lines=[line], reason_code="damage"))
    # The kit comes first in turn again: it has two, and the third's other component goes to whoever waits for it.
    assert [(await one.now(order)).lines[0].allocated for order in (whole, single, waiting)] == [2, 0, 1]
    assert await one.sound() == (2, 2)
    assert await other.sound() == (3, 3)


async def test_an_expired_lot_is_not_shipped_in_the_place_of_a_lost_one(make: Any, world: SimpleNamespace) -> None:
    item, today = await make("lot"), datetime.now(UTC).date()
    await item.bring(1, lot="GOOD", expires_on=str(today + timedelta(days=9)))
    await item.bring(1, lot="OLD", expires_on=str(today - timedelta(days=9)))
    order = await item.place(1)
    line = AdjustLine(sku=item.sku, quantity=D(-1), location="LON-A-1", lot="GOOD")
    await ledger.adjust(item.db, world.actor(), Adjust(lines=[line], reason_code="damage"))
    with pytest.raises(Refusal):
        await service.ship(item.db, world.actor(), order.id, ShipOrder())
