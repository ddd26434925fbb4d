"""Serials: whole ranges in one command, lists by status, place and range, and the history of each."""

import re
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.allocation.helpers import make

from perpetua.access.types import SYSTEM
from perpetua.kit.database import Database, count_statements
from perpetua.kit.errors import InvalidValue, Missing
from perpetua.kit.listing import PageRequest
from perpetua.ledger import rules, service
from perpetua.ledger.errors import SerialElsewhere, SerialRangeWrong, SerialsNeeded
from perpetua.ledger.types import (
    Receive,
    ReceiveLine,
    Sell,
    SellLine,
    Serial,
    SerialFilters,
    Transfer,
    TransferLine,
)

D = Decimal


async def receive(db: Database, world: SimpleNamespace, sku: str, range_: str, quantity: int, **more: Any) -> None:
    if sku not in world.items:
        await make(db, world, sku, tracking="serial")
    line = ReceiveLine(sku=sku, quantity=D(quantity), location="LON-A-1", serial_range=range_, **more)
    await service.receive(db, world.actor(), Receive(lines=[line]))


async def found(db: Database, limit: int = 1000, sort: str = "serial", **filters: Any) -> list[Serial]:
    every: list[Serial] = []
    cursor = None
    while True:
        page = PageRequest(limit=limit, sort=sort, cursor=cursor)
        got = await service.list_serials(db, SYSTEM, page, SerialFilters(**filters))
        every += got.items
        if (cursor := got.next_cursor) is None:
            return every


@given(st.from_regex(r"[A-Za-z/.-]{0,6}", fullmatch=True), st.integers(1, 6), st.integers(0, 999), st.integers(0, 300))
def test_a_range_is_all_between_its_ends(before: str, digits: int, first: int, more: int) -> None:
    if ".." in before or before.endswith(".") or len(str(first + more)) > digits:
        return
    ends = [f"{before}{number:0{digits}d}" for number in (first, first + more)]
    serials = rules.serial_range("..".join(ends), "serial_range")
    assert (len(serials), serials[0], serials[-1]) == (more + 1, *ends)
    assert len({len(one) for one in serials}) == 1
    assert serials == sorted(set(serials))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("A1", "is no range"), ("A1..", "is no range"), ("A1..A2..A3", "is no range"), ("A..B", "is no range"),
        ("A1..B2", "begin otherwise"), ("A1..A10", "1 and 2 digits"), ("A5..A4", "ends before it begins"),
        ("A00001..A10001", "has 10001 serials"), ("A1..A٣", "is no range"),
    ],
)  # fmt: skip
def test_ends_that_do_not_fit_are_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(SerialRangeWrong, match=re.escape(reason)):
        rules.serial_range(text, "serial_range")


async def test_ten_thousand_come_with_as_many_statements_as_two(db: Database, world: SimpleNamespace) -> None:
    counts: list[int] = []
    for sku, last in (("N2", "X00002"), ("N10000", "X10000")):
        await make(db, world, sku, tracking="serial")
        with count_statements() as seen:
            await receive(db, world, sku, f"X00001..{last}", int(last[1:]))
        counts.append(len(seen))
    assert counts[0] == counts[1]
    assert len(await found(db, sku="N10000", status="in_stock")) == 10_000


async def test_a_range_must_be_as_long_as_the_quantity_and_new(db: Database, world: SimpleNamespace) -> None:
    with pytest.raises(SerialsNeeded):
        await receive(db, world, "N3", "A1..A3", 2)
    await receive(db, world, "N3", "A1..A3", 4, serials=["B7"])
    with pytest.raises(SerialElsewhere):
        await receive(db, world, "N3", "A3..A5", 3)
    sale = SellLine(sku="N3", quantity=D(2), location="LON-A-1", serial_range="A1..A2")
    await service.sell(db, world.actor(), Sell(lines=[sale]))
    assert [one.serial for one in await found(db, sku="N3", status="sold")] == ["A1", "A2"]


async def test_they_are_listed_by_status_place_lot_and_range(db: Database, world: SimpleNamespace) -> None:
    await receive(db, world, "N4", "c08..c12", 5, lot="P9")
    moved = TransferLine(sku="N4", quantity=D(2), serial_range="C11..C12", lot="P9")
    transfer = Transfer(lines=[moved], from_location="LON-A-1", to_location="SHOP-FLOOR")
    await service.transfer(db, world.actor(), transfer)
    assert [one.serial for one in await found(db, 2, sku="N4")] == ["c08", "c09", "c10", "c11", "c12"]
    assert [one.serial for one in await found(db, 2, sku="N4", sort="", range="C09..C10")] == ["c09", "c10"]
    assert [one.serial for one in await found(db, sku="N4", location="SHOP", lot="p9")] == ["c11", "c12"]
    assert await found(db, sku="N4", range="C9..C9") == []
    with pytest.raises(InvalidValue):
        await found(db, sort="weight")
    with pytest.raises(SerialRangeWrong):
        await found(db, range="C")


async def test_the_history_of_a_serial_is_all_its_rows(db: Database, world: SimpleNamespace) -> None:
    await receive(db, world, "N5", "H1..H1", 1)
    moved = TransferLine(sku="N5", quantity=D(1), serials=["H1"])
    transfer = Transfer(lines=[moved], from_location="LON-A-1", to_location="SHOP-FLOOR", note="for the window")
    await service.transfer(db, world.actor(), transfer)
    one = (await found(db, sku="N5"))[0]
    assert (await service.get_serial(db, SYSTEM, one.id)).location == "SHOP-FLOOR"
    rows = (await service.serial_history(db, SYSTEM, one.id, PageRequest())).items
    assert [(row.type, row.location, row.note) for row in rows] == [
        ("TRANSFER_IN", "SHOP-FLOOR", "for the window"), ("TRANSFER_OUT", "LON-A-1", "for the window"),
        ("RECEIPT", "LON-A-1", None),
    ]  # fmt: skip
    paged = await service.serial_history(db, SYSTEM, one.id, PageRequest(limit=2))
    rest = await service.serial_history(db, SYSTEM, one.id, PageRequest(limit=2, cursor=paged.next_cursor))
    assert [*paged.items, *rest.items] == rows
    shop = world.actor("viewer", scope=[world.places["SHOP"]])
    assert len((await service.serial_history(db, shop, one.id, PageRequest())).items) == 1
    for unknown in (999_999, 0):
        with pytest.raises(Missing):
            await service.serial_history(db, SYSTEM, unknown, PageRequest())
        with pytest.raises(Missing):
            await service.get_serial(db, SYSTEM, unknown)
