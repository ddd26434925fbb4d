"""What follows from an order's lines, a supplier's terms and the settings alone."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Any, Final

from perpetua.access.types import Actor
from perpetua.kit.errors import InvalidValue, TooLarge
from perpetua.kit.quantity import ZERO, exact_money, exact_quantity, plain
from perpetua.purchasing.errors import OffPack
from perpetua.purchasing.types import (
    MAX_LINES,
    AddLine,
    Approval,
    ChangeOrder,
    Counts,
    CreateOrder,
    ItemTerms,
    OrderStatus,
    PriceBreak,
    SetSettings,
)

__all__ = [
    "approvals_needed",
    "check_change",
    "check_create",
    "check_lines",
    "check_number",
    "check_pack",
    "check_prices",
    "check_settings",
    "check_text",
    "check_wanted",
    "covering",
    "is_person",
    "most_of",
    "price_for",
    "status_of",
    "total_of",
]  # fmt: skip

_RATE_LIMIT: Final = Decimal(10) ** 10
_RATE_PLACES: Final = 8


def is_person(actor: Actor) -> bool:
    """Whether somebody acts themselves: neither the system, nor a program with an API token (or a JWT from one)."""
    return actor.person_id > 0 and actor.via not in {"system", "token"} and actor.token_id is None


def status_of(lines: Iterable[Counts]) -> OrderStatus:
    """The status that an order's lines come to."""
    lines = list(lines)
    if any(line.received for line in lines):
        return "PARTIAL_RECEIVED" if any(line.open for line in lines) else "RECEIVED"
    if lines and all(line.cancelled == line.ordered for line in lines):
        return "CANCELLED"
    if not any(line.placed for line in lines):
        return "DRAFT"
    return "CONFIRMED" if all(line.promised or not line.open for line in lines) else "SUBMITTED"


def price_for(prices: Sequence[PriceBreak], quantity: Decimal) -> Decimal | None:
    """What a unit costs when so much is ordered: that of the highest break reached. None: no break is."""
    reached = [one for one in prices if one.min_qty <= quantity]
    return max(reached, key=lambda one: one.min_qty).unit_price if reached else None


def total_of(lines: Iterable[tuple[Decimal, Decimal]]) -> Decimal:
    """What quantities at prices come to, exactly."""
    return plain(sum((quantity * price for quantity, price in lines), ZERO))


def approvals_needed(total: Decimal, second_above: Decimal | None) -> int:
    """How many persons must approve what comes to `total` (both in the company's currency)."""
    return 2 if second_above is not None and total > second_above else 1


def covering(approvals: Iterable[Approval], total: Decimal) -> set[int]:
    """Who has approved so much or more, and it still counts."""
    return {
        one.person_id
        for one in approvals
        if one.ended_at is None and isinstance(one.total, Decimal) and one.total >= total
    }


def most_of(ordered: Decimal, cancelled: Decimal, over_percent: Decimal, decimals: int) -> Decimal:
    """So much in all may be received without a question, as the unit allows; never less than was ordered."""
    due = ordered - cancelled
    return plain((due * (100 + over_percent) / 100).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP).max(due))


def check_pack(field: str, sku: str, quantity: Decimal, terms: ItemTerms | None, *, allow_off_pack: bool) -> None:
    """Raises OffPack: below the minimum, or no multiple of the pack, and nobody allowed it."""
    if terms is None or allow_off_pack:
        return
    pack, least = terms.pack_multiple, terms.min_order_qty
    if quantity < least or (pack and quantity % pack):
        wanted = max(quantity, least)
        nearest = plain((wanted / pack).to_integral_value(ROUND_CEILING) * pack) if pack else wanted
        raise OffPack(field=field, sku=sku, asked=quantity, min_order_qty=least, pack_multiple=pack, nearest=nearest)


def check_create(order: CreateOrder) -> None:
    """Raises InvalidValue or TooLarge: a value that no order can have, with its field."""
    if not order.lines:
        raise InvalidValue("lines", "[]", "must have at least one line")
    check_lines("lines", order.lines)
    for field, value, longest in (("external_id", order.external_id, 200), ("note", order.note, 2000)):
        if value is not None:
            check_text(field, value, longest)
    check_wanted("wanted_on", order.wanted_on)
    _rate("exchange_rate", order.exchange_rate)


