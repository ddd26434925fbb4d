"""The documents tell the truth: their commands run, their links lead somewhere, their first commands are ours.

A fence marked ```console holds commands after `$ `. They run in order, one scratch installation a document; a fence
marked ```console no-run is only read (what serves for ever, or needs what a test doesn't have).
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from perpetua.access.types import ROLES, Permission, Role

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
OURS = ("perpetua", "printf", "head")


def name(page: Path) -> str:
    """The page as a reader writes it."""
    return page.relative_to(ROOT).as_posix()


def fences(page: Path) -> Iterator[tuple[str, str, str]]:
    """Language, marks and text of each fenced block."""
    for match in FENCE.finditer(page.read_text(encoding="utf-8")):
        yield match[1], match[2].strip(), match[3]


def commands(text: str) -> list[str]:
    """The lines after `$ `, with their continuations."""
    joined = re.sub(r"\\\n\s*", " ", text)
    return [line[2:].strip() for line in joined.splitlines() if line.startswith("$ ")]


def runnable(page: Path) -> list[str]:
    """The commands that the page promises to work."""
    return [
        line
        for language, marks, text in fences(page)
        if language == "console" and "no-run" not in marks
        for line in commands(text)
        if line.startswith(OURS)
    ]


def anchors(page: Path) -> set[str]:
    """What can follow `#` in a link to the page."""
    bare = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ +(.+)$", bare, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    broken = []
    for link in LINK.findall(text):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        there = (page.parent / target).resolve() if target else page
        if not there.exists() or (anchor and there.suffix == ".md" and anchor not in anchors(there)):
            broken.append(link)
    assert not broken, f"{name(page)}: {broken}"


@pytest.mark.parametrize("page", [page for page in PAGES if runnable(page)], ids=name)
def test_commands_run(page: Path, database_url: str, tmp_path: Path) -> None:
    surroundings = {
        **{key: value for key, value in os.environ.items() if not key.startswith("PERPETUA_")},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PERPETUA_HOME": str(tmp_path / "home"),
        "DATABASE_URL": database_url,
        "COLUMNS": "160",
    }
    for line in runnable(page):
        ran = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {line}"], cwd=tmp_path, env=surroundings,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, f"{name(page)}: $ {line}\n{ran.stdout}{ran.stderr}"


def test_every_page_is_in_its_index() -> None:
    lost = [
        name(page)
        for page in (ROOT / "docs").glob("*/*.md")
        if page.name != "README.md" and page.name not in (page.parent / "README.md").read_text(encoding="utf-8")
    ]
    assert not lost


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    unknown = [
        f"{name(page)}: {line}"
        for page in PAGES
        for language, _, text in fences(page)
        if language in {"console", "sh"}
        for line in commands(text)
        if line.startswith("make ")
        and not targets.issuperset(w for w in shlex.split(line, comments=True)[1:] if "=" not in w)
    ]
    assert not unknown


def test_readme_begins_with_the_two_commands() -> None:
    first = next(text for language, _, text in fences(ROOT / "README.md") if language == "console")
    assert [line.split("#")[0].strip() for line in commands(first)] == ["make demo", "make test"]


def test_every_decision_says_what_follows() -> None:
    for page in sorted((ROOT / "docs" / "decisions").glob("0*.md")):
        text = page.read_text(encoding="utf-8")
        parts = re.findall(r"^## (\w+)", text, re.MULTILINE)
        assert parts == ["Context", "Decision", "Consequences"], name(page)
        assert text.count("\n") < 60, f"{name(page)} is longer than a page"


def test_glossary_gives_each_word_one_meaning() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    terms = re.findall(r"^\*\*(.+?)\*\*", text, re.MULTILINE)
    assert len(terms) > 40
    assert len({term.lower() for term in terms}) == len(terms)


def test_settings_are_all_described() -> None:
    variable = re.compile(r"\b(?:PERPETUA_[A-Z_]+|DATABASE_URL|REDIS_URL)\b")
    read = set(variable.findall((ROOT / "src/perpetua/app/settings.py").read_text(encoding="utf-8")))
    told = set(variable.findall((ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")))
    assert read - {"PERPETUA_SUPERVISED"} == told  # that one is between our own processes


def test_roles_are_as_described() -> None:
    text = (ROOT / "docs/reference/roles.md").read_text(encoding="utf-8")
    told = {
        row[1]: [cell.strip() == "✓" for cell in row[2].split("|")[:-1]]
        for row in re.finditer(r"^\| `([a-z_.]+)` \|(.+)$", text, re.MULTILINE)
    }
    assert told == {name: [name in ROLES[role] for role in get_args(Role)] for name in get_args(Permission)}
