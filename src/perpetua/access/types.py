"""Who acts, and what they may."""

from typing import Final, Literal, get_args

import msgspec

from perpetua.access.errors import OutOfScope
from perpetua.kit.errors import NotAllowed

__all__ = ["PERMISSIONS", "ROLES", "SYSTEM", "Actor", "Permission", "Role"]

Role = Literal["administrator", "inventory_manager", "warehouse_staff", "purchasing_staff", "viewer"]

Permission = Literal[
    "people.read", "people.write", "audit.read", "settings.write",
    "items.read", "items.write", "costs.read",
    "places.read", "places.write",
    "stock.read", "stock.receive", "stock.adjust", "stock.approve", "stock.transfer", "stock.sell",
    "stock.write_off", "stock.return", "stock.correct", "stock.scan",
    "imports.run", "exports.run", "integrity.read", "integrity.run",
]  # fmt: skip

PERMISSIONS: Final[frozenset[Permission]] = frozenset(get_args(Permission))

_READS: frozenset[Permission] = frozenset({"items.read", "places.read", "stock.read", "exports.run"})
_DOCK: frozenset[Permission] = frozenset({"stock.receive", "stock.scan"})
_FLOOR: frozenset[Permission] = _DOCK | frozenset[Permission](
    {"stock.adjust", "stock.transfer", "stock.write_off", "stock.return"}
)
_ADMINISTERS: frozenset[Permission] = frozenset({"people.write", "settings.write"})

ROLES: Final[dict[Role, frozenset[Permission]]] = {
    "administrator": PERMISSIONS,
    "inventory_manager": PERMISSIONS.difference(_ADMINISTERS),
    "warehouse_staff": _READS | _FLOOR,
    "purchasing_staff": _READS | _DOCK,
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
    via: Literal["session", "token", "jwt", "cli", "system"] = "session"

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
