"""Places are made, changed, moved, removed and read as asked, and refused with facts where they cannot be."""

import asyncio
import uuid
from decimal import Decimal

import pytest

from perpetua.access.errors import OutOfScope
from perpetua.access.types import ROLES, SYSTEM, Actor
from perpetua.kit.database import Database, count_statements, sql
from perpetua.kit.errors import InvalidValue, Missing, NotAllowed, Refusal, Stale
from perpetua.kit.listing import PageRequest
from perpetua.places import service
from perpetua.places.errors import CodeTaken, FixedPlace, InactivePlace, InsideItself, NotEmpty, PlaceInUse, WrongKind
from perpetua.places.types import (
    Address,
    ChangeLocation,
    CreateLocation,
    CreateLocations,
    Kind,
    LayOut,
    Level,
    Location,
    LocationFilters,
    MoveLocation,
)

from .conftest import confined, make

EVERYTHING = PageRequest(limit=1000)


def fresh() -> str:
    return f"S{uuid.uuid4().hex[:8].upper()}"


async def codes(db: Database, actor: Actor, **filters: object) -> list[str]:
    page = await service.list_locations(db, actor, LocationFilters(**filters), EVERYTHING)  # pyright: ignore[reportArgumentType]
    return [place.code for place in page.items]


async def test_a_site_gets_its_transit_and_on_request_its_standard_places(db: Database, manager: Actor) -> None:
    code = fresh()
    made = await service.create(
        db, manager,
        CreateLocation(code=code, kind="store", name="High Street", standard_children=True,
                       address=Address(lines=["1 High Street"], city="Leeds", country="GB")),
    )  # fmt: skip
    site = made.answer
    assert (site.parent_id, site.site_id, site.path, site.path_codes) == (None, site.id, [site.id], [code])
    assert site.address == {"lines": ["1 High Street"], "city": "Leeds", "country": "GB"}
    children = await service.list_locations(db, manager, LocationFilters(parent=code), EVERYTHING)
    assert [(place.kind, place.sellable) for place in children.items] == [
        ("damaged", False), ("quarantine", False), ("dock", True), ("transit", False)
    ]  # fmt: skip
    assert children.items[-1].code == f"{code}-TRANSIT"


async def test_what_stands_in_a_quarantine_is_not_sellable_unless_said(db: Database, manager: Actor) -> None:
    site = await make(db, manager, fresh(), "warehouse")
    pen = await make(db, manager, f"{site.code}-Q", "quarantine", site.id)
    assert not (await make(db, manager, f"{site.code}-Q1", "bin", pen.id)).sellable
    said = CreateLocation(code=f"{site.code}-Q2", kind="bin", parent=pen.code, sellable=True)
    assert (await service.create(db, manager, said)).answer.sellable


@pytest.mark.parametrize(
    "asked, refusal",
    [
        (CreateLocation(code="w", kind="bin"), WrongKind),
        (CreateLocation(code="Z9", kind="store", parent="HOME"), WrongKind),
        (CreateLocation(code="Z9", kind="zone", parent="HOME-B"), WrongKind),
        (CreateLocation(code="Z9", kind="zone", parent="NOWHERE"), InvalidValue),
        (CreateLocation(code="Z9", kind="zone", parent=2**62), InvalidValue),
        (CreateLocation(code="Z9", kind="transit", parent="HOME"), InvalidValue),
        (CreateLocation(code="home", kind="store"), CodeTaken),
        (CreateLocation(code=" X", kind="store"), InvalidValue),
        (CreateLocation(code="X\0", kind="store"), InvalidValue),
        (CreateLocation(code="X" * 41, kind="store"), InvalidValue),
        (CreateLocation(code="X" * 40, kind="store"), InvalidValue),
        (CreateLocation(code="Z9", kind="bin", parent="HOME", capacity_units=Decimal(-1)), InvalidValue),
        (CreateLocation(code="Z9", kind="bin", parent="HOME", weight_limit_kg=Decimal("NaN")), InvalidValue),
        (CreateLocation(code="Z9", kind="bin", parent="HOME", capacity_units=Decimal("1e400")), InvalidValue),
        (CreateLocation(code="Z9", kind="bin", parent="HOME", temperature_min_c=Decimal(5),
                        temperature_max_c=Decimal(4)), InvalidValue),
        (CreateLocation(code="Z9", kind="bin", parent="HOME", temperature_min_c=Decimal(-300)), InvalidValue),
        (CreateLocation(code="Z9", kind="bin", parent="HOME", pick_sequence=-1), InvalidValue),
        (CreateLocation(code="Z9", kind="bin", parent="HOME", temperature_zone=" "), InvalidValue),
        (CreateLocation(code="Z9", kind="bin", parent="HOME", standard_children=True), InvalidValue),
    ],
)  # fmt: skip
async def test_a_place_that_cannot_be_is_refused(
    db: Database, manager: Actor, asked: CreateLocation, refusal: type[Refusal]
) -> None:
    if "HOME" not in await codes(db, manager):
        await make(db, manager, "HOME", "warehouse")
        await make(db, manager, "HOME-B", "bin", "HOME")
    with pytest.raises(refusal):
        await service.create(db, manager, asked)


