"""A document of thousands of lines is received: beside the ledger's own posting of the same lines, in the same minutes.

An order of as many lines is approved, and comes whole in one command: its lines are allotted, posted, written down.

    python -m bench receiving [--lines 5000]
"""

import argparse
import asyncio
import statistics
import time
from decimal import Decimal
from typing import Final

import psycopg

from bench import kit
from perpetua.access.types import ROLES, Actor
from perpetua.kit.database import Database, count_statements
from perpetua.ledger import service as ledger
from perpetua.ledger.types import Receive, ReceiveLine
from perpetua.partners import service as partners
from perpetua.partners.types import CreateSupplier
from perpetua.purchasing import service as purchasing
from perpetua.purchasing.types import AddLine, ApproveOrder, CreateOrder, SubmitOrder
from perpetua.receiving import service
from perpetua.receiving.types import OpenReceipt, TakeIn, TakeLine

WORLD: Final = """
INSERT INTO people (email, name, role) VALUES ('bench@example.com', 'Bench', 'inventory_manager');
INSERT INTO locations (code, name, kind) VALUES ('W', 'W', 'warehouse');
INSERT INTO locations (code, name, kind, parent_id)
SELECT 'W-' || k, k, k, id FROM locations, unnest('{dock,quarantine}'::text[]) k;
INSERT INTO products (name, first_sku) SELECT 'Product ' || g, 'SKU-' || g FROM generate_series(1, %(n)s) g;
INSERT INTO product_variants (product_id, sku, name, cost_price) SELECT id, first_sku, name, 2 FROM products
"""
ROUNDS: Final = 3


def run(arguments: list[str]) -> None:
    """Build, receive, print."""
    parser = argparse.ArgumentParser(prog="bench receiving")
    parser.add_argument("--lines", type=int, default=5_000)
    lines = parser.parse_args(arguments).lines
    with kit.throwaway_database() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            for text in WORLD.split(";\n"):
                connection.execute(text.encode(), {"n": lines} if "%(n)s" in text else None)
        asyncio.run(measure(url, lines))


async def measure(url: str, lines: int) -> None:
    """Receive a short and a long document, and post the long one plainly, again and again."""
    actor = Actor(person_id=1, name="Bench", role="inventory_manager", permissions=ROLES["inventory_manager"])
    rows: list[list[object]] = []
    async with Database(url) as db:
        await partners.create_supplier(db, actor, CreateSupplier(code="S", name="S", currency="GBP"))
        for many in (lines // 100, lines):
            took: list[float] = []
            plain: list[float] = []
            statements = 0
            for _ in range(ROUNDS):
                seconds, statements = await received(db, actor, many)
                took.append(seconds)
                plain.append(await posted(db, actor, many))
            one, other = statistics.median(took), statistics.median(plain)
            rows.append([f"{many:,} lines", f"{one:.2f} s", f"{many / one:,.0f}", statements, f"{other:.2f} s",
                         f"{one / other:.2f}"])  # fmt: skip
    kit.show(
        "Receiving a document against its order", ["", "time", "lines/s", "statements", "posting alone", "ratio"], rows
    )


async def received(db: Database, actor: Actor, many: int) -> tuple[float, int]:
    """Seconds and statements for an order of so many lines to come in, in one command."""
    asked = [AddLine(sku=f"SKU-{n}", quantity=Decimal(5), unit_price=Decimal(2)) for n in range(1, many + 1)]
    order = (await purchasing.create(db, actor, CreateOrder(supplier="S", site="W", lines=asked))).answer
    await purchasing.approve(db, actor, order.id, ApproveOrder())
    await purchasing.submit(db, actor, order.id, SubmitOrder())
    opened = OpenReceipt(location="W", orders=[order.number])
    receipt = (await service.open_receipt(db, actor, opened)).answer
    lines = [TakeLine(sku=f"SKU-{n}", quantity=Decimal(5)) for n in range(1, many + 1)]
    begun = time.perf_counter()
    with count_statements() as seen:
        await service.take_in(db, actor, receipt.id, TakeIn(lines=lines))
    return time.perf_counter() - begun, len(seen)


async def posted(db: Database, actor: Actor, many: int) -> float:
    """Seconds for the ledger to post the same, with no order."""
    lines = [ReceiveLine(sku=f"SKU-{n}", quantity=Decimal(5)) for n in range(1, many + 1)]
    begun = time.perf_counter()
    await ledger.receive(db, actor, Receive(lines=lines, location="W-dock"))
    return time.perf_counter() - begun
