"""People: who they are, what they may, where.

Always true:
- Nobody grants a permission or a place that they do not have, nor changes somebody who has more than they.
- At least one active administrator remains, whatever is done at once.
- Who is deactivated is out at once: sessions end, API tokens are revoked, and nothing comes back with reactivation.
- Each change and its row in the trail are one transaction.
"""

from typing import Any, Final

import msgspec
from psycopg import errors as pg

from perpetua.access import rules, store
from perpetua.access.errors import BeyondOwnRights, EmailTaken, LastAdministrator
from perpetua.access.service import crypto
from perpetua.access.service.audit import audit
from perpetua.access.types import (
    ROLES,
    Actor,
    ChangePerson,
    CreatePerson,
    PeopleFilters,
    Person,
    SetScope,
)
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue, Missing, NotAllowed, Stale
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.listing import Page, PageRequest, page_of

__all__ = [
    "change_person", "create_person", "find_person", "get_person", "hold", "list_people", "manageable",
    "own_credentials", "set_scope",
]  # fmt: skip

MAX_SCOPE: Final = 1000


async def create_person(
    db: Database, actor: Actor, command: CreatePerson, *, key: str | None = None
) -> Answered[Person]:
    """Add a person.

    Raises:
        NotAllowed, BeyondOwnRights: the actor may not, or grants more than they have.
        EmailTaken, WeakPassword, InvalidValue
    """
    actor.require("people.write")
    rules.require_grantable(actor, ROLES[command.role])
    email, name = rules.check_email(command.email), rules.check_name(command.name)
    password_hash = None
    if command.password is not None:
        password_hash = await crypto.hashed(rules.check_password(command.password, email=email, name=name))

    async def act(tx: Tx) -> Person:
        await _require_scope(tx, actor, command.scope)
        try:
            async with tx.savepoint():
                made = await store.add_person(
                    tx, email=email, name=name, role=command.role, password_hash=password_hash
                )
        except pg.UniqueViolation:
            raise EmailTaken(email=email) from None
        if command.scope is not None:
            await _put_scope(tx, made, command.scope)
        person = await _get(tx, made)
        await audit(tx, actor, "person", made, "created", None, _facts(person))
        return person

    body = msgspec.structs.replace(command, password=None)  # a fast hash of a password must not be kept
    return await once(db, sender=actor.person_id, key=key, command="create_person", body=body, answer=Person, act=act)


async def change_person(
    db: Database, actor: Actor, person_id: int, command: ChangePerson, *, version: int | None = None
) -> Person:
    """Change name, email, role or whether they are active; with `version`, only that version.

    Raises:
        Missing, Stale, EmailTaken, LastAdministrator, BeyondOwnRights, InvalidValue
    """
    actor.require("people.write")
    values = {n: v for n in command.__struct_fields__ if (v := getattr(command, n)) is not msgspec.UNSET}
    if "role" in values:
        rules.require_grantable(actor, ROLES[values["role"]])
    if "email" in values:
        values["email"] = rules.check_email(values["email"])
    if "name" in values:
        values["name"] = rules.check_name(values["name"])

    async def act(tx: Tx) -> Person:
        administrators = await store.lock_administrators(tx)
        before = await hold(tx, actor, person_id, version)
        after = msgspec.structs.replace(before, **values)
        stays = after.active and after.role == "administrator"
        if person_id in administrators and not stays and len(administrators) == 1:
            raise LastAdministrator(name=before.name)
        if after == before:
            return before
        try:
            async with tx.savepoint():
                await store.change_person(tx, person_id, **values)
        except pg.UniqueViolation:
            raise EmailTaken(email=after.email) from None
        if before.active and not after.active:
            await store.end_sessions(tx, person_id)
            await store.revoke_tokens(tx, person_id)
        person = await _get(tx, person_id)
        await audit(tx, actor, "person", person_id, _action(before, person), _facts(before), _facts(person))
        return person

    return await db.run(act)


