"""Suppliers' invoices held against what was ordered and came: every state, who decides, what goods change later."""

import asyncio
from datetime import date
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest
from tests.purchasing.helpers import D, ordered, took_in

from perpetua.kit.database import Database, count_statements, sql
from perpetua.kit.errors import InvalidValue, Missing, NotAllowed, Stale
from perpetua.kit.listing import PageRequest
from perpetua.purchasing import service
from perpetua.purchasing.errors import NeedsPerson
from perpetua.purchasing.errors.invoices import (
    InvoiceFlagged,
    InvoiceKnown,
    InvoiceState,
    NoRate,
    NothingToDecide,
    SecondPerson,
    TotalsDiffer,
    UnknownOrder,
)
from perpetua.purchasing.rules import matching
from perpetua.purchasing.types import Order
from perpetua.purchasing.types.invoices import (
    Decide,
    DecideLine,
    EnterInvoice,
    EnterInvoiceLine,
    Invoice,
    InvoiceFilters,
    LineFacts,
    ReleaseInvoice,
    SetMatchSettings,
    Tolerances,
    VoidInvoice,
)

EVERY = """
  SELECT l.id, l.kind, p.id IS NOT NULL AS known, l.quantity, l.unit_price, i.exchange_rate AS rate,
         coalesce(p.ordered - p.cancelled, 0) AS ordered, coalesce(p.received, 0) AS received,
         coalesce((SELECT sum(b.counted) FROM supplier_invoice_lines b
                   WHERE b.po_line_id = l.po_line_id AND b.id < l.id), 0) AS before,
         coalesce(CASE WHEN i.currency = o.currency THEN p.unit_price
                       ELSE round(p.unit_price * o.exchange_rate / i.exchange_rate, 6) END, 0) AS expected_price,
         coalesce(p.on_order > 0, false) AS coming, coalesce(o.over_percent, 0) AS over_percent,
         s.price_percent, s.price_value, s.quantity_percent, s.quantity_value, s.charge_value, l.problems
  FROM supplier_invoice_lines l JOIN supplier_invoices i ON i.id = l.invoice_id
  JOIN match_settings s ON s.version = i.settings_version
  LEFT JOIN po_lines p ON p.id = l.po_line_id LEFT JOIN purchase_orders o ON o.id = p.po_id
"""
TOLERANCES = ("price_percent", "price_value", "quantity_percent", "quantity_value", "charge_value")


async def sound(db: Database) -> None:
    """Each line's problems are what the rule says of the facts as they are now."""
    async with db.transaction() as tx:
        rows = await tx.dicts(sql(EVERY))
    assert rows
    for row in rows:
        may = Tolerances(*(row.pop(name) for name in TOLERANCES))
        line_id, found = row.pop("id"), row.pop("problems")
        assert matching.problems(LineFacts(**row), may) == found, line_id


def bill(order: Order | None, number: str, *lines: EnterInvoiceLine, **more: Any) -> EnterInvoice:
    """An invoice of lines, with its total right."""
    total = sum((matching.amount(line.quantity, line.unit_price, line.tax) for line in lines), D(0))
    asked: dict[str, Any] = {"supplier": "ORCHARD", "number": number, "invoiced_on": date(2026, 3, 10), "total": total}
    return EnterInvoice(**{**asked, "po": order and order.number, "lines": list(lines), **more})


def line(sku: str | None, quantity: int | str, price: str, **more: Any) -> EnterInvoiceLine:
    """A line of goods."""
    return EnterInvoiceLine(sku=sku, quantity=D(quantity), unit_price=D(price), **more)


async def enter(db: Database, world: SimpleNamespace, command: EnterInvoice) -> Invoice:
    """By the buyer."""
    return (await service.enter_invoice(db, world.actor("purchasing_staff"), command)).answer


async def decide(db: Database, world: SimpleNamespace, invoice: Invoice, line_no: int, what: Any) -> Invoice:
    """By the manager."""
    command = Decide(lines=[DecideLine(line_no=line_no, decision=what, reason="agreed by telephone")])
    return (await service.decide_invoice(db, world.actor(), invoice.id, command, version=invoice.version)).answer


async def release(db: Database, world: SimpleNamespace, invoice: Invoice) -> Invoice:
    """By the manager."""
    return (
        await service.release_invoice(db, world.actor(), invoice.id, ReleaseInvoice(), version=invoice.version)
    ).answer


