"""Rows of files that make up documents: an order's lines, wherever they stand.

Always true:
- A document is there for whoever takes it once, whole, with the chunk that has its last row.
- A row of which nobody can tell whose it is makes the documents on both its sides doubtful: it may be theirs.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from perpetua.kit.imports.types import BadRow, Chunk, Parsed, Place, Run

__all__ = ["Gathered", "Whereabouts", "no_half", "whereabouts"]

K = TypeVar("K", bound=Hashable)
KeyOf = Callable[[Parsed], K | None]
_MEMORY = "documents"


class Gathered(NamedTuple, Generic[K]):
    """The rows of a document; `after`: a row near it that may be its own and cannot be read."""

    key: K
    rows: list[Parsed]
    after: Place | None


class Whereabouts(msgspec.Struct, Generic[K]):
    """What reading the files once tells of their documents: the rows of those in more than one chunk, the doubtful."""

    spread: dict[K, list[Parsed]]
    doubtful: dict[K, Place]
    chunk: int = -1
    here: dict[K, list[Parsed]] = {}

    def gathered(self, key: K) -> Gathered[K]:
        """All rows of a document that has one in this chunk."""
        return Gathered(key, self.spread.get(key) or self.here[key], self.doubtful.get(key))


async def whereabouts(run: Run, chunk: Chunk, key_of: KeyOf[K]) -> Whereabouts[K]:
    """Where the documents' rows are. The files are read through once a run: a document's rows may lie anywhere."""
    known: Whereabouts[K] | None = run.memory.get(_MEMORY)
    if known is None:
        first: dict[K, int] = {}
        across: set[K] = set()
        doubtful: dict[K, Place] = {}
        before: K | None = None
        lost: Place | None = None
        async for one in run.chunks():
            for place, key in _in_order(one, key_of):
                if key is None:
                    lost = place
                    if before is not None:
                        doubtful.setdefault(before, place)
                    continue
                if lost is not None:
                    doubtful.setdefault(key, lost)
                    lost = None
                if first.setdefault(key, one.first) != one.first:
                    across.add(key)
                before = key
        known = Whereabouts[K](spread={}, doubtful=doubtful)
        if across:
            rows: dict[K, list[Parsed]] = defaultdict(list)
            async for key, row in _rows_of(run, across, key_of):
                rows[key].append(row)
            known.spread = dict(rows)
        run.memory[_MEMORY] = known
    if known.chunk != chunk.first:
        # Only a chunk's first look at it shows all of its rows: after a refusal it comes again in halves.
        here: dict[K, list[Parsed]] = defaultdict(list)
        for row in chunk.rows:
            if (key := key_of(row)) is not None:
                here[key].append(row)
        known.chunk, known.here = chunk.first, dict(here)
    return known


def no_half(of: Gathered[Any], reasons: Mapping[Place, BadRow], name: str) -> list[BadRow]:
    """No half documents: where one row is bad, none of its rows goes in. `name`: of the document, such as "order 7"."""
    line = min(reasons).line
    rest = f"{name} was not taken: see line {line}"
    return [reasons.get(row.place) or BadRow(row.place, "order_refused", rest) for row in of.rows]


async def _rows_of(run: Run, keys: set[K], key_of: KeyOf[K]) -> AsyncIterator[tuple[K, Parsed]]:
    async for chunk in run.chunks():
        for row in chunk.rows:
            key = key_of(row)
            if key is not None and key in keys:
                yield key, row


def _in_order(chunk: Chunk, key_of: KeyOf[K]) -> list[tuple[Place, K | None]]:
    rows = [(row.place, key_of(row)) for row in chunk.rows] + [(one.place, None) for one in chunk.bad]
    return sorted(rows, key=lambda row: row[0])
