"""Runs the statements of partners; returns their types."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from psycopg import errors as pg

from perpetua.kit import json
from perpetua.kit.database import Queries, Tx
from perpetua.kit.errors import InvalidValue
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.partners.errors import SupplierCodeTaken
from perpetua.partners.tables import suppliers
from perpetua.partners.types import (
    Address,
    Calendar,
    Contact,
    Supplier,
    SupplierFilters,
    SupplierRef,
    Terms,
)

__all__ = [
    "by_codes", "by_ids", "insert", "lock_ids", "lock_many", "page", "read", "remove_many", "stream", "taken",
    "update", "update_many", "write_many",
]  # fmt: skip

Q = Queries(__file__)

_SORTS: Mapping[str, sa.ColumnElement[str]] = {
    "": sa.func.upper(suppliers.c.code), "code": sa.func.upper(suppliers.c.code),
    "name": sa.func.upper(suppliers.c.name),
}  # fmt: skip


async def by_codes(tx: Tx, codes: Iterable[str]) -> dict[str, SupplierRef]:
    """The suppliers with these codes, by the code in capitals; one statement."""
    wanted = sorted({code.upper() for code in codes})
    if not wanted:
        return {}
    found = await tx.dicts(sa.select(suppliers).where(sa.func.upper(suppliers.c.code).in_(wanted)))
    return {row["code"].upper(): _ref(row) for row in found}


async def by_ids(tx: Tx, ids: Iterable[int]) -> dict[int, SupplierRef]:
    """The suppliers with these ids; one statement."""
    found = await tx.dicts(sa.select(suppliers).where(suppliers.c.id.in_(sorted(set(ids)))))
    return {row["id"]: _ref(row) for row in found}


async def read(tx: Tx, supplier_id: int, *, lock: bool = False) -> Supplier | None:
    """One supplier."""
    this = sa.select(suppliers).where(suppliers.c.id == supplier_id)
    rows = await tx.dicts(this.with_for_update() if lock else this)
    return _supplier(rows[0]) if rows else None


async def page(tx: Tx, filters: SupplierFilters, page: PageRequest) -> Page[Supplier]:
    """A page of suppliers, by code or name.

    Raises:
        InvalidValue: unknown order or foreign cursor.
    """
    if (key := _SORTS.get(page.sort)) is None:
        raise InvalidValue("sort", page.sort, "is not an order of this list; use code or name")
    query = _filtered(filters).order_by(key, suppliers.c.id).limit(page.limit + 1)
    if (after := page.after(str, int)) is not None:
        query = query.where(sa.tuple_(key, suppliers.c.id) > sa.tuple_(*map(sa.literal, after)))
    by = page.sort or "code"
    rows = [_supplier(row) for row in await tx.dicts(query)]
    return page_of(rows, page, lambda row: [getattr(row, by).upper(), row.id])


async def stream(tx: Tx, filters: SupplierFilters) -> AsyncIterator[list[Supplier]]:
    """All that pass, by code, in batches."""
    columns = [column.name for column in suppliers.columns]
    async for rows in tx.tuples(_filtered(filters).order_by(_SORTS[""])):
        yield [_supplier(dict(zip(columns, row, strict=True))) for row in rows]


async def insert(tx: Tx, fields: Mapping[str, Any]) -> Supplier:
    """Make one. Raises SupplierCodeTaken."""
    return await _written(tx, sa.insert(suppliers).values(**columns_of(fields)).returning(suppliers), fields["code"])


async def update(tx: Tx, before: Supplier, fields: Mapping[str, Any]) -> Supplier:
    """Change one, which is locked. Raises SupplierCodeTaken."""
    new = {**columns_of(fields), "version": before.version + 1, "updated_at": sa.func.now()}
    change = sa.update(suppliers).where(suppliers.c.id == before.id).values(**new).returning(suppliers)
    return await _written(tx, change, fields.get("code", before.code))


async def taken(tx: Tx, codes: Iterable[str]) -> dict[str, int]:
    """The ids of those that are there, by their code in capitals."""
    return {code: one.id for code, one in (await by_codes(tx, codes)).items()}


async def write_many(tx: Tx, new: Sequence[Mapping[str, Any]]) -> list[tuple[int, str]]:
    """Make those whose code is free, in one statement; ids and codes of what was made."""
    rows = [columns_of(one, plain=True) for one in new]
    made = await tx.dicts(Q["write_many"], {"rows": json.dumps(rows).decode()})
    return [(row["id"], row["code"]) for row in made]


async def update_many(tx: Tx, changed: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """Write the fields of suppliers that are locked, whole, in one statement."""
    if changed:
        rows = [{**columns_of(fields, plain=True), "id": own} for own, fields in changed]
        await tx.execute(Q["update_many"], {"rows": json.dumps(rows).decode()})


async def lock_many(tx: Tx, codes: Iterable[str]) -> list[Supplier]:
    """The suppliers with these codes, locked in the order of their ids."""
    wanted = sorted({code.upper() for code in codes})
    return await _locked(tx, sa.func.upper(suppliers.c.code).in_(wanted))


async def lock_ids(tx: Tx, ids: Iterable[int]) -> list[Supplier]:
    """The suppliers with these ids, locked in their order."""
    return await _locked(tx, suppliers.c.id.in_(sorted(set(ids))))


async def remove_many(tx: Tx, ids: Sequence[int]) -> None:
    """Remove suppliers that nothing names."""
    await tx.execute(sa.delete(suppliers).where(suppliers.c.id.in_(list(ids))))


async def _locked(tx: Tx, which: sa.ColumnElement[bool]) -> list[Supplier]:
    query = sa.select(suppliers).where(which).order_by(suppliers.c.id).with_for_update()
    return [_supplier(row) for row in await tx.dicts(query)]


def columns_of(fields: Mapping[str, Any], *, plain: bool = False) -> dict[str, Any]:
    """A supplier's fields as columns. `plain`: for JSON."""
    columns = {name: value for name, value in fields.items() if name not in {"terms", "calendar"}}
    for name in ("terms", "calendar"):
        if name in fields:
            columns |= msgspec.structs.asdict(fields[name])
    for name in ("addresses", "contacts"):
        if name in columns and not plain:
            columns[name] = json.dumps(list(columns[name])).decode()
    return columns


