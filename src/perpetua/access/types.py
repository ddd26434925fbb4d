"""Who acts, and what they may."""

import hashlib
import hmac
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, Literal, get_args

import msgspec

from perpetua.access.errors import OutOfScope
from perpetua.kit.errors import NotAllowed

__all__ = [
    "PERMISSIONS", "ROLES", "SYSTEM", "Actor", "AuditEntry", "AuditFilters", "ChangePassword", "ChangePerson",
    "Codes", "CreatePerson", "CreateToken", "Enrolment", "Hidden", "Jwt", "Me", "OneTimePassword", "Origin",
    "PeopleFilters", "Permission", "Person", "Role", "Secrets", "Session", "SetScope", "SignIn", "SignedIn",
    "Token", "TokenMade", "Via",
]  # fmt: skip

Role = Literal["administrator", "inventory_manager", "warehouse_staff", "purchasing_staff", "viewer"]

Permission = Literal[
    "people.read", "people.write", "audit.read", "settings.write",
    "items.read", "items.write", "costs.read",
    "places.read", "places.write",
    "stock.read", "stock.receive", "stock.adjust", "stock.approve", "stock.transfer", "stock.sell",
    "stock.write_off", "stock.return", "stock.correct", "stock.scan",
    "orders.read", "orders.write", "orders.ship", "orders.override", "allocation.configure",
    "customers.read", "customers.write",
    "suppliers.read", "suppliers.write", "supplier_prices.read",
    "purchasing.read", "purchasing.write", "purchasing.approve", "purchasing.configure",
    "invoices.read", "invoices.write", "invoices.release",
    "lots.write", "lots.recall", "putaway.configure", "labels.print", "labels.configure",
    "imports.run", "exports.run", "integrity.read", "integrity.run",
]  # fmt: skip

Via = Literal["session", "token", "jwt", "cli", "system"]

PERMISSIONS: Final[frozenset[Permission]] = frozenset(get_args(Permission))

_READS: frozenset[Permission] = frozenset(
    {"items.read", "places.read", "stock.read", "orders.read", "suppliers.read", "purchasing.read", "exports.run"}
)
_DOCK: frozenset[Permission] = frozenset({"stock.receive", "stock.scan", "labels.print"})
_FLOOR: frozenset[Permission] = _DOCK | frozenset[Permission](
    {"stock.adjust", "stock.transfer", "stock.write_off", "stock.return", "orders.ship"}
)
_BUYS: frozenset[Permission] = frozenset(
    {
        "suppliers.write",
        "supplier_prices.read",
        "purchasing.write",
        "purchasing.approve",
        "invoices.read",
        "invoices.write",
    }
)
_ADMINISTERS: frozenset[Permission] = frozenset({"people.write", "settings.write"})

ROLES: Final[dict[Role, frozenset[Permission]]] = {
    "administrator": PERMISSIONS,
    "inventory_manager": PERMISSIONS.difference(_ADMINISTERS),
    "warehouse_staff": _READS | _FLOOR,
    "purchasing_staff": _READS | _DOCK | _BUYS,
    "viewer": _READS,
}


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever sends a command or reads a list.

    `scope` holds the ids of the places whose subtrees the actor is confined to; None is everywhere.
    """

    person_id: int
    name: str
    role: Role
    permissions: frozenset[Permission]
    scope: frozenset[int] | None = None
    via: Via = "session"
    session_id: int | None = None
    """The session that carries the request, if one does (also beneath a JWT)."""
    token_id: int | None = None
    """The API token that carries the request, if one does (also beneath a JWT)."""

    def may(self, permission: Permission) -> bool:
        """Whether the actor has it."""
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Raises NotAllowed: the actor does not have it."""
        if permission not in self.permissions:
            raise NotAllowed(permission=permission, role=self.role)

    def require_place(self, path: list[int], code: str) -> None:
        """Raises OutOfScope: the place with this path (ids from the site down to itself) is not the actor's."""
        if self.scope is not None and self.scope.isdisjoint(path):
            raise OutOfScope(location=code)

    @property
    def sees_costs(self) -> bool:
        """Whether cost prices and values may be shown."""
        return "costs.read" in self.permissions

    @property
    def scope_ids(self) -> list[int] | None:
        """The scope as a query parameter: `(%(scope)s::bigint[] IS NULL OR path && %(scope)s::bigint[])`."""
        return None if self.scope is None else sorted(self.scope)


SYSTEM: Final = Actor(person_id=0, name="Perpetua", role="administrator", permissions=PERMISSIONS, via="system")
"""The system itself: jobs, demo, imports started from the command line of the machine."""


