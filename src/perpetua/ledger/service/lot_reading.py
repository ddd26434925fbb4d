"""Lots as they are: lists, one with all that is known of it, what expires."""

from datetime import date, timedelta
from typing import Any, Final

import msgspec
from msgspec import UNSET

from perpetua.access.types import Actor
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Queries, Tx
from perpetua.kit.errors import InvalidValue, Missing
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.ledger import store
from perpetua.ledger.service.reading import place_named, variant_ids_of
from perpetua.ledger.types import ExpiringLot, Lot, LotDetail, LotEvent, LotFilters, LotPlace

__all__ = [
    "detail", "expiring_untold", "get_lot", "keep_expiry_alerts", "list_expiring", "list_lot_events", "list_lots",
]  # fmt: skip

Q = Queries(store.__file__, "lots.sql")
MANY: Final = 500
LONGEST_DAYS: Final = 3650


async def list_lots(db: Database, actor: Actor, filters: LotFilters, page: PageRequest) -> Page[Lot]:
    """Lots: the newest first, or in the order of `number`, or of `expires`."""
    actor.require("stock.read")
    params: dict[str, Any] = {"after": None, "after_id": None, "limit": page.limit + 1, "scope": actor.scope_ids}
    if page.sort == "":
        after = page.after(int)
        params["after_id"] = after[0] if after else None
    elif page.sort in ("number", "expires"):
        after = page.after(str if page.sort == "number" else date, int)
        params |= {"after": str(after[0]), "after_id": after[1]} if after else {}
    else:
        raise InvalidValue("sort", page.sort, "is no order of this list; there are number and expires")
    statement = {"": "lots_newest", "number": "lots_by_number", "expires": "lots_by_expiry"}[page.sort]
    async with db.snapshot() as tx:
        place = await place_named(tx, actor, filters.location)
        params |= msgspec.structs.asdict(filters) | {
            "variant_ids": await variant_ids_of(tx, filters.sku, filters.variant_id),
            "location_id": place.id if place else None,
        }
        found = await tx.rows(Q[statement], params, as_=Lot)

    def key(lot: Lot) -> list[Any]:
        match page.sort:
            case "number":
                return [lot.number.upper(), lot.id]
            case "expires":
                return [lot.expires_on or date.max, lot.id]
            case _:
                return [lot.id]

    return page_of(found, page, key)


async def get_lot(db: Database, actor: Actor, lot_id: int) -> LotDetail:
    """A lot, where it lies, what is promised of it and what came of it. Raises Missing."""
    actor.require("stock.read")
    async with db.snapshot() as tx:
        return await detail(tx, actor, lot_id)


async def detail(tx: Tx, actor: Actor, lot_id: int) -> LotDetail:
    """The same within another use case."""
    params = {"lot_id": lot_id, "scope": actor.scope_ids, "location_id": None}
    lot = await tx.maybe(Q["lot"], params, as_=Lot)
    if lot is None:
        raise Missing("lot", lot_id)
    places = await tx.rows(Q["lot_places"], params, as_=LotPlace)
    sums = (await tx.dicts(Q["lot_sums"], {**params, "variant_id": lot.variant_id}))[0]
    return LotDetail(**msgspec.structs.asdict(lot), places=places, **sums)


async def list_lot_events(db: Database, actor: Actor, lot_id: int, page: PageRequest) -> Page[LotEvent]:
    """What was changed of a lot, the latest first. Raises Missing: there is no such lot."""
    actor.require("stock.read")
    after = page.after(int)
    params = {"lot_id": lot_id, "after": after[0] if after else None, "limit": page.limit + 1}
    async with db.snapshot() as tx:
        found = await tx.rows(Q["lot_events"], params, as_=LotEvent)
        if not found and after is None:
            await detail(tx, actor, lot_id)
    return page_of(found, page, lambda event: [event.id])


async def list_expiring(
    db: Database, actor: Actor, within_days: int, page: PageRequest, *, location: str | None = None,
    clock: Clock = system_clock,
) -> Page[ExpiringLot]:  # fmt: skip
    """Lots with stock whose last day comes within so many days, or is over; the first first."""
    actor.require("stock.read")
    after = page.after(date, int)
    async with db.snapshot() as tx:
        place = await place_named(tx, actor, location)
        params = _within(within_days, clock) | {
            "scope": actor.scope_ids, "location_id": place.id if place else None, "limit": page.limit + 1,
            "after": after[0] if after else None, "after_id": after[1] if after else None,
        }  # fmt: skip
        found = await tx.rows(Q["expiring"], params, as_=ExpiringLot)
    if not actor.sees_costs:
        found = [msgspec.structs.replace(lot, value=UNSET) for lot in found]
    return page_of(found, page, lambda lot: [lot.expires_on, lot.id])


async def expiring_untold(db: Database, within_days: int, *, clock: Clock = system_clock) -> list[ExpiringLot]:
    """Of those that expire within so many days, the ones that nobody was told of; at most 500, the first first."""
    params = _within(within_days, clock) | {"scope": None, "location_id": None, "limit": MANY}
    async with db.snapshot() as tx:
        return await tx.rows(Q["expiring_untold"], params, as_=ExpiringLot)


async def keep_expiry_alerts(db: Database, lots: list[ExpiringLot]) -> None:
    """Write down that people were told of these."""
    params = {"lot_ids": [lot.id for lot in lots], "days": [lot.expires_on for lot in lots]}
    await db.run(lambda tx: tx.execute(Q["keep_expiry_alerts"], params))


def _within(days: int, clock: Clock) -> dict[str, Any]:
    if not 0 <= days <= LONGEST_DAYS:
        raise InvalidValue("within_days", str(days), f"must lie between 0 and {LONGEST_DAYS}")
    today = clock().date()
    return {"today": today, "last_day": today + timedelta(days=days)}
