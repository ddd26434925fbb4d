"""Allocation's small world and its callers."""

from tests.allocation.conftest import callers, client, world

__all__ = ["callers", "client", "world"]
