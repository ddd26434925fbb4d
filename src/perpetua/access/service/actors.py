"""Who asks: from a session cookie, an API token or a JWT to an Actor.

Always true:
- Each request looks up the session or token it stands on and its person, in one statement: what was ended, revoked or
  deactivated a moment ago is refused now, a JWT included.
- An API token has at most its owner's present permissions and places.
- A JWT is good for at most 15 minutes, for this installation alone, and for reading who signed it alone.
"""

import contextlib
from datetime import timedelta
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import OctKey

from perpetua.access import store
from perpetua.access.rules import effective
from perpetua.access.service import crypto
from perpetua.access.types import Actor, Jwt, Me, Secrets, Via
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database
from perpetua.kit.errors import NotAllowed, Unauthenticated
from perpetua.kit.gathering import Gathering

__all__ = ["Callers", "actor_of", "issue_jwt", "me"]

JWT_LASTS: Final = timedelta(minutes=15)
AUDIENCE: Final = "perpetua"
_CLAIMS: Final[dict[str, Any]] = {
    "aud": {"essential": True, "value": AUDIENCE},
    "iss": {"essential": True, "value": AUDIENCE},
    "exp": {"essential": True},
    "iat": {"essential": True},
}
_NOBODY: Final = "Send a session cookie, or Authorization: Bearer with an API token or a JWT."
_NO_LONGER: Final = "The session or token is unknown, over or revoked."


async def actor_of(
    db: Database,
    keys: Secrets,
    *,
    cookie: str | None = None,
    authorization: str | None = None,
    clock: Clock = system_clock,
) -> Actor:
    """Whoever sends a request.

    Args:
        db: the database.
        keys: the installation's.
        cookie: value of the session cookie.
        authorization: the Authorization header; where there is one, the cookie does not count.
        clock: for the age of a JWT.

    Raises:
        Unauthenticated: nobody, or not any longer.
    """
    via, credential = _credential(keys, cookie, authorization, clock)
    found = await db.glance(lambda tx: store.bearers(tx, [credential]))
    return _actor(found.get(credential), via)


class Callers:
    """Finds out who asks, for the requests of one process: those that come at the same time are looked up together.

    A look-up always begins after the request came, so that what was revoked before is refused.
    """

    def __init__(self, db: Database, keys: Secrets, *, clock: Clock = system_clock) -> None:
        async def look_up(asked: list[store.Credential]) -> list[store.Bearer | None]:
            found = await db.glance(lambda tx: store.bearers(tx, set(asked)))
            return [found.get(one) for one in asked]

        self._keys = keys
        self._clock = clock
        self._bearers: Gathering[store.Credential, store.Bearer | None] = Gathering(look_up, most=1_000)

    async def actor_of(self, *, cookie: str | None = None, authorization: str | None) -> Actor:
        """As the function of this name.

        Raises:
            Unauthenticated: nobody, or not any longer.
        """
        via, credential = _credential(self._keys, cookie, authorization, self._clock)
        return _actor(await self._bearers.ask(credential), via)


def _actor(found: store.Bearer | None, via: Via) -> Actor:
    if found is None:
        raise Unauthenticated(reason=_NO_LONGER)
    return Actor(
        person_id=found.person_id,
        name=found.name,
        role=found.role,
        permissions=effective(found.role, found.permissions),
        scope=None if found.scope is None else frozenset(found.scope),
        via=via,
        session_id=found.session_id,
        token_id=found.token_id,
    )


def issue_jwt(actor: Actor, keys: Secrets, *, clock: Clock = system_clock) -> Jwt:
    """A JWT for what the actor's session or API token stands for.

    Raises:
        NotAllowed: the actor has neither, or already asks by JWT.
    """
    if actor.via == "jwt" or (actor.session_id is None and actor.token_id is None):
        raise NotAllowed(permission="a session or an API token")
    now = clock()
    expires_at = now.replace(microsecond=0) + JWT_LASTS
    stands_on = {"sid": actor.session_id} if actor.session_id is not None else {"tid": actor.token_id}
    claims = {"iss": AUDIENCE, "aud": AUDIENCE, "sub": str(actor.person_id), "iat": int(now.timestamp()),
              "exp": int(expires_at.timestamp()), **stands_on}  # fmt: skip
    made = jwt.encode({"alg": "HS256"}, claims, _key(keys), algorithms=["HS256"])
    return Jwt(access_token=made, expires_at=expires_at)


async def me(db: Database, actor: Actor) -> Me:
    """Whoever asks, and what they may."""
    async with db.snapshot() as tx:
        person = await store.person(tx, actor.person_id)
    if person is None:
        raise Unauthenticated(reason=_NO_LONGER)
    return Me(
        id=person.id, name=person.name, email=person.email, role=person.role, permissions=sorted(actor.permissions),
        scope=actor.scope_ids, sees_costs=actor.sees_costs, second_factor=person.second_factor, via=actor.via,
    )  # fmt: skip


def _credential(
    keys: Secrets, cookie: str | None, authorization: str | None, clock: Clock
) -> tuple[Via, store.Credential]:
    if authorization is None:
        if not cookie:
            raise Unauthenticated(reason=_NOBODY)
        return "session", store.Credential("session", hash=crypto.digest(cookie))
    scheme, _, value = authorization.partition(" ")
    value = value.strip()
    if scheme.lower() != "bearer" or not value or len(value) > 2000:
        raise Unauthenticated(reason=_NOBODY)
    if value.startswith(crypto.TOKEN_PREFIX):
        return "token", store.Credential("token", hash=crypto.digest(value))
    claims = _claims(keys, value, clock)
    known = claims.get("sid", claims.get("tid"))
    if type(known) is not int:
        raise Unauthenticated(reason=_NO_LONGER)
    return "jwt", store.Credential("session" if "sid" in claims else "token", id=known)


def _claims(keys: Secrets, value: str, clock: Clock) -> dict[str, Any]:
    now = int(clock().timestamp())
    try:
        claims = _signed(keys, value)
        jwt.JWTClaimsRegistry(now=now, leeway=0, **_CLAIMS).validate(claims)
    except (JoseError, ValueError, UnicodeError):
        raise Unauthenticated(reason=_NO_LONGER) from None
    if claims["exp"] - now > JWT_LASTS.total_seconds():
        raise Unauthenticated(reason=_NO_LONGER)
    return claims


def _signed(keys: Secrets, value: str) -> dict[str, Any]:
    """The claims, signed with a key of ours. Raises JoseError, ValueError."""
    for key in keys.keys_for("jwt"):
        with contextlib.suppress(BadSignatureError):
            return jwt.decode(value, OctKey.import_key(key), algorithms=["HS256"]).claims
    raise BadSignatureError


def _key(keys: Secrets) -> OctKey:
    return OctKey.import_key(keys.key_for("jwt"))
