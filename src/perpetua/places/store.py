"""Runs the statements of places; returns their types."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, cast

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by

from perpetua.access.types import Actor
from perpetua.kit import json
from perpetua.kit.database import Queries, Tx, array
from perpetua.kit.errors import InvalidValue
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.places.rules import NewPlace
from perpetua.places.tables import locations
from perpetua.places.types import Kind, Location, LocationFilters, LocationRef, Step

__all__ = [
    "WRITTEN", "Below", "Standing", "active_below", "by_codes", "by_ids", "change_below", "codes_taken", "count_below",
    "hold_topology", "insert", "list_level", "list_locations", "lock_topology", "move_subtree", "read", "read_many",
    "remove_many", "remove_subtree", "sites", "standing_in",
    "steps", "stream_locations", "transit_of", "update", "within", "write",
]  # fmt: skip

Q = Queries(__file__)
WRITTEN = (
    "code", "kind", "name", "address", "capacity_units", "weight_limit_kg", "temperature_zone", "temperature_min_c",
    "temperature_max_c", "pick_sequence", "sellable", "negative_allowed", "active",
)  # fmt: skip
_LAST_SEQUENCE = 2**31 - 1

_above = locations.alias("above")
_step = sa.func.unnest(locations.c.path).table_valued("id", with_ordinality="n").render_derived(name="step")
_path_codes = (
    sa.select(sa.func.array_agg(aggregate_order_by(_above.c.code, _step.c.n)))
    .select_from(_step.join(_above, _above.c.id == _step.c.id))
    .correlate(locations)
    .scalar_subquery()
)
_select = sa.select(locations, _path_codes.label("path_codes"))


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in a place."""

    below: int
    examples: list[str]
    kinds: list[Kind]


class Below(msgspec.Struct, frozen=True, kw_only=True):
    """How many places stand directly in one, and in all below it."""

    id: int
    children: int
    descendants: int


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    asked: str | int
    id: int
    code: str
    kind: Kind
    site_id: int
    path: list[int]
    sellable: bool
    negative_allowed: bool
    active: bool

    def ref(self) -> LocationRef:
        return LocationRef(**{name: getattr(self, name) for name in LocationRef.__struct_fields__})


async def lock_topology(tx: Tx) -> None:
    """Wait until nobody posts stock or changes places; then they wait for the end of this transaction."""
    await tx.execute(Q["lock_topology"])


async def hold_topology(tx: Tx) -> None:
    """Keep all places where they are until the end of this transaction; many may hold it at once."""
    await tx.execute(Q["hold_topology"])


async def by_codes(tx: Tx, codes: Sequence[str]) -> dict[str, LocationRef]:
    """Places by the codes as asked (case does not matter); unknown ones are absent. One statement."""
    rows = await tx.rows(Q["by_codes"], {"codes": sorted(set(codes))}, as_=_Found)
    return {str(row.asked): row.ref() for row in rows}


async def by_ids(tx: Tx, ids: Sequence[int]) -> dict[int, LocationRef]:
    """Places by id; unknown ones are absent. One statement."""
    rows = await tx.rows(Q["by_ids"], {"ids": sorted(set(ids))}, as_=_Found)
    return {row.id: row.ref() for row in rows}


async def sites(tx: Tx) -> list[LocationRef]:
    """All active sites, by code."""
    return [row.ref() for row in await tx.rows(Q["sites"], as_=_Found)]


async def transit_of(tx: Tx, site_ids: Sequence[int]) -> dict[int, LocationRef]:
    """The transit of each site."""
    rows = await tx.rows(Q["transit_of"], {"site_ids": sorted(set(site_ids))}, as_=_Found)
    return {row.site_id: row.ref() for row in rows}


async def within(tx: Tx, actor: Actor, ids: Sequence[int]) -> set[int]:
    """Those of `ids` that the actor may see. One statement."""
    return set(await tx.values(Q["within"], {"ids": sorted(set(ids)), "scope": actor.scope_ids}))


async def codes_taken(tx: Tx, codes: Sequence[str]) -> list[str]:
    """Those of the codes (at most 20) that a place has already."""
    return await tx.values(Q["codes_taken"], {"codes": list(codes)})


