"""Radio tags as GTINs, and quantities of packages as quantities of units."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Final

from perpetua.kit.errors import InvalidValue
from perpetua.kit.quantity import exact_quantity
from perpetua.scanning.errors import QuantityNeeded
from perpetua.scanning.types import Reading, Scan

__all__ = ["base_quantity", "effective_at", "read_tag"]

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


def base_quantity(scan: Scan, units: Decimal, count: Decimal | None) -> Decimal:
    """What is asked in base units: packages times what one holds.

    Raises:
        QuantityNeeded: an adjustment or a count without a number.
        InvalidValue: no quantity.
    """
    if scan.quantity is None and scan.action in {"adjust", "count"}:
        raise QuantityNeeded("quantity", "", f"is missing; {scan.action} needs it")
    packages = scan.quantity if scan.quantity is not None else count or Decimal(1)
    exact_quantity(packages, "quantity")
    if scan.action != "adjust" and (packages < 0 or (packages == 0 and scan.action != "count")):
        raise InvalidValue("quantity", str(packages), "must be more than 0")
    return exact_quantity(packages * units, "quantity")


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
