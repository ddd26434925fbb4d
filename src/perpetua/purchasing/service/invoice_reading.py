"""Reading suppliers' invoices: of the actor's sites, without prices for who may not see them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from msgspec import UNSET
from sqlalchemy.dialects.postgresql import ARRAY

from perpetua.access.types import Actor
from perpetua.kit.database import Database, Queries, Tx, array
from perpetua.kit.errors import InvalidValue, Missing
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.partners import service as partners
from perpetua.purchasing import store
from perpetua.purchasing.rules import matching
from perpetua.purchasing.tables import po_lines, supplier_invoice_lines, supplier_invoices
from perpetua.purchasing.types import number_of
from perpetua.purchasing.types.invoices import (
    Decision,
    Invoice,
    InvoiceFilters,
    InvoiceLine,
    InvoiceSummary,
    LineFacts,
)

__all__ = ["facts_of", "get_invoice", "invoices_of", "list_invoices", "seen_invoice", "shown_invoice"]

Q = Queries(store.__file__, "invoices.sql")
i, l, p = supplier_invoices.c, supplier_invoice_lines.c, po_lines.c  # noqa: E741
_suppliers = sa.table("suppliers", sa.column("id", sa.BigInteger), sa.column("code"), sa.column("name"))
_SORTS: Final[Mapping[str, tuple[Any, bool, type]]] = {
    "": (i.id, True, int), "-id": (i.id, True, int), "id": (i.id, False, int), "due": (i.due_on, False, date),
    "number": (sa.func.upper(i.number), False, str), "supplier": (sa.func.upper(_suppliers.c.code), False, str),
}  # fmt: skip
"""By name: what to sort by, whether the largest comes first, and what it is."""
_HEAD: Final = (
    "id", "number", "status", "flagged", "waiting", "currency", "invoiced_on", "due_on", "discount_until", "total",
    "payable", "created_at", "released_at", "version",
)  # fmt: skip


async def get_invoice(db: Database, actor: Actor, invoice_id: int) -> Invoice:
    """One invoice with its lines. Raises Missing."""
    actor.require("invoices.read")
    async with db.snapshot() as tx:
        return shown_invoice(actor, await seen_invoice(tx, actor, invoice_id))


async def list_invoices(db: Database, actor: Actor, filters: InvoiceFilters, page: PageRequest) -> Page[InvoiceSummary]:
    """Invoices: the newest first, or by `id`, `due`, `number` or `supplier`.

    Raises:
        InvalidValue: unknown order, foreign cursor, or no order's number.
    """
    actor.require("invoices.read")
    if page.sort not in _SORTS:
        raise InvalidValue(
            "sort", page.sort, "is no order of this list", orders=["-id", "id", "due", "number", "supplier"]
        )
    async with db.snapshot() as tx:
        supplier_id = None
        if filters.supplier is not None:
            found = (await partners.by_codes(tx, [filters.supplier])).get(filters.supplier.upper())
            if found is None:
                return Page(items=[])
            supplier_id = found.id
        rows = await tx.dicts(_query(actor, filters, supplier_id, page))
    keys = {row["id"]: row.pop("key") for row in rows}
    prices = actor.may("supplier_prices.read")
    items = [
        InvoiceSummary(**row if prices else {n: v for n, v in row.items() if n not in {"total", "payable"}})
        for row in rows
    ]

    def key(row: InvoiceSummary) -> list[Any]:
        value = keys[row.id]
        return [value.isoformat() if isinstance(value, date) else value, row.id]

    return page_of(items, page, key)


async def seen_invoice(tx: Tx, actor: Actor, invoice_id: int) -> Invoice:
    """The invoice, whole. Raises Missing."""
    found = await invoices_of(tx, actor, [invoice_id])
    if not found:
        raise Missing("supplier invoice", invoice_id)
    return found[0]


async def invoices_of(tx: Tx, actor: Actor, ids: Sequence[int]) -> list[Invoice]:
    """The invoices with their lines and prices; those not of the actor's sites are left out. Two statements."""
    asked = {"ids": array(list(ids)) or "{}"}
    heads = await tx.dicts(Q["invoices"], {**asked, "scope": actor.scope_ids})
    lines: dict[int, list[InvoiceLine]] = defaultdict(list)
    for row in await tx.dicts(Q["invoice_lines"], asked):
        lines[row["invoice_id"]].append(_line(row))
    return [_invoice(row, lines[row["id"]]) for row in heads]