async def test_a_list_in_any_order_is_made_in_a_constant_number_of_statements(db: Database, manager: Actor) -> None:
    site = fresh()

    def asked(prefix: str, count: int) -> CreateLocations:
        bins = [CreateLocation(code=f"{prefix}-B{n}", kind="bin", parent=f"{prefix}-z") for n in range(count)]
        last = CreateLocation(code=prefix, kind="warehouse")
        return CreateLocations(locations=[*bins, CreateLocation(code=f"{prefix}-Z", kind="zone", parent=prefix), last])

    with count_statements() as few:
        made = await service.create_many(db, manager, asked(site, 3))
    assert [place.code for place in made.answer.locations[:3]] == [site, f"{site}-TRANSIT", f"{site}-Z"]
    with count_statements() as many:
        assert (await service.create_many(db, manager, asked(fresh(), 3000))).answer.created == 3003
    assert len(many) == len(few) <= 9
    circle = [CreateLocation(code="P1", kind="zone", parent="P2"), CreateLocation(code="P2", kind="zone", parent="p1")]
    with pytest.raises(InvalidValue):
        await service.create_many(db, manager, CreateLocations(locations=circle))
    twice = [CreateLocation(code="P1", kind="zone", parent=site), CreateLocation(code="p1", kind="zone", parent=site)]
    with pytest.raises(CodeTaken) as refused:
        await service.create_many(db, manager, CreateLocations(locations=twice))
    assert refused.value.facts["line"] == 2


async def test_a_layout_makes_thousands_in_a_constant_number_of_statements(db: Database, manager: Actor) -> None:
    site = await make(db, manager, fresh(), "warehouse")
    levels = [
        Level(kind="zone", labels="A-D"),
        Level(kind="aisle", labels="01-10"),
        Level(kind="rack", labels="1-5", order="serpentine"),
        Level(kind="bin", labels=["1", "2", "3", "4", "5", "6"], capacity_units=Decimal(40)),
    ]
    with count_statements() as statements:
        laid = await service.lay_out(db, manager, LayOut(parent=site.code, levels=levels))
    assert len(statements) <= 9
    assert laid.answer.by_kind == {"zone": 4, "aisle": 40, "rack": 200, "bin": 1200}
    assert laid.answer.created == 1444
    assert laid.answer.first_code == f"{site.code}-A-01-1-1"
    walk = await service.list_locations(
        db, manager, LocationFilters(site=site.code, kind="bin"), PageRequest(limit=1000, sort="pick_sequence")
    )
    assert [place.pick_sequence for place in walk.items] == list(range(1, 1001))
    # The second aisle is walked from its far end.
    assert walk.items[30].path_codes[-2:] == [f"{site.code}-A-02-5", f"{site.code}-A-02-5-1"]
    assert walk.items[0].capacity_units == Decimal(40)
    with pytest.raises(CodeTaken):
        await service.lay_out(db, manager, LayOut(parent=site.code, levels=levels))


