"""How rows of files become places: the kind `locations` of the import engine.

Always true:
- A row is an upsert by code, whatever its case; a blank cell leaves the field as it is.
- A parent may come later in the files than what stands in it.
- A code that an earlier row of the same files has is a bad row, which names that line.
- A parent other than now moves the place, with its stock and all that stands in it.
- Undo restores what was changed and removes what was made, or refuses, naming what was changed or used since.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from perpetua.access.types import Actor
from perpetua.kit.database import Tx
from perpetua.kit.errors import InvalidValue, Refusal
from perpetua.kit.imports import (
    BadRow,
    CannotUndo,
    Chunk,
    ChunkResult,
    Field,
    ImportOptions,
    Parsed,
    Place,
    Run,
    Tell,
    bad_row,
    number,
    remembered,
    yes_or_no,
)
from perpetua.kit.quantity import parse_decimal
from perpetua.places import rules, service
from perpetua.places.types import KINDS, UpsertLocation

__all__ = ["LOCATIONS", "LocationsKind"]

SHOWN: Final = 20


def _whole(text: str) -> int:
    value = parse_decimal(text, "pick_sequence")
    if value != value.to_integral_value():
        raise InvalidValue("pick_sequence", text, "must be a whole number")
    return int(value)


def _kind(text: str) -> str:
    kind = text.casefold().replace(" ", "_").replace("-", "_")
    if kind not in KINDS:
        raise InvalidValue("kind", text, f"is none of {', '.join(sorted(KINDS))}")
    return kind


class _Files:
    """What the rows of all files say of codes and parents, in capitals."""

    def __init__(self) -> None:
        self.places: dict[str, Place] = {}
        self.parents: dict[str, str | None] = {}
        self.chunks: dict[str, int] = {}
        self.early: dict[str, Parsed] = {}
        """Rows that are needed before their own chunk: something that stands in them comes earlier."""
        self.made_early: set[str] = set()


class LocationsKind:
    """Places, a row a place, in any order."""

    name = "locations"
    chunk_rows = 5000
    repeatable = True
    fields: Sequence[Field] = (
        Field(name="code", synonyms=("location", "location_code", "bin", "bin_code", "place"), required=True),
        Field(name="parent", synonyms=("parent_code", "parent_location"), help="code of the place it stands in"),
        Field(name="kind", synonyms=("type", "location_type"), parse=_kind, help="warehouse, zone, aisle, bin, …"),
        Field(name="name", synonyms=("description", "location_name")),
        Field(name="capacity_units", synonyms=("capacity",), parse=number("capacity_units")),
        Field(name="weight_limit_kg", synonyms=("weight_limit", "max_weight"), parse=number("weight_limit_kg")),
        Field(name="temperature_zone"),
        Field(name="temperature_min_c", synonyms=("min_temperature",), parse=number("temperature_min_c")),
        Field(name="temperature_max_c", synonyms=("max_temperature",), parse=number("temperature_max_c")),
        Field(name="pick_sequence", synonyms=("sequence", "walk"), parse=_whole, help="order of walking"),
        Field(name="sellable", parse=yes_or_no("sellable")),
        Field(name="negative_allowed", parse=yes_or_no("negative_allowed")),
        Field(name="active", synonyms=("enabled",), parse=yes_or_no("active")),
        Field(name="address_lines", synonyms=("address", "street"), parse=rules.read_lines, help="line under line"),
        Field(name="city", synonyms=("town",)),
        Field(name="region", synonyms=("state", "county")),
        Field(name="postcode", synonyms=("zip", "postal_code")),
        Field(name="country", help="two letters"),
        Field(name="phone", synonyms=("telephone",)),
    )

    def check(self, actor: Actor, fields: frozenset[str], options: ImportOptions) -> None:
        """Raises NotAllowed."""
        actor.require("places.write")

    async def prepare(self, tx: Tx, actor: Actor, run: Run) -> Any:
        """Nothing need be known beforehand."""

    async def apply(self, tx: Tx, actor: Actor, run: Run, chunk: Chunk) -> ChunkResult:
        """Upsert the chunk's rows, and before them those of later chunks in which they stand."""
        files = await self._files(run)
        bad: list[BadRow] = []
        going = [row for row in chunk.rows if _is_first(files, row, bad)]
        early = _needed(files, going)
        loaded = await service.upsert(tx, actor, [_upsert(row.values) for row in (*early, *going)])
        counts = {"created": 0, "updated": 0, "skipped": 0}
        for at, (row, outcome) in enumerate(zip((*early, *going), loaded.outcomes, strict=True)):
            if outcome.refusal is None:
                if outcome.done != "skipped" or (at >= len(early) and outcome.code.upper() not in files.made_early):
                    counts[outcome.done] += 1
            elif at >= len(early):  # else its own chunk will tell
                bad.append(bad_row(row.place, outcome.refusal))
        files.made_early.update(row.values["code"].upper() for row in early)
        await run.remember(tx, "created", list(loaded.created), list(loaded.created.values()))
        await run.remember(tx, "changed", list(loaded.changed), list(loaded.changed.values()))
        return ChunkResult(bad, counts)

    async def finish(self, tx: Tx, actor: Actor, run: Run) -> Mapping[str, int]:
        """Nothing is left to do."""
        return {}

    async def undo(self, tx: Tx, actor: Actor, import_id: int, tell: Tell) -> Mapping[str, int]:
        """Restore, then remove. Raises CannotUndo."""
        created: dict[int, dict[str, Any]] = {}
        changed: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
        for one in reversed(await remembered(tx, import_id)):
            for key, value in zip(one.ids, one.before or (), strict=True):
                if one.what == "created":
                    created[key] = value
                else:
                    was, new = cast(tuple[dict[str, Any], dict[str, Any]], value)
                    first, last = changed.get(key, ({}, {}))
                    changed[key] = ({**was, **first}, {**last, **new})
        total = len(created) + len(changed)
        await tell(0, total)
        try:
            since = await service.take_back(tx, actor, created, changed)
        except Refusal as refusal:
            raise CannotUndo(import_id=import_id, reason=refusal.detail, **refusal.facts) from None
        if since:
            reason = f"{len(since)} places were changed since: {', '.join(since[:SHOWN])}"
            raise CannotUndo(import_id=import_id, reason=reason, in_the_way=since[:SHOWN], count=len(since))
        await tell(total, total)
        return {"restored": len(changed.keys() - created.keys()), "removed": len(created)}

    async def _files(self, run: Run) -> _Files:
        """The first pass; and a second, for the rows that are needed early, where there are such."""
        files: _Files | None = run.memory.get("files")
        if files is not None:
            return files
        files = run.memory["files"] = _Files()
        async for chunk in run.chunks():
            for row in chunk.rows:
                code = row.values["code"].upper()
                if code not in files.places:
                    files.places[code] = row.place
                    files.parents[code] = row.values["parent"].upper() if "parent" in row.values else None
                    files.chunks[code] = chunk.first
        wanted = {above for code in files.places for above in _later_above(files, code)}
        if wanted:
            async for chunk in run.chunks():
                for row in chunk.rows:
                    code = row.values["code"].upper()
                    if code in wanted and row.place == files.places[code]:
                        files.early[code] = row
        return files


