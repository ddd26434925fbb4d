"""Whether a value is what its identifier asks for: lengths, characters, and the dictionary's checks by name."""

import re
from collections.abc import Callable
from typing import Final

from perpetua.gs1.rules.codes import COUNTRIES, CURRENCIES, PACKAGE_TYPES
from perpetua.gs1.rules.coupons import coupon_code, positive_offer
from perpetua.gs1.rules.digits import check_digit, check_pair
from perpetua.gs1.rules.faults import Fault
from perpetua.gs1.types import Identifier, Part

__all__ = ["CHARACTERS", "CHECKS", "check_value"]

CHARACTERS: Final = {
    "N": re.compile(r"[0-9]*", re.ASCII),
    "X": re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]*", re.ASCII),
    "Y": re.compile(r"[#\-/0-9A-Z]*", re.ASCII),
    "Z": re.compile(r"[A-Za-z0-9_\-]*={0,2}", re.ASCII),
}
_NAMES: Final = {
    "N": "digits",
    "X": "letters A–Z and a–z, digits, and !\"%&'()*+,-./:;<=>?_",
    "Y": "capital letters, digits, and #-/",
    "Z": "letters, digits, - and _",
}
_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_RESCAN: Final = "A character is mistyped or misread: scan it again, or compare it with what is printed."


def check_value(identifier: Identifier, value: str) -> None:
    """Nothing, where the value is right.

    Raises:
        Fault: the first thing that is wrong, at its character of the value.
    """
    rest = 0
    for part in identifier.parts:
        if part.optional and rest == len(value):
            return
        piece = value[rest : rest + part.most]
        _check_part(identifier, part, piece, rest)
        rest += len(piece)
    if rest < len(value):
        raise Fault(f"has {len(value)} characters, and at most {rest} are allowed", "length", rest, advice=_RESCAN)


def _check_part(identifier: Identifier, part: Part, piece: str, start: int) -> None:
    found = CHARACTERS[part.kind].match(piece)
    right = found.end() if found else 0
    if right < len(piece):
        reason = f"{piece[right]!a} can't stand here; allowed are {_NAMES[part.kind]}"
        raise Fault(reason, "characters", start + right, advice=_RESCAN)
    if len(piece) < part.least:
        if part.least == part.most:
            wanted = f"{identifier.least}" + ("" if identifier.least == identifier.most else f" to {identifier.most}")
        else:
            wanted = f"{identifier.least} to {identifier.most}"
        reason = f"is too short; ({identifier.ai}) has {wanted} characters"
        advice = (
            "Fill a GTIN up with zeros on the left to 14 digits." if identifier.ai in ("01", "02", "03") else _RESCAN
        )
        raise Fault(reason, "length", start + len(piece), advice=advice)
    if part.kind == "Z" and piece.endswith("=") and len(piece) % 3:
        raise Fault("the padding at the end does not fit the length", "characters", start, advice=_RESCAN)
    for name in part.checks:
        try:
            CHECKS[name](piece)
        except Fault as fault:
            raise Fault(
                fault.reason, fault.kind, start + fault.at, advice=fault.advice or _RESCAN, expected=fault.expected
            ) from None


def _demand(holds: bool, reason: str, kind: str = "code", at: int = 0, advice: str = "") -> None:
    if not holds:
        raise Fault(reason, kind, at, advice=advice)


def _csum(text: str) -> None:
    right = str(check_digit(text[:-1]))
    if text[-1] != right:
        reason = f"the last digit is {text[-1]}, but {right} belongs to the digits before it"
        raise Fault(reason, "check_digit", len(text) - 1, expected=right)


def _csumalpha(text: str) -> None:
    _demand(len(text) > 2, "has two check characters after at least one other", "length")
    right = check_pair(text[:-2])
    if text[-2:] != right:
        reason = f"the last two characters are {text[-2:]}, but {right} belongs to those before them"
        raise Fault(reason, "check_pair", len(text) - 2, expected=right)


def _company(text: str, start: int = 0) -> None:
    prefix = text[start : start + 4]
    digits = len(prefix) == 4 and prefix.isdigit()
    _demand(digits, "does not begin with a GS1 company prefix, which has at least 4 digits", "company_prefix", start)


def _date(text: str, *, day_zero: bool = False, year_digits: int = 2) -> None:
    year, month, day = int(text[:year_digits]), int(text[year_digits:-2]), int(text[-2:])
    _demand(1 <= month <= 12, f"there is no month {text[year_digits:-2]}", "date", year_digits)
    least = 0 if day_zero else 1
    _demand(least <= day <= _DAYS[month - 1], f"there is no day {text[-2:]} in month {month}", "date", year_digits + 2)
    leap = year % 4 == 0 and (year_digits == 2 or year % 100 != 0 or year % 400 == 0)
    _demand(month != 2 or day < 29 or leap, "that February has 28 days", "date", year_digits + 2)
    _demand(year_digits == 2 or year > 0, "there is no year 0", "date")


