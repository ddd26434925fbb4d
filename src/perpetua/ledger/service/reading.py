"""What is there, now and at any moment, and how it came to be so."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET

from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Queries, Statement, Tx
from perpetua.kit.errors import InvalidValue, Missing
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.ledger import store
from perpetua.ledger.types import ItemLevel, Movement, MovementFilters, Position, StockFilters
from perpetua.places import service as places
from perpetua.places.types import LocationRef

__all__ = [
    "catalogue_at", "get_movement", "item_levels", "list_movements", "list_stock", "moment",
    "place_named", "seen_by", "stock_filters", "stock_now", "stock_of", "variant_ids_of",
]  # fmt: skip

Q = Queries(store.__file__, "reading.sql")
_FEW = 5000
_NEVER = datetime(1, 1, 1, tzinfo=UTC)


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """Both times of a question, and the checkpoint to start from."""

    as_of: datetime
    known_at: datetime
    checkpoint_id: int | None = None
    checkpoint_as_of: datetime = _NEVER
    checkpoint_through: int = 0


async def list_stock(
    db: Database, actor: Actor, filters: StockFilters, page: PageRequest, *, clock: Clock = system_clock
) -> Page[Position]:
    """The five quantities of each item, by SKU, in a place with all below it, now or at a moment.

    At a past moment only on hand, in transit and unsellable are told: what was promised then is not part of the ledger.
    """
    actor.require("stock.read")
    after = page.after(str)
    async with db.snapshot() as tx:
        place = await place_named(tx, actor, filters.location)
        params = await stock_filters(tx, actor, filters)
        params |= {
            "location_id": place.id if place else None,
            "after": after[0] if after else None,
            "limit": page.limit + 1,
        }
        when = await moment(tx, filters.as_of, filters.known_at, clock)
        if when:
            statement = Q["stock_then"]
            params |= msgspec.structs.asdict(when)
        else:
            statement = await stock_now(tx, place)
        rows = await tx.dicts(statement, params)
    found = [_position(actor, row, place.id if place else None, place.code if place else None, when) for row in rows]
    return page_of(found, page, lambda position: [position.sku.upper()])


_SITES = frozenset({"warehouse", "store", "fulfilment_centre"})


async def stock_of(
    db: Database, actor: Actor, product_id: int, *, as_of: datetime | None = None, known_at: datetime | None = None,
    clock: Clock = system_clock,
) -> list[Position]:  # fmt: skip
    """The five quantities of each variant of a product, over all the actor's places.

    Raises:
        Missing: no such product.
    """
    actor.require("stock.read")
    async with db.snapshot() as tx:
        params = {**_NO_FILTER, "product_id": product_id, "with_zero": True, "scope": actor.scope_ids, "limit": 1000}
        when = await moment(tx, as_of, known_at, clock)
        rows = await tx.dicts(
            Q["stock_then" if when else "stock_now"], params | (msgspec.structs.asdict(when) if when else {})
        )
    if not rows:
        raise Missing("product", product_id)
    return [_position(actor, row, None, None, when) for row in rows]


async def item_levels(
    db: Database, actor: Actor, variant_ids: list[int], *, as_of: datetime | None = None,
    known_at: datetime | None = None, with_zero: bool = False, clock: Clock = system_clock,
) -> list[ItemLevel]:  # fmt: skip
    """Where items lie: their levels, place by place and lot by lot."""
    actor.require("stock.read")
    async with db.snapshot() as tx:
        when = await moment(tx, as_of, known_at, clock)
        params: dict[str, Any] = {"variant_ids": variant_ids, "scope": actor.scope_ids, "with_zero": with_zero}
        await tx.execute(Q["plan_once"])
        params |= msgspec.structs.asdict(when) if when else {}
        return await tx.rows(Q["item_levels_then" if when else "item_levels"], params, as_=ItemLevel)


async def catalogue_at(
    db: Database, actor: Actor, as_of: datetime | None, known_at: datetime | None = None, *, clock: Clock = system_clock
) -> AsyncIterator[list[store.LevelThen]]:
    """Every level of the whole catalogue at a moment (variant, location, lot, on hand), in batches.

    Raises:
        InvalidValue: the actor is confined to some places.
    """
    actor.require("stock.read")
    if actor.scope is not None:
        raise InvalidValue("location", "", "you are confined to some places; ask for one of them")
    async with db.snapshot() as tx:
        when = await moment(tx, as_of or clock(), known_at, clock)
        assert when is not None
        await tx.execute(Q["much_memory"])
        async for batch in tx.tuples(Q["catalogue_then"], msgspec.structs.asdict(when), batch=10_000):
            yield batch


async def list_movements(db: Database, actor: Actor, filters: MovementFilters, page: PageRequest) -> Page[Movement]:
    """Ledger rows: of one item as they happened, of all as they were written; the latest first."""
    actor.require("stock.read")
    async with db.snapshot() as tx:
        place = await place_named(tx, actor, filters.location)
        variant_ids = await variant_ids_of(tx, filters.sku, filters.variant_id)
        params = msgspec.structs.asdict(filters) | {
            "variant_ids": variant_ids, "location_id": place.id if place else None, "scope": actor.scope_ids,
            "limit": page.limit + 1, "after_at": None, "after_id": None,
        }  # fmt: skip
        if variant_ids is not None:
            after = page.after(datetime, int)
            params |= {"after_at": after[0], "after_id": after[1]} if after else {}
            found = await tx.rows(Q["movements_of_items"], params, as_=Movement)
            page_rows = page_of(found, page, lambda row: [row.effective_at, row.id])
        else:
            after = page.after(int)
            params |= {"after_id": after[0]} if after else {}
            found = await tx.rows(Q["movements"], params, as_=Movement)
            page_rows = page_of(found, page, lambda row: [row.id])
    return msgspec.structs.replace(page_rows, items=[seen_by(actor, row) for row in page_rows.items])


async def get_movement(db: Database, actor: Actor, row_id: int) -> Movement:
    """One ledger row."""
    actor.require("stock.read")
    async with db.transaction() as tx:
        found = await tx.maybe(Q["movement"], {"row_id": row_id, "scope": actor.scope_ids}, as_=Movement)
    if found is None:
        raise Missing("ledger row", row_id)
    return seen_by(actor, found)


async def moment(tx: Tx, as_of: datetime | None, known_at: datetime | None, clock: Clock) -> Moment | None:
    """Both times and the best checkpoint; None asks for now.

    Raises:
        InvalidValue: a moment that has not come yet.
    """
    if as_of is None and known_at is None:
        return None
    now = clock()
    for field, asked in (("as_of", as_of), ("known_at", known_at)):
        if asked is not None and asked > now:
            raise InvalidValue(field, asked.isoformat(), "lies in the future; nobody knows yet", now=now)
    known = known_at or now
    asked = {"as_of": as_of or known, "known_at": known}
    best = (await tx.dicts(Q["best_checkpoint"], asked))[0]
    archived_to = best.pop("archived_to")
    if archived_to is not None and min(asked.values()) < archived_to:
        reason = f"lies in months that are archived (up to {archived_to:%Y-%m-%d}); ask `perpetua archive stock`"
        raise InvalidValue("as_of" if as_of else "known_at", min(asked.values()).isoformat(), reason)
    return Moment(**asked, **(best if best["checkpoint_id"] is not None else {}))


_NO_FILTER: dict[str, Any] = {
    "location_id": None, "variant_ids": None, "product_id": None, "category_id": None, "owner_id": None, "after": None,
    "with_zero": False,
}  # fmt: skip


async def stock_filters(tx: Tx, actor: Actor, filters: StockFilters) -> dict[str, Any]:
    """The filters as a statement's parameters. Raises Missing: no such item."""
    return _NO_FILTER | {
        "variant_ids": await variant_ids_of(tx, filters.sku, None),
        "product_id": filters.product_id,
        "category_id": filters.category_id,
        "owner_id": filters.owner_id,
        "with_zero": filters.with_zero,
        "scope": actor.scope_ids,
    }


