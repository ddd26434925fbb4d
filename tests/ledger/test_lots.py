"""Lots: what they are, whether they may be sent, their dates and papers, and what expires."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from msgspec import UNSET
from tests.allocation.helpers import bring, make, now, order, sound
from tests.allocation.test_lots import held, kept

from perpetua.access.errors import OutOfScope
from perpetua.access.types import SYSTEM
from perpetua.allocation import service as allocation
from perpetua.allocation.types import AskAvailability
from perpetua.app.expiry_alert import tell_of_expiring
from perpetua.app.settings import Settings
from perpetua.app.web import create_app
from perpetua.items import service as items
from perpetua.kit.database import Database, count_statements
from perpetua.kit.errors import InvalidValue, Missing, NotAllowed, Stale, TooLarge
from perpetua.kit.listing import PageRequest
from perpetua.kit.objects import DiskStore
from perpetua.ledger import service
from perpetua.ledger.errors import LotBlocked, NotACertificate
from perpetua.ledger.types import (
    ChangeLot,
    Correct,
    LotDetail,
    LotFilters,
    MovementFilters,
    Sell,
    SellLine,
    SetLotStatus,
    WriteOff,
    WriteOffLine,
)

D = Decimal
TODAY = datetime.now(UTC).date()
PDF = b"%PDF-1.7\n...\n%%EOF\n"


async def lot(db: Database, world: SimpleNamespace, sku: str, number: str = "A", **more: Any) -> LotDetail:
    """A lot of an item of its own, ten of it in London."""
    if sku not in world.items:
        await make(db, world, sku, tracking="lot")
    await bring(db, world, sku, 10, lot=number, **more)
    found = await service.list_lots(db, SYSTEM, LotFilters(sku=sku, number=number), PageRequest())
    return await service.get_lot(db, SYSTEM, found.items[0].id)


async def put(
    db: Database, world: SimpleNamespace, one: LotDetail, status: Any, reason: str = "smells odd"
) -> LotDetail:
    command = SetLotStatus(status=status, reason=reason)
    return (await service.set_lot_status(db, world.actor(), one.id, command)).answer


async def atp(db: Database, sku: str, clock: Any = None) -> Decimal:
    """What may be promised."""
    asked = AskAvailability(skus=[sku])
    found = await allocation.availability(db, SYSTEM, asked, **({"clock": clock} if clock else {}))
    return found.items[0].available


async def test_a_lot_on_hold_leaves_atp_at_once_and_comes_back(db: Database, world: SimpleNamespace) -> None:
    one = await lot(db, world, "H1")
    wanted = await order(db, world, ("H1", 4))
    assert await atp(db, "H1") == 6
    on_hold = await put(db, world, one, "hold")
    assert (on_hold.status, on_hold.version, await atp(db, "H1")) == ("hold", 2, 0)
    assert (await now(db, world, wanted)).status == "BACKORDERED"
    assert await put(db, world, one, "hold") == on_hold
    assert (await put(db, world, one, "quarantine")).status == "quarantine"
    freed = await put(db, world, one, "released", "tested, good")
    assert (freed.status, freed.allocated, freed.on_hand) == ("released", 4, 10)
    assert await held(db, wanted) == {"A": 4}
    told = (await service.list_lot_events(db, SYSTEM, one.id, PageRequest())).items
    assert [(e.before["status"], e.after["status"], e.reason) for e in told] == [
        ("quarantine", "released", "tested, good"),
        ("hold", "quarantine", "smells odd"),
        ("released", "hold", "smells odd"),
    ]
    await kept(db)


async def test_nothing_is_sold_of_a_lot_that_is_not_released(db: Database, world: SimpleNamespace) -> None:
    one = await lot(db, world, "H2")
    sale = Sell(lines=[SellLine(sku="H2", quantity=D(1), lot="A", location="LON-A-1")])
    sold = (await service.sell(db, world.actor(), sale)).answer
    await put(db, world, one, "hold")
    with pytest.raises(LotBlocked) as refused:
        await service.sell(db, world.actor(), sale)
    assert refused.value.facts == {"lot": "A", "sku": "H2", "why": "is on hold", "lot_status": "hold"}
    row = (await service.list_movements(db, SYSTEM, MovementFilters(posting_id=sold.posting_id), PageRequest())).items[
        0
    ]
    await service.correct(db, world.actor(), row.id, Correct(reason="price", unit_cost=D(2)))
    earlier = Sell(lines=sale.lines, effective_at=datetime.now(UTC) - timedelta(hours=1))
    await service.sell(db, world.actor(), earlier)  # it happened before, and is told late
    gone = WriteOff(lines=[WriteOffLine(sku="H2", quantity=D(8), lot="A", location="LON-A-1")], reason_code="damage")
    await service.write_off(db, world.actor(), gone)
    detail = await service.get_lot(db, SYSTEM, one.id)
    assert (detail.received, detail.sold, detail.written_off, detail.on_hand) == (10, 2, 8, 0)


async def test_nothing_is_sold_after_its_last_day_and_a_sale_before_it_can_be_told_late(
    db: Database, world: SimpleNamespace
) -> None:
    await lot(db, world, "H3", expires_on=str(TODAY - timedelta(days=1)))
    sale = Sell(lines=[SellLine(sku="H3", quantity=D(1), lot="A", location="LON-A-1")])
    with pytest.raises(LotBlocked, match="had its last day on"):
        await service.sell(db, world.actor(), sale)
    before = Sell(lines=sale.lines, effective_at=datetime.now(UTC) - timedelta(days=1))
    await service.sell(db, world.actor(), before)


async def test_dates_and_papers_are_changed_with_a_version_and_kept_in_its_history(
    db: Database, world: SimpleNamespace
) -> None:
    one = await lot(db, world, "H4", expires_on=str(TODAY + timedelta(days=90)))
    wanted = await order(db, world, ("H4", 3))
    actor = world.actor()
    change = ChangeLot(supplier=" Acme ", supplier_lot="X-77", expires_on=TODAY - timedelta(days=1), reason="misread")
    done = (await service.change_lot(db, actor, one.id, change, version=1)).answer
    assert (done.supplier, done.supplier_lot, done.version, done.allocated) == ("Acme", "X-77", 2, 0)
    assert await held(db, wanted) == {}
    with pytest.raises(Stale):
        await service.change_lot(db, actor, one.id, change, version=1)
    again = ChangeLot(expires_on=TODAY + timedelta(days=5))
    assert (await service.change_lot(db, actor, one.id, again, version=2)).answer.allocated == 3
    event = (await service.list_lot_events(db, actor, one.id, PageRequest())).items[-1]
    assert event.after == {"supplier": "Acme", "supplier_lot": "X-77", "expires_on": str(TODAY - timedelta(days=1))}
    assert (event.before["supplier"], event.reason, event.actor_id) == (None, "misread", actor.person_id)
    odd: list[dict[str, Any]] = [
        {"manufactured_on": TODAY + timedelta(days=6)}, {"expires_on": date(1900, 1, 1)}, {},
    ]  # fmt: skip
    for fields in odd:
        with pytest.raises(InvalidValue):
            await service.change_lot(db, actor, one.id, ChangeLot(**fields), version=3)
    with pytest.raises(Missing):
        await service.change_lot(db, actor, 999_999, change, version=1)
    await kept(db)


async def test_only_who_may_and_only_where_all_of_it_lies_at_ones_places(db: Database, world: SimpleNamespace) -> None:
    one = await lot(db, world, "H5")
    await bring(db, world, "H5", 1, place="SHOP-FLOOR", lot="A")
    command = SetLotStatus(status="hold", reason="x")
    with pytest.raises(NotAllowed):
        await service.set_lot_status(db, world.actor("warehouse_staff"), one.id, command)
    with pytest.raises(OutOfScope):
        await service.set_lot_status(db, world.actor(scope=[world.places["LON"]]), one.id, command)
    confined = await service.get_lot(db, world.actor("viewer", scope=[world.places["SHOP"]]), one.id)
    assert (confined.on_hand, [place.location for place in confined.places]) == (1, ["SHOP-FLOOR"])


async def test_lists_are_filtered_sorted_and_paged(db: Database, world: SimpleNamespace) -> None:
    days = {"C": 3, "A": 1, "B": 2, "D": None}
    for number, day in days.items():
        await lot(db, world, "H6", number, **({"expires_on": str(TODAY + timedelta(days=day))} if day else {}))

    async def numbers(sort: str = "", **filters: Any) -> list[str]:
        found: list[str] = []
        cursor = None
        while True:
            page = PageRequest(limit=2, sort=sort, cursor=cursor)
            got = await service.list_lots(db, SYSTEM, LotFilters(sku="H6", **filters), page)
            found += [one.number for one in got.items]
            if (cursor := got.next_cursor) is None:
                return found

    assert await numbers() == ["D", "B", "A", "C"]
    assert await numbers("number") == await numbers("expires") == ["A", "B", "C", "D"]
    assert await numbers(expiring_before=TODAY + timedelta(days=3)) == ["B", "A"]
    assert await numbers(number="c") == ["C"]
    assert await numbers(status="hold") == await numbers(location="SHOP", with_stock=True) == []
    assert await numbers(location="LON", with_stock=True, sort="number") == ["A", "B", "C", "D"]
    with pytest.raises(InvalidValue):
        await numbers("colour")


@pytest.mark.parametrize("hour, expected", [(-1, 10), (0, 0), (5, 0)], ids=["23:00 UTC", "00:00 UTC", "05:00 UTC"])
async def test_stock_leaves_atp_at_midnight_in_utc(
    db: Database, world: SimpleNamespace, hour: int, expected: int
) -> None:
    """Midnight in UTC counts, for every site: in New York 19:00 or 20:00, in Tokyo 09:00 of the next day."""
    sku = f"H7{hour}"
    await lot(db, world, sku, expires_on=str(TODAY + timedelta(days=2)))
    midnight = datetime.combine(TODAY + timedelta(days=3), datetime.min.time(), UTC)
    assert await atp(db, sku, lambda: midnight + timedelta(hours=hour)) == expected


async def test_what_expires_is_listed_with_its_value_for_who_may(db: Database, world: SimpleNamespace) -> None:
    await lot(db, world, "MILK", "E1", expires_on=str(TODAY + timedelta(days=4)))
    await lot(db, world, "MILK", "E2", expires_on=str(TODAY - timedelta(days=2)))
    await lot(db, world, "MILK", "E3", expires_on=str(TODAY + timedelta(days=50)))
    found = (await service.list_expiring(db, world.actor(), 30, PageRequest(limit=500))).items
    mine = [(one.number, one.days_left, one.on_hand, one.value) for one in found if one.sku == "MILK"]
    assert mine == [("E2", -2, 10, 9), ("E1", 4, 10, 9)]
    first = await service.list_expiring(db, world.actor("viewer"), 4, PageRequest(limit=1))
    assert first.items[0].number == "E2" or first.items[0].days_left <= -1
    assert all(one.value is UNSET for one in first.items)
    rest = await service.list_expiring(db, world.actor("viewer"), 4, PageRequest(limit=500, cursor=first.next_cursor))
    assert "E1" in [one.number for one in rest.items]
    assert (await service.list_expiring(db, SYSTEM, 30, PageRequest(), location="SHOP")).items == []


class Kept:
    """Mail as it was given."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.away = False

    async def send(self, to: Any, subject: str, text: str, *, files: Any = ()) -> None:
        if self.away:
            raise ConnectionRefusedError
        self.sent.append(text)


