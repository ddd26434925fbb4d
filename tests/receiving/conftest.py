"""The small world with suppliers, a dock and places for what can't be sold; its people as callers."""

from types import SimpleNamespace

import pytest
from tests.allocation.conftest import callers, client
from tests.purchasing.helpers import stock_up
from tests.worlds import make_world

from perpetua.kit.database import Database, sql

__all__ = ["callers", "client", "world"]


@pytest.fixture(scope="module")
async def world(db: Database) -> SimpleNamespace:
    """People, places, items; suppliers and what they sell."""
    made = await make_world(db)
    await stock_up(db, made)
    async with db.admin() as tx:
        for code, kind, sellable in (("LON-DOCK", "dock", True), ("LON-D", "damaged", False)):
            made.places[code] = await tx.value(
                sql("""INSERT INTO locations (code, name, kind, parent_id, sellable)
                       VALUES (%(c)s, %(c)s, %(k)s, %(p)s, %(s)s) RETURNING id"""),
                {"c": code, "k": kind, "p": made.places["LON"], "s": sellable},
            )
    return made
