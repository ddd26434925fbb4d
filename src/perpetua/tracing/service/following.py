"""Where a lot or a serial came from and where it went, and who has it now."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET

from perpetua.access.types import Actor
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Missing
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.tracing.store import Q
from perpetua.tracing.types import Direction, Holder, TraceRow

__all__ = ["holders", "list_holders", "sees_names", "trace_lot", "trace_serial"]


async def trace_lot(
    db: Database, actor: Actor, lot_id: int, direction: Direction, page: PageRequest
) -> Page[TraceRow]:  # fmt: skip
    """What became of a lot and of what was made of it, or where it and what it was made of came from; in the order in
    which it happened. One statement a page. Raises Missing."""
    return await _trace(db, actor, "lot", lot_id, direction, page)


async def trace_serial(
    db: Database, actor: Actor, serial_id: int, direction: Direction, page: PageRequest
) -> Page[TraceRow]:  # fmt: skip
    """The same of one unit. Raises Missing."""
    return await _trace(db, actor, "serial", serial_id, direction, page)


async def list_holders(
    db: Database, actor: Actor, page: PageRequest, *, lot_id: int | None = None, recall_id: int | None = None
) -> Page[Holder]:
    """Who has some of a lot, or of a recall's lots: sent to whom, here in which places, on its way, promised to whom
    when it was recalled. One statement a page.

    Raises:
        Missing: no such lot or recall.
    """
    actor.require("stock.read")
    async with db.snapshot() as tx:
        if lot_id is not None and not await tx.value(Q["known_lot"], {"id": lot_id}):
            raise Missing("lot", lot_id)
        return await holders(tx, actor, page, lot_id=lot_id, recall_id=recall_id)


async def holders(
    tx: Tx, actor: Actor, page: PageRequest, *, lot_id: int | None = None, recall_id: int | None = None
) -> Page[Holder]:
    """The same within another use case."""
    after = page.after(str, int, str)
    params: dict[str, Any] = {
        "lot_id": lot_id, "recall_id": recall_id, "scope": actor.scope_ids, "names": sees_names(actor),
        "limit": page.limit + 1, "after": None, "after_lot": None, "after_key": None,
    }  # fmt: skip
    if after:
        params |= {"after": after[0], "after_lot": after[1], "after_key": after[2]}
    rows = await tx.dicts(Q["holders"], params)
    listed = page_of(rows, page, lambda row: [row["kind"], row["lot_id"], row["key"]])
    return Page(items=[_holder(actor, row) for row in listed.items], next_cursor=listed.next_cursor)


def sees_names(actor: Actor) -> bool:
    """Whether the actor may read who the customers are."""
    return actor.may("customers.read")


def _holder(actor: Actor, row: dict[str, Any]) -> Holder:
    del row["key"]
    if not sees_names(actor):
        row |= {"customer": UNSET, "customer_name": UNSET, "email": UNSET}
    return Holder(**row)


async def _trace(
    db: Database, actor: Actor, what: str, id_: int, direction: Direction, page: PageRequest
) -> Page[TraceRow]:  # fmt: skip
    actor.require("stock.read")
    after = page.after(datetime, int)
    params = {
        "lot_id": id_ if what == "lot" else 0, "serial_id": id_ if what == "serial" else 0,
        "scope": actor.scope_ids, "names": sees_names(actor), "limit": page.limit + 1,
        "after": after[0] if after else None, "after_id": after[1] if after else None,
    }  # fmt: skip
    async with db.snapshot() as tx:
        rows = await tx.rows(Q[direction], params, as_=TraceRow)
        if not rows and not await tx.value(Q[f"known_{what}"], {"id": id_}):
            raise Missing(what, id_)
    if not sees_names(actor):
        rows = [msgspec.structs.replace(row, customer=UNSET, customer_name=UNSET) for row in rows]
    return page_of(rows, page, lambda row: [row.effective_at, row.id])