async def test_people_are_told_once_of_each_date_of_a_lot(db: Database, world: SimpleNamespace) -> None:
    one = await lot(db, world, "H8", "TELL", expires_on=str(TODAY + timedelta(days=4)))
    mail = Kept()
    mail.away = True
    with pytest.raises(OSError):
        await tell_of_expiring(db, mail, "http://here", 30)
    mail.away = False
    assert await tell_of_expiring(db, mail, "http://here", 30) > 0
    assert await tell_of_expiring(db, mail, "http://here", 30) == 0
    assert [text.count("TELL") for text in mail.sent] == [1]
    await service.change_lot(
        db, world.actor(), one.id, ChangeLot(expires_on=TODAY + timedelta(days=5)), version=one.version
    )
    assert await tell_of_expiring(db, None, "http://here", 30) == 1
    assert await tell_of_expiring(db, mail, "http://here", 30) == 0


async def test_a_certificate_is_known_by_its_content(db: Database, world: SimpleNamespace, tmp_path: Path) -> None:
    one, store, actor = await lot(db, world, "H9"), DiskStore(tmp_path), world.actor()
    for content in (b"", b"<html>", b"%PDF-1.7 cut off"):
        with pytest.raises(NotACertificate):
            await service.put_certificate(db, actor, store, one.id, content)
    with pytest.raises(TooLarge):
        await service.put_certificate(db, actor, store, one.id, PDF + bytes(service.MAX_CERTIFICATE_BYTES))
    with pytest.raises(Missing):
        await service.read_certificate(db, actor, store, one.id)
    done = await service.put_certificate(db, actor, store, one.id, PDF, version=1)
    assert (done.certificate_type, done.version) == ("application/pdf", 2)
    assert await service.put_certificate(db, actor, store, one.id, PDF) == done
    assert (await service.read_certificate(db, actor, store, one.id)).content == PDF
    later = datetime.now(UTC) + timedelta(days=2)
    assert await items.remove_unheld_images(db, store, before=later, also_held=[service.holds_content]) == 0
    with pytest.raises(Stale):
        await service.remove_certificate(db, actor, store, one.id, version=1)
    assert (await service.remove_certificate(db, actor, store, one.id)).certificate is None
    assert await items.remove_unheld_images(db, store, before=later, also_held=[service.holds_content]) == 1


