"""Suppliers' invoices from files: the kind `supplier_invoices`: one row a line, the rows of an invoice wherever they
stand.

Always true:
- An invoice is entered whole, with all its rows, or not at all; each of its rows is then among the bad ones.
- A row of which nobody can tell whose it is takes the invoices on both its sides with it, which may miss it.
- The same file again enters no invoice twice: a number that is there is refused. An import is undone by making void
what is
  not released.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from perpetua.access.types import Actor
from perpetua.kit.database import Tx
from perpetua.kit.errors import InvalidValue, Refusal
from perpetua.kit.imports import (
    BadRow,
    Chunk,
    ChunkResult,
    Field,
    Gathered,
    ImportOptions,
    Parsed,
    Place,
    Run,
    Tell,
    no_half,
    remembered,
    whereabouts,
)
from perpetua.kit.quantity import parse_decimal
from perpetua.purchasing import service
from perpetua.purchasing.types.invoices import EnterInvoice, EnterInvoiceLine

__all__ = ["SUPPLIER_INVOICES", "SupplierInvoicesKind"]

Key = tuple[str, str]
"""Supplier and number, in capitals."""

OF_LINE: Final = frozenset(
    {"sku", "supplier_sku", "po", "po_line", "quantity", "unit_price", "tax", "kind", "description"}
)
NEEDED: Final = ("supplier", "number", "invoiced_on", "unit_price", "total")
KINDS: Final = ("goods", "freight", "duty", "insurance", "other")


class SupplierInvoicesKind:
    """Rows with an invoice's supplier, number, date and total, and of each line the item, quantity and price."""

    name = "supplier_invoices"
    chunk_rows = 2000
    repeatable = True
    # A cell is read when its invoice is: a row that fails before that would be missing from its invoice unnoticed.
    fields: Sequence[Field] = (
        Field(name="supplier", synonyms=("supplier_code", "vendor", "vendor_code", "vendor_number")),
        Field(name="number", synonyms=("invoice", "invoice_no", "invoice_number")),
        Field(name="invoiced_on", synonyms=("invoice_date", "date"), help="2026-10-02"),
        Field(name="due_on", synonyms=("due", "due_date")),
        Field(name="total", synonyms=("invoice_total", "amount"), help="with tax, on each of its rows"),
        Field(name="currency"),
        Field(name="exchange_rate", synonyms=("rate",)),
        Field(name="note", synonyms=("notes", "comment")),
        Field(name="po", synonyms=("po_number", "purchase_order", "order")),
        Field(name="po_line", synonyms=("line", "order_line")),
        Field(name="sku", synonyms=("item", "item_code", "product_code")),
        Field(name="supplier_sku", synonyms=("vendor_sku", "their_sku")),
        Field(name="quantity", synonyms=("qty",)),
        Field(name="unit_price", synonyms=("price",)),
        Field(name="tax", synonyms=("vat",)),
        Field(name="kind", synonyms=("charge",), help="goods, freight, duty, insurance or other"),
        Field(name="description", synonyms=("text",)),
    )

    def check(self, actor: Actor, fields: frozenset[str], options: ImportOptions) -> None:
        """Raises NotAllowed or InvalidValue before anything is read."""
        actor.require("invoices.write")
        for name in NEEDED:
            if name not in fields:
                raise InvalidValue(name, "", "no column tells it; name one by a mapping")

    async def prepare(self, tx: Tx, actor: Actor, run: Run) -> Any:
        """Nothing is made beforehand."""
        return {}

    async def apply(self, tx: Tx, actor: Actor, run: Run, chunk: Chunk) -> ChunkResult:
        """Enter the invoices whose last row is in the chunk."""
        known = await whereabouts(run, chunk, _key)
        bad: list[BadRow] = []
        counts: Counter[str] = Counter()
        whole: list[tuple[Gathered[Key], EnterInvoice]] = []
        for row in chunk.rows:
            key = _key(row)
            if key is None:
                name = "supplier" if row.values.get("number") else "number"
                bad.append(BadRow(row.place, "missing_value", "is missing; the row belongs to no invoice", name))
                continue
            gathered = known.gathered(key)
            if gathered.rows[-1].place != row.place:
                continue
            invoice = _invoice(gathered)
            if isinstance(invoice, EnterInvoice):
                whole.append((gathered, invoice))
            else:
                bad += invoice
                counts["invoices_refused"] += 1
        whole.sort(key=lambda one: one[0].rows[0].place)
        entered: list[int] = []
        outcomes = await service.enter_many(tx, actor, [invoice for _, invoice in whole])
        for (gathered, _), outcome in zip(whole, outcomes, strict=True):
            if isinstance(outcome, Refusal):
                bad += _refused(gathered, outcome)
                counts["invoices_refused"] += 1
            else:
                entered.append(outcome)
                counts["invoices_entered"] += 1
        await run.remember(tx, "supplier_invoices", entered)
        return ChunkResult(bad, dict(counts))

    async def finish(self, tx: Tx, actor: Actor, run: Run) -> Mapping[str, int]:
        """Nothing is left to do."""
        return {}

    async def undo(self, tx: Tx, actor: Actor, import_id: int, tell: Tell) -> Mapping[str, int]:
        """Make void its invoices that are not released; the others are kept."""
        ids = sorted(i for one in await remembered(tx, import_id) if one.what == "supplier_invoices" for i in one.ids)
        await tell(0, len(ids))
        done = await service.void_many(tx, actor, ids, f"import {import_id} was undone")
        await tell(len(ids), len(ids))
        return {"invoices_voided": done, "invoices_kept": len(ids) - done}


