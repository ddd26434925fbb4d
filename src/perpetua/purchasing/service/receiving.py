"""For whoever takes goods in, inside their transaction: orders under lock, and what came of their lines.

The order of locks: the receipt's row, `lock_orders`, the ledger's posting (which locks the positions), `take_in`, and
what waits for the goods. `take_in` after the posting finds its positions locked already, in the one order of all.
"""

from collections.abc import Collection, Sequence

from perpetua.kit.database import Tx
from perpetua.purchasing import store
from perpetua.purchasing.errors import NotOrdered
from perpetua.purchasing.types import Came, Coming, OrderToReceive, TakenIn

__all__ = ["coming", "lock_orders", "take_in"]


async def lock_orders(tx: Tx, po_ids: Collection[int]) -> dict[int, OrderToReceive]:
    """The orders with all their lines, by id, locked in the order of their ids until the transaction ends; what is not
    there is not in it. Three statements. Rights and places are the caller's to check."""
    there = await store.lock(tx, po_ids)
    return await store.to_receive(tx, there) if there else {}


async def take_in(tx: Tx, came: Sequence[Came]) -> list[TakenIn]:
    """Write what came of lines (negative: what was written as received was not), in one statement; statuses and what is
    on order follow. More than ordered is taken: whether it may be is the caller's to judge. Whoever waits is told
    anew within the minute; who wants it at once asks `allocation.service.expect`.

    Raises:
        NotOrdered: a line that is not there or was not submitted, or would have received less than nothing.
    """
    if not came:
        return []
    taken = await store.take_in(tx, came)
    if missing := {one.line_id for one in came} - {one.line_id for one in taken}:
        raise NotOrdered(lines=sorted(missing)[:100])
    return taken


async def coming(tx: Tx, variant_ids: Sequence[int]) -> list[Coming]:
    """What is to come of these, the earliest first; one statement."""
    return await store.coming(tx, variant_ids)
