"""The import engine over a kind of its own: exactly once, whatever happens; bad rows reported, good ones kept."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from perpetua.access.types import PERMISSIONS, SYSTEM, Actor
from perpetua.kit import imports
from perpetua.kit.database import Database, Tx, sql
from perpetua.kit.errors import InvalidValue, NotAllowed
from perpetua.kit.imports import (
    AlreadyImported,
    CannotUndo,
    Chunk,
    ChunkResult,
    Field,
    FileChanged,
    ImportOptions,
    NotResumable,
    Progress,
    Run,
    RunElsewhere,
    Source,
    remembered,
)
from perpetua.kit.imports.errors import UnknownColumns
from perpetua.kit.listing import PageRequest

SCHEMA = """CREATE TABLE IF NOT EXISTS marbles (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  colour text NOT NULL,
  weight int NOT NULL CHECK (weight < 1000)
)"""
INSERT = sql("INSERT INTO marbles (colour, weight) SELECT * FROM unnest(%(c)s::text[], %(w)s::int[]) RETURNING id")


def whole(value: str) -> int:
    if not value.lstrip("-").isdigit():
        raise InvalidValue("weight", value, "is not a whole number")
    return int(value)


class Marbles:
    """Every row is a marble; a heavy one is refused by the database, a "glass" one by us."""

    name = "marbles"
    fields = (
        Field(name="colour", synonyms=("color", "farbe"), required=True),
        Field(name="weight", parse=whole, required=True),
        Field(name="price", needs="costs.read"),
        Field(name="attr:*"),
    )
    chunk_rows = 10
    repeatable = False

    def check(self, actor: Actor, fields: frozenset[str], options: ImportOptions) -> None:
        actor.require("items.write")

    async def prepare(self, tx: Tx, actor: Actor, run: Run) -> Any:
        rows = 0
        async for chunk in run.chunks():
            rows += len(chunk.rows)
        return {"rows": rows}

    async def apply(self, tx: Tx, actor: Actor, run: Run, chunk: Chunk) -> ChunkResult:
        assert run.prepared["rows"] >= len(chunk.rows)
        bad = [
            imports.BadRow(row.place, "glass", "breaks", "colour", row.values["colour"])
            for row in chunk.rows
            if row.values["colour"] == "glass"
        ]
        good = [row.values for row in chunk.rows if row.values["colour"] != "glass"]
        ids = await tx.values(INSERT, {"c": [one["colour"] for one in good], "w": [one["weight"] for one in good]})
        await run.remember(tx, "marbles", ids)
        return ChunkResult(bad, {"made": len(ids)})

    async def finish(self, tx: Tx, actor: Actor, run: Run) -> Mapping[str, int]:
        return {"finished": 1}

    async def undo(self, tx: Tx, actor: Actor, import_id: int, tell: imports.Tell) -> Mapping[str, int]:
        taken = 0
        for one in await remembered(tx, import_id):
            sticky = await tx.values(
                sql("SELECT id FROM marbles WHERE id = ANY(%(ids)s) AND colour = 'sticky'"), {"ids": one.ids}
            )
            if sticky:
                raise CannotUndo(import_id=import_id, reason="they stick", in_the_way=sticky)
            taken += await tx.execute(sql("DELETE FROM marbles WHERE id = ANY(%(ids)s)"), {"ids": one.ids})
            await tell(taken, 25)
        return {"taken_back": taken}


KIND = Marbles()
OPTIONS = ImportOptions()


@pytest.fixture(autouse=True)
async def marbles(db: Database) -> None:
    async with db.admin() as tx:
        await tx.execute(sql(SCHEMA))
        await tx.execute(sql("GRANT ALL ON marbles TO perpetua_app"))
        await tx.execute(sql("TRUNCATE marbles"))


def written(tmp_path: Path, text: str, name: str = "m.csv") -> list[Source]:
    path = tmp_path / name
    path.write_text(text)
    return [Source(path, name)]


async def colours(db: Database) -> list[str]:
    async with db.transaction() as tx:
        return await tx.values(sql("SELECT colour FROM marbles ORDER BY id"))


async def reasons(db: Database, import_id: int) -> list[tuple[int, str | None, str]]:
    page = await imports.errors_of(db, import_id, PageRequest(limit=1000))
    return [(row.line, row.field, row.code) for row in page.items]


MIXED = 'Color,Weight\nred,1\nglass,2\n"blue\nish",3\nheavy,5000\ngreen,x\n,7\nshort\n"lost,9\nwhite,10\n'
GOOD = ["red", "blue\nish", "white"]
BAD = [
    (3, "colour", "glass"), (6, None, "refused_by_database"), (7, "weight", "invalid_value"),
    (8, "colour", "missing_value"), (9, None, "ragged"), (10, None, "broken_quotes"),
]  # fmt: skip


async def test_good_rows_are_kept_and_bad_ones_named(db: Database, tmp_path: Path) -> None:
    done = await imports.begin(db, SYSTEM, KIND, written(tmp_path, MIXED), OPTIONS)
    assert (done.state, done.rows_total, done.rows_good, done.rows_bad) == ("done", 9, 3, 6)
    assert done.summary == {"made": 3, "finished": 1}
    assert await colours(db) == GOOD
    assert await reasons(db, done.id) == BAD


async def test_a_dry_run_tells_the_same_and_keeps_nothing(db: Database, tmp_path: Path) -> None:
    seen: list[Progress] = []
    text = MIXED + "x,1\n" * 30
    dry = await imports.begin(
        db, SYSTEM, KIND, written(tmp_path, text), ImportOptions(dry_run=True), progress=seen.append
    )
    assert (dry.state, dry.rows_good, dry.rows_bad, dry.summary["made"]) == ("checked", 33, 6, 33)
    assert await colours(db) == []
    assert await reasons(db, dry.id) == BAD
    assert [one.rows_done for one in seen] == [10, 20, 30, 39]


async def test_the_same_content_goes_in_once(db: Database, tmp_path: Path) -> None:
    text = "colour,weight\nonce,1\n"
    both = await asyncio.gather(
        *(imports.begin(db, SYSTEM, KIND, written(tmp_path, text, f"{n}.csv"), OPTIONS) for n in range(4)),
        return_exceptions=True,
    )
    (first,) = [one for one in both if isinstance(one, imports.Import)]
    assert sum(isinstance(one, AlreadyImported) for one in both) == 3
    assert await colours(db) == ["once"]
    await imports.begin(db, SYSTEM, KIND, written(tmp_path, text), ImportOptions(again=True))
    assert await colours(db) == ["once", "once"]
    await imports.undo(db, SYSTEM, KIND, first.id)
    assert (await imports.begin(db, SYSTEM, KIND, written(tmp_path, text), OPTIONS)).state == "done"


async def test_undo_takes_back_all_or_nothing(db: Database, tmp_path: Path) -> None:
    plain = await imports.begin(db, SYSTEM, KIND, written(tmp_path, "colour,weight\n" + "a,1\n" * 25), OPTIONS)
    stuck = await imports.begin(
        db, SYSTEM, KIND, written(tmp_path, "colour,weight\nsticky,1\n" + "b,1\n" * 25), OPTIONS
    )
    seen: list[Progress] = []
    undone = await imports.undo(db, SYSTEM, KIND, plain.id, progress=seen.append)
    assert (undone.state, undone.summary["taken_back"]) == ("undone", 25)
    assert [one.rows_done for one in seen] == [5, 15, 25]
    assert (undone.undo_done, undone.undo_total) == (25, 25)
    with pytest.raises(CannotUndo):
        await imports.undo(db, SYSTEM, KIND, stuck.id)
    stands = await imports.get_import(db, stuck.id)
    assert (stands.state, "they stick" in (stands.undo_failure or "")) == ("done", True)
    assert len(await colours(db)) == 26
    with pytest.raises(NotResumable):
        await imports.undo(db, SYSTEM, KIND, plain.id)


async def test_two_runners_of_one_import_do_each_row_once(db: Database, tmp_path: Path) -> None:
    sources = written(tmp_path, "colour,weight\n" + "".join(f"c{n},{n}\n" for n in range(300)))

    async def nothing(tx: Tx, import_id: int) -> None:
        """No job."""

    waiting = await imports.submit(db, SYSTEM, KIND, sources, OPTIONS, also=nothing)
    sources[0].path.unlink()  # the database has it
    both = await asyncio.gather(
        *(imports.resume(db, SYSTEM, KIND, waiting.id) for _ in range(3)), return_exceptions=True
    )
    assert any(isinstance(one, imports.Import) for one in both), both
    assert all(isinstance(one, imports.Import | RunElsewhere | NotResumable) for one in both), both
    assert await colours(db) == [f"c{n}" for n in range(300)]
    async with db.transaction() as tx:
        assert await tx.value(sql("SELECT count(*) FROM import_files")) == 0


RUNNER = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_imports import KIND, OPTIONS
from perpetua.access.types import SYSTEM
from perpetua.kit import imports
from perpetua.kit.database import Database

async def main():
    async with Database(sys.argv[2]) as db:
        await imports.begin(db, SYSTEM, KIND, [imports.Source(Path(sys.argv[3]), "k.csv")], OPTIONS)

asyncio.run(main())
"""


