"""One map from what went wrong to what the caller is told (RFC 9457, `application/problem+json`).

Always true:
- Every answer of 400 and above is a problem with `type title status detail code request_id` and its facts beside them.
- A refusal keeps its status, code and facts; a broken request names the field, the reason and the remedy.
- A database that is away, busy or too slow is 503 with Retry-After; it is never a 500.
- A bug is 500 with the request's id and nothing of its inside; the log has the traceback under that id.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import psycopg
import psycopg_pool
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from psycopg import errors as pg

from perpetua.kit import json
from perpetua.kit.errors import Refusal
from perpetua.kit.http import problem_of

__all__ = [
    "HANDLERS", "PROBLEM_JSON", "Problem", "TooManyRequests", "bug", "disconnected", "encoded", "of_database",
    "of_refusal",
]  # fmt: skip

PROBLEM_JSON: Final = "application/problem+json"
log = structlog.get_logger("perpetua.web")
AnyRequest = Request[Any, Any, Any]


class Problem(msgspec.Struct, kw_only=True):
    """Why a request was not done (RFC 9457). The facts of each code stand beside these fields."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str


class TooManyRequests(Refusal):
    """More requests than are taken from one address. Facts: limit, per_seconds, retry_after_seconds."""

    status = 429
    code = "too_many_requests"
    title = "Too many requests"
    sentence = "At most {limit} of these are taken in {per_seconds} seconds from one address."
    remedy = "Try again in {retry_after_seconds} seconds."


class Unavailable(Refusal):
    """The database is away, full or too slow at this moment. Facts: retry_after_seconds."""

    status = 503
    code = "unavailable"
    title = "Not available at the moment"
    sentence = "{reason}"
    remedy = "Nothing was changed; try again in {retry_after_seconds} seconds."


class Away(Unavailable):
    """The database ended while it was asked, maybe after it had done it. Facts: retry_after_seconds."""

    remedy = "It may have been done: send it again in {retry_after_seconds} seconds, with the same Idempotency-Key."


class _NotTaken(Refusal):
    """A request that HTTP itself refuses; its words are given as facts of the class made by `_http`."""


