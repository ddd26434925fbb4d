"""Time, handed in: rules never look at a clock, services ask the one they are given.

Always true:
- Every instant in the system is aware and in UTC.
- An instant from outside lies between the years 1970 and 2199; anything else is refused as a slip of the keyboard.
"""

import re
from datetime import UTC, date, datetime, time
from typing import Final, Protocol, runtime_checkable

from perpetua.kit.errors import InvalidValue

__all__ = ["EARLIEST", "LATEST", "Clock", "bounded", "instant", "parse_instant", "system_clock"]

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2199, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+-]\d{2}:\d{2})?", re.ASCII)
_END_OF_DAY = time(23, 59, 59, 999999, tzinfo=UTC)


@runtime_checkable
class Clock(Protocol):
    """Tells the present instant (aware, UTC)."""

    def __call__(self) -> datetime: ...


def system_clock() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


def instant(value: datetime) -> datetime:
    """The same instant in UTC; a naive value is read as UTC."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def bounded(value: datetime, field: str) -> datetime:
    """The same instant in UTC, when it lies in the years that stock can have.

    Raises:
        InvalidValue: before 1970 or after 2199.
    """
    try:
        moment = instant(value)
    except OverflowError:  # an offset that leads out of the years 1 to 9999
        moment = None
    if moment is None or not EARLIEST <= moment <= LATEST:
        raise InvalidValue(field, value.isoformat(), "must lie between the years 1970 and 2199")
    return moment


def parse_instant(text: str, field: str) -> datetime:
    """The instant written in `text`: RFC 3339 (without offset: UTC), or a date, which means the end of that day in UTC.

    Raises:
        InvalidValue: neither, or out of bounds.
    """
    try:
        if _DATE.fullmatch(text):
            return bounded(datetime.combine(date.fromisoformat(text), _END_OF_DAY), field)
        if _INSTANT.fullmatch(text):
            return bounded(datetime.fromisoformat(text.upper()), field)
    except ValueError:  # a month 13, say; falls through to the refusal
        pass
    raise InvalidValue(field, text, "is not an instant; write it like 2026-03-01T14:30:00Z, or 2026-03-01")
