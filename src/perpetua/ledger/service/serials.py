"""Serialised units: where each is, and all that happened to it."""

from typing import Any

import msgspec

from perpetua.access.types import Actor
from perpetua.kit.database import Database
from perpetua.kit.errors import InvalidValue, Missing
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.ledger import rules
from perpetua.ledger.service.reading import Q, place_named, seen_by, variant_ids_of
from perpetua.ledger.types import Movement, Serial, SerialFilters

__all__ = ["get_serial", "list_serials", "serial_history"]


async def list_serials(db: Database, actor: Actor, page: PageRequest, filters: SerialFilters) -> Page[Serial]:
    """Serialised units and where they are, or how they left; in the order of making, or of `serial`."""
    actor.require("stock.read")
    params: dict[str, Any] = msgspec.structs.asdict(filters) | {
        "scope": actor.scope_ids, "limit": page.limit + 1, "after": None, "after_id": None, "first": None, "last": None,
    }  # fmt: skip
    if filters.range is not None:
        before, digits, first, last = rules.serial_ends(filters.range, "range")
        params |= {"first": f"{before}{first:0{digits}d}", "last": f"{before}{last:0{digits}d}"}
    if page.sort not in ("", "serial"):
        raise InvalidValue("sort", page.sort, "is no order of this list; there is serial")
    if page.sort and (after := page.after(str, int)):
        params |= {"after": after[0], "after_id": after[1]}
    elif not page.sort and (after := page.after(int)):
        params["after"] = after[0]
    async with db.snapshot() as tx:
        place = await place_named(tx, actor, filters.location)
        params |= {
            "variant_ids": await variant_ids_of(tx, filters.sku, None), "location_id": place.id if place else None,
        }  # fmt: skip
        found = await tx.rows(Q["serials_in_order" if page.sort else "serials"], params, as_=Serial)
    return page_of(found, page, lambda one: [one.serial.upper(), one.id] if page.sort else [one.id])


async def get_serial(db: Database, actor: Actor, serial_id: int) -> Serial:
    """One unit. Raises Missing: there is none, or it is not at one of the actor's places."""
    actor.require("stock.read")
    async with db.snapshot() as tx:
        found = await tx.maybe(Q["serial"], {"serial_id": serial_id, "scope": actor.scope_ids}, as_=Serial)
    if found is None:
        raise Missing("serial", serial_id)
    return found


async def serial_history(db: Database, actor: Actor, serial_id: int, page: PageRequest) -> Page[Movement]:
    """All that happened to one unit at the actor's places: where, when, who, why; the latest first. Raises Missing."""
    actor.require("stock.read")
    after = page.after(int)
    params = {
        "serial_id": serial_id, "scope": actor.scope_ids, "after_id": after[0] if after else None,
        "limit": page.limit + 1,
    }  # fmt: skip
    async with db.snapshot() as tx:
        found = await tx.rows(Q["movements_of_serial"], params, as_=Movement)
        known = found or await tx.maybe(Q["serial"], {"serial_id": serial_id, "scope": None}, as_=Serial)
    if not known:
        raise Missing("serial", serial_id)
    return page_of([seen_by(actor, row) for row in found], page, lambda row: [row.id])
