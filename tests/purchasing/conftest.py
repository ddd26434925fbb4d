"""The small world with suppliers in it, and its people as callers."""

from types import SimpleNamespace

import pytest
from tests.allocation.conftest import callers, client
from tests.purchasing.helpers import stock_up
from tests.worlds import make_world

from perpetua.kit.database import Database

__all__ = ["callers", "client", "world"]


@pytest.fixture(scope="module")
async def world(db: Database) -> SimpleNamespace:
    """People, places, items; suppliers and what they sell."""
    made = await make_world(db)
    await stock_up(db, made)
    return made
