"""Places that hold stock: they stay, and their stock counts where they stand."""

from decimal import Decimal
from typing import Any

import pytest
from tests.worlds import make_world

from perpetua.kit.database import Database, sql
from perpetua.ledger import service as ledger
from perpetua.ledger.types import Adjust, AdjustLine, Receive, ReceiveLine, Sell, SellLine
from perpetua.places import service
from perpetua.places.errors import HoldsStock
from perpetua.places.types import ChangeLocation, MoveLocation


@pytest.fixture(scope="module")
async def world(db: Database) -> Any:
    return await make_world(db)


async def receive(db: Database, world: Any, sku: str, quantity: int, place: str) -> None:
    lines = [ReceiveLine(sku=sku, quantity=Decimal(quantity))]
    await ledger.receive(db, world.actor(), Receive(lines=lines, location=place))


async def positions(db: Database, world: Any, sku: str) -> dict[str, Decimal]:
    found = sql("""SELECT l.code, p.on_hand FROM inventory_positions p JOIN locations l ON l.id = p.site_id
                   WHERE p.variant_id = %(v)s""")
    async with db.transaction() as tx:
        return {row["code"]: row["on_hand"] for row in await tx.dicts(found, {"v": world.items[sku]})}


async def test_a_place_with_stock_is_neither_removed_nor_deactivated(db: Database, world: Any) -> None:
    await receive(db, world, "APPLE", 3, "LON-A-1")
    await receive(db, world, "PEAR", 2, "LON-A-1")
    zone, manager = world.places["LON-A"], world.actor()
    with pytest.raises(HoldsStock) as refused:
        await service.remove(db, manager, zone, with_descendants=True)
    assert refused.value.facts == {"location": "LON-A-1", "held": "holds 3 of APPLE, 2 of PEAR"}
    with pytest.raises(HoldsStock) as refused:
        await service.change(db, manager, zone, ChangeLocation(active=False), version=1)
    assert refused.value.facts == {"location": "LON-A-1", "held": "holds 3 of APPLE, 2 of PEAR"}
    assert (await service.get(db, manager, zone)).active


async def test_a_place_with_a_history_is_deactivated_not_removed(db: Database, world: Any) -> None:
    await receive(db, world, "APPLE", 1, "LON-A-2")
    sold = Sell(lines=[SellLine(sku="APPLE", quantity=Decimal(1))], location="LON-A-2")
    await ledger.sell(db, world.actor(), sold)
    place = await service.get(db, world.actor(), "LON-A-2")
    with pytest.raises(HoldsStock) as refused:
        await service.remove(db, world.actor(), place.id)
    assert refused.value.facts["held"] == "has held stock"
    gone = await service.change(db, world.actor(), place.id, ChangeLocation(active=False), version=place.version)
    assert not gone.answer.active


async def test_stock_counts_at_the_site_its_place_moves_to(db: Database, world: Any) -> None:
    await receive(db, world, "FLOUR", 4, "LON-Q")
    assert await positions(db, world, "FLOUR") == {"LON": 4}
    await service.move(db, world.actor(), world.places["LON-Q"], MoveLocation(to="SHOP"))
    assert await positions(db, world, "FLOUR") == {"LON": 0, "SHOP": 4}


async def test_an_oversold_place_must_be_put_right_before_negatives_are_forbidden(db: Database, world: Any) -> None:
    sold = Sell(lines=[SellLine(sku="PEAR", quantity=Decimal(5))], location="SHOP-FLOOR")
    await ledger.sell(db, world.actor(), sold)
    floor = world.places["SHOP-FLOOR"]
    with pytest.raises(HoldsStock):
        await service.change(db, world.actor(), floor, ChangeLocation(negative_allowed=False), version=1)
    counted = Adjust(lines=[AdjustLine(sku="PEAR", counted=Decimal(0))], location="SHOP-FLOOR", reason_code="count")
    await ledger.adjust(db, world.actor(), counted)
    changed = await service.change(db, world.actor(), floor, ChangeLocation(negative_allowed=False), version=1)
    assert not changed.answer.negative_allowed
