"""The small world, in each module's own database."""

from typing import Any

import pytest
from tests.worlds import make_world

from perpetua.kit.database import Database


@pytest.fixture(scope="module")
async def world(db: Database) -> Any:
    """People, places and items; ids by name."""
    return await make_world(db)
