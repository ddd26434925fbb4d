"""Access over HTTP. `actor_of_request` is what provides `actor` to every word's handlers."""

from typing import Any

from litestar.handlers import HTTPRouteHandler

from perpetua.access.http import auth, people, tokens
from perpetua.access.http.auth import actor_of_request
from perpetua.access.rules import cookie_name

__all__ = ["actor_of_request", "cookie_name", "handlers"]

handlers: list[HTTPRouteHandler | Any] = [*auth.handlers, *people.handlers, *tokens.handlers]
