"""Barcodes: check digits, kinds, and the one form each is kept in."""

import contextlib
import csv
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpetua.items.errors import WrongCheckDigit
from perpetua.items.rules import check_digit, expand_upce, is_restricted, normalise_barcode
from perpetua.items.types import BarcodeKind
from perpetua.kit.errors import InvalidValue

digits = st.text("0123456789", min_size=1, max_size=13)


def whole(payload: str) -> str:
    return payload + str(check_digit(payload))


@pytest.mark.parametrize(
    "text, kind, code",
    [
        ("4006381333931", "ean13", "04006381333931"),
        ("96385074", "ean8", "00000096385074"),
        ("036000291452", "upca", "00036000291452"),
        ("0036000291452", "upca", "00036000291452"),  # as a scanner sends it
        ("0 36000 29145 2", "upca", "00036000291452"),  # as printed
        ("00036000291452", "upca", "00036000291452"),
        ("10036000291459", "gtin14", "10036000291459"),
        ("978-3-16-148410-0", "ean13", "09783161484100"),  # ISBN
        ("2012345678903", "restricted", "02012345678903"),
        ("01278907", "upce", "00012000007897"),
        ("ABC-123", "code128", "ABC-123"),
        ("https://example.com/a?b", "qr", "https://example.com/a?b"),
    ],
)
def test_a_code_tells_its_kind(text: str, kind: str, code: str) -> None:
    barcode = normalise_barcode(text)
    assert (barcode.kind, barcode.code) == (kind, code)


# Source: GS1 General Specifications, figure 7.10; each last digit has its own rule.
@pytest.mark.parametrize(
    "short, long",
    [
        ("04252614", "042100005264"),
        ("01234505", "012000003455"),
        ("01234531", "012300000451"),
        ("01234543", "012340000053"),
        ("01234558", "012345000058"),
        ("01234593", "012345000096"),
    ],
)
def test_a_upce_is_expanded(short: str, long: str) -> None:
    assert expand_upce(short)[:11] == long[:11]


@pytest.mark.parametrize("short", ["425261", "0425261", "04252614"])
def test_a_upce_may_be_sent_without_its_outer_digits(short: str) -> None:
    assert normalise_barcode(short, "upce").code == "00042100005264"


def test_a_wrong_check_digit_is_refused_with_the_right_one() -> None:
    with pytest.raises(WrongCheckDigit) as refused:
        normalise_barcode("4006381333932")
    assert refused.value.facts["expected"] == 1
    assert "1 belongs" in refused.value.detail


@pytest.mark.parametrize("text", ["", "  ", "123456", "12345678901", "1" * 15, "é", "a\x00b", "a\tb", "x" * 201])
def test_what_is_no_barcode_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        normalise_barcode(text)


@pytest.mark.parametrize("text, kind", [("123", "internal"), ("4006381333932", "code128"), ("ä", "qr")])
def test_a_number_of_our_own_is_taken_as_such(text: str, kind: BarcodeKind) -> None:
    assert normalise_barcode(text, kind).code == text


@given(st.sampled_from([7, 11, 12, 13]).flatmap(lambda size: st.text("0123456789", min_size=size, max_size=size)))
def test_every_gtin_with_its_check_digit_is_taken_and_kept_once(payload: str) -> None:
    once = normalise_barcode(whole(payload))
    assert len(once.code) == 14
    assert normalise_barcode(once.code).code == once.code
    assert once.code.lstrip("0") == whole(payload).lstrip("0")


@given(digits, st.integers(1, 9), st.data())
def test_one_wrong_digit_is_always_noticed(payload: str, shift: int, data: st.DataObject) -> None:
    code = whole(payload)
    place = data.draw(st.integers(0, len(code) - 1))
    other = code[:place] + str((int(code[place]) + shift) % 10) + code[place + 1 :]
    assert check_digit(other[:-1]) != int(other[-1])


@given(st.sampled_from("01"), st.text("0123456789", min_size=6, max_size=6))
def test_a_upce_and_its_upca_are_one_code(system: str, body: str) -> None:
    payload = expand_upce(system + body + "0")[:-1]
    short = system + body + str(check_digit(payload))
    assert normalise_barcode(short, "upce").code == normalise_barcode(whole(payload)).code


@given(st.text(max_size=30))
def test_any_text_is_a_barcode_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidValue):
        assert 1 <= len(normalise_barcode(text).code) <= 200


def unpacked(archive: Path, into: Path) -> Path:
    if subprocess.run(["tar", "--zstd", "-xf", str(archive), "-C", str(into)], capture_output=True).returncode:
        pytest.skip("needs tar with zstd")
    return into


def kind_of(text: str) -> str:
    try:
        return normalise_barcode(text).kind
    except WrongCheckDigit:
        return "wrong"
    except InvalidValue:
        return "length"


@pytest.mark.real_data
def test_real_products_have_the_known_numbers_of_right_codes(shared: Path, tmp_path: Path) -> None:
    archive = shared / "data" / "gtin_uhtt" / "uhtt_fragments_dev.tar.zst"
    kinds: dict[str, int] = {}
    for file in sorted(unpacked(archive, tmp_path).rglob("*.csv")):
        with file.open(encoding="utf-8", newline="") as opened:
            for row in csv.DictReader(opened, delimiter="\t", quoting=csv.QUOTE_NONE):
                kind = kind_of(row["UPCEAN"])
                kinds[kind] = kinds.get(kind, 0) + 1
    assert kinds.pop("upce") == 360
    assert kinds.keys() <= {"ean13", "ean8", "upca", "restricted"}
    assert sum(kinds.values()) == 290_058


@pytest.mark.real_data
def test_real_food_has_the_known_numbers_of_wrong_codes(shared: Path, tmp_path: Path) -> None:
    archive = shared / "data" / "gtin_off_lifyzer" / "off_sql_dev.tar.zst"
    kinds: dict[str, int] = {}
    restricted = 0
    for file in sorted(unpacked(archive, tmp_path).rglob("*.sql")):
        for code in re.findall(BARCODE_IN_SQL, file.read_text(encoding="utf-8"), re.MULTILINE):
            kind = kind_of(code)
            kinds[kind] = kinds.get(kind, 0) + 1
            padded = code.zfill(14)
            restricted += padded.startswith("02") and is_restricted(padded)  # the known figure counts 2x alone
    assert kinds.pop("wrong") == 75
    assert kinds.pop("length") == 100
    assert kinds.pop("upce") == 11
    assert sum(kinds.values()) == 40_790
    assert restricted == 1644


BARCODE_IN_SQL = r"^VALUES \('([^']*)'"
