"""The tables in code are the tables in the database, and migrations get there from nothing, whoever starts them."""

import importlib
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo, sql
from psycopg.rows import scalar_row
from sqlalchemy import Column
from sqlalchemy.dialects import postgresql

from perpetua.kit import migrate
from perpetua.kit.database import APP_ROLE, metadata

SRC = Path(__file__).resolve().parents[1] / "src" / "perpetua"
OTHERS = re.compile(r"^(alembic_version|procrastinate_\w+|idempotent_commands|imports?(_\w+)?)$")
"""Tables that no word owns: Alembic's, the job queue's, and the kit's, which plain SQL alone touches."""

COLUMNS = """
SELECT c.relname, a.attname, NOT a.attnotnull, format_type(a.atttypid, a.atttypmod)
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""
OWNED = """
SELECT 'relation ' || relname FROM pg_class WHERE relowner = %(role)s::regrole
UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE proowner = %(role)s::regrole
UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspowner = %(role)s::regrole
UNION ALL SELECT 'database ' || datname FROM pg_database WHERE datdba = %(role)s::regrole
"""
SHAPE = """
SELECT format('%s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1
"""


def declared() -> dict[tuple[str, str], tuple[bool, str]]:
    """What the words' `tables.py` say: nullability and type of each column."""
    for path in sorted([*SRC.glob("*/tables.py"), *SRC.glob("*/tables/__init__.py")]):
        inside = path.relative_to(SRC.parent).with_suffix("")
        importlib.import_module(".".join(part for part in inside.parts if part != "__init__"))
    return {
        (table.name, column.name): (bool(column.nullable), written(column))
        for table in metadata.tables.values()
        if not OTHERS.match(table.name)
        for column in table.columns
        if not OTHERS.match(table.name)
    }


def written(column: Column[object]) -> str:
    """The column's type as PostgreSQL would name it, without spaces."""
    return loose(column.type.compile(dialect=postgresql.dialect()))


def loose(type_: str) -> str:
    """A type's name without spaces, and without the names that mean the same."""
    plain = type_.lower().replace(" ", "")
    plain = plain.replace("timestampwithtimezone", "timestamptz").replace("charactervarying", "varchar")
    return {"float": "doubleprecision", "double": "doubleprecision"}.get(plain, plain)


def shape(url: str) -> list[str]:
    """All tables and columns of a database, in order."""
    with psycopg.connect(url) as connection:
        return connection.cursor(row_factory=scalar_row).execute(SHAPE).fetchall()


@pytest.fixture
def empty(server_url: str) -> Iterator[str]:
    """Address of a database with nothing in it."""
    name = f"empty_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield conninfo.make_conninfo(server_url, dbname=name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_tables_in_code_are_tables_in_the_database(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        there = {
            (table, column): (nullable, loose(type_))
            for table, column, nullable, type_ in connection.execute(COLUMNS).fetchall()
            if not OTHERS.match(table)
        }
    code = declared()
    assert sorted(code.keys() - there.keys()) == [], "declared, but not in the database"
    assert sorted(there.keys() - code.keys()) == [], "in the database, but not declared"
    assert {key: code[key] for key in code if code[key] != there[key]} == {
        key: there[key] for key in code if code[key] != there[key]
    }


def test_the_application_owns_nothing(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        cursor = connection.cursor(row_factory=scalar_row)
        assert cursor.execute(OWNED, {"role": APP_ROLE}).fetchall() == []
        assert (
            cursor.execute("SELECT rolcanlogin OR rolsuper FROM pg_roles WHERE rolname = %s", [APP_ROLE]).fetchone()
            is False
        )


def test_migrating_twice_changes_nothing(empty: str, database_url: str) -> None:
    assert migrate.current(empty) is None
    migrate.upgrade(empty)
    once = shape(empty)
    migrate.upgrade(empty)
    assert shape(empty) == once
    assert migrate.current(empty) == migrate.head()


def test_two_may_migrate_at_once(empty: str) -> None:
    program = "import sys; from perpetua.kit import migrate; migrate.upgrade(sys.argv[1])"
    both = [
        subprocess.Popen([sys.executable, "-c", program, empty], stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    assert [(one.communicate()[1], one.returncode) for one in both] == [("", 0), ("", 0)]
    assert migrate.current(empty) == migrate.head()
