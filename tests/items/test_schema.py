"""What the database itself keeps true of items, whoever writes."""

import psycopg
import pytest
from psycopg import errors as pg

from perpetua.kit.database import Database, sql


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO units (code, name, decimals, factor_num) VALUES ('x', 'X', 0, 2)",
        "INSERT INTO units (code, name, decimals, base_code, factor_num) VALUES ('x', 'X', 0, 'each', 0.5)",
        "INSERT INTO products (name, first_sku, attributes) VALUES ('x', 'x', '[]')",
        "INSERT INTO products (name, first_sku) VALUES ('', 'x')",
        "INSERT INTO owners (code, name) VALUES (' x', 'x')",
    ],
)
async def test_what_makes_no_sense_is_refused_by_the_database(db: Database, statement: str) -> None:
    with pytest.raises(pg.CheckViolation):
        async with db.transaction() as tx:
            await tx.execute(sql(statement))


async def test_codes_are_unique_without_regard_to_case(db: Database) -> None:
    with pytest.raises(pg.UniqueViolation):
        async with db.transaction() as tx:
            await tx.execute(sql("INSERT INTO owners (code, name) VALUES ('own', 'Again')"))


async def test_a_category_knows_its_path_from_the_root(db: Database) -> None:
    async with db.transaction() as tx:
        insert = "INSERT INTO categories (parent_id, code, name) VALUES (%(parent)s, %(code)s, 'x') RETURNING id"
        top = await tx.value(sql(insert), {"parent": None, "code": "A"})
        below = await tx.value(sql(insert), {"parent": top, "code": "B"})
        assert await tx.value(sql("SELECT path FROM categories WHERE code = 'B'")) == [top, below]


def test_the_first_owner_is_the_company_itself(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT id, code FROM owners").fetchall() == [(1, "OWN")]
