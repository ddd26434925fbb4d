"""The gate: what every request passes before any word sees it, and every answer on its way out.

Always true:
- Every request has an id: the caller's `X-Request-Id` when it is a plain one, else a new one; answer, problem and log
  carry it.
- Every request ends as one log line: method, route template (never the raw path), status, milliseconds, actor.
- Every answer has the security headers; answers of the API are not kept by caches unless they say so.
- A change that rides on a browser's cookie comes from our own pages; a header Authorization needs no such proof.
- Where a caller is known from a proxy's word, it is a proxy that the settings trust; all that asks for an address after
  us is given the caller's.
- A request for a host that is not ours, or with a NUL or broken UTF-8 in its address, goes no further.
"""

import re
import secrets
import time
from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from perpetua.app import logs
from perpetua.app.forwarded import Network, ProxyHeader, caller
from perpetua.app.metrics import Metrics
from perpetua.app.problems import bug, encoded
from perpetua.kit.errors import InvalidValue, NotAllowed, Refusal

__all__ = ["CSRF_COOKIE", "Gate"]

CSRF_COOKIE: Final = "perpetua_csrf"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PLAIN_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,100}", re.ASCII)
_CSRF_IN_COOKIE = re.compile(rf"(?:^|;\s*){CSRF_COOKIE}=([^;\s]+)")
_NOT_KEPT: Final = (b"cache-control", b"no-store")
Sent = dict[bytes, bytes]
"""The headers of a request; ASGI gives their names in small letters."""

SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
}


class WrongHost(Refusal):
    """The Host header names none of our hosts. Facts: host."""

    status = 421
    code = "wrong_host"
    title = "Not this server"
    sentence = "This server does not answer for {host}."
    remedy = "Add it to PERPETUA_ALLOWED_HOSTS, or use an address that is listed there."


class CrossSite(NotAllowed):
    """A change that rides on a cookie, but does not come from our own pages. Facts: origin."""

    code = "cross_site"
    title = "Not from our own pages"
    sentence = "A change with a cookie must come from this site; this one came from {origin}."
    remedy = "Send the cookie perpetua_csrf as X-CSRF-Token, or use a token in Authorization."


class Gate:
    """The outermost ASGI layer.

    Args:
        app: what lies inside.
        metrics: counts and times.
        allowed_hosts: names taken in the Host header, `*.example.org` for all below; none means any.
        https: whether callers reach us over HTTPS, so that browsers may be told to insist on it.
        proxies: whose word about a caller's address is taken.
        proxy_header: where they say it.
    """

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        *,
        allowed_hosts: Iterable[str] = (),
        https: bool = False,
        proxies: Sequence[Network] = (),
        proxy_header: ProxyHeader = "x-forwarded-for",
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._hosts = [host.lower() for host in allowed_hosts]
        self._proxies = proxies
        self._proxy_header: ProxyHeader = proxy_header
        security = dict(SECURITY_HEADERS)
        if https:
            security["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        self._headers = [(name.lower().encode(), value.encode()) for name, value in security.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: Sent = dict(scope["headers"])
        if self._proxies and (peer := scope["client"]):
            scope["client"] = (caller(peer[0], scope["headers"], self._proxy_header, self._proxies), peer[1])
        request_id = _request_id(headers)
        scope.setdefault("state", {})["request_id"] = request_id
        method = scope["method"]
        if method == "HEAD":  # every GET is also there as HEAD: the same answer without its body
            scope["method"] = "GET"
        added = [*self._headers, (b"x-request-id", request_id.encode())]
        answer = _Answer(send, added, api=scope["path"].startswith("/api/"), bodiless=method == "HEAD")
        begun = time.perf_counter()
        bound = structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            self._look(scope, headers)
            await self._app(scope, receive, answer)
        except Refusal as refusal:
            await _say(refusal, request_id, answer)
        except Exception as error:
            refusal = bug(scope, error)
            if answer.status is None:
                await _say(refusal, request_id, answer)
        finally:
            self._note(scope, method, answer.status or 500, time.perf_counter() - begun)
            structlog.contextvars.reset_contextvars(**bound)

    def _look(self, scope: Any, headers: Sent) -> None:
        host = _text(headers, b"host").lower()
        if self._hosts and not any(_is_host(host.rpartition(":")[0] or host, allowed) for allowed in self._hosts):
            raise WrongHost(host=host[:100] or "(none)")
        if "\0" in scope["path"] or "\ufffd" in scope["path"]:
            raise InvalidValue("path", scope["path"], "holds letters that no address of ours has")
        _check_query(scope.get("query_string", b""))
        if scope["method"] not in SAFE and b"authorization" not in headers:
            _check_origin(headers, host)

    def _note(self, scope: Any, method: str, status: int, seconds: float) -> None:
        # The template, as a raw path can hold secrets and would make a metric without end.
        route = scope.get("path_template") or "(none)"
        self._metrics.request(method, route, status, seconds)
        logs.request(method, route, status, seconds, scope["state"].get("actor_id"), scope["state"]["request_id"])


class _Answer:
    """`send`, adding our headers and remembering the status."""

    __slots__ = ("_api", "_bodiless", "_headers", "_send", "status")

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]], *, api: bool, bodiless: bool) -> None:
        self._send = send
        self._headers = headers
        self._api = api
        self._bodiless = bodiless
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            has = {name.lower() for name, _ in message["headers"]}
            added = [pair for pair in self._headers if pair[0] not in has]
            if self._api and b"cache-control" not in has:
                added.append(_NOT_KEPT)
            message["headers"] = [*message["headers"], *added]
        elif self._bodiless and message["type"] == "http.response.body":
            message["body"] = b""
        await self._send(message)


async def _say(refusal: Refusal, request_id: str, send: "_Answer") -> None:
    status, headers, body = encoded(refusal, request_id)
    pairs = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    pairs.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _text(headers: Sent, name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")


def _request_id(headers: Sent) -> str:
    sent = _text(headers, b"x-request-id")
    return sent if _PLAIN_ID.fullmatch(sent) else secrets.token_hex(8)


def _is_host(host: str, allowed: str) -> bool:
    return host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed


def _check_query(query: bytes) -> None:
    """Raises InvalidValue: a NUL, which PostgreSQL's text cannot hold, or what is no UTF-8."""
    if b"%" not in query and query.isascii():
        return
    raw = unquote_to_bytes(query.replace(b"+", b" "))
    if b"\0" in raw:
        raise InvalidValue("query", "%00", "holds the letter NUL, which no text may have; leave it out")
    try:
        raw.decode()
    except UnicodeDecodeError:
        raise InvalidValue("query", query.decode("latin-1"), "is not UTF-8; encode it as such") from None


def _check_origin(headers: Sent, host: str) -> None:
    """Raises CrossSite: a browser sends it from elsewhere, or it has cookies and no proof where it comes from."""
    site, origin = (_text(headers, name) if name in headers else None for name in (b"sec-fetch-site", b"origin"))
    if site in {"same-origin", "none"} or (site is None and origin and origin.lower().partition("://")[2] == host):
        return
    cookie = _text(headers, b"cookie")
    ours = _CSRF_IN_COOKIE.search(cookie)
    if ours and secrets.compare_digest(ours[1].encode(), headers.get(b"x-csrf-token", b"")):
        return
    if site is None and origin is None and not cookie:
        return  # no browser, and nothing that it could ride on
    raise CrossSite(origin=(origin or site or "(unknown)")[:200], permission="same site")
