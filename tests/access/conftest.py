"""People to act as."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from perpetua.access import service
from perpetua.access.rules import effective
from perpetua.access.types import SYSTEM, Actor, CreatePerson, Person, Secrets
from perpetua.kit.database import Database, sql

PASSWORD = "three wet forklifts"
KEYS = Secrets(key="a secret of at least thirty-two letters")

MakePerson = Callable[..., Awaitable[Person]]


@pytest.fixture
def make_person(db: Database) -> MakePerson:
    """Make a person with PASSWORD and a new email."""

    async def make(role: str = "viewer", **fields: Any) -> Person:
        email = f"{uuid.uuid4().hex[:10]}@example.com"
        values: dict[str, Any] = {"email": email, "name": "Ann Example", "role": role, "password": PASSWORD, **fields}
        return (await service.create_person(db, SYSTEM, CreatePerson(**values))).answer

    return make


@pytest.fixture(scope="module")
async def places(db: Database) -> dict[str, int]:
    """Two sites, each with a zone and in it a bin: N, N-Z, N-Z-1, S, S-Z, S-Z-1."""
    made: dict[str, int] = {}
    insert = sql(
        "INSERT INTO locations (parent_id, code, name, kind) "
        "VALUES (%(parent)s, %(code)s, %(code)s, %(kind)s) RETURNING id"
    )
    async with db.transaction() as tx:
        for site in "NS":
            parent = None
            for code, kind in ((site, "warehouse"), (f"{site}-Z", "zone"), (f"{site}-Z-1", "bin")):
                parent = made[code] = await tx.value(insert, {"parent": parent, "code": code, "kind": kind})
    return made


def acting(person: Person, **fields: Any) -> Actor:
    """The person as an actor."""
    scope = None if person.scope is None else frozenset(person.scope)
    values: dict[str, Any] = {"permissions": effective(person.role), "scope": scope, **fields}
    return Actor(person_id=person.id, name=person.name, role=person.role, **values)
