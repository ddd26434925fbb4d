"""Orders over HTTP: what goes in and out, and what each reader may see."""

from decimal import Decimal

from httpx import AsyncClient as Client


async def test_an_order_goes_in_and_comes_out(client: Client) -> None:
    body = {"channel": "web", "external_id": "1", "lines": [{"sku": "apple", "quantity": "2"}]}
    first = await client.post("/api/orders", json=body, headers={"Idempotency-Key": "one"})
    again = await client.post("/api/orders", json=body, headers={"Idempotency-Key": "one"})
    assert (first.status_code, again.status_code) == (201, 201), first.text
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    read = await client.get(f"/api/orders/{first.json()['id']}")
    assert {**read.json(), "lines": 0} == {**first.json(), "lines": 0, "contact": None}
    assert Decimal(read.json()["lines"][0]["backordered"]) == 2
    assert read.headers["ETag"] == first.headers["ETag"] == '"1"'
    assert first.json()["status"] == "BACKORDERED"
    gone = await client.post(f"/api/orders/{first.json()['id']}/cancel", json={"reason": "no more"})
    assert (gone.status_code, gone.json()["status"]) == (200, "CANCELLED")
    refused = await client.post(f"/api/orders/{first.json()['id']}/ship", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "order_closed")
