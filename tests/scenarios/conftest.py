"""The small world with suppliers and a dock, and its people as callers."""

from tests.receiving.conftest import callers, client, world

__all__ = ["callers", "client", "world"]
