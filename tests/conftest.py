"""One PostgreSQL for the whole run; one database a test module, cloned from a migrated template."""

import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import conninfo, sql

from perpetua.kit import migrate
from perpetua.kit.database import Database
from perpetua.kit.postgres import Server, find_binaries

# How long an example took to make says how busy the machine is, not how good the test.
settings.register_profile("perpetua", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("perpetua")

SHARED = Path(__file__).resolve().parents[2] / "shared"


RUN = "PERPETUA_TEST_RUN"
"""The variable that names the run's own folder; xdist's workers inherit it, and so share one server."""


def pytest_configure(config: pytest.Config) -> None:
    if RUN not in os.environ:
        home = Path(tempfile.mkdtemp(prefix="perpetua-test-"))
        home.chmod(0o755)  # as root, the server runs as another user, who must get in
        os.environ[RUN] = str(home)
        config.add_cleanup(_end_run)


def _end_run() -> None:
    home = Path(os.environ.pop(RUN))
    if (home / "address").exists():
        _server(home).stop()
    shutil.rmtree(home, ignore_errors=True)


def _server(home: Path) -> Server:
    return Server(home / "server", find_binaries(os.environ.get("TEST_POSTGRES_BIN")))


def once_a_run(name: str, make: Callable[[Path], str]) -> str:
    """What `make` gave the first of the run's processes that asked for `name`; the others wait for it."""
    home = Path(os.environ[RUN])
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = home / name
        if not kept.exists():
            made = make(home)
            kept.write_text(made)
        return kept.read_text()


@pytest.fixture(scope="session")
def server_url() -> str:
    """Address of a server's maintenance database, as an owner who may create databases."""

    def start(home: Path) -> str:
        server = _server(home)
        server.start(fsync="off", max_connections="200")
        return server.url

    return os.environ.get("TEST_DATABASE_URL") or once_a_run("address", start)


@pytest.fixture(scope="session")
def template(server_url: str) -> str:
    """Name of a migrated database to clone."""

    def make(home: Path) -> str:
        name = f"template_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        migrate.upgrade(renamed(server_url, name))
        return name

    return once_a_run("template", make)


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
