"""What the ledger decides: pure functions of plain values."""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from perpetua.kit.errors import InvalidValue
from perpetua.kit.quantity import ZERO
from perpetua.ledger.errors import EffectiveOutOfRange, SerialRangeWrong, SerialsNeeded
from perpetua.ledger.types import NO_LOT, Level, LevelKey, ReasonCode, Row, TransactionType

__all__ = [
    "EARLIEST",
    "certificate_type",
    "changes",
    "check_day",
    "check_effective",
    "check_lot_dates",
    "expand",
    "fitting",
    "pair",
    "parse_day",
    "reversal",
    "serial_ends",
    "serial_range",
    "shortages",
    "stale",
    "why_approval",
]

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
MAX_SERIALS: Final = 10_000
_SERIAL: Final = re.compile(r"(.{0,99}?)([0-9]{1,50})", re.ASCII | re.DOTALL)
_CLOCK_SLACK = timedelta(minutes=10)


class Shortage(msgspec.Struct, frozen=True, kw_only=True):
    """A level that would go below zero."""

    key: LevelKey
    line_no: int
    asked: Decimal
    on_hand: Decimal


def check_effective(effective_at: datetime, now: datetime, field: str = "effective_at") -> datetime:
    """The instant in UTC, when it lies between 1970 and now (ten minutes' grace for a device's clock).

    Raises:
        EffectiveOutOfRange: it does not.
    """
    at = effective_at.replace(tzinfo=UTC) if effective_at.tzinfo is None else effective_at.astimezone(UTC)
    if at > now + _CLOCK_SLACK:
        raise EffectiveOutOfRange(field, at.isoformat(), "lies in the future; stock moves when it moves", now=now)
    if at < EARLIEST:
        raise EffectiveOutOfRange(field, at.isoformat(), "lies before 1970", earliest=EARLIEST)
    return at


def expand(row: Row, serial_ids: Sequence[int], *, sku: str, serialised: bool) -> list[Row]:
    """One row, or one of ±1 for each serial of a serialised item.

    Raises:
        SerialsNeeded: as many different serials as units are needed, or none for an item that is not serialised.
    """
    field = f"lines[{row.line_no - 1}].serials"
    if not serialised:
        if serial_ids:
            raise SerialsNeeded(field, str(len(serial_ids)), f"{sku} is not serialised; send no serials")
        return [row]
    if len(set(serial_ids)) != len(serial_ids) or len(serial_ids) != abs(row.quantity):
        raise SerialsNeeded(
            field, str(len(serial_ids)), f"{sku} is serialised: send {abs(row.quantity)} different serials"
        )
    one = Decimal(1).copy_sign(row.quantity)
    return [msgspec.structs.replace(row, quantity=one, serial_id=serial_id) for serial_id in serial_ids]


def pair(row: Row, to_location_id: int) -> list[Row]:
    """The two rows of a transfer: `row` leaves its location, its like arrives at the other."""
    size = abs(row.quantity)
    out = msgspec.structs.replace(row, type="TRANSFER_OUT", quantity=-size)
    return [out, msgspec.structs.replace(row, type="TRANSFER_IN", quantity=size, location_id=to_location_id)]


def reversal(row: Row, corrects_id: int, line_no: int) -> Row:
    """The row that takes `row` back: same place, time and type, opposite sign."""
    return msgspec.structs.replace(row, quantity=-row.quantity, corrects_id=corrects_id, line_no=line_no)


def changes(rows: Iterable[Row]) -> dict[LevelKey, Decimal]:
    """What the rows add to each level."""
    sums: dict[LevelKey, Decimal] = {}
    for row in rows:
        key = row.level
        sums[key] = sums.get(key, ZERO) + row.quantity
    return sums


def fitting(
    levels: Mapping[LevelKey, Level], rows: Iterable[Row], negative: Container[int]
) -> tuple[list[Row], dict[int, Decimal]]:
    """The rows that can happen one after the other without a level falling below zero; where the others are (their
    place among `rows`), with what was on hand for each.

    Args:
        levels: the levels as they are, under lock; a missing one is zero.
        negative: locations (by id) that allow less than nothing.
    """
    on_hand = {key: level.on_hand for key, level in levels.items()}
    fit: list[Row] = []
    short: dict[int, Decimal] = {}
    for place, row in enumerate(rows):
        key, quantity = row.level, row.quantity
        before = on_hand.get(key, ZERO)
        after = before + quantity
        if quantity < 0 and after < 0 and row.location_id not in negative:
            short[place] = before
        else:
            on_hand[key] = after
            fit.append(row)
    return fit, short


