"""The category tree. Changes of its shape wait for each other, so that no two moves make a cycle together."""

from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import UNSET
from psycopg import errors as pg

from perpetua.access.service import audit
from perpetua.access.types import Actor
from perpetua.items import rules, store
from perpetua.items.errors import CodeTaken, InUse
from perpetua.items.tables import categories
from perpetua.items.types import Category, ChangeCategory, CreateCategory
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue, Missing, Stale
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.listing import Page, PageRequest, page_of

__all__ = ["change_category", "create_category", "list_categories", "read_category", "remove_category"]

MAX_DEPTH = 20
_COLUMNS = [categories.c[name] for name in ("id", "parent_id", "path", "code", "name", "version")]


async def list_categories(
    db: Database, actor: Actor, page: PageRequest, *, parent_id: int | None = None, within: int | None = None
) -> Page[Category]:
    """Categories by code: all, the children of `parent_id` (0: those at the top), or the subtree `within`."""
    actor.require("items.read")
    if page.sort not in ("", "code"):
        raise InvalidValue("sort", page.sort, "categories are sorted by code")
    upper = sa.func.upper(categories.c.code)
    query = sa.select(*_COLUMNS).order_by(upper).limit(page.limit + 1)
    if parent_id is not None:
        query = query.where(categories.c.parent_id == parent_id if parent_id else categories.c.parent_id.is_(None))
    if within is not None:
        query = query.where(categories.c.path.contains([within]))
    if after := page.after(str):
        query = query.where(upper > sa.func.upper(after[0]))
    async with db.snapshot() as tx:
        return page_of(await tx.rows(query, as_=Category), page, lambda category: [category.code])


async def read_category(db: Database, actor: Actor, category_id: int) -> Category:
    """One category.

    Raises:
        Missing: there is none.
    """
    actor.require("items.read")
    async with db.snapshot() as tx:
        return await _read(tx, category_id)


async def create_category(
    db: Database, actor: Actor, command: CreateCategory, *, key: str | None = None
) -> Answered[Category]:
    """Make a category below another, or at the top.

    Raises:
        CodeTaken: there is one with this code. InvalidValue: no such parent, or too deep.
    """
    actor.require("items.write")
    fields: dict[str, Any] = {"code": rules.clean_code(command.code), "name": rules.clean_name(command.name)}

    async def act(tx: Tx) -> Category:
        await tx.execute(store.Q["lock_categories"])
        await _above(tx, command.parent_id)
        insert = sa.insert(categories).values(**fields, parent_id=command.parent_id).returning(*_COLUMNS)
        made = await _written(tx, insert, fields["code"])
        await audit(tx, actor, "category", made.id, "created", None, made)
        return made

    return await once(
        db, sender=actor.person_id, key=key, command="create_category", body=command, answer=Category, act=act
    )


async def change_category(
    db: Database,
    actor: Actor,
    category_id: int,
    command: ChangeCategory,
    *,
    version: int | None = None,
    key: str | None = None,
) -> Answered[Category]:
    """Rename a category, or move it with all that is below it.

    Raises:
        Missing, Stale, CodeTaken. InvalidValue: no such parent, too deep, or a move below itself.
    """
    actor.require("items.write")
    fields: dict[str, Any] = {n: v for n, v in msgspec.structs.asdict(command).items() if v is not UNSET}
    if "code" in fields:
        fields["code"] = rules.clean_code(fields["code"])
    if "name" in fields:
        fields["name"] = rules.clean_name(fields["name"])

    async def act(tx: Tx) -> Category:
        await tx.execute(store.Q["lock_categories"])
        before = await _read(tx, category_id)
        if version is not None and version != before.version:
            raise Stale(what="category", key=category_id, sent=version, current=before.version)
        if "parent_id" in fields and fields["parent_id"] != before.parent_id:
            await _move(tx, before, fields["parent_id"])
        new = {name: value for name, value in fields.items() if name != "parent_id"}
        new |= {"version": before.version + 1, "updated_at": sa.func.now()}
        change = sa.update(categories).where(categories.c.id == category_id).values(**new).returning(*_COLUMNS)
        after = await _written(tx, change, new.get("code", before.code))
        await audit(tx, actor, "category", category_id, "updated", before, after)
        return after

    body = [category_id, version, command]
    return await once(
        db, sender=actor.person_id, key=key, command="change_category", body=body, answer=Category, act=act
    )


async def remove_category(db: Database, actor: Actor, category_id: int, *, version: int | None = None) -> None:
    """Remove a category that holds neither products nor categories.

    Raises:
        Missing, Stale. InUse: tells how many of each it holds.
    """
    actor.require("items.write")

    async def act(tx: Tx) -> None:
        await tx.execute(store.Q["lock_categories"])
        category = await _read(tx, category_id)
        if version is not None and version != category.version:
            raise Stale(what="category", key=category_id, sent=version, current=category.version)
        load = (await tx.dicts(store.Q["category_load"], {"id": category_id}))[0]
        if load["children"] or load["products"]:
            reason = f"it holds {load['products']} products and {load['children']} categories"
            raise InUse(what="category", key=category.code, reason=reason, **load)
        try:
            async with tx.savepoint():
                await tx.execute(sa.delete(categories).where(categories.c.id == category_id))
        except pg.ForeignKeyViolation:
            raise InUse(what="category", key=category.code, reason="a product was put into it meanwhile") from None
        await audit(tx, actor, "category", category_id, "removed", category, None)

    await db.run(act)


async def _move(tx: Tx, category: Category, parent_id: int | None) -> None:
    above = await _above(tx, parent_id)
    if category.id in above:
        raise InvalidValue("parent_id", str(parent_id), "lies below this category itself")
    await tx.execute(store.Q["move_category"], {"id": category.id, "above": above, "parent_id": parent_id})


async def _above(tx: Tx, parent_id: int | None) -> list[int]:
    if parent_id is None:
        return []
    try:
        path = (await _read(tx, parent_id)).path
    except Missing:
        raise InvalidValue("parent_id", str(parent_id), "there is no such category") from None
    if len(path) >= MAX_DEPTH:
        raise InvalidValue("parent_id", str(parent_id), f"lies too deep; at most {MAX_DEPTH} levels")
    return path


async def _read(tx: Tx, category_id: int) -> Category:
    this = sa.select(*_COLUMNS).where(categories.c.id == category_id)
    found = await tx.maybe(this, as_=Category) if 0 < category_id < 2**63 else None
    if found is None:
        raise Missing("category", category_id)
    return found


async def _written(tx: Tx, statement: sa.Executable, code: str) -> Category:
    try:
        async with tx.savepoint():
            made = await tx.maybe(statement, as_=Category)
    except pg.UniqueViolation:
        raise CodeTaken(what="category", key=code) from None
    assert made is not None
    return made