async def test_a_subtree_moves_to_another_site_with_all_paths(db: Database, manager: Actor) -> None:
    one, two = [await make(db, manager, fresh(), "warehouse") for _ in range(2)]
    zone = await make(db, manager, f"{one.code}-Z", "zone", one.id)
    rack = await make(db, manager, f"{one.code}-R", "rack", zone.id)
    shelf = await make(db, manager, f"{one.code}-B", "bin", rack.id)
    away = await make(db, manager, f"{one.code}-A", "bin", one.id)
    with count_statements() as statements:
        moved = await service.move(db, manager, zone.id, MoveLocation(to=two.code), version=zone.version)
    assert moved.answer.moved == 3
    assert statements.count("move_subtree") == 1
    there = await service.get(db, manager, shelf.code)
    assert (there.site_id, there.path) == (two.id, [two.id, zone.id, rack.id, shelf.id])
    assert [step.code for step in await service.path(db, manager, shelf.id)] == there.path_codes
    for place, to, refusal in (
        (zone.id, rack.id, InsideItself),
        (zone.id, zone.id, InsideItself),
        (rack.id, shelf.id, InsideItself),
        (rack.id, away.id, WrongKind),
        (one.id, two.id, FixedPlace),
        (zone.id, "NOWHERE", InvalidValue),
    ):
        with pytest.raises(refusal):
            await service.move(db, manager, place, MoveLocation(to=to))
    assert (await service.move(db, manager, zone.id, MoveLocation(to=two.id))).answer.moved == 0


async def test_of_two_moves_that_make_a_circle_one_is_refused(db: Database, manager: Actor) -> None:
    site = await make(db, manager, fresh(), "warehouse")
    for _ in range(5):
        a, b = [await make(db, manager, fresh(), "zone", site.id) for _ in range(2)]
        ends = await asyncio.gather(
            service.move(db, manager, a.id, MoveLocation(to=b.id)),
            service.move(db, manager, b.id, MoveLocation(to=a.id)),
            return_exceptions=True,
        )
        assert sorted(type(end).__name__ for end in ends) == ["Answered", "InsideItself"]


async def test_places_made_while_their_parent_moves_have_right_paths(db: Database, manager: Actor) -> None:
    one, two = [await make(db, manager, fresh(), "warehouse") for _ in range(2)]
    zone = await make(db, manager, fresh(), "zone", one.id)
    moves = [service.move(db, manager, zone.id, MoveLocation(to=to.id)) for to in (two, one, two)]
    makes = [make(db, manager, fresh(), "bin", zone.id) for _ in range(12)]
    await asyncio.gather(*makes, *moves)
    wrong = """SELECT count(*) FROM locations c JOIN locations p ON p.id = c.parent_id WHERE c.path <> p.path || c.id"""
    async with db.transaction() as tx:
        assert await tx.value(sql(wrong)) == 0


async def test_fifty_levels_nest(db: Database, manager: Actor) -> None:
    site = await make(db, manager, fresh(), "warehouse")
    place: Location = site
    for _ in range(50):
        place = await make(db, manager, fresh(), "zone", place.id)
    assert len(place.path) == 51
    assert len((await service.get(db, manager, place.id)).path_codes) == 51


async def test_a_change_is_made_against_a_version_and_audited(db: Database, manager: Actor) -> None:
    site = await make(db, manager, fresh(), "warehouse")
    zone = await make(db, manager, f"{site.code}-Z", "zone", site.id)
    change = ChangeLocation(name="Cold", temperature_zone="chilled", temperature_max_c=Decimal(4), pick_sequence=7)
    after = (await service.change(db, manager, zone.id, change, version=1)).answer
    assert (after.name, after.temperature_max_c, after.pick_sequence, after.version) == ("Cold", Decimal(4), 7, 2)
    with pytest.raises(Stale):
        await service.change(db, manager, zone.id, change, version=1)
    with pytest.raises(InvalidValue):
        await service.change(db, manager, zone.id, ChangeLocation(temperature_min_c=Decimal(5)), version=2)
    cleared = await service.change(db, manager, zone.id, ChangeLocation(temperature_max_c=None), version=2, key="k1")
    assert cleared.answer.temperature_max_c is None
    again = await service.change(db, manager, zone.id, ChangeLocation(temperature_max_c=None), version=2, key="k1")
    assert again.replayed
    assert again.answer == cleared.answer
    with pytest.raises(CodeTaken):
        await service.change(db, manager, zone.id, ChangeLocation(code=site.code.lower()), version=3)
    lower = await service.change(db, manager, zone.id, ChangeLocation(code=zone.code.lower()), version=3)
    assert lower.answer.code == zone.code.lower()
    trail = sql("SELECT action FROM audit_log WHERE kind = 'place' AND subject_id = %(id)s ORDER BY id")
    async with db.admin() as tx:
        assert await tx.values(trail, {"id": str(zone.id)}) == ["created", "updated", "updated", "updated"]


