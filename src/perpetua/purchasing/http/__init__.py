"""Purchasing over HTTP."""

from litestar.handlers import HTTPRouteHandler

from perpetua.purchasing.http import invoices, items, orders, settings

__all__ = ["handlers"]

handlers: list[HTTPRouteHandler] = [*items.handlers, *orders.handlers, *settings.handlers, *invoices.handlers]
"""Those of this word."""
