"""How long suppliers take, as values: facts, what was counted of them, and what is to be expected."""

from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

import msgspec

__all__ = [
    "Expected", "LeadTime", "LeadTimeConfidence", "LeadTimeFact", "LeadTimeFilters", "Observed", "Quantiles", "Spread",
    "Structure",
]  # fmt: skip


class LeadTime(msgspec.Struct, frozen=True, kw_only=True):
    """How long a line took, from the day it was ordered to the day on which the last of it came.

    `due_on`: the first promise, else by the lead time stated then. `cancels_id`, `cancelled_by`: rows are never
    changed.
    """

    id: int
    supplier_id: int
    supplier: str
    variant_id: int
    sku: str
    po_id: int | None
    po_line: int | None
    import_id: int | None
    reference: str | None
    quantity: Decimal | None
    ordered_on: date
    stated_days: int | None
    promised_on: date | None
    due_on: date | None
    received_on: date
    actual_days: int
    late: bool | None
    cancels_id: int | None
    cancelled_by: int | None
    recorded_at: datetime


class LeadTimeFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which of them a list shows. `counted`: neither cancelled nor cancelling."""

    supplier: str | None = None
    sku: str | None = None
    late: bool | None = None
    counted: bool = True


class LeadTimeFact(NamedTuple):
    """A lead time from elsewhere."""

    supplier_id: int
    variant_id: int
    reference: str | None
    quantity: Decimal | None
    ordered_on: date
    stated_days: int | None
    promised_on: date | None
    received_on: date


class Structure(msgspec.Struct, frozen=True, kw_only=True):
    """What all lead times tell of their spread. Of items (a supplier's) with n rows and suppliers with N, of all R
    rows: `within`: squares of rows about their item's mean; `between_items`: of items' means about their supplier's,
    times n; `between_suppliers`: of suppliers' means about that of all, times N; `squares_per_supplier`: sum of n²/N;
    `squares_per_all`: sum of n²/R; `supplier_squares`: sum of N²/R."""

    n: Decimal
    items: Decimal
    suppliers: Decimal
    mean: Decimal
    within: Decimal
    between_items: Decimal
    squares_per_supplier: Decimal
    squares_per_all: Decimal
    supplier_squares: Decimal
    between_suppliers: Decimal
    due: Decimal
    late: Decimal
    quantiles: list[Decimal] | None


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an item from a supplier, and of all that the supplier sold. `supplier_squares`: sum of n² of its
    items."""

    supplier_id: int
    variant_id: int
    supplier: str
    sku: str
    stated_days: int | None
    n: Decimal
    mean: Decimal | None
    variance: Decimal | None
    due: Decimal
    late: Decimal
    quantiles: list[Decimal] | None
    supplier_n: Decimal
    supplier_mean: Decimal | None
    supplier_due: Decimal
    supplier_late: Decimal
    supplier_quantiles: list[Decimal] | None
    supplier_squares: Decimal


class Quantiles(msgspec.Struct, frozen=True, kw_only=True):
    """So many days are enough in 50, 80, 90, 95 of a hundred orders."""

    p50: Decimal
    p80: Decimal
    p90: Decimal
    p95: Decimal


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the item alone. `deviation` needs two; `late_share` is of those that were due on a day."""

    mean_days: Decimal
    deviation_days: Decimal | None
    quantiles: Quantiles
    late_share: Decimal | None


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be expected of the next order: the item's own, its supplier's and all others' taken together.

    `own_weight`, `supplier_weight`, `others_weight`: how much each counts; they add up to 1. `effective_n`: so many own
    lead times would tell as much as all that is known. `low_days`, `high_days`: the mean lies between them in 90 of a
    hundred cases. `deviation_days`: of a single order about the mean.
    """

    mean_days: Decimal
    low_days: Decimal
    high_days: Decimal
    deviation_days: Decimal
    quantiles: Quantiles
    late_share: Decimal | None
    own_weight: Decimal
    supplier_weight: Decimal
    others_weight: Decimal
    effective_n: Decimal


class LeadTimeConfidence(msgspec.Struct, frozen=True, kw_only=True):
    """How long a supplier takes for an item, and how sure that is. `expected` is null where nothing ever came of
    anybody: then there is only what the supplier states."""

    supplier_id: int
    supplier: str
    variant_id: int
    sku: str
    stated_days: int | None
    n: int
    supplier_n: int
    observed: Observed | None
    expected: Expected | None
