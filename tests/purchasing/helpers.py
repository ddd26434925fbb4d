"""Suppliers, orders by the shortest way, and what must always be true of them."""

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from perpetua.access.types import Actor
from perpetua.kit.database import Database, sql
from perpetua.partners import service as partners
from perpetua.partners.types import Calendar, CreateSupplier
from perpetua.purchasing import service
from perpetua.purchasing.rules import status_of
from perpetua.purchasing.types import (
    AddLine,
    ApproveOrder,
    Came,
    Counts,
    CreateOrder,
    Order,
    SubmitOrder,
    TakenIn,
    number_of,
)

D = Decimal
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)

PRICES = """
  INSERT INTO supplier_items (supplier_id, variant_id, supplier_sku, lead_time_days, min_order_qty, pack_multiple,
                              preferred)
  SELECT s.id, v.id, 'S-' || v.sku, i.days, i.least, i.pack, true
  FROM (VALUES ('APPLE', 7, 10, 5), ('PEAR', 3, 0, 0), ('MILK', NULL, 0, 0), ('PHONE', 14, 1, 0))
    AS i (sku, days, least, pack)
  JOIN product_variants v USING (sku) JOIN suppliers s ON s.code = 'ORCHARD';
  INSERT INTO supplier_prices (supplier_item_id, min_qty, unit_price)
  SELECT i.id, p.min_qty, p.price FROM supplier_items i JOIN product_variants v ON v.id = i.variant_id
  JOIN (VALUES ('APPLE', 0, 0.25), ('APPLE', 100, 0.2), ('PEAR', 0, 0.5), ('MILK', 0, 1), ('PHONE', 1, 300))
    AS p (sku, min_qty, price) USING (sku);
"""

POSITIONS = """
  SELECT * FROM (SELECT variant_id, site_id, sum(on_order) AS due FROM po_lines GROUP BY 1, 2) l
  FULL JOIN inventory_positions p USING (variant_id, site_id)
  WHERE coalesce(p.on_order, 0) <> coalesce(l.due, 0)
"""
LINES = """
  SELECT po_id, ordered, received, cancelled, placed, promised_on IS NOT NULL AS promised, status
  FROM po_lines l JOIN purchase_orders o ON o.id = l.po_id
"""
EMPTY = "SELECT id FROM purchase_orders o WHERE NOT EXISTS (SELECT FROM po_lines WHERE po_id = o.id)"
UNAPPROVED = """
  SELECT o.id FROM purchase_orders o WHERE o.submitted_at IS NOT NULL
  AND NOT EXISTS (SELECT FROM po_approvals a WHERE a.po_id = o.id AND a.person_id > 0)
"""


async def stock_up(db: Database, world: SimpleNamespace) -> None:
    """Two suppliers; the first sells most things."""
    buyer = world.actor("purchasing_staff")
    for code, currency, email in (("ORCHARD", "GBP", "orders@orchard.example"), ("BERLIN", "EUR", None)):
        command = CreateSupplier(
            code=code, name=f"{code} Ltd", currency=currency, order_email=email, lead_time_days=5, calendar=Calendar()
        )
        await partners.create_supplier(db, buyer, command)
    async with db.admin() as tx:
        await tx.execute(sql(PRICES))


async def drafted(db: Database, actor: Actor, *lines: tuple[str, int], **more: Any) -> Order:
    """A draft of items and quantities, from ORCHARD for LON unless it says otherwise."""
    asked = [AddLine(sku=sku, quantity=D(quantity)) for sku, quantity in lines]
    command = CreateOrder(**{"supplier": "ORCHARD", "site": "LON", "lines": asked, **more})
    return (await service.create(db, actor, command)).answer


async def ordered(db: Database, world: SimpleNamespace, *lines: tuple[str, int], **more: Any) -> Order:
    """The same, approved and submitted, on a Monday."""
    draft = await drafted(db, world.actor(), *lines, **more)
    await service.approve(db, world.actor(), draft.id, ApproveOrder())
    done = await service.submit(db, world.actor(), draft.id, SubmitOrder(), clock=lambda: MONDAY)
    return done.answer


async def took_in(db: Database, order: Order, **quantities: Decimal | int) -> list[TakenIn]:
    """So much comes of the items (each on one line of the order)."""

    async def act(tx: Any) -> list[TakenIn]:
        lines = {line.sku: line.id for line in (await service.lock_orders(tx, [order.id]))[order.id].lines}
        return await service.take_in(tx, [Came(lines[sku], D(n), MONDAY) for sku, n in quantities.items()])

    return await db.run(act)


async def on_order(db: Database, world: SimpleNamespace, sku: str, site: str = "LON") -> Decimal:
    """What the position shows."""
    text = "SELECT on_order FROM inventory_positions WHERE variant_id = %(v)s AND site_id = %(s)s"
    async with db.transaction() as tx:
        found = await tx.value(sql(text), {"v": world.items[sku], "s": world.places[site]})
    return found if found is not None else D(0)


async def sound(db: Database) -> None:
    """What must always be true, by plain sums and the rule."""
    async with db.transaction() as tx:
        for wrong in (POSITIONS, EMPTY, UNAPPROVED):
            assert not await tx.dicts(sql(wrong)), wrong
        rows = await tx.dicts(sql(LINES))
    found: dict[tuple[int, str], list[Counts]] = {}
    for row in rows:
        found.setdefault((row.pop("po_id"), row.pop("status")), []).append(Counts(**row))
    for (po_id, status), lines in found.items():
        assert status_of(lines) == status, number_of(po_id)
