"""Owners: whose goods an item is. Owner 1 is the company itself, and stays."""

from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import UNSET
from psycopg import errors as pg

from perpetua.access.service import audit
from perpetua.access.types import Actor
from perpetua.items import rules
from perpetua.items.errors import CodeTaken, InUse
from perpetua.items.tables import owners
from perpetua.items.types import OWN, ChangeOwner, CreateOwner, Owner
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Missing, Stale
from perpetua.kit.idempotency import Answered, once

__all__ = ["change_owner", "create_owner", "list_owners", "read_owner"]

_COLUMNS = [owners.c[name] for name in ("id", "code", "name", "active", "version")]


async def list_owners(db: Database, actor: Actor) -> list[Owner]:
    """All owners, by code."""
    actor.require("items.read")
    async with db.snapshot() as tx:
        return await tx.rows(sa.select(*_COLUMNS).order_by(sa.func.upper(owners.c.code)), as_=Owner)


async def read_owner(db: Database, actor: Actor, owner_id: int) -> Owner:
    """One owner.

    Raises:
        Missing: there is none.
    """
    actor.require("items.read")
    async with db.snapshot() as tx:
        return await _read(tx, sa.select(*_COLUMNS).where(owners.c.id == owner_id), owner_id)


async def create_owner(db: Database, actor: Actor, command: CreateOwner, *, key: str | None = None) -> Answered[Owner]:
    """Make an owner.

    Raises:
        CodeTaken: there is one with this code.
    """
    actor.require("items.write")
    fields = {"code": rules.clean_code(command.code), "name": rules.clean_name(command.name)}

    async def act(tx: Tx) -> Owner:
        made = await _written(tx, sa.insert(owners).values(**fields).returning(*_COLUMNS), fields["code"])
        await audit(tx, actor, "owner", made.id, "created", None, made)
        return made

    return await once(db, sender=actor.person_id, key=key, command="create_owner", body=command, answer=Owner, act=act)


async def change_owner(
    db: Database,
    actor: Actor,
    owner_id: int,
    command: ChangeOwner,
    *,
    version: int | None = None,
    key: str | None = None,
) -> Answered[Owner]:
    """Change an owner; one that is not active gets no new items.

    Raises:
        Missing, Stale, CodeTaken. InUse: the company itself can't be made inactive.
    """
    actor.require("items.write")
    fields: dict[str, Any] = {n: v for n, v in msgspec.structs.asdict(command).items() if v is not UNSET}
    if "code" in fields:
        fields["code"] = rules.clean_code(fields["code"])
    if "name" in fields:
        fields["name"] = rules.clean_name(fields["name"])
    if owner_id == OWN and fields.get("active") is False:
        raise InUse(what="owner", key=owner_id, reason="it is the company itself, and stays active")

    async def act(tx: Tx) -> Owner:
        this = sa.select(*_COLUMNS).where(owners.c.id == owner_id).with_for_update()
        before = await _read(tx, this, owner_id)
        if version is not None and version != before.version:
            raise Stale(what="owner", key=owner_id, sent=version, current=before.version)
        new = {**fields, "version": before.version + 1, "updated_at": sa.func.now()}
        change = sa.update(owners).where(owners.c.id == owner_id).values(**new).returning(*_COLUMNS)
        after = await _written(tx, change, fields.get("code", before.code))
        await audit(tx, actor, "owner", owner_id, "updated", before, after)
        return after

    body = [owner_id, version, command]
    return await once(db, sender=actor.person_id, key=key, command="change_owner", body=body, answer=Owner, act=act)


async def _read(tx: Tx, statement: sa.Executable, owner_id: int) -> Owner:
    found = await tx.maybe(statement, as_=Owner) if 0 < owner_id < 2**63 else None
    if found is None:
        raise Missing("owner", owner_id)
    return found


async def _written(tx: Tx, statement: sa.Executable, code: str) -> Owner:
    try:
        async with tx.savepoint():
            made = await tx.maybe(statement, as_=Owner)
    except pg.UniqueViolation:
        raise CodeTaken(what="owner", key=code) from None
    assert made is not None
    return made
