"""`perpetua recall`: recalls opened, shown, closed; who has the goods, and what is still here."""

from typing import Annotated

from cyclopts import App, Parameter

from perpetua.app.cli import common
from perpetua.kit.clock import parse_instant
from perpetua.kit.database import Database
from perpetua.kit.errors import Missing
from perpetua.kit.listing import PageRequest
from perpetua.tracing import service
from perpetua.tracing.types import CloseRecall, OpenRecall, RecallDetail, RecallFilters, ReleaseLots

__all__ = ["app"]

app = App(name="recall", help="Recalls: opened, shown, closed; who has it and what is still here.")

_COLUMNS = {
    "number": "Number", "reason": "Reason", "lot_count": "Lots", "opened_at": "Opened", "opened_by_name": "By",
    "closed_at": "Closed",
}  # fmt: skip
_LOTS = {
    "lot_id": "Id", "sku": "SKU", "lot": "Lot", "status": "Status", "received": "Received", "sent": "Sent",
    "returned": "Came back", "written_off_since": "Written off since", "on_hand": "On hand", "in_transit": "On its way",
}  # fmt: skip
_HOLDERS = {
    "kind": "", "sku": "SKU", "lot": "Lot", "quantity": "Quantity", "returned": "Came back", "order_number": "Order",
    "reference_id": "Reference", "customer_name": "Customer", "location": "At", "holder": "Holder",
}  # fmt: skip

Flag = Annotated[bool, Parameter(negative="")]


@app.command(name="list")
async def list_(*, open_only: Flag = False, limit: int = 50, cursor: str | None = None) -> None:
    """List recalls, the newest first.

    Args:
        open_only: only those that are not closed.
        limit: at most so many, up to 1000.
        cursor: what the page before told to go on with.
    """
    request = PageRequest(limit=min(max(limit, 1), 1000), cursor=cursor)
    async with common.database() as db:
        page = await service.list_recalls(db, common.actor(), RecallFilters(open=open_only or None), request)
    common.show_page(page, title="Recalls", columns=_COLUMNS)


@app.command(name="open")
async def open_(
    reason: str, *, sku: str | None = None, supplier: str | None = None, supplier_lot: str | None = None,
    lots: Annotated[list[int] | None, Parameter(name="--lot", negative="")] = None, received_from: str | None = None,
    received_until: str | None = None, notes: str | None = None,
) -> None:  # fmt: skip
    """Block lots at once, and all that was made of them: all that fit what is said.

    Args:
        reason: why.
        sku: of this item.
        supplier: of this supplier.
        supplier_lot: the supplier's own number.
        lots: these, by id.
        received_from: received since then.
        received_until: received before then.
        notes: more about it.
    """
    command = OpenRecall(
        reason=reason, sku=sku, supplier=supplier, supplier_lot=supplier_lot, lot_ids=lots, notes=notes,
        received_from=parse_instant(received_from, "received_from") if received_from else None,
        received_until=parse_instant(received_until, "received_until") if received_until else None,
    )  # fmt: skip
    async with common.database() as db:
        done = await service.open_recall(db, common.actor(), command)
    _show(done.answer)


@app.command
async def show(number: str) -> None:
    """Show a recall, its lots, and how far it has come."""
    async with common.database() as db:
        _show(await service.get_recall(db, common.actor(), await _id(db, number)))


@app.command
async def holders(number: str, *, limit: int = 200, cursor: str | None = None) -> None:
    """List who has some of it: here by place, on its way, promised until it was recalled, sent to whom."""
    request = PageRequest(limit=min(max(limit, 1), 1000), cursor=cursor)
    async with common.database() as db:
        page = await service.list_holders(db, common.actor(), request, recall_id=await _id(db, number))
    common.show_page(page, title=f"Who has goods of {number}", columns=_HOLDERS)


@app.command
async def release(number: str, reason: str, *lots: int) -> None:
    """Take lots out of a recall; they go to whoever waits.

    Args:
        number: the recall's.
        reason: why; it is kept.
        lots: by id.
    """
    command = ReleaseLots(lot_ids=list(lots), reason=reason)
    async with common.database() as db:
        done = await service.release_lots(db, common.actor(), await _id(db, number), command)
    _show(done.answer)


@app.command
async def close(number: str, *, notes: str | None = None, leave_rest: Flag = False) -> None:
    """Close a recall. What was not released stays blocked.

    Args:
        number: the recall's.
        notes: in place of those it has.
        leave_rest: although some of it is still here.
    """
    command = CloseRecall(notes=notes, leave_rest=leave_rest)
    async with common.database() as db:
        done = await service.close_recall(db, common.actor(), await _id(db, number), command)
    _show(done.answer)


def _show(recall: RecallDetail) -> None:
    if common.as_json():
        return common.show(recall)
    common.show(recall, columns=_COLUMNS)
    return common.show(recall.lots, title=f"Lots of {recall.number}", columns=_LOTS)


async def _id(db: Database, number: str) -> int:
    found = await service.list_recalls(db, common.actor(), RecallFilters(number=number), PageRequest(limit=1))
    if not found.items:
        raise Missing("recall", number)
    return found.items[0].id
