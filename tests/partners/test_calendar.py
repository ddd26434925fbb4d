"""When goods would come: working days, holidays, the order cut-off."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpetua.partners.rules import due_on, taken_on
from perpetua.partners.types import Calendar

FRIDAY = datetime(2026, 3, 6, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("calendar", "days", "due"),
    [
        (Calendar(), 0, date(2026, 3, 6)),
        (Calendar(), 1, date(2026, 3, 9)),
        (Calendar(), 3, date(2026, 3, 9)),
        (Calendar(), 4, date(2026, 3, 10)),
        (Calendar(cut_off=time(13)), 0, date(2026, 3, 9)),
        (Calendar(cut_off=time(15), timezone="Europe/Berlin"), 0, date(2026, 3, 6)),
        (Calendar(cut_off=time(14, 59), timezone="Europe/Berlin"), 0, date(2026, 3, 9)),
        (Calendar(holidays=[date(2026, 3, 9), date(2026, 3, 10)]), 1, date(2026, 3, 11)),
        (Calendar(working_days=[7]), 0, date(2026, 3, 8)),
    ],
)  # fmt: skip
def test_by_example(calendar: Calendar, days: int, due: date) -> None:
    assert due_on(calendar, FRIDAY, days) == due


@given(
    days=st.sets(st.integers(1, 7), min_size=1),
    off=st.sets(st.integers(0, 60), max_size=30),
    lead=st.integers(0, 40),
    hour=st.integers(0, 23),
)
def test_it_is_a_working_day_and_none_before_would_do(days: set[int], off: set[int], lead: int, hour: int) -> None:
    start = date(2026, 3, 2)
    holidays = sorted(start + timedelta(days=each) for each in off)
    calendar = Calendar(working_days=sorted(days), holidays=holidays)
    at = datetime(2026, 3, 2, hour, tzinfo=UTC)

    def works(day: date) -> bool:
        return day.isoweekday() in days and day not in holidays

    taken, due = taken_on(calendar, at), due_on(calendar, at, lead)
    assert works(taken)
    assert works(due)
    for first, last in ((start, taken), (taken + timedelta(days=lead), due)):
        assert not any(works(first + timedelta(days=each)) for each in range((last - first).days))
