"""How suppliers did: each figure, from rows that can be counted by hand."""

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest
from tests.purchasing.helpers import MONDAY, D, ordered
from tests.purchasing.test_lead_times import came
from tests.purchasing.test_matching import bill, enter, line

from perpetua.kit.database import Database, count_statements
from perpetua.kit.errors import Missing
from perpetua.kit.listing import PageRequest
from perpetua.purchasing import service
from perpetua.purchasing.types import CloseShort

UNTIL = date(2026, 3, 31)


async def test_every_figure(db: Database, world: SimpleNamespace) -> None:
    supplier: Any = (await ordered(db, world, ("PEAR", 1))).supplier_id  # late: it never comes
    punctual = await ordered(db, world, ("PEAR", 10))  # due on 5 March
    await came(db, punctual, 3, PEAR=10)
    late = await ordered(db, world, ("PEAR", 10))
    await came(db, late, 5, PEAR=10)
    short = await ordered(db, world, ("PEAR", 20))
    await came(db, short, 2, PEAR=10)
    await service.close_short(db, world.actor(), short.id, CloseShort(reason="sold out"))
    card = await service.get_scorecard(db, world.actor(), supplier, until=UNTIL)
    assert (card.since, card.lines_due, card.lines_on_time) == (UNTIL - timedelta(days=90), 4, 2)
    assert (card.on_time_share, card.fill_rate) == (D("0.5"), D("0.7317"))  # 30 of 41, one price
    assert (card.lead_times, card.lead_time_mean_days, card.lead_time_deviation_days) == (3, D("3.33"), D("1.53"))
    assert (card.discrepancies, card.discrepancy_share, card.price_change_since_first) == (0, None, None)
    gone = await service.get_scorecard(db, world.actor(), supplier, until=date(2026, 9, 30))
    assert (gone.lines_due, gone.on_time_share, gone.lead_times) == (0, None, 0)


async def test_prices_against_the_first_and_the_last_before(db: Database, world: SimpleNamespace) -> None:
    order = await ordered(db, world, ("APPLE", 1000))
    for number, day, price in (
        ("P-1", date(2025, 6, 1), "0.20"), ("P-2", date(2025, 12, 1), "0.22"), ("P-3", date(2026, 3, 1), "0.24"),
        ("P-4", date(2026, 3, 20), "0.26"),
    ):  # fmt: skip
        await enter(db, world, bill(order, number, line("APPLE", 100, price), invoiced_on=day))
    card = await service.get_scorecard(db, world.actor(), order.supplier_id, until=UNTIL)
    assert (card.price_change_since_first, card.price_change_since_before) == (D("0.25"), D("0.1364"))
    blind = world.actor("viewer")
    assert not blind.may("supplier_prices.read")
    hidden = await service.get_scorecard(db, blind, order.supplier_id, until=UNTIL)
    assert (hidden.price_change_since_first, hidden.price_change_since_before) == (msgspec.UNSET, msgspec.UNSET)
    with pytest.raises(Missing):
        await service.get_scorecard(db, world.actor(), 10**9)


async def test_discrepancies_over_http(
    db: Database, world: SimpleNamespace, callers: dict[str, httpx.AsyncClient]
) -> None:
    client = callers["inventory_manager"]
    order = await ordered(db, world, ("PEAR", 4))
    body = {"location": "LON-A-1", "lines": [{"sku": "PEAR", "quantity": "3"}]}
    received = await client.post(f"/api/purchase-orders/{order.id}/receive", json=body)
    assert received.status_code == 201, received.text
    card = (await client.get(f"/api/suppliers/{order.supplier_id}/scorecard")).json()
    assert (card["lines_received"], card["discrepancies"], card["discrepancy_kinds"]) == (1, 1, {"short": 1})
    assert card["discrepancy_share"] == "1"
    with count_statements() as seen:
        page = await service.list_scorecards(db, world.actor(), PageRequest())
    assert len(seen) == 1
    assert [one.supplier for one in page.items] == ["BERLIN", "ORCHARD"]
    first = (await client.get("/api/supplier-scorecards?limit=1")).json()
    second = (await client.get(f"/api/supplier-scorecards?limit=1&cursor={first['next_cursor']}")).json()
    assert (first["items"][0]["supplier"], second["items"][0]["supplier"], second["next_cursor"]) == (
        "BERLIN", "ORCHARD", None,
    )  # fmt: skip
    assert (await client.get("/api/suppliers/1/scorecard?days=0")).status_code in {400, 422}
    assert MONDAY.year == 2026
