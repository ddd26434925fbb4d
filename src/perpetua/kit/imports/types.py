"""The vocabulary of imports, and what a word implements."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

import msgspec

from perpetua.kit.database import Tx
from perpetua.kit.tabular import Table

__all__ = [
    "BadRow",
    "Chunk",
    "ChunkResult",
    "Field",
    "Import",
    "ImportOptions",
    "Kind",
    "Parsed",
    "Place",
    "Progress",
    "Remembered",
    "Run",
    "Sender",
    "Source",
    "State",
    "Tell",
    "text",
]

State = Literal["waiting", "running", "done", "checked", "failed", "undoing", "undone"]


class Sender(Protocol):
    """Whoever imports: what the engine needs to know of an actor."""

    @property
    def person_id(self) -> int: ...

    def may(self, permission: Any, /) -> bool: ...


A = TypeVar("A", bound=Sender)
A_contra = TypeVar("A_contra", bound=Sender, contravariant=True)


class Source(NamedTuple):
    """A file to read, and what to call it."""

    path: Path
    name: str


class Place(msgspec.Struct, frozen=True, order=True):
    """Where a row is: number of the file (from 0) and physical line in it (from 1)."""

    file: int
    line: int


class Parsed(msgspec.Struct, frozen=True):
    """One row whose fields could be read."""

    place: Place
    values: dict[str, Any]


class BadRow(NamedTuple):
    """One reason why one row is not taken; a row may have several, and is one bad row."""

    place: Place
    code: str
    reason: str
    field: str | None = None
    value: str | None = None


class Chunk(NamedTuple):
    """Rows that go in together, in the file's order. `bad` are those that could not even be parsed."""

    first: int
    """How many data rows lie before it, over all files."""
    size: int
    """Data rows in it, good and bad."""
    rows: list[Parsed]
    bad: list[BadRow]


class ChunkResult(NamedTuple):
    """What `apply` did. Rows it does not name as bad are good."""

    bad: Sequence[BadRow] = ()
    counts: Mapping[str, int] = {}
    """Added up over all chunks into the summary, e.g. {"created": 900, "changed": 71}."""


def text(value: str) -> str:
    """The cell without blanks around it: the parser of fields that are text."""
    return value.strip()


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a row may say.

    `parse` gets the cell's text (never blank) and raises InvalidValue; what it gives serves all rows that say the same,
    so nobody may change it. `needs` is the permission without which a row that fills this field is refused. A name
    ending in "*" takes every column that begins with what is before it; its values arrive under the column's own name
    in lower case. `many` collects several columns into a list.
    """

    name: str
    synonyms: tuple[str, ...] = ()
    required: bool = False
    parse: Callable[[str], Any] = text
    needs: str | None = None
    many: bool = False
    help: str = ""


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to read and what to do; kept with the import, so that a resumed run does the same."""

    mapping: dict[str, str] = {}
    """Field name → title of its column, where the titles do not tell. The same column may feed several fields."""
    constants: dict[str, str] = {}
    """Field name → text that every row has."""
    dry_run: bool = False
    again: bool = False
    """Take files that went in before, of a kind that is not repeatable."""
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    kind: dict[str, Any] = {}
    """The kind's own options."""


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """One import, as it stands."""

    id: int
    kind: str
    actor_id: int
    source: str
    state: State
    dry_run: bool
    rows_total: int
    rows_done: int
    rows_good: int
    rows_bad: int
    options: ImportOptions
    columns: dict[str, str]
    """Title of each column of the first file → field it fills; titles that fill none are absent."""
    summary: dict[str, int]
    failure: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    undone_at: datetime | None = None
    undo_done: int = 0
    """While it is being undone: things taken back so far, of `undo_total`."""
    undo_total: int = 0
    undo_failure: str | None = None
    """Why the last try to undo it changed nothing."""


class Progress(NamedTuple):
    """Told after each chunk; of an undo, how many things are taken back."""

    import_id: int
    rows_done: int
    rows_total: int
    rows_bad: int


class Remembered(NamedTuple):
    """What one chunk did to one sort of thing: ids made where `before` is None, else the rows as they were."""

    what: str
    ids: list[int]
    before: list[Any] | None


Tell = Callable[[int, int], Awaitable[None]]
"""How an undo tells how far it is: things taken back, of how many. Seen by others at once, unlike the undo itself."""


class Run(Protocol):
    """One import being run, as a kind sees it."""

    @property
    def import_id(self) -> int: ...

    @property
    def options(self) -> ImportOptions: ...

    @property
    def fields(self) -> frozenset[str]:
        """Names of the fields that have a column or a constant (in any file)."""
        ...

    @property
    def prepared(self) -> Any:
        """What `prepare` returned."""
        ...

    @property
    def cache(self) -> dict[str, Any]:
        """What the kind found out in the database; emptied at each rollback."""
        ...

    @property
    def memory(self) -> dict[str, Any]:
        """What the kind found out in the files; kept as long as the run lives."""
        ...

    @property
    def files(self) -> Sequence[Table]: ...

    def chunks(self) -> AsyncIterator[Chunk]:
        """All rows of all files from the beginning, for `prepare`."""
        ...

    async def remember(self, tx: Tx, what: str, ids: Sequence[int], before: Sequence[Any] | None = None) -> None:
        """Write down, in the chunk's transaction, what undo will need."""
        ...


class Kind(Protocol[A_contra]):
    """What a word implements to have its rows imported; see the package's docstring."""

    @property
    def name(self) -> str: ...

    @property
    def fields(self) -> Sequence[Field]: ...

    @property
    def chunk_rows(self) -> int:
        """Rows in a chunk; some thousands."""
        ...

    @property
    def repeatable(self) -> bool:
        """Whether the same file twice has the effect of once (an upsert has)."""
        ...

    def check(self, actor: A_contra, fields: frozenset[str], options: ImportOptions) -> None: ...

    async def prepare(self, tx: Tx, actor: A_contra, run: Run) -> Any: ...

    async def apply(self, tx: Tx, actor: A_contra, run: Run, chunk: Chunk) -> ChunkResult: ...

    async def finish(self, tx: Tx, actor: A_contra, run: Run) -> Mapping[str, int]: ...

    async def undo(self, tx: Tx, actor: A_contra, import_id: int, tell: Tell) -> Mapping[str, int]: ...
