"""A recall on paper, and who has its goods as a file."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET

from perpetua.access.types import Actor
from perpetua.kit import json, typeset
from perpetua.kit.database import Database
from perpetua.kit.listing import MAX_LIMIT, PageRequest
from perpetua.kit.parquet import Kind
from perpetua.kit.tabular import Extract
from perpetua.kit.typeset import Letterhead
from perpetua.tracing.service.following import holders, sees_names
from perpetua.tracing.service.recalling import detail
from perpetua.tracing.types import Holder

__all__ = ["export_holders", "recall_pdf"]

PRINTED: Final = 1000
"""Holders on paper; a file has all."""
_NAMES: Final = ("customer", "customer_name", "email")
_KINDS: Final[dict[str, Kind]] = {"quantity": "quantity", "returned": "quantity", "lot_id": "bigint",
                                  "order_id": "bigint", "last_at": "instant"}  # fmt: skip


async def recall_pdf(
    db: Database, actor: Actor, recall_id: int, letterhead: Letterhead, *, now: datetime
) -> bytes:  # fmt: skip
    """The recall with its lots and the first thousand who have some of it, as PDF. Raises Missing."""
    actor.require("stock.read")
    async with db.snapshot() as tx:
        recall = await detail(tx, actor, recall_id)
        page = await holders(tx, actor, PageRequest(limit=PRINTED), recall_id=recall_id)
    data = {
        "number": recall.number, "recall": json.plain(recall), "holders": json.plain(page.items),
        "more": bool(page.next_cursor),
        "printed": f"{now:%Y-%m-%d %H:%M} UTC",
        "kinds": {"here": "Here", "in_transit": "On its way", "promised": "Was promised", "sent": "Sent"},
    }  # fmt: skip
    template = typeset.packaged("perpetua.tracing", "recall.typ")
    return await typeset.pdf(template, typeset.paper_data(data, letterhead), dated=now)


def export_holders(db: Database, actor: Actor, recall_id: int) -> Extract:
    """All who have some of a recall's goods, as rows of a file.

    Raises:
        NotAllowed. And when the rows are read: Missing.
    """
    actor.require("exports.run")
    actor.require("stock.read")
    names = [name for name in Holder.__struct_fields__ if sees_names(actor) or name not in _NAMES]
    return Extract({name: _KINDS.get(name, "text") for name in names}, _rows(db, actor, recall_id, names))


async def _rows(
    db: Database, actor: Actor, recall_id: int, names: Sequence[str]
) -> AsyncIterator[Sequence[Sequence[Any]]]:  # fmt: skip
    async with db.snapshot() as tx:
        await detail(tx, actor, recall_id)
        cursor: str | None = None
        while True:
            page = await holders(tx, actor, PageRequest(limit=MAX_LIMIT, cursor=cursor), recall_id=recall_id)
            yield [[_cell(one, name) for name in names] for one in page.items]
            cursor = page.next_cursor
            if cursor is None:
                return


def _cell(one: msgspec.Struct, name: str) -> Any:
    value = getattr(one, name)
    return None if value is UNSET else value
