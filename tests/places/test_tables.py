"""The database itself keeps paths, sites and kinds right."""

from typing import LiteralString

import psycopg
import pytest
from psycopg import errors as pg

INSERT = "INSERT INTO locations (parent_id, code, name, kind) VALUES (%s, %s, %s, %s) RETURNING id, path, site_id"


def insert(c: psycopg.Connection, *values: object) -> tuple[int, list[int], int]:
    row = c.execute(INSERT, values).fetchone()
    assert row
    return row


def test_a_new_row_gets_its_path_and_site(database_url: str) -> None:
    with psycopg.connect(database_url) as c:
        site = insert(c, None, "T1", "T1", "warehouse")
        assert site == (site[0], [site[0]], site[0])
        zone = insert(c, site[0], "T1-A", "A", "zone")
        assert zone == (zone[0], [site[0], zone[0]], site[0])


@pytest.mark.parametrize(
    "change, error",
    [
        ("UPDATE locations SET path = ARRAY[id, id] WHERE code = 'Z'", pg.CheckViolation),
        ("UPDATE locations SET parent_id = NULL WHERE code = 'Z'", pg.CheckViolation),
        ("UPDATE locations SET parent_id = (SELECT id FROM locations WHERE code = 'W'), path = ARRAY[id] "
         "WHERE code = 'B'", pg.CheckViolation),
        ("UPDATE locations SET path = (SELECT path || b.id FROM locations WHERE code = 'W'), "
         "parent_id = (SELECT id FROM locations WHERE code = 'W') FROM (SELECT id FROM locations WHERE code = 'Z') b "
         "WHERE code = 'Z'", None),
        ("UPDATE locations l SET path = p.path || l.id, parent_id = p.id FROM locations p "
         "WHERE l.code = 'Z' AND p.code = 'V'", pg.CheckViolation),
        ("INSERT INTO locations (code, name, kind) VALUES ('w', 'twice', 'store')", pg.UniqueViolation),
        ("INSERT INTO locations (code, name, kind) VALUES (' x', '', 'store')", pg.CheckViolation),
        ("INSERT INTO locations (code, name, kind) VALUES ('x', '', 'bin')", pg.CheckViolation),
        ("INSERT INTO locations (code, name, kind, capacity_units) VALUES ('x', '', 'store', 'NaN')",
         pg.CheckViolation),
        ("DELETE FROM locations WHERE code = 'Z'", pg.ForeignKeyViolation),
    ],
)  # fmt: skip
def test_what_would_break_the_tree_is_refused(
    database_url: str, change: LiteralString, error: type[Exception] | None
) -> None:
    with psycopg.connect(database_url) as c:
        w, v = (insert(c, None, code, code, "warehouse")[0] for code in "WV")
        z = insert(c, w, "Z", "Z", "zone")[0]
        insert(c, z, "B", "B", "bin")
        assert v
        if error is None:
            c.execute(change)
        else:
            with pytest.raises(error):
                c.execute(change)
        c.rollback()