def check_change(change: ChangeOrder) -> None:
    """Raises InvalidValue or TooLarge: a value that no change can have, with its field."""
    if len(change.lines) + len(change.add) + len(change.remove) > MAX_LINES:
        raise TooLarge(reason=f"An order has at most {MAX_LINES} lines.", limit=MAX_LINES)
    named = [line.line_no for line in change.lines] + change.remove
    if len(set(named)) < len(named):
        raise InvalidValue("lines", named[:100], "name each line once")
    for number, line in enumerate(change.lines):
        if isinstance(line.quantity, Decimal):
            _quantity(f"lines[{number}].quantity", line.quantity)
        if isinstance(line.unit_price, Decimal):
            price(f"lines[{number}].unit_price", line.unit_price)
        if isinstance(line.wanted_on, date):
            check_wanted(f"lines[{number}].wanted_on", line.wanted_on)
    check_lines("add", change.add)
    for field, value, longest in (("note", change.note, 2000), ("reason", change.reason, 500)):
        if isinstance(value, str):
            check_text(field, value, longest)
    if isinstance(change.wanted_on, date):
        check_wanted("wanted_on", change.wanted_on)
    _rate("exchange_rate", change.exchange_rate)


def check_lines(field: str, lines: Sequence[AddLine]) -> None:
    """Raises InvalidValue or TooLarge: of lines to be added."""
    if len(lines) > MAX_LINES:
        raise TooLarge(reason=f"An order has at most {MAX_LINES} lines; send the rest as another.", limit=MAX_LINES)
    for number, line in enumerate(lines):
        _quantity(f"{field}[{number}].quantity", line.quantity)
        if line.unit_price is not None:
            price(f"{field}[{number}].unit_price", line.unit_price)
        check_wanted(f"{field}[{number}].wanted_on", line.wanted_on)


def check_prices(field: str, prices: Sequence[PriceBreak]) -> None:
    """Raises InvalidValue: two prices from the same quantity on, or a number that is none."""
    if len(prices) > 100:
        raise InvalidValue(field, len(prices), "has at most 100 breaks")
    for number, one in enumerate(prices):
        check_number(f"{field}[{number}].min_qty", one.min_qty)
        price(f"{field}[{number}].unit_price", one.unit_price)
    if len({one.min_qty for one in prices}) < len(prices):
        raise InvalidValue(field, [str(one.min_qty) for one in prices], "must each begin at a quantity of its own")


def check_settings(settings: SetSettings) -> None:
    """Raises InvalidValue: values that settings cannot have. Currencies are the caller's to check."""
    limit, percent = settings.second_approval_above, settings.over_percent
    if limit is not None:
        price("second_approval_above", limit)
    if not percent.is_finite() or not 0 <= percent <= 100 or round(percent, 2) != percent:
        raise InvalidValue("over_percent", str(percent), "must be 0 to 100, with at most 2 decimals")
    for currency, rate in settings.rates.items():
        _rate(f"rates.{currency}", rate)
    if settings.note is not None:
        check_text("note", settings.note, 500)


def check_number(field: str, value: Decimal) -> None:
    """Raises InvalidValue: no quantity of nothing or more."""
    if exact_quantity(value, field) < 0:
        raise InvalidValue(field, str(value), "must not be below 0")


def check_text(field: str, value: str, longest: int) -> None:
    """Raises InvalidValue: empty, too long, or with what cannot be printed; a note may have more than one line."""
    printable = value.replace("\n", "").isprintable() if field == "note" else value.isprintable()
    if not 0 < len(value) <= longest or not printable or value != value.strip():
        raise InvalidValue(field, value, f"must have 1 to {longest} printable characters, no blanks at its ends")


def check_wanted(field: str, day: date | None) -> None:
    """Raises InvalidValue: a year that no order has."""
    if day is not None and not 1970 <= day.year < 2200:
        raise InvalidValue(field, day.isoformat(), "must lie between the years 1970 and 2199")


def price(field: str, value: Decimal) -> None:
    """Raises InvalidValue: no price of nothing or more."""
    if exact_money(value, field) < 0:
        raise InvalidValue(field, "(hidden)", "must not be below 0")


def _quantity(field: str, quantity: Decimal) -> None:
    if exact_quantity(quantity, field) <= 0:
        raise InvalidValue(field, str(quantity), "must be more than 0")


def _rate(field: str, value: Any) -> None:
    if not isinstance(value, Decimal):
        return
    if not value.is_finite() or not 0 < value < _RATE_LIMIT or round(value, _RATE_PLACES) != value:
        raise InvalidValue(field, str(value), "must be more than 0, with at most 8 decimals")
