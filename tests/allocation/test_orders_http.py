"""Orders over HTTP: what goes in and out, what is bad, and what each reader may see."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from httpx import AsyncClient as Client

from perpetua.access.types import ROLES
from perpetua.kit.database import Database, count_statements
from perpetua.ledger import service as ledger
from perpetua.ledger.types import Receive, ReceiveLine


def body(quantity: str = "1", sku: str = "APPLE", **more: Any) -> dict[str, Any]:
    return {"lines": [{"sku": sku, "quantity": quantity}], **more}


async def bring(db: Database, world: SimpleNamespace, sku: str, quantity: int) -> None:
    line = ReceiveLine(sku=sku, quantity=Decimal(quantity), location="LON-A-1")
    await ledger.receive(db, world.actor(), Receive(lines=[line]))


async def test_an_order_goes_in_and_comes_out(client: Client) -> None:
    sent = body("2", "apple", channel="web", external_id="1")
    first = await client.post("/api/orders", json=sent, headers={"Idempotency-Key": "one"})
    again = await client.post("/api/orders", json=sent, headers={"Idempotency-Key": "one"})
    assert (first.status_code, again.status_code) == (201, 201), first.text
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    by_name = await client.post("/api/orders", json=sent)
    assert (by_name.headers["Idempotent-Replayed"], by_name.json()["id"]) == ("true", first.json()["id"])
    alike = await client.post("/api/orders", json=body("2.00", "apple", channel="web", external_id="1"))
    assert (alike.status_code, alike.json()["id"]) == (201, first.json()["id"])
    other = await client.post("/api/orders", json=body("3", channel="web", external_id="1"))
    assert (other.status_code, other.json()["code"]) == (409, "external_id_reused")
    reused = await client.post("/api/orders", json=body("3"), headers={"Idempotency-Key": "one"})
    assert (reused.status_code, reused.json()["code"]) == (409, "idempotency_key_reused")
    read = await client.get(f"/api/orders/{first.json()['id']}")
    assert {**read.json(), "lines": 0} == {**first.json(), "lines": 0, "contact": None}
    assert Decimal(read.json()["lines"][0]["backordered"]) == 2
    assert read.headers["ETag"] == first.headers["ETag"] == '"1"'
    assert first.json()["status"] == "BACKORDERED"
    gone = await client.post(f"/api/orders/{first.json()['id']}/cancel", json={"reason": "no more"})
    assert (gone.status_code, gone.json()["status"]) == (200, "CANCELLED")
    refused = await client.post(f"/api/orders/{first.json()['id']}/ship", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "order_closed")


async def test_an_order_ships(client: Client, db: Database, world: SimpleNamespace) -> None:
    await bring(db, world, "PEAR", 5)
    made = (await client.post("/api/orders", json=body("5", "PEAR"))).json()
    path = f"/api/orders/{made['id']}"
    part = await client.post(f"{path}/ship", json={"lines": [{"line_no": 1, "quantity": "2"}]})
    assert (part.status_code, part.json()["status"]) == (200, "PARTLY_SHIPPED")
    keyed = {"Idempotency-Key": "ship"}
    whole = await client.post(f"{path}/ship", json={}, headers=keyed)
    again = await client.post(f"{path}/ship", json={}, headers=keyed)
    assert (whole.json()["status"], again.json(), again.headers["Idempotent-Replayed"]) == (
        "SHIPPED",
        whole.json(),
        "true",
    )


async def test_lists_are_filtered_and_paged(client: Client, db: Database, world: SimpleNamespace) -> None:
    await client.post("/api/customers", json={"code": "LISTED", "name": "Listed"})
    made = [
        (await client.post("/api/orders", json=body("1", "FLOUR", channel="list", external_id=f"L{n}"))).json()["id"]
        for n in range(5)
    ]
    await bring(db, world, "FLOUR", 1)  # the first in turn has it

    async def ids(**params: Any) -> list[int]:
        answer = await client.get("/api/orders", params={"channel": "list", **params})
        assert answer.status_code == 200, answer.text
        return [row["id"] for row in answer.json()["items"]]

    assert await ids() == made[::-1]
    assert await ids(status="ALLOCATED") == made[:1]
    assert await ids(waiting=True) == made[:0:-1]
    assert await ids(external_id="L3") == [made[3]]
    assert await ids(sku="flour") == made[::-1]
    assert await ids(sku="APPLE") == await ids(sku="NOTHING") == await ids(customer="NOBODY") == []
    ours = (await client.post("/api/orders", json=body(channel="list", customer="listed"))).json()["id"]
    assert await ids(customer="Listed") == [ours]
    seen: list[int] = []
    cursor: str | None = None
    while True:
        page = (await client.get("/api/orders", params={"channel": "list", "limit": 2, "cursor": cursor or ""})).json()
        seen += [row["id"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [ours, *made[::-1]]
    row = (await client.get("/api/orders", params={"external_id": "L0"})).json()["items"][0]
    assert (row["number"], row["lines"], Decimal(row["allocated"])) == (f"SO-{made[0]:06d}", 1, 1)
    assert (await client.get("/api/orders", params={"status": "LOST"})).status_code == 422


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"lines": []}, "lines"),
        (body("0"), "lines[0].quantity"),
        (body("-1"), "lines[0].quantity"),
        (body("1e400"), "lines[0].quantity"),
        (body("NaN"), "lines[0].quantity"),
        (body("Infinity"), "lines[0].quantity"),
        (body("1.5"), "lines[0].quantity"),
        (body("1", "NOTHING"), "lines[0].sku"),
        (body("1", "A\u0007B"), "lines[0].sku"),
        (body(channel="web\n"), "channel"),
        (body(external_id=" x"), "external_id"),
        (body(external_id=""), "external_id"),
        (body(contact={"name": "A\u0000B"}), "body"),
        (body(contact={"email": "a\u0007b"}), "contact.email"),
        (body(ship_to={"country": "Britain"}), "ship_to.country"),
        (body(site="NOWHERE"), "site"),
        (body(tier="platinum"), "tier"),
        (body(fulfilment="maybe"), "fulfilment"),
        (body(placed_at="2999-01-01T00:00:00Z"), "placed_at"),
        (body(min_life_days=-1), "min_life_days"),
        (body(colour="red"), "colour"),
        ({"lines": [{"sku": "APPLE", "quantity": [1]}]}, "lines[0].quantity"),
        ({"lines": {"sku": "APPLE"}}, "lines"),
        ({"lines": [{"sku": "APPLE", "quantity": "1", "unit_price": "-1"}]}, "lines[0].unit_price"),
    ],
)
async def test_what_is_bad_names_its_field(client: Client, sent: Any, field: str) -> None:
    answer = await client.post("/api/orders", json=sent)
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text


async def test_what_is_no_order_at_all(client: Client) -> None:
    json = {"Content-Type": "application/json"}
    for text in (b'{"lines": [{"sku": "APPLE", "quantity": NaN}]}', b"{", b"\xff"):
        assert (await client.post("/api/orders", content=text, headers=json)).status_code == 400
    big = b'{"lines": [{"sku": "APPLE", "quantity": 1e400}]}'
    assert (await client.post("/api/orders", content=big, headers=json)).status_code == 422
    many = {"lines": [{"sku": "APPLE", "quantity": "1"}] * 6000}
    refused = await client.post("/api/orders", json=many)
    assert (refused.status_code, refused.json()["limit"]) == (413, 5000)
    for path in ("/api/orders/999999", "/api/orders/99999999999999999999"):
        assert (await client.get(path)).status_code == 404
    assert (await client.post("/api/orders/999999/cancel", json={"reason": "x"})).status_code == 404
    for quantity in ("NaN", "0", "1e400", "0.5"):
        made = (await client.post("/api/orders", json=body())).json()["id"]
        for what in ("cancel", "ship"):
            sent = {"lines": [{"line_no": 1, "quantity": quantity}], **({"reason": "x"} if what == "cancel" else {})}
            answer = await client.post(f"/api/orders/{made}/{what}", json=sent)
            assert answer.status_code == 422, answer.text


async def test_bulk_answers_each_by_itself(client: Client, db: Database, world: SimpleNamespace) -> None:
    await bring(db, world, "PEAR", 3)
    orders = [body("1", "PEAR", channel="bulk", external_id=f"B{n}") for n in range(5)]
    orders[1:1] = [
        body("1", "NOTHING", channel="bulk", external_id="X1"),
        body("1", "PEAR"),
        body("NaN", "PEAR", channel="bulk", external_id="X2"),
        {"channel": "bulk", "external_id": "X3", "lines": [{"sku": "PEAR", "quantity": {"much": 1}}]},
        body("9", "PEAR", channel="bulk", external_id="B0"),
    ]
    answer = await client.post("/api/orders/bulk", json={"orders": orders})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["taken"], told["replayed"], told["refused"]) == (5, 0, 5)
    assert [one["index"] for one in told["orders"]] == list(range(10))
    assert [one["status"] for one in told["orders"]] == [201, 422, 422, 422, 422, 409, 201, 201, 201, 201]
    problems = [one["problem"] for one in told["orders"] if "problem" in one]
    assert [(one["code"], one.get("field")) for one in problems] == [
        ("unknown_items", "lines[0].sku"),
        ("invalid_value", "external_id"),
        ("invalid_value", "lines[0].quantity"),
        ("invalid_value", "lines[0].quantity"),
        ("external_id_reused", None),
    ]
    given = [Decimal(one["order"]["lines"][0]["allocated"]) for one in told["orders"] if "order" in one]
    assert sum(given) == 3
    again = (await client.post("/api/orders/bulk", json={"orders": orders})).json()
    assert (again["taken"], again["replayed"], again["refused"]) == (0, 5, 5)
    assert [one["order"]["id"] for one in again["orders"] if "order" in one] == [
        one["order"]["id"] for one in told["orders"] if "order" in one
    ]


async def test_bulk_takes_many_and_no_more(client: Client) -> None:
    orders = [
        {"channel": "big", "external_id": f"{n}", "lines": [{"sku": "APPLE", "quantity": "1"}] * 10} for n in range(200)
    ]
    told = (await client.post("/api/orders/bulk", json={"orders": orders})).json()
    assert (told["taken"], told["refused"]) == (200, 0)
    too_many = await client.post("/api/orders/bulk", json={"orders": [body(external_id="x")] * 2001})
    assert (too_many.status_code, too_many.json()["limit"]) == (413, 2000)
    lines = {"external_id": "x", "lines": [{"sku": "APPLE", "quantity": "1"}] * 5000}
    too_long = await client.post("/api/orders/bulk", json={"orders": [lines] * 5})
    assert (too_long.status_code, too_long.json()["limit"]) == (413, 20000)
    assert (await client.post("/api/orders/bulk", json={"orders": {}})).status_code == 422
    assert (await client.post("/api/orders/bulk", json={"orders": [], "x": 1})).status_code == 422


async def test_who_may_what(callers: dict[str, Client]) -> None:
    made = (await callers["administrator"].post("/api/orders", json=body())).json()["id"]
    path = f"/api/orders/{made}"
    for role, client in callers.items():
        has = ROLES[role]  # pyright: ignore[reportArgumentType]
        write, ships = "orders.write" in has, "orders.ship" in has
        assert (await client.get("/api/orders")).status_code == 200
        assert (await client.get(path)).status_code == 200
        assert (await client.post("/api/orders", json=body())).status_code == (201 if write else 403)
        bulk = {"orders": [body(external_id=f"who {role}")]}
        assert (await client.post("/api/orders/bulk", json=bulk)).status_code == (200 if write else 403)
        assert (await client.post(f"{path}/ship", json={})).status_code == (409 if ships else 403)
        assert (await client.post(f"{path}/release")).status_code == (409 if write else 403)
        change = await client.patch(path, json={"add": body()["lines"]}, headers={"If-Match": '"9"'})
        assert change.status_code == (412 if write else 403)
        cancel = await client.post(f"{path}/cancel", json={"reason": "x", "lines": [{"line_no": 9}]})
        assert cancel.status_code == (422 if write else 403)


async def test_whom_to_reach_is_for_those_who_may_see_it(callers: dict[str, Client]) -> None:
    secret = {"name": "Ada Lovelace", "email": "ada@example.com", "phone": "+44 20", "address_lines": ["12 St"],
              "city": "London"}  # fmt: skip
    sent = body(channel="web", external_id="contact", contact=secret)
    made = (await callers["inventory_manager"].post("/api/orders", json=sent)).json()["id"]
    path = f"/api/orders/{made}"
    assert (await callers["inventory_manager"].get(path)).json()["contact"] == secret
    bulk = {"orders": [sent, {**sent, "external_id": "contact2"}]}
    for role in ("viewer", "warehouse_staff", "purchasing_staff"):
        answers = [
            await callers[role].get(path),
            await callers[role].get("/api/orders", params={"external_id": "contact"}),
            await callers[role].post("/api/orders", json=sent),
            await callers[role].post("/api/orders/bulk", json=bulk),
            await callers[role].post(f"{path}/ship", json={}),
            await callers[role].get("/api/audit"),
        ]
        for answer in answers:
            assert "Ada" not in answer.text
            assert "ada@" not in answer.text
            assert "contact" not in answer.json()


async def test_an_order_costs_as_many_statements_whatever_its_length(
    client: Client, db: Database, world: SimpleNamespace
) -> None:
    for sku in ("APPLE", "PEAR", "FLOUR"):
        await bring(db, world, sku, 5000)
    counts: dict[str, set[int]] = {}
    for number in (1, 500):
        lines = [{"sku": ("APPLE", "PEAR", "FLOUR")[n % 3], "quantity": "1"} for n in range(number)]

        async def costs(what: str, method: str, path: str, json: Any = None, **headers: str) -> Any:
            with count_statements() as statements:
                answer = await client.request(method, path, json=json, headers=headers)
            assert answer.status_code in {200, 201}, answer.text
            counts.setdefault(what, set()).add(len(statements))
            return answer.json()

        path = f"/api/orders/{(await costs('place', 'POST', '/api/orders', {'lines': lines}))['id']}"
        await costs("get", "GET", path)
        await costs("list", "GET", "/api/orders")
        less = [{"line_no": n + 1, "quantity": "2"} for n in range(number)]
        await costs("change", "PATCH", path, {"lines": less, "add": lines}, **{"If-Match": '"1"'})
        await costs("release", "POST", f"{path}/release")
        await costs("ship", "POST", f"{path}/ship", {"lines": [{"line_no": n + 1} for n in range(number)]})
        await costs("cancel", "POST", f"{path}/cancel", {"reason": "x"})
    assert all(len(costs) == 1 for costs in counts.values()), counts


@pytest.mark.parametrize(
    "when", ["0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00"]
)
async def test_an_order_was_placed_at_some_time_that_there_is(client: Client, when: str) -> None:
    answer = await client.post("/api/orders", json=body(placed_at=when))
    assert (answer.status_code, answer.json()["field"]) == (422, "placed_at"), answer.text


async def test_a_refusal_tells_the_orders_own_status(client: Client) -> None:
    made = (await client.post("/api/orders", json=body("1", "MILK"))).json()["id"]
    refused = await client.post(f"/api/orders/{made}/ship", json={})
    told = refused.json()
    assert (told["status"], told["order_status"], told["code"]) == (409, "BACKORDERED", "order_closed")
