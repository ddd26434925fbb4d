"""Kinds of columns that words have in common."""

from typing import Any, Final

import sqlalchemy as sa

__all__ = ["INSTANT", "MONEY", "QUANTITY", "need"]

INSTANT: Final = sa.DateTime(timezone=True)
QUANTITY: Final = sa.Numeric(18, 4)
MONEY: Final = sa.Numeric(18, 6)
"""Per unit."""


def need(name: str, kind: Any) -> sa.Column[Any]:
    """A column that always holds something."""
    return sa.Column(name, kind, nullable=False)
