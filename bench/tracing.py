"""Tracing a lot, and recalling, in a ledger of a million rows: beside a plain scan of the ledger for one lot.

The ledger: 2,000 items of ten lots each; each lot is received, moved, sold to orders, returned and written off in some
fifty rows, and one lot in twenty thousand. Each question is asked many times, the scan in between, on one connection.

    python -m bench tracing [--rows 1000000]
"""

import argparse
import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg

from bench import kit, ledger_world
from perpetua.access.types import SYSTEM
from perpetua.kit.database import Database, sql
from perpetua.kit.listing import PageRequest
from perpetua.tracing import service
from perpetua.tracing.types import OpenRecall, ReleaseLots

ITEMS: Final = 2_000
LOTS: Final = 10
HOT: Final = 20_000
ORDERS: Final = 50_000

WORLD = """
INSERT INTO products (name, first_sku)
SELECT 'Product ' || g, 'LOT-' || lpad(g::text, 5, '0') FROM generate_series(1, {items}) g;
INSERT INTO product_variants (product_id, sku, name, unit, tracking, cost_price)
SELECT id, first_sku, name, 'each', 'lot', 2 FROM products ORDER BY id;
INSERT INTO lots (variant_id, number, supplier, supplier_lot, expires_on)
SELECT v.id, 'L' || g, 'Supplier ' || v.id % 50, 'S' || v.id % 50 || '-' || g, current_date + 200
FROM product_variants v CROSS JOIN generate_series(1, {lots}) g ORDER BY v.id, g;
INSERT INTO customers (code, name) SELECT 'C' || g, 'Customer ' || g FROM generate_series(1, 5000) g;
INSERT INTO orders (channel, external_id, body_hash, status, fulfilment, customer_id, placed_at, created_by)
SELECT 'direct', 'O' || g, '', 'SHIPPED', 'split', 1 + g % 5000, now(), 0 FROM generate_series(1, {orders}) g;
"""
ROWS = """
INSERT INTO postings (recorded_at, effective_at, actor_id, command)
SELECT a.at, a.at, 0, 'bench' FROM (
  SELECT now() - interval '500 days' + (g * 10.0 / {rows}) * interval '499 days' AS at
  FROM generate_series(0, ({rows} - 1) / 10) g) a;
INSERT INTO inventory_transactions (posting_id, recorded_at, effective_at, variant_id, location_id, lot_id, line_no,
                                    type, quantity, reference_type, reference_id)
SELECT 1 + g / 10, a.at, a.at, t.variant_id, 1 + (a.lot % 400), t.id, 1 + g % 10, k.type::transaction_type, k.quantity,
       k.reference_type, CASE k.reference_type WHEN 'order' THEN (1 + abs(hashint8(g)::bigint) % {orders})::text
                         WHEN 'purchase_order' THEN 'PO-' || a.lot END
FROM generate_series(0, {rows} - 1) g
CROSS JOIN LATERAL (
  SELECT now() - interval '500 days' + (g::float8 / {rows}) * interval '499 days' AS at,
         CASE WHEN g >= {count} AND g % ({rows} / {hot}) = 0 THEN 1 ELSE 1 + g % {count} END AS lot,
         g / {count} AS step) a
JOIN lots t ON t.id = a.lot
CROSS JOIN LATERAL (SELECT * FROM (VALUES
  (0, 'RECEIPT', 100000, 'purchase_order'), (3, 'RETURN', 1, 'order'), (5, 'WRITE_OFF', -1, NULL),
  (99, 'SALE', -2, 'order')
) AS v (step, type, quantity, reference_type) WHERE v.step = a.step OR v.step = 99 ORDER BY v.step LIMIT 1) k;
"""


def run(arguments: list[str]) -> None:
    """Build, ask, print."""
    parser = argparse.ArgumentParser(prog="bench tracing")
    parser.add_argument("--rows", type=int, default=1_000_000)
    asked = parser.parse_args(arguments)
    with kit.throwaway_database() as url:
        begun = time.perf_counter()
        build(url, asked.rows)
        print(f"{asked.rows:,} rows made in {time.perf_counter() - begun:.0f} s")
        asyncio.run(ask(url))


