"""Charges laid on what came: by each basis, later, on what is sold, taken back."""

from datetime import date
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from tests.purchasing.helpers import D, ordered

from perpetua.costing import service
from perpetua.costing.errors import CancelledAlready, MeasuresMissing, NoGoods, NoRate
from perpetua.costing.types import CancelCharge, ChargeFilters, SpreadCharge
from perpetua.kit.database import Database, count_statements, sql
from perpetua.kit.errors import InvalidValue, NotAllowed
from perpetua.kit.listing import PageRequest
from perpetua.ledger import service as ledger
from perpetua.ledger.types import Receive, ReceiveLine, Sell, SellLine

SUMS = """
  SELECT c.id FROM landed_charges c LEFT JOIN landed_cost_lines l ON l.charge_id = c.id
  GROUP BY c.id, c.company_amount HAVING coalesce(sum(l.amount), 0) <> c.company_amount
"""


async def received(db: Database, world: SimpleNamespace, *lines: tuple[str, int], at: str = "LON-A-1") -> int:
    """Goods come; their posting."""
    asked = [ReceiveLine(sku=sku, location=at, quantity=D(n), unit_cost=D(cost)) for sku, n, cost in priced(lines)]
    posting = (await ledger.receive(db, world.actor(), Receive(lines=asked))).answer.posting_id
    assert posting is not None
    return posting


def priced(lines: tuple[tuple[str, int], ...]) -> list[tuple[str, int, str]]:
    return [(sku, n, {"APPLE": "0.2", "PEAR": "0.5"}[sku]) for sku, n in lines]


def charge(posting: int, **more: Any) -> SpreadCharge:
    """Freight of 100 by value."""
    asked: dict[str, Any] = {"kind": "freight", "basis": "value", "amount": D(100), "charged_on": date(2026, 3, 20)}
    return SpreadCharge(**{**asked, "posting_ids": [posting], **more})


async def test_by_value_quantity_weight_and_volume(db: Database, world: SimpleNamespace) -> None:
    posting = await received(db, world, ("APPLE", 100), ("PEAR", 40))
    actor = world.actor()
    by = {}
    for basis in ("value", "quantity"):
        done = await service.preview_charge(db, actor, charge(posting, basis=basis))
        by[basis] = {one.sku: one.amount for one in done.items}
    assert by["value"] == {"APPLE": D(50), "PEAR": D(50)}
    assert by["quantity"] == {"APPLE": D("71.428571"), "PEAR": D("28.571429")}
    async with db.admin() as tx:
        await tx.execute(sql("UPDATE product_variants SET weight_kg = 0.1 WHERE sku = 'APPLE'"))
    for basis, missing in (("weight", ["PEAR"]), ("volume", ["APPLE", "PEAR"])):
        with pytest.raises(MeasuresMissing) as refused:
            await service.spread_charge(db, actor, charge(posting, basis=basis))
        assert refused.value.items == missing
    async with db.admin() as tx:
        await tx.execute(sql("UPDATE product_variants SET weight_kg = 0.75 WHERE sku = 'PEAR'"))
        await tx.execute(sql("UPDATE product_variants SET length_mm = 100, width_mm = 100, height_mm = 100"))
    heavy = (await service.spread_charge(db, actor, charge(posting, basis="weight"))).answer
    assert {one.sku: (one.amount, one.share, one.per_unit) for one in heavy.items} == {
        "APPLE": (D(25), D(10), D("0.25")), "PEAR": (D(75), D(30), D("1.875")),
    }  # fmt: skip
    bulky = await service.preview_charge(db, actor, charge(posting, basis="volume"))
    assert sum(one.amount for one in bulky.items) == 100


