"""Clerks at one delivery, and at several of one order: together they never take in more than is let through."""

import asyncio
from decimal import Decimal
from types import SimpleNamespace

from tests.allocation.helpers import order
from tests.allocation.helpers import sound as stock_sound
from tests.purchasing.helpers import on_order
from tests.receiving.helpers import line, on_hand, open_for, ordered, sound, take, undo

from perpetua.kit.database import Database, sql
from perpetua.receiving.errors import AlreadyUndone, OverReceipt
from perpetua.receiving.types import Receipt, Taken


async def test_two_clerks_at_one_order(db: Database, world: SimpleNamespace) -> None:
    buying = await ordered(db, world, ("APPLE", 20), ("PEAR", 20))
    receipts = [await open_for(db, world, buying) for _ in range(2)]
    before = await on_hand(db, world, "APPLE")
    # 24 boxes of one are scanned at the two doors; 20 were ordered.
    scans = [take(db, world, receipts[n % 2], line("APPLE", 1), line("PEAR", 1)) for n in range(24)]
    done = await asyncio.gather(*scans, return_exceptions=True)
    assert sum(isinstance(one, Taken) for one in done) == 20, [one for one in done if not isinstance(one, Taken)]
    assert sum(isinstance(one, OverReceipt) for one in done) == 4
    assert await on_hand(db, world, "APPLE") - before == 20
    assert await on_order(db, world, "APPLE") == 0
    await sound(db)


async def test_the_same_scan_sent_again_is_one(db: Database, world: SimpleNamespace) -> None:
    buying = await ordered(db, world, ("PEAR", 9))
    receipt = await open_for(db, world, buying)
    done = await asyncio.gather(*(take(db, world, receipt, line("PEAR", 4), key="scan-1") for _ in range(8)))
    assert len({one.posting_id for one in done}) == 1
    assert await on_order(db, world, "PEAR") == 5
    await sound(db)


async def test_it_is_undone_once(db: Database, world: SimpleNamespace) -> None:
    buying = await ordered(db, world, ("APPLE", 50))
    receipt = await open_for(db, world, buying)
    await take(db, world, receipt, line("APPLE", 25))
    many = await asyncio.gather(*(undo(db, world, receipt, 1) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(one, Receipt) for one in many) == 1
    assert sum(isinstance(one, AlreadyUndone) for one in many) == 4
    await sound(db)


async def test_goods_come_while_others_order_them(db: Database, world: SimpleNamespace) -> None:
    buying = await ordered(db, world, ("PEAR", 40))
    receipt = await open_for(db, world, buying)
    await asyncio.gather(
        *(take(db, world, receipt, line("PEAR", 2)) for _ in range(20)),
        *(order(db, world, ("PEAR", 1)) for _ in range(40)),
    )
    async with db.transaction() as tx:
        waiting = await tx.value(
            sql("SELECT sum(backordered) FROM order_lines WHERE variant_id = %(v)s"), {"v": world.items["PEAR"]}
        )
    assert waiting == Decimal(0)
    await stock_sound(db)
    await sound(db)