def build(url: str, rows: int) -> None:
    """Items, lots, orders and the ledger, as the owner, with the projections."""
    fill = {"items": ITEMS, "lots": LOTS, "orders": ORDERS, "rows": rows, "hot": HOT, "count": ITEMS * LOTS}
    with psycopg.connect(url, autocommit=True) as connection:
        site = connection.execute(ledger_world.PLACE, ["S1", "S1", "warehouse", None]).fetchone()
        assert site
        for number in range(400):
            connection.execute(ledger_world.PLACE, [f"S1-{number}", f"S1-{number}", "bin", site[0]])
        first = (datetime.now(UTC) - timedelta(days=501)).date()
        connection.execute("SELECT ledger_make_partitions(%s::date, 20)", [first])
        connection.execute("SET session_replication_role = replica")
        for text in (WORLD, ROWS, ledger_world.LEVELS):
            for statement in text.format(**fill).split(";\n"):
                if statement.strip():
                    connection.execute(statement.encode())
        connection.execute("VACUUM (ANALYZE)")


async def ask(url: str) -> None:
    """Each question, and the scan between."""
    rnd = random.Random(7)
    watches: dict[str, kit.Stopwatch] = {}
    async with Database(url, max_size=2) as db:

        async def timed(name: str, act: Callable[[], Awaitable[Any]]) -> Any:
            with watches.setdefault(name, kit.Stopwatch()).lap():
                return await act()

        async def scan() -> None:
            async with db.snapshot() as tx:
                for way in ("enable_indexscan", "enable_bitmapscan"):
                    await tx.execute(sql(f"SET LOCAL {way} = off"))
                await tx.dicts(SCAN, {"lot_id": rnd.randint(2, ITEMS * LOTS)})

        def lot() -> int:
            return rnd.randint(2, ITEMS * LOTS)

        page, thousand = PageRequest(), PageRequest(limit=1000)
        for _ in range(8):
            await timed("plain scan for one lot", scan)
            for name, lot_id in (("a lot (50 rows)", lot()), ("the hot lot", 1)):
                await timed(f"forward, {name}", lambda i=lot_id: service.trace_lot(db, SYSTEM, i, "forward", page))
                await timed(f"backward, {name}", lambda i=lot_id: service.trace_lot(db, SYSTEM, i, "backward", page))
                await timed(f"holders, {name}", lambda i=lot_id: service.list_holders(db, SYSTEM, thousand, lot_id=i))
            recalls: list[tuple[str, dict[str, Any]]] = [
                ("a lot (50 rows)", {"lot_ids": [lot()]}), ("the hot lot", {"lot_ids": [1]}),
                ("a supplier's 400 lots", {"supplier": f"Supplier {rnd.randint(1, 49)}"}),
            ]  # fmt: skip
            for name, which in recalls:
                command = OpenRecall(reason="bench", **which)
                opened = (await timed(f"recall, {name}", lambda c=command: service.open_recall(db, SYSTEM, c))).answer
                await timed(
                    f"recall's holders, {name}",
                    lambda r=opened.id: service.list_holders(db, SYSTEM, thousand, recall_id=r),
                )
                every = ReleaseLots(lot_ids=[one.lot_id for one in opened.lots], reason="bench")
                await service.release_lots(db, SYSTEM, opened.id, every)
    base = watches["plain scan for one lot"].percentile(50)
    kit.show(
        "Tracing and recalls (promise: a recall over a million rows < 1 s)",
        ["question", "p50", "slowest", "to the scan"],
        [[name, kit.milliseconds(watch.percentile(50)), kit.milliseconds(watch.percentile(100)),
          f"{watch.percentile(50) / base:.2f}"] for name, watch in watches.items()],
    )  # fmt: skip


SCAN: Final = sql("""SELECT type, reference_type, reference_id, sum(quantity) FROM inventory_transactions
                     WHERE lot_id = %(lot_id)s GROUP BY 1, 2, 3""")
