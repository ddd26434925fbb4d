"""Radio tags are read as the standard has it; packages become units."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpetua.kit.errors import InvalidValue
from perpetua.scanning import rules
from perpetua.scanning.errors import QuantityNeeded
from perpetua.scanning.types import Scan

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_the_standards_own_example_of_a_tag() -> None:
    # GS1 EPC Tag Data Standard 1.13, figure E-1.
    by_uri = rules.read_tag("urn:epc:id:sgtin:0614141.812345.6789", None)
    by_bits = rules.read_tag("3074257BF7194E4000001A85", "epc")
    assert by_uri == by_bits
    assert by_uri is not None
    assert (by_uri.gtin, by_uri.serial) == ("80614141123458", "6789")


@pytest.mark.parametrize(
    "code, symbology",
    [
        ("3074257BF7194E4000001A85", None),
        ("3174257BF7194E4000001A85", "epc"),
        ("307C257BF7194E4000001A85", "epc"),
        ("urn:epc:id:sgtin:0614141.8123.6789", None),
        ("urn:epc:id:sscc:0614141.1234567890", None),
        ("", "epc"),
    ],
)
def test_what_is_no_tag_is_left_to_others(code: str, symbology: str | None) -> None:
    assert rules.read_tag(code, symbology) is None


@given(st.text(max_size=30), st.sampled_from([None, "epc", "rfid", "ean13"]))
def test_any_text_is_read_or_left(code: str, symbology: str | None) -> None:
    reading = rules.read_tag(code, symbology)
    assert reading is None or len(reading.codes[0]) == 14


@given(st.integers(0, 2**96 - 1))
def test_any_tag_is_read_or_left(bits: int) -> None:
    reading = rules.read_tag(f"{bits:024X}", "rfid")
    assert reading is None or (reading.gtin or "").isdigit()


def test_packages_become_units() -> None:
    case = Decimal(12)
    assert rules.base_quantity(Scan(code="x", action="receive"), case, case) == 12
    assert rules.base_quantity(Scan(code="x", action="receive"), Decimal(1), Decimal(30)) == 30
    assert rules.base_quantity(Scan(code="x", action="move", quantity=Decimal(3)), case, Decimal(30)) == 36
    assert rules.base_quantity(Scan(code="x", action="adjust", quantity=Decimal(-2)), case, None) == -24
    assert rules.base_quantity(Scan(code="x", action="count", quantity=Decimal(0)), case, None) == 0
    for action in ("adjust", "count"):
        with pytest.raises(QuantityNeeded):
            rules.base_quantity(Scan(code="x", action=action), case, None)
    for wrong in ("0", "-1", "NaN", "Infinity", "1e400", "0.00001"):
        with pytest.raises(InvalidValue):
            rules.base_quantity(Scan(code="x", action="receive", quantity=Decimal(wrong)), case, case)


@given(st.timedeltas(min_value=timedelta(days=-9999), max_value=timedelta(days=9999)))
def test_stock_never_moves_after_its_scan_was_received(ahead: timedelta) -> None:
    assert rules.effective_at(NOW + ahead, NOW) <= NOW
    assert rules.effective_at(None, NOW) == NOW
