"""Reading places: one, a list, a level of the tree, the way down to one. Each within the actor's own subtrees."""

from collections.abc import AsyncIterator
from typing import Any

from perpetua.access.types import Actor
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Missing
from perpetua.kit.listing import Page, PageRequest
from perpetua.kit.tabular import Extract
from perpetua.places import rules, store
from perpetua.places.service.lookups import resolve
from perpetua.places.types import Branch, Location, LocationFilters, LocationRef, Step

__all__ = ["export_locations", "get", "list_locations", "path", "tree"]


async def get(db: Database, actor: Actor, location: str | int) -> Location:
    """The place with this code or id.

    Raises:
        Missing: there is none, or it is not the actor's.
    """
    actor.require("places.read")
    async with db.snapshot() as tx:
        found = await store.read(tx, actor, (await _visible(tx, actor, location)).id)
        assert found is not None
        return found


async def list_locations(db: Database, actor: Actor, filters: LocationFilters, page: PageRequest) -> Page[Location]:
    """A page of places, ordered by `code` (the default), `name` or `pick_sequence`.

    Raises:
        Missing: a place named in the filters is not there, or not the actor's.
        InvalidValue: unknown order or foreign cursor.
    """
    actor.require("places.read")
    async with db.snapshot() as tx:
        return await store.list_locations(tx, actor, filters, await _named(tx, filters), page)


def export_locations(db: Database, actor: Actor, filters: LocationFilters) -> Extract:
    """The places that pass the filters as rows for a file, each after the one that it stands in.

    Raises:
        NotAllowed. And when the rows are read: Missing, for a place named in the filters that is not there.
    """
    actor.require("exports.run")
    actor.require("places.read")
    return Extract(rules.COLUMNS, _rows(db, actor, filters))


async def _rows(db: Database, actor: Actor, filters: LocationFilters) -> AsyncIterator[list[list[Any]]]:
    async with db.snapshot() as tx:
        async for batch in store.stream_locations(tx, actor, filters, await _named(tx, filters)):
            yield [rules.cells_of(place) for place in batch]


async def tree(db: Database, actor: Actor, parent: str | int | None, page: PageRequest) -> Page[Branch]:
    """One level of the tree with how many places stand in each; without `parent`, the actor's topmost places.

    Raises:
        Missing: the parent is not there, or not the actor's.
    """
    actor.require("places.read")
    async with db.snapshot() as tx:
        above = None if parent is None else (await _visible(tx, actor, parent)).id
        level = await store.list_level(tx, actor, above, page)
        below = await store.count_below(tx, [place.id for place in level.items])
        branches = [
            Branch(
                location=place,
                children=below[place.id].children if place.id in below else 0,
                descendants=below[place.id].descendants if place.id in below else 0,
            )
            for place in level.items
        ]
        return Page(items=branches, next_cursor=level.next_cursor)


async def path(db: Database, actor: Actor, location: str | int) -> list[Step]:
    """The steps from the site down to the place, itself last.

    Raises:
        Missing: there is none, or it is not the actor's.
    """
    actor.require("places.read")
    async with db.snapshot() as tx:
        return await store.steps(tx, actor, (await _visible(tx, actor, location)).id)


async def _named(tx: Tx, filters: LocationFilters) -> dict[str, int]:
    """The places that the filters name. A confined actor may name the site above the own places: what is shown is the
    actor's own.
    """
    named: dict[str, int] = {}
    for name, value in (("site", filters.site), ("parent", filters.parent), ("within", filters.within)):
        if value is not None:
            named[name] = (await _known(tx, value)).id
    return named


async def _known(tx: Tx, location: str | int) -> LocationRef:
    found = (await resolve(tx, [location])).get(location)
    if found is None:
        raise Missing("place", location)
    return found


async def _visible(tx: Tx, actor: Actor, location: str | int) -> LocationRef:
    found = await _known(tx, location)
    if actor.scope is not None and actor.scope.isdisjoint(found.path):
        raise Missing("place", location)
    return found
