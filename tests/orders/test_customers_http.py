"""Customers over HTTP: versions, the trail, and who may see them."""

from httpx import AsyncClient as Client

from perpetua.access.types import ROLES


async def make(client: Client, code: str, **fields: object) -> dict[str, object]:
    answer = await client.post("/api/customers", json={"code": code, "name": f"{code} Ltd", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_customer_lives(client: Client) -> None:
    body = {"code": "ACME", "name": "Acme", "tier": "gold", "min_life_days": 30}
    first = await client.post("/api/customers", json=body, headers={"Idempotency-Key": "c"})
    again = await client.post("/api/customers", json=body, headers={"Idempotency-Key": "c"})
    assert (first.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.json() == first.json()
    taken = await client.post("/api/customers", json={"code": "acme", "name": "Other"})
    assert (taken.status_code, taken.json()["code"], taken.json()["customer"]) == (409, "code_taken", "acme")
    path = f"/api/customers/{first.json()['id']}"
    assert (await client.patch(path, json={"name": "New"})).status_code == 428
    changed = await client.patch(path, json={"tier": None, "active": False}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    assert (changed.json()["tier"], changed.json()["active"], changed.json()["name"]) == (None, False, "Acme")
    stale = await client.patch(path, json={"name": "New"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current"]) == (412, 2)
    assert (await client.get(path)).json() == changed.json()
    trail = (await client.get("/api/audit", params={"kind": "customer"})).json()["items"]
    assert [(row["action"], row["subject_id"]) for row in trail] == [
        ("updated", str(first.json()["id"])),
        ("created", str(first.json()["id"])),
    ]
    order = {"customer": "Acme", "lines": [{"sku": "APPLE", "quantity": "1"}]}
    refused = await client.post("/api/orders", json=order)
    assert (refused.status_code, refused.json()["field"]) == (422, "customer")


async def test_they_are_listed_in_pages(client: Client) -> None:
    for number in range(5):
        await make(client, f"Page{number}", tier="paged")
    seen: list[str] = []
    cursor = None
    while True:
        params = {"limit": 2, "tier": "paged", **({"cursor": cursor} if cursor else {})}
        page = (await client.get("/api/customers", params=params)).json()
        seen += [row["code"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"Page{number}" for number in range(5)]
    found = (await client.get("/api/customers", params={"text": "page3 l"})).json()["items"]
    assert [row["code"] for row in found] == ["Page3"]
    assert (await client.get("/api/customers", params={"text": "%"})).json()["items"] == []
    assert (await client.get("/api/customers", params={"cursor": "x"})).status_code == 422


async def test_only_those_who_may_see_them(callers: dict[str, Client]) -> None:
    made = await make(callers["administrator"], "HIDDEN")
    for role, client in callers.items():
        reads = 200 if "customers.read" in ROLES[role] else 403  # pyright: ignore[reportArgumentType]
        writes = 201 if "customers.write" in ROLES[role] else 403  # pyright: ignore[reportArgumentType]
        assert (await client.get("/api/customers")).status_code == reads
        assert (await client.get(f"/api/customers/{made['id']}")).status_code == reads
        answer = await client.post("/api/customers", json={"code": f"BY-{role}", "name": "x"})
        assert answer.status_code == writes
        change = await client.patch(
            f"/api/customers/{made['id']}", json={"name": "Hidden Ltd"}, headers={"If-Match": '"99"'}
        )
        assert change.status_code == (412 if writes == 201 else 403)


async def test_bad_values_name_their_field(client: Client) -> None:
    for field, value in (
        ("code", ""),
        ("code", "x" * 61),
        ("code", "A\nB"),
        ("name", " Acme"),
        ("tier", ""),
        ("min_life_days", -1),
        ("min_life_days", 4000),
        ("min_life_days", "1"),
        ("nonsense", 1),
    ):
        answer = await client.post("/api/customers", json={"code": "BAD", "name": "Bad", field: value})
        assert (answer.status_code, answer.json()["field"]) == (422, field), (field, value)
    assert (await client.get("/api/customers/999999")).status_code == 404
