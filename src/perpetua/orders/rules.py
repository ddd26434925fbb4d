"""What follows from an order's text and lines alone."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from perpetua.kit.errors import InvalidValue, TooLarge
from perpetua.kit.quantity import ZERO, exact_money, exact_quantity
from perpetua.orders.types import MAX_LINES, ChangeOrder, Counts, OrderStatus, PlaceLine, PlaceOrder

__all__ = ["MOVES", "check", "check_change", "check_customer", "on_floor", "settled", "status_of"]

_SLACK: Final = timedelta(minutes=10)
_MAX_LIFE: Final = 3650

MOVES: Final[Mapping[OrderStatus, frozenset[OrderStatus]]] = {
    "ALLOCATED": frozenset({"RELEASED"}),
    "PARTLY_ALLOCATED": frozenset({"RELEASED"}),
    "PARTLY_SHIPPED": frozenset({"RELEASED"}),
    "RELEASED": frozenset({"PICKING"}),
    "PICKING": frozenset({"PACKED", "RELEASED"}),
    "PACKED": frozenset({"PICKING"}),
}
"""Where an order may be moved from where it is. All else follows from its lines: see `status_of`."""

_FLOOR: Final = frozenset[OrderStatus]({"RELEASED", "PICKING", "PACKED"})
_IN_HANDS: Final = frozenset[OrderStatus]({"PICKING", "PACKED"})


def status_of(lines: Iterable[Counts]) -> OrderStatus:
    """The status that an order's lines come to, before it is released to the floor or after it left."""
    quantity, allocated, shipped, gone, waiting, returned = ZERO, ZERO, ZERO, ZERO, ZERO, ZERO
    for line in lines:
        quantity += line.quantity
        allocated += line.allocated
        shipped += line.shipped
        gone += line.cancelled + line.refused
        waiting += line.backordered
        returned += line.returned
    if shipped and (allocated or waiting):
        return "PARTLY_SHIPPED"
    if shipped:
        return "RETURNED" if returned == shipped else "SHIPPED"
    if gone == quantity:
        return "CANCELLED"
    if not waiting:
        return "ALLOCATED"
    return "PARTLY_ALLOCATED" if allocated else "BACKORDERED"


def settled(now: OrderStatus, lines: Iterable[Counts], *, left: bool = False) -> OrderStatus:
    """The status after the lines changed: an order on the floor stays there while any of it is allocated.

    Args:
        now: as it was until now.
        left: goods have just left, so that the rest of it is no longer what was released.
    """
    lines = list(lines)
    if now in _FLOOR and not left and any(line.allocated for line in lines):
        return now
    return status_of(lines)


def on_floor(status: OrderStatus) -> bool:
    """Whether people have its goods in their hands: taking them away needs somebody who may override."""
    return status in _IN_HANDS


def check(order: PlaceOrder, now: datetime) -> None:
    """Raises InvalidValue or TooLarge: a value that no order can have, with its field."""
    if not order.lines:
        raise InvalidValue("lines", "[]", "must have at least one line")
    if len(order.lines) > MAX_LINES:
        raise TooLarge(reason=f"An order has at most {MAX_LINES} lines; send the rest as another.", limit=MAX_LINES)
    for field, value, longest in _texts(order):
        if value is not None:
            _text(field, value, longest)
    _life(order.min_life_days)
    if order.placed_at is not None:
        if order.placed_at.tzinfo is None:
            raise InvalidValue("placed_at", order.placed_at.isoformat(), "must have a time zone; end it with Z for UTC")
        if order.placed_at.year < 1970 or order.placed_at > now + _SLACK:
            raise InvalidValue("placed_at", order.placed_at.isoformat(), "must lie between 1970 and now")
    country = order.ship_to.country if order.ship_to else None
    if country is not None and not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise InvalidValue("ship_to.country", country, "must be a country's two letters, such as GB")
    _lines("lines", order.lines)


def check_change(change: ChangeOrder) -> None:
    """Raises InvalidValue or TooLarge: a value that no change of an order can have, with its field."""
    if not change.lines and not change.add:
        raise InvalidValue("lines", "[]", "change a line's quantity, or add a line")
    if len(change.lines) + len(change.add) > MAX_LINES:
        raise TooLarge(reason=f"An order has at most {MAX_LINES} lines.", limit=MAX_LINES)
    if change.reason is not None:
        _text("reason", change.reason, 500)
    for number, line in enumerate(change.lines):
        _quantity(f"lines[{number}].quantity", line.quantity)
    _lines("add", change.add)


def check_customer(fields: Mapping[str, Any]) -> None:
    """Raises InvalidValue: a value that no customer can have. Only the fields that are there are looked at."""
    for name, longest in (("code", 60), ("name", 200), ("tier", 200)):
        if fields.get(name) is not None:
            _text(name, fields[name], longest)
    _life(fields.get("min_life_days"))


def _life(days: int | None) -> None:
    if days is not None and not 0 <= days <= _MAX_LIFE:
        raise InvalidValue("min_life_days", days, f"must be 0 to {_MAX_LIFE}")


def _lines(field: str, lines: list[PlaceLine]) -> None:
    for number, line in enumerate(lines):
        _quantity(f"{field}[{number}].quantity", line.quantity)
        if line.unit_price is not None and exact_money(line.unit_price, f"{field}[{number}].unit_price") < 0:
            raise InvalidValue(f"{field}[{number}].unit_price", str(line.unit_price), "must not be below 0")


def _quantity(field: str, quantity: Decimal) -> None:
    if exact_quantity(quantity, field) <= 0:
        raise InvalidValue(field, str(quantity), "must be more than 0")


def _texts(order: PlaceOrder) -> Iterator[tuple[str, str | None, int]]:
    yield "channel", order.channel, 60
    yield "external_id", order.external_id, 200
    yield "reservation", order.reservation, 200
    yield "customer", order.customer, 200
    yield "tier", order.tier, 200
    yield "site", order.site, 200
    if order.ship_to is not None:
        yield "ship_to.region", order.ship_to.region, 100
        yield "ship_to.postcode", order.ship_to.postcode, 20
    if (contact := order.contact) is not None:
        for name in ("name", "email", "phone", "city"):
            yield f"contact.{name}", getattr(contact, name), 200
        yield from ((f"contact.address_lines[{n}]", line, 200) for n, line in enumerate(contact.address_lines))


def _text(field: str, value: str, longest: int) -> None:
    if not 0 < len(value) <= longest or not value.isprintable() or value != value.strip():
        raise InvalidValue(field, value, f"must have 1 to {longest} printable characters, no blanks at its ends")
