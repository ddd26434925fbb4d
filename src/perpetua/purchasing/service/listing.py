"""Lists: orders, what an order was before each change, and what happened to it."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from msgspec import UNSET
from sqlalchemy.dialects.postgresql import ARRAY

from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Queries, Tx
from perpetua.kit.errors import InvalidValue
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.partners import service as partners
from perpetua.places import service as places
from perpetua.purchasing import store
from perpetua.purchasing.service.reading import seen, shown
from perpetua.purchasing.tables import po_approvals, po_lines, purchase_orders
from perpetua.purchasing.types import Event, Order, OrderFilters, OrderSummary, Version, number_of

__all__ = ["history", "list_orders", "versions"]

Q = Queries(store.__file__, "listing.sql")
_CLOSED: Final = ("RECEIVED", "CANCELLED")
_NEVER: Final = date(9999, 12, 31)

o, line, approval = purchase_orders.c, po_lines.c, po_approvals.c
_suppliers = sa.table("suppliers", sa.column("id", sa.BigInteger), sa.column("code"), sa.column("name"))
_sites = sa.table("locations", sa.column("id", sa.BigInteger), sa.column("code"))
_sums = (
    sa.select(
        sa.func.count().label("lines"),
        sa.func.sum(line.ordered).label("ordered"),
        sa.func.sum(line.received).label("received"),
        sa.func.sum(line.on_order).label("on_order"),
        sa.func.sum((line.ordered - line.cancelled) * line.unit_price).label("total"),
        sa.func.min(line.expected_on).filter(line.on_order > 0).label("due_on"),
    )
    .where(line.po_id == o.id)
    .lateral("sums")
)
_next = sa.select(sa.func.min(line.expected_on)).where(line.po_id == o.id, line.on_order > 0).scalar_subquery()
_due = sa.func.coalesce(_next, _NEVER)
_SORTS: Final[Mapping[str, tuple[Any, bool, type]]] = {
    "": (o.id, True, int), "-id": (o.id, True, int), "id": (o.id, False, int), "due": (_due, False, date),
    "supplier": (sa.func.upper(_suppliers.c.code), False, str),
}  # fmt: skip
"""By name: what to sort by, whether the largest comes first, and what it is."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the trail, with the names of what only some may see."""

    id: int
    at: Any
    actor_id: int
    actor: str
    via: str
    action: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    costs: list[str]


async def list_orders(
    db: Database, actor: Actor, filters: OrderFilters, page: PageRequest, *, clock: Clock = system_clock
) -> Page[OrderSummary]:
    """Orders of the actor's sites: the newest first, or by `id`, `due` (what is expected first) or `supplier`. A
    supplier, site or item that is not there has none.

    Raises:
        InvalidValue: unknown order or foreign cursor.
    """
    actor.require("purchasing.read")
    if page.sort not in _SORTS:
        raise InvalidValue("sort", page.sort, "is no order of this list", orders=["-id", "id", "due", "supplier"])
    async with db.snapshot() as tx:
        named = await _named(tx, filters)
        if None in named.values():
            return Page(items=[])
        rows = await tx.dicts(_query(actor, filters, named, page, clock().date()))
    keys = [(row.pop("key"), row["id"]) for row in rows]
    found = [_summary(actor, row) for row in rows]
    at = {one.id: key for one, key in zip(found, keys, strict=True)}
    kind = _SORTS[page.sort][2]
    return page_of(found, page, lambda row: [at[row.id][0].isoformat() if kind is date else at[row.id][0], row.id])


async def versions(db: Database, actor: Actor, po_id: int, page: PageRequest) -> Page[Version]:
    """What a submitted order was before each change, the latest first. Raises Missing."""
    actor.require("purchasing.read")
    after = page.after(int)
    async with db.snapshot() as tx:
        await seen(tx, actor, po_id)
        asked = {"po_id": po_id, "before": after[0] if after else None, "limit": page.limit + 1}
        rows = await tx.dicts(Q["versions"], asked)
    found = [
        Version(order=shown(actor, msgspec.convert(row.pop("document"), Order, strict=False)), **row) for row in rows
    ]
    return page_of(found, page, lambda row: [row.version])


async def history(db: Database, actor: Actor, po_id: int, page: PageRequest) -> Page[Event]:
    """What happened to an order, the latest first; prices only for those who may see them. Raises Missing."""
    actor.require("purchasing.read")
    after = page.after(int)
    async with db.snapshot() as tx:
        await seen(tx, actor, po_id)
        asked = {"po_id": po_id, "before": after[0] if after else None, "limit": page.limit + 1}
        rows = await tx.rows(Q["history"], asked, as_=Row)
    return page_of([_event(actor, row) for row in rows], page, lambda row: [row.id])


