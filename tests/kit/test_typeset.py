"""Papers: data print as themselves, the same bytes come again, and a template can do no harm."""

import asyncio
import importlib.util
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psutil
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from perpetua.kit import typeset
from perpetua.kit.typeset import work

NASTY = '#[a] #read("x") "q" \\ $x$ *b* _c_ @d <e> `f` ~ -- \' // /* } ] ) \t é ł 漢字 العربية 🦀'
SAME = "#assert(data.x.codepoints().map(str.to-unicode) == data.codes)"


async def test_a_page_is_made() -> None:
    made = await typeset.pdf("Hello, #data.name", {"name": "Ann"})
    assert made.startswith(b"%PDF-")
    pages = await typeset.pngs("One #pagebreak() Two", {})
    assert len(pages) == 2
    assert all(page.startswith(b"\x89PNG") for page in pages)
    assert (await typeset.svgs("One", {}))[0].lstrip().startswith(b"<svg")


@hypothesis_settings(max_examples=150)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
async def test_any_text_arrives_as_itself(text: str) -> None:
    await typeset.svgs(SAME + "\n#data.x", {"x": text, "codes": [ord(sign) for sign in text]})


async def test_what_looks_like_markup_prints_as_itself() -> None:
    one_by_one = "#data.codes.map(str.from-unicode).map(sign => [#sign]).join()"
    data = {"x": "#*_$@<`~", "codes": [ord(sign) for sign in "#*_$@<`~"]}
    assert await typeset.pngs("#data.x", data) == await typeset.pngs(one_by_one, data)
    assert await typeset.pngs("#data.x", {"x": "*b*"}) != await typeset.pngs("*b*", {})
    await typeset.pdf(SAME + "\n#data.x", {"x": NASTY, "codes": [ord(sign) for sign in NASTY]})


