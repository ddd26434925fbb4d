"""Suppliers one by one. Each change is in the audit trail."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from perpetua.access.service import Change, audit, audit_many
from perpetua.access.types import Actor
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Missing, Stale
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.listing import Page, PageRequest
from perpetua.partners import store
from perpetua.partners.rules import check_supplier
from perpetua.partners.types import Calendar, ChangeSupplier, CreateSupplier, Supplier, SupplierFilters, Terms

__all__ = ["change_supplier", "create_supplier", "get_supplier", "list_suppliers", "make_missing"]


async def list_suppliers(db: Database, actor: Actor, filters: SupplierFilters, page: PageRequest) -> Page[Supplier]:
    """Suppliers by `code` (the default) or `name`.

    Raises:
        InvalidValue: unknown order or foreign cursor.
    """
    actor.require("suppliers.read")
    async with db.snapshot() as tx:
        return await store.page(tx, filters, page)


async def get_supplier(db: Database, actor: Actor, supplier_id: int) -> Supplier:
    """One supplier.

    Raises:
        Missing: there is none.
    """
    actor.require("suppliers.read")
    async with db.snapshot() as tx:
        return _there(await store.read(tx, supplier_id), supplier_id)


async def create_supplier(
    db: Database, actor: Actor, command: CreateSupplier, *, key: str | None = None
) -> Answered[Supplier]:
    """Make a supplier.

    Raises:
        InvalidValue: a value that no supplier can have.
        SupplierCodeTaken: there is one with this code.
    """
    actor.require("suppliers.write")
    fields = whole(command)
    check_supplier(fields)

    async def act(tx: Tx) -> Supplier:
        made = await store.insert(tx, fields)
        await audit(tx, actor, "supplier", made.id, "created", None, made)
        return made

    sent: dict[str, Any] = {"command": "partners.create_supplier", "body": command}
    return await once(db, sender=actor.person_id, key=key, **sent, answer=Supplier, act=act)


async def change_supplier(
    db: Database, actor: Actor, supplier_id: int, command: ChangeSupplier, *, version: int, key: str | None = None
) -> Answered[Supplier]:
    """Change a supplier, or put it out of use: one that is not active gets no new orders.

    Raises:
        Missing, Stale, InvalidValue, SupplierCodeTaken
    """
    actor.require("suppliers.write")
    fields: dict[str, Any] = {n: v for n, v in msgspec.structs.asdict(command).items() if v is not UNSET}
    check_supplier(fields)

    async def act(tx: Tx) -> Supplier:
        before = _there(await store.read(tx, supplier_id, lock=True), supplier_id)
        if version != before.version:
            raise Stale(what="supplier", key=supplier_id, sent=version, current=before.version)
        after = await store.update(tx, before, fields)
        await audit(tx, actor, "supplier", supplier_id, "updated", before, after)
        return after

    sent: dict[str, Any] = {"command": "partners.change_supplier", "body": [supplier_id, version, command]}
    return await once(db, sender=actor.person_id, key=key, **sent, answer=Supplier, act=act)


def whole(command: CreateSupplier) -> dict[str, Any]:
    """The fields of a supplier to be made, with what is not said as it is by default."""
    fields = {name: value for name, value in msgspec.structs.asdict(command).items() if value is not UNSET}
    return {"terms": Terms(), "calendar": Calendar()} | fields


async def make_missing(tx: Tx, actor: Actor, new: Sequence[CreateSupplier]) -> int:
    """Make those whose code is free, in one statement; how many were made.

    Raises:
        InvalidValue: a value that no supplier can have.
    """
    actor.require("suppliers.write")
    wanted = [whole(one) for one in new]
    for fields in wanted:
        check_supplier(fields)
    made = await store.write_many(tx, wanted) if new else []
    await audit_many(
        tx, actor, "supplier", [Change(id=at, action="created", after={"code": code}) for at, code in made]
    )
    return len(made)


def _there(found: Supplier | None, supplier_id: int) -> Supplier:
    if found is None:
        raise Missing("supplier", supplier_id)
    return found
