"""The web application on this module's own database, with a few handlers that show each way to fail."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from perpetua.app.settings import Settings
from perpetua.app.web import create_app
from perpetua.kit.database import Database


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=Path(tmp_path_factory.mktemp("home")), given_secret="s" * 40)


@pytest.fixture(scope="module")
async def app(settings: Settings, db: Database) -> Litestar:
    return create_app(settings, db)


@pytest.fixture(scope="module")
async def client(app: Litestar) -> AsyncIterator[AsyncTestClient[Litestar]]:
    async with AsyncTestClient(app, base_url="http://perpetua.local") as made:
        yield made
