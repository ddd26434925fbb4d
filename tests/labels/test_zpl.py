"""ZPL: read as a printer reads it, it says what it was to say; nothing in the data ends a field."""

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.labels.reading import Seen, barcodes_of, code128, labels_of

from perpetua.kit import barcodes
from perpetua.labels.rules import code128 as writing
from perpetua.labels.rules.built_in import SHIPPED
from perpetua.labels.rules.laying import Shape, lay_out, one_line
from perpetua.labels.rules.samples import samples
from perpetua.labels.rules.zpl import zpl
from perpetua.labels.types import Bars, ElementField, Line, Roll, SymbologyAsked, TemplateBody, Text

TODAY = date(2026, 11, 21)
ROLLS = [code for code, body in SHIPPED.items() if isinstance(body.size, Roll)]
printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=30)
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


def one(symbology: SymbologyAsked, *, dpi: int = 203) -> TemplateBody:
    """A template with one barcode, and as much room as there is."""
    gs1 = symbology in barcodes.GS1
    elements = [ElementField(ai="01", field="gtin"), ElementField(ai="10", field="lot")] if gs1 else []
    bars = Bars(x=0, y=0, width=250, height=60, symbology=symbology, data="" if gs1 else "{code}", elements=elements)
    size = msgspec.convert({"width": 250, "height": 60, "dpi": dpi, "type": "roll"}, Roll)
    return TemplateBody(name="One", kind="lot", size=size, elements=[bars])


def printed(body: TemplateBody, values: dict[str, str], copies: int = 1) -> str:
    """The ZPL of one label."""
    assert isinstance(body.size, Roll)
    return zpl([(lay_out(body, values, today=TODAY, label="one"), copies)], body.size)


@given(printable)
def test_code_128_says_what_it_was_to_say(data: str) -> None:
    assert code128(writing.code128(data)) == Seen("]C0", data)
    assert writing.modules(data) <= barcodes.make("code128", data).width


@given(st.text(st.sampled_from("0123456789AB\x1d"), min_size=1, max_size=30))
def test_gs1_128_keeps_every_separator(data: str) -> None:
    assert code128(writing.code128("\x1d" + data)) == Seen("]C1", data)


def test_code_128_is_as_short_as_can_be() -> None:
    assert writing.code128("1234") == ">;1234"
    assert writing.code128("AB") == ">:AB"
    assert writing.code128("A123456") == ">:A>5123456"
    assert writing.code128("\x1d0104006381333931") == ">;>80104006381333931"


@pytest.mark.parametrize("dpi", [203, 300, 600])
@pytest.mark.parametrize("symbology", ["code128", "datamatrix", "qr"])
@given(data=printable.filter(lambda text: text == text.strip()))
def test_text_symbols_are_read_back(symbology: SymbologyAsked, dpi: int, data: str) -> None:
    (label,) = labels_of(printed(one(symbology, dpi=dpi), {"code": data}))
    kinds = {"code128": "]C0", "datamatrix": "]d1", "qr": "]Q1"}
    assert list(barcodes_of(label)) == [Seen(kinds[symbology], data)]


@pytest.mark.parametrize("symbology", ["gs1_128", "gs1_datamatrix", "gs1_qr"])
@given(lot=st.text(st.sampled_from("!%&'()*+-./0123456789:;<=>?ABCXYZ_abcxyz"), min_size=1, max_size=20))
def test_elements_are_read_back(symbology: SymbologyAsked, lot: str) -> None:
    values = {"gtin": "04006381333931", "lot": lot}
    (label,) = labels_of(printed(one(symbology), values))
    kinds = {"gs1_128": "]C1", "gs1_datamatrix": "]d2", "gs1_qr": "]Q3"}
    assert list(barcodes_of(label)) == [Seen(kinds[symbology], f"010400638133393110{lot}")]


@pytest.mark.parametrize(
    "code,seen",
    [
        ("4006381333931", Seen("]E0", "4006381333931")),
        ("012345678905", Seen("]E0", "0012345678905")),
        ("96385074", Seen("]E4", "96385074")),
        ("15400141288763", Seen("]I1", "15400141288763")),
        ("4006381333932", Seen("]C0", "4006381333932")),
        ("PEAR-1", Seen("]C0", "PEAR-1")),
    ],
)
def test_a_code_is_printed_in_the_symbology_it_belongs_in(code: str, seen: Seen) -> None:
    (label,) = labels_of(printed(one("auto"), {"code": code}))
    assert list(barcodes_of(label)) == [seen]


@given(any_text)
def test_no_text_ends_its_field(text: str) -> None:
    words = Text(x=2, y=2, width=60, height=20, text="{name}", fit="wrap")
    line = Line(x=0, y=30, width=60, height=1)
    body = TemplateBody(name="Words", kind="item", size=Roll(width=100, height=50), elements=[words, line])
    (label,) = labels_of(printed(body, {"name": text}))
    assert len(label.fields) == (2 if one_line(text) else 1)


@pytest.mark.parametrize("text", ['^XZ~JR"', "a_5Eb", "back\\slash \\& \\(", "50 °C – 漢字 ł"])
def test_what_means_something_to_a_printer_prints_as_itself(text: str) -> None:
    words = Text(x=2, y=2, width=96, height=8, text="{name}")
    body = TemplateBody(name="Words", kind="item", size=Roll(width=100, height=50), elements=[words])
    (label,) = labels_of(printed(body, {"name": text}))
    assert label.fields[0].data.replace("\\\\", "\\") == text


def test_text_too_long_is_smaller_then_cut() -> None:
    words = Text(x=2, y=2, width=30, height=5, text="{name}", size=12, least=8)
    body = TemplateBody(name="Words", kind="item", size=Roll(width=100, height=50), elements=[words])
    heights = [
        (int(field.commands["A0"][1]), field.data)
        for name in ("short", "rather long a name", "far too long a name to be printed on this label at all")
        for field in labels_of(printed(body, {"name": name}))[0].fields
    ]
    assert heights[0][0] == 34  # 12 points at 203 dots per inch
    assert heights[0][0] > heights[1][0] >= heights[2][0] == round(8 / 72 * 203)
    assert heights[1][1] == "rather long a name"
    assert heights[2][1].endswith("…")


@pytest.mark.parametrize("code", ROLLS)
def test_shipped_templates_are_read_back(code: str) -> None:
    body = SHIPPED[code]
    assert isinstance(body.size, Roll)
    (label,) = labels_of(printed(body, samples(body), copies=3))
    assert label.quantity == 3
    assert label.width == round(body.size.width / 25.4 * body.size.dpi)
    assert list(barcodes_of(label)), "no barcode"
    for field in label.fields:
        assert 0 <= field.x < label.width
        assert 0 <= field.y < label.height


@pytest.mark.parametrize("code", ROLLS)
def test_bars_keep_their_quiet_zone(code: str) -> None:
    body = SHIPPED[code]
    for part in lay_out(body, samples(body), today=TODAY, label="one"):
        if isinstance(part, Shape):
            left, right = (side * part.module for side in part.symbol.quiet)
            assert part.x >= left - 0.01
            assert part.x + part.width + right <= body.size.width + 0.01