class Hidden(msgspec.Struct, frozen=True, kw_only=True):
    """A value that holds a secret: no log line and no traceback shows what is in it."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(hidden)"

    def __rich_repr__(self) -> Iterator[str]:  # pyright: ignore[reportIncompatibleMethodOverride]
        yield "hidden"


class Secrets(Hidden, frozen=True, kw_only=True):
    """What access must know of the installation and may not keep in the database.

    `key` (at least 32 letters) is never used itself: each purpose gets a key of its own from it.
    `old`: keys before this one; what was made under them is still read.
    `https`: browsers reach the installation by HTTPS alone, so cookies are `Secure`.
    """

    key: str
    old: tuple[str, ...] = ()
    https: bool = False

    def key_for(self, purpose: str) -> bytes:
        """32 bytes for one purpose; from one purpose's nothing follows about another's."""
        return self.keys_for(purpose)[0]

    def keys_for(self, purpose: str) -> list[bytes]:
        """The purpose's key, then those that it had before."""
        return [
            hmac.digest(key.encode(), b"perpetua/" + purpose.encode(), hashlib.sha256) for key in (self.key, *self.old)
        ]


class Renewed(msgspec.Struct, frozen=True, kw_only=True):
    """How many encrypted secrets were written anew under the key in use, and how many no key reads."""

    renewed: int
    unreadable: int


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sign-in comes from."""

    address: str = "unknown"
    user_agent: str | None = None


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may sign in. `scope`: ids of the places they are confined to; null is everywhere."""

    id: int
    email: str
    name: str
    role: Role
    active: bool
    scope: list[int] | None
    second_factor: bool
    version: int
    created_at: datetime
    updated_at: datetime


class PeopleFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which people: `text` is part of a name or email."""

    text: str | None = None
    role: Role | None = None
    active: bool | None = None


class CreatePerson(Hidden, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new person. Without `password` they cannot sign in until they are given a one-time password."""

    email: str
    name: str
    role: Role
    password: str | None = None
    scope: list[int] | None = None


class ChangePerson(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; fields left out stay."""

    email: str | msgspec.UnsetType = msgspec.UNSET
    name: str | msgspec.UnsetType = msgspec.UNSET
    role: Role | msgspec.UnsetType = msgspec.UNSET
    active: bool | msgspec.UnsetType = msgspec.UNSET


class SetScope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The places a person is confined to, with all that lies in them; null is everywhere, an empty list nowhere."""

    scope: list[int] | None


class SignIn(Hidden, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who wants in. `code`: of the second factor, or a recovery code. `new_password`: in place of a one-time one."""

    email: str
    password: str
    code: str | None = None
    new_password: str | None = None


class SignedIn(Hidden, frozen=True, kw_only=True):
    """A session that began. `token` goes into the cookie and nowhere else."""

    token: str
    expires_at: datetime
    me: "Me"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One place where a person is signed in. `current`: it is the one that asks."""

    id: int
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    address: str | None
    user_agent: str | None
    current: bool = False


class ChangePassword(Hidden, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One's own password, by who knows the present one."""

    password: str
    new_password: str


class OneTimePassword(Hidden, frozen=True, kw_only=True):
    """Shown once, good once: whoever signs in with it must choose another."""

    password: str
    good_until: datetime


class Enrolment(Hidden, frozen=True, kw_only=True):
    """A second factor to be confirmed: `uri` is what an authenticator app scans, `secret` what it is typed as."""

    secret: str
    uri: str


class Codes(Hidden, frozen=True, kw_only=True):
    """Recovery codes, shown once; each is good once, in place of a code of the app."""

    recovery_codes: list[str]


class CreateToken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token for a program. What is left out is as its owner has it: all permissions, wherever they may act."""

    name: str
    expires_at: datetime
    permissions: list[Permission] | None = None
    scope: list[int] | None = None


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """An API token, without what it takes to use it. `hint`: its first letters."""

    id: int
    person_id: int
    name: str
    hint: str
    permissions: list[Permission]
    scope: list[int] | None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class TokenMade(Hidden, frozen=True, kw_only=True):
    """A new token; `secret` is shown this once."""

    secret: str
    token: Token


class Jwt(Hidden, frozen=True, kw_only=True):
    """A short-lived token, made from a session or an API token and dead with it."""

    access_token: str
    expires_at: datetime
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever asks, and what they may."""

    id: int
    name: str
    email: str
    role: Role
    permissions: list[Permission]
    scope: list[int] | None
    sees_costs: bool
    second_factor: bool
    via: Via


class AuditFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which changes; `since` is included, `until` is not."""

    kind: str | None = None
    id: str | None = None
    action: str | None = None
    actor_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One change: the fields that changed, as they were and as they became.

    `hidden` names the fields that this reader is not shown.
    """

    id: int
    at: datetime
    actor_id: int
    actor: str
    via: str
    kind: str
    subject_id: str
    action: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str | None
    hidden: list[str] = []