async def variant_ids_of(tx: Tx, sku: str | None, variant_id: int | None) -> list[int] | None:
    """The item as a filter; None is all. Raises Missing."""
    if variant_id is not None:
        return [variant_id]
    if sku is None:
        return None
    found = await items.resolve_skus(tx, [sku])
    if sku.upper() not in found:
        raise Missing("item", sku)
    return [found[sku.upper()].id]


async def place_named(tx: Tx, actor: Actor, code: str | None) -> LocationRef | None:
    """The place with this code. Raises Missing or OutOfScope."""
    if code is None:
        return None
    place = (await places.by_codes(tx, [code])).get(code)
    if place is None:
        raise Missing("location", code)
    actor.require_place(place.path, place.code)
    return place


async def stock_now(tx: Tx, place: LocationRef | None) -> Statement:
    """Of two ways to the same rows, the better one for this place."""
    few = place is not None and place.kind not in _SITES and await _few(tx, place.id)
    return Q["stock_now_here" if few else "stock_now"]


async def _few(tx: Tx, location_id: int) -> bool:
    return (await tx.value(Q["levels_below"], {"location_id": location_id})) <= _FEW


def _position(
    actor: Actor, row: dict[str, Any], location_id: int | None, location: str | None, when: Moment | None
) -> Position:
    value: Decimal | None = row.pop("value")
    return Position(
        **row, location_id=location_id, location=location, value=value if actor.sees_costs else UNSET,
        as_of=when.as_of if when else None, known_at=when.known_at if when else None,
    )  # fmt: skip


def seen_by(actor: Actor, row: Movement) -> Movement:
    """The row without its cost, for who may not see it."""
    return row if actor.sees_costs else msgspec.structs.replace(row, unit_cost=UNSET)
