"""Runs the orders' statements."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from perpetua.access.types import Actor
from perpetua.kit import json
from perpetua.kit.database import Queries, Tx, array
from perpetua.kit.errors import Missing
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.orders.types import (
    AddedLine,
    Contact,
    Counts,
    Customer,
    LineChange,
    Locked,
    NewOrder,
    OpenLine,
    Order,
    OrderFilters,
    OrderLine,
    OrderStatus,
    OrderSummary,
    ShipTo,
    number_of,
)

Q = Queries(__file__)


async def customers(tx: Tx, codes: Iterable[str]) -> dict[str, Customer]:
    """The customers with these codes, by the code in capitals."""
    wanted = sorted({code.upper() for code in codes})
    if not wanted:
        return {}
    found = await tx.rows(Q["customers_by_code"], {"codes": wanted}, as_=Customer)
    return {customer.code.upper(): customer for customer in found}


async def write(tx: Tx, orders: Sequence[NewOrder]) -> datetime:
    """Insert the orders with their lines, in one statement; when they were received."""
    lines = [(order.id, line) for order in orders for line in order.lines]
    contacts = [(order.id, json.dumps(order.contact).decode()) for order in orders if order.contact]
    params: dict[str, Any] = {
        "ids": array([o.id for o in orders]),
        "channels": array([o.channel for o in orders]),
        "external_ids": array([o.external_id for o in orders]),
        "hashes": array([o.body_hash.hex() for o in orders]),
        "statuses": array([o.status for o in orders]),
        "fulfilments": array([o.fulfilment for o in orders]),
        "customer_ids": array([o.customer_id for o in orders]),
        "tiers": array([o.tier for o in orders]),
        "site_ids": array([o.site_id for o in orders]),
        "countries": array([o.ship_to.country for o in orders]),
        "regions": array([o.ship_to.region for o in orders]),
        "postcodes": array([o.ship_to.postcode for o in orders]),
        "min_lives": array([o.min_life_days for o in orders]),
        "placed_ats": array([o.placed_at for o in orders]),
        "created_bys": array([o.created_by for o in orders]),
        "contact_ids": array([order_id for order_id, _ in contacts]),
        "contacts": array([contact for _, contact in contacts]),
        "line_ids": array([line.id for _, line in lines]),
        "line_order_ids": array([order_id for order_id, _ in lines]),
        "line_nos": array([line.line_no for _, line in lines]),
        "variant_ids": array([line.variant_id for _, line in lines]),
        "kits": array([line.kit for _, line in lines]),
        "quantities": array([line.quantity for _, line in lines]),
        "unit_prices": array([line.unit_price for _, line in lines]),
        "allocateds": array([line.allocated for _, line in lines]),
        "refuseds": array([line.refused for _, line in lines]),
    }
    return await tx.value(Q["write"], params)


async def lock(tx: Tx, ids: Iterable[int]) -> dict[int, Locked]:
    """The orders under lock, taken in the order of their ids."""
    found = await tx.rows(Q["lock"], {"ids": sorted(set(ids))}, as_=Locked)
    return {order.id: order for order in found}


async def change_lines(tx: Tx, changes: Sequence[LineChange]) -> None:
    """Add to the lines' counts, in one statement; each line once."""
    if not changes:
        return
    params = {
        "line_ids": array([c.line_id for c in changes]), "quantities": array([c.quantity for c in changes]),
        "allocateds": array([c.allocated for c in changes]), "shippeds": array([c.shipped for c in changes]),
        "cancelleds": array([c.cancelled for c in changes]), "refuseds": array([c.refused for c in changes]),
        "returneds": array([c.returned for c in changes]),
    }  # fmt: skip
    await tx.execute(Q["change_lines"], params)


async def jump(tx: Tx, order_id: int, *, back: bool) -> int:
    """Put an order before all others, of whatever tier, or back into its own place; how often it has jumped."""
    return await tx.value(Q["set_jumps"], {"id": order_id, "back": back})


async def expect(tx: Tx, days: Mapping[int, date | None]) -> None:
    """Write when what lines wait for is expected, by line."""
    if days:
        dates = [None if day is None else day.isoformat() for day in days.values()]
        await tx.execute(Q["set_expected"], {"line_ids": array(list(days)), "dates": array(dates)})


