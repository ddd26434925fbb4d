"""Orders and their allocations over HTTP."""

from litestar.handlers import HTTPRouteHandler

from perpetua.allocation.http import orders

__all__ = ["handlers"]

handlers: list[HTTPRouteHandler] = [*orders.handlers]
