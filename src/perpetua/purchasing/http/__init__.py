"""Purchasing over HTTP."""

from litestar.handlers import HTTPRouteHandler

from perpetua.purchasing.http import invoices, items, lead_times, orders, scorecards, settings

__all__ = ["handlers"]

handlers: list[HTTPRouteHandler] = [
    *items.handlers, *orders.handlers, *settings.handlers, *invoices.handlers, *lead_times.handlers,
    *scorecards.handlers,
]  # fmt: skip
"""Those of this word."""
