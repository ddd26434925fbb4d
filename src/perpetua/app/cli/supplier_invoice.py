"""`perpetua supplier-invoice`: suppliers' invoices, listed and shown with what they are held against."""

from typing import Annotated

from cyclopts import App, Parameter

from perpetua.app.cli import common
from perpetua.kit.listing import PageRequest
from perpetua.purchasing import service
from perpetua.purchasing.types.invoices import InvoiceFilters, InvoiceStatus

__all__ = ["app"]

app = App(name="supplier-invoice", help="Suppliers' invoices: listed, shown.")

_COLUMNS = {
    "id": "Id", "supplier": "Supplier", "number": "Number", "status": "Status", "flagged": "To decide",
    "waiting": "Waiting",
    "due_on": "Due", "total": "Total", "currency": "Currency",
}  # fmt: skip

Flag = Annotated[bool, Parameter(negative="")]


@app.command(name="list")
async def list_(
    *, status: InvoiceStatus | None = None, supplier: str | None = None, number: str | None = None,
    po: str | None = None, open_: Annotated[bool, Parameter(name="--open", negative="")] = False,
    attention: Flag = False, sort: str = "", limit: int = 50, cursor: str | None = None,
) -> None:  # fmt: skip
    """List suppliers' invoices, the newest first.

    Args:
        status: MATCHED, WAITING, FLAGGED, DISPUTED, RELEASED or VOID.
        supplier: of this one, by its code.
        number: how the supplier's number begins.
        po: for this purchase order.
        open_: neither released nor void.
        attention: somebody must decide, or what was released is no longer right.
        sort: id, due, number or supplier.
        limit: at most so many, up to 1000.
        cursor: what the page before told to go on with.
    """
    filters = InvoiceFilters(
        status=status, supplier=supplier, number=number, po=po, open=open_, attention=attention
    )  # fmt: skip
    request = PageRequest(limit=min(max(limit, 1), 1000), cursor=cursor, sort=sort)
    async with common.database() as db:
        page = await service.list_invoices(db, common.actor(), filters, request)
    common.show_page(page, title="Suppliers' invoices", columns=_COLUMNS)


@app.command
async def show(invoice_id: int) -> None:
    """Show an invoice: its lines, what each is held against, and what was decided."""
    async with common.database() as db:
        invoice = await service.get_invoice(db, common.actor(), invoice_id)
    common.show(invoice, title=f"{invoice.supplier}: invoice {invoice.number}")
