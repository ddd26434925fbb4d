"""Recalls: all lots blocked at once, who has them, lots released, closed; under races, and with constant cost."""

import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from tests.allocation.helpers import bring, make, now, order
from tests.allocation.test_lots import held, kept
from tests.ledger.test_lots import atp, client, lot
from tests.tracing.test_tracing import put_together

from perpetua.access.errors import OutOfScope
from perpetua.access.types import SYSTEM
from perpetua.allocation import service as allocation
from perpetua.allocation.types import Reserve, ReserveLine
from perpetua.kit.database import Database, count_statements
from perpetua.kit.errors import InvalidValue, Missing, NotAllowed
from perpetua.kit.listing import PageRequest
from perpetua.ledger import service as ledger
from perpetua.ledger.errors import LotRecalled
from perpetua.ledger.types import ChangeLot, SetLotStatus, WriteOff, WriteOffLine
from perpetua.orders.types import ShipOrder
from perpetua.tracing import service
from perpetua.tracing.errors import NothingToRecall, RecallClosed, RecallNotDone
from perpetua.tracing.types import CloseRecall, OpenRecall, RecallDetail, RecallFilters, ReleaseLots

__all__ = ["client"]
D = Decimal


async def recall(db: Database, world: SimpleNamespace, reason: str = "glass", **which: Any) -> RecallDetail:
    return (await service.open_recall(db, world.actor(), OpenRecall(reason=reason, **which))).answer


async def test_opening_blocks_all_at_once_and_keeps_to_whom_it_was_promised(
    db: Database, world: SimpleNamespace
) -> None:
    one = await lot(db, world, "R1")
    sent, waits = await order(db, world, ("R1", 2)), await order(db, world, ("R1", 3))
    await allocation.ship(db, world.actor(), sent.id, ShipOrder())
    await allocation.reserve(db, world.actor(), Reserve(holder="cart 9", lines=[ReserveLine(sku="R1", quantity=D(1))]))
    assert await atp(db, "R1") == 4
    opened = await recall(db, world, lot_ids=[one.id])
    assert (opened.number[:3], len(opened.number), opened.lot_count) == ("RC-", 9, 1)
    assert await atp(db, "R1") == 0
    assert (await now(db, world, waits)).status == "BACKORDERED"
    assert (await ledger.get_lot(db, SYSTEM, one.id)).status == "recalled"
    of_it = opened.lots[0]
    assert (of_it.sent, of_it.on_hand, of_it.promised, of_it.was, of_it.made) == (2, 8, 4, "released", False)
    holders = (await service.list_holders(db, SYSTEM, PageRequest(), recall_id=opened.id)).items
    assert [(h.kind, h.quantity, h.order_id or h.holder or h.location) for h in holders] == [
        ("here", 8, "LON-A-1"), ("promised", 3, waits.id), ("promised", 1, "direct cart 9"), ("sent", 2, sent.id),
    ]  # fmt: skip
    told = (await ledger.list_lot_events(db, SYSTEM, one.id, PageRequest())).items[0]
    assert (told.reason, told.reference, told.after) == ("glass", opened.number, {"status": "recalled"})
    with pytest.raises(LotRecalled):
        await ledger.set_lot_status(db, world.actor(), one.id, SetLotStatus(status="released", reason="x"))
    await kept(db)


async def test_lots_are_found_by_item_supplier_and_day_with_what_was_made_of_them(
    db: Database, world: SimpleNamespace
) -> None:
    for number, supplier in (("A", "Acme"), ("B", "ACME"), ("C", "Other")):
        one = await lot(db, world, "R2", number)
        change = ChangeLot(supplier=supplier, supplier_lot=f"s{number}")
        await ledger.change_lot(db, world.actor(), one.id, change, version=1)
    made = await lot(db, world, "R2-MADE")
    used = await lot(db, world, "R2", "A")
    await put_together(
        db, ("CONSUME", 0, used.variant_id, used.id, -1), ("PRODUCE", 0, made.variant_id, made.id, 1),
        place=world.places["LON-A-1"],
    )  # fmt: skip

    async def numbers(**which: Any) -> list[str]:
        found = await recall(db, world, **which)
        every = [one.lot_id for one in found.lots]
        await service.release_lots(db, world.actor(), found.id, ReleaseLots(lot_ids=every, reason="a test"))
        return [f"{one.sku} {one.lot}{'*' * one.made}" for one in found.lots]

    assert await numbers(sku="r2", supplier="acme") == ["R2 A", "R2 B", "R2-MADE A*"]
    assert await numbers(supplier="acme", with_made=False) == ["R2 A", "R2 B"]
    assert await numbers(sku="R2", supplier_lot="SC") == ["R2 C"]
    soon = datetime.now(UTC) + timedelta(hours=1)
    assert await numbers(sku="R2", received_until=soon, with_made=False) == ["R2 A", "R2 B", "R2 C"]
    for nothing in ({"sku": "R2", "received_from": soon}, {"sku": "R2", "supplier": "nobody"}):
        with pytest.raises(NothingToRecall):
            await numbers(**nothing)
    for unknown in ({"sku": "NO SUCH"}, {"lot_ids": [made.id, 999_999]}):
        with pytest.raises(Missing):
            await numbers(**unknown)
    with pytest.raises(InvalidValue):
        await numbers()
    assert await atp(db, "R2") == 39  # 3 × 10, ten more of A, one used up


