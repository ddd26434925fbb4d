"""Items over HTTP."""

from litestar.handlers import HTTPRouteHandler

from perpetua.items.http import codes, images, products, search

__all__ = ["handlers"]

handlers: list[HTTPRouteHandler] = [*products.handlers, *codes.handlers, *images.handlers, *search.handlers]
