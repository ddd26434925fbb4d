"""People who work with items."""

import pytest

from perpetua.access.types import ROLES, Actor, Permission, Role


def _actor(role: Role) -> Actor:
    return Actor(person_id=0, name=role, role=role, permissions=ROLES[role])


@pytest.fixture(scope="session")
def manager() -> Actor:
    """May write items, and sees cost prices."""
    return _actor("inventory_manager")


@pytest.fixture(scope="session")
def viewer() -> Actor:
    """May read, without cost prices."""
    return _actor("viewer")


@pytest.fixture(scope="session")
def clerk() -> Actor:
    """May write items, and sees no cost prices."""
    return Actor(
        person_id=0,
        name="clerk",
        role="warehouse_staff",
        permissions=ROLES["warehouse_staff"] | frozenset[Permission]({"items.write"}),
    )