async def again(db: Database, world: SimpleNamespace, invoice: Invoice) -> Invoice:
    return await service.get_invoice(db, world.actor(), invoice.id)


async def test_what_agrees_is_released_at_once(db: Database, world: SimpleNamespace) -> None:
    order = await ordered(db, world, ("APPLE", 100), ("PEAR", 4))
    await took_in(db, order, APPLE=100, PEAR=4)
    made = await enter(db, world, bill(order, "A-1", line("APPLE", 100, "0.2", tax=D(4)), line("PEAR", 4, "0.5")))
    assert (made.status, made.flagged, made.waiting, made.total, made.payable) == ("MATCHED", 0, 0, D(26), D(26))
    assert [one.state for one in made.lines] == ["MATCHED", "MATCHED"]
    assert (made.due_on, made.lines[0].po, made.lines[0].expected_price) == (date(2026, 4, 9), order.number, D("0.2"))
    with pytest.raises(NotAllowed):
        await service.release_invoice(
            db, world.actor("purchasing_staff"), made.id, ReleaseInvoice(), version=made.version
        )
    with pytest.raises(Stale):
        await service.release_invoice(db, world.actor(), made.id, ReleaseInvoice(), version=made.version + 1)
    done = await release(db, world, made)
    assert (done.status, done.payable, done.released_by) == ("RELEASED", D(26), world.people["inventory_manager"])
    with pytest.raises(InvoiceState):
        await release(db, world, done)
    with pytest.raises(InvoiceKnown) as known:
        await enter(db, world, bill(order, "a-1", line("APPLE", 1, "0.2")))
    assert known.value.invoice_id == made.id
    await sound(db)


async def test_goods_that_come_later_release_what_waited(db: Database, world: SimpleNamespace) -> None:
    order = await ordered(db, world, ("APPLE", 100))
    made = await enter(db, world, bill(order, "B-1", line("APPLE", 100, "0.2")))
    assert (made.status, made.lines[0].state, made.waiting) == ("WAITING", "NOT_RECEIVED", 1)
    with pytest.raises(InvoiceFlagged) as refused:
        await release(db, world, made)
    assert refused.value.lines == [{"line_no": 1, "state": "NOT_RECEIVED", "problems": ["NOT_RECEIVED"]}]
    await took_in(db, order, APPLE=60)
    assert (await again(db, world, made)).status == "WAITING"
    await took_in(db, order, APPLE=40)
    now = await again(db, world, made)
    assert (now.status, now.version) == ("MATCHED", made.version + 1)
    await took_in(db, order, APPLE=-40)
    gone = await again(db, world, made)
    assert gone.status == "WAITING"
    with pytest.raises(InvoiceFlagged):
        await release(db, world, gone)
    await took_in(db, order, APPLE=40)
    done = await release(db, world, await again(db, world, made))
    await took_in(db, order, APPLE=-40)
    after = await again(db, world, done)
    assert (after.status, after.waiting, after.payable) == ("RELEASED", 1, D(20))
    page = await service.list_invoices(db, world.actor(), InvoiceFilters(attention=True), PageRequest())
    assert after.id in {one.id for one in page.items}
    await sound(db)


async def test_a_price_that_differs_is_accepted_by_a_second_person(db: Database, world: SimpleNamespace) -> None:
    order = await ordered(db, world, ("PHONE", 10))
    await took_in(db, order, PHONE=10)
    made = await enter(db, world, bill(order, "C-1", line("PHONE", 10, "302")))
    # Within one per cent, but 20 in all is above the value of 10.
    assert (made.status, made.lines[0].problems, made.flagged) == ("FLAGGED", ["PRICE_DIFFERS"], 1)
    small = await enter(db, world, bill(order, "C-0", line("PHONE", 1, "302"), total=D("302.01")))
    assert small.lines[0].problems == ["QUANTITY_DIFFERS"]  # all ten are invoiced already
    accept = Decide(lines=[DecideLine(line_no=1, decision="accept", reason="new list")])
    program = msgspec.structs.replace(world.actor(), via="token", token_id=1)
    with pytest.raises(NeedsPerson):
        await service.decide_invoice(db, program, made.id, accept, version=made.version)
    own = (await service.enter_invoice(db, world.actor(), bill(order, "C-2", line("PHONE", 1, "310")))).answer
    with pytest.raises(SecondPerson):
        await service.decide_invoice(db, world.actor(), own.id, accept, version=own.version)
    done = await decide(db, world, made, 1, "accept")
    assert (done.status, done.lines[0].state) == ("MATCHED", "ACCEPTED")
    assert done.lines[0].decision is not None
    assert done.lines[0].decision.reason == "agreed by telephone"
    assert (await release(db, world, done)).payable == D(3020)
    await service.void_invoice(db, world.actor(), own.id, VoidInvoice(reason="twice"), version=own.version)
    assert (await again(db, world, own)).status == "VOID"
    await enter(db, world, bill(order, "c-2", line("PHONE", 1, "300")))
    await sound(db)


