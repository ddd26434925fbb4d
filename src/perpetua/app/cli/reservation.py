"""`perpetua reservation`: stock that is held for carts, quotes and people: listed, taken, ended."""

from datetime import datetime
from typing import Annotated

from cyclopts import App, Parameter

from perpetua.allocation import service
from perpetua.allocation.types import HoldKind, ReleaseReservation, ReservationFilters, Reserve, Reserved, ReserveLine
from perpetua.app.cli import common
from perpetua.kit.errors import InvalidValue
from perpetua.kit.listing import PageRequest
from perpetua.kit.quantity import parse_decimal

__all__ = ["app"]

app = App(name="reservation", help="Stock that is held for carts, quotes and people.")

_COLUMNS = {
    "id": "Id", "kind": "Kind", "channel": "Channel", "holder": "Holder", "sku": "SKU", "site": "At", "lot": "Lot",
    "quantity": "Held", "state": "State", "expires_at": "Until",
}  # fmt: skip

Flag = Annotated[bool, Parameter(negative="")]


@app.command(name="list")
async def list_(
    *,
    channel: str | None = None,
    holder: str | None = None,
    kind: HoldKind | None = None,
    sku: str | None = None,
    ended: Flag = False,
    limit: int = 50,
    cursor: str | None = None,
) -> None:
    """List reservations, the newest first.

    Args:
        channel: where their holders are.
        holder: the cart, quote or reason that holds.
        kind: cart, quote or hold.
        sku: of this item.
        ended: also those that were ordered, given back, or expired.
        limit: at most so many, up to 1000.
        cursor: what the page before told to go on with.
    """
    filters = ReservationFilters(channel=channel, holder=holder, kind=kind, sku=sku, live=not ended)
    async with common.database() as db:
        page = await service.list_reservations(
            db, common.actor(), filters, PageRequest(limit=min(max(limit, 1), 1000), cursor=cursor)
        )
    common.show_page(page, title="Reservations", columns=_COLUMNS)


@app.command
async def take(
    holder: str,
    *lines: str,
    kind: HoldKind = "hold",
    channel: str = "direct",
    site: str | None = None,
    tier: str | None = None,
    seconds: int | None = None,
    until: datetime | None = None,
    partial: Flag = False,
    replace: Flag = False,
) -> None:
    """Hold stock for a cart, a quote or a person: all of it, or nothing.

    Args:
        holder: its name in the channel; an order that names it has what is held.
        lines: SKU or SKU:QUANTITY.
        kind: cart (15 minutes, unless said otherwise), quote (7 days) or hold (a day).
        channel: where the holder is.
        site: only from there.
        tier: as a buyer of that tier.
        seconds: how long.
        until: until when, instead of how long.
        partial: what is there, when not all of it is.
        replace: instead of what the holder has now.
    """
    command = Reserve(
        holder=holder, lines=[_line(line) for line in lines], kind=kind, channel=channel, site=site, tier=tier,
        expires_in_seconds=seconds, expires_at=until and (until if until.tzinfo else until.astimezone()),
        partial=partial, replace=replace,
    )  # fmt: skip
    async with common.database() as db:
        done = await service.reserve(db, common.actor(), command)
    _show(done.answer)


@app.command
async def end(
    holder: str,
    *,
    channel: str = "direct",
    ids: Annotated[list[int] | None, Parameter(name="--id", negative="")] = None,
    reason: str | None = None,
) -> None:
    """Give back what a holder has; it goes to whoever waits.

    Args:
        holder: its name in the channel.
        channel: where the holder is.
        ids: only these of its reservations.
        reason: why, for those who ask later.
    """
    command = ReleaseReservation(holder=holder, channel=channel, ids=ids, reason=reason)
    async with common.database() as db:
        done = await service.release(db, common.actor(), command)
    _show(done.answer)


def _show(done: Reserved) -> None:
    if common.as_json():
        common.show(done)
    else:
        common.show(done.reservations, title=f"{done.holder} ({done.channel})", columns=_COLUMNS)


def _line(text: str) -> ReserveLine:
    sku, sign, quantity = text.rpartition(":")
    if not sign:
        return ReserveLine(sku=text, quantity=parse_decimal("1", "lines"))
    if not sku:
        raise InvalidValue("lines", text, "is written SKU or SKU:QUANTITY")
    return ReserveLine(sku=sku, quantity=parse_decimal(quantity, "lines"))
