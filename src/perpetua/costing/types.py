"""Charges and how they lie on goods, as values."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

__all__ = [
    "Basis", "CancelCharge", "Charge", "ChargeFilters", "ChargeKind", "ChargeLine", "ChargeSummary", "ItemShare",
    "Preview", "ReceiptRow", "SpreadCharge",
]  # fmt: skip

Id = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
ChargeKind = Literal["freight", "duty", "insurance", "other"]
Basis = Literal["value", "weight", "volume", "quantity"]


class SpreadCharge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A charge, and the goods that it is for: of receipts (R-000123), purchase orders (PO-000123), postings by their
    ids.

    `exchange_rate`: where the settings have none. `invoice_id`: the supplier's invoice that bills it.
    """

    kind: ChargeKind
    basis: Basis
    amount: Decimal
    charged_on: date
    receipts: list[str] = []
    purchase_orders: list[str] = []
    posting_ids: list[Id] = []
    currency: str | None = None
    exchange_rate: Decimal | None = None
    supplier: str | None = None
    invoice_id: Id | None = None
    reference: str | None = None
    note: str | None = None


class CancelCharge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A charge is taken back, and why."""

    reason: str


class ReceiptRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the ledger by which goods came. `measure`: what one unit counts with; None: nobody knows."""

    id: int
    variant_id: int
    sku: str
    quantity: Decimal
    measure: Decimal | None
    reference_type: str | None
    reference_id: str | None


class ChargeLine(msgspec.Struct, frozen=True, kw_only=True):
    """What lies on a row of the ledger, in the company's currency. `share`: value, weight in kg, volume in m³ or
    quantity."""

    transaction_id: int
    variant_id: int
    sku: str
    quantity: Decimal
    share: Decimal
    amount: Decimal


class ItemShare(msgspec.Struct, frozen=True, kw_only=True):
    """What lies on an item in all, and on one unit of it (rounded)."""

    variant_id: int
    sku: str
    quantity: Decimal
    share: Decimal
    amount: Decimal
    per_unit: Decimal


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a charge would do. `company_amount`: in the company's currency, what its lines add up to."""

    company_currency: str
    company_amount: Decimal
    exchange_rate: Decimal
    rows: int
    items: list[ItemShare]


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """A charge with what lies on each item. `cancels_id`: it takes that one back; `cancelled_by`: it was taken back."""

    id: int
    kind: ChargeKind
    basis: Basis
    amount: Decimal
    currency: str
    exchange_rate: Decimal
    company_amount: Decimal
    supplier: str | None
    invoice_id: int | None
    reference: str | None
    note: str | None
    charged_on: date
    chosen: dict[str, Any]
    cancels_id: int | None
    cancelled_by: int | None
    created_by: int
    created_at: datetime
    rows: int
    items: list[ItemShare]


class ChargeSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A charge as a list shows it."""

    id: int
    kind: ChargeKind
    basis: Basis
    amount: Decimal
    currency: str
    company_amount: Decimal
    supplier: str | None
    invoice_id: int | None
    reference: str | None
    charged_on: date
    cancels_id: int | None
    cancelled_by: int | None
    created_at: datetime
    rows: int


class ChargeFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which charges a list shows. `counted`: neither taken back nor taking back."""

    kind: ChargeKind | None = None
    supplier: str | None = None
    sku: str | None = None
    counted: bool = False
