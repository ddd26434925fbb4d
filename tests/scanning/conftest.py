"""The ledger's small world, with barcodes on its items."""

from decimal import Decimal
from typing import Any

import pytest
from tests.worlds import make_world

from perpetua.kit.database import Database, sql

BARCODES = (
    # sku, code as kept, kind, level, units
    ("APPLE", "04006381333931", "ean13", "each", 1),
    ("APPLE", "14006381333938", "gtin14", "case", 12),
    ("PHONE", "80614141123458", "gtin14", "each", 1),
    ("MILK", "09506000134352", "ean13", "each", 1),
    ("PEAR", "PEAR-LABEL", "internal", "each", 1),
    ("FLOUR", "90012345678908", "gtin14", "each", 1),
)


@pytest.fixture(scope="module")
async def world(db: Database) -> Any:
    """The small world in this module's own database."""
    made = await make_world(db)
    add = sql("""INSERT INTO barcodes (variant_id, code, kind, level, units)
                 VALUES (%(v)s, %(c)s, %(k)s, %(l)s, %(u)s)""")
    async with db.admin() as tx:
        for sku, code, kind, level, units in BARCODES:
            row = {"v": made.items[sku], "c": code, "k": kind, "l": level, "u": Decimal(units)}
            await tx.execute(add, row)
    return made
