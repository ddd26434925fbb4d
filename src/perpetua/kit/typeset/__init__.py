"""Papers: a typst template and data become PDF pages, or pictures of them.

Always true:
- Data reach a template as data, never as its source: a name with `#` or `"` in it prints as itself.
- The same template and the same data give the same bytes; a template's "today" is the date it is handed.
- A template reads no file, fetches nothing, and is stopped when it takes more than its time or its memory.
- What a template does wrong is refused as `TemplateFault` with its line.

A template begins where the prelude (prelude.typ) ends: `data` is what was handed over, and `document`, `items`,
`parties`, … are what business papers share; docs/reference/documents.md describes them.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib import resources
from typing import Any, Final, Literal, get_args

import msgspec

from perpetua.kit import barcodes, json
from perpetua.kit.typeset.errors import TemplateFault, TooManyPapers
from perpetua.kit.typeset.work import Job, Made, typeset, use_fonts

__all__ = [
    "BEGINNING", "PAPERS", "PROCESSES", "SECONDS", "WAITING", "Letterhead", "Paper", "TemplateFault", "TooManyPapers",
    "packaged", "paper", "paper_data", "pdf", "pngs", "svgs", "use_fonts",
]  # fmt: skip

SECONDS: Final = 30
"""How long one paper may be worked on (the processor's time) before it is refused."""

WAITING: Final = 20
"""How many papers may wait for their turn; more are refused, and may be asked for again."""

PROCESSES: Final = 2
"""How many papers are made at a time; others wait for their turn."""

BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""The date of a paper that says none, so that the same data give the same bytes."""

Paper = Literal["purchase_order", "receiving_list", "putaway_list"]
PAPERS: Final[tuple[Paper, ...]] = get_args(Paper)


class Letterhead(msgspec.Struct, frozen=True, kw_only=True):
    """Whose paper it is: the company's name, and its address and numbers line by line."""

    name: str = ""
    lines: tuple[str, ...] = ()


_asked = 0
_threads = ThreadPoolExecutor(PROCESSES, thread_name_prefix="typeset")


async def pdf(
    template: str, data: Mapping[str, Any], *, dated: datetime = BEGINNING, seconds: float = SECONDS
) -> bytes:
    """The pages as one PDF.

    Args:
        template: typst source; what the prelude defines is at hand, and `data`.
        data: anything JSON can carry; decimals and dates arrive as text.
        dated: the document's date, and what `datetime.today()` says in it.
        seconds: how long it may be worked on.

    Raises:
        TemplateFault: the template is wrong, or takes too long or too much.
        TooManyPapers: others wait already.
    """
    return (await _made(template, data, "pdf", dated, seconds)).pages[0]


async def pngs(
    template: str,
    data: Mapping[str, Any],
    *,
    dpi: float = 144,
    dated: datetime = BEGINNING,
    seconds: float = SECONDS,
) -> list[bytes]:
    """Each page as a PNG with so many dots per inch. Raises as `pdf` does."""
    return (await _made(template, data, "png", dated, seconds, dpi)).pages


async def svgs(
    template: str, data: Mapping[str, Any], *, dated: datetime = BEGINNING, seconds: float = SECONDS
) -> list[bytes]:
    """Each page as an SVG picture. Raises as `pdf` does."""
    return (await _made(template, data, "svg", dated, seconds)).pages


async def paper(name: Paper, data: Mapping[str, Any], *, letterhead: Letterhead, dated: datetime) -> bytes:
    """A business paper as PDF, under the company's name and with its number as a barcode.

    Args:
        name: which; docs/reference/documents.md says what its data are.
        data: its data; `number` is what it is known by.
        letterhead: whose it is.
        dated: the document's date, so that it can be made again byte by byte.

    Raises:
        TemplateFault: something that it needs is not in the data.
    """
    return await pdf(packaged(f"{__name__}.papers", f"{name}.typ"), paper_data(data, letterhead), dated=dated)


def paper_data(data: Mapping[str, Any], letterhead: Letterhead) -> dict[str, Any]:
    """The data of a business paper with what all of them have: letterhead, and the number as Code 128."""
    code = barcodes.make("code128", data["number"]).svg()
    return {"note": None, **data, "letterhead": letterhead, "code": code}


def packaged(package: str, name: str) -> str:
    """The text of a template that comes with the program: `packaged("perpetua.kit.typeset", "prelude.typ")`."""
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")


async def _made(
    template: str,
    data: Mapping[str, Any],
    form: Literal["pdf", "png", "svg"],
    dated: datetime,
    seconds: float,
    dpi: float = 144,
) -> Made:
    global _asked
    if _asked >= PROCESSES + WAITING:
        raise TooManyPapers(waiting=WAITING, retry_after_seconds=5)
    job = Job(template, json.dumps(data).decode(), form, dpi, int(dated.timestamp()), seconds)
    done = asyncio.get_running_loop().run_in_executor(_threads, typeset, job)
    _asked += 1
    done.add_done_callback(_count_down)
    made = await done
    if made.fault is not None:
        raise TemplateFault(made.fault, line=made.line)
    return made


def _count_down(_: asyncio.Future[Made]) -> None:
    global _asked
    _asked -= 1
