"""Places from files and back to files."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.places.conftest import confined, make

from perpetua.access.types import Actor
from perpetua.kit import imports
from perpetua.kit.database import Database, sql
from perpetua.kit.errors import NotAllowed
from perpetua.kit.imports import CannotUndo, Import, ImportOptions, Source
from perpetua.kit.listing import PageRequest
from perpetua.kit.tabular import file_of
from perpetua.places import service
from perpetua.places.imports import LOCATIONS
from perpetua.places.types import ChangeLocation, LocationFilters

ALL = LocationFilters()


async def load(db: Database, actor: Actor, folder: Path, content: str | bytes, **options: Any) -> Import:
    path = folder / "places.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return await imports.begin(db, actor, LOCATIONS, [Source(path, "places.csv")], ImportOptions(**options))


async def bad(db: Database, done: Import) -> list[tuple[int, str | None, str]]:
    page = await imports.errors_of(db, done.id, PageRequest(limit=1000))
    return [(row.line, row.field, row.code) for row in page.items]


async def out(db: Database, actor: Actor) -> list[list[Any]]:
    return [list(row) async for batch in service.export_locations(db, actor, ALL).batches for row in batch]


async def state(db: Database) -> list[dict[str, Any]]:
    """All that is known of all places but for versions and times; parents by code."""
    query = sql(
        "SELECT l.code, p.code AS parent, l.kind, l.name, l.address, l.capacity_units, l.weight_limit_kg,"
        " l.temperature_zone, l.temperature_min_c, l.temperature_max_c, l.pick_sequence, l.sellable,"
        " l.negative_allowed, l.active, cardinality(l.path) AS depth"
        " FROM locations l LEFT JOIN locations p ON p.id = l.parent_id ORDER BY upper(l.code)"
    )
    async with db.transaction() as tx:
        return await tx.dicts(query)


async def empty(db: Database) -> None:
    async with db.admin() as tx:
        await tx.execute(sql("DELETE FROM locations"))


@pytest.fixture(autouse=True)
async def nothing_there(db: Database) -> None:
    await empty(db)


TEXT = (
    "Code,Parent,Type,Name,Capacity,weight_limit,temperature_zone,temperature_min_c,temperature_max_c,Sequence,"
    "Sellable,negative_allowed,Active,Address,City,Zip,Country\n"
    "LDS-A-1,LDS-A,bin,,12.5,250,,,,2,,,,,,,\n"
    "LDS-A,lds,Zone,Ambient,,,cool,2,8,,,,,,,,\n"
    "LDS-T,LDS,transit,Lorry,,,,,,,,,,,,,\n"
    'LDS,,warehouse,Leeds,,,,,,,,,,"1 Mill St\nUnit 4",Leeds,LS1,GB\n'
    "LDS-Q,LDS,quarantine,,,,,,,,,,,,,,\n"
    "OLD,,fulfilment centre,=Old,,,,,,,,,no,,,,\n"
    "OLD-1,OLD,bin,,,,,,,,no,yes,no,,,,\n"
)


async def test_every_column_in_any_order(db: Database, manager: Actor, tmp_path: Path) -> None:
    done = await load(db, manager, tmp_path, TEXT)
    assert (done.rows_good, done.rows_bad) == (7, 0), await bad(db, done)
    assert done.summary == {"created": 6, "updated": 1, "skipped": 0}  # a transit is made with its site
    there = {row["code"]: row for row in await state(db)}
    assert sorted(there) == ["LDS", "LDS-A", "LDS-A-1", "LDS-Q", "LDS-T", "OLD", "OLD-1", "OLD-TRANSIT"]
    one = there["LDS-A-1"]
    assert (one["parent"], one["capacity_units"], one["weight_limit_kg"], one["pick_sequence"]) == (
        "LDS-A", Decimal("12.5"), 250, 2,
    )  # fmt: skip
    assert there["LDS"]["address"] == {
        "lines": ["1 Mill St", "Unit 4"], "city": "Leeds", "postcode": "LS1", "country": "GB",
    }  # fmt: skip
    assert (there["LDS-A"]["temperature_min_c"], there["LDS-A"]["temperature_zone"]) == (2, "cool")
    assert not there["LDS-Q"]["sellable"]
    assert [row["active"] for row in there.values() if row["code"].startswith("OLD")] == [False] * 3


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("chunk", [2, 5000])
async def test_what_goes_out_comes_back_the_same(
    db: Database, manager: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Any, chunk: int
) -> None:
    assert (await load(db, manager, tmp_path, TEXT)).rows_bad == 0
    await load(db, manager, tmp_path, 'code,address_lines\nOLD,"[""a\\nb"", "" c""]"\n')
    before, rows = await state(db), await out(db, manager)
    stream = await file_of(service.export_locations(db, manager, ALL), form, name="locations")
    content = b"".join([part async for part in stream])
    monkeypatch.setattr(type(LOCATIONS), "chunk_rows", chunk)
    back = await load(db, manager, tmp_path, content)
    assert (back.rows_bad, back.summary) == (0, {"created": 0, "updated": 0, "skipped": 8}), await bad(db, back)
    assert await state(db) == before
    await empty(db)
    back = await load(db, manager, tmp_path, content)
    assert back.rows_bad == 0, await bad(db, back)
    assert await state(db) == before
    assert await out(db, manager) == rows


@pytest.mark.parametrize("chunk", [1, 2, 3, 5000])
async def test_parents_may_come_in_later_chunks(
    db: Database, manager: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(type(LOCATIONS), "chunk_rows", chunk)
    text = "code,parent,kind\nB-2,R,bin\nB-1,R,bin\nA,Z,aisle\nR,A,rack\nX,Nowhere,zone\nY,X,bin\nZ,S,zone\nS,,store\n"
    dry = await load(db, manager, tmp_path, text, dry_run=True)
    done = await load(db, manager, tmp_path, text)
    for one in (dry, done):
        assert await bad(db, one) == [(6, "parent", "invalid_value"), (7, "parent", "invalid_value")]
        assert one.summary == {"created": 6, "updated": 0, "skipped": 0}
    assert {row["code"]: row["depth"] for row in await state(db)} == {
        "S": 1, "S-TRANSIT": 2, "Z": 2, "A": 3, "R": 4, "B-1": 5, "B-2": 5,
    }  # fmt: skip
    await imports.undo(db, manager, LOCATIONS, done.id)
    assert await state(db) == []


async def test_bad_rows_are_named_and_good_ones_kept(db: Database, manager: Actor, tmp_path: Path) -> None:
    await make(db, manager, "W-TRANSIT", "store")
    text = (
        "code,parent,kind,capacity,temperature_min_c,temperature_max_c,pick_sequence,active\n"
        "S,,warehouse,,,,,\n"
        "s,,warehouse,,,,,\n"
        "K,S,castle,,,,,\n"
        "C,S,zone,-1,,,,\n"
        "D,S,zone,,9,8,,\n"
        "E,S,zone,,,,1.5,\n"
        "F,S,zone,,,,,maybe\n"
        "G,S,,,,,,\n"
        "H,S,store,,,,,\n"
        "I,H,bin,,,,,\n"
        "L,M,zone,,,,,\n"
        "M,L,zone,,,,,\n"
        "W,,warehouse,,,,,\n"
        "T,X,transit,,,,,\n"
        "J,S,bin,1e30,,,,\n"
        "N,S,bin,NaN,,,,\n"
    )
    done = await load(db, manager, tmp_path, text)
    assert await bad(db, done) == [
        (3, "code", "code_twice"),
        (4, "kind", "invalid_value"),
        (5, "capacity_units", "invalid_value"),
        (6, "temperature_min_c", "invalid_value"),
        (7, "pick_sequence", "invalid_value"),
        (8, "active", "invalid_value"),
        (9, "kind", "invalid_value"),
        (10, None, "wrong_kind"),
        (11, "parent", "invalid_value"),
        (12, "parent", "invalid_value"),
        (13, "parent", "invalid_value"),
        (14, None, "code_taken"),
        (15, "parent", "invalid_value"),
        (16, "capacity_units", "invalid_value"),
        (17, "capacity_units", "invalid_value"),
    ]
    assert done.rows_good == 1


CHANGES = (
    "code,parent,kind,name,capacity,city,sellable,active\n"
    "A,S,zone,Zone A,,,,\n"
    "A-1,B,,,7,,no,\n"
    "B,A,,,,,,\n"
    "C,,,,,,,no\n"
    "S,,,,,York,,\n"
    "N,B,bin,New,,,,\n"
)


async def test_places_are_changed_moved_and_put_back(db: Database, manager: Actor, tmp_path: Path) -> None:
    rest = "B,S,zone,,\nA,B,aisle,,\nA-1,A,bin,,\nC,S,zone,,\nC-1,C,bin,,\n"
    start = "code,parent,kind,name,city\nS,,store,Shop,Hull\n" + rest
    await load(db, manager, tmp_path, start)
    before = await state(db)
    done = await load(db, manager, tmp_path, CHANGES)
    assert (done.rows_bad, done.summary) == (0, {"created": 1, "updated": 5, "skipped": 0}), await bad(db, done)
    there = {row["code"]: row for row in await state(db)}
    assert (there["A"]["kind"], there["A"]["name"], there["A"]["depth"]) == ("zone", "Zone A", 2)
    assert (there["B"]["parent"], there["A-1"]["parent"], there["A-1"]["depth"]) == ("A", "B", 4)
    assert (there["A-1"]["capacity_units"], there["A-1"]["sellable"]) == (7, False)
    assert (there["C"]["active"], there["C-1"]["active"]) == (False, False)
    assert there["S"]["address"] == {"city": "York"}
    await imports.undo(db, manager, LOCATIONS, done.id)
    assert await state(db) == before


async def test_undo_refuses_what_was_changed_or_used_since(db: Database, manager: Actor, tmp_path: Path) -> None:
    text = "code,parent,kind\nS,,store\nS-1,S,bin\nS-2,S,bin\n"
    done = await load(db, manager, tmp_path, text)
    place = await service.get(db, manager, "S-1")
    await service.change(db, manager, place.id, ChangeLocation(name="By hand"), version=place.version)
    with pytest.raises(CannotUndo) as refused:
        await imports.undo(db, manager, LOCATIONS, done.id)
    assert refused.value.in_the_way == ["S-1"]
    await empty(db)
    done = await load(db, manager, tmp_path, text)
    await make(db, manager, "S-3", "bin", "S")
    with pytest.raises(CannotUndo):
        await imports.undo(db, manager, LOCATIONS, done.id)
    assert len(await state(db)) == 5


async def test_who_may(db: Database, manager: Actor, tmp_path: Path) -> None:
    site = await make(db, manager, "S", "store")
    await make(db, manager, "OTHER", "store")
    staff = confined(manager, [site])
    text = "code,parent,kind,name\nS-1,S,bin,Mine\nO-1,OTHER,bin,\nOTHER,,,Taken over\nNEW,,store,\n"
    done = await load(db, staff, tmp_path, text)
    assert await bad(db, done) == [(3, None, "out_of_scope"), (4, None, "out_of_scope"), (5, None, "out_of_scope")]
    assert [row[0] for row in await out(db, staff)] == ["S", "S-1", "S-TRANSIT"]
    viewer = Actor(person_id=0, name="v", role="viewer", permissions=frozenset({"imports.run"}))
    with pytest.raises(NotAllowed):
        await load(db, viewer, tmp_path, text)
    with pytest.raises(NotAllowed):
        service.export_locations(db, viewer, ALL)
