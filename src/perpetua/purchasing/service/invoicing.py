"""Suppliers' invoices entered: names to ids, each line to the order's line it is for, then matched, in one
transaction."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

from psycopg import errors as pg

from perpetua.access.service import Change, audit_many
from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.items.types import VariantRef
from perpetua.kit.database import Database, Queries, Tx, array
from perpetua.kit.errors import InvalidValue, Refusal
from perpetua.kit.idempotency import Answered, once
from perpetua.partners import service as partners
from perpetua.partners.errors import UnknownSupplier
from perpetua.partners.types import SupplierRef
from perpetua.purchasing import store
from perpetua.purchasing.errors.invoices import InvoiceKnown, UnknownOrder
from perpetua.purchasing.rules import matching
from perpetua.purchasing.service.invoice_reading import invoices_of, shown_invoice
from perpetua.purchasing.types import Settings, number_of
from perpetua.purchasing.types.invoices import EnterInvoice, EnterInvoiceLine, Invoice, OpenLine

__all__ = ["enter_invoice", "enter_many"]

Q = Queries(store.__file__, "invoices.sql")
_DAYS: Final = ("invoiced_ons", "due_ons", "discount_untils")


class _Named(NamedTuple):
    """What the invoices' names mean; what is not there is not in it."""

    suppliers: dict[str, SupplierRef]
    terms: dict[int, dict[str, Any]]
    variants: dict[str, VariantRef]
    theirs: dict[tuple[int, str], list[int]]
    open: list[OpenLine]
    known: dict[tuple[int, str], dict[str, Any]]
    ours: Settings
    settings: int


class _Ready(NamedTuple):
    head: dict[str, Any]
    lines: list[dict[str, Any]]


async def enter_invoice(
    db: Database, actor: Actor, command: EnterInvoice, *, key: str | None = None
) -> Answered[Invoice]:
    """Enter a supplier's invoice: it is matched with what was ordered and what came, at once and whenever goods come.

    Raises:
        InvalidValue, TooLarge, UnknownSupplier
        TotalsDiffer: the lines do not come to the total.
        InvoiceKnown: the supplier's number is there already.
        UnknownOrder: no such order of theirs, or line of it.
        NoRate: nobody says what the currency is worth.
    """
    actor.require("invoices.write")
    matching.check_invoice(command)

    async def act(tx: Tx) -> Invoice:
        (outcome,) = await enter_many(tx, actor, [command])
        if isinstance(outcome, Refusal):
            raise outcome
        return (await invoices_of(tx, actor, [outcome]))[0]

    sent: dict[str, Any] = {"command": "purchasing.enter_invoice", "body": command}
    done = await once(db, sender=actor.person_id, key=key, **sent, answer=Invoice, act=act)
    return Answered(shown_invoice(actor, done.answer), done.replayed)


async def enter_many(tx: Tx, actor: Actor, commands: Sequence[EnterInvoice]) -> list[int | Refusal]:
    """Enter invoices, each whole or not at all, in a number of statements that does not grow with them: the ids, or why
    not. The orders they are for stay locked until the transaction ends."""
    actor.require("invoices.write")
    checked = [_checked(command) for command in commands]
    named = await _named(tx, actor, [c for c, odd in zip(commands, checked, strict=True) if odd is None])
    ready: list[_Ready | Refusal] = []
    there = set(named.known)
    for command, odd in zip(commands, checked, strict=True):
        ready.append(odd if odd is not None else _prepared(actor, command, named, there))
    good = [one for one in ready if isinstance(one, _Ready)]
    ids = iter(await _write(tx, actor, good) if good else [])
    return [one if isinstance(one, Refusal) else next(ids) for one in ready]


def _checked(command: EnterInvoice) -> Refusal | None:
    try:
        matching.check_invoice(command)
    except Refusal as odd:
        return odd
    return None


