"""Runs the statements of labels; returns its types."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from perpetua.access.types import Actor
from perpetua.kit import json
from perpetua.kit.database import Queries, Tx
from perpetua.labels.types import ItemFilter, PlaceFilter, TemplateBody

__all__ = [
    "Item", "Place", "Plate", "Received", "Stored", "count_templates", "found_items", "found_places", "hold_template",
    "items", "lock_template", "make_template", "places", "plates", "received", "remove_template", "template",
    "templates", "write_template",
]  # fmt: skip

Q = Queries(__file__)


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A row of label_templates; without `name`, `kind`, `size` and `body` it is as the program ships it."""

    code: str
    version: int
    name: str | None
    kind: str | None
    size: Any
    body: Any
    updated_at: datetime


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """What labels say of an item, and of its lot where one was asked for. `place`: in the lists, from 1."""

    place: int
    sku: str
    product: str
    variant: str
    unit: str
    selling_price: Decimal | None
    category: str | None
    owner: str
    barcode: str | None
    barcode_kind: str | None
    level: str | None
    units: Decimal | None
    lot_id: int | None
    lot: str | None
    supplier_lot: str | None
    expires_on: date | None
    best_before_on: date | None
    manufactured_on: date | None
    lot_status: str | None


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """What labels say of a line of a receipt; `quantity` in the item's unit."""

    line_no: int
    quantity: Decimal
    received_at: datetime
    supplier: str | None
    location: str
    po_id: int | None
    sku: str
    product: str
    variant: str
    unit: str
    barcode: str | None
    barcode_kind: str | None
    lot: str | None
    expires_on: date | None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What labels say of a place; `path` as codes from the site down. `place`: in the list, from 1."""

    place: int
    code: str
    name: str
    kind: str
    site: str
    parent: str | None
    path: list[str]


class Plate(msgspec.Struct, frozen=True, kw_only=True):
    """What labels say of a license plate; `skus` and `quantities` side by side. `place`: in the list, from 1."""

    place: int
    code: str
    sscc: str | None
    location: str
    skus: list[str]
    quantities: list[Decimal]


async def templates(tx: Tx) -> list[Stored]:
    """All rows."""
    return await tx.rows(Q["templates"], as_=Stored)


async def template(tx: Tx, code: str) -> Stored | None:
    """One row."""
    return await tx.maybe(Q["template"], {"code": code}, as_=Stored)


async def hold_template(tx: Tx, actor: Actor, code: str) -> Stored:
    """The row of a template that came with the program, locked; made where there is none."""
    held = await tx.maybe(Q["hold_template"], {"code": code, "actor_id": actor.person_id}, as_=Stored)
    assert held is not None
    return held


async def lock_template(tx: Tx, code: str) -> Stored | None:
    """The row, locked."""
    return await tx.maybe(Q["lock_template"], {"code": code}, as_=Stored)


async def make_template(tx: Tx, actor: Actor, code: str, body: TemplateBody) -> Stored | None:
    """A new row; None where the code is taken."""
    return await tx.maybe(Q["make_template"], {"code": code, **_columns(body, actor)}, as_=Stored)


async def write_template(tx: Tx, actor: Actor, code: str, body: TemplateBody | None) -> Stored:
    """The next version; without a body, it is as the program ships it again."""
    written = await tx.maybe(Q["write_template"], {"code": code, **_columns(body, actor)}, as_=Stored)
    assert written is not None
    return written


async def remove_template(tx: Tx, code: str) -> None:
    """Forget it."""
    await tx.execute(Q["remove_template"], {"code": code})


async def count_templates(tx: Tx) -> int:
    """How many rows there are."""
    return await tx.value(Q["count_templates"])


async def found_items(tx: Tx, filters: ItemFilter, limit: int) -> list[str]:
    """SKUs that the filter finds."""
    params = {"prefix": filters.sku_prefix, "category": filters.category, "limit": limit}
    return await tx.values(Q["found_items"], params)


async def items(tx: Tx, skus: Sequence[str], levels: Sequence[str], lots: Sequence[str]) -> list[Item]:
    """Items by SKU, each with the barcode of a level ("": the each's) and its lot ("": none)."""
    return await tx.rows(Q["items"], {"skus": list(skus), "levels": list(levels), "lots": list(lots)}, as_=Item)


async def received(tx: Tx, actor: Actor, receipt_id: int, line_nos: Sequence[int] | None, limit: int) -> list[Received]:
    """Lines of a receipt that the actor may see: all, or those with these numbers."""
    wanted = None if line_nos is None else list(line_nos)
    params = {"id": receipt_id, "line_nos": wanted, "scope": actor.scope_ids, "limit": limit}
    return await tx.rows(Q["received"], params, as_=Received)


async def found_places(tx: Tx, actor: Actor, filters: PlaceFilter, limit: int) -> list[str]:
    """Codes of places that the filter finds, and the actor may see."""
    params = {"within": filters.within, "kind": filters.kind, "scope": actor.scope_ids, "limit": limit}
    return await tx.values(Q["found_places"], params)


async def places(tx: Tx, actor: Actor, codes: Sequence[str]) -> list[Place]:
    """Places by code that the actor may see."""
    return await tx.rows(Q["places"], {"codes": list(codes), "scope": actor.scope_ids}, as_=Place)


async def plates(tx: Tx, actor: Actor, codes: Sequence[str]) -> list[Plate]:
    """License plates by code or SSCC that stand where the actor may see them."""
    return await tx.rows(Q["plates"], {"codes": list(codes), "scope": actor.scope_ids}, as_=Plate)


def _columns(body: TemplateBody | None, actor: Actor) -> dict[str, Any]:
    kept = {"name": None, "kind": None, "size": None, "body": None} if body is None else {
        "name": body.name, "kind": body.kind, "size": json.dumps(body.size).decode(),
        "body": json.dumps(body.elements).decode(),
    }  # fmt: skip
    return {**kept, "actor_id": actor.person_id}