async def test_reject_and_credit_pay_what_agrees(db: Database, world: SimpleNamespace) -> None:
    order = await ordered(db, world, ("APPLE", 100), ("PEAR", 10))
    await took_in(db, order, APPLE=80, PEAR=10)
    async with db.transaction() as tx:  # nothing more is to come: the rest is closed short
        await tx.execute(
            sql("UPDATE po_lines SET cancelled = 20 WHERE po_id = %(id)s AND ordered = 100"), {"id": order.id}
        )
    made = await enter(
        db, world,
        bill(order, "D-1", line("APPLE", 100, "0.25", tax=D(5)), line("PEAR", 10, "0.5"),
             EnterInvoiceLine(kind="freight", unit_price=D(150)), line(None, 1, "9", description="a gift")),
    )  # fmt: skip
    assert [one.problems for one in made.lines] == [
        ["PRICE_DIFFERS", "QUANTITY_DIFFERS"], [], ["NOT_ORDERED"], ["NOT_ORDERED"],
    ]  # fmt: skip
    with pytest.raises(NothingToDecide):
        await decide(db, world, made, 2, "reject")
    part = await decide(db, world, made, 1, "credit")
    assert (part.status, part.lines[0].state, part.flagged) == ("FLAGGED", "DISPUTED", 2)
    assert part.lines[0].decision is not None
    assert part.lines[0].decision.agreed == D("19.2")  # 80 at 0.20, and tax in proportion
    part = await decide(db, world, part, 3, "accept")
    with pytest.raises(InvoiceFlagged):
        await release(db, world, part)
    done = await decide(db, world, part, 4, "reject")
    assert (done.status, done.payable) == ("DISPUTED", D("19.2") + 5 + 150)
    # Of the apples 80 count: the next invoice for 20 more is beyond what came.
    more = await enter(db, world, bill(order, "D-2", line("APPLE", 20, "0.2")))
    assert (more.lines[0].invoiced_before, more.lines[0].problems) == (D(80), ["QUANTITY_DIFFERS"])
    assert (await release(db, world, done)).payable == D("174.2")
    await sound(db)


async def test_a_decision_ends_when_it_becomes_worse(db: Database, world: SimpleNamespace) -> None:
    order = await ordered(db, world, ("PEAR", 10))
    await took_in(db, order, PEAR=10)
    made = await enter(db, world, bill(order, "E-1", line("PEAR", 12, "0.5")))
    done = await decide(db, world, made, 1, "accept")
    assert done.status == "MATCHED"
    await took_in(db, order, PEAR=-5)
    worse = await again(db, world, done)
    assert (worse.status, worse.lines[0].state) == ("FLAGGED", "QUANTITY_DIFFERS")
    with pytest.raises(InvoiceFlagged):
        await release(db, world, worse)
    await took_in(db, order, PEAR=5)
    assert (await again(db, world, done)).lines[0].state == "ACCEPTED"
    await sound(db)


