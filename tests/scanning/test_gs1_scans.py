"""A GS1 code becomes item, lot, expiry, serial and quantity in one answer, or says what is unknown."""

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from perpetua.gs1.types import LabelData, Measure
from perpetua.kit.database import Database
from perpetua.scanning import rules, service
from perpetua.scanning.errors import AmbiguousCode, QuantityNeeded, UnknownCode
from perpetua.scanning.types import Scan, ScanAnswer

MILK = "0109506000134352"
PHONE = "0180614141123458"
FLOUR = "0190012345678908"
CASE = "0214006381333938"


async def scan(db: Database, world: Any, code: str, **asked: Any) -> ScanAnswer:
    return (await service.scan(db, world.actor(), Scan(code=code, **asked), key=uuid.uuid4().hex)).answer


async def test_one_answer_has_item_lot_expiry_and_quantity(db: Database, world: Any) -> None:
    code = f"]d2{MILK}1727010110G1"
    seen = await scan(db, world, code)
    assert seen.item
    assert seen.goods
    assert (seen.item.sku, seen.goods.lot, seen.goods.expires_on) == ("MILK", "G1", date(2027, 1, 1))
    assert (seen.goods.quantity, seen.goods.unit) == (1, "each")
    assert (seen.goods.unknown, seen.goods.missing, seen.goods.lot_id) == (["lot"], [], None)
    assert [(one.ai, one.value) for one in seen.reading.elements] == [
        ("01", MILK[2:]), ("17", "270101"), ("10", "G1"),
    ]  # fmt: skip
    taken = await scan(db, world, code, action="receive", location="LON-A-1")
    assert taken.outcome == "posted"
    again = await scan(db, world, f"(01){MILK[2:]}(10)g1")
    assert again.goods
    assert (again.goods.lot, again.goods.expires_on, again.goods.unknown) == ("G1", date(2027, 1, 1), [])
    assert again.goods.lot_id


async def test_a_label_that_says_otherwise_than_recorded_is_pointed_out(db: Database, world: Any) -> None:
    await scan(db, world, f"]d2{MILK}1720010110OLD", action="receive", location="LON-A-1")
    seen = await scan(db, world, f"]d2{MILK}1727010110OLD")
    assert seen.goods
    assert seen.goods.expires_on == date(2020, 1, 1)
    assert len(seen.goods.notes) == 2
    assert "expired on 2020-01-01" in seen.goods.notes


async def test_a_case_counts_what_it_holds(db: Database, world: Any) -> None:
    seen = await scan(db, world, f"]C100106141412345678908{CASE}373")
    assert seen.goods
    assert (seen.reading.sscc, seen.reading.count, seen.goods.quantity) == ("106141412345678908", 3, 36)
    assert not seen.reading.notes


async def test_a_weighed_package_is_its_weight(db: Database, world: Any) -> None:
    seen = await scan(db, world, f"]e0{FLOUR}3103001250", action="receive", location="LON-A-1")
    assert seen.posted
    assert seen.goods
    assert seen.goods.quantity == Decimal("1.25")
    inexact = await scan(db, world, f"]e0{FLOUR}3201000001")
    assert inexact.goods
    assert inexact.goods.quantity is None
    with pytest.raises(QuantityNeeded):
        await scan(db, world, f"]e0{FLOUR}3201000001", action="receive", location="LON-A-1")


async def test_lost_separators_stop_what_would_be_booked_wrongly(db: Database, world: Any) -> None:
    code = f"{MILK}10LOT1237" + "17280131"
    seen = await scan(db, world, code)
    assert seen.item
    assert seen.goods
    assert seen.reading.ambiguous
    assert (seen.reading.lot, seen.goods.missing) == (None, ["lot"])
    assert [choice.lot for choice in seen.reading.choices] == ["LOT123717280131", "LOT1237"]
    with pytest.raises(AmbiguousCode) as refused:
        await scan(db, world, code, action="receive", location="LON-A-1")
    assert refused.value.facts["choices"][1] == f"(01){MILK[2:]}(10)LOT1237(17)280131"
    taken = await scan(db, world, code, action="receive", location="LON-A-1", lot="lot1237")
    assert taken.outcome == "posted"
    assert taken.goods
    assert (taken.goods.lot, taken.goods.expires_on) == ("LOT1237", date(2028, 1, 31))
    known = await scan(db, world, code)  # the lot is known now: nobody is asked again
    assert not known.reading.ambiguous
    assert known.goods
    assert known.goods.lot == "LOT1237"


async def test_a_serial_behind_a_lost_separator_is_found_where_the_item_has_serials(db: Database, world: Any) -> None:
    seen = await scan(db, world, f"{PHONE}10AB21S77")
    assert (seen.reading.lot, seen.reading.serial, seen.reading.ambiguous) == ("AB", "S77", False)
    assert seen.goods
    assert seen.goods.unknown == ["lot", "serial"]


async def test_an_unknown_item_tells_what_its_label_says(db: Database, world: Any) -> None:
    with pytest.raises(UnknownCode) as refused:
        await scan(db, world, "]C1010950110153000317270101" + "10L9")
    facts = refused.value.facts
    assert (facts["gtin"], facts["lot"], facts["expires_on"]) == ("09501101530003", "L9", date(2027, 1, 1))
    with pytest.raises(UnknownCode) as typed:
        await scan(db, world, "(01)123")
    assert "too short" in typed.value.facts["not_gs1"]


async def test_an_answer_told_again_is_the_same(db: Database, world: Any) -> None:
    asked = Scan(code=f"]d2{MILK}1727010110AGAIN", action="receive", location="LON-A-1")
    same = uuid.uuid4().hex
    first = await service.scan(db, world.actor(), asked, key=same)
    again = await service.scan(db, world.actor(), asked, key=same)
    assert again.replayed
    assert again.answer == first.answer


def test_which_reading_is_meant() -> None:
    whole, split = LabelData(gtin="1", lot="AB17"), LabelData(gtin="1", lot="A", expires_on=date(2027, 1, 1))
    serial = LabelData(gtin="1", lot="A", serial="B17")
    assert rules.choose([whole, split], None, "lot", None, None, set()) is None
    assert rules.choose([whole, split], None, "none", None, None, set()) == whole
    assert rules.choose([whole, split], None, "lot", "a", None, set()) == split
    assert rules.choose([whole, split], None, "lot", None, None, {"AB17"}) == whole
    other = rules.choose([whole, split], None, "lot", "Z", None, set())
    assert other
    assert (other.lot, other.expires_on) == (None, None)
    assert rules.choose([whole, serial], whole, "lot", None, None, set()) == whole
    assert rules.choose([whole, serial], whole, "serial", None, None, set()) == serial
    heavy = LabelData(gtin="1", net=Measure(Decimal(2), "kg"))
    assert rules.choose([whole, heavy], None, "none", None, None, set()) is None
