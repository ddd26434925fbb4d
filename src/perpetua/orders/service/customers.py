"""Customers: who buys. Each change is in the audit trail."""

from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import UNSET
from psycopg import errors as pg

from perpetua.access.service import audit
from perpetua.access.types import Actor
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Missing, Stale
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.orders.errors import CustomerCodeTaken
from perpetua.orders.rules import check_customer
from perpetua.orders.tables import customers
from perpetua.orders.types import ChangeCustomer, CreateCustomer, CustomerFilters, KeptCustomer

__all__ = ["change_customer", "create_customer", "get_customer", "list_customers"]

_COLUMNS = [customers.c[name] for name in KeptCustomer.__struct_fields__]


async def list_customers(db: Database, actor: Actor, filters: CustomerFilters, page: PageRequest) -> Page[KeptCustomer]:
    """Customers by code."""
    actor.require("customers.read")
    code = sa.func.upper(customers.c.code)
    query = sa.select(*_COLUMNS).order_by(code).limit(page.limit + 1)
    if (after := page.after(str)) is not None:
        query = query.where(code > after[0])
    if filters.text:
        part = f"%{filters.text.replace('~', '~~').replace('%', '~%').replace('_', '~_')}%"
        query = query.where(sa.or_(customers.c.code.ilike(part, escape="~"), customers.c.name.ilike(part, escape="~")))
    if filters.tier is not None:
        query = query.where(customers.c.tier == filters.tier)
    if filters.active is not None:
        query = query.where(customers.c.active == filters.active)
    async with db.snapshot() as tx:
        rows = await tx.rows(query, as_=KeptCustomer)
    return page_of(rows, page, lambda row: [row.code.upper()])


async def get_customer(db: Database, actor: Actor, customer_id: int) -> KeptCustomer:
    """One customer.

    Raises:
        Missing: there is none.
    """
    actor.require("customers.read")
    async with db.snapshot() as tx:
        return await _read(tx, sa.select(*_COLUMNS).where(customers.c.id == customer_id), customer_id)


async def create_customer(
    db: Database, actor: Actor, command: CreateCustomer, *, key: str | None = None
) -> Answered[KeptCustomer]:
    """Make a customer.

    Raises:
        InvalidValue: a value that no customer can have.
        CustomerCodeTaken: there is one with this code.
    """
    actor.require("customers.write")
    fields = msgspec.structs.asdict(command)
    check_customer(fields)

    async def act(tx: Tx) -> KeptCustomer:
        made = await _written(tx, sa.insert(customers).values(**fields).returning(*_COLUMNS), command.code)
        await audit(tx, actor, "customer", made.id, "created", None, made)
        return made

    sent: dict[str, Any] = {"command": "create_customer", "body": command}
    return await once(db, sender=actor.person_id, key=key, **sent, answer=KeptCustomer, act=act)


async def change_customer(
    db: Database, actor: Actor, customer_id: int, command: ChangeCustomer, *, version: int, key: str | None = None
) -> Answered[KeptCustomer]:
    """Change a customer, or put it out of use: one that is not active can place no more orders.

    Raises:
        Missing, Stale, InvalidValue, CustomerCodeTaken
    """
    actor.require("customers.write")
    fields: dict[str, Any] = {n: v for n, v in msgspec.structs.asdict(command).items() if v is not UNSET}
    check_customer(fields)

    async def act(tx: Tx) -> KeptCustomer:
        this = sa.select(*_COLUMNS).where(customers.c.id == customer_id).with_for_update()
        before = await _read(tx, this, customer_id)
        if version != before.version:
            raise Stale(what="customer", key=customer_id, sent=version, current=before.version)
        new = {**fields, "version": before.version + 1, "updated_at": sa.func.now()}
        change = sa.update(customers).where(customers.c.id == customer_id).values(**new).returning(*_COLUMNS)
        after = await _written(tx, change, fields.get("code", before.code))
        await audit(tx, actor, "customer", customer_id, "updated", before, after)
        return after

    sent: dict[str, Any] = {"command": "change_customer", "body": [customer_id, version, command]}
    return await once(db, sender=actor.person_id, key=key, **sent, answer=KeptCustomer, act=act)


async def _read(tx: Tx, statement: sa.Executable, customer_id: int) -> KeptCustomer:
    found = await tx.maybe(statement, as_=KeptCustomer)
    if found is None:
        raise Missing("customer", customer_id)
    return found


async def _written(tx: Tx, statement: sa.Executable, code: str) -> KeptCustomer:
    try:
        async with tx.savepoint():
            made = await tx.maybe(statement, as_=KeptCustomer)
    except pg.UniqueViolation:
        raise CustomerCodeTaken(customer=code) from None
    assert made is not None
    return made
