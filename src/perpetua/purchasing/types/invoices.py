"""Suppliers' invoices as values: how they are entered, matched, decided on and shown."""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from perpetua.kit.quantity import ZERO

__all__ = [
    "Decide", "DecideLine", "Decision", "EnterInvoice", "EnterInvoiceLine", "Invoice", "InvoiceFilters", "InvoiceLine",
    "InvoiceStatus", "InvoiceSummary", "LineFacts", "LineKind", "LineState", "MatchSettings", "OpenLine", "Problem",
    "ReleaseInvoice", "SetMatchSettings", "Tolerances", "Verdict", "VoidInvoice",
]  # fmt: skip

LineKind = Literal["goods", "freight", "duty", "insurance", "other"]
Problem = Literal["NOT_ORDERED", "PRICE_DIFFERS", "QUANTITY_DIFFERS", "NOT_RECEIVED"]
LineState = Literal[
    "MATCHED", "NOT_RECEIVED", "PRICE_DIFFERS", "QUANTITY_DIFFERS", "NOT_ORDERED", "ACCEPTED", "REJECTED", "DISPUTED"
]
InvoiceStatus = Literal["MATCHED", "WAITING", "FLAGGED", "DISPUTED", "RELEASED", "VOID"]
Verdict = Literal["accept", "reject", "credit"]


class EnterInvoiceLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line as the supplier bills it, in the invoice's currency.

    Of goods: `po` (or the invoice's own) with `po_line`, `sku` or `supplier_sku`; without a `po`, the one order of
    theirs of which the item is not invoiced yet. Of charges: `kind`, and no item. `tax`: of the whole line.
    """

    quantity: Decimal = Decimal(1)
    unit_price: Decimal
    tax: Decimal = ZERO
    kind: LineKind = "goods"
    po: str | None = None
    po_line: int | None = None
    sku: str | None = None
    supplier_sku: str | None = None
    description: str | None = None


class EnterInvoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A supplier's invoice. `total`: as they state it, with tax: checked against the lines. `po`: for lines that name
    none. `due_on`: where it is other than by their terms. `exchange_rate`: where the settings have none."""

    supplier: str
    number: str
    invoiced_on: date
    lines: list[EnterInvoiceLine]
    total: Decimal
    po: str | None = None
    due_on: date | None = None
    currency: str | None = None
    exchange_rate: Decimal | None = None
    note: str | None = None


class DecideLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done about a line that differs: `accept` pays it as billed, `reject` pays nothing of it, `credit` pays
    what agrees and asks the supplier for the rest."""

    line_no: int
    decision: Verdict
    reason: str


class Decide(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Decisions about lines of one invoice."""

    lines: list[DecideLine]


class ReleaseInvoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The invoice may be paid."""


class VoidInvoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """It was entered wrongly, or is not to be paid at all: its number is free again, and nothing of it counts."""

    reason: str


class SetMatchSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an invoice's line may differ by without a question, whole. Values are of a line, in the company's currency;
    null: the per cent alone counts (of `charge_value`: any charge passes)."""

    price_percent: Decimal
    price_value: Decimal | None = None
    quantity_percent: Decimal
    quantity_value: Decimal | None = None
    charge_value: Decimal | None = None
    note: str | None = None


class MatchSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What an invoice may differ by without a question, as it is kept."""

    version: int
    price_percent: Decimal
    price_value: Decimal | None
    quantity_percent: Decimal
    quantity_value: Decimal | None
    charge_value: Decimal | None
    note: str | None
    created_by: int
    created_at: datetime


class Tolerances(NamedTuple):
    """What may differ; values in the company's currency."""

    price_percent: Decimal
    price_value: Decimal | None
    quantity_percent: Decimal
    quantity_value: Decimal | None
    charge_value: Decimal | None


class LineFacts(NamedTuple):
    """A line of an invoice, and what is known of what it is for. `known`: it is of an order's line. `ordered`: less
    what was cancelled. `coming`: more of it is on order. `rate`: from the invoice's currency to the company's."""

    kind: LineKind
    known: bool
    quantity: Decimal
    unit_price: Decimal
    rate: Decimal
    ordered: Decimal = ZERO
    received: Decimal = ZERO
    before: Decimal = ZERO
    expected_price: Decimal = ZERO
    coming: bool = False
    over_percent: Decimal = ZERO


class OpenLine(NamedTuple):
    """A line of an order that an invoice's line may be for. `invoiced`: so much counts as invoiced already."""

    id: int
    po_id: int
    line_no: int
    supplier_id: int
    site_id: int
    variant_id: int
    sku: str
    supplier_sku: str | None
    ordered: Decimal
    received: Decimal
    invoiced: Decimal

    @property
    def left(self) -> Decimal:
        """What may still be invoiced of it."""
        return max(self.ordered, self.received) - self.invoiced


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody decided of a line, and why. `holds`: it still counts, as nothing is worse than they knew.

    `agreed`: what is paid of the line, with tax.
    """

    decision: Verdict
    reason: str
    problems: list[Problem]
    person_id: int
    person: str
    at: datetime
    agreed: Decimal | UnsetType = UNSET


class InvoiceLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line, held against what was ordered (less what was cancelled), what came and what was invoiced before.

    Prices are in the invoice's currency; they are left out for those who may not see them.
    """

    id: int
    line_no: int
    kind: LineKind
    po_id: int | None
    po: str | None
    po_line: int | None
    sku: str | None
    name: str | None
    supplier_sku: str | None
    description: str | None
    quantity: Decimal
    ordered: Decimal | None
    received: Decimal | None
    invoiced_before: Decimal
    state: LineState
    problems: list[Problem]
    decision: Decision | None
    unit_price: Decimal | UnsetType = UNSET
    tax: Decimal | UnsetType = UNSET
    expected_price: Decimal | UnsetType | None = UNSET
    amount: Decimal | UnsetType = UNSET


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """A supplier's invoice with its lines. `flagged`: lines to be decided on; `waiting`: lines whose goods have not
    come.

    Either may become more than 0 after the release: goods were taken back. `payable`: what is, or would now be, paid.
    """

    id: int
    supplier_id: int
    supplier: str
    supplier_name: str
    number: str
    status: InvoiceStatus
    flagged: int
    waiting: int
    settings_version: int
    currency: str
    exchange_rate: Decimal
    invoiced_on: date
    due_on: date
    discount_percent: Decimal
    discount_until: date | None
    note: str | None
    created_by: int
    created_at: datetime
    released_by: int | None
    released_at: datetime | None
    voided_by: int | None
    voided_at: datetime | None
    void_reason: str | None
    version: int
    updated_at: datetime
    lines: list[InvoiceLine]
    total: Decimal | UnsetType = UNSET
    payable: Decimal | UnsetType = UNSET


class InvoiceSummary(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice as a list shows it."""

    id: int
    supplier: str
    supplier_name: str
    number: str
    status: InvoiceStatus
    flagged: int
    waiting: int
    currency: str
    invoiced_on: date
    due_on: date
    discount_until: date | None
    lines: int
    created_at: datetime
    released_at: datetime | None
    version: int
    total: Decimal | UnsetType = UNSET
    payable: Decimal | UnsetType | None = UNSET


class InvoiceFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which invoices a list shows. `open`: neither released nor void. `attention`: lines of it must be decided on,
    or it was released and is no longer right. `number`: how it begins."""

    status: InvoiceStatus | None = None
    supplier: str | None = None
    number: str | None = None
    po: str | None = None
    open: bool = False
    attention: bool = False
    due_until: date | None = None