async def test_lines_find_their_orders(db: Database, world: SimpleNamespace) -> None:
    one = await ordered(db, world, ("MILK", 5))
    found = await enter(db, world, bill(None, "F-1", line(None, 5, "1", supplier_sku="s-milk")))
    assert (found.lines[0].po, found.lines[0].po_line, found.lines[0].sku) == (one.number, 1, "MILK")
    two = await ordered(db, world, ("MILK", 5), ("MILK", 7), allow_off_pack=True)
    three = await ordered(db, world, ("MILK", 5))
    lost = await enter(db, world, bill(None, "F-2", line("MILK", 5, "1")))
    assert (lost.lines[0].po, lost.lines[0].problems) == (None, ["NOT_ORDERED"])  # which of them, nobody can tell
    both = await enter(db, world, bill(two, "F-3", line("MILK", 5, "1"), line("MILK", 7, "1"), line("PEAR", 1, "1")))
    assert [x.po_line for x in both.lines] == [1, 2, None]
    for odd in (
        bill(None, "F-9", line("MILK", 1, "1", po="PO-999999")),
        bill(two, "F-9", line(None, 1, "1", po_line=9)),
        bill(two, "F-9", line("PEAR", 1, "1", po_line=1)),
        bill(two, "F-9", line("MILK", 1, "1"), supplier="BERLIN", exchange_rate=D("0.85")),
    ):
        with pytest.raises(UnknownOrder):
            await enter(db, world, odd)
    with pytest.raises(NoRate):
        await enter(db, world, bill(three, "F-9", line("MILK", 1, "1"), currency="USD"))
    with pytest.raises(TotalsDiffer):
        await enter(db, world, bill(three, "F-9", line("MILK", 1, "1"), total=D("1.02")))
    with pytest.raises(InvalidValue):
        await enter(db, world, bill(three, "F-9", line(None, 1, "1")))
    dollars = await enter(
        db, world, bill(three, "F-4", line("MILK", 5, "1.25"), currency="USD", exchange_rate=D("0.8"))
    )
    assert (dollars.lines[0].expected_price, dollars.lines[0].problems) == (D("1.25"), ["NOT_RECEIVED"])
    await sound(db)


async def test_tolerances_are_versions(db: Database, world: SimpleNamespace) -> None:
    order = await ordered(db, world, ("PEAR", 100))
    await took_in(db, order, PEAR=100)
    before = await service.get_match_settings(db, world.actor())
    strict = await enter(db, world, bill(order, "G-1", line("PEAR", 101, "0.5")))
    command = SetMatchSettings(price_percent=D(0), quantity_percent=D(2), quantity_value=D(1))
    with pytest.raises(NotAllowed):
        await service.set_match_settings(db, world.actor("purchasing_staff"), command, version=before.version)
    after = (await service.set_match_settings(db, world.actor(), command, version=before.version)).answer
    with pytest.raises(Stale):
        await service.set_match_settings(db, world.actor(), command, version=before.version)
    assert strict.lines[0].problems == (await again(db, world, strict)).lines[0].problems == ["QUANTITY_DIFFERS"]
    await service.void_invoice(db, world.actor(), strict.id, VoidInvoice(reason="anew"), version=strict.version)
    assert (await enter(db, world, bill(order, "G-1", line("PEAR", 101, "0.5")))).status == "MATCHED"
    back = SetMatchSettings(**{n: getattr(before, n) for n in SetMatchSettings.__struct_fields__})
    await service.set_match_settings(db, world.actor(), back, version=after.version)
    await sound(db)


async def test_two_at_once_and_goods_undone_in_between(db: Database, world: SimpleNamespace) -> None:
    for turn in range(8):
        order = await ordered(db, world, ("PEAR", 10))
        await took_in(db, order, PEAR=10)
        made = await enter(db, world, bill(order, f"H-{turn}", line("PEAR", 10, "0.5")))
        tries = [release(db, world, made), release(db, world, made), took_in(db, order, PEAR=-10)]
        outcomes: list[Any] = await asyncio.gather(*tries, return_exceptions=True)
        wins = [one for one in outcomes if isinstance(one, Invoice)]
        assert len(wins) <= 1, outcomes
        assert all(isinstance(one, Invoice | list | Stale | InvoiceFlagged | InvoiceState) for one in outcomes), (
            outcomes
        )
        now = await again(db, world, made)
        assert (now.status == "RELEASED") == bool(wins)
        assert now.waiting == 1
        if wins:
            assert wins[0].flagged == wins[0].waiting == 0
        same = [enter(db, world, bill(order, f"I-{turn}", line("PEAR", 6, "0.5"))) for _ in range(3)]
        entered: list[Any] = await asyncio.gather(*same, return_exceptions=True)
        assert sorted(type(one).__name__ for one in entered) == ["Invoice", "InvoiceKnown", "InvoiceKnown"]
    await sound(db)


