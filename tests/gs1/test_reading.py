"""Codes as they are sent: with and without announcement and separators, in brackets, as links, typed wrongly."""

import contextlib
from datetime import date, datetime
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.gs1.values import TODAY, pairs, values

from perpetua.gs1.errors import NotGs1
from perpetua.gs1.rules.identifiers import identifier_at, matches
from perpetua.gs1.service import IDENTIFIERS, element_string, elements_of, looks_like_gs1, parse
from perpetua.gs1.types import (
    Amount,
    Count,
    Countries,
    Day,
    Gtin,
    Key,
    Lot,
    Meaning,
    Measure,
    Message,
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

GTIN = "09501101530003"
FULL = f"01{GTIN}1726123110LOT-7\x1d21S/1"


def read(text: str) -> Message:
    return parse(text, today=TODAY)


def said(message: Message) -> list[tuple[str, str]]:
    return [(one.ai, one.value) for one in message.elements]


def meaning(text: str) -> Meaning:
    return read("]C1" + text).elements[-1].meaning


@pytest.mark.parametrize("before", ["]C1", "]e0", "]d2", "]Q3", "]J1", "]C1\x1d", "\x1d", ""])
@pytest.mark.parametrize("separator", ["\x1d", "␝", "{GS}", "<GS>", "^]", "^"])
def test_all_that_announces_and_separates(before: str, separator: str) -> None:
    message = read(before + FULL.replace("\x1d", separator) + "\r\n")
    assert said(message) == [("01", GTIN), ("17", "261231"), ("10", "LOT-7"), ("21", "S/1")]
    assert message.symbology == (before[:3] if before.startswith("]") else None)
    assert (message.form, message.ambiguous, message.findings) == ("element_string", False, ())


def test_positions_are_those_of_the_code_as_sent() -> None:
    message = read("  ]C1" + FULL.replace("\x1d", "{GS}"))
    sent = "  ]C1" + FULL.replace("\x1d", "{GS}")
    for one in message.elements:
        assert sent[one.position - 1 :].startswith(one.ai + one.value)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("00106141412345678908", Sscc("106141412345678908")),
        (f"01{GTIN}", Gtin(GTIN)),
        (f"02{GTIN}", Gtin(GTIN, contained=True)),
        ("10AB", Lot("AB")),
        ("21AB", Serial("AB")),
        ("17260200", Day(date(2026, 2, 28))),  # day 00 is the last of the month
        ("17280200", Day(date(2028, 2, 29))),
        ("15261231", Day(date(2026, 12, 31))),
        ("3712", Count(12)),
        ("3103001250", Measure(Decimal("1.250"), "kg")),
        ("3201000015", Measure(Decimal("1.5"), "lb")),
        ("3932978123", Amount(Decimal("1.23"), "EUR")),
        ("39221234", Amount(Decimal("12.34"))),
        ("39410125", Percent(Decimal("12.5"))),
        ("4149501101530003", Key(scheme="gln", number="9501101530003")),
        ("8003095011015300031A", Key(scheme="grai", number="9501101530003", serial="1A")),
        ("4309" + "1304170000" + "0134050000", Place("40.4170000", "13.4050000")),
        ("4309" + "0000000000" + "3600000000", Place("-90.0000000", "0.0000000")),
        ("4330012345-", Temperature(Decimal("-123.45"), "F")),
        ("43211", YesNo(yes=True)),
        ("4243276".replace("4243", "424"), Countries(("DE",))),
        ("423276840", Countries(("DE", "US"))),
        ("42127612345", Countries(("DE",), "12345")),
        ("7003270102" + "1530", Moment(datetime(2027, 1, 2, 15, 30))),  # noqa: DTZ001
        ("8008260102" + "153045", Moment(datetime(2026, 1, 2, 15, 30, 45))),  # noqa: DTZ001
        ("7007260102260105", Period(date(2026, 1, 2), date(2026, 1, 5))),
        ("8006" + GTIN + "0203", Piece(GTIN, 2, 3)),
        ("4300A%20B", Text("A B")),
    ],
)
def test_what_values_mean(text: str, expected: Meaning) -> None:
    assert meaning(text) == expected


