"""The small world, in each module's own database."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
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
