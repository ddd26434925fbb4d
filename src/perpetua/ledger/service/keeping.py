"""What the ledger needs done now and then: partitions made ahead, seals, checkpoints."""

from datetime import date
from typing import Final

from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Queries, Tx
from perpetua.ledger import store

__all__ = ["AHEAD_MONTHS", "make_checkpoints", "make_partitions", "seal"]

Q = Queries(store.__file__, "upkeep.sql")
AHEAD_MONTHS: Final = 6
SEAL_ROWS: Final = 4096
LATE_ROWS: Final = 10_000
"""More rows than this that came late for a checkpoint make a new generation of it worth its while."""


async def make_partitions(db: Database, *, clock: Clock = system_clock, months: int = AHEAD_MONTHS) -> int:
    """Partitions from this month on, `months` of them; how many were missing."""
    first = clock().date().replace(day=1)

    async def act(tx: Tx) -> int:
        return await tx.value(
            store.Q["make_partitions"], {"first_month": date(first.year, first.month, 1), "months": months}
        )

    return await db.run(act)


async def seal(db: Database, *, most_seals: int = 10_000) -> int:
    """Seal all rows that are final; how many were sealed. Each seal is a transaction of its own."""
    sealed = 0
    for _ in range(most_seals):
        rows = await db.run(lambda tx: tx.value(Q["seal"], {"most": SEAL_ROWS}))
        sealed += rows
        if rows < SEAL_ROWS:
            break
    return sealed


async def make_checkpoints(db: Database, *, late_rows: int = LATE_ROWS) -> int:
    """Make the month-end checkpoints that are due, oldest first, each from the one before; how many."""
    made = 0
    through_id = await db.run(lambda tx: tx.value(Q["advance_horizon"]))
    if not through_id:
        return 0
    async with db.snapshot() as tx:
        due = await tx.values(Q["due_checkpoints"], {"late_rows": late_rows})
    for as_of in due:
        moment = {"as_of": as_of, "through_id": through_id}

        async def act(tx: Tx, moment: dict[str, object] = moment) -> int:
            checkpoint_id = await tx.value(Q["begin_checkpoint"], moment)
            if checkpoint_id is None:
                return 0
            await tx.execute(Q["fill_checkpoint"], {**moment, "checkpoint_id": checkpoint_id})
            await tx.execute(Q["end_checkpoint"], {"checkpoint_id": checkpoint_id})
            return 1

        made += await db.run(act)
    if made:
        await db.run(lambda tx: tx.execute(Q["drop_old_generations"]))
    return made
