"""Lists out over HTTP, streamed: what a list shows, a file of it shows, to the same readers.

Always true:
- What refuses a list does so before the first byte; a file that ends is whole.
- A file of any length is written in constant memory, from one snapshot of the database.
- Few are written at once: each holds a connection to the database for as long as its reader takes.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from litestar import get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Parameter
from litestar.response import Stream

from perpetua.access.types import Actor
from perpetua.app.files import products_extract
from perpetua.app.problems import Unavailable
from perpetua.kit.clock import Clock
from perpetua.kit.database import Database
from perpetua.kit.http import Moment, PathId, QueryId
from perpetua.kit.tabular import MEDIA_TYPES, Extract, Format, file_of
from perpetua.ledger import service as ledger
from perpetua.ledger.types import MovementFilters, StockFilters, TransactionType
from perpetua.places import service as places
from perpetua.places.types import Kind, LocationFilters
from perpetua.tracing import service as tracing

__all__ = ["AT_ONCE", "download", "handlers"]

AT_ONCE: Final = 4
"""Files written at once by one process."""

Code = Annotated[str | None, Parameter(max_length=40)]
Text = Annotated[str | None, Parameter(max_length=200)]
Form = Annotated[Format, Parameter(query="format", description="Of the file.")]
Bom = Annotated[bool, Parameter(description="Begin a CSV with a byte-order mark, for Excel.")]
FILE: Final[dict[str, Any]] = {
    "tags": ["exports"],
    "responses": {200: ResponseSpec(bytes, description="The file.", media_type="*/*", generate_examples=False)},
}
_turns = asyncio.Semaphore(AT_ONCE)


@get("/api/products/export", **FILE)
async def export_products(db: Database, actor: Actor, form: Form = "csv", bom: Bom = False) -> Stream:
    """The whole catalogue, such as the import takes back; cost prices only for those who see them."""
    return await _streamed(products_extract(db, actor), "products", form, bom)


@get("/api/locations/export", **FILE)
async def export_locations(
    db: Database,
    actor: Actor,
    form: Form = "csv",
    bom: Bom = False,
    site: Code = None,
    parent: Code = None,
    within: Code = None,
    kind: Kind | None = None,
    active: bool | None = None,
    text: Text = None,
) -> Stream:
    """Places, such as the import takes back, each after the one it stands in; filtered as in the list of places."""
    filters = LocationFilters(site=site, parent=parent, within=within, kind=kind, active=active, text=text)
    return await _streamed(places.export_locations(db, actor, filters), "locations", form, bom)


@get("/api/recalls/{recall_id:int}/export", **FILE)
async def export_recall(db: Database, actor: Actor, recall_id: PathId, form: Form = "csv", bom: Bom = False) -> Stream:
    """All who have some of a recall's goods: here by place, on its way, promised until then, sent to whom."""
    return await _streamed(tracing.export_holders(db, actor, recall_id), f"recall-{recall_id}", form, bom)


@get("/api/inventory/export", **FILE)
async def export_stock(
    db: Database,
    actor: Actor,
    moment: Moment,
    clock: Clock,
    form: Form = "csv",
    bom: Bom = False,
    by: Annotated[
        Literal["item", "place", "lot"],
        Parameter(description="What a row is: an item, an item in a place, or a lot of it in a place."),
    ] = "item",
    location: Text = None,
    sku: Text = None,
    category_id: QueryId = None,
    owner_id: QueryId = None,
    with_zero: bool = False,
) -> Stream:
    """Stock by SKU, now or at any moment (`as_of`, `known_at`); filtered as in the list of stock.

    Available, allocated, reserved and on order are told of the present only, and by item. `value`, at today's cost
    price, is there for those who see costs.
    """
    filters = StockFilters(
        location=location, sku=sku, category_id=category_id, owner_id=owner_id, with_zero=with_zero,
        as_of=moment.as_of, known_at=moment.known_at,
    )  # fmt: skip
    return await _streamed(ledger.export_stock(db, actor, filters, by, clock=clock), "stock", form, bom)


@get("/api/stock-movements/export", **FILE)
async def export_movements(
    db: Database,
    actor: Actor,
    moment: Moment,
    form: Form = "csv",
    bom: Bom = False,
    sku: Text = None,
    variant_id: QueryId = None,
    location: Text = None,
    type_: Annotated[list[TransactionType] | None, Parameter(query="type", max_items=20)] = None,
    posting_id: QueryId = None,
    reference_type: Text = None,
    reference_id: Text = None,
    reason_code: Text = None,
    actor_id: QueryId = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Stream:
    """The ledger's rows in the order they were written; filtered as in the list of movements. `unit_cost` is there for
    those who see costs.
    """
    filters = MovementFilters(
        sku=sku, variant_id=variant_id, location=location, types=type_, posting_id=posting_id,
        reference_type=reference_type, reference_id=reference_id, reason_code=reason_code, actor_id=actor_id,
        since=since, until=until, known_at=moment.known_at,
    )  # fmt: skip
    return await _streamed(ledger.export_movements(db, actor, filters), "movements", form, bom)


def download(content: AsyncIterator[bytes], name: str, form: Format) -> Stream:
    """The file under a name of ours."""
    disposition = f'attachment; filename="{name}.{form}"'
    return Stream(content, media_type=MEDIA_TYPES[form], headers={"Content-Disposition": disposition})


async def _streamed(extract: Extract, name: str, form: Format, bom: bool) -> Stream:
    in_turn = Extract(extract.columns, _in_turn(extract.batches))
    return download(await file_of(in_turn, form, name=name, bom=bom), name, form)


async def _in_turn(batches: AsyncIterator[Sequence[Sequence[Any]]]) -> AsyncIterator[Sequence[Sequence[Any]]]:
    if _turns.locked():
        raise Unavailable(reason=f"{AT_ONCE} files are being written out already.", retry_after_seconds=10)
    async with _turns:
        async for batch in batches:
            yield batch


handlers: list[Any] = [export_products, export_locations, export_recall, export_stock, export_movements]
