"""Access over HTTP: cookies, bearers, people with versions, tokens, the trail."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.access.conftest import PASSWORD, MakePerson

from perpetua.access.types import Person
from perpetua.app.settings import Settings
from perpetua.app.web import create_app
from perpetua.kit.database import Database

Client = httpx.AsyncClient


@pytest.fixture(scope="module")
async def app(db: Database, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return create_app(Settings(home=Path(tmp_path_factory.mktemp("home")), given_secret="s" * 40), db)


@pytest.fixture
async def client(app: Any) -> AsyncIterator[Client]:
    async with browser(app) as made:
        yield made


def browser(app: Any, scheme: str = "http") -> Client:
    """A client with a jar of cookies that says where its pages come from."""
    transport = httpx.ASGITransport(app=app)
    origin = f"{scheme}://perpetua.local"
    return Client(transport=transport, base_url=origin, headers={"Origin": origin})


async def enter(client: Client, person: Person, **extra: str) -> Any:
    return await client.post("/api/auth/sign-in", json={"email": person.email, "password": PASSWORD, **extra})


async def test_sign_in_to_sign_out_with_a_cookie(client: Client, make_person: MakePerson) -> None:
    person = await make_person("inventory_manager")
    assert (await client.get("/api/me")).status_code == 401

    answer = await enter(client, person)
    assert answer.status_code == 201, answer.text
    assert answer.json()["me"]["email"] == person.email
    session, proof = answer.headers.get_list("set-cookie")
    token = client.cookies["perpetua_session"]
    assert token not in answer.text
    assert "HttpOnly" in session
    assert "SameSite=lax" in session
    assert "Secure" not in session
    assert "HttpOnly" not in proof

    me = (await client.get("/api/me")).json()
    assert me["role"] == "inventory_manager"
    assert "costs.read" in me["permissions"]
    assert len((await client.get("/api/auth/sessions")).json()) == 1

    assert (await client.post("/api/auth/sign-out")).status_code == 204
    assert "perpetua_session" not in client.cookies
    client.cookies["perpetua_session"] = token
    problem = await client.get("/api/me")
    assert problem.status_code == 401
    assert problem.json()["code"] == "unauthenticated"


async def test_with_https_the_cookie_is_bound_to_the_host(
    db: Database, make_person: MakePerson, tmp_path: Path
) -> None:
    app = create_app(Settings(home=tmp_path, given_secret="s" * 40, https=True), db)
    async with browser(app, "https") as client:
        session, _ = (await enter(client, await make_person())).headers.get_list("set-cookie")
    assert session.startswith("__Host-perpetua=")
    for part in ("Secure", "HttpOnly", "Path=/"):
        assert part in session
    assert "Domain" not in session


async def test_a_change_on_a_cookie_from_another_site_is_refused(client: Client, make_person: MakePerson) -> None:
    await enter(client, await make_person())
    refused = await client.post("/api/auth/jwt", headers={"Origin": "http://evil.example"})
    assert (refused.status_code, refused.json()["code"]) == (403, "cross_site")
    proof = {"Origin": "http://evil.example", "X-CSRF-Token": client.cookies["perpetua_csrf"]}
    assert (await client.post("/api/auth/jwt", headers=proof)).status_code == 201


async def test_wrong_proofs_are_one_problem(client: Client, make_person: MakePerson) -> None:
    person = await make_person()
    answers = [
        await enter(client, person, password="a wrong password"),
        await client.post("/api/auth/sign-in", json={"email": "nobody@example.com", "password": PASSWORD}),
    ]
    told = [{**answer.json(), "request_id": ""} for answer in answers]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert told[0] == told[1]
    assert PASSWORD not in str(told)


async def test_jwt_and_token_work_without_a_cookie(app: Any, client: Client, make_person: MakePerson) -> None:
    await enter(client, await make_person("inventory_manager"))
    jwt = (await client.post("/api/auth/jwt")).json()["access_token"]
    asked = {"name": "scanner", "expires_at": "2026-12-31T00:00:00Z", "permissions": ["stock.read"]}
    made = await client.post("/api/tokens", json=asked)
    assert made.status_code == 201, made.text
    secret = made.json()["secret"]
    assert secret.startswith("ppt_")
    listed = await client.get("/api/tokens")
    assert [token["name"] for token in listed.json()["items"]] == ["scanner"]
    assert secret not in listed.text

    async with browser(app) as bare:
        by_jwt = await bare.get("/api/me", headers={"Authorization": f"Bearer {jwt}"})
        assert by_jwt.json()["via"] == "jwt"
        bearer = {"Authorization": f"Bearer {secret}"}
        by_token = (await bare.get("/api/me", headers=bearer)).json()
        assert (by_token["via"], by_token["permissions"]) == ("token", ["stock.read"])
        assert (await bare.post("/api/tokens", json=asked, headers=bearer)).status_code == 403
        assert (await bare.get("/api/audit", headers=bearer)).status_code == 403
        await client.delete(f"/api/tokens/{made.json()['token']['id']}")
        assert (await bare.get("/api/me", headers=bearer)).status_code == 401


async def test_people_are_made_found_and_changed_with_versions(client: Client, make_person: MakePerson) -> None:
    await enter(client, await make_person("administrator"))
    email = f"{uuid.uuid4().hex[:8]}@floor.example"
    body = {"email": email, "name": "Zoë Pallet", "role": "warehouse_staff"}
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = await client.post("/api/people", json=body, headers=key)
    again = await client.post("/api/people", json=body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.json() == again.json()
    taken = await client.post("/api/people", json={**body, "email": email.upper()})
    assert (taken.status_code, taken.json()["code"]) == (409, "email_taken")

    found = (await client.get("/api/people", params={"q": "zoë p", "role": "warehouse_staff"})).json()["items"]
    assert [each["email"] for each in found] == [email]

    url = f"/api/people/{first.json()['id']}"
    version = (await client.get(url)).headers["etag"]
    assert (await client.patch(url, json={"name": "Zoë Dock"})).status_code == 428
    changed = await client.patch(url, json={"name": "Zoë Dock"}, headers={"If-Match": version})
    assert changed.json()["name"] == "Zoë Dock"
    stale = await client.patch(url, json={"name": "Zoë Bay"}, headers={"If-Match": version})
    assert (stale.status_code, stale.json()["current"]) == (412, 2)
    nowhere = await client.put(f"{url}/scope", json={"scope": [999_999]}, headers={"If-Match": changed.headers["etag"]})
    assert (nowhere.status_code, nowhere.json()["key"]) == (404, "999999")
    confined = await client.put(f"{url}/scope", json={"scope": []}, headers={"If-Match": changed.headers["etag"]})
    assert confined.json()["scope"] == []

    trail = (await client.get("/api/audit", params={"kind": "person", "id": str(first.json()["id"])})).json()["items"]
    assert [row["action"] for row in trail] == ["scope_set", "updated", "created"]
    assert trail[1]["before"] == {"name": "Zoë Pallet"}
    assert trail[1]["after"] == {"name": "Zoë Dock"}
    assert trail[1]["request_id"] == changed.headers["x-request-id"]
    none = await client.get("/api/audit", params={"to": "2020-01-01"})
    assert none.json()["items"] == []


async def test_staff_neither_read_nor_change_people(client: Client, make_person: MakePerson) -> None:
    staff = await make_person("warehouse_staff")
    await enter(client, staff)
    assert (await client.get("/api/people")).status_code == 403
    assert (await client.get(f"/api/people/{staff.id}")).status_code == 403
    made = await client.post("/api/people", json={"email": "x@example.com", "name": "X", "role": "viewer"})
    assert (made.status_code, made.json()["permission"]) == (403, "people.write")
    promoted = await client.patch(
        f"/api/people/{staff.id}", json={"role": "administrator"}, headers={"If-Match": '"1"'}
    )
    assert promoted.status_code == 403


async def test_a_password_reset_ends_in_a_new_password(client: Client, app: Any, make_person: MakePerson) -> None:
    person = await make_person()
    await enter(client, await make_person("administrator"))
    given = (await client.post(f"/api/people/{person.id}/password-reset")).json()["password"]
    async with browser(app) as theirs:
        needed = await enter(theirs, person, password=given)
        assert (needed.status_code, needed.json()["code"]) == (401, "password_change_needed")
        entered = await enter(theirs, person, password=given, new_password="four dry pallets")
        assert entered.status_code == 201


async def test_every_path_is_described(client: Client) -> None:
    paths = (await client.get("/api/openapi.json")).json()["paths"]
    ours = {path: each for path, each in paths.items() if path.startswith(("/api/auth", "/api/people", "/api/tokens"))}
    assert len(ours) >= 14
    for path, methods in ours.items():
        for operation in methods.values():
            assert operation.get("description"), path
            assert "429" in operation["responses"]
