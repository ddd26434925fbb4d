"""The scratch database: made beside the installation's own, filled with a small world, dropped at the end."""

import contextlib
import secrets
from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Final, LiteralString

import psycopg
from psycopg import conninfo, sql

from perpetua.access import service as access
from perpetua.access.types import SYSTEM, CreatePerson, CreateToken
from perpetua.kit import migrate
from perpetua.kit.clock import system_clock
from perpetua.kit.database import Database
from perpetua.kit.errors import NotAllowed

__all__ = ["BINS", "KIT_EVERY", "fill", "scratch", "token"]

BINS: Final = ("P1-A", "P1-B", "P2-A")
KIT_EVERY: Final = 8
"""One kit for so many items; each is made of two of the most wanted items."""

WORLD: Final[tuple[LiteralString, ...]] = (
    "INSERT INTO locations (code, name, kind) VALUES ('P1', 'First', 'warehouse'), ('P2', 'Second', 'warehouse')",
    """INSERT INTO locations (code, name, kind, parent_id, sellable)
       SELECT x.code, x.code, x.kind, l.id, x.sellable
       FROM (VALUES ('P1-A', 'bin', 'P1', true), ('P1-B', 'bin', 'P1', true), ('P1-Q', 'quarantine', 'P1', false),
                    ('P1-TRANSIT', 'transit', 'P1', false), ('P2-A', 'bin', 'P2', true),
                    ('P2-TRANSIT', 'transit', 'P2', false)) AS x (code, kind, site, sellable)
       JOIN locations l ON l.code = x.site""",
    """INSERT INTO products (name, first_sku) SELECT 'Item ' || g, 'ITEM-' || g FROM generate_series(1, %(items)s) g""",
    """INSERT INTO products (name, first_sku) SELECT 'Kit ' || g, 'KIT-' || g FROM generate_series(1, %(kits)s) g""",
    """INSERT INTO product_variants (product_id, sku, name, unit, tracking)
       SELECT p.id, p.first_sku, p.name, 'each', CASE WHEN l.sku IS NULL THEN 'none' ELSE 'lot' END
       FROM products p LEFT JOIN (
         SELECT 'ITEM-' || g AS sku FROM generate_series(least(20, %(items)s / 3), %(items)s, 5) g
       ) l ON l.sku = p.first_sku ORDER BY p.id""",
    """INSERT INTO kit_components (kit_id, component_id, quantity)
       SELECT k.id, c.id, n.quantity FROM generate_series(1, %(kits)s) g
       JOIN product_variants k ON k.sku = 'KIT-' || g
       CROSS JOIN LATERAL (VALUES (g, 1), (g + 1, 2)) AS n (item, quantity)
       JOIN product_variants c ON c.sku = 'ITEM-' || n.item""",
)


@contextlib.contextmanager
def scratch(beside: str, *, keep: bool, say: Callable[[str], None]) -> Generator[str]:
    """A migrated database of its own on the same server; its address. Dropped at the end, unless `keep`.

    Raises:
        NotAllowed: whoever signs in may not make databases.
    """
    name = f"perpetua_prove_{secrets.token_hex(4)}"
    with psycopg.connect(beside, autocommit=True) as connection:
        try:
            connection.execute(
                sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0").format(sql.Identifier(name))
            )
        except psycopg.errors.InsufficientPrivilege:
            raise NotAllowed(permission="CREATEDB", remedy="ALTER ROLE … CREATEDB") from None
    try:
        url = conninfo.make_conninfo(beside, dbname=name)
        migrate.upgrade(url)
        yield url
    finally:
        if keep:
            say(f"Kept: the database {name}.")
        else:
            with psycopg.connect(beside, autocommit=True) as connection:
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def fill(url: str, items: int) -> int:
    """Two sites, so many items (of each fifth, but the most wanted ones, lots are tracked), and kits; how many kits."""
    kits = max(1, items // KIT_EVERY)
    with psycopg.connect(url) as connection:
        for statement in WORLD:
            connection.execute(statement, {"items": items, "kits": kits} if "%(" in statement else None)
    return kits


async def token(url: str) -> str:
    """An API token for whoever sends the load."""
    async with Database(url, max_size=2) as db:
        person = CreatePerson(
            email="prove@example.com", name="Prove", role="administrator", password=secrets.token_urlsafe(24)
        )
        made = (await access.create_person(db, SYSTEM, person)).answer
        asked = CreateToken(name="prove", expires_at=system_clock() + timedelta(days=2))
        return (await access.create_token(db, SYSTEM, asked, person_id=made.id)).secret
