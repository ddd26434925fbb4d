"""Orders and their lines are kept, and nothing belongs to one that is not there."""

from types import SimpleNamespace

import psycopg
import pytest

from perpetua.kit.database import Database, sql

LINE = """INSERT INTO order_lines (order_id, line_no, variant_id, quantity)
          SELECT %(order)s, 7, min(id), 1 FROM product_variants RETURNING id"""
ALLOCATION = """INSERT INTO order_allocations (line_id, variant_id, site_id, quantity, state, ended_at)
                SELECT %(line)s, min(v.id), min(l.id), 1, 'released', now() FROM product_variants v, locations l"""
ORDER = """INSERT INTO orders (channel, external_id, body_hash, status, fulfilment, placed_at, created_by)
           VALUES ('web', %(name)s, '', 'BACKORDERED', 'split', now(), 0) RETURNING id"""


async def test_a_line_belongs_to_an_order_and_what_is_allocated_to_a_line(db: Database, world: SimpleNamespace) -> None:
    async with db.admin() as tx:
        order = await tx.value(sql(ORDER), {"name": "kept"})
        line = await tx.value(sql(LINE), {"order": order})
        await tx.execute(sql(ALLOCATION), {"line": line})
        for statement, params in ((LINE, {"order": -1}), (ALLOCATION, {"line": -1})):
            with pytest.raises(psycopg.errors.ForeignKeyViolation, match="belongs to no"):
                async with tx.savepoint():
                    await tx.execute(sql(statement), params)


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM orders", "DELETE FROM order_lines", "DELETE FROM order_allocations",
        "UPDATE order_lines SET order_id = order_id", "UPDATE order_allocations SET line_id = line_id",
    ],
)  # fmt: skip
async def test_even_the_owner_removes_and_moves_none(db: Database, world: SimpleNamespace, change: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="are kept"):
        async with db.admin() as tx:
            await tx.execute(sql(change))
