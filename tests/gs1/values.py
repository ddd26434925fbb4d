"""Right values for every application identifier, made from its format and checks."""

import string
from datetime import date

from hypothesis import strategies as st

from perpetua.gs1.rules.codes import COUNTRIES, CURRENCIES, PACKAGE_TYPES
from perpetua.gs1.rules.digits import SET_82
from perpetua.gs1.service import IDENTIFIERS, check_pair, with_check_digit
from perpetua.gs1.types import Part

TODAY = date(2026, 11, 21)
DIGITS = string.digits
_SETS = {"N": DIGITS, "X": SET_82, "Y": "#-/" + DIGITS + string.ascii_uppercase,
         "Z": string.ascii_letters + DIGITS + "-_"}  # fmt: skip
_IBANS = ("FR7630006000011234567890189", "DE91100000000123456789", "GB98MIDL07009312345678")
_COUPONS = (
    "012345612345611110123",
    "012345612345611110123" + "101101230123456" + "21101239",
    "012345612345611110123" + "3261231" + "4260101" + "50123456" + "611234567" + "90010",
)
_OFFERS = ("001234561234560123456", "061234567890121234569123456789012345")


def digits(least: int, most: int | None = None) -> st.SearchStrategy[str]:
    """Text of digits."""
    return st.text(DIGITS, min_size=least, max_size=most or least)


def _days(pattern: str) -> st.SearchStrategy[str]:
    return st.dates(date(1980, 1, 1), date(2070, 12, 31)).map(lambda day: day.strftime(pattern))


def _pair(value: str) -> str:
    return value + check_pair(value)


_VALUES: dict[str, st.SearchStrategy[str]] = {
    "couponcode": st.sampled_from(_COUPONS),
    "couponposoffer": st.sampled_from(_OFFERS),
    "hh": st.integers(0, 23).map("{:02d}".format),
    "mi": st.integers(0, 59).map("{:02d}".format),
    "ss": st.integers(0, 59).map("{:02d}".format),
    "hhmi": st.tuples(st.integers(0, 23), st.integers(0, 59)).map(lambda it: "{:02d}{:02d}".format(*it)),
    "hyphen": st.just("-"),
    "iban": st.sampled_from(_IBANS),
    "importeridx": st.sampled_from("-_aZ0"),
    "iso3166": st.sampled_from(sorted(COUNTRIES)),
    "iso3166999": st.sampled_from([*sorted(COUNTRIES), "999"]),
    "iso3166alpha2": st.sampled_from(sorted(COUNTRIES.values())),
    "iso4217": st.sampled_from(sorted(CURRENCIES)),
    "iso5218": st.sampled_from("0129"),
    "latitude": st.integers(0, 1800000000).map("{:010d}".format),
    "longitude": st.integers(0, 3600000000).map("{:010d}".format),
    "mediatype": st.sampled_from(["01", "10", "80", "99"]),
    "packagetype": st.sampled_from(sorted(PACKAGE_TYPES)),
    "pieceoftotal": st.sampled_from(["0101", "0203", "9999"]),
    "posinseqslash": st.sampled_from(["1/1", "2/3"]),
    "winding": st.sampled_from("019"),
    "yesno": st.sampled_from("01"),
    "yymmd0": _days("%y%m%d") | _days("%y%m00"),
    "yymmdd": _days("%y%m%d"),
    "yyyymmdd": _days("%Y%m%d"),
    "nozeroprefix": digits(0, 11).map(lambda rest: "7" + rest),
}


def part_values(part: Part) -> st.SearchStrategy[str]:
    """Right values of one part of a value."""
    checks = part.checks
    for name in checks:
        if name in _VALUES:
            return _VALUES[name]
    if "csum" in checks:
        return digits(part.most - 1).map(with_check_digit)
    if "csumalpha" in checks:
        rest = st.text(_SETS["X"], min_size=1, max_size=part.most - 7)
        return st.tuples(digits(4), rest).map(lambda it: _pair(f"{it[0]}a{it[1]}"))
    if "gcppos1" in checks:
        return st.tuples(digits(4), st.text(_SETS[part.kind], max_size=part.most - 4)).map("".join)
    if "zero" in checks:
        return st.just("0" * part.most)
    made = st.text(_SETS[part.kind], min_size=part.least, max_size=part.most)
    if "nonzero" in checks:
        return made.filter(lambda text: text.strip("0") != "")
    return made.map(lambda text: text.replace("%", "/")) if "pcenc" in checks else made


def values(ai: str) -> st.SearchStrategy[str]:
    """Right values of an identifier; optional parts may be left out, from some part on."""
    parts = IDENTIFIERS[ai].parts
    sizes = [size for size in range(1, len(parts) + 1) if all(part.optional for part in parts[size:])]
    whole = st.one_of([st.tuples(*(part_values(part) for part in parts[:size])).map("".join) for size in sizes])
    if ai == "7007":
        return whole.map(
            lambda text: "".join(sorted((text[:6], text[6:]), key=lambda day: (day[:1] > "7" and -1, day)))
        )
    return whole


def pairs(among: list[str], most: int = 6) -> st.SearchStrategy[list[tuple[str, str]]]:
    """Different identifiers, each with a right value."""
    chosen = st.lists(st.sampled_from(among), min_size=1, max_size=most, unique=True)
    return chosen.flatmap(
        lambda ais: st.tuples(*(values(ai).map(lambda value, ai=ai: (ai, value)) for ai in ais)).map(list)
    )
