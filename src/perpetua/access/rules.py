"""Decisions of access, pure."""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, cast

from perpetua.access.errors import BeyondOwnRights, WeakPassword
from perpetua.access.types import ROLES, Actor, Permission, Role
from perpetua.kit.errors import InvalidValue

__all__ = [
    "AuditDiff", "check_email", "check_expiry", "check_name", "check_password", "cookie_name", "diff", "effective",
    "require_grantable", "token_permissions", "without_costs",
]  # fmt: skip

MIN_PASSWORD: Final = 12
MAX_PASSWORD: Final = 256
MAX_TOKEN_DAYS: Final = 366
_COMMON: Final = (
    "password", "passwort", "motdepasse", "qwerty", "qwertz", "azerty", "asdfgh", "zxcvbn", "letmein", "welcome",
    "admin", "administrator", "changeme", "iloveyou", "monkey", "dragon", "football", "baseball", "sunshine",
    "princess", "master", "superman", "batman", "trustno", "shadow", "secret", "login", "default", "test", "guest",
    "warehouse", "inventory", "stock", "perpetua", "correcthorsebatterystaple",
)  # fmt: skip
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)*")

HIDDEN: Final = "(hidden)"
_SECRET_WORDS: Final = ("password", "secret", "token", "recovery", "credential")
_COST_WORDS: Final = ("cost", "costs")

AuditDiff = tuple[dict[str, Any] | None, dict[str, Any] | None, list[str]]


