"""Business papers: of one line and of five hundred, their number scanned off them."""

import io
from datetime import UTC, datetime

import pytest
import zxingcpp
from PIL import Image
from tests.kit.papers import data_of

from perpetua.kit import typeset
from perpetua.kit.typeset import PAPERS, Letterhead, Paper

DATED = datetime(2026, 11, 21, tzinfo=UTC)
HEAD = Letterhead(name="Harbour Goods Ltd", lines=("4 Quay Street", "Leeds LS1 4DL", "VAT GB 123 4567 89"))


async def pages(name: Paper, count: int, head: Letterhead = HEAD) -> list[Image.Image]:
    """Pictures of its pages."""
    template = typeset.packaged("perpetua.kit.typeset.papers", f"{name}.typ")
    made = await typeset.pngs(template, typeset.paper_data(data_of(name, count), head), dpi=150)
    return [Image.open(io.BytesIO(page)).convert("L") for page in made]


@pytest.mark.parametrize("count", [1, 500])
@pytest.mark.parametrize("name", PAPERS)
async def test_papers_are_made(name: Paper, count: int) -> None:
    made = await typeset.paper(name, data_of(name, count), letterhead=HEAD, dated=DATED)
    assert made.startswith(b"%PDF-")
    assert made == await typeset.paper(name, data_of(name, count), letterhead=HEAD, dated=DATED)
    drawn = await pages(name, count)
    assert (len(drawn) == 1) == (count == 1)
    read = zxingcpp.read_barcodes(drawn[0], formats=zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.Code128]))
    assert [one.text for one in read] == [data_of(name, 1)["number"]]


async def test_places_are_scanned_off_a_putaway_list() -> None:
    (drawn,) = await pages("putaway_list", 5)
    read = zxingcpp.read_barcodes(drawn, formats=zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.DataMatrix]))
    assert sorted(one.text for one in read) == [f"LON-A-04-0{number}-3" for number in range(1, 6)]


@pytest.mark.parametrize("name", PAPERS)
async def test_every_page_has_its_margins(name: Paper) -> None:
    """Nothing runs off the paper: a centimetre at each side stays white."""
    for page in await pages(name, 60):
        rim = round(150 / 2.54)
        left, right = page.crop((0, 0, rim, page.height)), page.crop((page.width - rim, 0, page.width, page.height))
        assert left.getextrema() == right.getextrema() == (255, 255)


async def test_papers_without_a_letterhead() -> None:
    assert len(await pages("receiving_list", 1, Letterhead())) == 1


async def test_what_is_missing_is_named() -> None:
    data = data_of("purchase_order", 1)
    del data["supplier"]
    with pytest.raises(typeset.TemplateFault, match="supplier"):
        await typeset.paper("purchase_order", data, letterhead=HEAD, dated=DATED)