async def _named(tx: Tx, actor: Actor, commands: Sequence[EnterInvoice]) -> _Named:
    suppliers = await partners.by_codes(tx, {command.supplier for command in commands})
    mine = [(s, c) for c in commands if (s := suppliers.get(c.supplier.upper())) is not None]
    ids = sorted({supplier.id for supplier, _ in mine})
    lines = [(supplier.id, line) for supplier, command in mine for line in command.lines]
    variants = await items.resolve_skus(tx, {line.sku for _, line in lines if line.sku})
    skus = sorted({(supplier, line.supplier_sku.upper()) for supplier, line in lines if line.supplier_sku})
    asked = {"supplier_ids": array([s for s, _ in skus]) or "{}", "skus": array([sku for _, sku in skus]) or "{}"}
    theirs: dict[tuple[int, str], list[int]] = {}
    for row in await tx.dicts(Q["variants_by_supplier_sku"], asked):
        theirs.setdefault((row["supplier_id"], row["supplier_sku"]), []).append(row["variant_id"])
    bare = [(s.id, line) for s, command in mine if command.po is None for line in command.lines if line.po is None]
    wanted = sorted({(s, v) for s, line in bare for v in _variants_of(s, line, variants, theirs)})
    of_items = {
        "supplier_ids": array([s for s, _ in wanted]) or "{}",
        "variant_ids": array([v for _, v in wanted]) or "{}",
    }
    pos = {po for _, command in mine for po in _orders_named(command)}
    pos |= set(await tx.values(Q["orders_of_items"], of_items))
    # The orders first, so that whoever takes goods in waits, or is waited for, before anything else is locked.
    await store.lock(tx, pos)
    open_lines = await tx.records(Q["open_lines"], {"po_ids": array(sorted(pos)) or "{}", "scope": actor.scope_ids})
    numbers = {
        "supplier_ids": array([s.id for s, _ in mine]) or "{}",
        "numbers": array([c.number for _, c in mine]) or "{}",
    }
    known = {(row["supplier_id"], row["number"]): row for row in await tx.dicts(Q["invoices_known"], numbers)}
    terms = {row["id"]: row for row in await tx.dicts(Q["terms_of_payment"], {"ids": array(ids) or "{}"})}
    settings = await tx.value(Q["match_settings"])
    ours = await store.settings(tx)
    opened = [OpenLine(*row) for row in open_lines]
    return _Named(suppliers, terms, variants, theirs, opened, known, ours, settings)


def _orders_named(command: EnterInvoice) -> set[int]:
    found: set[int] = set()
    for name in {command.po, *(line.po for line in command.lines)} - {None}:
        try:
            found.add(matching.po_id_of("po", str(name)))
        except InvalidValue:
            continue  # told where the line is read
    return found


def _variants_of(
    supplier_id: int, line: EnterInvoiceLine, variants: dict[str, VariantRef], theirs: dict[tuple[int, str], list[int]]
) -> list[int]:
    if line.sku:
        return [variants[line.sku.upper()].id] if line.sku.upper() in variants else []
    return theirs.get((supplier_id, line.supplier_sku.upper()), []) if line.supplier_sku else []


def _prepared(actor: Actor, command: EnterInvoice, named: _Named, there: set[tuple[int, str]]) -> _Ready | Refusal:
    try:
        supplier = named.suppliers.get(command.supplier.upper())
        if supplier is None:
            raise UnknownSupplier(command.supplier)
        number = (supplier.id, command.number.upper())
        if number in there:
            before = named.known.get(number, {})
            raise InvoiceKnown(supplier=supplier.code, number=command.number, invoice_id=before.get("id"),
                               invoiced_on=before.get("invoiced_on"))  # fmt: skip
        currency = command.currency or supplier.currency
        partners.check_currency("currency", currency)
        rate = matching.rate_of(command.exchange_rate, currency, named.ours.currency, named.ours.rates)
        taken: dict[int, Decimal] = {}
        lines = [
            _line(f"lines[{at}]", at + 1, line, command.po, supplier, named, taken)
            for at, line in enumerate(command.lines)
        ]
    except Refusal as odd:
        return odd
    there.add(number)
    terms = named.terms[supplier.id]
    until = command.invoiced_on + timedelta(days=terms["discount_days"]) if terms["discount_percent"] else None
    head = {
        "supplier_ids": supplier.id, "numbers": command.number, "settings": named.settings, "currencies": currency,
        "rates": rate, "invoiced_ons": command.invoiced_on,
        "due_ons": command.due_on or _due(supplier, command.invoiced_on, terms["net_days"]),
        "discounts": terms["discount_percent"], "discount_untils": until, "totals": command.total,
        "notes": command.note, "created_bys": actor.person_id,
    }  # fmt: skip
    return _Ready(head, lines)