async def test_killed_at_any_instant_and_resumed_is_as_if_never_killed(
    db: Database, database_url: str, tmp_path: Path
) -> None:
    rows = 5_000
    lines = [f"k{n},{n % 900 if n % 100 else 5000}" if n % 500 else "glass,1" for n in range(rows)]
    text = "\n".join(["colour,weight", *lines, ""])
    (source,) = written(tmp_path, text)
    command = [sys.executable, "-c", RUNNER, str(Path(__file__).parent), database_url, str(source.path)]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    seek = "SELECT id, rows_done FROM imports WHERE kind = 'marbles' AND state = 'running' AND rows_total = %s"
    with psycopg.connect(database_url, autocommit=True) as watch:
        while not (row := watch.execute(seek, (rows,)).fetchone()) or row[1] < 200:
            assert process.poll() is None
            time.sleep(0)
    process.send_signal(signal.SIGKILL)
    process.wait()
    stopped = await imports.get_import(db, row[0])
    assert 0 < stopped.rows_done < rows
    with pytest.raises(FileChanged):
        await imports.resume(db, SYSTEM, KIND, row[0], sources=written(tmp_path, text + "more,1\n", "other.csv"))
    done = await imports.resume(db, SYSTEM, KIND, row[0])
    heavy = [n for n in range(rows) if n % 100 == 0 and n % 500]
    glass = list(range(0, rows, 500))
    assert (done.state, done.rows_bad) == ("done", len(heavy) + len(glass))
    assert await colours(db) == [f"k{n}" for n in range(rows) if n % 100]
    async with db.transaction() as tx:
        query = sql("SELECT line FROM import_errors WHERE import_id = %(id)s ORDER BY id")
        lines = await tx.values(query, {"id": done.id})
    assert lines == sorted(n + 2 for n in heavy + glass)


