"""What costing refuses, with the facts its reader needs."""

from typing import Any

from perpetua.kit.errors import Conflict, InvalidValue

__all__ = ["CancelledAlready", "MeasuresMissing", "NoGoods", "NoRate"]


class MeasuresMissing(Conflict):
    """Items have no weight, size or cost to spread by. Facts: basis, items: [sku], count."""

    code = "measures_missing"
    title = "Items cannot be measured"
    sentence = "{count} items have nothing to spread by {basis}: {items}."
    remedy = "Write it at the items, or spread by another basis."


class NoGoods(InvalidValue):
    """Nothing came under what was named, or all of it was undone. Facts: missing."""

    code = "no_goods"
    title = "No goods to lay it on"

    def __init__(self, field: str, missing: list[Any]) -> None:
        reason = "has no goods that came and were not undone"
        super().__init__(field, ", ".join(str(one) for one in missing[:20]), reason, missing=missing[:100])


class NoRate(InvalidValue):
    """Nobody says what the currency is worth. Facts: currency, company_currency."""

    code = "no_rate"
    title = "No exchange rate"

    def __init__(self, currency: str, ours: str) -> None:
        super().__init__(
            "exchange_rate", "", f"is needed: the settings have none for {currency}", currency=currency,
            company_currency=ours,
        )  # fmt: skip


class CancelledAlready(Conflict):
    """The charge was taken back, or takes one back. Facts: charge_id."""

    code = "cancelled_already"
    title = "It was taken back already"
    sentence = "Charge {charge_id} was taken back, or itself takes one back."
    remedy = "Spread it anew, if it is owed."
