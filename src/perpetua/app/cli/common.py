"""What all commands share: the database, tables or JSON, problems, exit codes."""

import contextlib
import contextvars
import sys
from collections.abc import AsyncGenerator, Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from perpetua.app.settings import Settings
from perpetua.kit import json
from perpetua.kit.errors import Refusal
from perpetua.kit.listing import Page

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from perpetua.access.types import Actor
    from perpetua.kit.database import Database

__all__ = [
    "DONE",
    "FAILED",
    "INTEGRITY",
    "INTERRUPTED",
    "USAGE",
    "actor",
    "as_json",
    "database",
    "progress",
    "say",
    "show",
    "show_page",
]

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
INTEGRITY: Final = 3
INTERRUPTED: Final = 130

_json: contextvars.ContextVar[bool] = contextvars.ContextVar("json", default=False)


@contextlib.asynccontextmanager
async def database(settings: Settings | None = None) -> "AsyncGenerator[Database]":
    """The database, opened, at the revision that this code needs.

    DATABASE_URL where it is set; else the embedded server, started when nobody runs it and stopped by its last user.
    """
    from perpetua.app import storage
    from perpetua.kit import typeset
    from perpetua.kit.database import Database

    settings = settings or Settings.load()
    typeset.use_fonts(settings.fonts)
    with storage.url(settings, say=say) as url:
        async with Database(url, min_size=settings.pool_min, max_size=settings.pool_max) as opened:
            yield opened


def actor() -> "Actor":
    """Whoever has the machine's command line: the system itself."""
    from perpetua.access.types import SYSTEM

    return msgspec.structs.replace(SYSTEM, via="cli")


def as_json() -> bool:
    """Whether the caller asked for `--json`."""
    return _json.get()


def take_json_flag(tokens: list[str]) -> list[str]:
    """The tokens without `--json` (which every command takes, anywhere before `--`); remembers that it was there."""
    end = tokens.index("--") if "--" in tokens else len(tokens)
    _json.set("--json" in tokens[:end])
    return [word for place, word in enumerate(tokens) if word != "--json" or place > end]


def show_page(page: Page[Any], *, title: str, columns: Mapping[str, str] | Sequence[str]) -> None:
    """Print a page of a list, and how to go on; with `--json` the page as it is."""
    if as_json():
        return show(page)
    show(page.items, title=title, columns=columns)
    if page.next_cursor:
        say(f"There are more: --cursor {page.next_cursor}")
    return None


def show(value: Any, *, title: str | None = None, columns: Mapping[str, str] | Sequence[str] | None = None) -> None:
    """Print an answer: rows as a table, one thing as its facts; with `--json` the value as it is.

    Args:
        value: a Struct or mapping; or an iterable of them.
        title: above the table; not in JSON.
        columns: which fields to show, as names or as name → heading; JSON always holds all.
    """
    if as_json():
        plain = json.plain(value if isinstance(value, Mapping | msgspec.Struct) or _scalar(value) else list(value))
        sys.stdout.write(msgspec.json.format(json.dumps(plain), indent=2).decode() + "\n")
        return None
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold")
    if _scalar(value):
        return console().print(str(value), highlight=False, markup=False)
    if isinstance(value, Mapping | msgspec.Struct):
        facts = _fields(value)
        headings = _headings(columns, facts)
        table.show_header = False
        for name, heading in headings.items():
            table.add_row(heading, cell(facts.get(name)))
        return console().print(table)
    rows = [_fields(row) for row in value]
    headings = _headings(columns, rows[0] if rows else {})
    for name, heading in headings.items():
        numbers = bool(rows) and all(_is_number(row.get(name)) for row in rows)
        table.add_column(heading, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(cell(row.get(name)) for name in headings))
    if not rows:
        return say(f"{title or 'Rows'}: none.")
    return console().print(table)


def say(text: str) -> None:
    """One line for a person, on the error output (so that the standard output holds answers alone)."""
    console(stderr=True).print(text, highlight=False, markup=False)


@contextlib.contextmanager
def progress() -> "Generator[Progress]":
    """A progress bar on the error output; silent with `--json` and where nobody looks."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    parts = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    out = console(stderr=True)
    with Progress(*parts, TimeRemainingColumn(), console=out, disable=as_json() or not out.is_terminal) as bar:
        yield bar


def refused(refusal: Refusal) -> None:
    """Print a refusal as a problem."""
    problem(refusal.code, refusal.title, refusal.detail, refusal.facts)


def problem(code: str, title: str, detail: str, facts: Mapping[str, Any] | None = None) -> None:
    """Print what went wrong: for a person on the error output, with `--json` as one document on the standard output."""
    if as_json():
        document = {"type": f"/problems/{code}", "title": title, "detail": detail, "code": code, **(facts or {})}
        sys.stdout.write(json.dumps(_told(document)).decode() + "\n")
        return
    out = console(stderr=True)
    out.print(f"[bold red]{_escaped(title)}[/]  {_escaped(detail)}", highlight=False)
    for name, value in (facts or {}).items():
        shown = cell(value)
        if shown not in detail:
            out.print(f"  {_escaped(name)}: {_escaped(shown)}", highlight=False)


def console(*, stderr: bool = False) -> "Console":
    """Where people read; wide when it is no terminal, so that tables in files and pipes are not cut."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else 200, soft_wrap=stderr)


def cell(value: Any) -> str:
    """One value as a table shows it."""
    match value:
        case None | msgspec.UNSET:
            return ""
        case bool():
            return "yes" if value else "no"
        case list() | tuple() | set() | frozenset():
            return ", ".join(cell(part) for part in cast(Iterable[Any], value))
        case dict():
            return json.dumps(_told(cast(dict[str, Any], value))).decode()
        case _:
            plain = json.plain(value)
            return plain if isinstance(plain, str) else str(value)


def database_errors() -> tuple[type[BaseException], ...]:
    """What psycopg raises when the server is not there; empty where psycopg was never needed."""
    if "psycopg" not in sys.modules:
        return ()
    from psycopg import OperationalError

    return (OperationalError,)


def first_line(error: BaseException) -> str:
    """The first line of an error's text."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _told(document: dict[str, Any]) -> dict[str, Any]:
    """Facts as JSON carries them; what JSON does not know is shown as text."""
    return {name: msgspec.to_builtins(value, enc_hook=str) for name, value in document.items()}


def _fields(value: Any) -> dict[str, Any]:
    return dict(cast(Mapping[str, Any], value)) if isinstance(value, Mapping) else msgspec.structs.asdict(value)


def _headings(columns: Mapping[str, str] | Sequence[str] | None, first: Mapping[str, Any]) -> dict[str, str]:
    if isinstance(columns, Mapping):
        return dict(columns)
    names = columns if columns is not None else [name for name, value in first.items() if value is not msgspec.UNSET]
    return {name: name.replace("_", " ") for name in names}


def _scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | bytes | int | float | bool)


def _is_number(value: Any) -> bool:
    from decimal import Decimal

    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