async def facts_of(tx: Tx, invoice: Invoice) -> dict[int, LineFacts]:
    """What the invoice's lines are held against, by their number."""
    rows = await tx.dicts(Q["invoice_lines"], {"ids": array([invoice.id])})
    return {
        row["line_no"]: LineFacts(
            row["kind"], row["po_id"] is not None, row["quantity"], row["unit_price"], invoice.exchange_rate,
            row["ordered"] or Decimal(0), row["received"] or Decimal(0), row["invoiced_before"],
            row["expected_price"] or Decimal(0), row["coming"], row["over_percent"],
        )
        for row in rows
    }  # fmt: skip


def shown_invoice(actor: Actor, invoice: Invoice) -> Invoice:
    """The invoice as this reader is shown it."""
    if actor.may("supplier_prices.read"):
        return invoice
    lines = [
        msgspec.structs.replace(
            line, unit_price=UNSET, tax=UNSET, expected_price=UNSET, amount=UNSET,
            decision=line.decision and msgspec.structs.replace(line.decision, agreed=UNSET),
        )
        for line in invoice.lines
    ]  # fmt: skip
    return msgspec.structs.replace(invoice, total=UNSET, payable=UNSET, lines=lines)


def _invoice(row: dict[str, Any], lines: list[InvoiceLine]) -> Invoice:
    if row["payable"] is None:
        apart = any(line.state in {"REJECTED", "DISPUTED"} for line in lines)
        row["payable"] = (
            matching.payable((x.state, _of(x.amount), _agreed(x)) for x in lines) if apart else row["total"]
        )
        row["payable"] = Decimal(0) if row["status"] == "VOID" else row["payable"]
    return Invoice(**row, lines=lines)


def _line(row: dict[str, Any]) -> InvoiceLine:
    decision = None
    if row["decision"] is not None:
        decision = Decision(
            decision=row["decision"], reason=row["reason"], problems=row["decided_problems"],
            person_id=row["person_id"], person=row["person"], at=row["at"], agreed=row["agreed"],
        )  # fmt: skip
    kept = {name: row[name] for name in InvoiceLine.__struct_fields__ if name in row and name != "decision"}
    return InvoiceLine(
        **kept, decision=decision, po=None if row["po_id"] is None else number_of(row["po_id"]),
        amount=matching.amount(row["quantity"], row["unit_price"], row["tax"]),
    )  # fmt: skip


def _of(value: Any) -> Decimal:
    return value


def _agreed(line: InvoiceLine) -> Decimal | None:
    return None if line.decision is None else _of(line.decision.agreed)


def _query(actor: Actor, filters: InvoiceFilters, supplier_id: int | None, page: PageRequest) -> sa.Select[Any]:
    key, falling, kind = _SORTS[page.sort]
    lines = sa.select(sa.func.count()).where(l.invoice_id == i.id).scalar_subquery()
    query = sa.select(
        *(i[name] for name in _HEAD), _suppliers.c.code.label("supplier"), _suppliers.c.name.label("supplier_name"),
        lines.label("lines"), key.label("key"),
    ).join(_suppliers, _suppliers.c.id == i.supplier_id)  # fmt: skip
    of_lines = sa.select(l.id).join(po_lines, p.id == l.po_line_id).where(l.invoice_id == i.id)
    if actor.scope_ids is not None:
        scope = sa.cast(actor.scope_ids, ARRAY(sa.BigInteger))
        query = query.where(sa.exists(of_lines.where(sa.func.site_in_scope(p.site_id, scope))))
    if filters.status is not None:
        query = query.where(i.status == filters.status)
    if supplier_id is not None:
        query = query.where(i.supplier_id == supplier_id)
    if filters.number is not None:
        query = query.where(sa.func.upper(i.number).startswith(filters.number.upper(), autoescape=True))
    if filters.po is not None:
        query = query.where(sa.exists(of_lines.where(p.po_id == matching.po_id_of("po", filters.po))))
    if filters.open:
        query = query.where(i.status.not_in(["RELEASED", "VOID"]))
    if filters.attention:
        after = sa.and_(i.status == "RELEASED", i.flagged + i.waiting > 0)
        query = query.where(sa.or_(i.status == "FLAGGED", after))
    if filters.due_until is not None:
        query = query.where(i.due_on <= filters.due_until)
    if (after_key := page.after(kind, int)) is not None:
        edge = sa.tuple_(*map(sa.literal, after_key))
        this = sa.tuple_(key, i.id)
        query = query.where(this < edge if falling else this > edge)
    order = (key.desc(), i.id.desc()) if falling else (key, i.id)
    return query.order_by(*order).limit(page.limit + 1)
