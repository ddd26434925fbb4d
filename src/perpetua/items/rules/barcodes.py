"""Barcodes: which kind a code is, whether its check digit is right, and how it is kept.

Source: GS1 General Specifications, 7.9 (check digit), 7.10 (zero-suppressed UPC), 1.4 (prefixes).
"""

import re

from perpetua.gs1.service import check_digit
from perpetua.items.errors import WrongCheckDigit
from perpetua.items.types import Barcode, BarcodeKind
from perpetua.kit.errors import InvalidValue

__all__ = ["MAX_CODE", "check_digit", "expand_upce", "gtin_kind", "is_restricted", "normalise_barcode"]

MAX_CODE = 200
_GTIN_LENGTHS = (8, 12, 13, 14)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_LENGTH_OF: dict[BarcodeKind, tuple[int, ...]] = {
    "ean8": (8,), "upca": (12,), "ean13": (13,), "gtin14": (14,), "upce": (6, 7, 8), "restricted": (8, 12, 13),
}  # fmt: skip


def normalise_barcode(text: str, kind: BarcodeKind | None = None, *, field: str = "barcode") -> Barcode:
    """The code as it is kept: 14 digits for a GTIN, as printed for anything else.

    Args:
        text: as typed or scanned; a GTIN may have spaces and hyphens between its digits.
        kind: what it is; None tells it from the code. Eight digits are an EAN-8 where its check digit is right, else a
            UPC-E. A number of our own that only looks like a GTIN must be sent as "internal".

    Raises:
        WrongCheckDigit: says which digit was expected.
        InvalidValue: empty, too long, of a length that no GTIN has, or with characters that a barcode can't hold.
    """
    code = text.strip()
    if not code:
        raise InvalidValue(field, text, "is empty")
    if len(code) > MAX_CODE:
        raise InvalidValue(field, text, f"is too long; at most {MAX_CODE} characters")
    digits = re.sub(r"[ -]", "", code)
    if kind is None and _DIGITS.fullmatch(digits):
        return _gtin(digits, text, field)
    if kind in _LENGTH_OF:
        return _of_kind(digits, kind, text, field)
    if kind is None:
        kind = "qr" if re.match(r"[a-z]+://", code, re.IGNORECASE) else "code128"
    if kind == "qr" and code.isprintable():
        return Barcode(kind=kind, code=code)
    if not (code.isascii() and code.isprintable()):
        raise InvalidValue(field, text, "has characters that a barcode can't hold; letters A–Z, digits, and signs only")
    return Barcode(kind=kind, code=code)


def expand_upce(code: str) -> str:
    """The 12 digits of UPC-A that the 8 digits of a UPC-E stand for (number system, six digits, check digit)."""
    system, (a, b, c, d, e, last), check = code[0], code[1:7], code[7]
    if last in "012":
        body = f"{a}{b}{last}0000{c}{d}{e}"
    elif last == "3":
        body = f"{a}{b}{c}00000{d}{e}"
    elif last == "4":
        body = f"{a}{b}{c}{d}00000{e}"
    else:
        body = f"{a}{b}{c}{d}{e}0000{last}"
    return system + body + check


def is_restricted(code: str) -> bool:
    """Whether a GTIN (14 digits) lies in a range that each company uses as it likes: 02, 04, 2x; 0 and 2 of EAN-8."""
    if code.startswith("000000"):
        return code[6] in "02"
    return code.startswith(("002", "004", "02"))


def gtin_kind(code: str) -> BarcodeKind:
    """The kind of a GTIN written with 14 digits."""
    if is_restricted(code):
        return "restricted"
    if code[0] != "0":
        return "gtin14"
    if code.startswith("000000"):
        return "ean8"
    return "upca" if code.startswith("00") else "ean13"


def _gtin(digits: str, text: str, field: str) -> Barcode:
    if len(digits) not in _GTIN_LENGTHS:
        reason = (
            f"has {len(digits)} digits; a GTIN has 8, 12, 13 or 14. "
            "Were zeros at the front lost? A number of your own needs kind: internal"
        )
        raise InvalidValue(field, text, reason, digits=len(digits))
    if _is_right(digits):
        padded = digits.zfill(14)
        return Barcode(kind=gtin_kind(padded), code=padded)
    if len(digits) == 8 and digits[0] in "01" and _is_right(expand_upce(digits)):
        return Barcode(kind="upce", code=expand_upce(digits).zfill(14))
    raise _wrong(digits, text, field)


def _of_kind(digits: str, kind: BarcodeKind, text: str, field: str) -> Barcode:
    lengths = _LENGTH_OF[kind]
    if not _DIGITS.fullmatch(digits) or len(digits) not in lengths:
        wanted = " or ".join(map(str, lengths))
        raise InvalidValue(field, text, f"is no {kind}: that has {wanted} digits, and nothing else")
    if kind == "upce":
        digits = _whole_upce(digits, text, field)
    if not _is_right(digits):
        raise _wrong(digits, text, field)
    padded = digits.zfill(14)
    if kind == "restricted" and not is_restricted(padded):
        raise InvalidValue(field, text, "is not in a range for restricted use: 02, 04, 20–29; 0 and 2 of EAN-8")
    return Barcode(kind=kind, code=padded)


def _whole_upce(digits: str, text: str, field: str) -> str:
    """UPC-A of a UPC-E written with or without its number system (0) and its check digit."""
    if len(digits) == 6:
        digits = "0" + digits
    if digits[0] not in "01":
        raise InvalidValue(field, text, "is no upce: it begins with 0 or 1")
    if len(digits) == 7:
        digits += str(check_digit(expand_upce(digits + "0")[:-1]))
    return expand_upce(digits)


def _is_right(digits: str) -> bool:
    return check_digit(digits[:-1]) == int(digits[-1])


def _wrong(digits: str, text: str, field: str) -> WrongCheckDigit:
    expected = check_digit(digits[:-1])
    reason = f"the last digit is {digits[-1]}, but {expected} belongs to the digits before it; one of them is mistyped"
    return WrongCheckDigit(field, text, reason, expected=expected)
