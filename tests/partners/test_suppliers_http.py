"""Suppliers over HTTP: versions, the trail, and who may change them."""

from typing import Any

from httpx import AsyncClient as Client

from perpetua.access.types import ROLES

WHOLE: dict[str, Any] = {
    "code": "ACME", "name": "Acme GmbH", "currency": "EUR", "order_email": "orders@acme.example", "language": "de",
    "terms": {"net_days": 30, "discount_percent": "2.5", "discount_days": 10}, "lead_time_days": 12,
    "over_percent": "5",
    "calendar": {"working_days": [1, 2, 3, 4], "holidays": ["2026-12-25"], "cut_off": "15:30:00",
                 "timezone": "Europe/Berlin"},
    "addresses": [{"kind": "shipping", "lines": ["Hafen 1"], "city": "Hamburg", "postcode": "20457", "country": "DE"}],
    "contacts": [{"name": "Eva", "role": "sales", "email": "eva@acme.example", "phone": "+49 40 1"}],
}  # fmt: skip


async def test_a_supplier_lives(client: Client) -> None:
    first = await client.post("/api/suppliers", json=WHOLE, headers={"Idempotency-Key": "s"})
    again = await client.post("/api/suppliers", json=WHOLE, headers={"Idempotency-Key": "s"})
    assert (first.status_code, again.headers["Idempotent-Replayed"]) == (201, "true"), first.text
    assert first.json() == again.json()
    made = first.json()
    assert (made["terms"], made["contacts"], made["calendar"]) == (WHOLE["terms"], WHOLE["contacts"], WHOLE["calendar"])
    assert made["addresses"][0]["city"] == "Hamburg"
    taken = await client.post("/api/suppliers", json={"code": "acme", "name": "Other", "currency": "EUR"})
    assert (taken.status_code, taken.json()["code"]) == (409, "code_taken")
    path = f"/api/suppliers/{made['id']}"
    assert (await client.patch(path, json={"name": "New"})).status_code == 428
    change = {"terms": {"net_days": 14}, "order_email": None, "active": False}
    changed = await client.patch(path, json=change, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    assert changed.json()["terms"] == {"net_days": 14, "discount_percent": "0", "discount_days": 0}
    assert (changed.json()["order_email"], changed.json()["active"], changed.json()["name"]) == (
        None,
        False,
        "Acme GmbH",
    )
    stale = await client.patch(path, json={"name": "New"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current"]) == (412, 2)
    assert (await client.get(path)).json() == changed.json()
    trail = (await client.get("/api/audit", params={"kind": "supplier"})).json()["items"]
    assert [(row["action"], row["subject_id"]) for row in trail] == [
        ("updated", str(made["id"])), ("created", str(made["id"])),
    ]  # fmt: skip
    assert (await client.get("/api/suppliers/999999")).status_code == 404


async def test_they_are_listed_in_pages(client: Client) -> None:
    for number in range(5):
        body = {"code": f"P{number}", "name": f"Paged {9 - number}", "currency": "GBP"}
        assert (await client.post("/api/suppliers", json=body)).status_code == 201
    for sort, order in (("", range(5)), ("code", range(5)), ("name", range(4, -1, -1))):
        seen: list[str] = []
        cursor = None
        while True:
            params = {"limit": 2, "text": "paged", "sort": sort, **({"cursor": cursor} if cursor else {})}
            page = (await client.get("/api/suppliers", params=params)).json()
            seen += [row["code"] for row in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert seen == [f"P{number}" for number in order]
    assert (await client.get("/api/suppliers", params={"active": False, "text": "paged"})).json()["items"] == []
    for params in ({"sort": "odd"}, {"cursor": "x"}):
        assert (await client.get("/api/suppliers", params=params)).status_code == 422


async def test_only_some_may_change_them(callers: dict[str, Client]) -> None:
    for role, client in callers.items():
        assert (await client.get("/api/suppliers")).status_code == 200
        answer = await client.post("/api/suppliers", json={"code": f"BY-{role}", "name": "x", "currency": "EUR"})
        writes = "suppliers.write" in ROLES[role]  # pyright: ignore[reportArgumentType]
        assert answer.status_code == (201 if writes else 403)


async def test_bad_values_name_their_field(client: Client) -> None:
    day = {"working_days": [1]}
    for change, field in (
        ({"code": ""}, "code"),
        ({"name": " x"}, "name"),
        ({"currency": "eur"}, "currency"),
        ({"currency": "ABC"}, "currency"),
        ({"order_email": "a@b\nBcc: c@d"}, "order_email"),
        ({"order_email": "nobody"}, "order_email"),
        ({"order_email": "a@b, c@d"}, "order_email"),
        ({"language": "english"}, "language"),
        ({"terms": {"net_days": -1}}, "terms.net_days"),
        ({"terms": {"discount_percent": "101"}}, "terms.discount_percent"),
        ({"terms": {"discount_percent": "1.234"}}, "terms.discount_percent"),
        ({"over_percent": "-1"}, "over_percent"),
        ({"lead_time_days": 5000}, "lead_time_days"),
        ({"calendar": {"working_days": []}}, "calendar.working_days"),
        ({"calendar": {"working_days": [1, 1]}}, "calendar.working_days"),
        ({"calendar": {"working_days": [8]}}, "calendar.working_days"),
        ({"calendar": day | {"holidays": ["0001-01-01"]}}, "calendar.holidays"),
        ({"calendar": day | {"timezone": "Mars/Olympus"}}, "calendar.timezone"),
        ({"calendar": day | {"timezone": "../../etc/passwd"}}, "calendar.timezone"),
        ({"addresses": [{"country": "XX"}]}, "addresses[0].country"),
        ({"addresses": [{"lines": ["x"] * 11}]}, "addresses[0].lines"),
        ({"contacts": [{"name": "x"}, {"name": ""}]}, "contacts[1].name"),
        ({"contacts": [{"name": "x", "email": "y"}]}, "contacts[0].email"),
        ({"nonsense": 1}, "nonsense"),
    ):
        answer = await client.post("/api/suppliers", json={"code": "BAD", "name": "Bad", "currency": "EUR", **change})
        assert (answer.status_code, answer.json().get("field")) == (422, field), (change, answer.text)