def diff(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> AuditDiff:
    """What changed: the fields' old values, their new ones, and which of them are costs.

    None for `before` is a thing that was made, None for `after` one that was removed; then every field is told.
    A field that looks like a secret is told to have changed, never its value.
    """
    if before is None or after is None:
        names = list(before or after or {})
    else:
        names = [n for n in {**before, **after} if before.get(n) != after.get(n) or (n in before) != (n in after)]
    costs = sorted(n for n in names if any(_is_cost(n, side[n]) for side in (before, after) if side and n in side))
    return _side(before, names), _side(after, names), costs


def without_costs(values: dict[str, Any] | None, costs: Collection[str]) -> dict[str, Any] | None:
    """One side of a change, as a reader without `costs.read` is shown it."""
    return None if values is None else {name: value for name, value in values.items() if name not in costs}


def effective(role: Role, token: Iterable[str] | None = None) -> frozenset[Permission]:
    """The role's permissions; of these, those that the token has as well. A token can only narrow."""
    return ROLES[role] if token is None else ROLES[role].intersection(cast("Iterable[Permission]", token))


def require_grantable(actor: Actor, permissions: Iterable[Permission]) -> None:
    """Raises BeyondOwnRights: there is a permission among these that the actor does not have."""
    if beyond := sorted(frozenset(permissions) - actor.permissions):
        raise BeyondOwnRights(beyond=", ".join(beyond), permissions=beyond)


def token_permissions(actor: Actor, owner: Role, asked: Collection[Permission] | None) -> frozenset[Permission]:
    """The permissions of a new token: those asked, or all that its owner has; never more than the actor's.

    Raises:
        BeyondOwnRights: the actor or the owner does not have one that was asked.
    """
    if asked is None:
        return ROLES[owner] & actor.permissions
    require_grantable(actor, asked)
    if beyond := sorted(frozenset(asked) - ROLES[owner]):
        raise BeyondOwnRights(beyond=", ".join(beyond), permissions=beyond)
    return frozenset(asked)


def check_expiry(expires_at: datetime, now: datetime) -> datetime:
    """`expires_at`, when it lies ahead and not too far.

    Raises:
        InvalidValue: it is past, or more than MAX_TOKEN_DAYS ahead.
    """
    if expires_at.tzinfo is None:
        raise InvalidValue("expires_at", expires_at.isoformat(), "has no offset; write it like 2027-01-31T00:00:00Z")
    if not now < expires_at <= now + timedelta(days=MAX_TOKEN_DAYS):
        reason = f"must lie ahead, at most {MAX_TOKEN_DAYS} days"
        raise InvalidValue("expires_at", expires_at.isoformat(), reason, max_days=MAX_TOKEN_DAYS)
    return expires_at


def check_name(name: str, field: str = "name") -> str:
    """`name` without space around it.

    Raises:
        InvalidValue: empty, longer than 200 letters, or with letters that cannot be printed.
    """
    name = name.strip()
    if not 0 < len(name) <= 200 or not name.isprintable():
        raise InvalidValue(field, name, "must have 1 to 200 printable letters")
    return name


def check_email(email: str) -> str:
    """`email` without space around it.

    Raises:
        InvalidValue: it has not the shape of an address.
    """
    email = email.strip()
    if len(email) > 254 or not email.isprintable() or not _EMAIL.fullmatch(email):
        raise InvalidValue("email", email, "is no address; write it like ann@example.com")
    return email


def check_password(password: str, *, email: str, name: str) -> str:
    """`password`, when it is not easily guessed. Any letters are taken; length counts (NIST SP 800-63B, 5.1.1).

    Raises:
        WeakPassword: too short or long, a common one, or made of the person's own name or email.
    """
    if len(password) < MIN_PASSWORD:
        raise WeakPassword(f"must have at least {MIN_PASSWORD} letters; a few words are good")
    if len(password) > MAX_PASSWORD:
        raise WeakPassword(f"must have at most {MAX_PASSWORD} letters")
    plain = password.casefold()
    core = re.sub(r"[\W\d_]+", "", plain)
    if len(set(plain)) < 5 or _is_run(plain):
        raise WeakPassword("repeats or counts; use a few words")
    if core in _COMMON or any(core == word * n for word in _COMMON for n in (2, 3)):
        raise WeakPassword("is among the first that are guessed; use a few words")
    own = [email.casefold(), email.casefold().partition("@")[0], *name.casefold().split(), name.casefold()]
    for word in own:
        if len(word) >= 3 and len(plain.replace(word, "")) < MIN_PASSWORD // 2:
            raise WeakPassword("is made of your name or email")
    return password


def cookie_name(https: bool) -> str:
    """The session cookie's name; with HTTPS one that no other host or path can set (`__Host-`)."""
    return "__Host-perpetua" if https else "perpetua_session"


def _is_run(text: str) -> bool:
    """Whether each letter follows the one before in the alphabet, the digits or backwards."""
    steps = {ord(b) - ord(a) for a, b in pairwise(text)}
    return steps in ({1}, {-1}) or text in "1234567890" * 40 or text in "0987654321" * 40


def _side(values: Mapping[str, Any] | None, names: list[str]) -> dict[str, Any] | None:
    return None if values is None else {n: _without_secrets(n, values[n]) for n in names if n in values}


# An import writes hundreds of thousands of rows with the same few names; the bound keeps odd ones from filling memory.
@lru_cache(maxsize=4096)
def _names_secret(name: str) -> bool:
    lowered = name.lower()
    return any(word in lowered for word in _SECRET_WORDS)


@lru_cache(maxsize=4096)
def _names_cost(name: str) -> bool:
    return not set(name.lower().split("_")).isdisjoint(_COST_WORDS)


def _without_secrets(name: str, value: Any) -> Any:
    if _names_secret(name):
        return HIDDEN
    if isinstance(value, dict):
        return {k: _without_secrets(k, v) for k, v in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_without_secrets("", v) for v in cast("list[Any]", value)]
    return value


def _is_cost(name: str, value: Any) -> bool:
    if _names_cost(name):
        return True
    if isinstance(value, dict):
        return any(_is_cost(k, v) for k, v in cast("dict[str, Any]", value).items())
    return isinstance(value, list) and any(_is_cost("", v) for v in cast("list[Any]", value))
