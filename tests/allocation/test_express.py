"""An order goes the short way or the long one: the answer is the same."""

import json
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import patch

import httpx
import psycopg
import pytest

from perpetua.access.types import ROLES
from perpetua.app import express

ANOTHER = {"x-request-id", "date"}
LINE = {"sku": "APPLE", "quantity": "1"}
LONG = {"Content-Type": "application/json; charset=utf-8"}


def told(response: httpx.Response) -> tuple[int, dict[str, str], Any]:
    """What was said, but for what differs from one request to the next."""
    headers = {name: value for name, value in response.headers.items() if name not in ANOTHER}
    body = response.json()
    for name in ("request_id", "id", "number", "external_id", "placed_at", "received_at"):
        body.pop(name, None)
    if response.status_code == 201:
        headers.pop("content-length")  # of ids of another length
    return response.status_code, headers, body


@pytest.mark.parametrize("key", [None, "k", "ü"], ids=str)
@pytest.mark.parametrize(
    "sent",
    [
        {"lines": [LINE]},
        {"lines": [LINE, {"sku": "flour", "quantity": 0.5}], "channel": "web", "fulfilment": "complete"},
        {"lines": []},
        {"lines": [{"sku": "APPLE", "quantity": "-1"}]},
        {"lines": [{"sku": "APPLE", "quantity": "1.00001"}]},
        {"lines": [{"sku": "NONE", "quantity": "1"}]},
        {"lines": [{"sku": "A\0", "quantity": "1"}]},
        {"lines": [LINE], "channel": "x" * 1000},
        {"lines": [LINE], "unknown": 1},
        {"lines": [LINE], "customer": "NOBODY"},
        {"lines": [LINE], "contact": {"name": "Ada"}},
        {"lines": "none"},
        [],
        None,
    ],
    ids=lambda sent: json.dumps(sent)[:60],
)
async def test_both_ways_answer_the_same(client: httpx.AsyncClient, sent: Any, key: str | None) -> None:
    body = json.dumps(sent).encode()
    answers: list[Any] = []
    for more in ({"Content-Type": "application/json"}, LONG):
        headers: Any = {**more, "Idempotency-Key": f"{key}-{len(answers)}-{body.decode()[:100]}"} if key else more
        encoded = {name: value.encode() for name, value in headers.items()}
        first = await client.post("/api/orders", content=body, headers=encoded)
        again = await client.post("/api/orders", content=body, headers=encoded)
        answers.append((told(first), told(again)))
        assert ("idempotent-replayed" in again.headers) == (key is not None and first.status_code == 201)
    short, long = answers
    assert short == long


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"lines": ', b"[" * 100_000, b'"\\ud800"'], ids=repr)
async def test_what_is_no_json_is_told_alike(client: httpx.AsyncClient, body: bytes) -> None:
    short = await client.post("/api/orders", content=body, headers={"Content-Type": "application/json"})
    long = await client.post("/api/orders", content=body, headers=LONG)
    assert told(short) == told(long)
    assert short.status_code in {400, 422}


@pytest.mark.parametrize("role", sorted(role for role in ROLES if "orders.write" not in ROLES[role]))
async def test_who_may_not_is_told_alike(callers: dict[str, httpx.AsyncClient], role: str) -> None:
    short = await callers[role].post("/api/orders", json={"lines": [LINE]})
    long = await callers[role].post("/api/orders", content=json.dumps({"lines": [LINE]}), headers=LONG)
    assert told(short) == told(long)
    assert short.status_code == 403


@pytest.mark.parametrize("sent", ["", "Bearer", "Bearer nobody", "Basic YTpi", "Bearer ppt_nobody"])
async def test_who_is_nobody_is_told_alike(client: httpx.AsyncClient, sent: str) -> None:
    short = await client.post("/api/orders", json={"lines": [LINE]}, headers={"Authorization": sent})
    long = await client.post(
        "/api/orders", content=json.dumps({"lines": [LINE]}), headers={**LONG, "Authorization": sent}
    )
    assert told(short) == told(long)
    assert short.status_code == 401


@pytest.mark.parametrize(
    "more",
    [
        {"Idempotency-Key": ""},
        {"Idempotency-Key": "x" * 201},
        {"Content-Type": "text/plain"},
        {"Content-Length": "9" * 5_000},
        {"Content-Length": "10000000"},
    ],
    ids=lambda more: str(more)[:40],
)
async def test_what_is_not_plain_takes_the_long_way(client: httpx.AsyncClient, more: dict[str, str]) -> None:
    with patch.object(express.Express, "_done", side_effect=AssertionError("the short way was taken")):
        headers = {"Content-Type": "application/json", **more}
        answer = await client.post("/api/orders", content=json.dumps({"lines": [LINE]}), headers=headers)
    assert answer.status_code in {201, 400, 415, 422}


async def test_what_comes_in_pieces_is_read_whole(client: httpx.AsyncClient) -> None:
    body = json.dumps({"lines": [LINE], "channel": "pieces"}).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 7):
            yield body[at : at + 7]

    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    answer = await client.post("/api/orders", content=pieces(), headers=headers)
    assert (answer.status_code, answer.json()["channel"]) == (201, "pieces")


@pytest.mark.parametrize("error", [psycopg.OperationalError("away"), psycopg.DataError("odd"), RuntimeError("bug")])
async def test_an_error_within_is_told_alike(client: httpx.AsyncClient, error: Exception) -> None:
    with patch("perpetua.allocation.service.gathering.Gathering.place", side_effect=error):
        short = await client.post("/api/orders", json={"lines": [LINE]})
        long = await client.post("/api/orders", content=json.dumps({"lines": [LINE]}), headers=LONG)
    assert told(short) == told(long)
    assert short.json()["code"] in {"unavailable", "out_of_range", "internal_error"}