async def test_a_change_costs_the_same_however_often_the_lot_moved(db: Database, world: SimpleNamespace) -> None:
    counts: list[int] = []
    for n in (1, 20):
        one = await lot(db, world, f"H10-{n}")
        for _ in range(n):
            await bring(db, world, f"H10-{n}", 1, lot="A")
        with count_statements() as seen:
            await put(db, world, one, "hold")
        counts.append(len(seen))
    assert counts[0] == counts[1]


@pytest.fixture(scope="module")
async def client(db: Database, world: SimpleNamespace, tmp_path_factory: Any) -> AsyncIterator[httpx.AsyncClient]:
    from perpetua.access import service as access
    from perpetua.access.types import CreateToken

    app: Any = create_app(Settings(home=Path(tmp_path_factory.mktemp("home")), given_secret="s" * 40), db)
    until = datetime.now(UTC) + timedelta(days=1)
    made = await access.create_token(db, world.actor(), CreateToken(name="test", expires_at=until))
    headers = {"Authorization": f"Bearer {made.secret}"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://perpetua.local", headers=headers) as client:
        yield client


async def test_lots_over_http(db: Database, world: SimpleNamespace, client: httpx.AsyncClient) -> None:
    one = await lot(db, world, "H11", expires_on=str(TODAY + timedelta(days=3)))
    listed = (await client.get("/api/lots", params={"sku": "H11", "sort": "expires"})).json()["items"]
    assert [(each["number"], each["status"], each["on_hand"]) for each in listed] == [("A", "released", "10")]
    path = f"/api/lots/{one.id}"
    got = await client.get(path)
    assert (got.headers["ETag"], got.json()["places"][0]["location"]) == ('"1"', "LON-A-1")
    change = {"supplier": "Acme"}
    assert (await client.patch(path, json=change)).status_code == 428
    assert (await client.patch(path, json=change, headers={"If-Match": '"9"'})).status_code == 412
    assert (await client.patch(path, json=change, headers={"If-Match": '"1"'})).headers["ETag"] == '"2"'
    status = {"status": "hold", "reason": "x"}
    first = await client.post(f"{path}/status", json=status, headers={"Idempotency-Key": "k"})
    again = await client.post(f"{path}/status", json=status, headers={"Idempotency-Key": "k"})
    assert (first.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert (await client.post(f"{path}/status", json={"status": "recalled", "reason": "x"})).status_code == 422
    put_ = await client.put(f"{path}/certificate", files={"data": ("x.pdf", PDF)}, headers={"If-Match": '"3"'})
    assert (put_.status_code, put_.json()["version"]) == (200, 4), put_.text
    file = await client.get(f"{path}/certificate")
    assert (file.content, file.headers["content-type"]) == (PDF, "application/pdf")
    assert (await client.delete(f"{path}/certificate")).json()["certificate"] is None
    assert len((await client.get(f"{path}/events")).json()["items"]) == 4
    soon = (await client.get("/api/lots/expiring", params={"within_days": 3, "location": "LON"})).json()["items"]
    assert one.id in [each["id"] for each in soon]
    assert (await client.get("/api/lots/0")).status_code == 404
    await sound(db)