async def add_lines(tx: Tx, order_id: int, lines: Sequence[AddedLine]) -> dict[int, int]:
    """Add lines to an order, nothing of them decided; their ids by their number."""
    if not lines:
        return {}
    params = {
        "order_id": order_id,
        "line_nos": array([line.line_no for line in lines]),
        "variant_ids": array([line.variant_id for line in lines]),
        "kits": array([line.kit for line in lines]),
        "quantities": array([line.quantity for line in lines]),
        "unit_prices": array([line.unit_price for line in lines]),
    }
    return {row["line_no"]: row["id"] for row in await tx.dicts(Q["add_lines"], params)}


async def counts(tx: Tx, ids: Sequence[int]) -> dict[int, tuple[OrderStatus, list[Counts]]]:
    """The status of orders, and how their lines are divided, by order."""
    found: dict[int, tuple[OrderStatus, list[Counts]]] = {}
    for row in await tx.dicts(Q["counts"], {"ids": list(ids)}):
        _, lines = found.setdefault(row.pop("order_id"), (row.pop("status"), []))
        lines.append(Counts(**row))
    return found


async def summaries(
    tx: Tx, actor: Actor, filters: OrderFilters, *, customer_id: int | None, variant_id: int | None, page: PageRequest
) -> Page[OrderSummary]:
    """The orders that the actor sees, as a list shows them, the newest first. Customer and item are given by id."""
    after = page.after(int)
    params = {
        "after": after[0] if after else None, "status": filters.status, "channel": filters.channel,
        "external_id": filters.external_id, "customer_id": customer_id, "variant_id": variant_id,
        "waiting": filters.waiting or None, "scope": actor.scope_ids, "limit": page.limit + 1,
    }  # fmt: skip
    rows = [OrderSummary(**row, number=number_of(row["id"])) for row in await tx.dicts(Q["orders"], params)]
    return page_of(rows, page, lambda row: [row.id])


async def require_seen(tx: Tx, actor: Actor, ids: Iterable[int]) -> None:
    """Raises Missing: none of one of the orders comes, or may come, from the actor's places."""
    if actor.scope is not None:
        params = {"ids": sorted(set(ids)), "scope": actor.scope_ids}
        if (hidden := await tx.value(Q["out_of_scope"], params)) is not None:
            raise Missing("order", hidden)


async def set_statuses(tx: Tx, statuses: Mapping[int, OrderStatus]) -> None:
    """Write the statuses, and count the version up."""
    if statuses:
        await tx.execute(Q["set_statuses"], {"ids": list(statuses), "statuses": list(statuses.values())})


async def orders(tx: Tx, ids: Sequence[int], *, contacts: bool) -> dict[int, Order]:
    """The orders with their lines, by id; with whom to reach only where asked. Two statements."""
    lines: dict[int, list[OrderLine]] = defaultdict(list)
    for row in await tx.dicts(Q["lines"], {"ids": list(ids)}):
        del row["id"]
        lines[row.pop("order_id")].append(OrderLine(**row))
    found: dict[int, Order] = {}
    for row in await tx.dicts(Q["heads"], {"ids": list(ids)}):
        ship_to = ShipTo(country=row.pop("country"), region=row.pop("region"), postcode=row.pop("postcode"))
        contact = _contact({name: row.pop(f"contact_{name}") for name in ("name", "email", "phone", "address")})
        has_contact = row.pop("has_contact")
        found[row["id"]] = Order(
            **row, number=number_of(row["id"]), ship_to=ship_to, lines=lines[row["id"]],
            contact=(contact if has_contact else None) if contacts else msgspec.UNSET,
        )  # fmt: skip
    return found


def _contact(row: dict[str, Any]) -> Contact:
    address: dict[str, Any] = row.pop("address") or {}
    return Contact(**row, **address)


async def lines_to_change(tx: Tx, *order_ids: int) -> list[OpenLine]:
    """The lines of orders, as whoever changes them needs them."""
    return await tx.rows(Q["lines_to_change"], {"order_ids": list(order_ids)}, as_=OpenLine)
