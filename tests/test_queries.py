"""Every statement in every `.sql` file prepares on the migrated schema, and the application may run it."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from perpetua.kit.database import APP_ROLE, Queries, Statement

SRC = Path(__file__).resolve().parents[1] / "src" / "perpetua"
FILES = sorted(SRC.rglob("*.sql"))
NAMED = [(path, name) for path in FILES for name in Queries(str(path), path.name)]
PARAMETER = re.compile(r"%(?:\((\w+)\)s|(%))")
PREPARABLE = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(SELECT|INSERT|UPDATE|DELETE|MERGE|VALUES|WITH)\b", re.I | re.S)
OWNERS = re.compile(r"-- run as the owner\b")


@pytest.fixture(scope="module")
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    """As the owner, on the migrated schema."""
    with psycopg.connect(database_url) as connection:
        yield connection


def numbered(statement: Statement) -> tuple[str, list[str]]:
    """The text with `$1 …` for its parameters, and the parameters' names in that order."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[2]:
            return "%"
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    return PARAMETER.sub(number, statement), names


def test_names_are_given_once() -> None:
    for path in FILES:
        names = re.findall(r"^-- name: *(\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(names) == len(set(names)), f"{path}: a name is given twice"
        assert names == list(Queries(str(path), path.name)), f"{path}: a '-- name:' line that isn't read"


@pytest.mark.parametrize("path, name", NAMED, ids=lambda part: part.parent.name if isinstance(part, Path) else part)
def test_statement_prepares(connection: psycopg.Connection, path: Path, name: str) -> None:
    """Prepared and planned, with nulls for its parameters; nothing is run."""
    text, parameters = numbered(Queries(str(path), path.name)[name])
    if not PREPARABLE.match(text):
        pytest.skip("not a statement that PostgreSQL can prepare")
    nulls = f"({', '.join('NULL' for _ in parameters)})" if parameters else ""
    try:
        with connection.transaction(force_rollback=True):
            if not OWNERS.search(text):
                connection.execute(f'SET LOCAL ROLE "{APP_ROLE}"'.encode())
            connection.execute(b"SET LOCAL plan_cache_mode = force_generic_plan")
            connection.execute(f"PREPARE tried AS {text}".encode())
            connection.execute(f"EXPLAIN EXECUTE tried{nulls}".encode())
    except psycopg.Error as error:
        where = path.relative_to(SRC.parents[1])
        if isinstance(error, psycopg.errors.InsufficientPrivilege):
            name += " (one for `Database.admin` has the line `-- run as the owner`)"
        pytest.fail(f"{where}: {name}: {error}; parameters {parameters}", pytrace=False)
    finally:
        connection.execute(b"DEALLOCATE ALL")  # a statement prepared in a transaction outlives its rollback
        connection.commit()
