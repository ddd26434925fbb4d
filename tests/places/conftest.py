"""People who act on places."""

from collections.abc import Sequence

import msgspec
import pytest

from perpetua.access.types import ROLES, SYSTEM, Actor
from perpetua.kit.database import Database
from perpetua.places import service
from perpetua.places.types import CreateLocation, Kind, Location


@pytest.fixture(scope="session")
def manager() -> Actor:
    """May change places everywhere; acts as the system, so that no person need be made."""
    return msgspec.structs.replace(SYSTEM, role="inventory_manager", permissions=ROLES["inventory_manager"])


def confined(actor: Actor, places: Sequence[Location]) -> Actor:
    """The same, but only within these places."""
    return msgspec.structs.replace(actor, scope=frozenset(place.id for place in places))


async def make(db: Database, actor: Actor, code: str, kind: Kind, parent: str | int | None = None) -> Location:
    """A new place."""
    return (await service.create(db, actor, CreateLocation(code=code, kind=kind, parent=parent))).answer
