"""Each rule, from an order to what it is given."""

from decimal import Decimal
from types import SimpleNamespace

import pytest
from tests.allocation.helpers import bring, make, now, order, set_rules, sound

from perpetua.allocation import service
from perpetua.allocation.types import AskAvailability
from perpetua.kit.database import Database, sql
from perpetua.orders.types import ShipTo


async def test_first_come_or_better_tier_first(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "P1", "P2")
    tiers = '"tiers": [{"code": "gold", "rank": 1}, {"code": "plain", "rank": 2}]'
    for queue, sku, first in (("fifo", "P1", 0), ("priority", "P2", 1)):
        await set_rules(db, f'{{"queue": "{queue}", {tiers}}}')
        waiting = [await order(db, world, (sku, 2), tier=tier) for tier in ("plain", "gold")]
        await bring(db, world, sku, 2)
        assert [(await now(db, world, one)).lines[0].allocated for one in waiting] == [2 - 2 * first, 2 * first]
    await sound(db)


async def test_stock_is_held_for_better_tiers(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "H")
    await bring(db, world, "H", 10)
    await set_rules(db, """{"tiers": [{"code": "gold", "rank": 1, "hold_percent": "30"}, {"code": "plain", "rank": 2}],
                            "channels": {"b2b": {"tier": "gold"}}}""")  # fmt: skip
    assert (await order(db, world, ("H", 9), tier="plain")).lines[0].allocated == 7
    assert (await order(db, world, ("H", 1))).lines[0].allocated == 0  # of no tier
    assert (await order(db, world, ("H", 9), channel="b2b")).lines[0].allocated == 3
    await sound(db)


async def test_channels_have_buffers_and_shares(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "C1", "C2", "C3")
    for sku in ("C1", "C2", "C3"):
        await bring(db, world, sku, 20)
    await set_rules(db, """{"channels": {"units": {"buffer_units": "5"}, "percent": {"buffer_percent": "10"},
                            "share": {"share_percent": "25"}}}""")  # fmt: skip
    assert (await order(db, world, ("C1", 20), channel="units")).lines[0].allocated == 15
    assert (await order(db, world, ("C2", 20), channel="percent")).lines[0].allocated == 18
    assert [(await order(db, world, ("C3", 3), channel="share")).lines[0].allocated for _ in range(3)] == [3, 2, 0]
    assert (await order(db, world, ("C3", 20))).lines[0].allocated == 15
    await sound(db)


async def test_shares_and_buffers_give_whole_units_of_what_has_no_decimals(
    db: Database, world: SimpleNamespace
) -> None:
    await make(db, world, "W1", "W2", "W3")
    for sku in ("W1", "W2", "W3", "FLOUR"):
        await bring(db, world, sku, 7)
    await set_rules(db, """{"channels": {"percent": {"buffer_percent": "10"}, "share": {"share_percent": "25"}}}""")
    assert (await order(db, world, ("W1", 9), channel="percent")).lines[0].allocated == 6  # of 6.3
    assert (await order(db, world, ("W2", 9), channel="share")).lines[0].allocated == 1  # of 1.75
    assert (await order(db, world, ("FLOUR", 9), channel="percent")).lines[0].allocated == Decimal("6.3")  # by the kg
    asked = AskAvailability(skus=["W3"], channel="percent")
    assert (await service.availability(db, world.actor(), asked)).items[0].available == 6
    waits = await order(db, world, ("W3", 9), channel="share")
    await bring(db, world, "W3", 2)  # nine now: 2.25
    assert (await now(db, world, waits)).lines[0].allocated == 2
    await sound(db)


async def test_what_is_missing_waits_is_waited_for_or_is_refused(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "F")
    await bring(db, world, "F", 3)
    await set_rules(db, '{"channels": {"pos": {"fulfilment": "cancel_rest"}, "b2b": {"fulfilment": "complete"}}}')
    whole = await order(db, world, ("F", 4), channel="b2b")
    assert (whole.status, whole.fulfilment) == ("BACKORDERED", "complete")
    cut = await order(db, world, ("F", 2), ("PEAR", 1), channel="pos")
    assert [(line.allocated, line.refused) for line in cut.lines] == [(2, 0), (0, 1)]
    split = await order(db, world, ("F", 2), channel="pos", fulfilment="split")
    assert (split.lines[0].allocated, split.lines[0].backordered) == (1, 1)
    await sound(db)


