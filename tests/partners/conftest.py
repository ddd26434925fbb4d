"""The small world, and its people as callers."""

from tests.allocation.conftest import callers, client, world

__all__ = ["callers", "client", "world"]
