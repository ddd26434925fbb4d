"""Barcodes: each that is made is read back at print resolution, with its symbology identifier and its FNC1s."""

import io
from collections.abc import Sequence

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from perpetua.kit import barcodes, typeset
from perpetua.kit.barcodes import LINEAR, Symbol, Symbology
from perpetua.kit.errors import InvalidValue

ascii_text = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=24)
any_text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=24)
gs1_text = st.text(
    st.sampled_from("!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"),
    min_size=1,
    max_size=20,
)


def digits(count: int) -> st.SearchStrategy[str]:
    """Numbers of so many digits that end with their check digit."""

    def whole(body: str) -> str:
        weights = (3, 1) * count
        return body + str(-sum(int(d) * w for d, w in zip(reversed(body), weights, strict=False)) % 10)

    return st.text(st.sampled_from("0123456789"), min_size=count - 1, max_size=count - 1).map(whole)


TEXTS: dict[Symbology, st.SearchStrategy[str]] = {
    "code128": ascii_text, "ean13": digits(13), "ean8": digits(8), "upca": digits(12), "itf14": digits(14),
    "qr": any_text, "datamatrix": any_text,
}  # fmt: skip


async def read(symbol: Symbol, dpi: int, dots: int) -> Sequence[zxingcpp.Barcode]:
    """What a scanner finds on the printed symbol, each module so many dots wide, with no more white than it needs."""
    left, right = symbol.quiet
    high = 40 if symbol.linear else symbol.height
    above = 0 if symbol.linear else left
    page = f"""
#let dot = 1in / {dpi}
#set page(width: {(left + symbol.width + right) * dots} * dot, height: {(high + 2 * above) * dots} * dot, margin: 0pt)
#place(dx: {left * dots} * dot, dy: {above * dots} * dot, symbol(data.svg, width: {symbol.width * dots} * dot,
  height: {high * dots} * dot))"""
    pages = await typeset.pngs(page, {"svg": symbol.svg()}, dpi=dpi)
    return zxingcpp.read_barcodes(Image.open(io.BytesIO(pages[0])).convert("L"))


@pytest.mark.parametrize("dpi,dots", [(203, 2), (300, 3)])
@pytest.mark.parametrize("symbology", TEXTS)
@settings(max_examples=25)
@given(chosen=st.data())
async def test_text_is_read_back(symbology: Symbology, dpi: int, dots: int, chosen: st.DataObject) -> None:
    text = chosen.draw(TEXTS[symbology])
    made = barcodes.make(symbology, text)
    found = await read(made, dpi, dots)
    expected = "0" + text if symbology == "upca" else text
    assert [(one.text, one.symbology_identifier) for one in found] == [(expected, made.identifier)]


@pytest.mark.parametrize("dpi,dots", [(203, 2), (300, 3)])
@pytest.mark.parametrize("symbology", sorted(barcodes.GS1))
@settings(max_examples=25)
@given(gtin=digits(14), lot=gs1_text, serial=gs1_text)
async def test_elements_are_read_back(
    symbology: Symbology, dpi: int, dots: int, gtin: str, lot: str, serial: str
) -> None:
    if symbology in LINEAR:
        lot, serial = lot[:10], serial[:8]
    made = barcodes.make_gs1(symbology, [("01", gtin), ("10", lot), ("21", serial)])
    found = await read(made, dpi, dots)
    said = [(one.bytes.decode(), one.symbology_identifier, one.content_type) for one in found]
    assert said == [(f"01{gtin}10{lot}\x1d21{serial}", made.identifier, zxingcpp.ContentType.GS1)]


@pytest.mark.parametrize(
    "symbology,data,reason",
    [
        ("ean13", "4006381333932", "check digit must be 1"),
        ("ean13", "400638133393", "13 digits"),
        ("ean8", "9638507A", "8 digits"),
        ("upca", "٠١٢٣٤٥٦٧٨٩٠٥", "12 digits"),
        ("itf14", "15400141288764", "check digit must be 3"),
        ("code128", "é", "ASCII"),
        ("code128", "a\nb", "ASCII"),
        ("code128", "A" * 200, "too long"),
        ("code128", "", "empty"),
        ("datamatrix", "A" * 5000, "too long"),
        ("qr", "A" * 9000, "too long"),
    ],
)
def test_what_cannot_be_carried_is_refused(symbology: Symbology, data: str, reason: str) -> None:
    with pytest.raises(InvalidValue, match=reason) as caught:
        barcodes.make(symbology, data, field="code")
    assert caught.value.facts["field"] == "code"


def test_elements_that_cannot_be_carried_are_refused() -> None:
    for elements in ([], [("10", "A" * 21)], [("10", "é")], [("xx", "1")], [("10", "a[01]b")]):
        with pytest.raises(InvalidValue):
            barcodes.make_gs1("gs1_128", elements)
