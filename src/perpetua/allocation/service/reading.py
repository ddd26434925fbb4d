"""Orders with where they are allocated."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from perpetua.access.types import Actor
from perpetua.allocation import store
from perpetua.items import service as items
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Missing
from perpetua.kit.listing import Page, PageRequest
from perpetua.kit.quantity import plain
from perpetua.orders import service as orders
from perpetua.orders.types import Order, OrderFilters, OrderSummary

__all__ = ["current", "get", "list_orders"]


async def get(db: Database, actor: Actor, order_id: int) -> Order:
    """One order with its lines, and where they are allocated.

    Raises:
        Missing: there is no such order, or none of it comes or may come from the actor's places.
    """
    actor.require("orders.read")
    async with db.snapshot() as tx:
        await orders.require_seen(tx, actor, [order_id])
        found = await current(tx, [order_id], contacts=actor.may("customers.read"))
    if order_id not in found:
        raise Missing("order", order_id)
    return found[order_id]


async def list_orders(db: Database, actor: Actor, filters: OrderFilters, page: PageRequest) -> Page[OrderSummary]:
    """Orders, the newest first, as far as the actor sees them. A customer or an item that is not there has none."""
    actor.require("orders.read")
    customer_id = variant_id = None
    async with db.snapshot() as tx:
        if filters.customer is not None:
            customer = (await orders.customers(tx, [filters.customer])).get(filters.customer.upper())
            if customer is None:
                return Page(items=[])
            customer_id = customer.id
        if filters.sku is not None:
            variant = (await items.resolve_skus(tx, [filters.sku])).get(filters.sku.upper())
            if variant is None:
                return Page(items=[])
            variant_id = variant.id
        return await orders.summaries(tx, actor, filters, customer_id=customer_id, variant_id=variant_id, page=page)


async def current(tx: Tx, ids: Sequence[int], *, contacts: bool = False) -> dict[int, Order]:
    """The orders as they are now, by id. Four statements, however many they are."""
    if not ids:
        return {}
    found = await orders.orders(tx, ids, contacts=contacts)
    sites: dict[tuple[int, int], dict[tuple[str, int], Decimal]] = defaultdict(dict)
    kits = await store.kit_parts(tx, {line.variant_id for order in found.values() for line in order.lines if line.kit})
    for row in await tx.dicts(store.Q["sites_of_orders"], {"ids": list(ids)}):
        sites[row["order_id"], row["line_no"]][row["site"], row["variant_id"]] = row["quantity"]
    return {
        order_id: msgspec.structs.replace(order, lines=[
            msgspec.structs.replace(line, sites=_sites(sites[order_id, line.line_no], kits.get(line.variant_id)))
            for line in order.lines
        ])
        for order_id, order in found.items()
    }  # fmt: skip


def _sites(taken: dict[tuple[str, int], Decimal], parts: list[store.Part] | None) -> dict[str, Decimal]:
    """By site, in the line's own unit: of a kit, how many its first component makes."""
    if not parts:
        return {site: quantity for (site, _), quantity in taken.items()}
    return {
        site: plain(quantity / parts[0].quantity)
        for (site, variant), quantity in taken.items()
        if variant == parts[0].variant_id
    }
