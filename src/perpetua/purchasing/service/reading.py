"""Reading orders: within the sites of whoever asks, and without prices for who may not see them."""

from typing import Any

import msgspec
from msgspec import UNSET

from perpetua.access.types import Actor
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Missing
from perpetua.purchasing import store
from perpetua.purchasing.types import Order

__all__ = ["get", "locked", "seen", "shown"]


async def get(db: Database, actor: Actor, po_id: int) -> Order:
    """One order with its lines.

    Raises:
        Missing: there is none, or it is for a site where the actor has no place.
    """
    actor.require("purchasing.read")
    async with db.snapshot() as tx:
        return shown(actor, await seen(tx, actor, po_id))


async def seen(tx: Tx, actor: Actor, po_id: int) -> Order:
    """The order, whole. Raises Missing."""
    order = (await store.orders(tx, [po_id], actor.scope_ids)).get(po_id)
    if order is None:
        raise Missing("purchase order", po_id)
    return order


async def locked(tx: Tx, actor: Actor, po_id: int) -> Order:
    """The order, whole, under lock, for a change of it. Raises Missing, and OutOfScope: its site is not the actor's."""
    await store.lock(tx, [po_id])
    order = await seen(tx, actor, po_id)
    actor.require_place([order.site_id], order.site)
    return order


def shown(actor: Actor, order: Order) -> Order:
    """The order as this reader is shown it."""
    if actor.may("supplier_prices.read"):
        return order
    proposal = order.proposal and msgspec.structs.replace(
        order.proposal, total=UNSET, change=_bare(order.proposal.change)
    )
    return msgspec.structs.replace(
        order,
        total=UNSET,
        proposal=proposal,
        approvals=[msgspec.structs.replace(one, total=UNSET) for one in order.approvals],
        lines=[msgspec.structs.replace(line, unit_price=UNSET) for line in order.lines],
    )


def _bare(change: dict[str, Any]) -> dict[str, Any]:
    """A change as it was sent, without its prices."""
    return {name: _priceless(value) if name in {"lines", "add"} else value for name, value in change.items()}


def _priceless(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in line.items() if name != "unit_price"} for line in lines]
