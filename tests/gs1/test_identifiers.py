"""Every application identifier: known, checked, read and built."""

import re
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gs1.values import TODAY, part_values, values
from tools.gs1_table import module

from perpetua.gs1.errors import NotGs1
from perpetua.gs1.rules import table
from perpetua.gs1.rules.checks import CHECKS
from perpetua.gs1.rules.faults import Fault
from perpetua.gs1.service import IDENTIFIERS, bracketed, element_string, elements_of, parse

ALIKE = [
    [one.ai for one in group] for _, group in groupby(IDENTIFIERS.values(), key=lambda one: (one.ai[:3], one.parts))
]
"""Identifiers whose values have the same form, such as 3100 to 3105."""


@pytest.fixture
def dictionary(shared: Path) -> str:
    """GS1's syntax dictionary."""
    return (shared / "data" / "gs1_syntax" / "gs1-syntax-dictionary.txt").read_text(encoding="utf-8")


@pytest.mark.real_data
def test_the_table_is_the_dictionary(dictionary: str) -> None:
    assert Path(table.__file__).read_text(encoding="utf-8") == module(dictionary)


@pytest.mark.real_data
def test_every_identifier_of_the_dictionary_is_known(dictionary: str) -> None:
    listed: set[str] = set()
    checks: set[str] = set()
    for line in dictionary.splitlines():
        if found := re.match(r"(\d+)(?:-(\d+))?\s", line):
            first, last = found[1], found[2] or found[1]
            listed |= {str(number).zfill(len(first)) for number in range(int(first), int(last) + 1)}
            checks |= set(re.findall(r",([a-z]\w+)", line.split("=")[0].split("#")[0]))
    assert set(IDENTIFIERS) == listed
    assert len(listed) == 541
    assert checks == set(CHECKS)


def test_two_digits_tell_how_many_an_identifier_has() -> None:
    widths = {(ai[:2], len(ai)) for ai in IDENTIFIERS}
    assert len(widths) == len({digits for digits, _ in widths})


@pytest.mark.parametrize("alike", ALIKE, ids="-".join)
@settings(max_examples=5)
@given(data=st.data())
def test_right_values_are_read_and_built(alike: list[str], data: st.DataObject) -> None:
    value = data.draw(values(alike[0]))
    for ai in alike:
        is_read_and_built(ai, value)


def is_read_and_built(ai: str, value: str) -> None:
    """The value comes back in each form, with its meaning."""
    elements = elements_of([(ai, value)], today=TODAY, complete=False)
    assert (elements[0].ai, elements[0].value, elements[0].title) == (ai, value, IDENTIFIERS[ai].title)
    for text in ("]C1" + element_string(elements), element_string(elements, leading=True), bracketed(elements)):
        read = parse(text, today=TODAY)
        assert [(one.ai, one.value, one.meaning) for one in read.elements] == [(ai, value, elements[0].meaning)]
        assert not read.ambiguous


@pytest.mark.parametrize("ai", [alike[-1] for alike in ALIKE])
@settings(max_examples=2)
@given(data=st.data())
def test_wrong_values_are_refused_by_name(ai: str, data: st.DataObject) -> None:
    identifier = IDENTIFIERS[ai]
    value = data.draw(values(ai))
    wrong = [value + "\x01", " " + value, "x" * (identifier.most + 1), "\ud800" + value[1:]]
    if identifier.parts[0].kind == "N":
        wrong.append("A" + value[1:])
    if len(value) <= identifier.least:
        wrong.append(value[:-1])
    for text in wrong:
        with pytest.raises(NotGs1) as refused:
            elements_of([(ai, text)], today=TODAY, complete=False)
        assert refused.value.facts["ai"] == ai
        assert refused.value.facts["advice"]
        assert refused.value.facts["reason"].startswith(f"({ai})")


WRONG = {
    "couponcode": [
        "",
        "0123",
        "712345612345611110123",
        "0123456123456111101230",
        "01234561234561111012332613",
        "0123456123456111101233260230",
    ],
    "couponposoffer": ["201234561234560123456", "0012345612345601234567", "00123456"],
    "csum": ["09501101530004", "106141412345678909"],
    "csumalpha": ["1987654Ad4X4bL5ttr2310cXK", "22", "1987654Ad4X4bL5ttr2310c2k"],
    "gcppos1": ["12A4567", "123"],
    "gcppos2": ["1123A567"],
    "hasnondigit": ["12345"],
    "hh": ["24"],
    "hhmi": ["2400", "1260"],
    "hyphen": ["+"],
    "iban": ["FR7630006000011234567890188", "XX361234567890", "DE9110000000", "LC14BOSLxx3456789012345678901230"],
    "importeridx": ["*", "/"],
    "iso3166": ["000", "999", "003"],
    "iso3166999": ["998"],
    "iso3166alpha2": ["XX", "de"],
    "iso4217": ["000", "001"],
    "iso5218": ["3"],
    "latitude": ["1800000001"],
    "longitude": ["3600000001"],
    "mediatype": ["00", "11", "79"],
    "mi": ["60"],
    "nonzero": ["0000"],
    "nozeroprefix": ["0", "01"],
    "packagetype": ["00", "1a", "0000"],
    "pcenc": ["%", "a%2", "%GG"],
    "pieceoftotal": ["0001", "0100", "0302"],
    "posinseqslash": ["0/1", "1/0", "2/1", "1//", "01/"],
    "ss": ["60"],
    "winding": ["2"],
    "yesno": ["2"],
    "yymmd0": ["261301", "260032", "260230", "250229"],
    "yymmdd": ["260100", "261301", "250229"],
    "yyyymmdd": ["20261301", "19000229", "00000101", "20260100"],
    "zero": ["1"],
}


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_each_check_refuses_what_is_wrong(name: str) -> None:
    for text in WRONG[name]:
        with pytest.raises(Fault):
            CHECKS[name](text)


@pytest.mark.parametrize("name", sorted(CHECKS))
@settings(max_examples=20)
@given(data=st.data())
def test_each_check_takes_what_is_right(name: str, data: st.DataObject) -> None:
    part = next(part for one in IDENTIFIERS.values() for part in one.parts if name in part.checks)
    CHECKS[name](data.draw(part_values(part)))
