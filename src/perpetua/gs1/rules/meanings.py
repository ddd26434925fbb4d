"""What a value means: numbers with their decimals, days with their century, money with its currency.

Source: GS1 General Specifications, section 3 (each identifier), 7.12 (years).
"""

import calendar
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal
from urllib.parse import unquote

from perpetua.gs1.rules.codes import COUNTRIES, CURRENCIES
from perpetua.gs1.rules.digits import whole_year
from perpetua.gs1.rules.faults import Fault
from perpetua.gs1.types import (
    Amount,
    Count,
    Countries,
    Day,
    Gtin,
    Identifier,
    Key,
    Lot,
    Meaning,
    Measure,
    Moment,
    Percent,
    Period,
    Piece,
    Place,
    Serial,
    Sscc,
    Temperature,
    Text,
    YesNo,
)

__all__ = ["UNITS", "meaning_of"]

UNITS: Final[dict[str, str]] = {
    prefix: unit
    for unit, prefixes in {
        "kg": "310 330", "m": "311 312 313 331 332 333", "m2": "314 334", "l": "315 335", "m3": "316 336",
        "kg/m2": "337", "lb": "320 340", "in": "321 324 327 341 344 347", "ft": "322 325 328 342 345 348",
        "yd": "323 326 329 343 346 349", "in2": "350 353", "ft2": "351 354", "yd2": "352 355", "ozt": "356",
        "floz": "357", "qt": "360 362", "gal": "361 363", "in3": "364 367", "ft3": "365 368", "yd3": "366 369",
    }.items()
    for prefix in prefixes.split()
}  # fmt: skip
"""Units of measure by the first three digits of an identifier; the fourth says how many decimals."""

_KEYS: Final[dict[str, tuple[str, int]]] = {
    # identifier → scheme, and how many characters are the number (0: all), the rest being a serial
    **dict.fromkeys(("410", "411", "412", "413", "414", "415", "416", "417"), ("gln", 0)),
    "253": ("gdti", 13), "255": ("gcn", 13), "401": ("ginc", 0), "402": ("gsin", 0), "7023": ("giai", 0),
    "8003": ("grai", 14), "8004": ("giai", 0), "8010": ("cpid", 0), "8013": ("gmn", 0), "8017": ("gsrn", 0),
    "8018": ("gsrn", 0),
}  # fmt: skip


def meaning_of(identifier: Identifier, value: str, today: date) -> Meaning:
    """What a checked value means; `today` decides the century of a year written with two digits.

    Raises:
        Fault: a day that this century does not have.
    """
    ai = identifier.ai
    if ai in ("01", "02", "03"):
        return Gtin(value, contained=ai == "02")
    if ai in _KEYS:
        return _key(ai, value)
    if ai[:3] in UNITS and len(ai) == 4:
        return Measure(_decimals(value, ai), UNITS[ai[:3]])
    if ai[:2] == "39":
        return _money(ai, value)
    if any(check in ("yymmdd", "yymmd0", "yyyymmdd") for part in identifier.parts for check in part.checks):
        return _time(identifier, value, today)
    match ai:
        case "00":
            return Sscc(value)
        case "10":
            return Lot(value)
        case "21":
            return Serial(value)
        case "30" | "37":
            return Count(int(value))
        case "8006" | "8026":
            return Piece(value[:14], int(value[14:16]), int(value[16:]))
        case "4309":
            return _place(value)
        case _:
            return _other(identifier, value)


def _key(ai: str, value: str) -> Key:
    scheme, size = _KEYS[ai]
    number, serial = (value[:size], value[size:]) if size else (value, "")
    if ai == "8003":
        number = number[1:]  # a zero that fills up to 14 digits
    return Key(scheme=scheme, number=number, serial=serial or None)  # pyright: ignore[reportArgumentType]


def _decimals(value: str, ai: str) -> Decimal:
    return Decimal(value).scaleb(-int(ai[3]))


def _money(ai: str, value: str) -> Meaning:
    match ai[:3]:
        case "391" | "393":
            return Amount(_decimals(value[3:], ai), CURRENCIES[value[:3]])
        case "394":
            return Percent(_decimals(value, ai))
        case _:
            return Amount(_decimals(value, ai))


def _time(identifier: Identifier, value: str, today: date) -> Meaning:
    if identifier.ai in ("7250", "7251"):  # four digits of the year
        return _at(date(int(value[:4]), int(value[4:6]), int(value[6:8])), value[8:])
    first = _day(value[:6], today)
    if identifier.ai == "7007":
        last = _day(value[6:], today) if len(value) > 6 else first
        if last < first:
            raise Fault("the last day lies before the first", "date", 6, advice="Compare it with what is printed.")
        return Period(first, last)
    return _at(first, value[6:])


def _at(day: date, time: str) -> Meaning:
    if not time:
        return Day(day)
    parts = [int(time[at : at + 2]) for at in range(0, len(time), 2)]
    hour, minute, second = (*parts, 0, 0)[:3]
    return Moment(datetime.combine(day, datetime.min.time()) + timedelta(hours=hour, minutes=minute, seconds=second))


def _day(text: str, today: date) -> date:
    year, month, day = whole_year(int(text[:2]), today.year), int(text[2:4]), int(text[4:])
    last = calendar.monthrange(year, month)[1]
    if day > last:
        raise Fault(
            f"there is no day {day} in {year}-{month:02d}", "date", 4, advice="Compare it with what is printed."
        )
    return date(year, month, day or last)  # day 00: the last of the month


def _place(value: str) -> Place:
    latitude = Decimal(value[:10]).scaleb(-7) - 90
    longitude = (Decimal(value[10:]).scaleb(-7) + 180) % 360 - 180
    return Place(f"{latitude:.7f}", f"{longitude:.7f}")


def _other(identifier: Identifier, value: str) -> Meaning:
    checks = [check for part in identifier.parts for check in part.checks]
    if "yesno" in checks:
        return YesNo(value == "1")
    if "hyphen" in checks:
        degrees = Decimal(value[:6]).scaleb(-2)
        unit: Literal["C", "F"] = "F" if identifier.title.endswith("F.") else "C"
        return Temperature(-degrees if value.endswith("-") else degrees, unit)
    if checks and checks[0].startswith("iso3166"):
        return _countries(identifier, value)
    if "pcenc" in checks:
        return Text(unquote(value))
    return Text(value)


def _countries(identifier: Identifier, value: str) -> Countries:
    if identifier.parts[0].checks == ("iso3166alpha2",):
        return Countries((value,))
    beside = identifier.parts[-1].kind == "X"  # a postal code, a processor's number
    numbers, text = (value[:3], value[3:]) if beside else (value, "")
    codes = tuple(COUNTRIES.get(numbers[at : at + 3], "999") for at in range(0, len(numbers), 3))
    return Countries(codes, text or None)
