"""Access over HTTP. `actor_of_request` is what provides `actor` to every word's handlers."""

from typing import Any

from litestar.handlers import HTTPRouteHandler

from perpetua.access.http import auth, people, tokens
from perpetua.access.http.auth import actor_of_request

__all__ = ["actor_of_request", "handlers"]

handlers: list[HTTPRouteHandler | Any] = [*auth.handlers, *people.handlers, *tokens.handlers]