async def test_a_lot_is_released_when_no_other_open_recall_has_it(db: Database, world: SimpleNamespace) -> None:
    one = await lot(db, world, "R3")
    waits = await order(db, world, ("R3", 3))
    first, second = await recall(db, world, lot_ids=[one.id]), await recall(db, world, lot_ids=[one.id])
    release = ReleaseLots(lot_ids=[one.id], reason="tested")
    done = (await service.release_lots(db, world.actor(), first.id, release)).answer
    assert (done.lots[0].release_reason, done.lots[0].status) == ("tested", "recalled")
    with pytest.raises(InvalidValue):
        await service.release_lots(db, world.actor(), first.id, release)
    done = (await service.release_lots(db, world.actor(), second.id, release)).answer
    assert done.lots[0].status == "released"
    assert await held(db, waits) == {"A": 3}
    await kept(db)


async def test_it_is_closed_when_nothing_is_left_or_the_rest_is_left_on_purpose(
    db: Database, world: SimpleNamespace
) -> None:
    one = await lot(db, world, "R4")
    opened = await recall(db, world, lot_ids=[one.id])
    with pytest.raises(RecallNotDone) as refused:
        await service.close_recall(db, world.actor(), opened.id, CloseRecall())
    assert refused.value.facts == {"number": opened.number, "on_hand": 10, "in_transit": 0}
    gone = WriteOff(lines=[WriteOffLine(sku="R4", quantity=D(9), lot="A", location="LON-A-1")], reason_code="faulty")
    await ledger.write_off(db, world.actor(), gone)
    closed = (await service.close_recall(db, world.actor(), opened.id, CloseRecall(leave_rest=True, notes="n"))).answer
    assert (closed.lots[0].written_off_since, closed.lots[0].on_hand, closed.notes) == (9, 1, "n")
    with pytest.raises(RecallClosed):
        await service.close_recall(db, world.actor(), opened.id, CloseRecall())
    assert (await ledger.get_lot(db, SYSTEM, one.id)).status == "recalled"
    listed = await service.list_recalls(db, SYSTEM, RecallFilters(open=False), PageRequest(limit=1))
    assert listed.items[0].number == opened.number
    await service.release_lots(
        db, world.actor(), opened.id, ReleaseLots(lot_ids=[one.id], reason="good", status="hold")
    )
    assert (await ledger.get_lot(db, SYSTEM, one.id)).status == "hold"


async def test_who_may_and_where(db: Database, world: SimpleNamespace) -> None:
    one = await lot(db, world, "R5")
    await bring(db, world, "R5", 1, place="SHOP-FLOOR", lot="A")
    command = OpenRecall(reason="x", lot_ids=[one.id])
    with pytest.raises(NotAllowed):
        await service.open_recall(db, world.actor("warehouse_staff"), command)
    with pytest.raises(OutOfScope):
        await service.open_recall(db, world.actor(scope=[world.places["LON"]]), command)
    assert (await ledger.get_lot(db, SYSTEM, one.id)).status == "released"


async def test_orders_that_come_meanwhile_have_nothing_of_it(db: Database, world: SimpleNamespace) -> None:
    one = await lot(db, world, "R6", "A")
    await lot(db, world, "R6", "B")
    placing = [order(db, world, ("R6", 1)) for _ in range(12)]
    *_, opened = await asyncio.gather(*placing, recall(db, world, lot_ids=[one.id]))
    assert (await ledger.get_lot(db, SYSTEM, one.id)).allocated == 0
    second = await lot(db, world, "R6", "B")
    assert second.allocated == 12
    assert isinstance(opened, RecallDetail)
    await kept(db)