def encoded(refusal: Refusal, request_id: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a refusal's answer."""
    body = {**problem_of(refusal), "request_id": request_id}
    headers = {"Content-Type": PROBLEM_JSON, "Cache-Control": "no-store"}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if (seconds := refusal.facts.get("retry_after_seconds")) is not None:
        headers["Retry-After"] = str(seconds)
    return refusal.status, headers, json.dumps(body)


def of_refusal(request: AnyRequest, refusal: Refusal) -> Response[bytes]:
    """A refusal's answer."""
    status, headers, body = encoded(refusal, request_id_of(request))
    return Response(body, status_code=status, headers=headers, media_type=PROBLEM_JSON)


def request_id_of(request: AnyRequest) -> str:
    """The id under which the log knows this request."""
    return str(request.scope["state"].get("request_id", ""))


def _made(status: int, code: str, title: str, sentence: str, remedy: str = "", /, **facts: Any) -> Refusal:
    words = {"status": status, "code": code, "title": title, "sentence": sentence, "remedy": remedy}
    return type("HttpRefusal", (_NotTaken,), words)(**facts)


def _of_http(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    response = of_refusal(request, _http(request, error))
    if error.status_code == 405:
        response.headers["Allow"] = ", ".join(_methods_at(request))
    return response


def _http(request: AnyRequest, error: HTTPException) -> Refusal:
    """What Litestar refused, in our words."""
    path = request.scope["path"][:200]
    match error.status_code:
        case 404:
            return _made(404, "no_such_address", "Not found", "There is nothing at {path}.",
                         "The addresses are listed at /docs.", path=path)  # fmt: skip
        case 405:
            return _made(405, "method_not_allowed", "Method not allowed", "{method} is not taken at {path}.",
                         method=request.method, path=path, allowed=_methods_at(request))  # fmt: skip
        case 413 if isinstance(error, RequestEntityTooLarge):
            limit = request.route_handler.resolve_request_max_body_size()
            return _made(413, "body_too_large", "Too large", "The body may have at most {limit_bytes} bytes.",
                         "Send it in parts.", limit_bytes=limit)  # fmt: skip
        case 400 | 500 if "disconnected" in error.detail:
            return disconnected()
        case 400:
            return _unreadable(request, error)
        case status if status < 500:
            return _made(status, "refused", "Refused", "{reason}", reason=str(error.detail)[:200])
        case _:
            return bug(request.scope, error)


_REQUIRED = re.compile(r"Missing required (\w+) parameter '([^']*)'")


def _unreadable(request: AnyRequest, error: HTTPException) -> Refusal:
    """Parameters or a body that do not have their shape: 422, with each field, its reason and remedy."""
    if missing := _REQUIRED.search(error.detail):
        where, field = missing.groups()
        errors = [{"field": field, "in": where, "reason": "is missing"}]
    elif isinstance(error.extra, list) and error.extra:
        found: list[Any] = error.extra
        errors = [_shape_error(request, each) for each in found]
    else:
        return _made(400, "malformed_request", "Not readable", "{reason}", reason=str(error.detail)[:200])
    first = errors[0]
    remedy = "See what is taken at /docs."
    return _made(422, "invalid_value", "A value cannot be taken", "{field}: {reason}", remedy,
                 field=first["field"], reason=first["reason"], errors=errors)  # fmt: skip


def _shape_error(request: AnyRequest, error: Mapping[str, Any]) -> dict[str, Any]:
    name, where = str(error.get("key", "body")), str(getattr(error.get("source"), "value", error.get("source", "")))
    if name == "data":
        return {"field": "body", "in": "body", "reason": "is missing; send JSON"}
    definition = request.route_handler.parsed_fn_signature.parameters.get(name)
    kwarg: Any = definition.kwarg_definition if definition else None
    field = next((alias for kind in ("header", "query", "cookie") if (alias := getattr(kwarg, kind, None))), name)
    made: dict[str, Any] = {"field": field, "in": where, "reason": str(error.get("message", "cannot be taken"))}
    if where == "query" and (value := request.query_params.get(name)) is not None:
        made["value"] = str(value)[:120]
    return made


def disconnected() -> Refusal:
    """The caller hung up in the midst of sending."""
    return _made(400, "disconnected", "Disconnected", "The request ended before its body did.")


def of_database(scope: Any, error: psycopg.Error) -> Refusal:
    """What a caller is told of an error of the database."""
    refusal = _database(error)
    if refusal is None:
        return bug(scope, error)
    # Each of these is either the operator's to know or a case that a service should have refused by itself.
    log.warning("database refused", code=refusal.code, sqlstate=error.sqlstate, error=str(error).partition("\n")[0])
    return refusal


def _of_database(request: AnyRequest, error: psycopg.Error) -> Response[bytes]:
    return of_refusal(request, of_database(request.scope, error))


def _database(error: psycopg.Error) -> Refusal | None:
    match error:
        case pg.QueryCanceled() | pg.LockNotAvailable():
            return Unavailable(reason="The database took too long over this.", retry_after_seconds=5)
        case pg.DeadlockDetected() | pg.SerializationFailure():
            return Unavailable(reason="Too many change the same stock at once.", retry_after_seconds=1)
        case psycopg_pool.PoolTimeout() | psycopg_pool.TooManyRequests():
            return Unavailable(reason="All connections to the database are taken.", retry_after_seconds=2)
        case psycopg.IntegrityError():
            return _made(409, "constraint_violated", "Conflict with what is there",
                         "The database's rule {rule} does not allow it.", "Read the current state, then send it again.",
                         rule=error.diag.constraint_name or "(unnamed)")  # fmt: skip
        case psycopg.DataError():
            return _made(422, "out_of_range", "A value cannot be taken",
                         "A number, date or text lies outside of what the database holds.")  # fmt: skip
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return Away(reason="The database does not answer.", retry_after_seconds=5)
        case _:
            return None


def _of_bug(request: AnyRequest, error: Exception) -> Response[bytes]:
    return of_refusal(request, bug(request.scope, error))


def bug(scope: Any, error: Exception) -> Refusal:
    """What a caller is told of a bug; the log gets all of it."""
    if isinstance(error, RecursionError):
        return _made(422, "too_deep", "A value cannot be taken", "The body is nested too deeply.")
    log.error("bug", exc_info=error, method=scope["method"], route=scope.get("path_template"))
    return _made(500, "internal_error", "Our fault", "Something went wrong here that should not.",
                 "Tell whoever runs this the request_id; the log has the rest under it.")  # fmt: skip


def _methods_at(request: AnyRequest) -> list[str]:
    """The methods that are taken at this request's address."""
    found: list[str] = []
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        try:
            request.app.asgi_router.handle_routing(path=request.scope["path"].rstrip("/") or "/", method=method)
        except HTTPException:
            continue
        found.extend(("GET", "HEAD") if method == "GET" else (method,))
    return found


HANDLERS: Final[dict[type[Exception] | int, Any]] = {
    Refusal: of_refusal,
    HTTPException: _of_http,
    psycopg.Error: _of_database,
    Exception: _of_bug,
}