def _later_above(files: _Files, code: str) -> list[str]:
    """The places above this one whose rows lie in a later chunk than its own."""
    found: list[str] = []
    seen = {code}
    above = files.parents.get(code)
    while above is not None and above not in seen:
        seen.add(above)
        if files.chunks.get(above, 0) > files.chunks[code]:
            found.append(above)
        above = files.parents.get(above)
    return found


def _is_first(files: _Files, row: Parsed, bad: list[BadRow]) -> bool:
    code = row.values["code"]
    first = files.places[code.upper()]
    if first == row.place:
        return True
    where = f"line {first.line}" + (f" of file {first.file + 1}" if first.file != row.place.file else "")
    bad.append(BadRow(row.place, "code_twice", f"{where} has the same code", "code", code))
    return False


def _needed(files: _Files, rows: Sequence[Parsed]) -> list[Parsed]:
    codes = {above: None for row in rows for above in _later_above(files, row.values["code"].upper())}
    return [files.early[code] for code in codes if code in files.early]


def _upsert(values: Mapping[str, Any]) -> UpsertLocation:
    address = {name.removeprefix("address_"): values[name] for name in rules.ADDRESS if name in values}
    given: dict[str, Any] = {name: value for name, value in values.items() if name not in rules.ADDRESS}
    if address:
        given["address"] = address
    return UpsertLocation(**given)


LOCATIONS: Final = LocationsKind()
