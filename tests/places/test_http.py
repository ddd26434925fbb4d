"""Places and scans over HTTP: versions, repeated commands, problems with facts."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from perpetua.access import service as access
from perpetua.access.rules import effective
from perpetua.access.types import SYSTEM, Actor, CreatePerson, CreateToken
from perpetua.app.settings import Settings
from perpetua.app.web import create_app
from perpetua.kit.database import Database


@pytest.fixture(scope="module")
async def client(db: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    app: Any = create_app(Settings(home=Path(tmp_path_factory.mktemp("home")), given_secret="s" * 40), db)
    command = CreatePerson(email="m@example.com", name="M", role="inventory_manager", password="three wet forklifts")
    person = (await access.create_person(db, SYSTEM, command)).answer
    actor = Actor(person_id=person.id, name=person.name, role=person.role, permissions=effective(person.role))
    until = datetime.now(UTC) + timedelta(days=1)
    token = (await access.create_token(db, actor, CreateToken(name="test", expires_at=until))).secret
    transport = httpx.ASGITransport(app=app)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://perpetua.local", headers=headers) as made:
        yield made


async def post(client: httpx.AsyncClient, path: str, body: Any, **headers: str) -> httpx.Response:
    return await client.post(path, json=body, headers=headers)


async def test_from_a_site_to_its_bins(client: httpx.AsyncClient) -> None:
    made = await post(client, "/api/locations", {"code": "H1", "kind": "warehouse", "standard_children": True})
    assert made.status_code == 201, made.text
    assert made.headers["etag"] == '"1"'
    levels = [{"kind": "zone", "labels": "A-B"}, {"kind": "bin", "labels": "1-3", "capacity_units": "40"}]
    layout = {"parent": "H1", "levels": levels}
    laid = await post(client, "/api/locations/layout", layout, **{"Idempotency-Key": "k"})
    assert (laid.status_code, laid.json()["created"]) == (201, 8)
    again = await post(client, "/api/locations/layout", layout, **{"Idempotency-Key": "k"})
    assert (again.headers["idempotent-replayed"], again.json()) == ("true", laid.json())
    tree = (await client.get("/api/locations/tree", params={"parent": "H1"})).json()
    assert {row["location"]["code"]: row["children"] for row in tree["items"]}["H1-A"] == 3
    walk = await client.get("/api/locations", params={"within": "H1-B", "kind": "bin", "sort": "pick_sequence"})
    assert [place["code"] for place in walk.json()["items"]] == ["H1-B-1", "H1-B-2", "H1-B-3"]
    assert walk.json()["items"][0]["capacity_units"] == "40"
    many = {"locations": [{"code": "H1-Z1", "kind": "bin", "parent": "H1-Z"},
                          {"code": "H1-Z", "kind": "zone", "parent": "h1"}]}  # fmt: skip
    assert (await post(client, "/api/locations/bulk", many)).json()["created"] == 2


async def test_changes_name_the_version_they_were_made_against(client: httpx.AsyncClient) -> None:
    place = (await post(client, "/api/locations", {"code": "H2", "kind": "store"})).json()
    path = f"/api/locations/{place['id']}"
    assert (await client.patch(path, json={"name": "Shop"})).status_code == 428
    changed = await client.patch(path, json={"name": "Shop"}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"], changed.json()["name"]) == (200, '"2"', "Shop")
    stale = await client.patch(path, json={"name": "Else"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current"]) == (412, 2)
    assert (await client.get(path)).headers["etag"] == '"2"'
    zone = (await post(client, "/api/locations", {"code": "H2-Z", "kind": "zone", "parent": place["id"]})).json()
    steps = (await client.get(f"/api/locations/{zone['id']}/path")).json()
    assert [step["code"] for step in steps] == ["H2", "H2-Z"]
    circle = await post(client, f"/api/locations/{zone['id']}/move", {"to": "H2-Z"})
    assert (circle.status_code, circle.json()["code"]) == (409, "inside_itself")
    assert (await client.delete(f"/api/locations/{zone['id']}")).json() == {"code": "H2-Z", "removed": 1}
    assert (await client.delete(f"/api/locations/{zone['id']}")).status_code == 404


@pytest.mark.parametrize(
    "body, status",
    [
        ({"code": "X", "kind": "bin"}, 422),
        ({"code": "X\u0000", "kind": "store"}, 422),
        ({"code": "X", "kind": "moon"}, 422),
        ({"code": "X", "kind": "store", "colour": "red"}, 422),
        ({"code": "X", "kind": "store", "capacity_units": "1e400"}, 422),
        ({"code": "X", "kind": "store", "capacity_units": "NaN"}, 422),
        ({"code": "X", "kind": "store", "pick_sequence": 2**40}, 422),
        ({"code": "X", "kind": "zone", "parent": 2**70}, 422),
        ({"code": "h1", "kind": "store"}, 409),
    ],
)
async def test_what_cannot_be_is_a_clear_problem(client: httpx.AsyncClient, body: Any, status: int) -> None:
    answer = await post(client, "/api/locations", body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["code"]


async def test_a_scan_is_answered_and_logged(client: httpx.AsyncClient) -> None:
    found = await post(client, "/api/scan", {"code": "H1-A-1", "device": "gun"})
    assert found.status_code == 201, found.text
    assert found.json()["place"]["code"] == "H1-A-1"
    unknown = await post(client, "/api/scan", {"code": "4006381333931", "device": "gun"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_code")
    batch = await post(client, "/api/scan/batch", {"scans": [{"key": "a", "code": "H1"}, {"key": "b", "code": "?"}]})
    assert [answer["status"] for answer in batch.json()] == [201, 404]
    log = (await client.get("/api/scan-log", params={"device": "gun"})).json()["items"]
    assert [row["outcome"] for row in log] == ["refused", "answered"]
    assert log[0]["id"] == unknown.json()["scan_id"]
