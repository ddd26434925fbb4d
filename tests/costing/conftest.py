"""The small world with suppliers, and its people as callers."""

from tests.purchasing.conftest import callers, client, world

__all__ = ["callers", "client", "world"]
