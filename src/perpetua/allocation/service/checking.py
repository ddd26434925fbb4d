"""Proof: what is promised is there, is what its rows say, and has its reasons; beside the ledger's own proof."""

from collections.abc import Callable
from typing import Final

from perpetua.access.types import Actor
from perpetua.allocation import store
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Queries
from perpetua.ledger import service as ledger
from perpetua.ledger.types import IntegrityCheck
from perpetua.plates import service as plates
from perpetua.purchasing import service as purchasing

__all__ = ["BY_SET", "check"]

Q = Queries(store.__file__, "checking.sql")

BY_SET: Final = {
    "promised": ("what each position has allocated and reserved is the sum of the open rows", Q["promised"]),
    "oversold": ("no position promises more than lies there to be sold", Q["oversold"]),
    "lots": ("of no lot more is promised than may be sent of it", Q["lots"]),
    "lines": ("what each order line has allocated is the sum of its open allocations", Q["lines"]),
    "kits": ("each kit's line has its components whole", Q["kits"]),
    "reasons": ("each order line has a row that says why it was decided so", Q["reasons"]),
    "orders": ("each order has lines", Q["empty"]),
}


async def check(
    db: Database, actor: Actor, *, told: Callable[[str, int, int], None] | None = None, keep: bool = True,
    clock: Clock = system_clock,
) -> IntegrityCheck:  # fmt: skip
    """The checks of ledger, plates, purchasing and allocation, on one snapshot; each finding names what is wrong, with
    both figures."""
    also = plates.CHECKS | purchasing.CHECKS | BY_SET
    return await ledger.check(db, actor, also=also, told=told, keep=keep, clock=clock)
