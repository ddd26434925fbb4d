"""What is looked at once a route is known: numbers that no row can have, and how often an address may try.

A handler says how often with `opt={"attempts": (20, 60)}`: 20 in 60 seconds from one address. The count is of this
process and held in memory; the lock-out of an account, which must outlive a restart, is access's.

Always true: a number in a path that is larger than a bigint is 404 before any statement is sent.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from litestar import Request
from litestar.handlers import BaseRouteHandler

from perpetua.app.problems import TooManyRequests
from perpetua.kit.errors import Missing
from perpetua.kit.http import LARGEST_ID

__all__ = ["Attempts", "within_bounds"]

MAX_ADDRESSES = 10_000


def within_bounds(request: Any, _: BaseRouteHandler) -> None:
    """Guard. Raises Missing: a number in the path that nothing can have."""
    for name, value in request.path_params.items():
        if isinstance(value, int) and not -1 <= value <= LARGEST_ID:
            raise Missing(name.removesuffix("_id").replace("_", " "), value)


class Attempts:
    """Guard that counts attempts by address: so many, then refused until the window has passed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()

    def __call__(self, request: Any, handler: BaseRouteHandler) -> None:
        """Raises TooManyRequests."""
        if limit := handler.opt.get("attempts"):
            self.count(handler.handler_name, _address(request), *limit)

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


def _address(request: Request[Any, Any, Any]) -> str:
    return request.client.host if request.client else ""
