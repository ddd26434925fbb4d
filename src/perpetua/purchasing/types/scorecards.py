"""How suppliers did, as values."""

from datetime import date
from decimal import Decimal

import msgspec
from msgspec import UNSET, UnsetType

__all__ = ["Scorecard"]


class Scorecard(msgspec.Struct, frozen=True, kw_only=True):
    """How a supplier did after `since`, up to and with `until`. A share is null where there is nothing to share.

    `lines_due`: lines that were promised, or else expected, in these days; `lines_on_time`: of them, in full by that
    day. `fill_rate`: of what was ordered by them, by value, so much came. `discrepancy_share`: discrepancies for each
    line that came. `price_change_…`: what was billed against the same at the item's first price, and at its last
    price before.
    """

    supplier_id: int
    supplier: str
    supplier_name: str
    since: date
    until: date
    lines_due: int
    lines_on_time: int
    on_time_share: Decimal | None
    fill_rate: Decimal | None
    lines_received: int
    discrepancies: int
    discrepancy_kinds: dict[str, int]
    discrepancy_share: Decimal | None
    lead_times: int
    lead_time_mean_days: Decimal | None
    lead_time_deviation_days: Decimal | None
    price_change_since_first: Decimal | UnsetType | None = UNSET
    price_change_since_before: Decimal | UnsetType | None = UNSET