async def insert(tx: Tx, plan: Sequence[NewPlace]) -> list[int]:
    """Make the places of a plan, in two statements whatever its length; their ids."""
    ids: list[int] = await tx.values(Q["new_ids"], {"count": len(plan)})
    parents: list[int | None] = []
    paths: list[list[int]] = []
    for place, own in zip(plan, ids, strict=True):
        if place.above is not None:
            parents.append(ids[place.above])
            paths.append([*paths[place.above], own])
        else:
            parents.append(place.parent.id if place.parent else None)
            paths.append([*(place.parent.path if place.parent else ()), own])
    fields = [name for name in NewPlace.__struct_fields__ if name not in {"above", "parent", "address"}]
    values: dict[str, list[Any]] = {name: [getattr(place, name) for place in plan] for name in fields}
    values["address"] = [None if place.address is None else json.dumps(place.address).decode() for place in plan]
    # Arrays of unequal length cannot be one array; each path travels as its text.
    values["path"] = ["{" + ",".join(map(str, path)) + "}" for path in paths]
    columns = {**values, "id": ids, "parent_id": parents}
    await tx.execute(Q["insert_locations"], {name: array(column) for name, column in columns.items()})
    return ids


async def read(tx: Tx, actor: Actor, location_id: int) -> Location | None:
    """The place, when it is there for the actor."""
    return await tx.maybe(_select.where(locations.c.id == location_id, *_in_scope(actor)), as_=Location)


async def read_many(tx: Tx, *, codes: Sequence[str] = (), ids: Sequence[int] = ()) -> list[Location]:
    """The places with these codes (whatever their case), or ids; whoever may see them, in the order of ids."""
    c = locations.c
    upper = sa.select(sa.func.unnest(sa.cast([code.upper() for code in codes], ARRAY(sa.Text))))
    numbers = sa.select(sa.func.unnest(sa.cast(list(ids), ARRAY(sa.BigInteger))))
    wanted = sa.func.upper(c.code).in_(upper) if codes else c.id.in_(numbers)
    return await tx.rows(_select.where(wanted).order_by(c.id), as_=Location)


