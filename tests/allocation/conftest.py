"""The small world, in each module's own database, and its people as callers."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from tests.worlds import make_world

from perpetua.access import service as access
from perpetua.access.types import CreateToken
from perpetua.app.settings import Settings
from perpetua.app.web import create_app
from perpetua.kit.database import Database


@pytest.fixture(scope="module")
async def world(db: Database) -> Any:
    """People, places and items; ids by name."""
    return await make_world(db)


@pytest.fixture(scope="module")
async def callers(
    db: Database, world: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """A client of the web application for a person of each role."""
    app: Any = create_app(Settings(home=Path(tmp_path_factory.mktemp("home")), given_secret="s" * 40), db)
    until = datetime.now(UTC) + timedelta(days=1)
    async with AsyncExitStack() as stack:
        made: dict[str, httpx.AsyncClient] = {}
        for role in world.people:
            token = (
                await access.create_token(db, world.actor(role), CreateToken(name="test", expires_at=until))
            ).secret
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app), base_url="http://perpetua.local",
                headers={"Authorization": f"Bearer {token}"},
            )  # fmt: skip
            made[role] = await stack.enter_async_context(client)
        yield made


@pytest.fixture(scope="module")
def client(callers: dict[str, httpx.AsyncClient]) -> httpx.AsyncClient:
    """The inventory manager's client."""
    return callers["inventory_manager"]
