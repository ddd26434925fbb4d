"""What follows from a supplier's invoice, what was ordered and what came.

A line differs where its price, or what is invoiced in all, is beyond the tolerances: beyond the per cent, or beyond the
value where one is set. What may be invoiced is what came, up to what was ordered and may come too much. The database
says the same when goods come (`invoice_problems`); a test holds one against the other.
"""

import re
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from perpetua.kit.errors import InvalidValue, TooLarge
from perpetua.kit.quantity import ZERO, exact_money, exact_quantity, plain
from perpetua.purchasing.errors.invoices import NoRate, TotalsDiffer
from perpetua.purchasing.rules import check_text, check_wanted
from perpetua.purchasing.types import MAX_LINES
from perpetua.purchasing.types.invoices import (
    EnterInvoice,
    EnterInvoiceLine,
    LineFacts,
    LineState,
    Problem,
    SetMatchSettings,
    Tolerances,
    Verdict,
)

__all__ = [
    "FLAGS", "agreed", "agreed_quantity", "amount", "check_invoice", "check_match_settings", "entitled", "payable",
    "po_id_of", "problems", "rate_of",
]  # fmt: skip

CENT: Final = Decimal("0.01")
FLAGS: Final[frozenset[LineState]] = frozenset({"NOT_ORDERED", "PRICE_DIFFERS", "QUANTITY_DIFFERS"})
"""States of a line that somebody must decide on."""
_NUMBER: Final = re.compile(r"(?i:PO-?)?0*([1-9]\d{0,17})", re.ASCII)


def problems(line: LineFacts, may: Tolerances) -> list[Problem]:
    """In what the line differs, the gravest first; none: it may be paid."""
    if line.kind != "goods":
        beyond = may.charge_value is not None and line.quantity * line.unit_price * line.rate > may.charge_value
        return ["NOT_ORDERED"] if beyond else []
    if not line.known:
        return ["NOT_ORDERED"]
    found: list[Problem] = []
    off = abs(line.unit_price - line.expected_price)
    if off * 100 > line.expected_price * may.price_percent or _above(off * line.quantity * line.rate, may.price_value):
        found.append("PRICE_DIFFERS")
    most = entitled(line)
    surplus = line.before + line.quantity - most
    value = min(surplus, line.quantity) * line.unit_price * line.rate
    if surplus > 0 and (surplus * 100 > most * may.quantity_percent or _above(value, may.quantity_value)):
        waits = line.coming and line.before + line.quantity <= line.ordered
        found.append("NOT_RECEIVED" if waits else "QUANTITY_DIFFERS")
    return found


def entitled(line: LineFacts) -> Decimal:
    """So much in all may be invoiced now: what came, up to what was ordered and may come too much."""
    return min(line.received, line.ordered * (100 + line.over_percent) * CENT)


def amount(quantity: Decimal, unit_price: Decimal, tax: Decimal) -> Decimal:
    """What a line comes to with its tax, to the cent."""
    return (quantity * unit_price).quantize(CENT, ROUND_HALF_UP) + tax.quantize(CENT, ROUND_HALF_UP)


def agreed_quantity(decision: Verdict, line: LineFacts) -> Decimal:
    """So much of the line counts as invoiced after the decision."""
    if decision == "accept":
        return line.quantity
    if decision == "reject" or not line.known:
        return ZERO
    return plain(max(min(line.quantity, entitled(line) - line.before), ZERO).quantize(Decimal("0.0001"), ROUND_HALF_UP))


def agreed(decision: Verdict, line: LineFacts, tax: Decimal) -> Decimal:
    """What is paid of a line after the decision, with tax in proportion, to the cent."""
    if decision == "accept":
        return amount(line.quantity, line.unit_price, tax)
    part = agreed_quantity(decision, line)
    price = min(line.unit_price, line.expected_price)
    if not part or not price:
        return ZERO
    return amount(part, price, tax * part * price / (line.quantity * line.unit_price))


def payable(lines: Iterable[tuple[LineState, Decimal, Decimal | None]]) -> Decimal:
    """What an invoice pays: of each line its state, what it comes to, and what was agreed where it was decided."""
    return sum(
        (
            decided if decided is not None and state in {"REJECTED", "DISPUTED", "ACCEPTED"} else whole
            for state, whole, decided in lines
        ),
        ZERO,
    )


