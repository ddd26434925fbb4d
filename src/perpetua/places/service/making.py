"""Making places: one, many, or a whole block from a pattern; a constant number of statements, however many."""

from collections import Counter
from collections.abc import Sequence

import psycopg.errors as pg

from perpetua.access import service as access
from perpetua.access.errors import OutOfScope
from perpetua.access.types import Actor
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue
from perpetua.kit.idempotency import Answered, once
from perpetua.places import rules, store
from perpetua.places.errors import CodeTaken
from perpetua.places.service.lookups import resolve
from perpetua.places.types import Created, CreatedLocation, CreateLocation, CreateLocations, Laid, LayOut, Location

__all__ = ["create", "create_many", "lay_out", "make"]


async def create(db: Database, actor: Actor, command: CreateLocation, *, key: str | None = None) -> Answered[Location]:
    """Make one place; a site also gets its transit, and on request its standard places.

    Raises:
        CodeTaken, WrongKind, InactivePlace, InvalidValue, OutOfScope.
    """
    actor.require("places.write")

    async def act(tx: Tx) -> Location:
        ids = await make(tx, actor, [command])
        made = await store.read(tx, actor, ids[0])
        assert made is not None
        return made

    return await once(
        db, sender=actor.person_id, key=key, command="places.create", body=command, answer=Location, act=act
    )


async def create_many(
    db: Database, actor: Actor, command: CreateLocations, *, key: str | None = None
) -> Answered[Created]:
    """Make many places, all or none; one may stand in another of the list.

    Raises:
        CodeTaken, WrongKind, InactivePlace, InvalidValue, OutOfScope: with `line` where one line is at fault.
        TooLarge.
    """
    actor.require("places.write")
    if not command.locations:
        raise InvalidValue("locations", "[]", "must hold at least one place")

    async def act(tx: Tx) -> Created:
        ids = await make(tx, actor, command.locations)
        rows = await store.by_ids(tx, ids)
        return Created(created=len(ids), locations=[CreatedLocation(id=own, code=rows[own].code) for own in ids])

    return await once(
        db, sender=actor.person_id, key=key, command="places.create_many", body=command, answer=Created, act=act
    )


async def lay_out(db: Database, actor: Actor, command: LayOut, *, key: str | None = None) -> Answered[Laid]:
    """Make a block of places from a pattern of levels, numbered in walking order.

    Raises:
        CodeTaken, WrongKind, InactivePlace, InvalidValue, OutOfScope, TooLarge.
    """
    actor.require("places.write")

    async def act(tx: Tx) -> Laid:
        await store.hold_topology(tx)
        parent = (await resolve(tx, [command.parent])).get(command.parent)
        if parent is None:
            raise InvalidValue("parent", str(command.parent), "there is no such place")
        actor.require_place(parent.path, parent.code)
        site = (await store.by_ids(tx, [parent.site_id]))[parent.site_id]
        plan = rules.lay_out(command, parent, site.code)
        await _insert(tx, plan)
        last = [place for place in plan if place.kind == command.levels[-1].kind]
        laid = Laid(
            created=len(plan),
            by_kind=dict(Counter(place.kind for place in plan)),
            first_code=last[0].code,
            last_code=last[-1].code,
        )
        await access.audit(tx, actor, "place", parent.id, "laid_out", after=laid, path=parent.path)
        return laid

    return await once(db, sender=actor.person_id, key=key, command="places.lay_out", body=command, answer=Laid, act=act)


async def make(tx: Tx, actor: Actor, asked: Sequence[CreateLocation]) -> list[int]:
    """Make places inside another word's transaction; ids of all that was made, parents before what stands in them.

    Raises: as `create_many`.
    """
    actor.require("places.write")
    await store.hold_topology(tx)
    known = await resolve(tx, [one.parent for one in asked if one.parent is not None])
    for line, one in enumerate(asked, 1):
        if one.parent is None and actor.scope is not None:
            raise OutOfScope(location="the root", line=line)
        if one.parent is not None and one.parent in known:
            actor.require_place(known[one.parent].path, known[one.parent].code)
    plan = rules.planned(asked, known)
    ids = await _insert(tx, plan)
    made = await store.by_ids(tx, ids)
    await access.audit_many(
        tx,
        actor,
        "place",
        [
            access.Change(id=own, action="created", after={"code": place.code, "kind": place.kind}, path=made[own].path)
            for own, place in zip(ids, plan, strict=True)
        ],
    )
    return ids


async def _insert(tx: Tx, plan: Sequence[rules.NewPlace]) -> list[int]:
    codes = [place.code for place in plan]
    if taken := await store.codes_taken(tx, codes):
        raise CodeTaken(location=taken[0], taken=taken)
    try:
        return await store.insert(tx, plan)
    except pg.UniqueViolation:
        # Two made the same code at once; which one, the other's commit tells whoever asks again.
        raise CodeTaken(location=codes[0] if len(codes) == 1 else "with one of these codes", taken=codes[:20]) from None
