"""Scans: what scanners send, whatever they put before, between and after."""

import contextlib
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpetua.items import rules
from perpetua.items.errors import NotScannable, WrongCheckDigit
from perpetua.items.types import ScanReading
from perpetua.kit.errors import InvalidValue

TODAY = date(2026, 3, 1)
FULL = "0109501101530003" + "17261231" + "10LOT-7\x1d" + "21S/1"


def read_scan(raw: str) -> ScanReading:
    """What it says today."""
    return rules.read_scan(raw, today=TODAY)


@pytest.mark.parametrize("before", ["]C1", "]d2", "]Q3", "]e0", "\x1d", "]C1\x1d", ""])
@pytest.mark.parametrize("after", ["", "\r\n", "\x1d"])
def test_gs1_data_is_read_whatever_announces_it(before: str, after: str) -> None:
    reading = read_scan(before + FULL + after)
    assert reading.gtin == "09501101530003"
    assert reading.codes[0] == "09501101530003"
    assert reading.lot == "LOT-7"
    assert reading.serial == "S/1"
    assert reading.expires_on == date(2026, 12, 31)


@pytest.mark.parametrize(
    "raw",
    [
        "010950110153000317261231",  # a keyboard wedge that drops FNC1
        "(01)09501101530003(17)261231",
        "https://id.gs1.org/01/09501101530003?17=261231",
    ],
)
def test_gs1_data_is_read_without_announcement(raw: str) -> None:
    reading = read_scan(raw)
    assert (reading.gtin, reading.expires_on) == ("09501101530003", date(2026, 12, 31))


def test_a_case_says_what_it_contains_and_how_many() -> None:
    reading = read_scan("]C1" + "00" + "106141412345678908" + "02" + "09501101530003" + "37" + "48")
    assert reading.sscc == "106141412345678908"
    assert reading.gtin == "09501101530003"
    assert reading.count == Decimal(48)


@pytest.mark.parametrize("ai, kg", [("3103001250", "1.250"), ("3202001000", "4.5359237")])
def test_a_weight_is_in_kilograms_exactly(ai: str, kg: str) -> None:
    assert read_scan("]C1" + "0109501101530003" + ai).weight_kg == Decimal(kg)


def test_a_best_before_and_a_production_day() -> None:
    reading = read_scan("]C1" + "0109501101530003" + "15261200" + "11260105")
    assert reading.best_before_on == date(2026, 12, 31)  # day 00 is the last of the month
    assert reading.produced_on == date(2026, 1, 5)


@pytest.mark.parametrize(
    "raw, code",
    [
        ("]E04006381333931", "04006381333931"),
        ("]E0012000007897", "00012000007897"),
        ("]E001278907", "00012000007897"),
        ("]E496385074", "00000096385074"),
        ("]E3400638133393112", "04006381333931"),
        ("4006381333931\r", "04006381333931"),
    ],
)
def test_a_retail_code_is_read(raw: str, code: str) -> None:
    assert read_scan(raw).codes[0] == code


def test_a_code_of_our_own_is_looked_up_as_it_is() -> None:
    assert read_scan("]C0BIN-A-01").codes == ["BIN-A-01"]
    assert read_scan("4006381333932").codes == ["4006381333932"]  # no GTIN, perhaps an own number
    assert read_scan("4006381333932").gtin is None


def test_eight_digits_that_are_both_are_looked_up_as_both() -> None:
    assert read_scan("01278907").codes[0] == "00012000007897"
    both = read_scan("00000000").codes
    assert both[0] == "0" * 14


def test_a_wrong_check_digit_in_gs1_data_is_refused() -> None:
    with pytest.raises(WrongCheckDigit) as refused:
        read_scan("]C10109501101530004")
    assert refused.value.facts["expected"] == 3


@pytest.mark.parametrize(
    "raw", ["", "\r\n", "\x1d", "]C1", "]C1ZZ", "]C117991301", "a\x00b", "x" * 1001, "]d2\x1d\x1d"]
)
def test_what_can_not_be_read_is_refused(raw: str) -> None:
    with pytest.raises(NotScannable):
        read_scan(raw)


@given(st.one_of(st.text(max_size=40), st.from_regex(r"\][A-Za-z][0-9][0-9\x1dA-Z]{0,40}")))
def test_any_scan_is_read_or_refused(raw: str) -> None:
    with contextlib.suppress(InvalidValue):
        assert read_scan(raw).codes


def test_a_refusal_of_gs1_data_names_place_and_remedy() -> None:
    with pytest.raises(NotScannable) as refused:
        read_scan("]C10109501101530003" + "17261332")
    facts = refused.value.facts
    assert (facts["ai"], facts["position"], facts["fault"]) == ("17", 24, "date")
    assert "month 13" in refused.value.detail
    assert facts["advice"]


def test_what_only_looks_like_gs1_data_is_looked_up_as_it_is_and_says_why() -> None:
    reading = read_scan("(01)123")
    assert reading.codes == ["(01)123"]
    assert "too short" in (reading.not_gs1 or "")
    assert read_scan("https://example.com/a").codes == ["https://example.com/a"]


def test_lost_separators_leave_the_item_and_all_readings() -> None:
    reading = read_scan("0109501101530003" + "10LOT12317261231")
    assert (reading.gtin, reading.lot, reading.expires_on) == ("09501101530003", None, None)
    assert reading.gs1
    assert reading.gs1.ambiguous
    assert len(reading.gs1.readings) == 2


def test_a_place_label_with_a_gln_is_looked_up_by_it() -> None:
    assert read_scan("]C14149501101530003").codes == ["9501101530003"]
