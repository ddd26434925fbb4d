"""The small world, with barcodes, a lot, and a thousand more items and bins; its people as callers."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from tests.worlds import make_world

from perpetua.access import service as access
from perpetua.access.types import CreateToken
from perpetua.app.settings import Settings
from perpetua.app.web import create_app
from perpetua.kit.database import Database, sql

BARCODES = (
    # sku, code as kept, kind, level, units
    ("APPLE", "04006381333931", "ean13", "each", 1),
    ("APPLE", "14006381333938", "gtin14", "case", 12),
    ("PEAR", "PEAR-LABEL", "internal", "each", 1),
    ("PHONE", "00012345678905", "upca", "each", 1),
    ("MILK", "09506000134352", "ean13", "each", 1),
    ("FLOUR", "00000096385074", "ean8", "each", 1),
)
MANY = """
  WITH p AS (INSERT INTO products (name, first_sku)
             SELECT 'Thing number ' || n, 'THING-' || to_char(n, 'FM00000') FROM generate_series(1, 1100) AS n
             RETURNING id, first_sku, name)
  INSERT INTO product_variants (product_id, sku, name, unit, selling_price)
  SELECT id, first_sku, name, 'each', 19.9 FROM p;
  INSERT INTO locations (code, name, kind, parent_id, pick_sequence)
  SELECT 'LON-B-' || to_char(n, 'FM0000'), 'Bin ' || n, 'bin', (SELECT id FROM locations WHERE code = 'LON'), n
  FROM generate_series(1, 300) AS n;
  INSERT INTO lots (variant_id, number, expires_on, supplier_lot)
  SELECT id, 'L-77/B', '2027-03-31', 'S8841' FROM product_variants WHERE sku = 'MILK';
  INSERT INTO lots (variant_id, number) SELECT id, 'NOLIMIT' FROM product_variants WHERE sku = 'MILK';
  INSERT INTO lots (variant_id, number, expires_on)
  SELECT id, 'THING-LOT', '2027-01-01' FROM product_variants WHERE sku = 'THING-00001';
"""


@pytest.fixture(scope="module")
async def world(db: Database) -> Any:
    """People, places and items; ids by name."""
    made = await make_world(db)
    add = sql("""INSERT INTO barcodes (variant_id, code, kind, level, units)
                 VALUES (%(v)s, %(c)s, %(k)s, %(l)s, %(u)s)""")
    async with db.admin() as tx:
        for sku, code, kind, level, units in BARCODES:
            row = {"v": made.items[sku], "c": code, "k": kind, "l": level, "u": Decimal(units)}
            await tx.execute(add, row)
        await tx.execute(sql(MANY))
    return made


@pytest.fixture(scope="module")
async def callers(
    db: Database, world: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """A client of the web application for a person of each role."""
    app: Any = create_app(Settings(home=Path(tmp_path_factory.mktemp("home")), given_secret="s" * 40), db)
    until = datetime.now(UTC) + timedelta(days=1)
    async with AsyncExitStack() as stack:
        made: dict[str, httpx.AsyncClient] = {}
        for role in world.people:
            command = CreateToken(name="test", expires_at=until)
            token = (await access.create_token(db, world.actor(role), command)).secret
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app), base_url="http://perpetua.local",
                headers={"Authorization": f"Bearer {token}"}, timeout=60,
            )  # fmt: skip
            made[role] = await stack.enter_async_context(client)
        yield made


@pytest.fixture(scope="module")
def client(callers: dict[str, httpx.AsyncClient]) -> httpx.AsyncClient:
    """The inventory manager's client."""
    return callers["inventory_manager"]
