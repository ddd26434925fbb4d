"""Transactions that meet half-way: who waits for what is read before anything is locked, so it may change until then.

Then a position is locked late, out of the one order of all. That is no fault of what is decided, which is read under
the lock; but two can wait for each other. PostgreSQL ends one, and it is begun anew, from what is there then: counted.
"""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace

from tests.allocation.helpers import bring, make, now, order, sound

from perpetua.allocation import service
from perpetua.allocation.service import changing
from perpetua.kit.database import Database, Tx
from perpetua.orders.types import CancelOrder


async def test_who_meets_another_is_begun_anew_and_counted(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "MEET-1", "MEET-2")
    for sku in ("MEET-1", "MEET-2"):
        await bring(db, world, sku, 2)
    first, second = await order(db, world, ("MEET-1", 2)), await order(db, world, ("MEET-2", 2))
    waits = await order(db, world, ("MEET-1", 1), ("MEET-2", 1), fulfilment="complete")
    both = asyncio.Barrier(2)
    retried = db.retried["DeadlockDetected"]

    async def crossing(one: int, other: int) -> None:
        """Locks the one, then, when somebody has the other, that too."""
        met = False

        async def act(tx: Tx) -> None:
            nonlocal met
            await changing.hold(tx, world.actor(), one, datetime.now(UTC))
            if not met:
                met = True
                await both.wait()
            await changing.hold(tx, world.actor(), other, datetime.now(UTC))

        await db.run(act)

    # The one that waits needs both positions: let it go, so that each of the others is locked by itself.
    await service.cancel(db, world.actor(), waits.id, CancelOrder(reason="no"))
    await asyncio.gather(crossing(first.id, second.id), crossing(second.id, first.id))
    assert db.retried["DeadlockDetected"] == retried + 1
    assert [(await now(db, world, one)).status for one in (first, second)] == ["ALLOCATED"] * 2
    await sound(db)
