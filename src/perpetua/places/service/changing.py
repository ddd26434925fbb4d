"""Changing places: fields, where they stand, and whether they are there. Each holds the topology lock alone."""

import contextlib
from collections.abc import Generator
from typing import Any

import msgspec
import psycopg.errors as pg
from msgspec import UNSET

from perpetua.access import service as access
from perpetua.access.types import Actor
from perpetua.kit import json
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue, Missing, Refusal, Stale
from perpetua.kit.idempotency import Answered, once
from perpetua.places import events, rules, store
from perpetua.places.errors import CodeTaken, FixedPlace, HoldsStock, InactivePlace, NotEmpty, PlaceInUse, StockPromised
from perpetua.places.service.lookups import resolve
from perpetua.places.types import (
    SITE_KINDS,
    ChangeLocation,
    Location,
    LocationRef,
    Moved,
    MoveLocation,
    Removed,
)

__all__ = ["change", "change_here", "move", "move_here", "remove", "said", "translated"]

_FLAGS = ("active", "sellable", "negative_allowed")
_COUNTING = frozenset({"active", "sellable", "kind"})
"""Fields with which stock counts otherwise."""


async def change(
    db: Database, actor: Actor, location_id: int, command: ChangeLocation, *, version: int, key: str | None = None
) -> Answered[Location]:
    """Change fields of a place, when it is still at `version`. Deactivating takes all below it along.

    Raises:
        Missing: there is none, or it is not the actor's.
        Stale: somebody changed it meanwhile.
        HoldsStock: it is to be deactivated, and stock lies there or below.
        CodeTaken, WrongKind, InactivePlace, InvalidValue.
    """
    actor.require("places.write")

    async def act(tx: Tx) -> Location:
        await store.lock_topology(tx)
        return await change_here(tx, actor, await _to_change(tx, actor, location_id, version), command)

    body = {"id": location_id, "version": version, "change": command}
    return await once(db, sender=actor.person_id, key=key, command="places.change", body=body, answer=Location, act=act)


async def move(
    db: Database,
    actor: Actor,
    location_id: int,
    command: MoveLocation,
    *,
    version: int | None = None,
    key: str | None = None,
) -> Answered[Moved]:
    """Move a place, with all that stands in it, to another parent, perhaps on another site. Stock goes with it.

    Raises:
        Missing: the place is not there, or not the actor's.
        Stale: somebody changed it since `version`.
        FixedPlace: it is a site, or a site's transit.
        InsideItself: the new parent stands in the place.
        OutOfScope, WrongKind, InactivePlace, InvalidValue: the new parent cannot take it.
    """
    actor.require("places.write")

    async def act(tx: Tx) -> Moved:
        await store.lock_topology(tx)
        return await move_here(tx, actor, await _to_change(tx, actor, location_id, version), command.to)

    body = {"id": location_id, "version": version, "to": command.to}
    return await once(db, sender=actor.person_id, key=key, command="places.move", body=body, answer=Moved, act=act)


async def remove(
    db: Database,
    actor: Actor,
    location_id: int,
    *,
    with_descendants: bool = False,
    version: int | None = None,
    key: str | None = None,
) -> Answered[Removed]:
    """Remove a place that never held stock; with all that stands in it when asked so. A site's transit goes with it.

    Raises:
        Missing: there is none, or it is not the actor's.
        Stale: somebody changed it since `version`.
        NotEmpty: other places stand in it.
        HoldsStock: stock lies or has lain there or below.
        PlaceInUse: it is named elsewhere, such as in a person's scope.
        FixedPlace: it is a site's transit.
    """
    actor.require("places.write")

    async def act(tx: Tx) -> Removed:
        await store.lock_topology(tx)
        place = await _to_change(tx, actor, location_id, version)
        if place.kind == "transit":
            raise FixedPlace(location=place.code, kind=place.kind, act="removed alone")
        standing = await store.standing_in(tx, location_id)
        if standing.below and not with_descendants:
            raise NotEmpty(location=place.code, children=standing.below, examples=standing.examples)
        with translated(place.code):
            removed = await store.remove_subtree(tx, location_id)
        gone = {**said(place), "removed": removed}
        await access.audit(tx, actor, "place", location_id, "removed", before=gone, path=place.path)
        return Removed(code=place.code, removed=removed)

    body = {"id": location_id, "version": version, "with_descendants": with_descendants}
    return await once(db, sender=actor.person_id, key=key, command="places.remove", body=body, answer=Removed, act=act)


async def change_here(tx: Tx, actor: Actor, before: Location, command: ChangeLocation) -> Location:
    """As `change`, in a transaction that holds the topology lock alone."""
    values = await _new_values(tx, before, command)
    below = _flags_below(command, values)
    counts = bool(_COUNTING & values.keys() or any(flag is not None for flag in below.values()))
    if counts:
        await events.tell_before(tx, before.id)
    if values:
        with translated(before.code, values.get("code")):
            await store.update(tx, before.id, values)
    if any(flag is not None for flag in below.values()):
        with translated(before.code):
            await store.change_below(tx, before.id, below)
    after = await store.read(tx, actor, before.id)
    assert after is not None
    if counts:
        await events.tell_after(tx, actor, after.id, after.code)
    await access.audit(tx, actor, "place", before.id, "updated", said(before), said(after), path=after.path)
    return after


