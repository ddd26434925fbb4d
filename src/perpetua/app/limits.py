"""What is looked at once a route is known, before a byte of the body is read: numbers, attempts, and who asks.

A handler says how often an address may try with `opt={"attempts": (20, 60)}`: 20 in 60 seconds. The count is of this
process and held in memory; the lock-out of an account, which must outlive a restart, is access's.

Always true:
- A number in a path that is larger than a bigint is 404 before any statement is sent.
- A handler that takes an `actor` is for those who signed in.
"""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.types import ASGIApp, Receive, Scope, Send

from perpetua.access.types import Actor
from perpetua.app.problems import TooManyRequests
from perpetua.app.request import JsonRequest, read_form, takes_form
from perpetua.kit.errors import Missing
from perpetua.kit.http import LARGEST_ID

__all__ = ["Attempts", "Threshold", "threshold"]

MAX_ADDRESSES: Final = 10_000
Connection = ASGIConnection[Any, Any, Any, Any]
Identify = Callable[[Connection], Awaitable[Actor]]


def threshold(identify: Identify) -> Callable[[ASGIApp], "Threshold"]:
    """A middleware (not a guard: Litestar copies the handler for each guard, and runs plain ones in threads)."""
    attempts = Attempts()
    return lambda app: Threshold(app, identify, attempts)


class Threshold:
    """The layer between routing and the handler.

    Args:
        app: what lies inside.
        identify: who asks; raises Unauthenticated.
        attempts: the counts, shared by all routes.
    """

    def __init__(self, app: ASGIApp, identify: Identify, attempts: "Attempts") -> None:
        self._app = app
        self._identify = identify
        self._attempts = attempts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises Missing, TooManyRequests, Unauthenticated; what `read_form` raises."""
        about: Any = scope
        for name, value in about["path_params"].items():
            if isinstance(value, int) and not -1 <= value <= LARGEST_ID:
                raise Missing(name.removesuffix("_id").replace("_", " "), value)
        handler = about["route_handler"]
        if limit := handler.opt.get("attempts"):
            address = about["client"][0] if about.get("client") else ""
            self._attempts.count(handler.handler_name, address, *limit)
        if "actor" in handler.parsed_fn_signature.parameters:
            about["state"]["actor"] = await self._identify(ASGIConnection(scope))
        if takes_form(handler):
            await read_form(JsonRequest(about, receive, send))
        await self._app(scope, receive, send)


class Attempts:
    """Attempts by address: so many are taken, then none until the window has passed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()

    def count(self, what: str, address: str, most: int, seconds: int) -> None:
        """One more attempt. Raises TooManyRequests: it is one too many."""
        now = self._clock()
        begun, count = self._seen.pop((what, address), (now, 0))
        if now - begun >= seconds:
            begun, count = now, 0
        self._seen[what, address] = (begun, count + 1)
        if len(self._seen) > MAX_ADDRESSES:
            self._seen.popitem(last=False)  # the one that tried longest ago
        if count >= most:
            wait = max(1, round(begun + seconds - now))
            raise TooManyRequests(limit=most, per_seconds=seconds, retry_after_seconds=wait)
