"""`perpetua lot`: lots listed, shown, put on hold and released; what expires."""

from typing import Annotated

from cyclopts import App, Parameter

from perpetua.app.cli import common
from perpetua.kit.database import Database
from perpetua.kit.errors import Missing
from perpetua.kit.listing import PageRequest
from perpetua.ledger import service
from perpetua.ledger.types import LotFilters, LotStatus, SetLotStatus

__all__ = ["app"]

app = App(name="lot", help="Lots: listed, shown, put on hold, released; what expires.")

_COLUMNS = {
    "id": "Id", "sku": "SKU", "number": "Lot", "status": "Status", "expires_on": "Last day", "on_hand": "On hand",
    "in_transit": "In transit", "supplier": "Supplier", "supplier_lot": "Supplier's lot",
}  # fmt: skip
_EXPIRING = {
    "id": "Id", "expires_on": "Last day", "days_left": "Days left", "sku": "SKU", "number": "Lot", "status": "Status",
    "on_hand": "On hand", "value": "Value",
}  # fmt: skip

Flag = Annotated[bool, Parameter(negative="")]


@app.command(name="list")
async def list_(
    *, sku: str | None = None, status: LotStatus | None = None, number: str | None = None, supplier: str | None = None,
    location: str | None = None, with_stock: Flag = False, sort: str = "", limit: int = 50, cursor: str | None = None,
) -> None:  # fmt: skip
    """List lots, the newest first.

    Args:
        sku: of this item.
        status: released, hold, quarantine or recalled.
        number: how the lot's number begins.
        supplier: who made or sent it.
        location: count what lies there.
        with_stock: only those that lie there.
        sort: number, or expires.
        limit: at most so many, up to 1000.
        cursor: what the page before told to go on with.
    """
    filters = LotFilters(
        sku=sku, status=status, number=number, supplier=supplier, location=location, with_stock=with_stock
    )
    request = PageRequest(limit=min(max(limit, 1), 1000), cursor=cursor, sort=sort)
    async with common.database() as db:
        page = await service.list_lots(db, common.actor(), filters, request)
    common.show_page(page, title="Lots", columns=_COLUMNS)


@app.command
async def show(sku: str, number: str) -> None:
    """Show a lot: where it lies, what is promised of it, and what came of it."""
    async with common.database() as db:
        common.show(await service.get_lot(db, common.actor(), await _id(db, sku, number)), title=f"{sku}, lot {number}")


@app.command
async def hold(sku: str, number: str, reason: str, *, quarantine: Flag = False) -> None:
    """Keep a lot from being sent; what is promised of it moves to other lots, or waits again.

    Args:
        sku: of this item.
        number: the lot's.
        reason: why; it is kept.
        quarantine: say that it is in quarantine, not on hold.
    """
    await _set(sku, number, SetLotStatus(status="quarantine" if quarantine else "hold", reason=reason))


@app.command
async def release(sku: str, number: str, reason: str) -> None:
    """Let a lot be sent again; it goes to whoever waits.

    Args:
        sku: of this item.
        number: the lot's.
        reason: why; it is kept.
    """
    await _set(sku, number, SetLotStatus(status="released", reason=reason))


@app.command
async def expiring(
    *, within_days: int = 30, location: str | None = None, limit: int = 50, cursor: str | None = None
) -> None:
    """List lots with stock whose last day comes soon, or is over.

    Args:
        within_days: how soon.
        location: only what lies there.
        limit: at most so many, up to 1000.
        cursor: what the page before told to go on with.
    """
    request = PageRequest(limit=min(max(limit, 1), 1000), cursor=cursor)
    async with common.database() as db:
        page = await service.list_expiring(db, common.actor(), within_days, request, location=location)
    common.show_page(page, title=f"Last day within {within_days} days", columns=_EXPIRING)


async def _set(sku: str, number: str, command: SetLotStatus) -> None:
    async with common.database() as db:
        done = await service.set_lot_status(db, common.actor(), await _id(db, sku, number), command)
    common.show(done.answer, title=f"{sku}, lot {number}")


async def _id(db: Database, sku: str, number: str) -> int:
    filters = LotFilters(sku=sku, number=number)
    found = await service.list_lots(db, common.actor(), filters, PageRequest(limit=1000, sort="number"))
    for lot in found.items:
        if lot.number.upper() == number.upper():
            return lot.id
    raise Missing("lot", number, sku=sku)