async def test_the_same_data_give_the_same_bytes() -> None:
    template = '#datetime.today().display() #data.x #pagebreak() #lines((([A], "a", 1fr, left),), data.rows)'
    data = {"x": NASTY, "rows": [{"a": str(number)} for number in range(100)]}
    made = await asyncio.gather(*(typeset.pdf(template, data) for _ in range(6)))
    assert len(set(made)) == 1
    assert made[0] != await typeset.pdf(template, data, dated=datetime(2026, 3, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "template,reason",
    [
        ('#read("/etc/passwd")', "read files"),
        ('#read("../../../../etc/passwd")', "read files"),
        ('#read("prelude.typ")', "read files"),
        ('#image("/etc/passwd")', "read files"),
        ('#import "prelude.typ": *', "read files"),
        ('#import "@preview/cetz:0.2.0": *', "packages"),
        ('#import "@local/mine:0.2.0": *', "packages"),
    ],
)
async def test_a_template_reaches_nothing(template: str, reason: str) -> None:
    with pytest.raises(typeset.TemplateFault, match=reason) as caught:
        await typeset.pdf("\n\n" + template, {})
    assert caught.value.facts["line"] == 3


async def test_a_file_of_ours_stays_closed(tmp_path: Path) -> None:
    """Not the template's manners but the process's limits keep files shut: even below its own root."""
    with pytest.raises(typeset.TemplateFault, match="read files"):
        await typeset.pdf('#read("__init__.py")', {})


@pytest.mark.parametrize(
    "template,line,reason",
    [
        ("a\n\n#foo", 3, "unknown variable: foo"),
        ("#(", 1, "unclosed delimiter"),
        ("a\n#data.nope", 2, "nope"),
        ("#while true {}", 1, "always true"),
        ("#let f(n) = f(n + 1)\n#f(0)", 2, "depth"),
        ('a\n#facts(("x",))', 2, "at"),
    ],
)
async def test_a_fault_names_its_line(template: str, line: int, reason: str) -> None:
    with pytest.raises(typeset.TemplateFault, match=reason) as caught:
        await typeset.pdf(template, {})
    assert caught.value.facts["line"] == line
    assert caught.value.status == 422


@pytest.mark.parametrize(
    "template",
    [
        "#{ let a = (); for i in range(100000) { for j in range(100000) { a = (i, j) } } }",
        '#{ let x = "aaaaaaaaaa"; for i in range(45) { x = x + x } }',
        "#{ let a = (); for i in range(100000) { a.push(range(1000000)) } }",
    ],
)
async def test_a_template_that_never_ends_is_ended(template: str) -> None:
    began = time.monotonic()
    with pytest.raises(typeset.TemplateFault, match=r"more than 1 seconds|too much memory"):
        await typeset.pdf(template, {}, seconds=1)
    assert time.monotonic() - began < 10
    assert (await typeset.pdf("Still here", {})).startswith(b"%PDF-")


async def test_a_picture_too_large_is_refused() -> None:
    with pytest.raises(typeset.TemplateFault, match="too much memory"):
        await typeset.pngs("#set page(width: 10000mm, height: 10000mm)\nx", {}, dpi=600)
    assert await typeset.pngs("Still here", {})


@pytest.mark.parametrize("text", ["é ł ß Ω Ж", "العربية", "עברית", "हिन्दी"])
async def test_letters_that_the_fonts_have(text: str) -> None:
    """Each letter has a picture of its own, rather than the box that stands for letters a font doesn't have."""
    missing = await typeset.pngs("#set page(width: 20mm, height: 20mm)\n#data.x", {"x": "\ue0ff"})
    for letter in text.replace(" ", ""):
        drawn = await typeset.pngs("#set page(width: 20mm, height: 20mm)\n#data.x", {"x": letter})
        assert drawn != missing, letter


async def test_many_papers_do_not_use_up_the_memory() -> None:
    """Each is large, and unlike all before it: what typst remembers of them would add up."""
    for number in range(40):
        page = f"#set page(width: 200mm, height: 200mm)\n#rect(width: {number + 10}mm, height: 100mm, fill: blue)"
        assert await typeset.pngs(page, {}, dpi=400)


async def test_who_asks_while_too_many_wait_is_told_to_come_again() -> None:
    asked = [asyncio.create_task(typeset.pdf(f"Number {number}", {})) for number in range(60)]
    done = await asyncio.gather(*asked, return_exceptions=True)
    refused = [one for one in done if isinstance(one, typeset.TooManyPapers)]
    assert len(refused) == 60 - typeset.PROCESSES - typeset.WAITING
    assert refused[0].facts["retry_after_seconds"] > 0
    assert await typeset.pdf("Now there is room", {})


async def test_more_fonts(tmp_path: Path) -> None:
    """A process begun with a folder of fonts has them; it can open no file all the same."""
    found = importlib.util.find_spec("font_source_sans_pro")
    assert found is not None
    ours = Path((found.submodule_search_locations or [])[0]) / "files"
    shutil.copyfile(ours / "SourceSansPro-Black.ttf", tmp_path / "black.ttf")
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    job = work.Job('#text(font: "Source Sans Pro", weight: 900)[Heavy]', "{}", "png", 100, 0, 10)
    without = await asyncio.to_thread(work.typeset, job)
    work.use_fonts(str(tmp_path))
    try:
        with ThreadPoolExecutor(1) as thread:
            made = thread.submit(work.typeset, job).result()
            stolen = thread.submit(work.typeset, msgspec.structs.replace(job, template='#read("black.ttf")')).result()
    finally:
        work.use_fonts(None)
    assert made.fault is None
    assert made.pages != without.pages
    assert stolen.fault is not None


async def test_a_killed_owner_leaves_nobody_behind() -> None:
    source = """if True:
        import asyncio, sys
        from perpetua.kit.typeset import pdf, work
        asyncio.run(pdf("Hello", {}))
        print(*(one.pid for one in work.processes()), flush=True)
        sys.stdin.read()"""
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", source, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert owner.stdout is not None
    (child,) = [psutil.Process(int(pid)) for pid in (await owner.stdout.readline()).split()]
    owner.kill()
    await owner.wait()
    await asyncio.to_thread(child.wait, 20)
    assert not child.is_running()
