"""Serials over HTTP: where each unit is, and all that happened to it."""

from typing import Annotated, Literal

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.kit.database import Database
from perpetua.kit.http import PathId
from perpetua.kit.listing import Page, PageRequest
from perpetua.ledger import service
from perpetua.ledger.types import Movement, Serial, SerialFilters

__all__ = ["handlers"]

Text = Annotated[str | None, Parameter(max_length=200)]
Status = Literal["announced", "in_stock", "in_transit", "sold", "written_off", "returned", "removed"]


@get("/api/serials", tags=["stock"])
async def list_serials(
    db: Database, actor: Actor, page: PageRequest, sku: Text = None, serial: Text = None, status: Status | None = None,
    location: Text = None, lot: Text = None,
    range_: Annotated[
        str | None, Parameter(query="range", max_length=300, description="From one to another: `A0001..A0500`.")
    ] = None,
) -> Page[Serial]:  # fmt: skip
    """Serialised units: where each is, or how it left. `sort=serial` for their own order."""
    filters = SerialFilters(sku=sku, serial=serial, status=status, location=location, lot=lot, range=range_)
    return await service.list_serials(db, actor, page, filters)


@get("/api/serials/{serial_id:int}", tags=["stock"])
async def get_serial(db: Database, actor: Actor, serial_id: PathId) -> Serial:
    """One serialised unit."""
    return await service.get_serial(db, actor, serial_id)


@get("/api/serials/{serial_id:int}/history", tags=["stock"])
async def serial_history(db: Database, actor: Actor, page: PageRequest, serial_id: PathId) -> Page[Movement]:
    """All that happened to one unit: where, when, who, why; the latest first."""
    return await service.serial_history(db, actor, serial_id, page)


handlers: list[HTTPRouteHandler] = [list_serials, get_serial, serial_history]