def _filtered(filters: SupplierFilters) -> sa.Select[Any]:
    query = sa.select(suppliers)
    if filters.text:
        part = f"%{filters.text.replace('~', '~~').replace('%', '~%').replace('_', '~_')}%"
        query = query.where(sa.or_(suppliers.c.code.ilike(part, escape="~"), suppliers.c.name.ilike(part, escape="~")))
    if filters.active is not None:
        query = query.where(suppliers.c.active == filters.active)
    return query


async def _written(tx: Tx, statement: sa.Executable, code: str) -> Supplier:
    try:
        async with tx.savepoint():
            rows = await tx.dicts(statement)
    except pg.UniqueViolation:
        raise SupplierCodeTaken(supplier=code) from None
    return _supplier(rows[0])


def _calendar(row: dict[str, Any]) -> Calendar:
    return Calendar(**{name: row.pop(name) for name in Calendar.__struct_fields__})


def _supplier(row: dict[str, Any]) -> Supplier:
    terms, calendar = Terms(**{name: row.pop(name) for name in Terms.__struct_fields__}), _calendar(row)
    addresses = msgspec.convert(row.pop("addresses"), list[Address])
    contacts = msgspec.convert(row.pop("contacts"), list[Contact])
    return Supplier(**row, terms=terms, calendar=calendar, addresses=addresses, contacts=contacts)


def _ref(row: dict[str, Any]) -> SupplierRef:
    return SupplierRef(
        calendar=_calendar(row),
        **{name: row[name] for name in SupplierRef.__struct_fields__ if name != "calendar"},
    )
