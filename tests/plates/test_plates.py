"""Plates: made, loaded, put on each other, moved as one; what leaves without them comes off them."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from tests.allocation.helpers import bring, make, order
from tests.plates.helpers import move, on, on_hand, plate, put, whole

from perpetua.access.errors import OutOfScope
from perpetua.access.types import SYSTEM
from perpetua.allocation import service as allocation
from perpetua.allocation.errors import Promised
from perpetua.gs1 import service as gs1
from perpetua.kit.database import Database, count_statements, sql
from perpetua.kit.errors import InvalidValue, Missing, NotAllowed, Stale
from perpetua.kit.listing import PageRequest
from perpetua.ledger import service as ledger
from perpetua.ledger.errors import InTransit, SerialElsewhere
from perpetua.ledger.types import (
    Adjust,
    AdjustLine,
    MovementFilters,
    Receive,
    ReceiveLine,
    Sell,
    SellLine,
    Transfer,
    TransferLine,
)
from perpetua.orders.types import ShipOrder
from perpetua.plates import service
from perpetua.plates.errors import (
    NoCompanyPrefix,
    NotLoose,
    NotOnPlate,
    PlateCodeTaken,
    PlateElsewhere,
    PlateNotOpen,
    PlateTooDeep,
)
from perpetua.plates.types import (
    ChangePlateSettings,
    MakePlate,
    MovePlate,
    Nest,
    PlateFilters,
    PlateLine,
    TakeOff,
)

D = Decimal


async def item(db: Database, world: SimpleNamespace, sku: str, quantity: int = 10, **more: Any) -> None:
    await make(db, world, sku, **more)
    if quantity:
        await bring(db, world, sku, quantity)


async def nest(db: Database, world: SimpleNamespace, one: Any, parent: Any) -> None:
    await service.nest(db, world.actor(), one.id, Nest(parent=parent.code))


async def test_a_pallet_with_its_boxes_moves_in_one_posting(db: Database, world: SimpleNamespace) -> None:
    await item(db, world, "P1-A")
    await item(db, world, "P1-B")
    pallet, box = await plate(db, world, "pal-1"), await plate(db, world, "BOX-1")
    await put(db, world, pallet, "P1-A", 4)
    await put(db, world, box, "P1-A", 2)
    await put(db, world, box, "P1-B", 10)
    await nest(db, world, box, pallet)
    moved = await move(db, world, pallet, "LON-A-2")
    assert (moved.location, [one.location for one in moved.nested]) == ("LON-A-2", ["LON-A-2"])
    assert await on(db, pallet, box) == [{"P1-A": 6, "P1-B": 10}, {"P1-A": 2, "P1-B": 10}]
    rows = (await ledger.list_movements(db, SYSTEM, MovementFilters(posting_id=moved.posting_id), PageRequest())).items
    assert sorted((row.type, row.sku, row.quantity, row.reference_id) for row in rows) == [
        ("TRANSFER_IN", "P1-A", 6, "pal-1"), ("TRANSFER_IN", "P1-B", 10, "pal-1"),
        ("TRANSFER_OUT", "P1-A", -6, "pal-1"), ("TRANSFER_OUT", "P1-B", -10, "pal-1"),
    ]  # fmt: skip
    assert await on_hand(db, world, "P1-A", "LON-A-1") == 4
    told = (await service.list_events(db, SYSTEM, box.id, PageRequest())).items
    assert [event.action for event in told] == ["moved", "nested", "put", "put", "made"]
    assert told[0].facts == {"from": "LON-A-1", "to": "LON-A-2", "posting_id": moved.posting_id}
    with pytest.raises(InvalidValue):
        await move(db, world, pallet, "lon-a-2")
    # A box that is moved by itself comes off its pallet.
    alone = await move(db, world, box, "LON-A-1")
    assert (alone.parent, alone.location) == (None, "LON-A-1")
    assert await on(db, pallet) == [{"P1-A": 4}]
    await whole(db)


async def test_no_more_stands_on_plates_than_lies_there(db: Database, world: SimpleNamespace) -> None:
    await item(db, world, "P2")
    first, second = await plate(db, world, "P2-1"), await plate(db, world, "P2-2")
    await put(db, world, first, "P2", 7)
    with pytest.raises(NotLoose) as refused:
        await put(db, world, second, "P2", 4)
    assert refused.value.facts == {"sku": "P2", "location": "LON-A-1", "asked": 4, "on_hand": 10, "on_plates": 7}
    await put(db, world, second, "P2", 3)
    actor = world.actor()
    with pytest.raises(NotOnPlate):
        await service.take_off(db, actor, second.id, TakeOff(lines=[PlateLine(sku="P2", quantity=D(4))]))
    off = (await service.take_off(db, actor, second.id, TakeOff(lines=[PlateLine(sku="P2", quantity=D(3))]))).answer
    assert off.goods == []
    await put(db, world, second, "P2", 2)
    assert await on(db, first, second) == [{"P2": 7}, {"P2": 2}]
    odds: list[dict[str, Any]] = [{"sku": "NO SUCH"}, {"sku": "P2", "lot": "L"}, {"sku": "P2", "serials": ["S"]}]
    for odd in odds:
        with pytest.raises(InvalidValue):
            await service.take_off(db, actor, second.id, TakeOff(lines=[PlateLine(quantity=D(1), **odd)]))
    await whole(db)


async def test_what_leaves_is_loose_first_then_of_the_plate_with_the_least(
    db: Database, world: SimpleNamespace
) -> None:
    await item(db, world, "P3", 20)
    big, small, other = [await plate(db, world, f"P3-{n}") for n in range(3)]
    await put(db, world, big, "P3", 10)
    await put(db, world, small, "P3", 3)
    await put(db, world, other, "P3", 4)

    async def gone(quantity: int, expected: list[int]) -> None:
        line = AdjustLine(sku="P3", quantity=D(-quantity), location="LON-A-1")
        await ledger.adjust(db, world.actor(), Adjust(lines=[line], reason_code="damage"))
        assert [sum(each.values()) for each in await on(db, big, small, other)] == expected

    await gone(3, [10, 3, 4])
    await gone(1, [10, 2, 4])
    await gone(3, [10, 0, 3])
    moved = Transfer(lines=[TransferLine(sku="P3", quantity=D(4))], from_location="LON-A-1", to_location="LON-A-2")
    await ledger.transfer(db, world.actor(), moved)
    assert await on(db, big, small, other) == [{"P3": 9}, {}, {}]
    told = (await service.list_events(db, SYSTEM, big.id, PageRequest())).items[0]
    assert (told.action, told.facts["goods"][0]["quantity"]) == ("gave_up", "1")
    await whole(db)


async def test_a_closed_pallet_leaves_with_its_last_goods(db: Database, world: SimpleNamespace) -> None:
    await item(db, world, "P4")
    pallet, box = await plate(db, world, "P4-PAL"), await plate(db, world, "P4-BOX")
    await put(db, world, box, "P4", 10)
    await nest(db, world, box, pallet)
    for one in (pallet, box):
        await service.set_status(db, world.actor(), one.id, closed=True)
    with pytest.raises(PlateNotOpen):
        await put(db, world, box, "P4", 1)
    wanted = await order(db, world, ("P4", 10))
    await allocation.ship(db, world.actor(), wanted.id, ShipOrder())
    assert [(await service.get(db, SYSTEM, one.id)).status for one in (box, pallet)] == ["shipped", "shipped"]
    for command in (service.dissolve, service.unnest):
        with pytest.raises(PlateNotOpen):
            await command(db, world.actor(), box.id)
    with pytest.raises(PlateNotOpen):
        await move(db, world, pallet, "LON-A-2")
    await whole(db)


async def test_lots_and_serials_stand_on_plates(db: Database, world: SimpleNamespace) -> None:
    await item(db, world, "P5-L", 0, tracking="lot")
    await item(db, world, "P5-S", 0, tracking="serial")
    await bring(db, world, "P5-L", 5, lot="A")
    await bring(db, world, "P5-L", 5, lot="B")
    line = ReceiveLine(sku="P5-S", quantity=D(3), location="LON-A-1", serial_range="S1..S3")
    await ledger.receive(db, world.actor(), Receive(lines=[line]))
    one, other = await plate(db, world, "P5-1"), await plate(db, world, "P5-2")
    await put(db, world, one, "P5-L", 4, lot="A")
    with pytest.raises(NotLoose):
        await put(db, world, other, "P5-L", 2, lot="A")
    await put(db, world, one, "P5-S", 2, serial_range="S1..S2")
    with pytest.raises(SerialElsewhere):
        await put(db, world, other, "P5-S", 1, serials=["S2"])
    sale = SellLine(sku="P5-S", quantity=D(1), location="LON-A-1", serials=["S1"])
    await ledger.sell(db, world.actor(), Sell(lines=[sale]))
    await move(db, world, one, "SHOP-FLOOR")
    goods = (await service.get(db, SYSTEM, one.id)).goods
    assert [(each.lot, each.serial, each.quantity) for each in goods] == [("A", None, 4), (None, "S2", 1)]
    with pytest.raises(SerialElsewhere):
        await put(db, world, other, "P5-S", 1, serials=["S1"])
    await whole(db)


async def test_plates_fit_together_or_are_refused(db: Database, world: SimpleNamespace) -> None:
    chain = [await plate(db, world, f"P6-{n}") for n in range(11)]
    for above, below in zip(chain[1:10], chain, strict=False):
        await nest(db, world, above, below)
    with pytest.raises(PlateTooDeep):
        await nest(db, world, chain[10], chain[9])
    with pytest.raises(PlateElsewhere, match="stand on itself"):
        await nest(db, world, chain[0], chain[9])
    away = await plate(db, world, "P6-AWAY", "LON-A-2")
    with pytest.raises(PlateElsewhere, match="different places"):
        await nest(db, world, away, chain[0])
    with pytest.raises(Missing):
        await service.nest(db, world.actor(), away.id, Nest(parent="NO SUCH"))
    assert [one.code for one in (await service.get(db, SYSTEM, chain[0].id)).nested] == [
        one.code for one in chain[1:10]
    ]
    done = (await service.dissolve(db, world.actor(), chain[4].id)).answer
    assert (done.status, done.parent, done.nested) == ("dissolved", None, [])
    assert len((await service.get(db, SYSTEM, chain[0].id)).nested) == 3
    alone = (await service.unnest(db, world.actor(), chain[6].id)).answer
    assert (alone.parent, len(alone.nested)) == (None, 3)
    await whole(db)


async def test_codes_are_sscc_of_ours_or_any(db: Database, world: SimpleNamespace) -> None:
    administrator = world.actor("administrator")
    with pytest.raises(NoCompanyPrefix):
        await service.make(db, world.actor(), MakePlate(location="LON"))
    with pytest.raises(NotAllowed):
        await service.change_settings(db, world.actor(), ChangePlateSettings(company_prefix="4012345"), version=1)
    change = ChangePlateSettings(company_prefix="4012345", extension=3)
    assert (await service.change_settings(db, administrator, change, version=1)).version == 2
    with pytest.raises(Stale):
        await service.change_settings(db, administrator, change, version=1)
    made = [(await service.make(db, world.actor(), MakePlate(location="LON"))).answer for _ in range(2)]
    assert made[0].sscc == made[0].code == gs1.with_check_digit("34012345000000001")
    assert made[0].sscc != made[1].sscc
    theirs = gs1.with_check_digit("00614141123456789")
    assert (await plate(db, world, f" {theirs} ")).sscc == theirs
    for code in (theirs, theirs.lower()):
        with pytest.raises(PlateCodeTaken):
            await plate(db, world, code)
    with pytest.raises(InvalidValue, match="check digit"):
        await plate(db, world, theirs[:-1] + str((int(theirs[-1]) + 1) % 10))
    await plate(db, world, "tote 7")
    with pytest.raises(PlateCodeTaken):
        await plate(db, world, "TOTE 7")
    found = await service.list_plates(db, SYSTEM, PlateFilters(code="006141"), PageRequest())
    assert [one.sscc for one in found.items] == [theirs]


async def test_only_at_ones_own_places_and_never_in_transit(db: Database, world: SimpleNamespace) -> None:
    await item(db, world, "P8")
    shop, london = world.actor(scope=[world.places["SHOP"]]), world.actor(scope=[world.places["LON"]])
    one = await plate(db, world, "P8-1")
    await put(db, world, one, "P8", 5)
    with pytest.raises(NotAllowed):
        await service.make(db, world.actor("viewer"), MakePlate(location="LON", code="x"))
    with pytest.raises(OutOfScope):
        await service.make(db, shop, MakePlate(location="LON", code="x"))
    with pytest.raises(Missing):
        await service.get(db, shop, one.id)
    for actor, to in ((shop, "SHOP-FLOOR"), (london, "SHOP-FLOOR")):
        with pytest.raises(OutOfScope):
            await service.move(db, actor, one.id, MovePlate(to=to))
    with pytest.raises(InTransit):
        await move(db, world, one, "SHOP-TRANSIT")
    wanted = await order(db, world, ("P8", 9))
    with pytest.raises(Promised):
        await move(db, world, one, "SHOP-FLOOR")
    assert (await service.get(db, SYSTEM, one.id)).location == "LON-A-1"
    assert wanted.status == "ALLOCATED"
    await whole(db)


async def test_moving_costs_the_same_for_one_box_and_for_thirty(db: Database, world: SimpleNamespace) -> None:
    counts: list[int] = []
    for n in (1, 30):
        pallet = await plate(db, world, f"P9-{n}")
        for number in range(n):
            sku = f"P9-{n}-{number}"
            await item(db, world, sku)
            box = await plate(db, world, sku)
            await put(db, world, box, sku, 3)
            await nest(db, world, box, pallet)
        with count_statements() as seen:
            await move(db, world, pallet, "LON-A-2")
        counts.append(len(seen))
    assert counts[0] == counts[1], counts


async def test_the_check_finds_a_plate_that_holds_more_than_lies_there(db: Database, world: SimpleNamespace) -> None:
    await item(db, world, "P10")
    one = await plate(db, world, "P10")
    await put(db, world, one, "P10", 5)
    text = "UPDATE plate_contents SET quantity = %(q)s WHERE plate_id = %(p)s"
    async with db.admin() as tx:
        await tx.execute(sql(text), {"q": 50, "p": one.id})
    done = await allocation.check(db, SYSTEM, keep=False)
    assert [(each.name, each.wrong) for each in done.findings if each.wrong] == [("plates", 1)]
    async with db.admin() as tx:
        await tx.execute(sql(text), {"q": 5, "p": one.id})
    await whole(db)
