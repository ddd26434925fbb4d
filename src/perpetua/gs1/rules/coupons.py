"""North American coupons: fields that each say their own length.

Source: GS1 US, North American Coupon Application Guideline (8110); GS1 AI (8112) Coupon Data Specification.
"""

import re
from calendar import monthrange

from perpetua.gs1.rules.faults import Fault

__all__ = ["coupon_code", "positive_offer"]


class _Reader:
    """Takes fields from the left."""

    def __init__(self, text: str) -> None:
        if strange := re.search(r"[^0-9]", text):
            raise Fault("a coupon holds digits only", "characters", strange.start())
        self.text, self.at = text, 0

    def take(self, size: int, what: str, allowed: str | None = None) -> str:
        """The next field; `allowed`: the digits that it may be."""
        field = self.text[self.at : self.at + size]
        if len(field) < size:
            raise Fault(f"the coupon ends within its {what}", "length", len(self.text))
        if allowed is not None and field not in allowed:
            raise Fault(f"{field} is no {what} of a coupon", "code", self.at)
        self.at += size
        return field

    def sized(self, what: str, allowed: str, more: int = 0) -> str:
        """A field after a digit that says its length, less `more`."""
        size = self.take(1, f"length of the {what}", allowed)
        return self.take(int(size) + more, what)

    def option(self, digit: str) -> bool:
        """Whether the optional field of that digit follows."""
        here = self.text[self.at : self.at + 1] == digit
        self.at += here
        return here

    def end(self) -> None:
        """Nothing may be left."""
        if self.at < len(self.text):
            raise Fault("something follows after the coupon's last field", "length", self.at)


def coupon_code(text: str) -> None:
    """Whether it is a coupon of the older kind (8110). Raises Fault."""
    reader = _Reader(text)
    reader.sized("company prefix", "0123456", 6)
    reader.take(6, "offer code")
    reader.sized("save value", "12345")
    _purchase(reader)
    if reader.option("1"):
        reader.take(1, "rule for additional purchases", "0123")
        _purchase(reader)
        _company(reader)
    if reader.option("2"):
        _purchase(reader)
        _company(reader)
    expires = _day(reader, "expiration date") if reader.option("3") else None
    if reader.option("4"):
        start = _day(reader, "start date")
        if expires is not None and start > expires:
            raise Fault("the coupon expires before it starts", "date", reader.at - 6)
    if reader.option("5"):
        reader.sized("serial number", "0123456789", 6)
    if reader.option("6"):
        reader.sized("retailer", "1234567", 6)
    if reader.option("9"):
        reader.take(1, "save value code", "01256")
        reader.take(1, "item that the value applies to", "012")
        reader.take(1, "store coupon flag")
        reader.take(1, "don't multiply flag", "01")
    reader.end()


def positive_offer(text: str) -> None:
    """Whether it is a coupon of a positive offer file (8112). Raises Fault."""
    reader = _Reader(text)
    reader.take(1, "format code", "01")
    reader.sized("funder", "0123456", 6)
    reader.take(6, "offer code")
    reader.sized("serial number", "0123456789", 6)
    reader.end()


def _purchase(reader: _Reader) -> None:
    reader.sized("purchase requirement", "12345")
    reader.take(1, "purchase requirement code", "012349")
    reader.take(3, "family code")


def _company(reader: _Reader) -> None:
    size = reader.take(1, "length of the company prefix", "01234569")
    reader.take(0 if size == "9" else int(size) + 6, "company prefix")


def _day(reader: _Reader, what: str) -> str:
    day = reader.take(6, what)
    year, month, number = 2000 + int(day[:2]), int(day[2:4]), int(day[4:])
    if not (1 <= month <= 12 and 1 <= number <= monthrange(year, month)[1]):
        raise Fault(f"{day} is no {what}", "date", reader.at - 6)
    return day
