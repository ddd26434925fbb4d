"""What was promised is kept, whatever moves the stock beneath it; and it is proved."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.allocation.helpers import bring, make, make_kit, now, order, sound

from perpetua.access.types import SYSTEM
from perpetua.allocation import service
from perpetua.allocation.service import filling
from perpetua.allocation.types import Reserve, ReserveLine
from perpetua.kit.database import Database, sql
from perpetua.kit.imports import ImportOptions, Source, begin, undo
from perpetua.kit.quantity import ZERO
from perpetua.ledger import service as ledger
from perpetua.ledger.imports import OPENING_STOCK
from perpetua.ledger.types import Adjust, AdjustLine, Receive, ReceiveLine
from perpetua.places import service as places
from perpetua.places.errors import StockPromised
from perpetua.places.types import ChangeLocation, MoveLocation


async def test_a_place_with_promised_stock_stays_sellable(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "VASE")
    await bring(db, world, "VASE", 5)
    await bring(db, world, "VASE", 2, "LON-A-2")
    held = await order(db, world, ("VASE", 4))
    place = await places.get(db, world.actor(), world.places["LON-A-1"])
    for change in (
        lambda: places.change(db, world.actor(), place.id, ChangeLocation(sellable=False), version=place.version),
        lambda: places.change(db, world.actor(), place.id, ChangeLocation(kind="quarantine", sellable=False),
                              version=place.version),
        lambda: places.move(db, world.actor(), place.id, MoveLocation(to="SHOP-FLOOR")),
    ):  # fmt: skip
        with pytest.raises(StockPromised) as refused:
            await change()
        assert (refused.value.sku, refused.value.site, refused.value.promised, refused.value.left) == (
            "VASE", "LON", "4", "2"
        )  # fmt: skip
    other = await places.get(db, world.actor(), world.places["LON-A-2"])
    await places.change(db, world.actor(), other.id, ChangeLocation(sellable=False), version=other.version)
    assert (await now(db, world, held)).lines[0].allocated == 4
    other = await places.get(db, world.actor(), other.id)
    await places.change(db, world.actor(), other.id, ChangeLocation(sellable=True), version=other.version)
    await sound(db)


async def test_who_loses_stock_at_one_site_has_what_lies_at_another(db: Database, world: SimpleNamespace) -> None:
    """Prove found it: the stock of the other site lay idle while they waited."""
    await make(db, world, "LAMP")
    await bring(db, world, "LAMP", 5)
    held = await order(db, world, ("LAMP", 4))
    await bring(db, world, "LAMP", 3, "SHOP")
    lost = AdjustLine(sku="LAMP", quantity=Decimal(-4), location="LON-A-1")
    await ledger.adjust(db, world.actor(), Adjust(lines=[lost], reason_code="damage"))
    line = (await now(db, world, held)).lines[0]
    assert (line.sites, line.allocated, line.backordered) == ({"LON": 1, "SHOP": 3}, 4, 0)
    await sound(db)


async def test_what_comes_for_those_far_back_in_the_queue_goes_to_them(
    db: Database, world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those who wait are looked at some at a time; of what none of the first wanted, none was given. Prove found it."""
    monkeypatch.setattr(filling, "MOST_WAITING", 2)
    await make(db, world, "FORK")
    await make(db, world, "KNIFE")
    forks = [await order(db, world, ("FORK", 1)) for _ in range(3)]
    knife = await order(db, world, ("KNIFE", 1))
    lines = [ReceiveLine(sku=sku, quantity=Decimal(4), location="LON-A-1") for sku in ("FORK", "KNIFE")]
    await ledger.receive(db, world.actor(), Receive(lines=lines))
    assert [(await now(db, world, one)).status for one in (*forks, knife)] == ["ALLOCATED"] * 4
    await sound(db)


async def make_site(db: Database, code: str, *zones: str) -> list[int]:
    """A site of a test's own, with zones; the ids of all."""
    make_place = sql("""
        INSERT INTO locations (code, name, kind, parent_id)
        VALUES (%(c)s, '', CASE WHEN %(p)s::bigint IS NULL THEN 'store' ELSE 'zone' END, %(p)s) RETURNING id""")
    async with db.admin() as tx:
        site = await tx.value(make_place, {"c": code, "p": None})
        return [site, *[await tx.value(make_place, {"c": zone, "p": site}) for zone in zones]]


