"""Short ways to bring stock, to order, and to check what must always be true."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from perpetua.allocation import service
from perpetua.kit.database import Database, sql
from perpetua.ledger import service as ledger
from perpetua.ledger.types import Receive, ReceiveLine
from perpetua.orders.types import Order, PlaceLine, PlaceOrder

OPEN = "SELECT variant_id, site_id, line_id, quantity FROM order_allocations WHERE state = 'open'"
POSITIONS = f"""
SELECT p.variant_id, p.site_id, p.allocated, a.quantity FROM inventory_positions p
FULL JOIN (SELECT variant_id, site_id, sum(quantity) AS quantity FROM ({OPEN}) o GROUP BY 1, 2) a
  USING (variant_id, site_id)
WHERE coalesce(p.allocated, 0) <> coalesce(a.quantity, 0)
   OR p.allocated + p.reserved > greatest(p.on_hand - p.unsellable, 0)
"""
RESERVED = """
SELECT p.variant_id, p.site_id, p.reserved, r.quantity FROM inventory_positions p
FULL JOIN (SELECT variant_id, site_id, sum(quantity) AS quantity FROM reservations WHERE state = 'open' GROUP BY 1, 2) r
  USING (variant_id, site_id)
WHERE coalesce(p.reserved, 0) <> coalesce(r.quantity, 0)
"""
LINES = f"""
SELECT l.id, l.allocated, a.quantity FROM order_lines l
LEFT JOIN (SELECT line_id, sum(quantity) AS quantity FROM ({OPEN}) o GROUP BY 1) a ON a.line_id = l.id
WHERE NOT l.kit AND l.allocated <> coalesce(a.quantity, 0)
"""
KITS = f"""
SELECT l.id, k.component_id FROM order_lines l JOIN kit_components k ON k.kit_id = l.variant_id
LEFT JOIN (SELECT line_id, variant_id, sum(quantity) AS quantity FROM ({OPEN}) o GROUP BY 1, 2) a
  ON a.line_id = l.id AND a.variant_id = k.component_id
WHERE l.kit AND l.allocated * k.quantity <> coalesce(a.quantity, 0)
"""
UNEXPLAINED = """
SELECT l.id FROM order_lines l WHERE NOT EXISTS (SELECT FROM allocation_audit_log g WHERE g.line_id = l.id)
"""


async def bring(
    db: Database, world: SimpleNamespace, sku: str, quantity: int | str, place: str = "LON-A-1", **more: Any
) -> None:
    """Receive some of an item."""
    line = ReceiveLine(sku=sku, quantity=Decimal(quantity), location=place, **more)
    await ledger.receive(db, world.actor(), Receive(lines=[line]))


async def order(db: Database, world: SimpleNamespace, *lines: tuple[str, int], **more: Any) -> Order:
    """Place an order."""
    asked = [PlaceLine(sku=sku, quantity=Decimal(quantity)) for sku, quantity in lines]
    return (await service.place(db, world.actor(), PlaceOrder(lines=asked, **more))).answer


async def now(db: Database, world: SimpleNamespace, one: Order) -> Order:
    """The order as it is now."""
    return await service.get(db, world.actor(), one.id)


async def sound(db: Database) -> None:
    """What must always be true, by plain sums."""
    async with db.transaction() as tx:
        for wrong in (POSITIONS, RESERVED, LINES, KITS, UNEXPLAINED):
            assert not await tx.dicts(sql(wrong)), wrong


async def make(db: Database, world: SimpleNamespace, *skus: str, tracking: str = "none") -> None:
    """Items of a test's own."""
    async with db.admin() as tx:
        for sku in skus:
            world.items[sku] = await tx.value(
                sql("""WITH r AS (INSERT INTO products (name, first_sku) VALUES (%(s)s, %(s)s) RETURNING id)
                       INSERT INTO product_variants (product_id, sku, name, unit, tracking)
                       SELECT id, %(s)s, %(s)s, 'each', %(t)s FROM r RETURNING id"""),
                {"s": sku, "t": tracking},
            )


async def make_kit(db: Database, world: SimpleNamespace, sku: str, **parts: int) -> None:
    """A kit of components, each with how many make one."""
    await make(db, world, sku)
    async with db.transaction() as tx:
        for part, quantity in parts.items():
            await tx.execute(
                sql("INSERT INTO kit_components (kit_id, component_id, quantity) VALUES (%(k)s, %(c)s, %(q)s)"),
                {"k": world.items[sku], "c": world.items[part], "q": quantity},
            )


async def set_rules(db: Database, text: str) -> None:
    """New rules, by the shortest way."""
    async with db.transaction() as tx:
        await tx.execute(sql("INSERT INTO allocation_config (rules, created_by) VALUES (%(r)s::jsonb, 0)"), {"r": text})
