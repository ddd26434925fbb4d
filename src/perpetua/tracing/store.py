"""Tracing's statements."""

from perpetua.kit.database import Queries

__all__ = ["Q"]

Q = Queries(__file__)
