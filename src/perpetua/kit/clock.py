"""Time, handed in: rules never look at a clock, services ask the one they are given.

Always true: every instant in the system is aware and in UTC.
"""

from datetime import UTC, datetime
from typing import Protocol

__all__ = ["Clock", "instant", "system_clock"]


class Clock(Protocol):
    """Tells the present instant (aware, UTC)."""

    def __call__(self) -> datetime: ...


def system_clock() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


def instant(value: datetime) -> datetime:
    """The same instant in UTC; a naive value is read as UTC."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
