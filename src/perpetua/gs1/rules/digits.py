"""Check digits, check characters, and numbers made with them.

Source: GS1 General Specifications, 7.9.1 (check digit), 7.9.5 (check character pair), 7.12 (century of a year).
"""

from typing import Final

from perpetua.gs1.errors import NotGs1

__all__ = ["check_digit", "check_pair", "make_sscc", "whole_year", "with_check_digit"]

SET_82: Final = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_SET_32: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_PRIMES: Final = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83)


def check_digit(payload: str) -> int:
    """The digit that follows `payload` (digits only): weights 3, 1, 3, … from the right, modulo 10. For GTIN, SSCC, GLN
    and all other numeric keys.
    """
    return -(3 * sum(map(int, payload[::-2])) + sum(map(int, payload[-2::-2]))) % 10


def with_check_digit(payload: str) -> str:
    """The number with its check digit.

    Raises:
        NotGs1: other characters than digits, or none.
    """
    if not (payload.isascii() and payload.isdigit()):
        raise NotGs1("number", payload, "a check digit follows digits only", fault="characters", advice="Send digits.")
    return f"{payload}{check_digit(payload)}"


def check_pair(payload: str) -> str:
    """The two check characters that follow a GMN or HIMUDI: places in the set of 82, times primes from the right,
    modulo 1021, as two characters of 32.

    Raises:
        NotGs1: empty, longer than 23 characters, or with a character that GS1 data can't hold.
    """
    if not 1 <= len(payload) <= len(_PRIMES):
        raise NotGs1(
            "number", payload, f"has 1 to {len(_PRIMES)} characters before its check characters", fault="length"
        )
    if strange := next((sign for sign in payload if sign not in SET_82), None):
        raise NotGs1("number", payload, f"holds {strange!a}, which GS1 data can't hold", fault="characters")
    weighed = sum(SET_82.index(sign) * prime for sign, prime in zip(reversed(payload), _PRIMES, strict=False)) % 1021
    return _SET_32[weighed >> 5] + _SET_32[weighed & 31]


def make_sscc(company_prefix: str, number: int, extension: int = 0) -> str:
    """The SSCC of a logistic unit: extension digit, company prefix, serial number filled up with zeros, check digit.

    Args:
        company_prefix: 4 to 12 digits, as GS1 gave them.
        number: the unit's own, not used again for a year.
        extension: 0 to 9, as one likes; it makes room for ten times as many numbers.

    Raises:
        NotGs1: no such prefix, or no room for the number.
    """
    if not (company_prefix.isascii() and company_prefix.isdigit() and 4 <= len(company_prefix) <= 12):
        raise NotGs1("company_prefix", company_prefix, "has 4 to 12 digits", fault="length")
    room = 16 - len(company_prefix)
    if not (0 <= number < 10**room and 0 <= extension <= 9):
        reason = f"with this company prefix, a number has {room} digits at most, after one digit of extension"
        raise NotGs1("number", str(number), reason, fault="length", advice="Use the next extension digit.")
    return with_check_digit(f"{extension}{company_prefix}{number:0{room}d}")


def whole_year(two_digits: int, this_year: int) -> int:
    """The year meant by two digits: from 49 years back to 50 years ahead of this year."""
    century, now = this_year // 100 * 100, this_year % 100
    if two_digits - now >= 51:
        return century - 100 + two_digits
    if two_digits - now <= -50:
        return century + 100 + two_digits
    return century + two_digits
