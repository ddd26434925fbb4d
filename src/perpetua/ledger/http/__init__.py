"""The ledger over HTTP."""

from litestar.handlers import HTTPRouteHandler

from perpetua.ledger.http import lots, serials, stock

__all__ = ["handlers"]

handlers: list[HTTPRouteHandler] = [*stock.handlers, *lots.handlers, *serials.handlers]