def shortages(levels: Mapping[LevelKey, Level], rows: Sequence[Row], negative: Mapping[int, bool]) -> list[Shortage]:
    """Levels that the rows together would bring below zero, where the location does not allow it.

    Args:
        levels: the levels as they are, under lock; a missing one is zero.
        negative: whether a location (by id) allows less than nothing.
    """
    first: dict[LevelKey, int] = {}
    for row in rows:
        if row.quantity < 0:
            first.setdefault(row.level, row.line_no)
    short: list[Shortage] = []
    for key, change in changes(rows).items():
        level = levels.get(key)
        on_hand = level.on_hand if level else ZERO
        if change < 0 and on_hand + change < 0 and not negative.get(key.location_id, False):
            short.append(Shortage(key=key, line_no=first[key], asked=-change, on_hand=on_hand))
    return short


def stale(levels: Mapping[LevelKey, Level], expected: Mapping[LevelKey, int]) -> LevelKey | None:
    """The first level whose version is not the expected one (a level never written has version 0)."""
    for key, version in expected.items():
        level = levels.get(key)
        if (level.version if level else 0) != version:
            return key
    return None


def why_approval(reason: ReasonCode, rows: Sequence[Row], cost_prices: Mapping[int, Decimal | None]) -> str | None:
    """Why these rows need a second person, or None.

    Both thresholds look at the whole command, so that splitting a line does not pass below them.
    """
    moved = sum((abs(row.quantity) for row in rows), ZERO)
    if reason.approval_above_quantity is not None and moved > reason.approval_above_quantity:
        return f"{moved} units are more than {reason.approval_above_quantity} for {reason.code}"
    if reason.approval_above_value is not None:
        value = sum((abs(row.quantity) * (cost_prices.get(row.variant_id) or ZERO) for row in rows), ZERO)
        if value > reason.approval_above_value:
            # The value itself stays unsaid: the reader may not be one who sees costs.
            return f"their value is above the limit for {reason.code}"
    return None


def check_day(day: date, field: str) -> date:
    """The day, when goods can have it. Raises InvalidValue: before 1970 or after 2199."""
    if not 1970 <= day.year <= 2199:
        raise InvalidValue(field, str(day), "must lie between the years 1970 and 2199")
    return day


def parse_day(text: str, field: str) -> date:
    """The day written in `text`. Raises InvalidValue: it is none, or one that goods cannot have."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidValue(field, text, "is not a day; write it like 2026-03-01") from None
    return check_day(day, field)


def check_lot_dates(made: date | None, expires: date | None, best_before: date | None) -> None:
    """Raises InvalidValue: it would expire, or not be at its best any more, before it was made."""
    for field, day in (("expires_on", expires), ("best_before_on", best_before)):
        if made is not None and day is not None and day < made:
            raise InvalidValue(field, str(day), f"lies before {made}, when it was made", manufactured_on=made)


def certificate_type(content: bytes) -> str | None:
    """The media type that the content shows, of those that certificates come in; None for anything else."""
    if content.startswith(b"%PDF-") and b"%%EOF" in content[-1024:]:
        return "application/pdf"
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR":
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return None


def serial_ends(text: str, field: str) -> tuple[str, int, int, int]:
    """What a range of serials (`A0001..A0500`) says: what comes before the digits, how many digits, and both numbers.

    Raises:
        SerialRangeWrong: it is no range, or its ends do not fit together.
    """
    ends = text.split("..")
    found = [_SERIAL.fullmatch(end.strip()) for end in ends]
    if len(found) != 2 or not (found[0] and found[1]):
        raise SerialRangeWrong(field, text, "is no range; write it like A0001..A0500, each end ending in digits")
    (before, first), (other, last) = found[0].groups(), found[1].groups()
    facts = {"first": ends[0].strip()[:100], "last": ends[1].strip()[:100]}
    if before.upper() != other.upper():
        reason = f"has ends that begin otherwise: {before!r} and {other!r}"
        raise SerialRangeWrong(field, text, reason, **facts)
    if len(first) != len(last):
        reason = f"has ends of {len(first)} and {len(last)} digits; fill up with zeros, as on the goods"
        raise SerialRangeWrong(field, text, reason, **facts)
    if int(first) > int(last):
        raise SerialRangeWrong(field, text, "ends before it begins", **facts)
    return before, len(first), int(first), int(last)


def serial_range(text: str, field: str) -> list[str]:
    """The serials of a range, both ends included.

    Raises:
        SerialRangeWrong: as `serial_ends`; or there are more than 10,000.
    """
    before, digits, first, last = serial_ends(text, field)
    count = last - first + 1
    if count > MAX_SERIALS:
        reason = f"has {count} serials; send at most {MAX_SERIALS} in one range"
        raise SerialRangeWrong(field, text, reason, count=count, limit=MAX_SERIALS)
    return [f"{before}{number:0{digits}d}" for number in range(first, last + 1)]


def row_of(type_: TransactionType, line_no: int, variant_id: int, location_id: int, quantity: Decimal) -> Row:
    """A bare row (tests and imports build on it)."""
    return Row(
        line_no=line_no, type=type_, variant_id=variant_id, location_id=location_id, quantity=quantity, lot_id=NO_LOT
    )
