"""Signing in and out, one's own password and second factor.

Always true: the session's token is in a cookie that no script can read (`HttpOnly`, `SameSite=Lax`; with HTTPS also
`Secure` and `__Host-`), and in no body. A cookie `perpetua_csrf` beside it is for scripts to prove where they run.
"""

import secrets as random
from datetime import datetime
from typing import Any, Final

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from perpetua.access import rules, service
from perpetua.access.types import (
    Actor,
    ChangePassword,
    Codes,
    Enrolment,
    Hidden,
    Jwt,
    Me,
    Origin,
    Secrets,
    Session,
    SignIn,
)
from perpetua.kit.clock import Clock
from perpetua.kit.database import Database
from perpetua.kit.http import Id

__all__ = ["actor_of_request", "handlers"]

CSRF_COOKIE: Final = "perpetua_csrf"
TAGS: Final = ["access"]
AnyRequest = Request[Any, Any, Any]

GONE: Final = [
    Cookie(key=key, value="", path="/", max_age=0, secure=secure, httponly=httponly, samesite="lax")
    for key, secure, httponly in (
        (rules.cookie_name(True), True, True),
        (rules.cookie_name(False), False, True),
        (CSRF_COOKIE, False, False),
    )
]
"""What takes a session's cookies away."""


class SessionBegun(msgspec.Struct, frozen=True, kw_only=True):
    """A session began; its token is in the cookie."""

    expires_at: datetime
    me: Me


class Code(Hidden, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A code of the authenticator app."""

    code: str


class Disable(Hidden, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What it takes to turn one's second factor off."""

    password: str
    code: str


async def actor_of_request(
    request: ASGIConnection[Any, Any, Any, Any], callers: service.Callers, secrets: Secrets
) -> Actor:
    """Whoever sends the request (also a WebSocket's first one); the log line then names them.

    Raises:
        Unauthenticated
    """
    actor = await callers.actor_of(cookie=_cookie(request, secrets), authorization=request.headers.get("authorization"))
    request.state["actor_id"] = actor.person_id
    return actor


@post("/api/auth/sign-in", tags=TAGS, status_code=201, security=[{}], opt={"attempts": (120, 60)})
async def sign_in(
    request: AnyRequest, data: SignIn, db: Database, secrets: Secrets, clock: Clock
) -> Response[SessionBegun]:
    """Begin a session with email and password; it is kept in a cookie.

    Where the account has a second factor, answers 401 `second_factor_needed` until the code comes along as `code`; with
    a one-time password, 401 `password_change_needed` until the chosen one comes along as `new_password`.
    After ten wrong attempts the account is locked for a quarter of an hour (429).
    """
    origin = Origin(
        address=request.client.host if request.client else "unknown", user_agent=request.headers.get("user-agent")
    )
    begun = await service.sign_in(db, secrets, data, origin, replaces=_cookie(request, secrets), clock=clock)
    answer = SessionBegun(expires_at=begun.expires_at, me=begun.me)
    seconds = max(1, int((begun.expires_at - clock()).total_seconds()))
    token = _made(rules.cookie_name(secrets.https), begun.token, secrets, seconds, httponly=True)
    proof = _made(CSRF_COOKIE, random.token_urlsafe(24), secrets, seconds, httponly=False)
    return Response(answer, status_code=201, cookies=[token, proof])


@post("/api/auth/sign-out", tags=TAGS, status_code=204, security=[{}, {"session": []}], response_cookies=GONE)
async def sign_out(request: AnyRequest, db: Database, secrets: Secrets) -> None:
    """End the session of the cookie; nothing happens where there is none."""
    await service.sign_out(db, _cookie(request, secrets))


@post("/api/auth/sign-out-everywhere", tags=TAGS, status_code=204, response_cookies=GONE)
async def sign_out_everywhere(db: Database, actor: Actor) -> None:
    """End all of one's own sessions, this one as well. API tokens stay."""
    await service.sign_out_everywhere(db, actor)


@get("/api/auth/sessions", tags=TAGS)
async def list_sessions(db: Database, actor: Actor) -> list[Session]:
    """Where one is signed in, the newest first."""
    return await service.list_sessions(db, actor)


@delete("/api/auth/sessions/{session_id:int}", tags=TAGS)
async def end_session(session_id: Id, db: Database, actor: Actor) -> None:
    """End one of one's own sessions."""
    await service.end_session(db, actor, session_id)


@post("/api/auth/jwt", tags=TAGS, status_code=201)
async def issue_jwt(actor: Actor, secrets: Secrets, clock: Clock) -> Jwt:
    """A bearer token for the next 15 minutes, good no longer than the session or API token it is made from."""
    return service.issue_jwt(actor, secrets, clock=clock)


@post("/api/auth/password", tags=TAGS, status_code=204)
async def change_password(data: ChangePassword, db: Database, actor: Actor) -> None:
    """Choose another password; all other sessions end."""
    await service.change_password(db, actor, data)


@post("/api/auth/second-factor", tags=TAGS, status_code=201)
async def enroll_second_factor(db: Database, actor: Actor, secrets: Secrets) -> Enrolment:
    """Make a second factor for an authenticator app; it counts once it is confirmed."""
    return await service.enroll_second_factor(db, actor, secrets)


@post("/api/auth/second-factor/confirm", tags=TAGS, status_code=200)
async def confirm_second_factor(data: Code, db: Database, actor: Actor, secrets: Secrets, clock: Clock) -> Codes:
    """Turn the second factor on with its first code. The recovery codes are shown this once."""
    return await service.confirm_second_factor(db, actor, secrets, data.code, clock=clock)


@post("/api/auth/second-factor/disable", tags=TAGS, status_code=204)
async def disable_second_factor(data: Disable, db: Database, actor: Actor, secrets: Secrets, clock: Clock) -> None:
    """Turn one's own second factor off, with the password and a last code or recovery code."""
    await service.disable_second_factor(db, actor, secrets, data.password, data.code, clock=clock)


@get("/api/me", tags=TAGS)
async def me(db: Database, actor: Actor) -> Me:
    """Whoever asks, and what they may."""
    return await service.me(db, actor)


def _cookie(request: ASGIConnection[Any, Any, Any, Any], secrets: Secrets) -> str | None:
    return request.cookies.get(rules.cookie_name(secrets.https))


def _made(key: str, value: str, secrets: Secrets, seconds: int, *, httponly: bool) -> Cookie:
    return Cookie(
        key=key, value=value, path="/", max_age=seconds, secure=secrets.https, httponly=httponly, samesite="lax"
    )


handlers: list[Any] = [
    sign_in, sign_out, sign_out_everywhere, list_sessions, end_session, issue_jwt, change_password,
    enroll_second_factor, confirm_second_factor, disable_second_factor, me,
]  # fmt: skip
