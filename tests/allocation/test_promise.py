"""What the database refuses, whoever writes."""

from types import SimpleNamespace

import pytest
from psycopg import errors as pg
from tests.allocation.helpers import bring, order

from perpetua.kit.database import Database, sql

PROMISE = """
INSERT INTO order_allocations (line_id, variant_id, site_id, quantity)
SELECT l.id, %(variant)s, %(site)s, 1 FROM order_lines l WHERE l.order_id = %(order)s
"""


@pytest.mark.parametrize("site", ["LON", "SHOP"])
async def test_more_than_is_there_is_never_promised(db: Database, world: SimpleNamespace, site: str) -> None:
    """At a site whose goods are all promised, and at one where the item never was."""
    await bring(db, world, "APPLE", 3)
    one = await order(db, world, ("APPLE", 100))
    values = {"variant": world.items["APPLE"], "site": world.places[site], "order": one.id}
    with pytest.raises(pg.CheckViolation, match=r"position_not_oversold|has no position"):
        async with db.admin() as tx:
            await tx.execute(sql(PROMISE), values)