def rate_of(given: Decimal | None, currency: str, ours: str, rates: dict[str, Decimal]) -> Decimal:
    """What one unit of the invoice's currency is worth in the company's. Raises InvalidValue."""
    if currency == ours:
        if given is not None and given != 1:
            raise InvalidValue("exchange_rate", str(given), f"must be 1: the invoice is in {ours}, as we count")
        return Decimal(1)
    if given is not None:
        if not given.is_finite() or not 0 < given < Decimal(10) ** 10 or round(given, 8) != given:
            raise InvalidValue("exchange_rate", str(given), "must be more than 0, with at most 8 decimals")
        return given
    if currency not in rates:
        raise NoRate(currency, ours)
    return rates[currency]


def po_id_of(field: str, number: str) -> int:
    """The id in an order's number, as people write it: PO-000123, po123, 123. Raises InvalidValue."""
    found = _NUMBER.fullmatch(number.strip())
    if found is None:
        raise InvalidValue(field, number, "is no purchase order's number; write it like PO-000123")
    return int(found[1])


def check_invoice(invoice: EnterInvoice) -> None:
    """Raises InvalidValue, TooLarge, TotalsDiffer: what no invoice can have, with its field."""
    check_text("number", invoice.number, 100)
    for field, day in (("invoiced_on", invoice.invoiced_on), ("due_on", invoice.due_on)):
        check_wanted(field, day)
    if invoice.due_on is not None and invoice.due_on < invoice.invoiced_on:
        raise InvalidValue("due_on", invoice.due_on.isoformat(), "is before the invoice's date")
    if invoice.note is not None:
        check_text("note", invoice.note, 2000)
    if not invoice.lines:
        raise InvalidValue("lines", "[]", "must have at least one line")
    if len(invoice.lines) > MAX_LINES:
        raise TooLarge(reason=f"An invoice has at most {MAX_LINES} lines.", limit=MAX_LINES)
    for number, line in enumerate(invoice.lines):
        _check_line(f"lines[{number}]", line)
    _check_total(invoice.total, invoice.lines)


def check_match_settings(settings: SetMatchSettings) -> None:
    """Raises InvalidValue: no percentage, or no value."""
    for name in ("price_percent", "quantity_percent"):
        value: Decimal = getattr(settings, name)
        if not value.is_finite() or not 0 <= value <= 100 or round(value, 2) != value:
            raise InvalidValue(name, str(value), "must be 0 to 100, with at most 2 decimals")
    for name in ("price_value", "quantity_value", "charge_value"):
        limit: Decimal | None = getattr(settings, name)
        if limit is not None and exact_money(limit, name) < 0:
            raise InvalidValue(name, str(limit), "must not be below 0")
    if settings.note is not None:
        check_text("note", settings.note, 500)


def _check_line(field: str, line: EnterInvoiceLine) -> None:
    if exact_quantity(line.quantity, f"{field}.quantity") <= 0:
        raise InvalidValue(f"{field}.quantity", str(line.quantity), "must be more than 0")
    for name, value in (("unit_price", line.unit_price), ("tax", line.tax)):
        if exact_money(value, f"{field}.{name}") < 0:
            raise InvalidValue(f"{field}.{name}", "(hidden)", "must not be below 0")
    for name, longest in (("po", 60), ("sku", 200), ("supplier_sku", 200), ("description", 500)):
        if (text := getattr(line, name)) is not None:
            check_text(f"{field}.{name}", text, longest)
    named = line.sku or line.supplier_sku or line.po_line is not None
    if line.kind == "goods" and not (named or line.description):
        raise InvalidValue(field, "", "tells no item: give po_line, sku, supplier_sku or a description")
    if line.kind != "goods" and (named or line.po):
        raise InvalidValue(field, line.kind, "is a charge: it has no item and no order")


def _check_total(total: Decimal, lines: Sequence[EnterInvoiceLine]) -> None:
    if not total.is_finite() or round(total, 2) != total or not 0 <= total < Decimal(10) ** 15:
        raise InvalidValue("total", str(total), "is an amount of nothing or more, with at most 2 decimals")
    sums = sum((amount(line.quantity, line.unit_price, line.tax) for line in lines), ZERO)
    if sums >= Decimal(10) ** 15:
        raise InvalidValue("lines", len(lines), "come to more than an invoice can have")
    # Whoever rounds each line, its tax, or the whole, is right to a cent for each.
    if abs(sums - total) > CENT * len(lines):
        raise TotalsDiffer(stated=total, lines=len(lines), difference=plain(total - sums))


def _above(value: Decimal, limit: Decimal | None) -> bool:
    return limit is not None and value > limit
