"""`perpetua purchase-order`: what was ordered of suppliers, listed, shown, approved.

Whoever has the machine is not a person who may spend money: to approve, somebody signs in.
"""

import getpass
import sys
from typing import Annotated

from cyclopts import App, Parameter

from perpetua.access import service as access
from perpetua.access.types import Actor, Origin, Secrets, SignIn
from perpetua.app.cli import common
from perpetua.app.settings import Settings
from perpetua.kit.database import Database
from perpetua.kit.errors import InvalidValue
from perpetua.kit.listing import PageRequest
from perpetua.purchasing import service
from perpetua.purchasing.types import ApproveOrder, Order, OrderFilters, OrderStatus

__all__ = ["app"]

app = App(name="purchase-order", help="Purchase orders.")

_COLUMNS = {
    "number": "Order", "status": "Status", "supplier": "Supplier", "site": "Site", "due_on": "Due",
    "overdue": "Overdue",
    "lines": "Lines", "ordered": "Ordered", "received": "Received", "on_order": "On order", "total": "Total",
    "currency": "Currency", "waits_for_approval": "Waits for approval",
}  # fmt: skip
_LINES = {
    "line_no": "Line", "sku": "SKU", "supplier_sku": "Supplier's SKU", "name": "Name", "ordered": "Ordered",
    "received": "Received", "cancelled": "Cancelled", "on_order": "On order", "unit_price": "Price",
    "expected_on": "Expected", "promised_on": "Promised",
}  # fmt: skip
_HEAD = (
    "number", "status", "supplier", "supplier_name", "site", "currency", "total", "approved", "approvals_needed",
    "submitted_at", "supplier_reference", "note", "version",
)  # fmt: skip

Flag = Annotated[bool, Parameter(negative="")]


@app.command(name="list")
async def list_(
    *,
    status: OrderStatus | None = None,
    supplier: str | None = None,
    site: str | None = None,
    sku: str | None = None,
    open_: Annotated[bool, Parameter(name="--open", negative="")] = False,
    overdue: Flag = False,
    waits: Annotated[bool, Parameter(name="--waits-for-approval", negative="")] = False,
    sort: str = "",
    limit: int = 50,
    cursor: str | None = None,
) -> None:
    """List purchase orders, the newest first.

    Args:
        status: such as DRAFT or CONFIRMED.
        supplier: the supplier's code.
        site: where it is to come.
        sku: those with a line of this item.
        open_: submitted, and something is still to come.
        overdue: something should have come before today.
        waits: drafts nobody has approved, and changes that wait.
        sort: id, due or supplier.
        limit: at most so many, up to 1000.
        cursor: what the page before told to go on with.
    """
    filters = OrderFilters(
        status=status, supplier=supplier, site=site, sku=sku, open=open_, overdue=overdue, waits_for_approval=waits
    )
    page = PageRequest(limit=min(max(limit, 1), 1000), cursor=cursor, sort=sort)
    async with common.database() as db:
        found = await service.list_orders(db, common.actor(), filters, page)
    common.show_page(found, title="Purchase orders", columns=_COLUMNS)


@app.command
async def show(order: str) -> None:
    """Show one purchase order with its lines.

    Args:
        order: its number (PO-000123) or its id.
    """
    async with common.database() as db:
        _show(await service.get(db, common.actor(), _id(order)))


@app.command
async def approve(
    order: str,
    email: Annotated[str, Parameter(name="--as")],
    *,
    note: str | None = None,
    code: str | None = None,
    password_stdin: Flag = False,
) -> None:
    """Approve a purchase order, or the change of it that waits, as yourself: your password is asked for.

    Args:
        order: its number (PO-000123) or its id.
        email: what you sign in with.
        note: kept with the approval.
        code: of your second factor, where you have one.
        password_stdin: read the password from the standard input.
    """
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else getpass.getpass("Password: ")
    settings = Settings.load()
    secrets = Secrets(key=settings.secret, old=settings.old_secrets, https=settings.https)
    async with common.database(settings) as db:
        command = SignIn(email=email, password=password, code=code)
        session = await access.sign_in(db, secrets, command, Origin(address="the machine"))
        person = await access.actor_of(db, secrets, cookie=session.token)
        try:
            _show(await _approved(db, person, _id(order), note))
        finally:
            await access.sign_out(db, session.token)


async def _approved(db: Database, person: Actor, po_id: int, note: str | None) -> Order:
    now = await service.get(db, person, po_id)
    return (await service.approve(db, person, po_id, ApproveOrder(note=note), version=now.version)).answer


def _show(order: Order) -> None:
    if common.as_json():
        common.show(order)
        return
    common.show({name: getattr(order, name) for name in _HEAD}, title=order.number)
    common.show(order.lines, title="Lines", columns=_LINES)


def _id(order: str) -> int:
    digits = order.upper().removeprefix("PO-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        raise InvalidValue("order", order, "is no purchase order; write it like PO-000123 or 123")
    return int(digits)
