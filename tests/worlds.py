"""A small world to post in: two sites with bins, a few items."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace

from perpetua.access.types import ROLES, Actor, Role
from perpetua.kit.database import Database, sql
from perpetua.ledger import service

PLACES = (
    # code, kind, parent, sellable, negative allowed
    ("LON", "warehouse", None, True, False),
    ("LON-A", "zone", "LON", True, False),
    ("LON-A-1", "bin", "LON-A", True, False),
    ("LON-A-2", "bin", "LON-A", True, False),
    ("LON-Q", "quarantine", "LON", False, False),
    ("LON-TRANSIT", "transit", "LON", False, False),
    ("SHOP", "store", None, True, False),
    ("SHOP-FLOOR", "zone", "SHOP", True, True),
    ("SHOP-TRANSIT", "transit", "SHOP", False, False),
)
ITEMS = (
    # sku, tracking, cost price, unit
    ("APPLE", "none", "0.20", "each"),
    ("PEAR", "none", "0.35", "each"),
    ("PHONE", "serial", "300", "each"),
    ("MILK", "lot", "0.90", "each"),
    ("FLOUR", "none", "1.10", "kg"),
)


async def make_world(db: Database) -> SimpleNamespace:
    """People, places and items by the shortest way; ids by name."""
    people: dict[str, int] = {}
    places: dict[str, int] = {}
    items: dict[str, int] = {}
    async with db.admin() as tx:
        for role in ROLES:
            person = {"e": f"{role}@example.com", "r": role}
            people[role] = await tx.value(
                sql("INSERT INTO people (email, name, role) VALUES (%(e)s, %(r)s, %(r)s) RETURNING id"), person
            )
        for code, kind, parent, sellable, negative in PLACES:
            place = {"c": code, "k": kind, "p": places.get(parent or ""), "s": sellable, "g": negative}
            places[code] = await tx.value(
                sql("""INSERT INTO locations (code, name, kind, parent_id, sellable, negative_allowed)
                       VALUES (%(c)s, %(c)s, %(k)s, %(p)s, %(s)s, %(g)s) RETURNING id"""),
                place,
            )
        for sku, tracking, cost, unit in ITEMS:
            item = {"s": sku, "t": tracking, "c": Decimal(cost), "u": unit}
            items[sku] = await tx.value(
                sql("""WITH r AS (INSERT INTO products (name, first_sku) VALUES (%(s)s, %(s)s) RETURNING id)
                       INSERT INTO product_variants (product_id, sku, name, unit, tracking, cost_price)
                       SELECT id, %(s)s, %(s)s, %(u)s, %(t)s, %(c)s FROM r RETURNING id"""),
                item,
            )
    return SimpleNamespace(people=people, places=places, items=items, actor=actors(people))


def actors(people: dict[str, int]) -> Callable[..., Actor]:
    """Makes an actor of a role, confined to a scope or not."""

    def actor(role: Role = "inventory_manager", scope: list[int] | None = None) -> Actor:
        confined = None if scope is None else frozenset(scope)
        return Actor(person_id=people[role], name=role, role=role, permissions=ROLES[role], scope=confined)

    return actor


async def sealed(db: Database) -> int:
    """Seal all rows there are; how many were. What is final waits for all transactions of the server, those of tests
    that run beside this one included."""
    done = 0
    async with asyncio.timeout(120):
        while True:
            done += await service.seal(db)
            async with db.transaction() as tx:
                if not await tx.value(sql(UNSEALED)):
                    return done
            await asyncio.sleep(0.02)


UNSEALED = """SELECT EXISTS (SELECT FROM inventory_transactions
                             WHERE id > coalesce((SELECT max(through_id) FROM ledger_seals), 0))"""
