"""A scan is kept before anything is made of it, understood, and done once."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from perpetua.access.errors import OutOfScope
from perpetua.items.errors import NotScannable
from perpetua.kit.database import Database, count_statements, sql
from perpetua.kit.errors import InvalidValue, NotAllowed, Refusal
from perpetua.kit.idempotency import KeyReused
from perpetua.kit.listing import PageRequest
from perpetua.ledger.errors import NotEnoughStock
from perpetua.scanning import service
from perpetua.scanning.errors import NotAnItem, QuantityNeeded, UnknownCode
from perpetua.scanning.types import BatchScan, Scan, ScanBatch, ScanFilters, ScanRecord

EAN = "4006381333931"
CASE = "]d2011400638133393810L7"


def key() -> str:
    return uuid.uuid4().hex


async def on_hand(db: Database, world: Any, sku: str, place: str) -> Decimal:
    found = sql("""SELECT coalesce(sum(on_hand), 0) FROM inventory_levels
                   WHERE variant_id = %(v)s AND location_id = %(l)s""")
    async with db.transaction() as tx:
        return await tx.value(found, {"v": world.items[sku], "l": world.places[place]})


async def log(db: Database, world: Any, **filters: Any) -> list[ScanRecord]:
    page = await service.list_scans(db, world.actor(), ScanFilters(**filters), PageRequest(limit=1000))
    return page.items


async def receive(db: Database, world: Any, code: str = EAN, quantity: int = 5, place: str = "LON-A-1") -> Any:
    asked = Scan(code=code, action="receive", quantity=Decimal(quantity), location=place)
    return await service.scan(db, world.actor(), asked, key=key())


async def test_a_lookup_tells_item_package_and_stock_here(db: Database, world: Any) -> None:
    await receive(db, world)
    got = (await service.scan(db, world.actor(), Scan(code=CASE, location="lon-a"))).answer
    assert got.item
    assert (got.item.sku, got.item.level, got.item.units, got.item.named_by) == ("APPLE", "case", 12, "barcode")
    assert (got.reading.gtin, got.reading.lot) == ("14006381333938", "L7")
    assert [level.location for level in got.stock] == ["LON-A-1"]
    assert got.can == ["lookup", "receive", "move", "adjust", "count"]
    assert got.posted is None
    assert (await service.scan(db, world.actor(), Scan(code=EAN, location="SHOP"))).answer.stock == []
    viewer = world.actor("viewer")
    with pytest.raises(NotAllowed):
        await service.scan(db, viewer, Scan(code=EAN))


async def test_skus_labels_and_place_codes_are_found_too(db: Database, world: Any) -> None:
    for code, sku in (("apple", "APPLE"), ("pear-label", "PEAR"), ("0" + EAN, "APPLE")):
        got = (await service.scan(db, world.actor(), Scan(code=code))).answer
        assert got.item
        assert got.item.sku == sku
    place = (await service.scan(db, world.actor(), Scan(code="lon-a-2"))).answer
    assert place.place
    assert (place.place.code, place.place.kind, place.can) == ("LON-A-2", "bin", ["lookup"])
    with pytest.raises(NotAnItem):
        await service.scan(db, world.actor(), Scan(code="LON-A-2", action="receive", location="LON-A-1"))


async def test_receive_move_adjust_and_count(db: Database, world: Any) -> None:
    before = await on_hand(db, world, "APPLE", "LON-A-1")
    got = await service.scan(
        db, world.actor(), Scan(code=CASE, action="receive", quantity=Decimal(2), location="LON-A-1"), key=key()
    )
    assert got.answer.outcome == "posted"
    assert await on_hand(db, world, "APPLE", "LON-A-1") == before + 24
    there = await on_hand(db, world, "APPLE", "LON-A-2")
    await service.scan(db, world.actor(), Scan(code=EAN, action="move", location="LON-A-1", to="LON-A-2"), key=key())
    assert await on_hand(db, world, "APPLE", "LON-A-2") == there + 1
    adjust = Scan(code=EAN, action="adjust", quantity=Decimal(-1), location="LON-A-2", reason_code="damage")
    await service.scan(db, world.actor(), adjust, key=key())
    assert await on_hand(db, world, "APPLE", "LON-A-2") == there
    counted = Scan(code=EAN, action="count", quantity=Decimal(7), location="LON-A-1")
    assert (await service.scan(db, world.actor(), counted, key=key())).answer.outcome == "posted"
    assert await on_hand(db, world, "APPLE", "LON-A-1") == 7
    assert (await service.scan(db, world.actor(), counted, key=key())).answer.outcome == "agreed"
    row = (await log(db, world, action="adjust"))[0]
    assert (row.outcome, row.sku, row.quantity, row.location) == ("posted", "APPLE", Decimal(-1), "LON-A-2")
    assert row.posting_id


async def test_lots_and_serials_come_from_the_label(db: Database, world: Any) -> None:
    milk = Scan(code="]C1010950600013435217270101\x1d10M42", action="receive", location="LON-A-1")
    assert (await service.scan(db, world.actor(), milk, key=key())).answer.stock[0].lot == "M42"
    tag = Scan(code="3074257BF7194E4000001A85", symbology="epc", action="receive", location="LON-A-1")
    assert (await service.scan(db, world.actor(), tag, key=key())).answer.outcome == "posted"
    with pytest.raises(Refusal) as again:
        await service.scan(db, world.actor(), tag, key=key())
    assert again.value.code == "serial_elsewhere"
    row = (await log(db, world, code=tag.code))[0]
    assert (row.serial, row.symbology, row.refusal_code) == ("6789", "epc", "serial_elsewhere")


@pytest.mark.parametrize(
    "scan, refusal",
    [
        (Scan(code="no such thing"), UnknownCode),
        (Scan(code="]d2nonsense"), NotScannable),
        (Scan(code="a\x00b", device="gun\x00"), NotScannable),
        (Scan(code=EAN, location="NOWHERE"), InvalidValue),
        (Scan(code=EAN, action="receive"), InvalidValue),
        (Scan(code=EAN, action="receive", location="NOWHERE\x00"), InvalidValue),
        (Scan(code=EAN, action="receive", location="LON-A-1", quantity=Decimal("1e400")), InvalidValue),
        (Scan(code=EAN, action="move", location="LON-A-1"), InvalidValue),
        (Scan(code=EAN, action="move", location="LON-Q", to="LON-A-1"), NotEnoughStock),
        (Scan(code=EAN, action="count", location="LON-A-1"), QuantityNeeded),
        (Scan(code=EAN, action="adjust", location="LON-A-1", quantity=Decimal(1)), InvalidValue),
        (Scan(code=EAN, action="receive", location="LON-A-1", scanned_at=datetime(1900, 1, 1, tzinfo=UTC)),
         InvalidValue),
    ],
)  # fmt: skip
async def test_a_scan_that_leads_to_nothing_is_kept_with_its_refusal(
    db: Database, world: Any, scan: Scan, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal) as refused:
        await service.scan(db, world.actor(), scan)
    row = (await log(db, world))[0]
    assert row.id == refused.value.facts["scan_id"]
    assert (row.payload, row.outcome, row.refusal_code) == (scan.code.encode(), "refused", refused.value.code)
    assert row.refusal
    assert row.refusal["detail"]


async def test_one_key_has_one_effect_though_sent_by_many(db: Database, world: Any) -> None:
    before = await on_hand(db, world, "PEAR", "LON-A-1")
    asked, same = Scan(code="PEAR-LABEL", action="receive", location="LON-A-1"), key()
    ends = await asyncio.gather(*(service.scan(db, world.actor(), asked, key=same) for _ in range(8)))
    assert len({end.answer.scan_id for end in ends}) == 1
    assert await on_hand(db, world, "PEAR", "LON-A-1") == before + 1
    again = await service.scan(db, world.actor(), asked, key=same)
    assert again.replayed
    assert again.answer.posted == ends[0].answer.posted
    with pytest.raises(KeyReused):
        await service.scan(db, world.actor(), Scan(code="PEAR-LABEL"), key=same)


async def test_an_answer_lost_half_way_is_made_up_without_a_second_effect(
    db: Database, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from perpetua.scanning import store

    asked, same = Scan(code="PEAR-LABEL", action="receive", location="LON-A-2"), key()

    async def cut(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(store, "record_result", cut)
        with pytest.raises(ConnectionError):
            await service.scan(db, world.actor(), asked, key=same)
    assert (await log(db, world))[0].outcome is None
    assert (await service.scan(db, world.actor(), asked, key=same)).answer.outcome == "posted"
    assert await on_hand(db, world, "PEAR", "LON-A-2") == 1
    assert (await log(db, world))[0].outcome == "posted"


async def test_a_refused_scan_may_be_sent_again(db: Database, world: Any) -> None:
    asked, same = Scan(code="FLOUR", action="move", location="LON-A-1", to="LON-A-2"), key()
    with pytest.raises(NotEnoughStock):
        await service.scan(db, world.actor(), asked, key=same)
    await receive(db, world, "FLOUR", 1)
    assert (await service.scan(db, world.actor(), asked, key=same)).answer.outcome == "posted"


async def test_a_queue_is_kept_at_once_and_done_one_by_one(db: Database, world: Any) -> None:
    before = await on_hand(db, world, "APPLE", "LON-A-2")
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    queue = [
        BatchScan(key=key(), code=EAN, action="receive", location="LON-A-2", scanned_at=hour_ago, device="gun 4"),
        BatchScan(key=key(), code="nothing", action="receive", location="LON-A-2", device="gun 4"),
        BatchScan(key=key(), code=EAN, device="gun 4"),
        BatchScan(key=key(), code=CASE, action="receive", location="LON-A-2", device="gun 4"),
    ]
    with count_statements() as statements:
        got = await service.scan_batch(db, world.actor(), ScanBatch(scans=queue))
    assert statements.count("record_scans") == 1
    assert [answer.status for answer in got] == [201, 404, 201, 201]
    assert [answer.key for answer in got] == [scan.key for scan in queue]
    assert got[1].problem
    assert got[1].problem["code"] == "unknown_code"
    assert got[0].answer
    assert got[0].answer.posted
    assert got[0].answer.posted.effective_at == hour_ago
    assert await on_hand(db, world, "APPLE", "LON-A-2") == before + 13
    again = await service.scan_batch(db, world.actor(), ScanBatch(scans=queue))
    assert [answer.replayed for answer in again] == [True, True, True, True]
    assert await on_hand(db, world, "APPLE", "LON-A-2") == before + 13
    assert [row.payload_text for row in await log(db, world, device="gun 4")] == [s.code for s in reversed(queue)]
    for wrong in ([], [queue[0], queue[0]], queue[:1] * 501):
        with pytest.raises(InvalidValue):
            await service.scan_batch(db, world.actor(), ScanBatch(scans=wrong))
    changed = BatchScan(key=queue[0].key, code="other")
    (reused,) = await service.scan_batch(db, world.actor(), ScanBatch(scans=[changed]))
    assert reused.status == 409


async def test_a_fast_clock_moves_nothing_into_the_future(db: Database, world: Any) -> None:
    ahead = datetime.now(UTC) + timedelta(days=2)
    asked = Scan(code=EAN, action="receive", location="LON-A-1", scanned_at=ahead)
    got = (await service.scan(db, world.actor(), asked)).answer
    assert got.posted
    assert got.posted.effective_at <= datetime.now(UTC)
    assert (await log(db, world))[0].scanned_at == ahead


async def test_the_log_is_paged_and_filtered(db: Database, world: Any) -> None:
    for _ in range(3):
        await service.scan(db, world.actor(), Scan(code="PEAR", device="paged"))
    first = await service.list_scans(db, world.actor(), ScanFilters(device="paged"), PageRequest(limit=2))
    rest = await service.list_scans(
        db, world.actor(), ScanFilters(device="paged"), PageRequest(limit=2, cursor=first.next_cursor)
    )
    ids = [row.id for row in [*first.items, *rest.items]]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 3
    assert rest.next_cursor is None
    assert {row.variant_id for row in await log(db, world, variant_id=world.items["PEAR"])} == {world.items["PEAR"]}
    assert await log(db, world, until=datetime(2000, 1, 1, tzinfo=UTC)) == []
    assert all(row.outcome == "refused" for row in await log(db, world, outcome="refused"))


async def test_a_confined_clerk_scans_and_sees_at_the_own_site_only(db: Database, world: Any) -> None:
    clerk = world.actor("warehouse_staff", [world.places["SHOP"]])
    await receive(db, world)
    with pytest.raises(OutOfScope):
        await service.scan(db, clerk, Scan(code=EAN, action="receive", location="LON-A-1"))
    with pytest.raises(OutOfScope):
        await service.scan(db, clerk, Scan(code=EAN, action="move", location="SHOP-FLOOR", to="LON-A-1"))
    with pytest.raises(UnknownCode):
        await service.scan(db, clerk, Scan(code="LON-A-1"))
    mine = await service.scan(db, clerk, Scan(code=EAN, action="receive", location="SHOP-FLOOR"))
    assert {level.location for level in mine.answer.stock} == {"SHOP-FLOOR"}
    seen = await service.list_scans(db, clerk, ScanFilters(), PageRequest(limit=1000))
    assert all(row.actor_id == clerk.person_id or (row.location or "").startswith("SHOP") for row in seen.items)
    theirs = await service.scan(db, world.actor(), Scan(code=EAN, location="SHOP-FLOOR"))
    seen = await service.list_scans(db, clerk, ScanFilters(), PageRequest(limit=1))
    assert seen.items[0].id == theirs.answer.scan_id


@pytest.mark.parametrize("table", ["scan_log", "scan_results"])
@pytest.mark.parametrize("change", ["UPDATE {} SET recorded_at = now()", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_what_was_scanned_is_never_changed(
    db: Database, database_url: str, world: Any, table: str, change: str
) -> None:
    await receive(db, world)
    with psycopg.connect(database_url) as owner, pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute(change.format(table).encode())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with db.transaction() as tx:
            await tx.execute(sql(change.format(table)))
