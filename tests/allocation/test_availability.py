"""What may be promised is told by the rules that allocation decides by."""

from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from httpx import AsyncClient as Client
from tests.allocation.helpers import bring, make, make_kit, order, set_rules

from perpetua.allocation import port, service
from perpetua.allocation.port import Expected
from perpetua.allocation.types import AskAvailability, AvailabilityAnswer
from perpetua.kit.database import Database, count_statements, sql
from perpetua.kit.errors import Refusal


async def ask(db: Database, world: SimpleNamespace, *skus: str, **more: Any) -> AvailabilityAnswer:
    return await service.availability(db, world.actor(), AskAvailability(skus=list(skus), **more))


async def test_it_is_what_an_order_would_get(db: Database, world: SimpleNamespace) -> None:
    await bring(db, world, "APPLE", 10)
    await bring(db, world, "APPLE", 4, "SHOP-FLOOR")
    await bring(db, world, "APPLE", 3, "LON-Q")  # not for sale
    await order(db, world, ("APPLE", 2))
    answer = await ask(db, world, "apple", "NOTHING", "PEAR")
    apple, pear = answer.items
    assert (apple.available, apple.on_hand, apple.allocated, answer.unknown) == (12, 17, 2, ["NOTHING"])
    assert {one.site: one.available for one in apple.sites} == {"LON": 8, "SHOP": 4}
    assert (pear.available, pear.sites) == (0, [])
    assert (await ask(db, world, "APPLE", site="SHOP")).items[0].available == 4
    with pytest.raises(Refusal, match="no site that sells"):
        await ask(db, world, "APPLE", site="LON-A")
    got = await order(db, world, ("APPLE", 99))
    assert got.lines[0].allocated == 12


async def test_a_kit_follows_its_components_site_by_site(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "CUP", "SPOON")
    await make_kit(db, world, "SET", CUP=2, SPOON=3)
    await bring(db, world, "CUP", 9)
    await bring(db, world, "SPOON", 10)
    await bring(db, world, "CUP", 2, "SHOP-FLOOR")
    kit = (await ask(db, world, "SET")).items[0]
    assert (kit.kit, kit.available, [one.site for one in kit.sites]) == (True, 3, ["LON"])


async def test_lots_that_expired_or_are_blocked_do_not_count(db: Database, world: SimpleNamespace) -> None:
    await bring(db, world, "MILK", 5, lot="OLD", expires_on="2020-01-01")
    await bring(db, world, "MILK", 7, lot="NEW", expires_on="2099-01-01")
    await bring(db, world, "MILK", 9, lot="BAD", expires_on="2099-01-01")
    async with db.admin() as tx:
        await tx.execute(sql("UPDATE lots SET status = 'hold' WHERE number = 'BAD'"))
    assert (await ask(db, world, "MILK")).items[0].available == 7
    assert (await ask(db, world, "MILK", min_life_days=3650)).items[0].available == 7


async def test_channels_and_tiers_see_what_the_rules_let_them(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "LAMP")
    await bring(db, world, "LAMP", 100)
    await set_rules(db, """{"tiers": [{"code": "gold", "rank": 1, "hold_percent": "10"}, {"code": "plain", "rank": 2}],
        "channels": {"web": {"buffer_units": "5", "share_percent": "20"}, "shop": {"sites": ["SHOP"]}}}""")  # fmt: skip
    assert (await ask(db, world, "LAMP", tier="gold")).items[0].available == 100
    assert (await ask(db, world, "LAMP")).items[0].available == 90
    await order(db, world, ("LAMP", 8), channel="web")
    assert (await ask(db, world, "LAMP", channel="web")).items[0].available == 12
    assert (await ask(db, world, "LAMP", channel="shop")).items[0].available == 0
    with pytest.raises(Refusal, match="gold, plain"):
        await ask(db, world, "LAMP", tier="silver")
    await set_rules(db, "{}")


async def test_hundreds_of_items_are_a_few_statements(db: Database, world: SimpleNamespace) -> None:
    skus = [f"MANY-{n:03}" for n in range(500)]
    await make(db, world, *skus)
    async with db.admin() as tx:
        await tx.execute(
            sql("""INSERT INTO inventory_positions (variant_id, site_id, on_hand)
                   SELECT i.id, l.id, 50 FROM product_variants i, locations l
                   WHERE i.sku LIKE 'MANY-%%' AND l.parent_id IS NULL"""),
            {},
        )
    with count_statements() as statements:
        answer = await ask(db, world, *skus)
    assert len(statements) <= 5, statements
    assert [one.available for one in answer.items] == [100] * 500


async def test_what_is_to_come_is_told(db: Database, world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    class Fake:
        async def expected(self, tx: object, variant_ids: object) -> list[Expected]:
            where = (world.items["PEAR"], world.places["LON"])
            return [Expected(*where, date(2030, 1, day), Decimal(5)) for day in (9, 3)]

    monkeypatch.setattr(port, "_supplies", [Fake()])
    assert (await ask(db, world, "PEAR")).items[0].next_expected == date(2030, 1, 3)


async def test_it_is_asked_over_http(client: Client, world: SimpleNamespace) -> None:
    one = await client.get("/api/availability", params=[("sku", "APPLE"), ("sku", "NO"), ("channel", "web")])
    many = await client.post("/api/availability", json={"skus": ["APPLE", "NO"], "channel": "web"})
    assert (one.status_code, many.status_code) == (200, 200), one.text
    assert one.json()["items"] == many.json()["items"]
    assert one.json()["unknown"] == ["NO"]
    assert (await client.get("/api/availability")).status_code == 422
    assert (await client.post("/api/availability", json={"skus": []})).status_code == 422