async def move_here(tx: Tx, actor: Actor, before: Location, parent: str | int) -> Moved:
    """As `move`, in a transaction that holds the topology lock alone."""
    found = await resolve(tx, [before.id, parent])
    to = found.get(parent)
    if to is None:
        raise InvalidValue("to", str(parent), "there is no such place")
    actor.require_place(to.path, to.code)
    place = found[before.id]
    rules.check_move(place, to)
    if place.active and not to.active:
        raise InactivePlace(location=to.code)
    if before.parent_id == to.id:
        return Moved(location=before, moved=0)
    await events.tell_before(tx, before.id)
    with translated(place.code):
        moved = await store.move_subtree(tx, before.id, to.id)
    after = await store.read(tx, actor, before.id)
    assert after is not None
    await events.tell_after(tx, actor, after.id, after.code)
    was, now = {"parent": before.path_codes[-2]}, {"parent": to.code, "moved": moved}
    await access.audit(tx, actor, "place", before.id, "moved", was, now, path=after.path)
    return Moved(location=after, moved=moved)


async def _to_change(tx: Tx, actor: Actor, location_id: int, version: int | None) -> Location:
    place = await store.read(tx, actor, location_id)
    if place is None:
        raise Missing("place", location_id)
    if version is not None and version != place.version:
        raise Stale(what="Place", key=place.code, sent=version, current=place.version)
    return place


async def _new_values(tx: Tx, before: Location, command: ChangeLocation) -> dict[str, Any]:
    """The columns that are to be different, checked."""
    asked = {name: getattr(command, name) for name in ChangeLocation.__struct_fields__ if name != "with_descendants"}
    asked = {name: value for name, value in asked.items() if value is not UNSET}
    if asked.get("address") is not None:
        asked["address"] = msgspec.to_builtins(asked["address"])
    new = {name: value for name, value in asked.items() if value != getattr(before, name)}
    if "code" in new:
        rules.check_code(new["code"])
        taken = [code for code in await store.codes_taken(tx, [new["code"]]) if code.upper() != before.code.upper()]
        if taken:
            raise CodeTaken(location=taken[0], taken=taken)
    if new.get("name") == "":
        new["name"] = new.get("code", before.code)
    parent = None if before.parent_id is None else (await store.by_ids(tx, [before.parent_id]))[before.parent_id]
    if "kind" in new:
        await _check_kind(tx, before, new["kind"], parent)
    after = {**msgspec.structs.asdict(before), **new}
    rules.check_limits(after["kind"], after)
    if new.get("active") and parent is not None and not parent.active:
        raise InactivePlace(location=parent.code)
    return new


async def _check_kind(tx: Tx, before: Location, kind: Any, parent: LocationRef | None) -> None:
    if before.kind == "transit" or kind == "transit":
        raise FixedPlace(location=before.code, kind=before.kind, act=f"made a {kind}")
    if (before.kind in SITE_KINDS) != (kind in SITE_KINDS):
        raise FixedPlace(location=before.code, kind=before.kind, act=f"made a {kind}")
    rules.check_stands(before.code, kind, parent.kind if parent else None)
    standing = await store.standing_in(tx, before.id)
    for child in standing.kinds:
        rules.check_stands(f"a {child} of {before.code}", child, kind)


def _flags_below(command: ChangeLocation, values: dict[str, Any]) -> dict[str, bool | None]:
    """Which flags go down the tree: a deactivation always, the others when asked."""
    flags: dict[str, bool | None] = dict.fromkeys(_FLAGS)
    if values.get("active") is False:
        flags["active"] = False
    if command.with_descendants:
        flags |= {name: None if (value := getattr(command, name)) is UNSET else value for name in _FLAGS}
    return flags


def said(place: Location) -> dict[str, Any]:
    """What the audit trail keeps of a place."""
    left_out = {"id", "path", "path_codes", "site_id", "version", "created_at", "updated_at"}
    return {name: value for name, value in msgspec.structs.asdict(place).items() if name not in left_out}


@contextlib.contextmanager
def translated(code: str, new_code: str | None = None) -> Generator[None]:
    """Turns what the database refuses about a place into a refusal with its facts."""
    try:
        yield
    except pg.UniqueViolation:
        taken = new_code or code
        raise CodeTaken(location=taken, taken=[taken]) from None
    except pg.CheckViolation as error:
        if error.diag.constraint_name == "position_not_oversold":
            raise StockPromised(location=code, **json.loads(error.diag.message_detail or "{}")) from None
        if error.diag.constraint_name != "level_not_negative":
            raise
        raise HoldsStock(location=code, held="or a place below it is oversold: less than nothing lies there") from None
    except pg.ForeignKeyViolation as error:
        raise _in_use(error, code) from None


def _in_use(error: pg.ForeignKeyViolation, code: str) -> Refusal:
    table = error.diag.table_name or ""
    if error.diag.constraint_name == "locations_hold_stock":
        return HoldsStock(location=error.diag.message_detail or code, held=error.diag.message_hint or "holds stock")
    if table.startswith("inventory_"):
        return HoldsStock(location=code, held="holds stock or has held some")
    return PlaceInUse(location=code, used_by=table.replace("_", " ") or "something else")