async def set_scope(
    db: Database, actor: Actor, person_id: int, command: SetScope, *, version: int | None = None
) -> Person:
    """Confine a person to places and what lies in them; with `version`, only that version.

    Raises:
        Missing: the person, or one of the places.
        Stale, BeyondOwnRights
    """
    actor.require("people.write")

    async def act(tx: Tx) -> Person:
        before = await hold(tx, actor, person_id, version)
        await _require_scope(tx, actor, command.scope)
        await _put_scope(tx, person_id, command.scope)
        person = await _get(tx, person_id)
        await audit(tx, actor, "person", person_id, "scope_set", _facts(before), _facts(person))
        return person

    return await db.run(act)


async def get_person(db: Database, actor: Actor, person_id: int) -> Person:
    """One person.

    Raises:
        Missing, NotAllowed
    """
    actor.require("people.read")
    async with db.snapshot() as tx:
        return await _get(tx, person_id)


async def find_person(db: Database, actor: Actor, email: str) -> Person:
    """The person with this email.

    Raises:
        Missing, NotAllowed
    """
    actor.require("people.read")
    async with db.snapshot() as tx:
        found = await store.person_id_of(tx, email)
        if found is None:
            raise Missing("person", email)
        return await _get(tx, found)


async def list_people(db: Database, actor: Actor, filters: PeopleFilters, page: PageRequest) -> Page[Person]:
    """People by name (or `email`); confined to nothing, as people are not in places.

    Raises:
        NotAllowed
    """
    actor.require("people.read")
    async with db.snapshot() as tx:
        rows = await store.list_people(tx, filters, page)
    return page_of(rows, page, lambda p: [p.email if page.sort == "email" else p.name, p.id])


async def manageable(tx: Tx, actor: Actor, person: Person) -> None:
    """Raises BeyondOwnRights: the person has a permission or a place that the actor has not."""
    rules.require_grantable(actor, ROLES[person.role])
    await _require_scope(tx, actor, person.scope)


def own_credentials(actor: Actor) -> None:
    """Raises NotAllowed: passwords, second factors and tokens are changed by a signed-in person, never by a token."""
    if actor.token_id is not None or actor.via == "jwt" or actor.person_id == 0:
        raise NotAllowed(permission="a session of your own")


async def hold(tx: Tx, actor: Actor, person_id: int, version: int | None = None) -> Person:
    """A person whom the actor may change, held until the transaction ends.

    Raises:
        Missing, Stale, BeyondOwnRights
    """
    person = await store.person(tx, person_id, lock=True)
    if person is None:
        raise Missing("person", person_id)
    await manageable(tx, actor, person)
    if version is not None and version != person.version:
        raise Stale(what="person", key=person_id, sent=version, current=person.version)
    return person


async def _get(tx: Tx, person_id: int) -> Person:
    person = await store.person(tx, person_id)
    if person is None:
        raise Missing("person", person_id)
    return person


async def _require_scope(tx: Tx, actor: Actor, scope: list[int] | None) -> None:
    if actor.scope_ids is None:
        return
    if scope is None:
        raise BeyondOwnRights(beyond="all places", places=None)
    if beyond := await store.scope_beyond(tx, actor.scope_ids, scope):
        raise BeyondOwnRights(beyond=f"places {beyond}", places=beyond)


async def _put_scope(tx: Tx, person_id: int, scope: list[int] | None) -> None:
    if scope is not None and len(scope) > MAX_SCOPE:
        raise InvalidValue("scope", len(scope), f"has more than {MAX_SCOPE} places; name what they lie in")
    try:
        async with tx.savepoint():
            await store.set_scope(tx, person_id, None if scope is None else sorted(set(scope)))
    except pg.ForeignKeyViolation as error:
        raise Missing("place", (error.diag.message_detail or "").partition(")=(")[2].partition(")")[0]) from None


def _facts(person: Person) -> dict[str, Any]:
    return {name: getattr(person, name) for name in ("email", "name", "role", "active", "scope")}


def _action(before: Person, after: Person) -> str:
    if before.active != after.active:
        return "activated" if after.active else "deactivated"
    return "role_set" if before.role != after.role else "updated"