def _due(supplier: SupplierRef, invoiced_on: date, net_days: int) -> date:
    """So many days after the invoice's date; where the supplier does not work then, on the next day that they do."""
    return partners.working_day(supplier.calendar, invoiced_on + timedelta(days=net_days))


def _line(
    field: str, line_no: int, line: EnterInvoiceLine, po: str | None, supplier: SupplierRef, named: _Named,
    taken: dict[int, Decimal],
) -> dict[str, Any]:  # fmt: skip
    row: dict[str, Any] = {
        "line_nos": line_no, "kinds": line.kind, "po_line_ids": None, "variant_ids": None,
        "supplier_skus": line.supplier_sku, "descriptions": line.description, "quantities": line.quantity,
        "unit_prices": line.unit_price, "taxes": line.tax,
    }  # fmt: skip
    if line.kind != "goods":
        return row
    if line.sku and line.sku.upper() not in named.variants:
        raise InvalidValue(f"{field}.sku", line.sku, "is not known; check it or create it first")
    variants = _variants_of(supplier.id, line, named.variants, named.theirs)
    found = _of_order(field, line, line.po or po, variants, supplier, named, taken)
    if found is not None:
        taken[found.id] = taken.get(found.id, Decimal(0)) + line.quantity
        row |= {"po_line_ids": found.id, "variant_ids": found.variant_id}
    elif len(variants) == 1:
        row["variant_ids"] = variants[0]
    return row


def _of_order(
    field: str, line: EnterInvoiceLine, po: str | None, variants: list[int], supplier: SupplierRef, named: _Named,
    taken: dict[int, Decimal],
) -> OpenLine | None:  # fmt: skip
    """The order's line that it is for; None: nothing tells, or nothing of it was ordered."""
    if po is None:
        one = [
            x
            for x in named.open
            if x.supplier_id == supplier.id and x.variant_id in variants and x.left > taken.get(x.id, 0)
        ]
        return one[0] if len(one) == 1 else None
    po_id = matching.po_id_of(f"{field}.po", po)
    of_order = [x for x in named.open if x.po_id == po_id and x.supplier_id == supplier.id]
    if not of_order:
        raise UnknownOrder(f"{field}.po", po, f"is no order that was submitted to {supplier.code}")
    if line.po_line is not None:
        fits = [x for x in of_order if x.line_no == line.po_line]
        if not fits:
            raise UnknownOrder(f"{field}.po_line", line.po_line, f"is no line of {number_of(po_id)}")
        if variants and fits[0].variant_id not in variants:
            raise UnknownOrder(f"{field}.po_line", line.po_line, f"of {number_of(po_id)} is for {fits[0].sku}")
        return fits[0]
    sku = (line.supplier_sku or "").upper()
    fits = [x for x in of_order if x.variant_id in variants or (sku and (x.supplier_sku or "").upper() == sku)]
    # Several lines of one item: the first of which there is something left.
    return next((x for x in fits if x.left > taken.get(x.id, 0)), fits[0] if fits else None)


async def _write(tx: Tx, actor: Actor, ready: Sequence[_Ready]) -> list[int]:
    ids: list[int] = await tx.values(Q["new_invoice_ids"], {"count": len(ready)})
    lines = [(at, line) for at, one in zip(ids, ready, strict=True) for line in one.lines]
    params: dict[str, Any] = {"ids": array(ids), "invoice_ids": array([at for at, _ in lines])}
    for name in ready[0].head:
        column = [one.head[name] for one in ready]
        params[name] = array([day and day.isoformat() for day in column] if name in _DAYS else column)
    for name in lines[0][1]:
        params[name] = array([line[name] for _, line in lines])
    try:
        async with tx.savepoint():
            await tx.execute(Q["write_invoices"], params)
    except pg.UniqueViolation:
        head = ready[0].head
        raise InvoiceKnown(supplier="the supplier", number=head["numbers"], invoice_id=None, invoiced_on=None) from None
    await tx.execute(Q["rematch"], {"ids": array(ids)})
    said = [
        Change(id=at, action="entered", after={"number": one.head["numbers"], "lines": len(one.lines)})
        for at, one in zip(ids, ready, strict=True)
    ]
    await audit_many(tx, actor, "supplier_invoice", said)
    return ids
