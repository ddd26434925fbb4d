"""Plates as they are: one with its tree, lists, what happened."""

from collections.abc import Sequence
from typing import Any

import msgspec

from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Missing
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.places import service as places
from perpetua.places.types import LocationRef
from perpetua.plates import store
from perpetua.plates.store import Q
from perpetua.plates.types import Plate, PlateContent, PlateDetail, PlateEvent, PlateFilters

__all__ = ["detail", "get", "list_events", "list_plates", "named", "place_of"]


async def get(db: Database, actor: Actor, plate_id: int) -> PlateDetail:
    """A plate with all that is on it. Raises Missing: there is none, or it is not at one of the actor's places."""
    actor.require("stock.read")
    async with db.snapshot() as tx:
        return await detail(tx, actor, plate_id)


async def detail(tx: Tx, actor: Actor, plate_id: int, *, posting_id: int | None = None) -> PlateDetail:
    """The same within another use case."""
    ids = [held.id for held in await store.tree_of(tx, plate_id)]
    found = await tx.rows(Q["plates_by_id"], {"ids": ids, "scope": actor.scope_ids}, as_=Plate) if ids else []
    if not found or found[0].id != plate_id:
        raise Missing("plate", plate_id)
    goods = await tx.rows(Q["goods"], {"ids": ids}, as_=PlateContent)
    return PlateDetail(**msgspec.structs.asdict(found[0]), nested=found[1:], goods=goods, posting_id=posting_id)


async def named(tx: Tx, codes: Sequence[str]) -> int | None:
    """The plate with one of these codes or SSCCs, the first that there is."""
    for code in codes:
        found = await tx.value(Q["named"], {"code": code}) if "\0" not in code else None
        if found is not None:
            return found
    return None


async def list_plates(db: Database, actor: Actor, filters: PlateFilters, page: PageRequest) -> Page[Plate]:
    """Plates at the actor's places, the newest first."""
    actor.require("stock.read")
    after = page.after(int)
    params: dict[str, Any] = msgspec.structs.asdict(filters) | {
        "scope": actor.scope_ids, "after": after[0] if after else None, "limit": page.limit + 1,
        "location_id": None, "variant_ids": None,
    }  # fmt: skip
    async with db.snapshot() as tx:
        if filters.location is not None:
            params["location_id"] = (await place_of(tx, actor, filters.location)).id
        if filters.sku is not None:
            variant = (await items.resolve_skus(tx, [filters.sku])).get(filters.sku.upper())
            if variant is None:
                raise Missing("item", filters.sku)
            params["variant_ids"] = [variant.id]
        found = await tx.rows(Q["plates"], params, as_=Plate)
    return page_of(found, page, lambda plate: [plate.id])


async def list_events(db: Database, actor: Actor, plate_id: int, page: PageRequest) -> Page[PlateEvent]:
    """What happened to a plate, the latest first. Raises Missing."""
    actor.require("stock.read")
    after = page.after(int)
    params = {"plate_id": plate_id, "after": after[0] if after else None, "limit": page.limit + 1}
    async with db.snapshot() as tx:
        await detail(tx, actor, plate_id)
        found = await tx.rows(Q["events"], params, as_=PlateEvent)
    return page_of(found, page, lambda event: [event.id])


async def place_of(tx: Tx, actor: Actor, code: str) -> LocationRef:
    """The actor's place with this code. Raises Missing, OutOfScope."""
    place = (await places.by_codes(tx, [code])).get(code)
    if place is None:
        raise Missing("location", code)
    actor.require_place(place.path, place.code)
    return place
