"""`perpetua order`: sales orders, listed, shown, cancelled, shipped, taken back."""

from decimal import Decimal
from typing import Annotated

from cyclopts import App, Parameter

from perpetua.allocation import service
from perpetua.app.cli import common
from perpetua.kit.database import Database
from perpetua.kit.errors import InvalidValue, Missing
from perpetua.kit.listing import PageRequest
from perpetua.kit.quantity import parse_decimal
from perpetua.orders.types import (
    CancelLine,
    CancelOrder,
    Order,
    OrderFilters,
    OrderStatus,
    ReturnLine,
    ReturnOrder,
    ShipLine,
    ShipOrder,
)

__all__ = ["app"]

app = App(name="order", help="Sales orders.")

_COLUMNS = {
    "number": "Order", "channel": "Channel", "external_id": "External id", "status": "Status", "customer": "Customer",
    "lines": "Lines", "quantity": "Asked", "allocated": "Allocated", "shipped": "Shipped", "backordered": "Waits",
    "placed_at": "Placed",
}  # fmt: skip
_LINES = {
    "line_no": "Line", "sku": "SKU", "name": "Name", "quantity": "Asked", "allocated": "Allocated",
    "shipped": "Shipped", "cancelled": "Cancelled", "returned": "Returned", "refused": "Refused",
    "backordered": "Waits",
    "expected_on": "Expected", "sites": "From",
}  # fmt: skip
_HEAD = ("number", "channel", "external_id", "status", "fulfilment", "customer", "tier", "site", "placed_at", "version")

Lines = Annotated[list[str] | None, Parameter(name="--line", negative="")]


@app.command(name="list")
async def list_(
    *,
    status: OrderStatus | None = None,
    channel: str | None = None,
    external_id: str | None = None,
    customer: str | None = None,
    sku: str | None = None,
    waiting: Annotated[bool, Parameter(negative="")] = False,
    limit: int = 50,
    cursor: str | None = None,
) -> None:
    """List orders, the newest first.

    Args:
        status: such as ALLOCATED or BACKORDERED.
        channel: where they came from.
        external_id: the channel's own name for the order.
        customer: the customer's code.
        sku: those with a line of this item.
        waiting: only those of which something waits for stock.
        limit: at most so many, up to 1000.
        cursor: what the page before told to go on with.
    """
    filters = OrderFilters(
        status=status, channel=channel, external_id=external_id, customer=customer, sku=sku, waiting=waiting
    )
    async with common.database() as db:
        page = await service.list_orders(
            db, common.actor(), filters, PageRequest(limit=min(max(limit, 1), 1000), cursor=cursor)
        )
    common.show_page(page, title="Orders", columns=_COLUMNS)


@app.command
async def show(order: str) -> None:
    """Show one order with its lines.

    Args:
        order: its number (SO-000123), its id, or CHANNEL/EXTERNAL-ID.
    """
    async with common.database() as db:
        _show(await service.get(db, common.actor(), await _id(db, order)))


@app.command
async def cancel(order: str, reason: str, *, lines: Lines = None) -> None:
    """Cancel an order, as far as it has not left; what it held goes to whoever waits.

    Args:
        order: its number, its id, or CHANNEL/EXTERNAL-ID.
        reason: why, for those who ask later.
        lines: NUMBER or NUMBER:QUANTITY, when not all of it is cancelled.
    """
    chosen = None if lines is None else [CancelLine(line_no=n, quantity=q) for n, q in map(_line, lines)]
    async with common.database() as db:
        done = await service.cancel(db, common.actor(), await _id(db, order), CancelOrder(reason=reason, lines=chosen))
    _show(done.answer)


@app.command
async def ship(order: str, *, lines: Lines = None, note: str | None = None) -> None:
    """Ship an order, as far as it is allocated, from where it lies.

    Args:
        order: its number, its id, or CHANNEL/EXTERNAL-ID.
        lines: NUMBER or NUMBER:QUANTITY, when not all of it leaves.
        note: kept with the posting.
    """
    chosen = None if lines is None else [ShipLine(line_no=n, quantity=q) for n, q in map(_line, lines)]
    async with common.database() as db:
        done = await service.ship(db, common.actor(), await _id(db, order), ShipOrder(lines=chosen, note=note))
    _show(done.answer)


@app.command(name="return")
async def return_(order: str, location: str, *, lines: Lines = None, reason: str = "customer") -> None:
    """Take back what left with an order, as the lots that left; it goes to whoever waits where it may be sold from.

    Args:
        order: its number, its id, or CHANNEL/EXTERNAL-ID.
        location: code of the place where it is put.
        lines: NUMBER or NUMBER:QUANTITY, when not all of it comes back.
        reason: a reason code for returns.
    """
    chosen = None if lines is None else [ReturnLine(line_no=n, quantity=q) for n, q in map(_line, lines)]
    command = ReturnOrder(location=location, lines=chosen, reason_code=reason)
    async with common.database() as db:
        done = await service.return_order(db, common.actor(), await _id(db, order), command)
    _show(done.answer)


def _show(order: Order) -> None:
    if common.as_json():
        common.show(order)
        return
    common.show({name: getattr(order, name) for name in _HEAD}, title=order.number)
    common.show(order.lines, title="Lines", columns=_LINES)


async def _id(db: Database, order: str) -> int:
    channel, sign, external_id = order.partition("/")
    if sign:
        named = OrderFilters(channel=channel, external_id=external_id)
        page = await service.list_orders(db, common.actor(), named, PageRequest(limit=1))
        if not page.items:
            raise Missing("order", order)
        return page.items[0].id
    digits = order.upper().removeprefix("SO-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        raise InvalidValue("order", order, "is no order; write it like SO-000123, 123 or web/1001")
    return int(digits)


def _line(text: str) -> tuple[int, Decimal | None]:
    number, sign, quantity = text.partition(":")
    if not (number.isascii() and number.isdigit()):
        raise InvalidValue("--line", text, "is written NUMBER or NUMBER:QUANTITY")
    return int(number), parse_decimal(quantity, "--line") if sign else None