def _time(text: str) -> None:
    _demand(int(text[:2]) < 24, f"there is no hour {text[:2]}", "time")
    _demand(int(text[2:]) < 60, f"there is no minute {text[2:]}", "time", 2)


def _country(text: str) -> None:
    _demand(text in COUNTRIES, f"no country has the number {text} (ISO 3166)")


def _letters(text: str) -> None:
    _demand(text in COUNTRIES.values(), f"no country has the letters {text} (ISO 3166)")


def _currency(text: str) -> None:
    _demand(text in CURRENCIES, f"no currency has the number {text} (ISO 4217)")


def _iban(text: str) -> None:
    _demand(len(text) > 10, "is too short for an IBAN", "length")
    strange = next((at for at, sign in enumerate(text) if not (sign.isdigit() or "A" <= sign <= "Z")), None)
    _demand(strange is None, "an IBAN has capital letters and digits only", "characters", strange or 0)
    _letters(text[:2])
    turned = int("".join(str(int(sign, 36)) for sign in text[4:] + text[:4]))
    _demand(turned % 97 == 1, "the check digits of the IBAN don't fit the rest", "check_digit", 2)


def _piece(text: str) -> None:
    piece, total = int(text[: len(text) // 2]), int(text[len(text) // 2 :])
    _demand(1 <= piece <= total, f"piece {piece} of {total} can't be", "count")


def _sequence(text: str) -> None:
    found = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", text, re.ASCII)
    _demand(
        found is not None and int(found[1]) <= int(found[2]), f"{text} is no place in an order, such as 1/2", "count"
    )


def _media(text: str) -> None:
    _demand("01" <= text <= "10" or "80" <= text <= "99", f"no medium has the number {text}")


def _zeros(text: str, wanted: bool) -> None:
    _demand((text.strip("0") == "") == wanted, "must be zero" if wanted else "can't be zero")


CHECKS: Final[dict[str, Callable[[str], None]]] = {
    "couponcode": coupon_code,
    "couponposoffer": positive_offer,
    "csum": _csum,
    "csumalpha": _csumalpha,
    "gcppos1": _company,
    "gcppos2": lambda text: _company(text, 1),
    "hasnondigit": lambda text: _demand(not text.isdigit(), "needs a character that is no digit", "characters"),
    "hh": lambda text: _demand(int(text) < 24, f"there is no hour {text}", "time"),
    "hhmi": _time,
    "hyphen": lambda text: _demand(text == "-" * len(text), "only a hyphen (minus) can stand here", "characters"),
    "iban": _iban,
    "importeridx": lambda text: _demand(text.isalnum() or text in ("-", "_"), f"{text} is no importer index"),
    "iso3166": _country,
    "iso3166999": lambda text: None if text == "999" else _country(text),
    "iso3166alpha2": _letters,
    "iso4217": _currency,
    "iso5218": lambda text: _demand(text in "0129", f"{text} is no code of ISO 5218: 0, 1, 2 or 9"),
    "latitude": lambda text: _demand(int(text) <= 180_0000000, "a latitude is 1800000000 at most", "place"),
    "longitude": lambda text: _demand(int(text) <= 360_0000000, "a longitude is 3600000000 at most", "place"),
    "mediatype": _media,
    "mi": lambda text: _demand(int(text) < 60, f"there is no minute {text}", "time"),
    "nonzero": lambda text: _zeros(text, wanted=False),
    "nozeroprefix": lambda text: _demand(not text.startswith("0"), "can't begin with a zero"),
    "packagetype": lambda text: _demand(text in PACKAGE_TYPES, f"there is no package type {text}"),
    "pcenc": lambda text: _demand(
        not _PERCENT.search(text), "a percent sign is followed by two hexadecimal digits", "characters"
    ),
    "pieceoftotal": _piece,
    "posinseqslash": _sequence,
    "ss": lambda text: _demand(int(text) < 60, f"there is no second {text}", "time"),
    "winding": lambda text: _demand(text in "019", f"{text} is no winding direction: 0, 1 or 9"),
    "yesno": lambda text: _demand(text in "01", f"{text} is neither 0 (no) nor 1 (yes)"),
    "yymmd0": lambda text: _date(text, day_zero=True),
    "yymmdd": _date,
    "yyyymmdd": lambda text: _date(text, year_digits=4),
    "zero": lambda text: _zeros(text, wanted=True),
}
"""The dictionary's checks. Each takes a part that has the right length and characters, and raises `Fault`."""
