"""The gate: ids, hosts, headers, and where a change comes from."""

from typing import Any

import msgspec
import pytest
import structlog
from litestar import Litestar, post
from litestar.testing import AsyncTestClient

from perpetua.app.settings import Settings
from perpetua.app.web import create_app
from perpetua.kit.database import Database

Client = AsyncTestClient[Litestar]


@post("/t/change")
async def change() -> str:
    return "changed"


@pytest.fixture(scope="module")
async def app(settings: Settings, db: Database) -> Litestar:
    made = create_app(settings, db)
    made.register(change)
    return made


@pytest.mark.parametrize("path", ["/health", "/nothing", "/docs"])
async def test_every_answer_has_the_security_headers(client: Client, path: str) -> None:
    headers = (await client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "same-origin"
    assert "strict-transport-security" not in headers


async def test_browsers_insist_on_https_where_we_have_it(settings: Settings, db: Database) -> None:
    async with AsyncTestClient(create_app(msgspec.structs.replace(settings, https=True), db)) as client:
        assert "max-age" in (await client.get("/health")).headers["strict-transport-security"]


async def test_a_plain_request_id_is_kept_and_another_replaced(client: Client) -> None:
    assert (await client.get("/health", headers={"X-Request-Id": "abc-1"})).headers["x-request-id"] == "abc-1"
    for odd in ("a b", "x" * 101, "<script>", ""):
        made = (await client.get("/health", headers={"X-Request-Id": odd})).headers["x-request-id"]
        assert made
        assert made != odd


async def test_only_our_hosts_are_answered(settings: Settings, db: Database) -> None:
    ours = msgspec.structs.replace(settings, allowed_hosts=("stock.example.org", "*.example.net"))
    taken = ["stock.example.org", "Stock.Example.org:8420", "a.example.net"]
    refused = ["example.com", "evil-example.net", "stock.example.org.evil.com"]
    async with AsyncTestClient(create_app(ours, db)) as client:
        for host in [*taken, *refused]:
            response = await client.get("/health", headers={"Host": host})
            assert response.status_code == (200 if host in taken else 421), host


COOKIE = "perpetua_session=abc; perpetua_csrf=t0ken"


@pytest.mark.parametrize(
    "headers, status",
    [
        ({}, 201),  # no browser
        ({"Cookie": COOKIE}, 403),
        ({"Cookie": COOKIE, "Sec-Fetch-Site": "same-origin"}, 201),
        ({"Cookie": COOKIE, "Sec-Fetch-Site": "none"}, 201),
        ({"Cookie": COOKIE, "Sec-Fetch-Site": "same-site"}, 403),
        ({"Cookie": COOKIE, "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Cookie": COOKIE, "Sec-Fetch-Site": "cross-site", "Origin": "http://perpetua.local"}, 403),
        ({"Cookie": COOKIE, "Origin": "http://perpetua.local"}, 201),
        ({"Cookie": COOKIE, "Origin": "https://evil.example"}, 403),
        ({"Cookie": COOKIE, "Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Cookie": COOKIE, "X-CSRF-Token": "t0ken"}, 201),
        ({"Cookie": COOKIE, "X-CSRF-Token": "other"}, 403),
        ({"Cookie": COOKIE, "Sec-Fetch-Site": "cross-site", "Authorization": "Bearer x"}, 201),
    ],
)
async def test_a_change_with_a_cookie_comes_from_our_own_pages(
    client: Client, headers: dict[str, str], status: int
) -> None:
    response = await client.post("/t/change", headers=headers)
    assert response.status_code == status, response.text
    if status == 403:
        assert response.json()["code"] == "cross_site"


async def test_one_line_for_each_request_without_what_it_asked(client: Client) -> None:
    with structlog.testing.capture_logs() as lines:
        await client.get("/nothing?token=hunter2")
        await client.get("/health")
    said: list[Any] = [line for line in lines if line["event"] == "request"]
    assert [(line["method"], line["route"], line["status"]) for line in said] == [
        ("GET", "(none)", 404),
        ("GET", "/health", 200),
    ]
    assert "hunter2" not in str(lines)


@pytest.mark.parametrize(
    "headers",
    [
        {"Cookie": "=;;;=\x7f; perpetua_session"}, {"Accept": "\x7f/*"}, {"Content-Type": ";;;=\x7f"},
        {"Authorization": "Bearer \xe9"}, {"Content-Length": "-5"}, {"Content-Length": "x"}, {"Host": "\x7f<>"},
        {"X-Request-Id": "\xff"}, {"Origin": "http://["}, {"If-Match": "\xff"}, {"Idempotency-Key": "\xff"},
    ],
)  # fmt: skip
async def test_garbage_in_headers_is_no_bug(client: Client, headers: dict[str, str]) -> None:
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    for method, path in (("GET", "/health"), ("POST", "/t/change"), ("POST", "/api/nothing")):
        response = await client.request(method, path, headers=encoded)
        assert response.status_code < 500, response.text


async def test_a_nul_in_the_address(client: Client) -> None:
    assert (await client.get("/a%00b")).status_code == 422


async def test_what_can_be_got_can_be_looked_at(client: Client) -> None:
    got, looked = await client.get("/docs"), await client.head("/docs")
    assert looked.status_code == 200
    assert looked.content == b""
    assert looked.headers["content-length"] == got.headers["content-length"]
    assert (await client.head("/t/change")).status_code == 405
