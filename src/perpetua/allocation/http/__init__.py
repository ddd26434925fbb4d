"""Orders and their allocations over HTTP."""

from litestar.handlers import HTTPRouteHandler

from perpetua.allocation.http import availability, orders

__all__ = ["handlers"]

handlers: list[HTTPRouteHandler] = [*orders.handlers, *availability.handlers]
