"""A scan with a receipt is counted against what was ordered: item, lot, expiry and serial out of one code."""

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tests.purchasing.helpers import ordered, stock_up

from perpetua.kit.database import Database
from perpetua.kit.errors import Refusal
from perpetua.receiving import service as receiving
from perpetua.receiving.types import OpenReceipt
from perpetua.scanning import service
from perpetua.scanning.types import BatchScan, Scan, ScanAnswer, ScanBatch

MILK = "0109506000134352"
PHONE = "0180614141123458"


@pytest.fixture(scope="module")
async def receipt(db: Database, world: Any) -> int:
    """An open receipt for 5 bottles of milk, 2 phones and 24 apples."""
    await stock_up(db, world)
    order = await ordered(db, world, ("MILK", 5), ("PHONE", 2), ("APPLE", 30))
    opened = OpenReceipt(location="LON-A-1", orders=[order.number])
    return (await receiving.open_receipt(db, world.actor("warehouse_staff"), opened)).answer.id


async def scan(db: Database, world: Any, code: str, receipt_id: int, **more: Any) -> ScanAnswer:
    one = Scan(code=code, action="receive", receipt_id=receipt_id, **more)
    return (await service.scan(db, world.actor("warehouse_staff"), one, key=uuid.uuid4().hex)).answer


async def test_one_code_is_enough(db: Database, world: Any, receipt: int) -> None:
    seen = await scan(db, world, f"]d2{MILK}1727010110R1", receipt, quantity=Decimal(3))
    assert seen.received
    assert [(one.sku, one.lot, one.open, one.location) for one in seen.received.lines] == [("MILK", "R1", 2, "LON-A-1")]
    assert (seen.outcome, seen.posted and seen.posted.posting_id) == ("posted", seen.received.posting_id)
    phone = await scan(db, world, f"{PHONE}21S-1", receipt)
    assert phone.received
    assert phone.received.lines[0].open == 1
    case = await scan(db, world, "14006381333938", receipt)
    assert case.received
    assert (case.received.lines[0].quantity, case.received.lines[0].open) == (12, 18)
    came = (await receiving.get_receipt(db, world.actor(), receipt)).came
    assert [(one.sku, one.quantity, one.expires_on, one.serials) for one in came] == [
        ("APPLE", 12, None, []), ("PHONE", 1, None, ["S-1"]), ("MILK", 3, date(2027, 1, 1), []),
    ]  # fmt: skip


async def test_what_is_odd_is_caught_at_the_scan(db: Database, world: Any, receipt: int) -> None:
    for code, more, says in (
        ("PEAR-LABEL", {}, "PEAR is not on PO-"),
        (f"]d2{MILK}1727010110R1", {"quantity": Decimal(9)}, "9 came, 2 is open"),
        (f"]d2{MILK}1720010110R0", {}, "expired on 2020-01-01"),
    ):
        with pytest.raises(Refusal, match=says):
            await scan(db, world, code, receipt, **more)
    taken = await scan(db, world, "PEAR-LABEL", receipt, accept=["unexpected"])
    assert taken.received
    assert taken.received.lines[0].discrepancies == ["unexpected"]
    damaged = await scan(db, world, f"]d2{MILK}1727010110R1", receipt, condition="damaged")
    assert damaged.received
    assert (damaged.received.lines[0].location, damaged.received.lines[0].discrepancies) == ("LON-Q", ["damaged"])
    look = Scan(code="PEAR-LABEL", action="count", receipt_id=receipt, quantity=Decimal(1), location="LON-A-1")
    with pytest.raises(Refusal, match="is for receiving"):
        await service.scan(db, world.actor(), look, key=uuid.uuid4().hex)
    with pytest.raises(Refusal, match="no receipt 999"):
        await scan(db, world, "PEAR-LABEL", 999)


async def test_a_queue_sent_twice_is_received_once(db: Database, world: Any, receipt: int) -> None:
    queue = ScanBatch(
        scans=[
            BatchScan(key=f"q-{n}", code=f"{PHONE}21S-{n}", action="receive", receipt_id=receipt) for n in (2, 3)
        ]
    )  # fmt: skip
    clerk = world.actor("warehouse_staff")
    first = await service.scan_batch(db, clerk, queue)
    assert [one.status for one in first] == [201, 409]  # the third phone was not ordered
    again = await service.scan_batch(db, clerk, queue)
    assert [(one.status, one.replayed) for one in again] == [(201, True), (409, True)]
    came = (await receiving.get_receipt(db, world.actor(), receipt)).came
    assert [one.serials for one in came if one.sku == "PHONE"] == [["S-2"], ["S-1"]]
