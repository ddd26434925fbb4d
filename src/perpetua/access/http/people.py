"""People over HTTP."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Response, delete, get, patch, post, put
from litestar.params import Parameter

from perpetua.access import service
from perpetua.access.types import (
    ROLES,
    Actor,
    ChangePerson,
    CreatePerson,
    OneTimePassword,
    PeopleFilters,
    Permission,
    Person,
    Role,
    SetScope,
)
from perpetua.kit.database import Database
from perpetua.kit.http import Id, IdempotencyKey, IfMatch, etag, reply, version_of
from perpetua.kit.listing import Page, PageRequest

__all__ = ["handlers"]

TAGS: Final = ["access"]


class RoleShown(msgspec.Struct, frozen=True, kw_only=True):
    """A role and its permissions."""

    role: Role
    permissions: list[Permission]


@get("/api/people", tags=TAGS)
async def list_people(
    db: Database,
    actor: Actor,
    page: PageRequest,
    q: Annotated[str | None, Parameter(max_length=200, description="Part of a name or email.")] = None,
    role: Annotated[Role | None, Parameter(description="Only with this role.")] = None,
    active: Annotated[bool | None, Parameter(description="Only those who may sign in, or only the others.")] = None,
) -> Page[Person]:
    """People by name (`sort=name`) or `email`. Needs `people.read`."""
    return await service.list_people(db, actor, PeopleFilters(text=q, role=role, active=active), page)


@post("/api/people", tags=TAGS, status_code=201)
async def create_person(
    data: CreatePerson, db: Database, actor: Actor, idempotency_key: IdempotencyKey = None
) -> Response[Person]:
    """Add a person. Needs `people.write`, and all that the new person is to have."""
    made = await service.create_person(db, actor, data, key=idempotency_key)
    return reply(made, version=made.answer.version)


@get("/api/people/{person_id:int}", tags=TAGS)
async def get_person(person_id: Id, db: Database, actor: Actor) -> Response[Person]:
    """One person. Needs `people.read`."""
    return _versioned(await service.get_person(db, actor, person_id))


@patch("/api/people/{person_id:int}", tags=TAGS)
async def change_person(
    person_id: Id, data: ChangePerson, db: Database, actor: Actor, if_match: IfMatch = None
) -> Response[Person]:
    """Change name, email, role, or whether they are active; fields left out stay. Needs `people.write`.

    Who is deactivated is out at once: sessions end and API tokens are revoked. The last active administrator can be
    neither deactivated nor given another role.
    """
    return _versioned(await service.change_person(db, actor, person_id, data, version=version_of(if_match)))


@put("/api/people/{person_id:int}/scope", tags=TAGS)
async def set_scope(
    person_id: Id, data: SetScope, db: Database, actor: Actor, if_match: IfMatch = None
) -> Response[Person]:
    """Confine a person to places and all that lies in them. Needs `people.write`."""
    return _versioned(await service.set_scope(db, actor, person_id, data, version=version_of(if_match)))


@post("/api/people/{person_id:int}/password-reset", tags=TAGS, status_code=201)
async def reset_password(person_id: Id, db: Database, actor: Actor) -> OneTimePassword:
    """Give out a password for one sign-in within 24 hours, shown this once. Needs `people.write`."""
    return await service.reset_password(db, actor, person_id)


@delete("/api/people/{person_id:int}/second-factor", tags=TAGS)
async def reset_second_factor(person_id: Id, db: Database, actor: Actor) -> None:
    """Take away the second factor of somebody who lost theirs. Needs `people.write`."""
    await service.reset_second_factor(db, actor, person_id)


@get("/api/roles", tags=TAGS)
async def list_roles(actor: Actor) -> list[RoleShown]:
    """The roles, and the permissions of each."""
    return [RoleShown(role=role, permissions=sorted(permissions)) for role, permissions in ROLES.items()]


def _versioned(person: Person) -> Response[Person]:
    return Response(person, headers={"ETag": etag(person.version)})


handlers: list[Any] = [
    list_people, create_person, get_person, change_person, set_scope, reset_password, reset_second_factor, list_roles,
]  # fmt: skip
