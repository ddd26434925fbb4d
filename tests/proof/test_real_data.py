"""Real trade: ten months of invoice lines go in, and their sums are those that are known of the file."""

import json
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from perpetua.access.types import SYSTEM
from perpetua.kit.database import Database
from perpetua.kit.imports import ImportOptions, Source, begin
from perpetua.ledger import service
from perpetua.ledger.imports import MOVEMENTS

MILLION = 1_000_000
FILE = "online_retail/online_retail_2010-12-01_to_2011-10-02.csv.gz"
# After each row of an item, in the order in which things happened: never less than nothing.
LOWEST = """SELECT min(on_hand) FROM (
  SELECT sum(sum(quantity)) OVER (PARTITION BY variant_id, location_id ORDER BY effective_at) AS on_hand
  FROM inventory_transactions GROUP BY variant_id, location_id, effective_at) x"""


@pytest.mark.real_data
@pytest.mark.slow
async def test_ten_months_of_invoices(db: Database, database_url: str, shared: Path) -> None:
    file = shared / "data" / FILE
    known = json.loads((shared / "data" / "KNOWN_ANSWERS.json").read_text())["online_retail (<=2011-10-02)"]
    done = await begin(db, SYSTEM, MOVEMENTS, [Source(file, file.name)], ImportOptions(kind={"opening": "smallest"}))
    said = done.summary
    assert done.state == "done"
    assert (done.rows_total, done.rows_good + done.rows_bad) == (known["rows"], known["rows"])
    assert said["micro_quantity_all_rows"] == known["net_qty"] * MILLION
    assert said["micro_value_all_rows"] == int(Decimal(str(known["net_value"])) * MILLION)
    assert said["not_a_product"] == known["nonproduct_rows"] == done.rows_bad
    with psycopg.connect(database_url) as connection:
        sums = {
            kind: (rows, units)
            for kind, rows, units in connection.execute(
                """SELECT type::text, count(*), sum(quantity) FROM inventory_transactions
                   WHERE reason_code IS DISTINCT FROM 'opening' GROUP BY 1"""
            )
        }
        # Every line of goods is there. What they move is what the file moves: a write-off has its sign in the file,
        # a sale and a return have the other one.
        assert sum(rows for rows, _ in sums.values()) == known["rows"] - known["nonproduct_rows"]
        assert set(sums) == {"SALE", "RETURN", "WRITE_OFF"}
        moved = {kind: units for kind, (_, units) in sums.items()}
        assert moved["WRITE_OFF"] - moved["SALE"] - moved["RETURN"] == known["net_qty_products"]
        for kind, (rows, units) in sums.items():
            assert said[f"rows_{kind.lower()}"] == rows
            assert said[f"micro_units_{kind.lower()}"] == units * MILLION
        lowest = connection.execute(LOWEST).fetchone()
        assert lowest
        assert lowest[0] >= 0
    checked = await service.check(db, SYSTEM)
    assert checked.passed, [finding for finding in checked.findings if finding.wrong]