async def test_the_statements_do_not_grow(db: Database, world: SimpleNamespace) -> None:
    counts: list[list[int]] = []
    for lines in (1, 1500):
        order = await ordered(db, world, *[("PEAR", 1), ("APPLE", 10)] * lines)
        asked = [
            line(None, 1 if n % 2 == 0 else 10, "0.5" if n % 2 == 0 else "0.25", po_line=n + 1)
            for n in range(2 * lines)
        ]
        with count_statements() as entering:
            made = await enter(db, world, bill(order, f"J-{lines}", *asked))
        assert made.status == "WAITING"
        async with db.transaction() as tx:
            await service.take_in(
                tx, [came(one) for one in (await service.lock_orders(tx, [order.id]))[order.id].lines]
            )
        now = await again(db, world, made)
        with count_statements() as releasing:
            await release(db, world, now)
        counts.append([len(entering), len(releasing)])
    assert counts[0] == counts[1], counts


def came(one: Any) -> Any:
    """All of a line."""
    from tests.purchasing.helpers import MONDAY

    from perpetua.purchasing.types import Came

    return Came(one.id, one.ordered, MONDAY)


async def test_lists_and_who_sees_what(
    db: Database, world: SimpleNamespace, callers: dict[str, httpx.AsyncClient]
) -> None:
    buyer, manager = callers["purchasing_staff"], callers["inventory_manager"]
    order = await ordered(db, world, ("PEAR", 3))
    body = {
        "supplier": "orchard", "number": "K-1", "invoiced_on": "2026-03-10", "total": "1.50", "po": order.number,
        "lines": [{"sku": "pear", "quantity": "3", "unit_price": "0.5"}],
    }  # fmt: skip
    made = await buyer.post("/api/supplier-invoices", json=body, headers={"Idempotency-Key": "k1"})
    assert made.status_code == 201, made.text
    twice = await buyer.post("/api/supplier-invoices", json=body, headers={"Idempotency-Key": "k1"})
    assert (twice.status_code, twice.headers["Idempotent-Replayed"], twice.json()) == (201, "true", made.json())
    assert (await buyer.post("/api/supplier-invoices", json=body)).json()["code"] == "invoice_known"
    this = f"/api/supplier-invoices/{made.json()['id']}"
    assert (await callers["warehouse_staff"].get(this)).status_code == 403
    assert (await manager.post(f"{this}/release", json={})).status_code == 428
    held = await manager.post(f"{this}/release", json={}, headers={"If-Match": made.headers["ETag"]})
    assert (held.status_code, held.json()["code"], held.json()["waiting"]) == (409, "invoice_flagged", 1)
    for sort in ("", "id", "-id", "due", "number", "supplier"):
        seen: list[int] = []
        cursor = ""
        while True:
            page = (await manager.get(f"/api/supplier-invoices?limit=3&sort={sort}&cursor={cursor}")).json()
            seen += [one["id"] for one in page["items"]]
            cursor = page["next_cursor"]
            if not cursor:
                break
        assert len(seen) == len(set(seen)) > 3
    assert (await manager.get("/api/supplier-invoices?sort=odd")).status_code == 422
    for query in (
        "status=WAITING",
        "supplier=orchard",
        "number=k-",
        f"po={order.number}",
        "open=true",
        "due_until=2027-01-01",
    ):
        found = (await manager.get(f"/api/supplier-invoices?{query}&limit=1000")).json()["items"]
        assert made.json()["id"] in {one["id"] for one in found}, query
    blind = world.actor("purchasing_staff")
    blind = msgspec.structs.replace(blind, permissions=blind.permissions - {"supplier_prices.read"})
    bare = await service.get_invoice(db, blind, made.json()["id"])
    assert (bare.total, bare.lines[0].unit_price, bare.lines[0].expected_price) == (msgspec.UNSET,) * 3
    listed = await service.list_invoices(db, blind, InvoiceFilters(), PageRequest())
    assert all(one.total is msgspec.UNSET and one.payable is msgspec.UNSET for one in listed.items)
    elsewhere = world.actor(scope=[world.places["SHOP"]])
    with pytest.raises(Missing):
        await service.get_invoice(db, elsewhere, made.json()["id"])
    assert not (await service.list_invoices(db, elsewhere, InvoiceFilters(), PageRequest())).items