SUPPLIER_INVOICES: Final = SupplierInvoicesKind()
"""The kind `supplier_invoices`."""


def _key(row: Parsed) -> Key | None:
    supplier, number = row.values.get("supplier"), row.values.get("number")
    return (supplier.upper(), number.upper()) if supplier and number else None


def _invoice(of: Gathered[Key]) -> EnterInvoice | list[BadRow]:
    """The invoice that the rows tell, or all of them as bad, each with why."""
    reasons: dict[Place, BadRow] = {}
    if of.after is not None:
        reason = f"line {of.after.line} cannot be read, and may be of this invoice"
        reasons[of.rows[0].place] = BadRow(of.rows[0].place, "invoice_in_doubt", reason)
    said: dict[str, str] = {name: of.rows[0].values[name] for name in ("supplier", "number")}
    lines: list[EnterInvoiceLine] = []
    for row in of.rows:
        for name, value in row.values.items():
            if name not in OF_LINE and name not in {"supplier", "number"} and said.setdefault(name, value) != value:
                reason = f"another row of the invoice says {said[name]}"
                reasons.setdefault(row.place, BadRow(row.place, "differs", reason, name, value))
        try:
            lines.append(_line(row.values))
        except InvalidValue as odd:
            reasons.setdefault(row.place, BadRow(row.place, odd.code, odd.reason, odd.field, odd.value))
    if not reasons:
        try:
            return _made(said, lines)
        except InvalidValue as odd:
            reasons[of.rows[0].place] = BadRow(of.rows[0].place, odd.code, odd.reason, odd.field, odd.value)
    return no_half(of, reasons, f"invoice {of.key[1]}")


def _line(values: Mapping[str, str]) -> EnterInvoiceLine:
    if not values.get("unit_price"):
        raise InvalidValue("unit_price", "", "is missing")
    kind = values.get("kind", "goods").casefold()
    if kind not in KINDS:
        raise InvalidValue("kind", kind, f"is none of {', '.join(KINDS)}")
    number = values.get("po_line")
    if number is not None and not (number.isascii() and number.isdigit() and len(number) < 10):
        raise InvalidValue("po_line", number, "is a whole number")
    return EnterInvoiceLine(
        quantity=parse_decimal(values.get("quantity", "1"), "quantity"), kind=kind,
        unit_price=parse_decimal(values["unit_price"], "unit_price"),
        tax=parse_decimal(values["tax"], "tax") if "tax" in values else Decimal(0),
        po_line=None if number is None else int(number),
        **{name: values.get(name) for name in ("po", "sku", "supplier_sku", "description")},
    )  # fmt: skip


def _made(said: Mapping[str, str], lines: list[EnterInvoiceLine]) -> EnterInvoice:
    for name in ("invoiced_on", "total"):
        if not said.get(name):
            raise InvalidValue(name, "", "is missing")
    rate, due = said.get("exchange_rate"), said.get("due_on")
    return EnterInvoice(
        supplier=said["supplier"], number=said["number"], lines=lines, note=said.get("note"),
        currency=said.get("currency"), invoiced_on=_day("invoiced_on", said["invoiced_on"]),
        total=parse_decimal(said["total"], "total"), due_on=None if due is None else _day("due_on", due),
        exchange_rate=None if rate is None else parse_decimal(rate, "exchange_rate"),
    )  # fmt: skip


def _day(field: str, text: str) -> date:
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        raise InvalidValue(field, text, "is no day; write it like 2026-10-02") from None


def _refused(of: Gathered[Key], refusal: Refusal) -> list[BadRow]:
    """The invoice's rows, each with what it has to do with the refusal."""
    field, number = str(refusal.facts.get("field") or ""), 0
    if field.startswith("lines["):
        at, _, field = field.removeprefix("lines[").partition("].")
        number = int(at.rstrip("]"))
    reason = refusal.reason if isinstance(refusal, InvalidValue) else refusal.detail
    place, value = of.rows[number].place, refusal.facts.get("value")
    row = BadRow(place, refusal.code, reason, field or None, None if value is None else str(value))
    return no_half(of, {place: row}, f"invoice {of.key[1]}")