@pytest.mark.parametrize(
    ("sourcing", "site"), [("ranked", "SHOP"), ("nearest", "LON"), ("most_stock", "LON"), ("fewest_parcels", "SHOP")]
)
async def test_a_site_is_chosen(db: Database, world: SimpleNamespace, sourcing: str, site: str) -> None:
    sku, other = f"S-{sourcing}", f"T-{sourcing}"
    await make(db, world, sku, other)
    async with db.admin() as tx:
        for code, region in (("LON", "London"), ("SHOP", "Kent")):
            await tx.execute(
                sql("""UPDATE locations SET address = jsonb_build_object('country', 'GB', 'region', %(r)s::text)
                       WHERE code = %(c)s"""),
                {"c": code, "r": region},
            )
    await bring(db, world, sku, 9)
    await bring(db, world, sku, 2, "SHOP-FLOOR")
    await bring(db, world, other, 2, "SHOP-FLOOR")
    ranked = ["SHOP", "LON"] if sourcing in ("ranked", "most_stock") else []
    await set_rules(db, f'{{"sourcing": "{sourcing}", "sites": {str(ranked).replace(chr(39), chr(34))}}}')
    lines = ((sku, 1), (other, 1)) if sourcing == "fewest_parcels" else ((sku, 1),)
    got = await order(db, world, *lines, ship_to=ShipTo(country="GB", region="London"))
    assert got.lines[0].sites == {site: 1}
    await sound(db)


async def test_goods_last_as_long_as_was_asked(db: Database, world: SimpleNamespace) -> None:
    async with db.admin() as tx:
        days = {
            row["name"]: row["day"]
            for row in await tx.dicts(
                sql("""SELECT n.name, (now()::date + n.days)::text AS day
                       FROM (VALUES ('GONE', -1), ('SOON', 10), ('FAR', 100)) n (name, days)""")
            )
        }
        await tx.execute(sql("INSERT INTO customers (code, name, min_life_days) VALUES ('HOSPITAL', 'A hospital', 60)"))
    for lot in ("GONE", "FAR", "SOON", "BAD"):
        await bring(db, world, "MILK", 5, lot=lot, expires_on=days.get(lot, days["FAR"]))
    async with db.admin() as tx:
        await tx.execute(sql("UPDATE lots SET status = 'hold' WHERE number = 'BAD'"))
    await set_rules(db, '{"channels": {"grocer": {"min_life_days": 30}}}')

    async def lots(one: int) -> list[tuple[str, int]]:
        async with db.transaction() as tx:
            rows = await tx.dicts(
                sql("""SELECT t.number, a.quantity FROM order_allocations a JOIN lots t ON t.id = a.lot_id
                       JOIN order_lines l ON l.id = a.line_id WHERE l.order_id = %(o)s ORDER BY a.id"""),
                {"o": one},
            )
        return [(row["number"], int(row["quantity"])) for row in rows]

    assert await lots((await order(db, world, ("MILK", 2))).id) == [("SOON", 2)]
    assert await lots((await order(db, world, ("MILK", 1), channel="grocer")).id) == [("FAR", 1)]
    assert await lots((await order(db, world, ("MILK", 1), customer="hospital")).id) == [("FAR", 1)]
    assert await lots((await order(db, world, ("MILK", 1), min_life_days=99)).id) == [("FAR", 1)]
    assert (await order(db, world, ("MILK", 1), min_life_days=101)).status == "BACKORDERED"
    rest = await order(db, world, ("MILK", 99))
    assert await lots(rest.id) == [("SOON", 3), ("FAR", 2)]
    assert rest.lines[0].backordered == 94
    await sound(db)
