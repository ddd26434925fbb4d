"""What is printed is read: every barcode of every shipped template, as typst draws it at a printer's resolution."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.labels.reading import Seen, scanned

from perpetua.gs1.service import label_data, parse
from perpetua.kit import typeset
from perpetua.labels.rules.built_in import SHIPPED
from perpetua.labels.rules.laying import Part, lay_out
from perpetua.labels.rules.paging import pages_of
from perpetua.labels.rules.samples import samples
from perpetua.labels.types import Bars, ElementField, Roll, Sheet, SymbologyAsked, TemplateBody

TODAY = date(2026, 11, 21)
lots = st.text(st.sampled_from("!%&'()*+-./0123456789:;<=>?ABCXYZ_abcxyz"), min_size=1, max_size=12)
codes = st.from_regex(r"[A-Z]{2,3}-[A-Z]-[0-9]{2}-[0-9]{2}-[0-9]", fullmatch=True)
KINDS: dict[SymbologyAsked, str] = {
    "code128": "]C0", "gs1_128": "]C1", "ean13": "]E0", "ean8": "]E4", "upca": "]E0", "itf14": "]I1", "qr": "]Q1",
    "gs1_qr": "]Q3", "datamatrix": "]d1", "gs1_datamatrix": "]d2",
}  # fmt: skip
CODES: dict[SymbologyAsked, str] = {
    "ean13": "4006381333931", "ean8": "96385074", "upca": "012345678905", "itf14": "15400141288763",
}  # fmt: skip


def laid(body: TemplateBody, **values: str) -> list[Part]:
    """One label with usual values, but for those given."""
    return lay_out(body, samples(body) | values, today=TODAY, label="one")


def dots_of(body: TemplateBody) -> int:
    """The resolution that the template is for."""
    return body.size.dpi if isinstance(body.size, Roll) else 300


def expected(body: TemplateBody) -> Seen:
    """What its barcode says with usual values."""
    values = samples(body)
    match body.kind:
        case "item":
            return Seen("]E0", values["code"])
        case "place":
            return Seen("]C0", values["code"])
        case "plate":
            return Seen("]C1", "00" + values["sscc"])
        case _:
            matrix = any(isinstance(one, Bars) and one.symbology == "gs1_datamatrix" for one in body.elements)
            return Seen("]d2" if matrix else "]C1", "01040063813339311727033110L2026-0318")


@pytest.mark.parametrize("code", SHIPPED)
async def test_shipped_templates_are_read_back(code: str) -> None:
    body = SHIPPED[code]
    (seen,) = await scanned([(laid(body), 1)], body.size, dpi=dots_of(body))
    assert seen == [expected(body)]


@pytest.mark.parametrize("dpi", [203, 300])
@pytest.mark.parametrize("symbology", KINDS)
@settings(max_examples=10)
@given(lot=lots)
async def test_every_symbology_is_read_back(symbology: SymbologyAsked, dpi: int, lot: str) -> None:
    gs1 = symbology.startswith("gs1")
    elements = [ElementField(ai="01", field="gtin"), ElementField(ai="10", field="lot")] if gs1 else []
    code = CODES.get(symbology, lot)
    bars = Bars(
        x=2, y=2, width=92, height=30, symbology=symbology, data="" if gs1 else "{code}", elements=elements,
    )  # fmt: skip
    size = Roll(width=100, height=40) if dpi == 203 else Roll(width=100, height=40, dpi=300)
    body = TemplateBody(name="One", kind="lot", size=size, elements=[bars])
    (seen,) = await scanned([(laid(body, code=code, lot=lot), 1)], size, dpi=dpi)
    data = f"010400638133393110{lot}" if gs1 else "0" + code if symbology == "upca" else code
    assert seen == [Seen(KINDS[symbology], data)]


@settings(max_examples=20)
@given(places=st.lists(codes, min_size=14, max_size=14, unique=True))
async def test_a_sheet_of_places_is_read_back(places: list[str]) -> None:
    body = SHIPPED["place-a4-2x7"]
    pages = await scanned([(laid(body, code=code), 1) for code in places], body.size, dpi=300)
    assert [sorted(page) for page in pages] == [sorted(Seen("]C0", code) for code in places)]


@pytest.mark.parametrize("code", ["lot-roll-100x50", "lot-roll-57x32", "receipt-roll-100x50", "plate-roll-100x150"])
async def test_what_we_print_we_understand(code: str) -> None:
    """A label scanned by our own reading of GS1 says what it was told to."""
    body = SHIPPED[code]
    ((seen,),) = await scanned([(laid(body), 1)], body.size, dpi=dots_of(body))
    said = label_data(parse(seen.identifier + seen.data, today=TODAY).elements)
    values = samples(body)
    if body.kind == "plate":
        assert said.sscc == values["sscc"]
    else:
        told = (said.gtin, said.lot, str(said.expires_on))
        assert told == (values["gtin"], values["lot"], values["expires"])


async def test_a_used_sheet_begins_where_it_is_said() -> None:
    body = SHIPPED["item-a4-3x8"]
    assert isinstance(body.size, Sheet)
    pages = pages_of([(laid(body), 30)], body.size, start=20)["pages"]
    assert [len(page) for page in pages] == [5, 24, 1]
    assert (pages[0][0]["x"], pages[0][0]["y"]) == (70, 0.5 + 6 * 37)
    assert (pages[1][0]["x"], pages[1][0]["y"]) == (0, 0.5)
    seen = await scanned([(laid(body), 30)], body.size, dpi=203, start=20)
    assert [len(page) for page in seen] == [5, 24, 1]


async def test_text_stays_in_its_box() -> None:
    """However long it is, what lies around its box stays as white as it was."""
    body = SHIPPED["item-roll-57x32"]
    for long in ("W" * 300, "very long words of an item's name " * 20, "漢字" * 100):
        values = {"sku": long[:64].strip(), "name": long.strip()}
        (seen,) = await scanned([(laid(body, **values), 1)], body.size, dpi=203)
        assert seen == [expected(body)]


async def test_the_same_labels_are_the_same_bytes() -> None:
    from tests.labels.reading import TEMPLATE

    body = SHIPPED["lot-roll-100x50"]
    data = pages_of([(laid(body), 5)], body.size)
    assert await typeset.pdf(TEMPLATE, data) == await typeset.pdf(TEMPLATE, data)
    assert len(data["symbols"]) == 1, "copies draw the same symbol"


@pytest.mark.parametrize("code", ["lot-roll-100x50", "item-roll-57x32", "item-a4-3x8"])
async def test_where_bars_would_be_too_fine_a_square_says_the_same(code: str) -> None:
    body = SHIPPED[code]
    values = {"lot": "LOT-" + "x" * 16, "code": "SKU-" + "y" * 40, "sku": "SKU-" + "y" * 40}
    (seen,) = await scanned([(laid(body, **values), 1)], body.size, dpi=dots_of(body))
    held = f"01040063813339311727033110{values['lot']}"
    assert seen == [Seen("]d2", held) if body.kind == "lot" else Seen("]d1", values["code"])]
    longest = {"code": "A" * 64, "sku": "W" * 64, "name": "A name " * 40}
    assert len((await scanned([(laid(body, **longest), 1)], body.size, dpi=dots_of(body)))[0]) == 1
