"""Purchase orders over HTTP: approved by who signed in, with versions, within one's sites."""

import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from tests.purchasing.helpers import ordered

from perpetua.access import service as access
from perpetua.access.types import SYSTEM, CreatePerson, Role
from perpetua.app.settings import Settings
from perpetua.app.web import create_app
from perpetua.kit.database import Database

Client = httpx.AsyncClient
PASSWORD = "three wet forklifts"
BODY = {"supplier": "orchard", "site": "LON", "lines": [{"sku": "PEAR", "quantity": "4"}]}


@pytest.fixture(scope="module")
def app(db: Database, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return create_app(Settings(home=Path(tmp_path_factory.mktemp("home")), given_secret="s" * 40), db)


async def signed_in(db: Database, app: Any, role: Role, scope: list[int] | None = None) -> Client:
    """A person at a browser."""
    email = f"{uuid.uuid4().hex[:10]}@example.com"
    command = CreatePerson(email=email, name="Ann Example", role=role, password=PASSWORD, scope=scope)
    await access.create_person(db, SYSTEM, command)
    origin = "http://perpetua.local"
    client = Client(transport=httpx.ASGITransport(app=app), base_url=origin, headers={"Origin": origin})
    answer = await client.post("/api/auth/sign-in", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    return client


async def test_an_order_lives(db: Database, app: Any, client: Client) -> None:
    first = await client.post("/api/purchase-orders", json=BODY, headers={"Idempotency-Key": "po"})
    again = await client.post("/api/purchase-orders", json=BODY, headers={"Idempotency-Key": "po"})
    assert (first.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert first.json() == again.json()
    order = first.json()
    assert (order["number"], order["status"], order["total"]) == (f"PO-{order['id']:06d}", "DRAFT", "2")
    path = f"/api/purchase-orders/{order['id']}"
    program = await client.post(f"{path}/approve", json={}, headers={"If-Match": first.headers["ETag"]})
    assert (program.status_code, program.json()["code"]) == (409, "needs_person")
    person = await signed_in(db, app, "purchasing_staff")
    assert (await person.post(f"{path}/approve", json={})).status_code == 428
    stale = await person.post(f"{path}/approve", json={}, headers={"If-Match": '"99"'})
    assert (stale.status_code, stale.json()["current"]) == (412, 1)
    early = await client.post(f"{path}/submit", json={})
    assert (early.status_code, early.json()["code"], early.json()["needed"]) == (409, "approval_needed", 1)
    approved = await person.post(f"{path}/approve", json={"note": "fine"}, headers={"If-Match": '"1"'})
    assert (approved.status_code, approved.json()["approved"]) == (200, True)
    change = {"lines": [{"line_no": 1, "quantity": "3"}], "note": "fewer"}
    assert (await client.patch(path, json=change)).status_code == 428
    changed = await client.patch(path, json=change, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.json()["approved"]) == (200, True)
    submitted = await client.post(f"{path}/submit", json={"send": False})
    assert (submitted.status_code, submitted.json()["status"]) == (200, "SUBMITTED")
    confirmed = await client.post(f"{path}/confirm", json={"promised_on": "2027-01-05"})
    assert (confirmed.json()["status"], confirmed.json()["lines"][0]["expected_on"]) == ("CONFIRMED", "2027-01-05")
    done = await client.post(f"{path}/cancel", json={"reason": "changed our mind"})
    assert (done.status_code, done.json()["status"]) == (200, "CANCELLED")
    late = await client.post(f"{path}/cancel", json={"reason": "again"})
    assert (late.status_code, late.json()["code"], late.json()["po_status"]) == (409, "order_state", "CANCELLED")
    assert len((await client.get(f"{path}/versions")).json()["items"]) == 2
    actions = [one["action"] for one in (await client.get(f"{path}/history")).json()["items"]]
    assert actions == ["cancelled", "confirmed", "submitted", "changed", "approved", "created"]
    for missing in ("/api/purchase-orders/999999", "/api/supplier-items/999999"):
        assert (await client.get(missing)).status_code == 404


async def test_they_are_listed(db: Database, world: SimpleNamespace, client: Client) -> None:
    made = [(await ordered(db, world, ("MILK", n + 1))).id for n in range(5)]
    for sort in ("", "id", "due", "supplier"):
        seen: list[int] = []
        cursor = None
        while True:
            params = {"limit": 2, "sku": "milk", "sort": sort, **({"cursor": cursor} if cursor else {})}
            page = (await client.get("/api/purchase-orders", params=params)).json()
            seen += [row["id"] for row in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert sorted(seen) == made, sort
        assert seen == (made[::-1] if sort == "" else made), sort
    rows = (await client.get("/api/purchase-orders", params={"overdue": True, "supplier": "orchard"})).json()["items"]
    assert {row["id"] for row in rows} == set(made)
    assert rows[0]["overdue"]
    assert rows[0]["on_order"] == "5"
    for params, found in (
        ({"open": True, "site": "LON"}, 5),
        ({"status": "DRAFT", "sku": "MILK"}, 0),
        ({"site": "SHOP", "sku": "MILK"}, 0),
        ({"supplier": "NOBODY"}, 0),
        ({"waits_for_approval": True, "sku": "MILK"}, 0),
    ):
        assert len((await client.get("/api/purchase-orders", params=params)).json()["items"]) == found, params
    assert (await client.get("/api/purchase-orders", params={"sort": "odd"})).status_code == 422


async def test_prices_and_rights(db: Database, world: SimpleNamespace, callers: dict[str, Client]) -> None:
    order = await ordered(db, world, ("PEAR", 2))
    path = f"/api/purchase-orders/{order.id}"
    for role, client in callers.items():
        read = await client.get(path)
        assert read.status_code == 200
        sees = role in {"administrator", "inventory_manager", "purchasing_staff"}
        assert ("total" in read.json(), "unit_price" in read.json()["lines"][0]) == (sees, sees)
        items = (await client.get("/api/supplier-items", params={"sku": "PEAR"})).json()["items"]
        assert ("prices" in items[0]) == sees
        made = await client.post("/api/purchase-orders", json=BODY)
        assert made.status_code == (201 if sees else 403)
        writes = await client.post("/api/supplier-items", json={"supplier": "BERLIN", "sku": f"NO-{role}"})
        assert writes.status_code == (422 if sees else 403)
        settings = await client.get("/api/purchasing-settings")
        put = await client.put(
            "/api/purchasing-settings", json={"currency": "GBP"}, headers={"If-Match": settings.headers["ETag"]}
        )
        assert put.status_code == (200 if role in {"administrator", "inventory_manager"} else 403)


async def test_people_see_the_orders_of_their_sites(db: Database, world: SimpleNamespace, app: Any) -> None:
    here, there = await ordered(db, world, ("PEAR", 2)), await ordered(db, world, ("PEAR", 2), site="SHOP")
    for scope, own, other in (("LON-A", here, there), ("SHOP", there, here)):
        client = await signed_in(db, app, "purchasing_staff", [world.places[scope]])
        assert (await client.get(f"/api/purchase-orders/{own.id}")).status_code == 200
        assert (await client.get(f"/api/purchase-orders/{other.id}")).status_code == 404
        listed = {row["id"] for row in (await client.get("/api/purchase-orders")).json()["items"]}
        assert own.id in listed
        assert other.id not in listed
        hidden = await client.post(f"/api/purchase-orders/{other.id}/cancel", json={"reason": "mine?"})
        assert hidden.status_code == 404
    zone = await signed_in(db, app, "purchasing_staff", [world.places["LON-A"]])
    made = await zone.post("/api/purchase-orders", json=BODY)
    assert made.status_code == 403
    assert (await zone.post(f"/api/purchase-orders/{here.id}/cancel", json={"reason": "x"})).status_code == 403


async def test_bad_values_name_their_field(client: Client) -> None:
    line = {"sku": "PEAR", "quantity": "1"}
    for change, field in (
        ({"supplier": "NOBODY"}, "supplier"),
        ({"site": "LON-A"}, "site"),
        ({"site": "NOWHERE"}, "site"),
        ({"lines": []}, "lines"),
        ({"lines": [line | {"quantity": "0"}]}, "lines[0].quantity"),
        ({"lines": [line | {"quantity": "1.5"}]}, "lines[0].quantity"),
        ({"lines": [line, line | {"sku": "NONE"}]}, "lines[1].sku"),
        ({"lines": [line | {"unit_price": "-1"}]}, "lines[0].unit_price"),
        ({"lines": [{"sku": "FLOUR", "quantity": "1"}]}, "lines[0].unit_price"),
        ({"exchange_rate": "2"}, "exchange_rate"),
        ({"supplier": "BERLIN"}, "lines[0].unit_price"),
        ({"note": ""}, "note"),
        ({"wanted_on": "0001-01-01"}, "wanted_on"),
    ):
        answer = await client.post("/api/purchase-orders", json={**BODY, **change})
        assert (answer.status_code, answer.json().get("field")) == (422, field), (change, answer.text)
    rate = {"supplier": "BERLIN", "lines": [line | {"unit_price": "1"}]}
    answer = await client.post("/api/purchase-orders", json={**BODY, **rate})
    assert (answer.status_code, answer.json()["field"]) == (422, "exchange_rate")
    taken = {**BODY, "external_id": "X-1"}
    assert (await client.post("/api/purchase-orders", json=taken)).status_code == 201
    assert (await client.post("/api/purchase-orders", json=taken)).json()["code"] == "external_id_taken"
