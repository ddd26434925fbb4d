"""One PostgreSQL for the whole run; one database a test module, cloned from a migrated template."""

import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo, sql

from perpetua.kit import migrate
from perpetua.kit.database import Database
from perpetua.kit.postgres import Server, find_binaries

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """Address of a server's maintenance database, as an owner who may create databases."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    home = Path(tempfile.mkdtemp(prefix="perpetua-test-"))
    home.chmod(0o755)
    server = Server(home, find_binaries(os.environ.get("TEST_POSTGRES_BIN")))
    server.start(fsync="off", max_connections="200")
    try:
        yield server.url
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def template(server_url: str) -> str:
    """Name of a migrated database to clone."""
    name = f"template_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    migrate.upgrade(renamed(server_url, name))
    return name


def renamed(url: str, database: str) -> str:
    """The same server, another database."""
    return conninfo.make_conninfo(url, dbname=database)


def clone(server_url: str, template: str) -> str:
    """A fresh database like the template; its address."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        made = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        connection.execute(made)
    return renamed(server_url, name)


@pytest.fixture(scope="module")
def database_url(server_url: str, template: str) -> Iterator[str]:
    """Address of this module's own database, as the owner."""
    url = clone(server_url, template)
    yield url
    with psycopg.connect(server_url, autocommit=True) as connection:
        name = str(conninfo.conninfo_to_dict(url)["dbname"])
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
async def db(database_url: str) -> AsyncIterator[Database]:
    """A pool on this module's own database, as the application role."""
    async with Database(database_url, max_size=20) as database:
        yield database


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real data; the test is skipped where it is absent, and fails in CI."""
    if not SHARED.exists():
        if os.environ.get("CI") == "true":
            pytest.fail("../shared is absent in CI")
        pytest.skip("needs the real data in ../shared")
    return SHARED
