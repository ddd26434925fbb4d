"""The short way to a command that comes thousands of times a second: past routing and what the framework does for all.

Always true:
- Only a plain request goes this way: a POST of JSON with its length, who asks in Authorization, nothing in the query.
  Whatever else comes takes the long way.
- Both ways end in the same call and give the same answer: status, headers and body.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, NamedTuple

import psycopg
from litestar.types import ASGIApp, Receive, Scope, Send

from perpetua.access.types import Actor
from perpetua.app import problems
from perpetua.app.request import decoded
from perpetua.kit import json
from perpetua.kit.http import etag
from perpetua.kit.idempotency import MAX_KEY, Answered

__all__ = ["Express", "Lane"]

MOST_BYTES: Final = 1_000_000
_JSON: Final = (b"content-type", b"application/json")
_REPLAYED: Final = (b"idempotent-replayed", b"true")
_UNUSUAL: Final = frozenset({b"transfer-encoding", b"content-encoding", b"expect", b"upgrade"})
Identify = Callable[[str], Awaitable[Actor]]


class Lane(NamedTuple):
    """A command that has a short way.

    `kind` is what its body is read as; `act` does it and answers with what was made, which has a version.
    """

    path: str
    kind: type
    act: Callable[[Actor, Any, str | None], Awaitable[Answered[Any]]]


class Express:
    """The ASGI layer between the gate and the framework.

    Args:
        app: the long way.
        lanes: the commands that have a short one.
        identify: who is meant by a header Authorization; raises Unauthenticated.
    """

    def __init__(self, app: ASGIApp, lanes: Iterable[Lane], identify: Identify) -> None:
        self._app = app
        self._lanes = {lane.path: lane for lane in lanes}
        self._identify = identify

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises Refusal, which the gate tells."""
        lane = self._lanes.get(scope["path"]) if scope["type"] == "http" else None
        headers: dict[bytes, bytes] = dict(scope["headers"]) if lane else {}
        if lane is None or not _is_plain(scope, headers):
            await self._app(scope, receive, send)
            return
        about: Any = scope
        about["path_template"] = lane.path
        try:
            done = await self._done(lane, about, headers, receive)
        except psycopg.Error as error:
            raise problems.of_database(scope, error) from error
        body = json.dumps(done.answer)
        told = [_JSON, (b"content-length", str(len(body)).encode()), (b"etag", etag(done.answer.version).encode())]
        if done.replayed:
            told.append(_REPLAYED)
        await send({"type": "http.response.start", "status": 201, "headers": told})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _done(self, lane: Lane, scope: Any, headers: dict[bytes, bytes], receive: Receive) -> Answered[Any]:
        actor = await self._identify(headers[b"authorization"].decode("latin-1"))
        scope["state"]["actor_id"] = actor.person_id
        command = decoded(await _body(receive), lane.kind)
        key = headers.get(b"idempotency-key")
        return await lane.act(actor, command, None if key is None else key.decode("latin-1"))


def _is_plain(scope: Any, headers: dict[bytes, bytes]) -> bool:
    length = headers.get(b"content-length", b"")
    return (
        scope["method"] == "POST"
        and not scope["query_string"]
        and headers.get(b"content-type") == b"application/json"
        and b"authorization" in headers
        and len(length) < 10
        and length.isdigit()
        and 0 < int(length) <= MOST_BYTES
        and 0 < len(headers.get(b"idempotency-key", b"x")) <= MAX_KEY
        and _UNUSUAL.isdisjoint(headers)
    )


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message: Any = await receive()
        if message["type"] != "http.request":
            raise problems.disconnected()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body
