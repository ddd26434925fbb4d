"""The process that typesets: it reads jobs, and writes pages or faults.

It runs what people wrote, so it gives away first what it doesn't need: after the fonts are read it can open nothing
more (no file, no connection), and it may use so much memory and, for each job, so much time.
"""

import contextlib
import importlib.util
import re
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Final

import msgspec
import typst

from perpetua.kit import json
from perpetua.kit.typeset.work import Job, Made, receive, send

MEMORY_BYTES: Final = 2 * 1024**3
FULL_BYTES: Final = 600 * 1024**2
"""Typst remembers parts of what it made, to be faster next time, and forgets nothing: at this size, begin anew."""
OPEN_FILES: Final = 3
"""Standard input, output and errors: all that may be open."""

FONT_PACKAGE: Final = "font_source_sans_pro"
FONT_FILES: Final = ("Regular", "It", "Semibold", "Bold", "BoldIt")
_WHERE: Final = re.compile(r"┌─ .*?:(\d+):\d+")


def main() -> None:
    """Work until nobody sends jobs any more. Folders of more fonts may follow the command."""
    here = Path(__file__).parent
    prelude = (here / "prelude.typ").read_text(encoding="utf-8").rstrip() + "\n"
    compiler = typst.Compiler(font_paths=_fonts(sys.argv[1:]), root=str(here))
    _lock_up()
    while (message := receive(0)) is not None:
        job = msgspec.msgpack.decode(message, type=Job)
        _set_alarm(job.seconds)
        made = _make(compiler, prelude, job)
        _set_alarm(0)
        full = _used_bytes() > FULL_BYTES
        send(1, msgspec.msgpack.encode(msgspec.structs.replace(made, last=full)))
        if full:
            return


def _make(compiler: typst.Compiler, prelude: str, job: Job) -> Made:
    try:
        pages = compiler.compile(
            (prelude + job.template).encode(),
            format=job.form,
            ppi=job.dpi,
            sys_inputs={"data": job.data},
            timestamp=job.timestamp,
        )
    except typst.TypstError as error:
        return _fault(error, prelude.count("\n"))
    except RuntimeError as error:
        return Made(fault=str(error).splitlines()[0])
    return Made(pages=pages if isinstance(pages, list) else [pages or b""])


def _fault(error: typst.TypstError, lines_before: int) -> Made:
    """What typst says, with the line of the template: the last place it names is the template's own."""
    places = [int(line) - lines_before for line in _WHERE.findall(error.diagnostic or "")]
    line = next((place for place in reversed(places) if place > 0), None)
    if "failed to download" in error.message or "package not found" in error.message:
        return Made(fault="a template cannot use packages", line=line)
    if any(said in error.message for said in ("file not found", "failed to load file", "escape the project root")):
        return Made(fault="a template cannot read files", line=line)
    return Made(fault="; ".join([error.message, *error.hints]).rstrip("."), line=line)


def _fonts(more: list[str]) -> typst.Fonts:
    """The fonts of typst, ours, and those of more folders; read now, as no file can be opened later."""
    found = importlib.util.find_spec(FONT_PACKAGE)
    folders = list(found.submodule_search_locations or []) if found else []
    with tempfile.TemporaryDirectory(prefix="perpetua-fonts-") as place:
        for name in FONT_FILES if folders else ():
            file = f"SourceSansPro-{name}.ttf"
            shutil.copyfile(Path(folders[0]) / "files" / file, Path(place) / file)
        fonts = typst.Fonts(include_system_fonts=False, font_paths=[place, *more])
        sample = "\n".join(
            f'#text(font: {json.dumps(font.family).decode()}, weight: {font.weight}, style: "{font.style.lower()}")[Aa]'
            for font in fonts.fonts()
        )
        typst.Compiler(font_paths=fonts, root=place).compile(sample.encode(), format="pdf", timestamp=0)
    return fonts


def _used_bytes() -> int:
    """The most memory that was used so far; 0 where the system doesn't tell."""
    with contextlib.suppress(ImportError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return 0


def _lock_up() -> None:
    """Give away files, connections and memory beyond what typesetting needs, where the system knows such limits."""
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    for name in ("SIGINT", "SIGTERM"):
        # A Ctrl-C is for our owner, who tells us by closing our input.
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN if name == "SIGINT" else signal.SIG_DFL)


def _set_alarm(seconds: float) -> None:
    """Die after so many seconds of work, whatever is running then; 0 takes it back. Waiting for a busy machine is no
    work: a paper is not refused because others are made beside it.
    """
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


if __name__ == "__main__":
    main()
