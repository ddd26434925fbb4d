"""Many suppliers at once, by code, for imports; and taken back. A row that cannot be taken is refused alone."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from psycopg import errors as pg

from perpetua.access.service import Change, audit_many
from perpetua.access.types import Actor
from perpetua.kit import json
from perpetua.kit.database import Tx
from perpetua.kit.errors import InvalidValue, Refusal
from perpetua.partners import store
from perpetua.partners.errors import SupplierCodeTaken, SupplierInUse
from perpetua.partners.rules import check_supplier
from perpetua.partners.types import Address, Calendar, Contact, Supplier, Terms

__all__ = ["Loaded", "Outcome", "take_back", "upsert"]

Values = dict[str, Any]
Outcome = Refusal | Literal["created", "changed", "same"]
_NESTED = {"terms": Terms, "calendar": Calendar}
_FIRST = {"address": ("addresses", Address), "contact": ("contacts", Contact)}
_DEFAULTS: Values = {
    "order_email": None, "language": "en", "lead_time_days": None, "over_percent": None, "active": True,
    "addresses": [], "contacts": [],
}  # fmt: skip


class Loaded(msgspec.Struct, kw_only=True):
    """What became of each row, in their order, and what taking it back needs: columns, as plain values."""

    outcomes: list[Outcome]
    created: dict[int, Values] = {}
    changed: dict[int, tuple[Values, Values]] = {}


async def upsert(tx: Tx, actor: Actor, rows: Sequence[Mapping[str, Any]]) -> Loaded:
    """Make the suppliers whose code is not there, change the others; none twice. A row holds fields of a supplier by
    name, those of terms and calendar too, and `address` and `contact`: fields of the first of each. What it does not
    say stays."""
    actor.require("suppliers.write")
    there = {one.code.upper(): one for one in await store.lock_many(tx, [row["code"] for row in rows])}
    loaded = Loaded(outcomes=[])
    new: list[tuple[int, Values]] = []
    going: list[tuple[int, Supplier, Values]] = []
    for at, row in enumerate(rows):
        old = there.get(row["code"].upper())
        try:
            fields = _merged(row, old)
        except Refusal as refusal:
            loaded.outcomes.append(refusal)
            continue
        loaded.outcomes.append("changed" if old else "created")
        if old is None:
            new.append((at, fields))
        elif _plain(fields) == values_of(old):
            loaded.outcomes[at] = "same"
        else:
            going.append((at, old, fields))
    made = {code.upper(): own for own, code in await store.write_many(tx, [fields for _, fields in new])}
    await store.update_many(tx, [(old.id, fields) for _, old, fields in going])
    for at, fields in new:
        if (own := made.get(fields["code"].upper())) is None:  # somebody made it at this moment
            loaded.outcomes[at] = SupplierCodeTaken(supplier=fields["code"])
        else:
            loaded.created[own] = _plain(fields)
    loaded.changed = {old.id: (values_of(old), _plain(fields)) for _, old, fields in going}
    changes = [Change(id=own, action="created", after=after) for own, after in loaded.created.items()]
    changes += [Change(id=own, action="updated", before=b, after=a) for own, (b, a) in loaded.changed.items()]
    await audit_many(tx, actor, "supplier", changes)
    return loaded


async def take_back(
    tx: Tx, actor: Actor, created: Mapping[int, Values], changed: Mapping[int, tuple[Values, Values]]
) -> list[str]:
    """Undo loads: the changed suppliers as they were, the new ones gone; the codes of those that were changed since.
    Where there are such, nothing is done.

    Raises:
        SupplierInUse: something was bought there since.
    """
    actor.require("suppliers.write")
    there = {one.id: one for one in await store.lock_ids(tx, [*created, *changed])}
    expected = {own: after for own, (_, after) in changed.items()} | dict(created)
    since = [own for own, after in expected.items() if own not in there or values_of(there[own]) != after]
    if since:
        return sorted(there[own].code if own in there else f"#{own}" for own in since)
    before = {own: was for own, (was, _) in changed.items() if own not in created}
    await store.update_many(tx, [(own, _fields(was)) for own, was in before.items()])
    try:
        async with tx.savepoint():
            await store.remove_many(tx, list(created))
    except pg.ForeignKeyViolation:
        raise SupplierInUse(suppliers=sorted(there[own].code for own in created)[:20]) from None
    changes = [Change(id=own, action="removed", before=values_of(there[own])) for own in created]
    changes += [Change(id=own, action="updated", before=changed[own][1], after=was) for own, was in before.items()]
    await audit_many(tx, actor, "supplier", changes)
    return []


def values_of(supplier: Supplier) -> Values:
    """A supplier's fields as plain values, but for what the database counts."""
    left_out = {"id", "version", "created_at", "updated_at"}
    return _plain({n: v for n, v in msgspec.structs.asdict(supplier).items() if n not in left_out})


def _merged(row: Mapping[str, Any], old: Supplier | None) -> Values:
    """The supplier's fields, whole, as the row leaves them. Raises InvalidValue."""
    if old is None:
        for name in ("name", "currency"):
            if name not in row:
                raise InvalidValue(name, "", "is needed for a new supplier")
        fields: Values = {**_DEFAULTS, "terms": Terms(), "calendar": Calendar()}
    else:
        fields = {name: getattr(old, name) for name in (*_DEFAULTS, "code", "name", "currency", "terms", "calendar")}
    for name, kind in _NESTED.items():
        said = {each: row[each] for each in kind.__struct_fields__ if each in row}
        fields[name] = msgspec.structs.replace(fields[name], **said)
    for name, (many, kind) in _FIRST.items():
        if name in row:
            entries = list(fields[many])
            first = msgspec.structs.asdict(entries[0]) if entries else {}
            if many == "contacts" and "name" not in {**first, **row[name]}:
                raise InvalidValue("contact_name", "", "is needed for a contact")
            fields[many] = [kind(**{**first, **row[name]}), *entries[1:]]
    fields |= {name: row[name] for name in ("code", "name", "currency", *_DEFAULTS) if name in row}
    if old is not None:
        fields["code"] = old.code
    check_supplier(fields)
    return fields


def _plain(fields: Mapping[str, Any]) -> Values:
    return json.loads(json.dumps(fields))


def _fields(plain: Values) -> Values:
    """Plain values as fields again."""
    fields = dict(plain)
    fields["terms"], fields["calendar"] = (msgspec.convert(plain[n], k, strict=False) for n, k in _NESTED.items())
    return fields
