"""Items over HTTP."""

from litestar.handlers import HTTPRouteHandler

from perpetua.items.http import search

__all__ = ["handlers"]

handlers: list[HTTPRouteHandler] = [*search.handlers]
