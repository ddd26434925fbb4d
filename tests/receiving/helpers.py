"""Receipts by the shortest way, and what must always be true of them."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from tests.purchasing.helpers import ordered
from tests.purchasing.helpers import sound as orders_sound

from perpetua.kit.database import Database, sql
from perpetua.purchasing.types import Order
from perpetua.receiving import service
from perpetua.receiving.types import CloseReceipt, OpenReceipt, Receipt, TakeIn, TakeLine, Taken, UndoLines

__all__ = ["close", "line", "on_hand", "open_for", "ordered", "sound", "take", "undo"]

RECEIVED = """
  SELECT p.id, p.received, c.quantity FROM po_lines p
  FULL JOIN (SELECT po_line_id, sum(quantity) AS quantity FROM receipt_lines
             WHERE undone_at IS NULL AND po_line_id IS NOT NULL GROUP BY 1) c ON c.po_line_id = p.id
  WHERE coalesce(p.received, 0) <> coalesce(c.quantity, 0)
"""
POSTED = """
  SELECT l.id, l.quantity, t.quantity AS posted FROM receipt_lines l
  LEFT JOIN LATERAL (
    SELECT sum(t.quantity) AS quantity FROM inventory_transactions t
    WHERE t.posting_id IN (l.posting_id, l.undone_posting_id) AND t.line_no = l.line_no
      AND t.type = 'RECEIPT' AND t.reference_type = 'receipt') t ON true
  WHERE t.quantity IS DISTINCT FROM CASE WHEN l.undone_at IS NULL THEN l.quantity ELSE 0 END
"""


async def sound(db: Database) -> None:
    """Orders, receipts and the ledger say the same."""
    await orders_sound(db)
    async with db.transaction() as tx:
        for wrong in (RECEIVED, POSTED):
            assert not await tx.dicts(sql(wrong)), wrong


def line(sku: str, quantity: int | str, **more: Any) -> TakeLine:
    """A line that came."""
    return TakeLine(sku=sku, quantity=Decimal(quantity), **more)


async def open_for(
    db: Database, world: SimpleNamespace, *orders: Order, role: Any = "warehouse_staff", **more: Any
) -> int:
    """A receipt at LON, for these orders."""
    command = OpenReceipt(**{"location": "LON", "orders": [order.number for order in orders], **more})
    return (await service.open_receipt(db, world.actor(role), command)).answer.id


async def take(
    db: Database, world: SimpleNamespace, receipt_id: int, *lines: TakeLine, role: Any = "warehouse_staff",
    key: str | None = None, **more: Any,
) -> Taken:  # fmt: skip
    """Take lines in."""
    command = TakeIn(lines=list(lines), **more)
    return (await service.take_in(db, world.actor(role), receipt_id, command, key=key)).answer


async def undo(
    db: Database, world: SimpleNamespace, receipt_id: int, *numbers: int, role: Any = "warehouse_staff"
) -> Receipt:
    """Undo lines."""
    command = UndoLines(line_nos=list(numbers), reason="counted twice")
    return (await service.undo_lines(db, world.actor(role), receipt_id, command)).answer


async def close(db: Database, world: SimpleNamespace, receipt_id: int) -> Receipt:
    """Close a receipt."""
    return (await service.close_receipt(db, world.actor("warehouse_staff"), receipt_id, CloseReceipt())).answer


async def on_hand(db: Database, world: SimpleNamespace, sku: str, place: str | None = None) -> Decimal:
    """On hand of an item, in a place or in all."""
    text = """SELECT coalesce(sum(v.on_hand), 0) FROM inventory_levels v JOIN locations l ON l.id = v.location_id
              WHERE v.variant_id = %(v)s AND (%(p)s::text IS NULL OR l.code = %(p)s)"""
    async with db.transaction() as tx:
        return await tx.value(sql(text), {"v": world.items[sku], "p": place})
