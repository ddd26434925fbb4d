"""A ledger of millions of rows, made by set: 50,000 variants in 10 places each, over a year and a half."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

__all__ = ["PLACES", "VARIANTS", "build", "extend"]

VARIANTS = 50_000
PLACES = 10
LOCATIONS = 498
SPAN = timedelta(days=540)

ITEMS = """
INSERT INTO products (name, first_sku)
SELECT 'Product ' || g, 'SKU-' || lpad(g::text, 6, '0') FROM generate_series(1, %(n)s) g;
INSERT INTO product_variants (product_id, sku, name, unit, cost_price)
SELECT id, first_sku, name, 'each', 1 + id %% 50 FROM products ORDER BY id;
"""

PLACE = "INSERT INTO locations (code, name, kind, parent_id) VALUES (%s, %s, %s, %s) RETURNING id"

# Each variant has ten places; level (v, k) opens with 100, then rows come one after the other through time.
ROWS = """
INSERT INTO postings (recorded_at, effective_at, actor_id, command)
SELECT a.at, a.at, 0, 'bench' FROM (
  SELECT %(start)s::timestamptz + (g * 1000.0 / %(total)s) * %(span)s::interval AS at
  FROM generate_series(%(first)s / 1000, (%(last)s - 1) / 1000) g) a;
INSERT INTO inventory_transactions (posting_id, recorded_at, effective_at, variant_id, location_id, line_no, type,
                                    quantity, unit_cost)
SELECT %(posting)s + (g - %(first)s) / 1000, a.at, a.at, v.id, b.id, 1 + g %% 1000,
       (CASE WHEN g < %(levels)s OR g %% 3 = 0 THEN 'RECEIPT' ELSE 'SALE' END)::transaction_type,
       CASE WHEN g < %(levels)s THEN 1000 WHEN g %% 3 = 0 THEN 2 ELSE -1 END, 2.5
FROM generate_series(%(first)s, %(last)s - 1) g
CROSS JOIN LATERAL (
  SELECT %(start)s::timestamptz + (g::float8 / %(total)s) * %(span)s::interval AS at,
         CASE WHEN g < %(levels)s THEN g / %(places)s ELSE abs(hashint8(g)::bigint) %% %(variants)s END AS v,
         CASE WHEN g < %(levels)s THEN g %% %(places)s ELSE abs(hashint8(g + 7)::bigint) %% %(places)s END AS k) a
JOIN bench_variants v ON v.n = a.v
JOIN bench_bins b ON b.n = (a.v * 7 + a.k * 49) %% %(bins)s;
"""

NUMBERED = """
CREATE UNLOGGED TABLE bench_variants AS SELECT row_number() OVER (ORDER BY id) - 1 AS n, id FROM product_variants;
CREATE UNLOGGED TABLE bench_bins AS
SELECT row_number() OVER (ORDER BY id) - 1 AS n, id FROM locations WHERE kind = 'bin';
ALTER TABLE bench_variants ADD PRIMARY KEY (n);
ALTER TABLE bench_bins ADD PRIMARY KEY (n);
GRANT SELECT ON bench_variants, bench_bins TO perpetua_app;
"""

# Rows are written here with the times of long ago: checkpoints of those times would not know them.
FORGET = """
WITH gone AS (
  DELETE FROM stock_checkpoints
  WHERE as_of >= %(start)s::timestamptz + (%(first)s::float8 / %(total)s) * %(span)s::interval RETURNING id
)
DELETE FROM stock_checkpoint_levels WHERE checkpoint_id IN (SELECT id FROM gone);
"""

LEVELS = """
TRUNCATE inventory_levels, inventory_positions;
INSERT INTO inventory_levels (variant_id, location_id, lot_id, on_hand)
SELECT variant_id, location_id, lot_id, sum(quantity) FROM inventory_transactions GROUP BY 1, 2, 3 ORDER BY 1, 2;
INSERT INTO inventory_positions (variant_id, site_id, on_hand, version)
SELECT v.variant_id, l.site_id, sum(v.on_hand), 1 FROM inventory_levels v JOIN locations l ON l.id = v.location_id
GROUP BY 1, 2 ORDER BY 1, 2;
"""


def build(url: str, rows: int, total: int) -> None:
    """Items, places and the first `rows` of `total` ledger rows, with the projections."""
    with psycopg.connect(url, autocommit=True) as connection:
        _run(connection, ITEMS, n=VARIANTS)
        for site in range(1, 4):
            site_id = _place(connection, f"S{site}", "warehouse", None)
            for zone in range(1, 5):
                zone_id = _place(connection, f"S{site}-Z{zone}", "zone", site_id)
                for number in range(1, 43):
                    if (site - 1) * 168 + (zone - 1) * 42 + number <= LOCATIONS:
                        _place(connection, f"S{site}-Z{zone}-{number}", "bin", zone_id)
        _run(connection, NUMBERED)
        first = (datetime.now(UTC) - SPAN).date()
        _run(connection, "SELECT ledger_make_partitions(%(d)s::date, 26)", d=first)
    extend(url, 0, rows, total)


def extend(url: str, first: int, last: int, total: int) -> None:
    """Ledger rows number `first` to `last` (of `total` through time), as the owner, in the months they belong to."""
    start = datetime.now(UTC) - SPAN - timedelta(hours=1)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET work_mem = '256MB'")
        row = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM postings").fetchone()
        assert row
        _run(connection, FORGET, start=start, first=first, total=total, span=SPAN)
        step = 500_000
        for begin in range(first, last, step):
            end = min(begin + step, last)
            numbers: dict[str, Any] = {
                "first": begin, "last": end, "total": total, "start": start, "span": SPAN, "places": PLACES,
                "bins": LOCATIONS, "levels": VARIANTS * PLACES, "variants": VARIANTS,
                "posting": row[0] + (begin - first) // 1000,
            }  # fmt: skip
            _run(connection, ROWS, **numbers)
        _run(connection, LEVELS)
        connection.execute(
            "VACUUM (ANALYZE) inventory_transactions, inventory_levels, inventory_positions, product_variants, postings"
        )


def _place(connection: psycopg.Connection[Any], code: str, kind: str, parent_id: int | None) -> int:
    row = connection.execute(PLACE, [code, code, kind, parent_id]).fetchone()
    assert row
    return row[0]


def _run(connection: psycopg.Connection[Any], text: str, **params: Any) -> None:
    # With parameters the server takes one statement at a time.
    for statement in text.split(";\n"):
        if statement.strip():
            connection.execute(statement.encode(), params if params else None)