@pytest.mark.parametrize("year", [1999, 2000, 2024, 2026, 2049, 2050, 2051, 2076, 2099])
def test_two_digits_of_a_year_mean_49_back_to_50_ahead(year: int) -> None:
    for ahead in range(-49, 51):
        meant = year + ahead
        message = parse(f"]C117{meant % 100:02d}0615", today=date(year, 1, 1))
        assert message.elements[0].meaning == Day(date(meant, 6, 15))


@pytest.mark.parametrize(
    "text, position, ai, fault",
    [
        ("]C10109501101530004", 19, "01", "check_digit"),
        ("(01)09501101530003(17)261332", 25, "17", "date"),
        (f"]C101{GTIN}10" + "A" * 21, 42, "10", "length"),
        (f"]C101{GTIN}10A~B", 23, "10", "characters"),
        (f"]C101{GTIN}99", 22, "99", "length"),
        (f"]C101{GTIN}0", 20, "0", "unknown_ai"),
        ("]d2nonsense", 4, "no", "unknown_ai"),
        ("(05)123", 1, "05", "unknown_ai"),
        (f"(01){GTIN}(10)A(10)B", 24, "10", "repeated"),
        ("https://example.com/shop", 1, None, "link"),
        (f"https://example.com/01/{GTIN}/21/A/10/B", 39, "21", "link"),
        (f"https://example.com/01/{GTIN}?21=A", 39, "21", "link"),
        ("https://example.com/01/09501101530004", 37, "01", "check_digit"),
        ("", 1, None, "empty"),
        ("]C1", 4, None, "empty"),
        ("x" * 5000, 4001, None, "too_long"),
    ],
)
def test_refusals_name_place_identifier_and_remedy(text: str, position: int, ai: str | None, fault: str) -> None:
    with pytest.raises(NotGs1) as refused:
        read(text)
    facts = refused.value.facts
    assert (facts["position"], facts["ai"], facts["fault"]) == (position, ai, fault)
    assert facts["advice"]
    assert facts["reason"]
    assert f"character {position}" in refused.value.detail


def test_a_wrong_check_digit_says_the_right_one() -> None:
    with pytest.raises(NotGs1) as refused:
        read("]C10109501101530004")
    assert refused.value.facts["expected"] == "3"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("https://id.gs1.org/01/09501101530003/10/AB%2F1/21/7?17=261231", f"01 {GTIN} 10 AB/1 21 7 17 261231"),
        ("HTTP://shop.example:80/a/b/01/9501101530003?3103=000195&utm=x#top", f"01 {GTIN} 3103 000195"),
        ("https://a.org/gtin/9501101530003/lot/A1/ser/12?exp=260426", f"01 {GTIN} 10 A1 21 12 17 260426"),
        (
            "https://id.gs1.org/00/106141412345678908?02=09501101530003&37=25;10=A",
            f"00 106141412345678908 02 {GTIN} 37 25 10 A",
        ),
        ("]Q1https://id.gs1.org/414/9501101530003/254/32a/", "414 9501101530003 254 32a"),
        ("https://id.gs1.org/01/09501101530003/235/ABC", f"01 {GTIN} 235 ABC"),
        ("https://id.gs1.org/01/2024/p/01/09501101530003", f"01 {GTIN}"),
    ],
)
def test_links_under_any_domain(text: str, expected: str) -> None:
    message = read(text)
    words = expected.split()
    assert message.form == "digital_link"
    assert said(message) == list(zip(words[::2], words[1::2], strict=True))


def test_what_people_type_in_brackets() -> None:
    message = read("(01) 09501101530003 (17) 261231 (10) A\\(21)B")
    assert said(message) == [("01", GTIN), ("17", "261231"), ("10", "A(21)B")]


def test_pairs_are_found_but_do_not_stop_reading() -> None:
    message = read(f"]C101{GTIN}3712")
    assert {(one.ai, one.rule, one.with_) for one in message.findings} == {
        ("01", "excludes", ("37",)),
        ("37", "requires", ("00+02", "00+8026")),
    }
    assert read("]C110LOT").findings[0].text == (
        "(10) BATCH/LOT stands beside (01) or (02) or (03) or (8006) or (8026)"
    )


