"""A number has one form, whether it was just worked out or read again."""

from types import SimpleNamespace

from httpx import AsyncClient as Client
from tests.allocation.helpers import bring

from perpetua.kit.database import Database


async def test_numbers_have_one_form(client: Client, db: Database, world: SimpleNamespace) -> None:
    await bring(db, world, "FLOUR", "2.50")
    lines = [{"sku": "FLOUR", "quantity": "2.0", "unit_price": "1.100"}, {"sku": "FLOUR", "quantity": "1.50"}]
    sent = {"lines": lines, "placed_at": "2026-03-01T12:00:00+02:00"}
    made = (await client.post("/api/orders", json=sent)).json()
    read = (await client.get(f"/api/orders/{made['id']}")).json()
    assert {**read, "contact": None} == {**made, "contact": None}
    told = [(line["quantity"], line["allocated"], line["backordered"], line["sites"]) for line in read["lines"]]
    assert told == [("2", "2", "0", {"LON": "2"}), ("1.5", "0.5", "1", {"LON": "0.5"})]
    assert (read["lines"][0]["unit_price"], read["placed_at"]) == ("1.1", "2026-03-01T10:00:00Z")
    row = (await client.get("/api/orders", params={"external_id": made["external_id"]})).json()["items"][0]
    assert (row["quantity"], row["allocated"], row["backordered"]) == ("3.5", "2.5", "1")
    why = (await client.get(f"/api/orders/{made['id']}/explain")).json()["lines"][0]
    at = why["decided"]["facts"]["positions"][0]
    assert (why["quantity"], why["decided"]["given"], at["on_hand"], at["given"]) == ("2", "2", "2.5", "2")
    free = (await client.get("/api/availability", params={"sku": "FLOUR"})).json()["items"][0]
    assert (free["available"], free["on_hand"], free["sites"][0]["allocated"]) == ("0", "2.5", "2.5")
    await client.post(f"/api/orders/{made['id']}/cancel", json={"reason": "a test of numbers"})
    held = await client.post(
        "/api/reservations", json={"holder": "form", "lines": [{"sku": "FLOUR", "quantity": "1.50"}]}
    )
    assert (held.json()["lines"][0]["given"], held.json()["reservations"][0]["quantity"]) == ("1.5", "1.5")
    await client.post("/api/reservations/release", json={"holder": "form"})