async def test_a_kind_changes_only_where_the_tree_allows(db: Database, manager: Actor) -> None:
    site = await make(db, manager, fresh(), "warehouse")
    zone = await make(db, manager, fresh(), "zone", site.id)
    await make(db, manager, fresh(), "aisle", zone.id)
    refused: list[tuple[Location, Kind, type[Refusal]]] = [
        (zone, "bin", WrongKind),
        (zone, "store", FixedPlace),
        (site, "zone", FixedPlace),
        (zone, "transit", FixedPlace),
    ]
    for place, kind, refusal in refused:
        with pytest.raises(refusal):
            await service.change(db, manager, place.id, ChangeLocation(kind=kind), version=place.version)
    assert (await service.change(db, manager, zone.id, ChangeLocation(kind="staging"), version=1)).answer.version == 2
    assert (await service.change(db, manager, site.id, ChangeLocation(kind="store"), version=1)).answer.kind == "store"


async def test_deactivating_takes_all_below_along(db: Database, manager: Actor) -> None:
    site = await make(db, manager, fresh(), "warehouse")
    zone = await make(db, manager, fresh(), "zone", site.id)
    aisle = await make(db, manager, fresh(), "aisle", zone.id)
    await service.change(db, manager, zone.id, ChangeLocation(active=False), version=1)
    assert not (await service.get(db, manager, aisle.id)).active
    with pytest.raises(InactivePlace):
        await service.change(db, manager, aisle.id, ChangeLocation(active=True), version=2)
    with pytest.raises(InactivePlace):
        await make(db, manager, fresh(), "bin", aisle.id)
    both = ChangeLocation(active=True, sellable=False, with_descendants=True)
    await service.change(db, manager, zone.id, both, version=2)
    there = await service.get(db, manager, aisle.code)
    assert (there.active, there.sellable) == (True, False)


async def test_removing(db: Database, manager: Actor) -> None:
    site = await make(db, manager, fresh(), "warehouse")
    zone = await make(db, manager, fresh(), "zone", site.id)
    await make(db, manager, fresh(), "bin", zone.id)
    with pytest.raises(NotEmpty) as refused:
        await service.remove(db, manager, zone.id)
    assert refused.value.facts["children"] == 1
    transit = await service.get(db, manager, f"{site.code}-TRANSIT")
    with pytest.raises(FixedPlace):
        await service.remove(db, manager, transit.id)
    assert (await service.remove(db, manager, zone.id, with_descendants=True)).answer.removed == 2
    assert (await service.remove(db, manager, site.id)).answer.removed == 2
    with pytest.raises(Missing):
        await service.get(db, manager, site.code)


async def test_a_place_named_in_a_scope_is_not_removed(db: Database, manager: Actor) -> None:
    site = await make(db, manager, fresh(), "warehouse")
    async with db.admin() as tx:
        await tx.execute(sql("INSERT INTO person_scopes VALUES (0, %(id)s)"), {"id": site.id})
    with pytest.raises(PlaceInUse) as refused:
        await service.remove(db, manager, site.id)
    assert refused.value.facts["used_by"] == "person scopes"
    async with db.admin() as tx:
        await tx.execute(sql("DELETE FROM person_scopes"))


