"""Kits: declared, refused where they cannot be, and allocated whole or not at all."""

import asyncio
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from httpx import AsyncClient as Client
from tests.allocation.helpers import bring, make, make_kit, now, order, sound
from tests.allocation.test_life import blocked

from perpetua.allocation import service
from perpetua.items import service as items
from perpetua.items.types import KitPart, SetComponents
from perpetua.kit.database import Database, sql
from perpetua.kit.errors import Refusal
from perpetua.orders.types import CancelLine, CancelOrder, ShipLine, ShipOrder


async def declare(db: Database, world: SimpleNamespace, kit: str, *parts: tuple[str, Any]) -> Any:
    command = SetComponents(components=[KitPart(sku=sku, quantity=Decimal(quantity)) for sku, quantity in parts])
    return (await items.set_components(db, world.actor(), world.items[kit], command)).answer


async def test_a_kit_is_declared(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "BOX", "LID", "BAG", "FULL", "TRACKED")
    kit = await declare(db, world, "BOX", ("lid", 2), ("BAG", 1))
    assert [(one.sku, one.quantity) for one in kit.components] == [("BAG", 1), ("LID", 2)]
    assert (await items.read_variant(db, world.actor(), world.items["BOX"])).components == kit.components
    await bring(db, world, "FULL", 1)
    for sku, parts, reason in (
        ("LID", [("BAG", 1)], "part of BOX"),
        ("TRACKED", [("BOX", 1)], "is a kit itself"),
        ("TRACKED", [("TRACKED", 1)], "the kit itself"),
        ("TRACKED", [("NOTHING", 1)], "no such item"),
        ("TRACKED", [("BAG", 1), ("bag", 2)], "named twice"),
        ("TRACKED", [("BAG", 0)], "more than 0"),
        ("MILK", [("BAG", 1)], "its components have the lots"),
        ("FULL", [("BAG", 1)], "stock of its own"),
    ):
        with pytest.raises(Refusal, match=reason):
            await declare(db, world, sku, *parts)
    with pytest.raises(Refusal, match="is a kit: it has no stock"):
        await bring(db, world, "BOX", 1)
    waits = await order(db, world, ("BOX", 1))
    with pytest.raises(Refusal, match="open orders"):
        await declare(db, world, "BOX", ("LID", 1))
    await service.cancel(db, world.actor(), waits.id, CancelOrder(reason="no"))
    assert (await declare(db, world, "BOX")).components == []
    await bring(db, world, "BOX", 1)


async def test_components_go_together_or_not_at_all(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "CUP", "SAUCER")
    await make_kit(db, world, "TEA", CUP=1, SAUCER=2)
    await bring(db, world, "CUP", 10)
    nothing = await order(db, world, ("TEA", 2))
    assert (nothing.status, nothing.lines[0].allocated) == ("BACKORDERED", 0)
    await bring(db, world, "SAUCER", 1)
    assert (await now(db, world, nothing)).status == "BACKORDERED"
    await bring(db, world, "SAUCER", 2)
    part = await now(db, world, nothing)
    assert (part.status, part.lines[0].allocated, part.lines[0].sites) == ("PARTLY_ALLOCATED", 1, {"LON": 1})
    await bring(db, world, "SAUCER", 1)
    assert (await now(db, world, nothing)).status == "ALLOCATED"
    await sound(db)
    cancel = CancelOrder(reason="one less", lines=[CancelLine(line_no=1, quantity=Decimal(1))])
    await service.cancel(db, world.actor(), nothing.id, cancel)
    left = await now(db, world, nothing)
    assert (left.lines[0].allocated, left.lines[0].cancelled) == (1, 1)
    await sound(db)
    await service.ship(db, world.actor(), nothing.id, ShipOrder(lines=[ShipLine(line_no=1)]))
    assert (await now(db, world, nothing)).status == "SHIPPED"
    await sound(db)


async def test_two_kits_and_a_component_of_one_cart_share(db: Database, world: SimpleNamespace) -> None:
    """A component that two kits and a line of one cart want is never given twice."""
    await make(db, world, "SCREW", "PLATE", "HOOK")
    await make_kit(db, world, "KIT-A", SCREW=4, PLATE=1)
    await make_kit(db, world, "KIT-B", SCREW=3, HOOK=1)
    await bring(db, world, "PLATE", 5)
    await bring(db, world, "HOOK", 5)
    await bring(db, world, "SCREW", 12)
    cart = await order(db, world, ("KIT-A", 2), ("KIT-B", 2), ("SCREW", 5))
    assert [line.allocated for line in cart.lines] == [2, 1, 1]
    await sound(db)
    whole = await order(db, world, ("KIT-A", 1), ("SCREW", 1), fulfilment="complete")
    assert whole.status == "BACKORDERED"
    await bring(db, world, "SCREW", 7)  # 3 to the second kit of B, 4 to the rest of the line
    assert [line.allocated for line in (await now(db, world, cart)).lines] == [2, 2, 5]
    await bring(db, world, "SCREW", 4)
    assert (await now(db, world, whole)).status == "BACKORDERED"
    await bring(db, world, "SCREW", 1)
    assert (await now(db, world, whole)).status == "ALLOCATED"
    await sound(db)


async def test_a_kit_that_changes_while_it_is_ordered_is_sold_as_it_became(
    db: Database, world: SimpleNamespace, database_url: str
) -> None:
    await make(db, world, "NUT", "BOLT")
    await make_kit(db, world, "PAIR", NUT=1, BOLT=1)
    await bring(db, world, "NUT", 9)
    await bring(db, world, "BOLT", 9)
    retried = db.retried["SerializationFailure"]
    async with db.transaction() as tx:
        more = sql("UPDATE kit_components SET quantity = 3 WHERE kit_id = %(k)s AND component_id = %(c)s")
        await tx.execute(more, {"k": world.items["PAIR"], "c": world.items["BOLT"]})
        coming = asyncio.create_task(order(db, world, ("PAIR", 4)))
        await blocked(database_url)
    assert (await coming).lines[0].allocated == 3
    assert db.retried["SerializationFailure"] == retried + 1
    await sound(db)


async def test_it_is_declared_over_http(client: Client, db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "DUO", "ONE")
    path = f"/api/variants/{world.items['DUO']}/components"
    body = {"components": [{"sku": "ONE", "quantity": "2"}]}
    assert (await client.put(path, json=body)).status_code == 428
    made = await client.put(path, json=body, headers={"If-Match": '"1"'})
    assert (made.status_code, made.headers["ETag"]) == (200, '"2"'), made.text
    assert made.json()["components"] == [{"variant_id": world.items["ONE"], "sku": "ONE", "quantity": "2"}]
    assert (await client.put(path, json=body, headers={"If-Match": '"1"'})).status_code == 412
    product = await client.get(f"/api/products/{made.json()['product_id']}")
    assert product.json()["variants"][0]["components"] == made.json()["components"]
