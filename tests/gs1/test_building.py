"""Codes for labels: what is built is read back as the same, and no wrong label is made."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.gs1.values import TODAY, digits, pairs, values

from perpetua.gs1.errors import NotGs1
from perpetua.gs1.service import (
    IDENTIFIERS,
    arrange,
    bracketed,
    check_digit,
    check_pair,
    digital_link,
    element_string,
    elements_of,
    label_data,
    label_elements,
    make_sscc,
    parse,
    with_check_digit,
)
from perpetua.gs1.types import Amount, LabelData, Measure

GTIN = "09501101530003"
ALL = sorted(IDENTIFIERS)


@settings(max_examples=100)
@given(pairs(ALL), st.sampled_from(["]C1", "]d2", "]Q3", "]e0", "]C1\x1d", "\x1d"]))
def test_element_strings_and_brackets_come_back(chosen: list[tuple[str, str]], before: str) -> None:
    elements = arrange(elements_of(chosen, today=TODAY, complete=False))
    assert sorted((one.ai, one.value) for one in elements) == sorted(chosen)
    read = parse(before + element_string(elements), today=TODAY)
    assert [(one.ai, one.value, one.meaning) for one in read.elements] == [
        (one.ai, one.value, one.meaning) for one in elements
    ]
    typed = parse(bracketed(elements), today=TODAY)
    assert [(one.ai, one.value) for one in typed.elements] == [(one.ai, one.value) for one in elements]


@settings(max_examples=100)
@given(
    st.sampled_from([ai for ai in ALL if IDENTIFIERS[ai].key]),
    pairs([ai for ai in ALL if IDENTIFIERS[ai].attribute and not IDENTIFIERS[ai].key], 3),
    st.sampled_from(["https://id.gs1.org", "http://example.com:81/a/b/", "HTTPS://shop.example/01/x"]),
    st.data(),
)
def test_links_come_back(key: str, chosen: list[tuple[str, str]], stem: str, data: st.DataObject) -> None:
    made = {key: data.draw(values(key)), **dict(chosen)}
    if IDENTIFIERS[key].qualifiers:
        for ai in data.draw(st.sampled_from(IDENTIFIERS[key].qualifiers)):
            made[ai] = data.draw(values(ai))
    elements = elements_of(made.items(), today=TODAY, complete=False)
    read = parse(digital_link(elements, stem), today=TODAY)
    assert {(one.ai, one.value) for one in read.elements} == set(made.items())
    assert read.link == stem.rstrip("/")


@pytest.mark.parametrize(
    "chosen, stem",
    [
        ([("10", "A")], "https://id.gs1.org"),
        ([("01", GTIN), ("8200", "x")], "https://id.gs1.org"),
        ([("01", GTIN), ("21", "1"), ("235", "2")], "https://id.gs1.org"),
        ([("01", GTIN)], "ftp://id.gs1.org"),
        ([("01", GTIN)], "https://id.gs1.org?x"),
    ],
)
def test_what_no_link_can_carry(chosen: list[tuple[str, str]], stem: str) -> None:
    with pytest.raises(NotGs1):
        digital_link(elements_of(chosen, today=TODAY, complete=False), stem)


def test_separators_stand_only_where_needed() -> None:
    elements = elements_of([("10", "A1"), ("21", "7"), ("17", "261231"), ("01", GTIN)], today=TODAY)
    assert element_string(arrange(elements)) == f"01{GTIN}1726123110A1\x1d217"
    assert element_string(arrange(elements), fnc1="[FNC1]", leading=True) == f"[FNC1]01{GTIN}1726123110A1[FNC1]217"
    assert bracketed(arrange(elements)) == f"(01){GTIN}(17)261231(10)A1(21)7"


@pytest.mark.parametrize(
    "chosen, ai, fault",
    [
        ([("10", "A")], "10", "pair"),
        ([("01", GTIN), ("37", "4")], "01", "pair"),
        ([("00", "106141412345678908"), ("02", GTIN)], "02", "pair"),
        ([("01", GTIN), ("310", "1")], "310", "unknown_ai"),
        ([("01", GTIN), ("01", "09501101530010")], "01", "repeated"),
        ([], None, "empty"),
    ],
)
def test_no_wrong_label_is_made(chosen: list[tuple[str, str]], ai: str | None, fault: str) -> None:
    with pytest.raises(NotGs1) as refused:
        elements_of(chosen, today=TODAY)
    assert (refused.value.facts["ai"], refused.value.facts["fault"]) == (ai, fault)
    assert refused.value.facts["advice"]


label = st.builds(
    LabelData,
    gtin=digits(13).map(with_check_digit),
    lot=st.none() | values("10"),
    serial=st.none() | values("21"),
    expires_on=st.none() | st.dates(TODAY - timedelta(days=9000), TODAY + timedelta(days=9000)),
    produced_on=st.none() | st.dates(TODAY - timedelta(days=9000), TODAY),
    count=st.none() | st.integers(0, 99_999_999),
    net=st.none()
    | st.builds(
        Measure,
        st.decimals(0, 9, places=5, allow_nan=False, allow_infinity=False) | st.integers(0, 999_999).map(Decimal),
        st.sampled_from(["kg", "lb", "m", "l", "m2", "floz"]),
    ),
)


@given(label)
def test_labels_come_back_in_words(data: LabelData) -> None:
    elements = label_elements(data, today=TODAY)
    assert label_data(elements) == data
    assert label_data(parse("]C1" + element_string(elements), today=TODAY).elements) == data


def test_a_pallet_label() -> None:
    sscc = make_sscc("9501101", 42, extension=1)
    data = LabelData(sscc=sscc, gtin=GTIN, contained=True, count=48, lot="L7", gross=Measure(Decimal("312.5"), "kg"))
    elements = label_elements(data, today=TODAY)
    assert bracketed(elements) == f"(00){sscc}(02){GTIN}(3301)003125(10)L7(37)48"
    assert label_data(elements) == data


def test_a_price_with_currency() -> None:
    data = LabelData(gtin=GTIN, net=Measure(Decimal("0.25"), "kg"), price=Amount(Decimal("3.99"), "EUR"))
    assert label_data(label_elements(data, today=TODAY)) == data


@pytest.mark.parametrize(
    "data",
    [
        LabelData(gtin=GTIN, net=Measure(Decimal("0.0000001"), "kg")),
        LabelData(gtin=GTIN, net=Measure(Decimal("1234567"), "kg")),
        LabelData(gtin=GTIN, net=Measure(Decimal("-1"), "kg")),
        LabelData(gtin=GTIN, net=Measure(Decimal("NaN"), "kg")),
        LabelData(gtin=GTIN, net=Measure(Decimal(1), "stone")),
        LabelData(gtin=GTIN, net=Measure(Decimal(1), "kg"), price=Amount(Decimal(1), "XYZ")),
        LabelData(gtin=GTIN, expires_on=date(2090, 1, 1)),
        LabelData(gtin=GTIN, lot="Ä"),
        LabelData(gtin=GTIN, lot=""),
        LabelData(gtin=GTIN, count=-1),
        LabelData(gtin=GTIN[1:]),
        LabelData(lot="A"),
    ],
)
def test_labels_that_can_not_be(data: LabelData) -> None:
    with pytest.raises(NotGs1):
        label_elements(data, today=TODAY)


@pytest.mark.parametrize("number", ["96385074", "012000007897", "4006381333931", GTIN, "106141412345678908"])
def test_check_digits_of_gtin_8_to_14_and_sscc(number: str) -> None:
    assert with_check_digit(number[:-1]) == number


@given(digits(1, 25), st.integers(0, 24), st.integers(1, 9))
def test_a_check_digit_finds_every_single_mistake(payload: str, place: int, more: int) -> None:
    assume(place < len(payload))
    other = payload[:place] + str((int(payload[place]) + more) % 10) + payload[place + 1 :]
    assert check_digit(payload) != check_digit(other)


@pytest.mark.parametrize(
    "whole",
    ["1987654Ad4X4bL5ttr2310c2K", "12345678901234567890123NT", "12345_!\"%&'()*+,-./LC", "99999zzzzzzzzzzzzzzzzzzT2"],
)
def test_check_pairs(whole: str) -> None:
    assert check_pair(whole[:-2]) == whole[-2:]


@pytest.mark.parametrize(
    "prefix, number, extension", [("123", 1, 0), ("9501101", 10**9, 0), ("9501101", 1, 10), ("x", 1, 0)]
)
def test_an_sscc_needs_room(prefix: str, number: int, extension: int) -> None:
    with pytest.raises(NotGs1):
        make_sscc(prefix, number, extension)