async def _named(tx: Tx, filters: OrderFilters) -> dict[str, int | None]:
    """The ids of what the filters name; None where there is no such thing."""
    named: dict[str, int | None] = {}
    if filters.supplier is not None:
        supplier = (await partners.by_codes(tx, [filters.supplier])).get(filters.supplier.upper())
        named["supplier"] = supplier.id if supplier else None
    if filters.site is not None:
        site = (await places.by_codes(tx, [filters.site])).get(filters.site)
        named["site"] = site.id if site else None
    if filters.sku is not None:
        variant = (await items.resolve_skus(tx, [filters.sku])).get(filters.sku.upper())
        named["sku"] = variant.id if variant else None
    return named


def _query(
    actor: Actor, filters: OrderFilters, named: dict[str, int | None], page: PageRequest, today: date
) -> sa.Executable:
    """The page is found first; what its orders come to is summed up for it alone."""
    key, falling, kind = _SORTS[page.sort]
    waits = sa.or_(
        o.proposal.is_not(None),
        sa.and_(o.status == "DRAFT", ~sa.exists().where(approval.po_id == o.id, approval.ended_at.is_(None))),
    )
    late = sa.select(line.po_id).where(line.on_order > 0, line.expected_on < today)
    found = (
        sa.select(o.id, key.label("key"))
        .select_from(purchase_orders.join(_suppliers, _suppliers.c.id == o.supplier_id))
        .order_by(key.desc() if falling else key, o.id.desc() if falling else o.id)
        .limit(page.limit + 1)
    )
    if actor.scope is not None:
        found = found.where(sa.func.site_in_scope(o.site_id, sa.cast(actor.scope_ids, ARRAY(sa.BigInteger))))
    if (after := page.after(kind, int)) is not None:
        this, last = sa.tuple_(key, o.id), sa.tuple_(*map(sa.literal, after))
        found = found.where(this < last if falling else this > last)
    same = {o.status: filters.status, o.external_id: filters.external_id, o.supplier_id: named.get("supplier"),
            o.site_id: named.get("site")}  # fmt: skip
    found = found.where(*(column == value for column, value in same.items() if value is not None))
    if "sku" in named:
        found = found.where(sa.exists().where(line.po_id == o.id, line.variant_id == named["sku"]))
    if filters.open:
        found = found.where(o.status.not_in([*_CLOSED, "DRAFT"]))
    if filters.overdue:
        found = found.where(o.id.in_(late))
    if filters.waits_for_approval:
        found = found.where(o.status.not_in(_CLOSED), waits)
    these = found.subquery("page")
    return (
        sa.select(
            o.id, o.status, _suppliers.c.code.label("supplier"), _suppliers.c.name.label("supplier_name"),
            _sites.c.code.label("site"), o.external_id, o.currency, o.created_at, o.submitted_at, _sums.c.due_on,
            sa.func.coalesce(_sums.c.due_on < today, sa.false()).label("overdue"), waits.label("waits_for_approval"),
            _sums.c.lines, _sums.c.ordered, _sums.c.received, _sums.c.on_order, o.version, _sums.c.total, these.c.key,
        )
        .select_from(
            these.join(purchase_orders, o.id == these.c.id)
            .join(_suppliers, _suppliers.c.id == o.supplier_id)
            .join(_sites, _sites.c.id == o.site_id)
            .join(_sums, sa.true())
        )
        .order_by(these.c.key.desc() if falling else these.c.key, o.id.desc() if falling else o.id)
    )  # fmt: skip


def _summary(actor: Actor, row: dict[str, Any]) -> OrderSummary:
    if not actor.may("supplier_prices.read"):
        row["total"] = UNSET
    return OrderSummary(number=number_of(row["id"]), **row)


def _event(actor: Actor, row: Row) -> Event:
    hidden = [] if actor.may("supplier_prices.read") else row.costs
    before, after = (
        None if side is None else {name: value for name, value in side.items() if name not in hidden}
        for side in (row.before, row.after)
    )
    return Event(
        id=row.id, at=row.at, actor_id=row.actor_id, actor=row.actor, via=row.via, action=row.action, before=before,
        after=after, hidden=hidden,
    )  # fmt: skip
