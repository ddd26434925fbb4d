"""The small world, in each module's own database."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.worlds import make_world

from perpetua.kit.database import Database
from perpetua.kit.postgres import Server, find_binaries


@pytest.fixture(scope="module")
async def world(db: Database) -> Any:
    """People, places and items; ids by name."""
    return await make_world(db)


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server of its own, that writes as safely as in daily use, to be killed."""
    home = Path(tempfile.mkdtemp(prefix="perpetua-crash-"))
    home.chmod(0o755)
    server = Server(home / "server", find_binaries(os.environ.get("TEST_POSTGRES_BIN")))
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


class Bench(SimpleNamespace):
    """Where it is done: a database with a world, and a loop to work it in."""

    run: Callable[[Awaitable[Any]], Any]
    db: Database
    world: SimpleNamespace
    url: str


@pytest.fixture
def bench(database_url: str) -> Iterator[Bench]:
    """A database of its own, worked in a loop of its own: hypothesis steps are not asynchronous."""
    with asyncio.Runner() as runner:
        db = Database(database_url, max_size=4)
        runner.run(db.__aenter__())
        try:
            world = runner.run(make_world(db))
            yield Bench(run=runner.run, db=db, world=world, url=database_url)
        finally:
            runner.run(db.__aexit__(None, None, None))
