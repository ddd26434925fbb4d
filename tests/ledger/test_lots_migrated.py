"""Lots that were blocked before lots had a status are on hold after it, and their history says so."""

import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import conninfo, sql

from perpetua.kit import migrate

BEFORE = """
INSERT INTO products (name, first_sku) VALUES ('Milk', 'MILK');
INSERT INTO product_variants (product_id, sku, name, unit, tracking)
SELECT id, 'MILK', 'Milk', 'each', 'lot' FROM products;
INSERT INTO lots (variant_id, number, blocked, certificate)
SELECT v.id, l.number, l.blocked, l.certificate FROM product_variants v,
  (VALUES ('A', true, NULL), ('B', false, 'in the binder')) AS l (number, blocked, certificate);
"""


@pytest.fixture
def older(server_url: str) -> Iterator[str]:
    """A database as it was before, with two lots."""
    name = f"older_{uuid.uuid4().hex[:8]}"
    url = conninfo.make_conninfo(server_url, dbname=name)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        migrate.upgrade(url, "0014")
        with psycopg.connect(url, autocommit=True) as made:
            made.execute(BEFORE)
        yield url
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_what_was_blocked_is_on_hold(older: str) -> None:
    migrate.upgrade(older)
    with psycopg.connect(older) as connection:
        lots = connection.execute("SELECT number, status, blocked, certificate FROM lots WHERE id <> 0 ORDER BY 1")
        assert lots.fetchall() == [("A", "hold", True, None), ("B", "released", False, None)]
        told = connection.execute("SELECT action, before, after FROM lot_events ORDER BY id")
        assert told.fetchall() == [
            ("status", {"status": "released"}, {"status": "hold"}),
            ("certificate", {"certificate": "in the binder"}, {"certificate": None}),
        ]
