"""How far an order has come on the floor, before it leaves."""

from perpetua.kit.database import Tx
from perpetua.kit.errors import Missing
from perpetua.orders import store
from perpetua.orders.errors import OrderClosed
from perpetua.orders.rules import MOVES
from perpetua.orders.types import Locked, OrderStatus

__all__ = ["advance"]


async def advance(tx: Tx, order_id: int, status: OrderStatus) -> Locked:
    """Move an order on to `status`, as the table of moves allows; the order as it was, under lock.

    Locks the order alone: whoever holds positions too has locked them before.

    Raises:
        Missing: there is no such order.
        OrderClosed: it does not come to `status` from where it is.
    """
    before = (await store.lock(tx, [order_id])).get(order_id)
    if before is None:
        raise Missing("order", order_id)
    if status not in MOVES.get(before.status, frozenset()):
        allowed = sorted(MOVES.get(before.status, ()))
        reason = f"from there it does not become {status}"
        raise OrderClosed(order_id=order_id, status=before.status, reason=reason, asked=status, allowed=allowed)
    await store.set_statuses(tx, {order_id: status})
    return before