def test_lost_separators_where_only_one_reading_is_left() -> None:
    message = read(f"02{GTIN}3748" + "10LOT")
    assert said(message) == [("02", GTIN), ("37", "48"), ("10", "LOT")]
    assert message.separators_lost
    assert not message.ambiguous


def test_lost_separators_leave_only_what_is_sure() -> None:
    message = read(f"01{GTIN}10LOT12317261231")
    assert message.ambiguous
    assert said(message) == [("01", GTIN)]
    assert [[(one.ai, one.value) for one in way.elements[1:]] for way in message.readings] == [
        [("10", "LOT12317261231")],
        [("10", "LOT123"), ("17", "261231")],
    ]


def test_a_scanner_that_announces_is_believed() -> None:
    message = read(f"]d201{GTIN}10LOT12317261231")
    assert said(message) == [("01", GTIN), ("10", "LOT12317261231")]
    assert not message.readings


def test_a_lot_that_might_be_more_is_read_as_the_standard_says_and_told() -> None:
    message = read(f"01{GTIN}10L2110455")
    assert said(message)[1:] == [("10", "L2110455")]
    assert not message.ambiguous
    assert [one.value for one in message.readings[0].elements] == [GTIN, "L", "10455"]


def test_a_long_lot_that_may_be_a_lot_and_a_serial_is_not_sure() -> None:
    message = read(f"01{GTIN}10AB1234521S9876543")
    assert message.ambiguous
    assert said(message) == [("01", GTIN)]
    assert [(one.ai, one.value) for one in message.readings[1].elements[1:]] == [("10", "AB12345"), ("21", "S9876543")]


TRADE = ["10", "11", "13", "15", "17", "21", "240", "30", "3103", "3922"]


@settings(max_examples=100)
@given(pairs(TRADE, most=4), values("01"), st.booleans())
def test_what_is_called_sure_without_separators_is_what_was_printed(
    chosen: list[tuple[str, str]], gtin: str, first: bool
) -> None:
    held = {ai for ai, _ in chosen} | {"01"}
    assume(not held & {"3922"} or held & {"30", "3103"})
    printed = [("01", gtin), *chosen] if first else [*chosen, ("01", gtin)]
    elements = elements_of(printed, today=TODAY)
    message = read(element_string(elements, fnc1=""))
    ways = [[(one.ai, one.value) for one in way.elements] for way in message.readings]
    if said(message) != printed and printed not in ways and len(ways) < 10:
        assert message.ambiguous
        assert set(said(message)) <= set(printed)


@settings(max_examples=200)
@given(st.text(max_size=60) | st.text("0123456789()\x1d]C1d2/:?&=%A^", max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    looks_like_gs1(text)
    with contextlib.suppress(NotGs1):
        read(text)


@settings(max_examples=100)
@given(st.data())
def test_a_damaged_code_is_read_or_refused(data: st.DataObject) -> None:
    made = element_string(elements_of(data.draw(pairs(sorted(IDENTIFIERS), 3)), today=TODAY, complete=False))
    at = data.draw(st.integers(0, len(made)))
    cut = data.draw(st.integers(0, 3))
    put = data.draw(st.text(max_size=2))
    for before in ("", "]C1", "https://example.com/", "("):
        with contextlib.suppress(NotGs1):
            read(before + made[:at] + put + made[at + cut :])


def test_prefixes_and_patterns() -> None:
    assert identifier_at("8006", 0) is IDENTIFIERS["8006"]
    assert identifier_at("04", 0) is None
    assert matches("31nn", "3105")
    assert not any(matches("310n", ai) for ai in ("31", "3110", "310"))
    for one, other in combinations(IDENTIFIERS, 2):
        assert not one.startswith(other)
        assert not other.startswith(one)


def test_internal_identifiers_do_not_make_sense_of_nonsense() -> None:
    with pytest.raises(NotGs1) as refused:  # of ZXing's test labels; 3922 "7" and 95 "888…" would be a reading
        read("]e001900123456789083922795" + "8" * 49)
    assert (refused.value.facts["ai"], refused.value.facts["fault"]) == ("3922", "length")
