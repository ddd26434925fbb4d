"""Orders and their allocations over HTTP."""

from litestar.handlers import HTTPRouteHandler

from perpetua.allocation.http import availability, orders, overrides, reasons, reservations, rules

__all__ = ["handlers"]

handlers: list[HTTPRouteHandler] = [
    *orders.handlers,
    *availability.handlers,
    *reservations.handlers,
    *rules.handlers,
    *reasons.handlers,
    *overrides.handlers,
]
