"""What the ledger needs done now and then: partitions made ahead, seals, checkpoints."""

from datetime import UTC, date, datetime
from typing import Any, Final

import msgspec

from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Queries, Tx
from perpetua.ledger import store

__all__ = ["AHEAD_MONTHS", "make_checkpoints", "make_partitions", "seal"]

Q = Queries(store.__file__, "upkeep.sql")
READING = Queries(store.__file__, "reading.sql")
AHEAD_MONTHS: Final = 6
BEFORE_ALL: Final = datetime(1, 1, 1, tzinfo=UTC)
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


class MonthEnd(msgspec.Struct, frozen=True, kw_only=True):
    """A month end that could have a checkpoint."""

    as_of: datetime
    rows: int
    levels: int | None
    late: int


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """The checkpoint that the next one goes on from."""

    base_id: int | None = None
    base_as_of: datetime = BEFORE_ALL
    base_through: int = 0


async def make_checkpoints(db: Database, *, late_rows: int = LATE_ROWS) -> int:
    """Make the month-end checkpoints that are due, oldest first, each from the one before; how many.

    A month end is due when at least as many rows happened since the checkpoint before it as that one has levels: so
    checkpoints never outgrow the ledger, and no answer reads much more than twice the levels. It is due again when
    `late_rows` came late for it.
    """
    through_id = await db.run(lambda tx: tx.value(Q["advance_horizon"]))
    if not through_id:
        return 0
    async with db.snapshot() as tx:
        ends = await tx.rows(Q["month_ends"], {"through_id": through_id}, as_=MonthEnd)
    made, since, levels = 0, 0, 0
    for end in ends:
        since += end.rows
        if (end.levels is None and since >= levels) or end.late >= late_rows:
            levels = await db.run(lambda tx, as_of=end.as_of: _make_checkpoint(tx, as_of, through_id))
            made += 1
            since = 0
        elif end.levels is not None:
            levels, since = end.levels, 0
    if made:
        await db.run(lambda tx: tx.execute(Q["drop_old_generations"]))
    return made


async def _make_checkpoint(tx: Tx, as_of: datetime, through_id: int) -> int:
    """How many levels it has."""
    moment: dict[str, Any] = {"as_of": as_of, "through_id": through_id}
    base = await tx.maybe(Q["base_checkpoint"], moment, as_=Base) or Base()
    await tx.execute(READING["much_memory"])
    moment["checkpoint_id"] = await tx.value(Q["begin_checkpoint"], moment)
    await tx.execute(Q["fill_checkpoint"], moment | msgspec.structs.asdict(base))
    return await tx.value(Q["end_checkpoint"], moment)