async def test_weeks_later_on_what_is_sold_and_taken_back(db: Database, world: SimpleNamespace) -> None:
    posting = await received(db, world, ("APPLE", 3), ("PEAR", 7))
    sold = SellLine(sku="PEAR", location="LON-A-1", quantity=D(5))
    await ledger.sell(db, world.actor(), Sell(lines=[sold]))
    asked = charge(
        posting, amount=D("99.99"), currency="EUR", exchange_rate=D("0.857"), supplier="berlin", reference="F-7"
    )
    with pytest.raises(NoRate):
        await service.spread_charge(db, world.actor(), charge(posting, currency="EUR"))
    done = (await service.spread_charge(db, world.actor(), asked, key="f7")).answer
    again = await service.spread_charge(db, world.actor(), asked, key="f7")
    assert (again.replayed, again.answer.id) == (True, done.id)
    assert (done.company_amount, done.supplier, done.rows) == (D("85.69143"), "BERLIN", 2)
    lines = (await service.list_lines(db, world.actor(), done.id, PageRequest())).items
    assert sum(line.amount for line in lines) == done.company_amount
    assert {line.sku: line.quantity for line in lines} == {"APPLE": 3, "PEAR": 7}  # also of what is sold
    back = (await service.cancel_charge(db, world.actor(), done.id, CancelCharge(reason="billed twice"))).answer
    assert (back.company_amount, back.cancels_id) == (D("-85.69143"), done.id)
    for twice in (done.id, back.id):
        with pytest.raises(CancelledAlready):
            await service.cancel_charge(db, world.actor(), twice, CancelCharge(reason="again"))
    listed = (await service.list_charges(db, world.actor(), ChargeFilters(supplier="berlin"), PageRequest())).items
    assert [(one.id, one.cancels_id, one.cancelled_by) for one in listed] == [
        (back.id, done.id, None),
        (done.id, None, back.id),
    ]
    counted = ChargeFilters(counted=True, sku="pear", kind="freight")
    assert done.id not in {x.id for x in (await service.list_charges(db, world.actor(), counted, PageRequest())).items}
    async with db.transaction() as tx:
        assert not await tx.values(sql(SUMS))
    with pytest.raises(Exception, match="append-only"):
        async with db.admin() as tx:
            await tx.execute(sql("UPDATE landed_cost_lines SET amount = 0"))


async def test_what_is_refused(db: Database, world: SimpleNamespace) -> None:
    posting = await received(db, world, ("APPLE", 3))
    for odd, refusal in (
        (charge(posting, posting_ids=[]), InvalidValue),
        (charge(posting, amount=D(0)), InvalidValue),
        (charge(posting, amount=D("0.0000001")), InvalidValue),
        (charge(posting, receipts=["R-999999"]), NoGoods),
        (charge(posting, receipts=["PO-1"]), InvalidValue),
        (charge(posting, posting_ids=[posting, 10**9]), NoGoods),
        (charge(posting, purchase_orders=["PO-999999"]), NoGoods),
        (charge(posting, invoice_id=10**9), InvalidValue),
        (charge(posting, currency="XXQ"), InvalidValue),
        (charge(posting, exchange_rate=D(2)), InvalidValue),
    ):
        with pytest.raises(refusal):
            await service.spread_charge(db, world.actor(), odd)
    for role in ("warehouse_staff", "purchasing_staff", "viewer"):
        with pytest.raises(NotAllowed):
            await service.preview_charge(db, world.actor(role), charge(posting))
    elsewhere = world.actor(scope=[world.places["SHOP"]])
    with pytest.raises(NoGoods):
        await service.preview_charge(db, elsewhere, charge(posting))


async def test_five_thousand_rows_in_as_many_statements_as_one(db: Database, world: SimpleNamespace) -> None:
    counts: list[int] = []
    for rows in (1, 5000):
        posting = await received(db, world, *[("APPLE", 1 + n % 7) for n in range(rows)])
        with count_statements() as seen:
            done = (await service.spread_charge(db, world.actor(), charge(posting))).answer
        assert done.rows == rows
        counts.append(len(seen))
    assert counts[0] == counts[1], counts
    async with db.transaction() as tx:
        assert not await tx.values(sql(SUMS))


async def test_over_http_by_orders_and_receipts(
    db: Database, world: SimpleNamespace, callers: dict[str, httpx.AsyncClient]
) -> None:
    client = callers["inventory_manager"]
    order = await ordered(db, world, ("PEAR", 10))
    came = await client.post(f"/api/purchase-orders/{order.id}/receive", json={"location": "LON-A-1"})
    assert came.status_code == 201, came.text
    receipt = came.json()
    body = {"kind": "duty", "basis": "quantity", "amount": "12.50", "charged_on": "2026-03-20"}
    by_order = await client.post("/api/landed-costs/preview", json={**body, "purchase_orders": [order.number]})
    by_receipt = await client.post("/api/landed-costs", json={**body, "receipts": [receipt["number"]]})
    assert (by_order.status_code, by_receipt.status_code) == (200, 201), (by_order.text, by_receipt.text)
    assert by_order.json()["items"] == by_receipt.json()["items"]
    this = f"/api/landed-costs/{by_receipt.json()['id']}"
    assert (await client.get(this)).json() == by_receipt.json()
    assert len((await client.get(f"{this}/lines")).json()["items"]) == 1
    assert (await callers["purchasing_staff"].get(this)).status_code == 403
    assert (await client.post(f"{this}/cancel", json={"reason": "wrong"})).status_code == 201
    assert (await client.get("/api/landed-costs?limit=1")).json()["next_cursor"]
