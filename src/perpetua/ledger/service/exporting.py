"""Stock and movements as rows for a file, each list read once through a cursor, whatever its length.

What a list shows and to whom is as in `reading`: an actor's own places alone, costs only for those who see them.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from perpetua.access.types import Actor
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Queries, Statement, Tx, sql
from perpetua.kit.parquet import Kind
from perpetua.kit.tabular import Extract
from perpetua.ledger import store
from perpetua.ledger.service import reading
from perpetua.ledger.types import MovementFilters, StockFilters

__all__ = ["StockBy", "export_movements", "export_stock"]

Q = Queries(store.__file__, "exporting.sql")
BATCH: Final = 1000
StockBy = Literal["item", "place", "lot"]
"""What a row of exported stock is: an item, an item in a place, or a lot of it in a place."""

_COSTS: Final = frozenset({"value", "unit_cost"})
_ITEM: Final[Mapping[str, Kind]] = {"sku": "text", "name": "text", "unit": "text"}
_PLACE: Final[Mapping[str, Kind]] = {**_ITEM, "site": "text", "location": "text", "kind": "text"}
_STOCK: Final[Mapping[StockBy, Mapping[str, Kind]]] = {
    "item": {
        **_ITEM, "on_hand": "quantity", "available": "quantity", "allocated": "quantity", "reserved": "quantity",
        "on_order": "quantity", "in_transit": "quantity", "unsellable": "quantity", "value": "amount",
    },
    "place": {**_PLACE, "on_hand": "quantity", "value": "amount"},
    "lot": {**_PLACE, "lot": "text", "expires_on": "text", "on_hand": "quantity", "value": "amount"},
}  # fmt: skip
_MOVEMENTS: Final[Mapping[str, Kind]] = {
    "id": "bigint", "posting_id": "bigint", "line_no": "integer", "effective_at": "instant", "recorded_at": "instant",
    "type": "text", "sku": "text", "name": "text", "location": "text", "lot": "text", "serial": "text",
    "quantity": "quantity", "unit": "text", "unit_cost": "money", "reason_code": "text", "reference_type": "text",
    "reference_id": "text", "corrects_id": "bigint", "corrected_by": "bigint", "actor": "text",
    "approved_by": "bigint", "command": "text", "note": "text",
}  # fmt: skip
_LEVELS_NOW: Final = "SELECT variant_id, location_id, lot_id, on_hand FROM inventory_levels"


def export_stock(
    db: Database, actor: Actor, filters: StockFilters, by: StockBy = "item", *, clock: Clock = system_clock
) -> Extract:
    """Stock now or at a moment, by SKU. What is promised and ordered is told of the present only, and by item.

    Raises:
        NotAllowed. And when the rows are read: Missing, OutOfScope, InvalidValue, for what the filters name.
    """
    actor.require("exports.run")
    actor.require("stock.read")
    columns = _seen_by(actor, _STOCK[by])
    return Extract(columns, _stock(db, actor, filters, by, list(columns), clock))


def export_movements(db: Database, actor: Actor, filters: MovementFilters) -> Extract:
    """Ledger rows in the order they were written.

    Raises:
        NotAllowed. And when the rows are read: Missing, OutOfScope, for what the filters name.
    """
    actor.require("exports.run")
    actor.require("stock.read")
    columns = _seen_by(actor, _MOVEMENTS)
    return Extract(columns, _movements(db, actor, filters, list(columns)))


async def _stock(
    db: Database, actor: Actor, filters: StockFilters, by: StockBy, columns: Sequence[str], clock: Clock
) -> AsyncIterator[Sequence[Sequence[Any]]]:
    async with db.snapshot() as tx:
        place = await reading.place_named(tx, actor, filters.location)
        params = await reading.stock_filters(tx, actor, filters)
        params |= {"location_id": place.id if place else None, "after": None, "limit": None}
        when = await reading.moment(tx, filters.as_of, filters.known_at, clock)
        if when:
            params |= msgspec.structs.asdict(when)
            statement = _then({"item": "export_items_then", "place": "export_places", "lot": "export_levels"}[by])
        elif by == "item":
            statement = await reading.stock_now(tx, place)
        else:
            statement = Q["export_places" if by == "place" else "export_levels"]
        async for batch in _whole(tx, statement, params, columns):
            yield batch


async def _movements(
    db: Database, actor: Actor, filters: MovementFilters, columns: Sequence[str]
) -> AsyncIterator[Sequence[Sequence[Any]]]:
    async with db.snapshot() as tx:
        place = await reading.place_named(tx, actor, filters.location)
        params = msgspec.structs.asdict(filters) | {
            "variant_ids": await reading.variant_ids_of(tx, filters.sku, filters.variant_id),
            "location_id": place.id if place else None,
            "scope": actor.scope_ids,
        }
        async for batch in _whole(tx, Q["export_movements"], params, columns):
            yield batch


async def _whole(
    tx: Tx, statement: Statement, params: Mapping[str, Any], columns: Sequence[str]
) -> AsyncIterator[Sequence[Sequence[Any]]]:
    """All rows, as values in the order of the columns; what the statement does not tell is None."""

    class InOrder(list[Any]):
        def __init__(self, **values: Any) -> None:
            super().__init__([values.get(name) for name in columns])

    # A cursor is planned for its first rows; of a file all are wanted.
    await tx.execute(sql("SET LOCAL cursor_tuple_fraction = 1"))
    async for batch in tx.stream(statement, params, as_=InOrder, batch=BATCH):
        yield batch


def _then(name: str) -> Statement:
    """The statement over the levels of a past moment."""
    statement = Q[name]
    text = statement.replace(_LEVELS_NOW, reading.Q["catalogue_then"], 1)
    assert text != statement
    return Statement(text, f"{name}, then")


def _seen_by(actor: Actor, columns: Mapping[str, Kind]) -> dict[str, Kind]:
    return {name: kind for name, kind in columns.items() if actor.sees_costs or name not in _COSTS}