async def test_two_recalls_of_the_same_lots_at_once_are_both_whole(db: Database, world: SimpleNamespace) -> None:
    lots = [(await lot(db, world, f"R7-{n}")).id for n in range(4)]
    both = await asyncio.gather(recall(db, world, lot_ids=lots), recall(db, world, lot_ids=lots[::-1]))
    assert {one.lot_count for one in both} == {4}
    assert sorted(each.was for one in both for each in one.lots) == ["recalled"] * 4 + ["released"] * 4


async def test_a_recall_costs_the_same_for_one_lot_and_for_thirty(db: Database, world: SimpleNamespace) -> None:
    counts: list[int] = []
    for n in (1, 30):
        await make(db, world, f"R8-{n}", tracking="lot")
        for number in range(n):
            await bring(db, world, f"R8-{n}", 1, lot=str(number))
        with count_statements() as seen:
            await recall(db, world, sku=f"R8-{n}")
        counts.append(len(seen))
    assert counts[0] == counts[1]


async def test_recalls_over_http(db: Database, world: SimpleNamespace, client: httpx.AsyncClient) -> None:
    one = await lot(db, world, "R9")
    sent = await order(db, world, ("R9", 2), external_id="=2+3")
    await allocation.ship(db, world.actor(), sent.id, ShipOrder())
    body = {"reason": "metal parts", "lot_ids": [one.id], "notes": 'call #1 "quoted" \\ $x$'}
    made = await client.post("/api/recalls", json=body, headers={"Idempotency-Key": "r"})
    assert made.status_code == 201, made.text
    assert (await client.post("/api/recalls", json=body, headers={"Idempotency-Key": "r"})).json() == made.json()
    path = f"/api/recalls/{made.json()['id']}"
    assert (await client.get(path)).json()["lots"][0]["sent"] == "2"
    assert [h["kind"] for h in (await client.get(f"{path}/holders")).json()["items"]] == ["here", "sent"]
    paper = await client.get(f"{path}/document")
    assert (paper.status_code, paper.content[:5]) == (200, b"%PDF-")
    file = list(csv.DictReader(io.StringIO((await client.get(f"{path}/export")).text)))
    assert [(row["kind"], row["quantity"], row["order_number"]) for row in file] == [
        ("here", "8", ""), ("sent", "2", "'=2+3"),
    ]  # fmt: skip
    traced = (await client.get(f"/api/lots/{one.id}/trace", params={"direction": "backward"})).json()["items"]
    assert [row["type"] for row in traced] == ["RECEIPT"]
    assert (await client.get(f"/api/lots/{one.id}/holders")).status_code == 200
    assert (await client.post(f"{path}/close", json={})).json()["code"] == "recall_not_done"
    freed = await client.post(f"{path}/release", json={"lot_ids": [one.id], "reason": "ok"})
    assert (freed.status_code, freed.headers["ETag"]) == (200, '"2"')
    assert (await client.post(f"{path}/close", json={})).status_code == 200
    assert (await client.get("/api/recalls/999999/holders")).status_code == 404
    assert (await client.get("/api/recalls", params={"open": "false", "limit": 1})).json()["items"][0]["lot_count"] == 1


async def test_what_is_shipped_while_it_is_recalled_has_left_or_waits(db: Database, world: SimpleNamespace) -> None:
    for turn in range(6):
        sku = f"R10-{turn}"
        one = await lot(db, world, sku)
        wanted = await order(db, world, (sku, 4))
        shipping = allocation.ship(db, world.actor(), wanted.id, ShipOrder())
        shipped, opened = await asyncio.gather(shipping, recall(db, world, lot_ids=[one.id]), return_exceptions=True)
        assert isinstance(opened, RecallDetail), opened
        now_ = await service.get_recall(db, SYSTEM, opened.id)
        left = isinstance(shipped, BaseException)
        assert (now_.lots[0].sent, now_.lots[0].on_hand) == ((0, 10) if left else (4, 6)), shipped
        assert (await now(db, world, wanted)).status == ("BACKORDERED" if left else "SHIPPED")
    await kept(db)
