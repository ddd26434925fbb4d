"""Whose address it is: a proxy's word counts where we trust it, and nobody else's."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar, Request, get
from litestar.testing import AsyncTestClient

from perpetua.app.forwarded import ProxyHeader, caller, networks
from perpetua.app.settings import Settings
from perpetua.app.web import create_app
from perpetua.kit.database import Database
from perpetua.kit.errors import InvalidValue

OURS = networks(["10.0.0.0/8", " ::1", "127.0.0.1"])


def by(peer: str, *values: str, name: ProxyHeader = "x-forwarded-for") -> str:
    headers = [(b"Host", b"x"), *((name.title().encode(), value.encode()) for value in values)]
    return caller(peer, headers, name, OURS)


@pytest.mark.parametrize(
    "peer, sent, who",
    [
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # no proxy of ours: its own word
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),  # the first is what the caller made up
        ("10.0.0.1", ["198.51.100.1, 10.2.3.4"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1", "10.2.3.4"], "198.51.100.1"),  # one list in two headers
        ("10.0.0.1", ["10.9.9.9, 10.2.3.4"], "10.9.9.9"),  # all within
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1, <script>, 10.2.3.4"], "10.2.3.4"),
        ("::1", ["2001:db8::7"], "2001:db8::7"),
        ("::1", ["[2001:db8::7]:80"], "2001:db8::7"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
    ],
)
def test_the_caller_is_the_last_that_is_no_proxy_of_ours(peer: str, sent: list[str], who: str) -> None:
    assert by(peer, *sent) == who


def test_forwarded_is_read_as_its_standard_says() -> None:
    def of(*values: str) -> str:
        return by("10.0.0.1", *values, name="forwarded")

    assert of("for=198.51.100.1") == "198.51.100.1"
    assert of('For="[2001:db8:cafe::17]:4711";proto=https') == "2001:db8:cafe::17"
    assert of("for=1.1.1.1, proto=http;for=198.51.100.1;by=10.0.0.9, for=10.1.1.1") == "198.51.100.1"
    assert of("for=_hidden") == "10.0.0.1"
    assert caller("10.0.0.1", [(b"x-forwarded-for", b"1.1.1.1")], "forwarded", OURS) == "10.0.0.1"


@given(st.text(max_size=200), st.sampled_from(["x-forwarded-for", "forwarded"]))
def test_no_header_breaks_it_and_what_a_caller_adds_before_changes_nothing(odd: str, name: ProxyHeader) -> None:
    def of(value: str) -> str:
        return caller("10.0.0.1", [(name.encode(), value.encode("utf-8", "replace"))], name, OURS)

    of(odd)
    told = "for=198.51.100.1" if name == "forwarded" else "198.51.100.1"
    assert of(f"{odd},{told}") == "198.51.100.1"


def test_networks_are_read_or_refused() -> None:
    assert networks([""]) == ()
    with pytest.raises(InvalidValue):
        networks(["10.0.0.1/8"])  # bits after the network's own: a slip
    with pytest.raises(InvalidValue):
        Settings.load({"PERPETUA_TRUSTED_PROXIES": "everyone"})
    assert Settings.load({"PERPETUA_TRUSTED_PROXIES": "127.0.0.1"}).trusted_proxies == ("127.0.0.1/32",)


@get("/t/address")
async def address(request: Request[Any, Any, Any]) -> str:
    assert request.client
    return request.client.host


@get("/t/few", opt={"attempts": (1, 60)})
async def few() -> str:
    return "taken"


def served(settings: Settings, db: Database, *trusted: str, peer: str = "10.0.0.1") -> AsyncTestClient[Litestar]:
    app = create_app(msgspec.structs.replace(settings, trusted_proxies=trusted), db)
    for each in (address, few):
        app.register(each)
    inner = app.asgi_handler

    async def from_a_proxy(scope: Any, receive: Any, send: Any) -> None:
        await inner(scope | {"client": (peer, 4711)}, receive, send)

    app.asgi_handler = from_a_proxy
    return AsyncTestClient(app)


async def test_limits_are_by_caller_behind_a_trusted_proxy_and_by_proxy_otherwise(
    settings: Settings, db: Database
) -> None:
    def asks(who: str) -> dict[str, str]:
        return {"X-Forwarded-For": f"1.2.3.4, {who}"}

    async with served(settings, db, "10.0.0.0/8") as client:
        assert (await client.get("/t/address", headers=asks("198.51.100.1"))).text == "198.51.100.1"
        answers = [await client.get("/t/few", headers=asks(f"198.51.100.{n}")) for n in (1, 2, 1)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
    async with served(settings, db) as client:
        assert (await client.get("/t/address", headers=asks("198.51.100.1"))).text == "10.0.0.1"
        answers = [await client.get("/t/few", headers=asks(f"198.51.100.{n}")) for n in (1, 2)]
        assert [answer.status_code for answer in answers] == [200, 429]


async def test_what_a_proxy_on_the_machine_passes_on_is_not_the_machine_itself(
    settings: Settings, db: Database
) -> None:
    async with served(settings, db, peer="127.0.0.1") as client:
        assert (await client.get("/metrics")).status_code == 200
        assert (await client.get("/metrics", headers={"X-Forwarded-For": "198.51.100.1"})).status_code == 403
        assert (await client.get("/metrics", headers={"Forwarded": "for=198.51.100.1"})).status_code == 403
    async with served(settings, db, "127.0.0.1", peer="127.0.0.1") as client:
        assert (await client.get("/metrics", headers={"X-Forwarded-For": "198.51.100.1"})).status_code == 403