async def test_a_place_that_opens_again_fills_who_waits(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "CHEST")
    place = await places.get(db, world.actor(), world.places["LON-A-2"])
    done = await places.change(db, world.actor(), place.id, ChangeLocation(sellable=False), version=place.version)
    await bring(db, world, "CHEST", 2, "LON-A-2")
    waits = await order(db, world, ("CHEST", 2))
    assert waits.status == "BACKORDERED"
    version = done.answer.version
    done = await places.change(db, world.actor(), place.id, ChangeLocation(sellable=True), version=version)
    assert (await now(db, world, waits)).status == "ALLOCATED"
    kiosk, _ = await make_site(db, "KIOSK", "KIOSK-1")
    site = await places.get(db, world.actor(), kiosk)
    done = await places.change(db, world.actor(), site.id, ChangeLocation(sellable=False), version=site.version)
    await bring(db, world, "CHEST", 1, "KIOSK-1")
    waits = await order(db, world, ("CHEST", 1))
    assert waits.status == "BACKORDERED"
    version = done.answer.version
    await places.change(db, world.actor(), site.id, ChangeLocation(sellable=True), version=version)
    assert (await now(db, world, waits)).lines[0].sites == {"KIOSK": 1}
    await sound(db)


async def test_a_place_with_promised_lots_closes_if_others_stand_in(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "CHEESE", tracking="lot")
    today = datetime.now(UTC).date()
    _, first, second = await make_site(db, "DAIRY", "DAIRY-1", "DAIRY-2")
    await bring(db, world, "CHEESE", 4, "DAIRY-1", lot="A", expires_on=str(today + timedelta(days=60)))
    await bring(db, world, "CHEESE", 4, "DAIRY-2", lot="B", expires_on=str(today + timedelta(days=90)))
    one = await order(db, world, ("CHEESE", 3))
    place = await places.get(db, world.actor(), first)
    done = await places.change(db, world.actor(), place.id, ChangeLocation(sellable=False), version=place.version)
    told = (await service.explain(db, world.actor(), one.id)).lines[0].later
    assert [(row.action, row.says) for row in told] == [("moved", "Of lot A moved 3 to lot B: lot A has less.")]
    done = await places.change(db, world.actor(), place.id, ChangeLocation(sellable=True), version=done.answer.version)
    strict = await order(db, world, ("CHEESE", 1), min_life_days=80)
    assert strict.status == "ALLOCATED"
    other = await places.get(db, world.actor(), second)
    with pytest.raises(StockPromised) as refused:
        await places.change(db, world.actor(), other.id, ChangeLocation(sellable=False), version=other.version)
    assert (refused.value.sku, refused.value.lot) == ("CHEESE", "B")
    await sound(db)


async def test_an_import_that_is_undone_takes_its_stock_back_from_orders(
    db: Database, world: SimpleNamespace, tmp_path: Path
) -> None:
    await make(db, world, "BULB")
    waits = await order(db, world, ("BULB", 4))
    file = tmp_path / "opening.csv"
    file.write_text("sku,location,quantity\nBULB,LON-A-1,6\n", encoding="utf-8")
    done = await begin(db, SYSTEM, OPENING_STOCK, [Source(file, "opening.csv")], ImportOptions(again=True))
    assert (await now(db, world, waits)).status == "ALLOCATED"
    await make_kit(db, world, "BULBS", BULB=2)
    kits = tmp_path / "kits.csv"
    kits.write_text("sku,location,quantity\nBULBS,LON-A-1,6\n", encoding="utf-8")
    refused = await begin(db, SYSTEM, OPENING_STOCK, [Source(kits, "kits.csv")], ImportOptions(again=True))
    assert (refused.rows_good, refused.rows_bad) == (0, 1)
    await undo(db, SYSTEM, OPENING_STOCK, done.id)
    after = await now(db, world, waits)
    assert (after.status, after.lines[0].backordered) == ("BACKORDERED", 4)
    await sound(db)


async def test_the_proof_finds_what_is_wrong(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "LEG", "TOP")
    await make_kit(db, world, "TABLE", LEG=4, TOP=1)
    await bring(db, world, "LEG", 9)
    await bring(db, world, "TOP", 3)
    one = await order(db, world, ("TABLE", 2), ("LEG", 1))
    await service.reserve(db, world.actor(), Reserve(holder="h", lines=[ReserveLine(sku="TOP", quantity=ZERO + 1)]))
    whole = await service.check(db, SYSTEM, keep=False)
    assert whole.passed, [found for found in whole.findings if found.wrong]
    async with db.admin() as tx:
        await tx.execute(sql("UPDATE order_lines SET allocated = 1 WHERE order_id = %(id)s AND kit"), {"id": one.id})
        await tx.execute(
            sql("UPDATE inventory_positions SET reserved = 0 WHERE variant_id = %(v)s"), {"v": world.items["TOP"]}
        )
        await tx.execute(
            sql("""INSERT INTO orders (channel, external_id, body_hash, status, fulfilment, placed_at, created_by)
                   VALUES ('x', 'x', '', 'RECEIVED', 'split', now(), 0)""")
        )
    broken = await service.check(db, SYSTEM, keep=False)
    assert {found.name for found in broken.findings if found.wrong} == {"promised", "kits", "orders"}