async def write(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write places (WRITTEN and id) but for where they stand, each a version further; one statement."""
    await tx.execute(Q["write_locations"], {"rows": json.dumps(list(rows)).decode()})


async def active_below(tx: Tx, location_id: int) -> list[int]:
    """The active places that stand in this one."""
    return await tx.values(Q["active_below"], {"id": location_id})


async def remove_many(tx: Tx, ids: Sequence[int]) -> None:
    """Remove places; one statement."""
    await tx.execute(Q["remove_places"], {"ids": list(ids)})


async def update(tx: Tx, location_id: int, values: Mapping[str, Any]) -> None:
    """Write these columns, and a new version."""
    bumped = {"version": locations.c.version + 1, "updated_at": sa.func.now()}
    written: dict[str, Any] = {**values}
    if written.get("address") is not None:
        written["address"] = json.dumps(written["address"]).decode()
    elif "address" in written:
        written["address"] = sa.null()
    await tx.execute(sa.update(locations).where(locations.c.id == location_id).values(**written, **bumped))


async def change_below(tx: Tx, location_id: int, flags: Mapping[str, bool | None]) -> int:
    """Set the flags (active, sellable, negative_allowed; None: as it is) of all below; how many changed."""
    return await tx.execute(Q["change_below"], {**flags, "id": location_id})


async def move_subtree(tx: Tx, location_id: int, to: int) -> int:
    """Set parent and paths of the place and all below it; how many went."""
    return await tx.execute(Q["move_subtree"], {"id": location_id, "to": to})


async def remove_subtree(tx: Tx, location_id: int) -> int:
    """Remove the place and all below it; how many."""
    return await tx.execute(Q["remove_subtree"], {"id": location_id})


async def standing_in(tx: Tx, location_id: int) -> Standing:
    """What stands in the place."""
    found = await tx.maybe(Q["standing_in"], {"id": location_id}, as_=Standing)
    assert found is not None
    return found


async def steps(tx: Tx, actor: Actor, location_id: int) -> list[Step]:
    """From the site down to the place; empty where it is not there for the actor."""
    return await tx.rows(Q["steps"], {"id": location_id, "scope": actor.scope_ids}, as_=Step)


async def count_below(tx: Tx, ids: Sequence[int]) -> dict[int, Below]:
    """How many stand in each of these places; those in which nothing stands are absent."""
    return {row.id: row for row in await tx.rows(Q["count_below"], {"ids": list(ids)}, as_=Below)}


async def list_locations(
    tx: Tx, actor: Actor, filters: LocationFilters, named: Mapping[str, int], page: PageRequest
) -> Page[Location]:
    """A page of the places that pass the filters; `named` holds the ids of `site`, `parent` and `within`."""
    return await _page(tx, _passing(actor, filters, named), page)


async def stream_locations(
    tx: Tx, actor: Actor, filters: LocationFilters, named: Mapping[str, int]
) -> AsyncIterator[list[Location]]:
    """All places that pass the filters, in batches: each after the one that it stands in, siblings by code."""
    order = sa.func.upper(sa.cast(_path_codes, sa.Text)).cast(ARRAY(sa.Text))
    async for batch in tx.stream(_select.where(*_passing(actor, filters, named)).order_by(order), as_=Location):
        yield batch


def _passing(actor: Actor, filters: LocationFilters, named: Mapping[str, int]) -> list[sa.ColumnElement[bool]]:
    c = locations.c
    wanted = [*_in_scope(actor)]
    if "site" in named:
        wanted.append(c.site_id == named["site"])
    if "parent" in named:
        wanted.append(c.parent_id == named["parent"])
    if "within" in named:
        wanted.append(c.path.contains(sa.cast([named["within"]], locations.c.path.type)))
    if filters.kind is not None:
        wanted.append(c.kind == filters.kind)
    if filters.active is not None:
        wanted.append(c.active == filters.active)
    if filters.text:
        pattern = sa.func.upper(f"%{_escaped(filters.text)}%")
        wanted.append(sa.or_(sa.func.upper(c.code).like(pattern), sa.func.upper(c.name).like(pattern)))
    return wanted


async def list_level(tx: Tx, actor: Actor, parent: int | None, page: PageRequest) -> Page[Location]:
    """A page of the places that stand in `parent`; without it, the topmost ones that the actor may see."""
    c = locations.c
    if parent is not None:
        return await _page(tx, [c.parent_id == parent, *_in_scope(actor)], page)
    if actor.scope_ids is None:
        return await _page(tx, [c.parent_id.is_(None)], page)
    scope = sa.cast(actor.scope_ids, c.path.type)
    above = sa.cast(sa.func.trim_array(c.path, 1), c.path.type)
    return await _page(tx, [c.id.in_(actor.scope_ids), sa.not_(above.overlap(scope))], page)


async def _page(tx: Tx, wanted: list[sa.ColumnElement[bool]], page: PageRequest) -> Page[Location]:
    c = locations.c
    code = sa.func.upper(c.code)
    sequence = sa.func.coalesce(c.pick_sequence, _LAST_SEQUENCE)
    match page.sort or "code":
        case "code":
            order: list[Any] = [code]
            after = [sa.func.upper(key) for key in page.after(str) or ()]
        case "name":
            order = [sa.func.upper(c.name), c.id]
            key = page.after(str, int)
            after = [sa.func.upper(key[0]), key[1]] if key else []
        case "pick_sequence":
            order = [sequence, code]
            key = page.after(int, str)
            after = [key[0], sa.func.upper(key[1])] if key else []
        case other:
            raise InvalidValue("sort", other, "is none of code, name, pick_sequence")
    if after:
        wanted = [*wanted, sa.tuple_(*order) > sa.tuple_(*after)]
    rows = await tx.rows(_select.where(*wanted).order_by(*order).limit(page.limit + 1), as_=Location)
    return page_of(rows, page, lambda row: _key(row, page.sort))


def _key(row: Location, sort: str) -> Sequence[Any]:
    match sort:
        case "name":
            return (row.name, row.id)
        case "pick_sequence":
            return (_LAST_SEQUENCE if row.pick_sequence is None else row.pick_sequence, row.code)
        case _:
            return (row.code,)


def _in_scope(actor: Actor) -> list[sa.ColumnElement[bool]]:
    if actor.scope_ids is None:
        return []
    return [cast(Any, locations.c.path).overlap(sa.cast(actor.scope_ids, locations.c.path.type))]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
