"""A manager decides otherwise; and those who wait are told when it comes."""

from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from httpx import AsyncClient as Client
from tests.allocation.helpers import bring, make, make_kit, now, order, set_rules, sound

from perpetua.allocation import port, service
from perpetua.allocation.port import Expected
from perpetua.allocation.types import Jump, TakeStock, Taking
from perpetua.kit.database import Database
from perpetua.kit.errors import NotAllowed, Refusal
from perpetua.ledger import service as ledger
from perpetua.ledger.types import Adjust, AdjustLine
from perpetua.orders.types import ChangeLine, ChangeOrder, Order, PlaceLine


async def take(
    db: Database, world: SimpleNamespace, to: Order, *takes: tuple[int, Order, int, int], reason: str = "vip"
) -> Order:
    asked = [
        Taking(line_no=line, from_order_id=of.id, from_line_no=other, quantity=Decimal(quantity))
        for line, of, other, quantity in takes
    ]
    return (await service.take_from(db, world.actor(), to.id, TakeStock(reason=reason, takes=asked))).answer


async def test_stock_is_taken_from_another_order(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "DESK")
    await bring(db, world, "DESK", 3)
    await bring(db, world, "DESK", 3, "SHOP-FLOOR")
    rich = await order(db, world, ("DESK", 6))
    poor = await order(db, world, ("DESK", 4), ("PEAR", 1), site="SHOP")
    got = await take(db, world, poor, (1, rich, 1, 2))
    assert got.lines[0].sites == {"SHOP": 2}
    left = await now(db, world, rich)
    assert (left.lines[0].allocated, left.status) == (4, "PARTLY_ALLOCATED")
    with pytest.raises(Refusal, match="may not be sent from"):
        await take(db, world, poor, (1, rich, 1, 2))
    for wrong in ((1, rich, 1, 9), (2, rich, 1, 1), (3, rich, 1, 1), (1, rich, 7, 1), (1, poor, 1, 1)):
        with pytest.raises(Refusal):
            await take(db, world, poor, wrong)
    with pytest.raises(Refusal, match="say why"):
        await take(db, world, poor, (1, rich, 1, 1), reason=" ")
    with pytest.raises(NotAllowed):
        await service.take_from(db, world.actor("warehouse_staff"), poor.id, TakeStock(reason="r", takes=[]))
    whole = await order(db, world, ("DESK", 1), ("PEAR", 1), fulfilment="complete")
    with pytest.raises(Refusal, match="goes whole"):
        await take(db, world, whole, (1, rich, 1, 1))
    told = await service.explain(db, world.actor(), poor.id)
    assert [(row.action, row.reason, row.given) for row in told.lines[0].later] == [("taken", "vip", 2)]
    await sound(db)


async def test_kits_are_taken_whole(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "WHEEL", "FRAME")
    await make_kit(db, world, "BIKE", WHEEL=2, FRAME=1)
    await bring(db, world, "WHEEL", 4)
    await bring(db, world, "FRAME", 2)
    first, second = await order(db, world, ("BIKE", 2)), await order(db, world, ("BIKE", 1))
    got = await take(db, world, second, (1, first, 1, 1))
    assert (got.status, (await now(db, world, first)).lines[0].allocated) == ("ALLOCATED", 1)
    await sound(db)


async def test_an_order_jumps_the_queue_and_goes_back(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "TENT")
    first, second, third = [await order(db, world, ("TENT", 1)) for _ in range(3)]
    jumped = await service.jump(db, world.actor(), third.id, Jump(reason="promised by phone"))
    assert jumped.answer.lines[0].backordered == 1
    await service.jump(db, world.actor(), second.id, Jump(reason="sooner still"))
    await service.jump(db, world.actor(), second.id, Jump(reason="a mistake", back=True))
    await bring(db, world, "TENT", 1)
    assert (await now(db, world, third)).status == "ALLOCATED"
    await bring(db, world, "TENT", 1)
    assert (await now(db, world, first)).status == "ALLOCATED"
    with pytest.raises(Refusal, match="nothing of it waits"):
        await service.jump(db, world.actor(), first.id, Jump(reason="late"))
    told = await service.explain(db, world.actor(), third.id)
    assert [row.action for row in told.lines[0].later] == ["jumped", "filled"]
    await sound(db)


