"""Many places at once, by code, for imports: new ones made, others changed, moved, switched on or off; and taken back.

A row that cannot be taken is refused alone. New places, and fields that concern a place alone, cost a constant number
of statements; a place that moves, changes its kind or is switched on or off goes by itself, as stock hangs on it.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET

from perpetua.access import service as access
from perpetua.access.errors import OutOfScope
from perpetua.access.types import Actor
from perpetua.kit.database import Tx
from perpetua.kit.errors import InvalidValue, Refusal
from perpetua.kit.quantity import plain_text
from perpetua.places import rules, store
from perpetua.places.errors import CodeTaken
from perpetua.places.service.changing import change_here, move_here, said, translated
from perpetua.places.service.lookups import resolve
from perpetua.places.types import ChangeLocation, CreateLocation, Location, Upserted, UpsertLocation

__all__ = ["Loaded", "take_back", "upsert"]

_ALONE: Final = frozenset({"code", "kind", "active", "sellable", "parent"})
"""Fields with which more than the place itself changes."""
_FIELDS: Final = tuple(name for name in UpsertLocation.__struct_fields__ if name != "parent")

Values = dict[str, Any]


class Loaded(msgspec.Struct, kw_only=True):
    """What a load did: what became of each row, in their order, and what taking it back needs."""

    outcomes: list[Upserted]
    created: dict[int, Values] = {}
    """Each new place, as it was made."""
    changed: dict[int, tuple[Values, Values]] = {}
    """Of each other place the fields that changed, as they were and as they became."""


class _Row:
    """One row on its way."""

    def __init__(self, asked: UpsertLocation) -> None:
        self.asked = asked
        self.held: Location | None = None
        self.new: Values = {}
        self.done: Literal["created", "updated", "skipped", "refused"] = "skipped"
        self.refusal: Refusal | None = None

    def refuse(self, refusal: Refusal) -> None:
        self.done, self.refusal = "refused", refusal


async def upsert(tx: Tx, actor: Actor, asked: Sequence[UpsertLocation]) -> Loaded:
    """Make the places whose code is not there, change the others; rows in any order, none twice.

    Raises:
        NotAllowed: no `places.write`.
    """
    actor.require("places.write")
    rows = [_Row(one) for one in asked]
    loaded = Loaded(outcomes=[])
    await _attach(tx, rows)
    if any(_differing(row.asked, row.held) if row.held else row.asked.kind == "transit" for row in rows):
        await store.lock_topology(tx)
    else:
        await store.hold_topology(tx)
    await _attach(tx, rows)
    await _create(tx, actor, [row for row in rows if row.held is None and row.asked.kind != "transit"], loaded)
    await _attach_transits(tx, [row for row in rows if row.held is None and row.asked.kind == "transit"])
    for row in rows:
        if row.held is not None and row.refusal is None and row.done != "created":
            _draft(actor, row)
    going = [row for row in rows if row.new and row.refusal is None]
    await _write(tx, actor, [row for row in going if not _ALONE & row.new.keys()], loaded)
    await _change_alone(tx, actor, [row for row in going if _ALONE & row.new.keys()], loaded)
    loaded.outcomes = [Upserted(code=row.asked.code, done=row.done, refusal=row.refusal) for row in rows]
    return loaded


async def take_back(
    tx: Tx, actor: Actor, created: Mapping[int, Values], changed: Mapping[int, tuple[Values, Values]]
) -> list[str]:
    """Undo loads: the changed places as they were, the new ones gone; the codes of those that were changed since.

    Where there are such, nothing is done.

    Raises:
        HoldsStock, PlaceInUse, and what moving a place refuses.
    """
    actor.require("places.write")
    await store.lock_topology(tx)
    there = {place.id: place for place in await store.read_many(tx, ids=[*created, *changed])}
    expected = {**{key: after for key, (_, after) in changed.items()}, **created}
    for key, (_, after) in changed.items():
        expected[key] = {**expected[key], **after}
    since = [key for key, after in expected.items() if key not in there or not _holds(values_of(there[key]), after)]
    if since:
        return sorted(there[key].code if key in there else f"#{key}" for key in since)
    for place in there.values():
        actor.require_place(place.path, place.code)
    before = {key: was for key, (was, _) in changed.items() if key not in created}
    await _move_back(tx, {key: was["parent_id"] for key, was in before.items() if "parent_id" in was})
    codes = ", ".join(there[key].code for key in [*before, *created][:5])
    with translated(codes):
        await store.write(tx, [{**values_of(there[key]), **was, "id": key} for key, was in before.items()])
        await store.remove_many(tx, list(created))
    changes = [
        access.Change(id=key, action="updated", before=changed[key][1], after=was, path=there[key].path)
        for key, was in before.items()
    ]
    gone = [access.Change(id=key, action="removed", before=said(there[key]), path=there[key].path) for key in created]
    await access.audit_many(tx, actor, "place", [*changes, *gone])
    return []


def values_of(place: Location) -> Values:
    """The place as plain values: the columns that a load can write, and where it stands."""
    return _plain({name: getattr(place, name) for name in (*store.WRITTEN, "parent_id")})


def _plain(values: Values) -> Values:
    """As JSON carries them; a number looks the same whether it was read from a file or from the database."""
    return {
        name: plain_text(value) if isinstance(value, Decimal) else msgspec.to_builtins(value)
        for name, value in values.items()
    }


async def _attach(tx: Tx, rows: Sequence[_Row]) -> None:
    there = {place.code.upper(): place for place in await store.read_many(tx, codes=[row.asked.code for row in rows])}
    for row in rows:
        row.held = there.get(row.asked.code.upper())


async def _create(tx: Tx, actor: Actor, rows: Sequence[_Row], loaded: Loaded) -> None:
    """Make what is not there, each after the place that it stands in."""
    known = await resolve(tx, [row.asked.parent for row in rows if isinstance(row.asked.parent, str)])
    for row in rows:
        if row.asked.kind is UNSET:
            row.refuse(InvalidValue("kind", "", "is needed for a new place"))
        elif row.asked.parent is UNSET and actor.scope is not None:
            row.refuse(OutOfScope(location="the root"))
        elif isinstance(row.asked.parent, str) and (parent := known.get(row.asked.parent)):
            try:
                actor.require_place(parent.path, parent.code)
            except Refusal as refusal:
                row.refuse(refusal)
    while going := [row for row in rows if row.refusal is None]:
        plan, lines, refused = rules.sifted([_as_new(row.asked) for row in going], known)
        for line, refusal in refused.items():
            going[line - 1].refuse(refusal)
        taken = {code.upper() for code in await store.codes_taken(tx, [place.code for place in plan])}
        for place, line in zip(plan, lines, strict=True):
            if place.code.upper() in taken:  # by a place that the new site brings along
                going[line - 1].refuse(CodeTaken(location=place.code, taken=[place.code]))
        if taken:
            continue
        ids = await store.insert(tx, plan) if plan else []
        made = await store.read_many(tx, ids=ids)
        loaded.created = {place.id: values_of(place) for place in made}
        told = [
            access.Change(id=one.id, action="created", after={"code": one.code, "kind": one.kind}, path=one.path)
            for one in made
        ]
        await access.audit_many(tx, actor, "place", told)
        for line in set(lines):
            going[line - 1].done = "created"
        return


def _as_new(asked: UpsertLocation) -> CreateLocation:
    given = {name: value for name in _FIELDS if (value := getattr(asked, name)) is not UNSET}
    parent = None if asked.parent is UNSET else asked.parent
    return msgspec.convert({**msgspec.to_builtins(given), "parent": parent}, CreateLocation, strict=False)


async def _attach_transits(tx: Tx, rows: Sequence[_Row]) -> None:
    """To each row the transit of its site, which may have been made just now."""
    if not rows:
        return
    sites = await resolve(tx, [row.asked.parent for row in rows if isinstance(row.asked.parent, str)])
    refs = await store.transit_of(tx, [site.site_id for site in sites.values()])
    there = {place.site_id: place for place in await store.read_many(tx, ids=[ref.id for ref in refs.values()])}
    for row in rows:
        site = sites.get(row.asked.parent) if isinstance(row.asked.parent, str) else None
        row.held = there.get(site.site_id) if site else None
        if site is None or row.held is None:
            parent = row.asked.parent if isinstance(row.asked.parent, str) else ""
            row.refuse(InvalidValue("parent", parent, "there is no such site, and a transit is made with its site"))


def _draft(actor: Actor, row: _Row) -> None:
    """What is to be different, checked as far as the place alone can tell."""
    assert row.held is not None
    try:
        actor.require_place(row.held.path, row.held.code)
        row.new = _differing(row.asked, row.held)
        after = {**msgspec.structs.asdict(row.held), **row.new}
        rules.check_limits(after["kind"], after)
    except Refusal as refusal:
        row.refuse(refusal)


def _differing(asked: UpsertLocation, held: Location) -> Values:
    """The fields that the row changes. Blanks around a text are no change, as cells do not keep them."""
    new: Values = {}
    for name in _FIELDS:
        value, now = getattr(asked, name), getattr(held, name)
        if value is UNSET or (name == "code" and value.upper() == now.upper()):
            continue
        if name == "address":
            whole: Values = {**(now or {}), **value}
            if whole == (now or {}):
                continue
            value = whole
        if value != now and not (isinstance(now, str) and value == now.strip()):
            new[name] = value
    if isinstance(asked.parent, str):
        above = held.path_codes[-2] if held.parent_id is not None else ""
        if asked.parent.upper() != above.upper():
            new["parent"] = asked.parent
    return new


async def _write(tx: Tx, actor: Actor, rows: Sequence[_Row], loaded: Loaded) -> None:
    """Fields that concern a place alone: all in one statement, unless the database refuses one."""
    if not rows:
        return
    written: list[Values] = []
    for row in rows:
        assert row.held is not None
        written.append({**values_of(row.held), **_plain(row.new), "id": row.held.id})
    try:
        async with tx.savepoint():
            with translated("one of the places"):
                await store.write(tx, written)
    except Refusal as refusal:
        if len(rows) == 1:
            rows[0].refuse(refusal)
            return
        half = len(rows) // 2
        await _write(tx, actor, rows[:half], loaded)
        await _write(tx, actor, rows[half:], loaded)
        return
    told: list[access.Change] = []
    for row in rows:
        assert row.held is not None
        row.done = "updated"
        now = values_of(row.held)
        was = {name: now[name] for name in row.new}
        new = _plain(row.new)
        loaded.changed[row.held.id] = (was, new)
        told.append(access.Change(id=row.held.id, action="updated", before=was, after=new, path=row.held.path))
    await access.audit_many(tx, actor, "place", told)


async def _change_alone(tx: Tx, actor: Actor, rows: Sequence[_Row], loaded: Loaded) -> None:
    """One by one, from the top of the tree down; those refused are tried again as long as others get through."""
    waiting = sorted(rows, key=lambda row: len(row.held.path) if row.held else 0)
    while waiting:
        left: list[_Row] = []
        for row in waiting:
            row.refusal = None
            try:
                async with tx.savepoint():
                    did = await _change_one(tx, actor, row)
                row.done = "updated"
                for key, (was, new) in did.items():
                    first, last = loaded.changed.get(key, ({}, {}))
                    loaded.changed[key] = ({**was, **first}, {**last, **new})
            except Refusal as refusal:
                row.refuse(refusal)
                left.append(row)
        if len(left) == len(waiting):
            return
        waiting = left


async def _change_one(tx: Tx, actor: Actor, row: _Row) -> dict[int, tuple[Values, Values]]:
    """Move and change one place; of it, and of those that went inactive with it, what was and what is."""
    assert row.held is not None
    before = await store.read(tx, actor, row.held.id)
    assert before is not None
    place = before
    if "parent" in row.new:
        if before.parent_id is None:
            raise InvalidValue("parent", row.new["parent"], "a site stands at the root")
        place = (await move_here(tx, actor, before, row.new["parent"])).location
    below: list[int] = []
    fields = {name: value for name, value in row.new.items() if name != "parent"}
    if fields:
        if fields.get("active") is False:
            below = await store.active_below(tx, place.id)
        command = msgspec.convert(msgspec.to_builtins(fields), ChangeLocation, strict=False)
        place = await change_here(tx, actor, place, command)
    was, now = values_of(before), values_of(place)
    names = [name for name in was if was[name] != now[name]]
    did = {place.id: ({name: was[name] for name in names}, {name: now[name] for name in names})} if names else {}
    return did | {key: ({"active": True}, {"active": False}) for key in below}


async def _move_back(tx: Tx, parents: Mapping[int, int]) -> None:
    """Each place into the parent it had; in whatever order that goes. The whole was right before, kinds and all."""
    waiting = dict(parents)
    while waiting:
        tried = len(waiting)
        for key, parent in list(waiting.items()):
            there = await store.by_ids(tx, [key, parent])
            if parent not in there:
                raise InvalidValue("parent", str(parent), f"{there[key].code} cannot go back: the place is gone")
            if key in there[parent].path:
                continue
            with translated(there[key].code):
                await store.move_subtree(tx, key, parent)
            del waiting[key]
        if len(waiting) == tried:
            codes = ", ".join(place.code for place in (await store.by_ids(tx, list(waiting))).values())
            raise InvalidValue("parent", codes, "cannot go back: where they stood stands in them now")


def _holds(now: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return all(now[name] == value for name, value in after.items())
