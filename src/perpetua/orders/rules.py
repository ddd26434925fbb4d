"""What follows from an order's text and lines alone."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from perpetua.kit.errors import InvalidValue, TooLarge
from perpetua.kit.quantity import ZERO, exact_money, exact_quantity
from perpetua.orders.types import MAX_LINES, Counts, OrderStatus, PlaceOrder

__all__ = ["check", "status_of"]

_SLACK: Final = timedelta(minutes=10)


def status_of(lines: Iterable[Counts]) -> OrderStatus:
    """The status that an order's lines come to, before it is released to the floor."""
    quantity, allocated, shipped, gone, waiting = ZERO, ZERO, ZERO, ZERO, ZERO
    for line in lines:
        quantity += line.quantity
        allocated += line.allocated
        shipped += line.shipped
        gone += line.cancelled + line.refused
        waiting += line.backordered
    if shipped:
        return "PARTLY_SHIPPED" if allocated or waiting else "SHIPPED"
    if gone == quantity:
        return "CANCELLED"
    if not waiting:
        return "ALLOCATED"
    return "PARTLY_ALLOCATED" if allocated else "BACKORDERED"


def check(order: PlaceOrder, now: datetime) -> None:
    """Raises InvalidValue or TooLarge: a value that no order can have, with its field."""
    if not order.lines:
        raise InvalidValue("lines", "[]", "must have at least one line")
    if len(order.lines) > MAX_LINES:
        raise TooLarge(reason=f"An order has at most {MAX_LINES} lines; send the rest as another.", limit=MAX_LINES)
    for field, value, longest in _texts(order):
        if value is not None:
            _text(field, value, longest)
    if order.min_life_days is not None and not 0 <= order.min_life_days <= 3650:
        raise InvalidValue("min_life_days", order.min_life_days, "must be 0 to 3650")
    if order.placed_at is not None and (order.placed_at.tzinfo is None or order.placed_at > now + _SLACK):
        raise InvalidValue("placed_at", order.placed_at.isoformat(), "must have a time zone and not lie in the future")
    country = order.ship_to.country if order.ship_to else None
    if country is not None and not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise InvalidValue("ship_to.country", country, "must be a country's two letters, such as GB")
    for number, line in enumerate(order.lines):
        if exact_quantity(line.quantity, f"lines[{number}].quantity") <= 0:
            raise InvalidValue(f"lines[{number}].quantity", str(line.quantity), "must be more than 0")
        if line.unit_price is not None and exact_money(line.unit_price, f"lines[{number}].unit_price") < 0:
            raise InvalidValue(f"lines[{number}].unit_price", str(line.unit_price), "must not be below 0")


def _texts(order: PlaceOrder) -> Iterator[tuple[str, str | None, int]]:
    yield "channel", order.channel, 60
    for name in ("external_id", "reservation", "customer", "tier", "site"):
        yield name, getattr(order, name), 200
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