async def test_a_confined_actor_acts_and_sees_within_the_own_places(db: Database, manager: Actor) -> None:
    mine, other = [await make(db, manager, fresh(), "warehouse") for _ in range(2)]
    zone = await make(db, manager, fresh(), "zone", mine.id)
    shelf = await make(db, manager, fresh(), "shelf", zone.id)
    away = await make(db, manager, fresh(), "zone", other.id)
    clerk = confined(manager, [zone])
    assert await codes(db, clerk) == sorted([zone.code, shelf.code])
    assert await codes(db, clerk, site=mine.code, kind="shelf") == [shelf.code]
    top = await service.tree(db, clerk, None, EVERYTHING)
    assert [branch.location.code for branch in top.items] == [zone.code]
    assert top.items[0].children == 1
    both = await service.tree(db, confined(manager, [zone, shelf]), None, EVERYTHING)
    assert [branch.location.code for branch in both.items] == [zone.code]
    assert await codes(db, confined(manager, [])) == []
    for hidden in (mine, other, away):
        with pytest.raises(Missing):
            await service.get(db, clerk, hidden.id)
        with pytest.raises(Missing):
            await service.path(db, clerk, hidden.id)
        with pytest.raises(Missing):
            await service.tree(db, clerk, hidden.code, EVERYTHING)
        with pytest.raises(Missing):
            await service.change(db, clerk, hidden.id, ChangeLocation(name="Ours"), version=1)
        with pytest.raises(Missing):
            await service.remove(db, clerk, hidden.id)
        with pytest.raises(OutOfScope):
            await make(db, clerk, fresh(), "bin", hidden.id)
        with pytest.raises(OutOfScope):
            await service.move(db, clerk, shelf.id, MoveLocation(to=hidden.id))
        with pytest.raises(OutOfScope):
            await service.lay_out(db, clerk, LayOut(parent=hidden.id, levels=[Level(kind="zone", labels="A-B")]))
    with pytest.raises(OutOfScope):
        await make(db, clerk, fresh(), "store")
    assert (await make(db, clerk, fresh(), "bin", zone.id)).site_id == mine.id
    async with db.transaction() as tx:
        assert await service.within(tx, clerk, [shelf.id, away.id]) == {shelf.id}
        with pytest.raises(OutOfScope):
            await service.require(tx, clerk, [shelf.code, away.code])


async def test_a_viewer_reads_and_changes_nothing(db: Database, manager: Actor) -> None:
    site = await make(db, manager, fresh(), "warehouse")
    viewer = Actor(person_id=0, name="V", role="viewer", permissions=ROLES["viewer"])
    assert (await service.get(db, viewer, site.id)).code == site.code
    for act in (
        service.create(db, viewer, CreateLocation(code=fresh(), kind="store")),
        service.create_many(db, viewer, CreateLocations(locations=[])),
        service.lay_out(db, viewer, LayOut(parent=site.id, levels=[])),
        service.change(db, viewer, site.id, ChangeLocation(name="x"), version=1),
        service.move(db, viewer, site.id, MoveLocation(to=site.id)),
        service.remove(db, viewer, site.id),
    ):
        with pytest.raises(NotAllowed):
            await act


async def test_lists_page_in_every_order_without_gaps(db: Database, manager: Actor) -> None:
    site = await make(db, manager, fresh(), "warehouse")
    await service.lay_out(db, manager, LayOut(parent=site.id, levels=[Level(kind="bin", labels="1-23")], name="a_b"))
    for sort in ("", "code", "name", "pick_sequence"):
        seen: list[str] = []
        page = PageRequest(limit=7, sort=sort)
        while True:
            got = await service.list_locations(db, manager, LocationFilters(within=site.id, active=True), page)
            seen += [place.code for place in got.items]
            if got.next_cursor is None:
                break
            page = PageRequest(limit=7, sort=sort, cursor=got.next_cursor)
        assert len(seen) == len(set(seen)) == 25
    assert len(await codes(db, manager, site=site.id, text="A_b")) == 23
    assert await codes(db, manager, site=site.id, text="a%b") == []
    with pytest.raises(InvalidValue):
        await service.list_locations(db, manager, LocationFilters(), PageRequest(sort="colour"))
    with pytest.raises(Missing):
        await codes(db, manager, site="NOWHERE")


async def test_lookups_for_other_words_are_one_statement_each(db: Database, manager: Actor) -> None:
    site = await make(db, manager, fresh(), "warehouse")
    asked = [site.code.lower(), site.code, "NOWHERE"]
    async with db.transaction() as tx:
        with count_statements() as statements:
            found = await service.by_codes(tx, asked)
            assert set(found) == {site.code, site.code.lower()}
            assert (await service.by_ids(tx, [site.id, 2**60]))[site.id] == found[site.code]
            assert (await service.transit_of(tx, [site.id]))[site.id].code == f"{site.code}-TRANSIT"
        assert len(statements) == 3


async def test_the_system_may_do_all(db: Database) -> None:
    assert (await make(db, SYSTEM, fresh(), "fulfilment_centre")).version == 1
