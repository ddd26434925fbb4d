"""What follows from a supplier's fields alone: whether they can be, and when goods would come."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from perpetua.gs1.service import COUNTRIES, CURRENCIES
from perpetua.kit.errors import InvalidValue
from perpetua.partners.types import Address, Calendar, Contact, Terms

__all__ = ["check_currency", "check_supplier", "clean_email", "due_on", "taken_on", "working_day"]

MAX_DAYS: Final = 730
MAX_LEAD_DAYS: Final = 1000
MAX_ENTRIES: Final = 100
MAX_HOLIDAYS: Final = 1000
_EMAIL: Final = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s.,;<>\"]+(\.[^@\s.,;<>\"]+)*")
_LANGUAGE: Final = re.compile(r"[a-z]{2}(-[A-Z]{2})?")
_LETTERS: Final = frozenset(CURRENCIES.values())
_COUNTRIES: Final = frozenset(COUNTRIES.values())


def check_supplier(fields: Mapping[str, Any]) -> None:
    """Raises InvalidValue: a value that no supplier can have. Only the fields that are there are looked at."""
    for name, longest in (("code", 60), ("name", 200)):
        if name in fields:
            _text(name, fields[name], longest)
    if "currency" in fields:
        check_currency("currency", fields["currency"])
    if fields.get("order_email") is not None:
        clean_email("order_email", fields["order_email"])
    if "language" in fields and not _LANGUAGE.fullmatch(fields["language"]):
        raise InvalidValue("language", fields["language"], "is no language; write it like en or pt-BR")
    if fields.get("lead_time_days") is not None:
        _between("lead_time_days", fields["lead_time_days"], MAX_LEAD_DAYS)
    if fields.get("over_percent") is not None:
        percent("over_percent", fields["over_percent"])
    if "terms" in fields:
        _terms(fields["terms"])
    if "calendar" in fields:
        _calendar(fields["calendar"])
    for name, check in (("addresses", _address), ("contacts", _contact)):
        if name in fields:
            if len(fields[name]) > MAX_ENTRIES:
                raise InvalidValue(name, len(fields[name]), f"has at most {MAX_ENTRIES} entries")
            for number, entry in enumerate(fields[name]):
                check(f"{name}[{number}]", entry)


def check_currency(field: str, value: str) -> None:
    """Raises InvalidValue: no currency has these letters."""
    if value not in _LETTERS:
        raise InvalidValue(field, value, "is no currency of ISO 4217; use three capital letters, such as EUR")


def clean_email(field: str, value: str) -> str:
    """The address. Raises InvalidValue: it is none, or could smuggle a line into a message."""
    if len(value) > 320 or not value.isprintable() or not _EMAIL.fullmatch(value):
        raise InvalidValue(field, value, "is no e-mail address")
    return value


def percent(field: str, value: Decimal) -> None:
    """Raises InvalidValue: not 0 to 100 with two decimals."""
    if not value.is_finite() or not 0 <= value <= 100 or round(value, 2) != value:
        raise InvalidValue(field, str(value), "must be 0 to 100, with at most 2 decimals")


def taken_on(calendar: Calendar, at: datetime) -> date:
    """The supplier's working day for which an order counts that reaches them at `at`."""
    local = at.astimezone(_zone(calendar.timezone))
    day = local.date()
    if calendar.cut_off is not None and local.time() > calendar.cut_off:
        day += timedelta(days=1)
    return working_day(calendar, day)


def due_on(calendar: Calendar, at: datetime, lead_time_days: int) -> date:
    """When goods ordered at `at` would come: the lead time (in days of the year) after the working day for which the
    order counts; where the supplier does not work then, on the next day that they do."""
    return working_day(calendar, taken_on(calendar, at) + timedelta(days=lead_time_days))


def working_day(calendar: Calendar, day: date) -> date:
    """The day itself, or where the supplier does not work then, the next day that they do."""
    days, holidays = set(calendar.working_days), set(calendar.holidays)
    # After as many holidays as there are and a week, one must be found.
    for _ in range(7 * (len(holidays) + 1)):
        if day.isoweekday() in days and day not in holidays:
            break
        day += timedelta(days=1)
    return day


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


def _terms(terms: Terms) -> None:
    _between("terms.net_days", terms.net_days, MAX_DAYS)
    _between("terms.discount_days", terms.discount_days, MAX_DAYS)
    percent("terms.discount_percent", terms.discount_percent)


def _calendar(calendar: Calendar) -> None:
    days = calendar.working_days
    if not days or len(set(days)) < len(days) or not set(days) <= set(range(1, 8)):
        raise InvalidValue("calendar.working_days", days, "must be 1 (Monday) to 7 (Sunday), each once, at least one")
    if len(calendar.holidays) > MAX_HOLIDAYS:
        raise InvalidValue("calendar.holidays", len(calendar.holidays), f"has at most {MAX_HOLIDAYS} days")
    for day in calendar.holidays:
        if not 1970 <= day.year < 2200:
            raise InvalidValue("calendar.holidays", day.isoformat(), "must lie between the years 1970 and 2199")
    if calendar.cut_off is not None and calendar.cut_off.tzinfo is not None:
        raise InvalidValue("calendar.cut_off", calendar.cut_off.isoformat(), "has no zone of its own: see timezone")
    try:
        _text("calendar.timezone", calendar.timezone, 60)
        _zone(calendar.timezone)
    except (ValueError, OSError, KeyError):
        reason = "is no time zone; write it like Europe/Paris"
        raise InvalidValue("calendar.timezone", calendar.timezone, reason) from None


def _address(field: str, address: Address) -> None:
    if len(address.lines) > 10:
        raise InvalidValue(f"{field}.lines", len(address.lines), "has at most 10 lines")
    for number, line in enumerate(address.lines):
        _text(f"{field}.lines[{number}]", line, 200)
    for name in ("city", "region", "postcode"):
        if (value := getattr(address, name)) is not None:
            _text(f"{field}.{name}", value, 100)
    if address.country is not None and address.country not in _COUNTRIES:
        raise InvalidValue(f"{field}.country", address.country, "must be a country's two letters, such as GB")


def _contact(field: str, contact: Contact) -> None:
    _text(f"{field}.name", contact.name, 200)
    for name in ("role", "phone"):
        if (value := getattr(contact, name)) is not None:
            _text(f"{field}.{name}", value, 100)
    if contact.email is not None:
        clean_email(f"{field}.email", contact.email)


def _between(field: str, value: int, most: int) -> None:
    if not 0 <= value <= most:
        raise InvalidValue(field, value, f"must be 0 to {most}")


def _text(field: str, value: str, longest: int) -> None:
    if not 0 < len(value) <= longest or not value.isprintable() or value != value.strip():
        raise InvalidValue(field, value, f"must have 1 to {longest} printable characters, no blanks at its ends")