async def test_an_order_jumps_before_better_tiers(db: Database, world: SimpleNamespace) -> None:
    """A manager who puts an order first means first of all; and it is the last to lose what it was given."""
    await make(db, world, "BOAT")
    await set_rules(db, '{"tiers": [{"code": "gold", "rank": 1}, {"code": "plain", "rank": 2}]}')
    gold, plain = await order(db, world, ("BOAT", 1), tier="gold"), await order(db, world, ("BOAT", 1), tier="plain")
    await service.jump(db, world.actor(), plain.id, Jump(reason="promised by phone"))
    told = await service.explain(db, world.actor(), gold.id)
    assert (told.lines[0].lines_before, told.lines[0].units_before) == (1, 1)
    await bring(db, world, "BOAT", 1)
    assert [(await now(db, world, one)).status for one in (plain, gold)] == ["ALLOCATED", "BACKORDERED"]
    await bring(db, world, "BOAT", 1)
    lost = AdjustLine(sku="BOAT", quantity=Decimal(-1), location="LON-A-1")
    await ledger.adjust(db, world.actor(), Adjust(lines=[lost], reason_code="damage"))
    assert [(await now(db, world, one)).status for one in (plain, gold)] == ["ALLOCATED", "BACKORDERED"]
    await set_rules(db, "{}")
    await sound(db)


async def test_who_waits_is_told_when_it_comes(
    db: Database, world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(db, world, "OVEN", "PAN")
    await make_kit(db, world, "COOK", OVEN=1, PAN=2)
    first = await order(db, world, ("OVEN", 3))
    shop = await order(db, world, ("OVEN", 2), site="SHOP")
    kit = await order(db, world, ("COOK", 1))
    last = await order(db, world, ("OVEN", 5))

    class Fake:
        async def expected(self, tx: Any, variant_ids: Any) -> list[Expected]:
            def one(sku: str, site: str, day: int, quantity: int) -> Expected:
                return Expected(world.items[sku], world.places[site], date(2090, 1, day), Decimal(quantity))

            return [one("OVEN", "LON", 5, 4), one("OVEN", "SHOP", 9, 2), one("OVEN", "LON", 20, 3),
                    one("PAN", "LON", 7, 2),
                    Expected(world.items["PEAR"], world.places["LON"], date(2020, 1, 1), Decimal(9))]  # fmt: skip

    async def days() -> list[str | None]:
        return [(await now(db, world, one)).lines[0].expected_on for one in (first, shop, kit, last)]

    assert (await service.expect_all(db), await days()) == (0, [None] * 4)
    monkeypatch.setattr(port, "_supplies", [Fake()])
    late = await order(db, world, ("PEAR", 1))
    assert late.lines[0].expected_on == str(datetime.now(UTC).date())  # with the answer
    oven = PlaceLine(sku="OVEN", quantity=Decimal(1))
    more = ChangeOrder(lines=[ChangeLine(line_no=1, quantity=Decimal(2))], add=[oven])
    changed = (await service.change(db, world.actor(), late.id, more, version=late.version)).answer
    assert [line.expected_on for line in changed.lines] == [late.lines[0].expected_on, None]  # not all is on its way
    assert await service.expect_all(db) >= 3
    assert await days() == ["2090-01-05", "2090-01-09", "2090-01-07", None]
    assert (await now(db, world, late)).lines[0].expected_on == str(datetime.now(UTC).date())
    assert await service.expect_all(db) == 0
    await bring(db, world, "OVEN", 3)
    assert (await days())[0] is None
    await sound(db)


async def test_over_http(client: Client, callers: dict[str, Client], db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "FAN")
    await bring(db, world, "FAN", 1)
    one, two = await order(db, world, ("FAN", 1)), await order(db, world, ("FAN", 1))
    takes = [{"line_no": 1, "from_order_id": one.id, "from_line_no": 1, "quantity": "1"}]
    body = {"reason": "vip", "takes": takes}
    denied = await callers["warehouse_staff"].post(f"/api/orders/{two.id}/take", json=body)
    assert denied.status_code == 403
    done = await client.post(f"/api/orders/{two.id}/take", json=body)
    assert (done.status_code, done.json()["status"]) == (200, "ALLOCATED"), done.text
    jumped = await client.post(f"/api/orders/{one.id}/jump", json={"reason": "sorry"})
    assert (jumped.status_code, jumped.json()["status"]) == (200, "BACKORDERED")
