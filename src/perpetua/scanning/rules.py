"""Radio tags as GTINs, quantities of packages as quantities of units, and which reading of a code is meant."""

import re
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import msgspec

from perpetua.gs1.types import LabelData
from perpetua.kit.errors import InvalidValue
from perpetua.kit.quantity import exact_quantity
from perpetua.scanning.errors import QuantityNeeded
from perpetua.scanning.types import Reading, Scan

__all__ = ["base_quantity", "choose", "effective_at", "expiry_notes", "plain", "read_tag"]

# GS1 EPC Tag Data Standard 1.13, table 14-2: partition → bits and digits of company prefix and item reference.
_SGTIN_96: Final = ((40, 12, 4, 1), (37, 11, 7, 2), (34, 10, 10, 3), (30, 9, 14, 4), (27, 8, 17, 5), (24, 7, 20, 6),
                    (20, 6, 24, 7))  # fmt: skip
_HEADER_SGTIN_96: Final = 0x30
_HEX: Final = re.compile(r"[0-9A-Fa-f]{24}", re.ASCII)
_URI: Final = re.compile(r"urn:epc:id:sgtin:(\d{6,12})\.(\d{1,7})\.([!-~]{1,60})", re.ASCII)


def read_tag(code: str, symbology: str | None) -> Reading | None:
    """The trade item and serial of a radio tag: an SGTIN as EPC URI, or as the 24 hexadecimal digits of SGTIN-96.

    Digits alone are taken for a tag only where the reader says so (symbology epc or rfid): they might be a number of
    the company's own. None: it is no such tag. Source: GS1 EPC Tag Data Standard 1.13, 7.1 and 14.6.1.
    """
    text = code.strip()
    if match := _URI.fullmatch(text):
        company, item, serial = match.groups()
        return _tag(company, item, serial)
    if (symbology or "").lower() not in {"epc", "rfid"} or not _HEX.fullmatch(text):
        return None
    bits = int(text, 16)
    partition = bits >> 82 & 7
    if bits >> 88 != _HEADER_SGTIN_96 or partition >= len(_SGTIN_96):
        return None
    company_bits, company_digits, item_bits, item_digits = _SGTIN_96[partition]
    company = bits >> (38 + item_bits) & ((1 << company_bits) - 1)
    item = bits >> 38 & ((1 << item_bits) - 1)
    serial = bits & ((1 << 38) - 1)
    return _tag(str(company).zfill(company_digits), str(item).zfill(item_digits), str(serial))


def base_quantity(scan: Scan, units: Decimal, labelled: Decimal | None) -> Decimal:
    """What is asked in base units: packages times what one holds, else what the label says of itself (`labelled`).

    Raises:
        QuantityNeeded: an adjustment or a count without a number.
        InvalidValue: no quantity.
    """
    if scan.quantity is None and scan.action in {"adjust", "count"}:
        raise QuantityNeeded("quantity", "", f"is missing; {scan.action} needs it")
    if scan.quantity is None and labelled is None:
        raise QuantityNeeded("quantity", "", "is missing; the label's measure is not exact in the item's unit")
    asked = labelled if scan.quantity is None else scan.quantity
    assert asked is not None
    exact_quantity(asked, "quantity")
    if scan.action != "adjust" and (asked < 0 or (asked == 0 and scan.action != "count")):
        raise InvalidValue("quantity", str(asked), "must be more than 0")
    return exact_quantity(asked if scan.quantity is None else asked * units, "quantity")


def choose(
    ways: Sequence[LabelData],
    standard: LabelData | None,
    tracking: str,
    lot: str | None,
    serial: str | None,
    known_lots: Collection[str],
) -> LabelData | None:
    """Which of several readings is meant; None where it cannot be told.

    Those are kept, one rule after the other, that have the lot and serial said beside the code, that have what the item
    is tracked by, and whose lot (in capital letters) is known; a rule that none satisfies is passed over. The reading
    of the standard stands where it is left over; else all that are left must agree in what matters for the item.
    """
    left = list(ways)
    asked: tuple[Callable[[LabelData], bool], ...] = (
        lambda way: lot is None or _same(way.lot, lot),
        lambda way: serial is None or _same(way.serial, serial),
        lambda way: tracking != "serial" or way.serial is not None,
        lambda way: tracking != "lot" or way.lot is not None,
        lambda way: way.lot is not None and way.lot.upper() in known_lots,
    )
    for keeps in asked:
        left = [way for way in left if keeps(way)] or left
    if standard is not None and standard in left:
        return standard
    matters = {
        (
            way.lot if tracking != "none" and lot is None else None,
            way.serial if tracking == "serial" and serial is None else None,
            way.expires_on if tracking == "lot" and lot is None else None,
            way.count,
            way.net,
        )
        for way in left
    }
    if len(matters) != 1:
        return None
    chosen = left[0]
    if lot is not None and not _same(chosen.lot, lot):  # what was said beside the code counts
        chosen = msgspec.structs.replace(chosen, lot=None, expires_on=None)
    if serial is not None and not _same(chosen.serial, serial):
        chosen = msgspec.structs.replace(chosen, serial=None)
    return chosen


def expiry_notes(label: date | None, recorded: str | None, today: date) -> list[str]:
    """What to look at: another expiry than recorded for the lot, or one that has passed."""
    notes: list[str] = []
    if label is not None and recorded is not None and label.isoformat() != recorded:
        notes.append(f"the label says that it expires on {label}, recorded for the lot is {recorded}")
    expires = recorded or (label.isoformat() if label else None)
    if expires is not None and expires < today.isoformat():
        notes.append(f"expired on {expires}")
    return notes


def plain(quantity: Decimal) -> Decimal:
    """The same number without zeros behind its last decimal."""
    return Decimal(f"{quantity.normalize():f}")


def _same(one: str | None, other: str) -> bool:
    return one is not None and one.upper() == other.upper()


def effective_at(scanned_at: datetime | None, recorded_at: datetime) -> datetime:
    """When the stock moved: as the device said, but never after the scan was received (clocks run fast)."""
    return recorded_at if scanned_at is None else min(scanned_at, recorded_at)


def _tag(company: str, item: str, serial: str) -> Reading | None:
    digits = item[0] + company + item[1:]
    if len(digits) != 13:
        return None
    weighed = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(digits))
    gtin = f"{digits}{-weighed % 10}"
    return Reading(codes=[gtin], gtin=gtin, serial=serial)
