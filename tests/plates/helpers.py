"""Short ways to make plates and put goods on them."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from perpetua.access.types import SYSTEM
from perpetua.allocation import service as allocation
from perpetua.kit.database import Database, sql
from perpetua.plates import service
from perpetua.plates.types import MakePlate, MovePlate, PlateDetail, PlateLine, PutOn

D = Decimal


async def plate(db: Database, world: SimpleNamespace, code: str, place: str = "LON-A-1") -> PlateDetail:
    return (await service.make(db, world.actor(), MakePlate(location=place, code=code))).answer


async def put(
    db: Database, world: SimpleNamespace, one: PlateDetail, sku: str, quantity: int, **more: Any
) -> PlateDetail:
    command = PutOn(lines=[PlateLine(sku=sku, quantity=D(quantity), **more)])
    return (await service.put_on(db, world.actor(), one.id, command)).answer


async def move(db: Database, world: SimpleNamespace, one: PlateDetail, to: str) -> PlateDetail:
    return (await service.move(db, world.actor(), one.id, MovePlate(to=to))).answer


async def on(db: Database, *plates: PlateDetail) -> list[dict[str, Decimal]]:
    """What stands on each plate and the plates on it, by SKU."""
    found: list[dict[str, Decimal]] = []
    for one in plates:
        sums: dict[str, Decimal] = {}
        for goods in (await service.get(db, SYSTEM, one.id)).goods:
            sums[goods.sku] = sums.get(goods.sku, D(0)) + goods.quantity
        found.append(sums)
    return found


async def on_hand(db: Database, world: SimpleNamespace, sku: str, place: str) -> Decimal:
    asked = {"v": world.items[sku], "l": world.places[place]}
    text = "SELECT coalesce(sum(on_hand), 0) FROM inventory_levels WHERE variant_id = %(v)s AND location_id = %(l)s"
    async with db.transaction() as tx:
        return await tx.value(sql(text), asked)


async def whole(db: Database) -> None:
    """`perpetua check` finds nothing."""
    done = await allocation.check(db, SYSTEM, keep=False)
    assert done.passed, [(one.name, one.examples) for one in done.findings if one.wrong]