async def test_columns_are_found_by_title_synonym_and_mapping(db: Database, tmp_path: Path) -> None:
    text = "FARBE;Gewicht;attr:shine\nred;3;high\n"
    with pytest.raises(UnknownColumns) as refused:
        await imports.begin(db, SYSTEM, KIND, written(tmp_path, text), OPTIONS)
    assert refused.value.field == "weight"
    assert refused.value.columns == ["FARBE", "Gewicht", "attr:shine"]
    for options in (ImportOptions(mapping={"weight": "gewicht"}), ImportOptions(constants={"weight": "3"}, again=True)):
        done = await imports.begin(db, SYSTEM, KIND, written(tmp_path, text), options)
        assert done.rows_good == 1
        assert done.columns["attr:shine"] == "attr:shine"
    for mapping in ({"weight": "nothing"}, {"nothing": "gewicht"}):
        with pytest.raises(UnknownColumns):
            await imports.begin(db, SYSTEM, KIND, written(tmp_path, text), ImportOptions(mapping=mapping))


async def test_rights(db: Database, tmp_path: Path) -> None:
    blind = Actor(person_id=7, name="B", role="inventory_manager", permissions=PERMISSIONS - {"costs.read"})
    done = await imports.begin(db, blind, KIND, written(tmp_path, "colour,weight,price\nr,1,\ng,1,9.99\n"), OPTIONS)
    assert (done.rows_good, done.rows_bad) == (1, 1)
    page = await imports.errors_of(db, done.id, PageRequest())
    assert (page.items[0].field, page.items[0].code, page.items[0].value) == ("price", "not_allowed", None)
    viewer = Actor(person_id=8, name="V", role="viewer", permissions=frozenset())
    with pytest.raises(NotAllowed):
        await imports.begin(db, viewer, KIND, written(tmp_path, "colour,weight\nz,1\n"), OPTIONS)
