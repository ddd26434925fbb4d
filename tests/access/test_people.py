"""People: nobody grants what they lack, an administrator remains, each change is in the trail."""

import asyncio

import psycopg
import pytest
from tests.access.conftest import MakePerson, acting

from perpetua.access import service
from perpetua.access.errors import BeyondOwnRights, EmailTaken, LastAdministrator, OutOfScope
from perpetua.access.types import (
    ROLES,
    SYSTEM,
    AuditFilters,
    ChangePerson,
    CreatePerson,
    PeopleFilters,
    Permission,
    SetScope,
)
from perpetua.kit.database import Database, sql
from perpetua.kit.errors import InvalidValue, Missing, NotAllowed, Stale
from perpetua.kit.listing import PageRequest


async def actions(db: Database, kind: str, subject: int) -> list[str]:
    filters = AuditFilters(kind=kind, id=str(subject))
    page = await service.list_audit(db, SYSTEM, filters, PageRequest())
    return [entry.action for entry in reversed(page.items)]


async def test_every_change_is_in_the_trail(db: Database, make_person: MakePerson, places: dict[str, int]) -> None:
    person = await make_person()
    for change in (
        ChangePerson(name="Ann Other"),
        ChangePerson(name="Ann Other"),  # nothing changes: nothing is written
        ChangePerson(role="warehouse_staff"),
        ChangePerson(active=False),
        ChangePerson(active=True),
    ):
        await service.change_person(db, SYSTEM, person.id, change)
    await service.set_scope(db, SYSTEM, person.id, SetScope(scope=[places["N"]]))
    await service.reset_password(db, SYSTEM, person.id)
    expected = ["created", "updated", "role_set", "deactivated", "activated", "scope_set", "password_reset"]
    assert await actions(db, "person", person.id) == expected


async def test_the_same_email_in_another_case_is_taken(db: Database, make_person: MakePerson) -> None:
    person = await make_person()
    with pytest.raises(EmailTaken):
        await make_person(email=person.email.upper())
    other = await make_person()
    with pytest.raises(EmailTaken):
        await service.change_person(db, SYSTEM, other.id, ChangePerson(email=person.email.title()))


@pytest.mark.parametrize(
    "email", ["ann", "a b@example.com", "@example.com", "ann@", "a@b@c", "x" * 260 + "@a.b", "a@.b"]
)
async def test_what_is_no_email_is_refused(make_person: MakePerson, email: str) -> None:
    with pytest.raises(InvalidValue):
        await make_person(email=email)


async def test_a_version_that_was_overtaken_is_refused(db: Database, make_person: MakePerson) -> None:
    person = await make_person()
    await service.change_person(db, SYSTEM, person.id, ChangePerson(name="First"), version=person.version)
    with pytest.raises(Stale):
        await service.change_person(db, SYSTEM, person.id, ChangePerson(name="Second"), version=person.version)
    with pytest.raises(Stale):
        await service.set_scope(db, SYSTEM, person.id, SetScope(scope=[]), version=person.version)


async def test_the_last_administrator_stays_whatever_is_done_at_once(db: Database, make_person: MakePerson) -> None:
    async with db.admin() as tx:
        await tx.execute(sql("UPDATE people SET role = 'viewer' WHERE id <> 0"))
    two = [await make_person("administrator") for _ in range(2)]
    changes = [ChangePerson(active=False), ChangePerson(role="viewer")]
    answers = await asyncio.gather(
        *(
            service.change_person(db, SYSTEM, person.id, change)
            for person, change in zip(two * 3, (changes * 3), strict=True)
        ),
        return_exceptions=True,
    )
    assert any(isinstance(answer, LastAdministrator) for answer in answers)
    left = await service.list_people(db, SYSTEM, PeopleFilters(role="administrator", active=True), PageRequest())
    assert len(left.items) == 1


async def test_nobody_grants_more_than_they_have(db: Database, make_person: MakePerson, places: dict[str, int]) -> None:
    administrator, staff = await make_person("administrator"), await make_person("warehouse_staff")
    narrow: frozenset[Permission] = ROLES["warehouse_staff"] | frozenset[Permission]({"people.write", "people.read"})
    actor = acting(await make_person("administrator"), permissions=narrow, scope=frozenset([places["N"]]))

    for role in ("administrator", "inventory_manager"):
        with pytest.raises(BeyondOwnRights) as refused:
            await service.create_person(db, actor, CreatePerson(email="a@b.example", name="A", role=role, scope=[]))
        assert "costs.read" in refused.value.permissions
    with pytest.raises(BeyondOwnRights):
        await service.create_person(db, actor, CreatePerson(email="a@b.example", name="A", role="viewer"))
    outside = CreatePerson(email="a@b.example", name="A", role="viewer", scope=[places["N-Z"], places["S-Z"]])
    with pytest.raises(BeyondOwnRights) as refused:
        await service.create_person(db, actor, outside)
    assert refused.value.places == [places["S-Z"]]
    for stronger in (administrator, staff):  # the one by permissions, the other by places
        with pytest.raises(BeyondOwnRights):
            await service.change_person(db, actor, stronger.id, ChangePerson(name="Mine"))
        with pytest.raises(BeyondOwnRights):
            await service.reset_password(db, actor, stronger.id)

    made = await service.create_person(
        db, actor, CreatePerson(email="z@b.example", name="Z", role="viewer", scope=[places["N-Z-1"]])
    )
    await service.change_person(db, actor, made.answer.id, ChangePerson(role="warehouse_staff"))
    with pytest.raises(BeyondOwnRights):
        await service.change_person(db, actor, made.answer.id, ChangePerson(role="inventory_manager"))
    with pytest.raises(BeyondOwnRights):
        await service.set_scope(db, actor, made.answer.id, SetScope(scope=None))


@pytest.mark.parametrize("role", ["inventory_manager", "warehouse_staff", "purchasing_staff", "viewer"])
async def test_administrators_alone_administer(db: Database, make_person: MakePerson, role: str) -> None:
    person = await make_person(role)
    actor = acting(person)
    with pytest.raises(NotAllowed):
        await service.create_person(db, actor, CreatePerson(email="q@example.com", name="Q", role="viewer"))
    with pytest.raises(NotAllowed):
        await service.change_person(db, actor, person.id, ChangePerson(role="administrator"))
    with pytest.raises(NotAllowed):
        await service.set_scope(db, actor, person.id, SetScope(scope=None))
    with pytest.raises(NotAllowed):
        await service.reset_password(db, actor, person.id)


async def test_the_system_itself_cannot_be_found_or_changed(db: Database) -> None:
    for use in (
        service.get_person(db, SYSTEM, 0),
        service.change_person(db, SYSTEM, 0, ChangePerson(active=True)),
        service.reset_password(db, SYSTEM, 0),
    ):
        with pytest.raises(Missing):
            await use
    assert 0 not in {p.id for p in (await service.list_people(db, SYSTEM, PeopleFilters(), PageRequest())).items}


async def test_pages_hold_everybody_once(db: Database, make_person: MakePerson) -> None:
    made = [await make_person(name=name) for name in ("paged b", "Paged A", "PAGED 100%", "paged_c", "Paged A")]
    for sort in ("", "email"):
        seen: list[int] = []
        page = PageRequest(limit=2, sort=sort)
        while True:
            slice_ = await service.list_people(db, SYSTEM, PeopleFilters(text="paged"), page)
            seen += [person.id for person in slice_.items]
            if slice_.next_cursor is None:
                break
            page = PageRequest(limit=2, sort=sort, cursor=slice_.next_cursor)
        assert sorted(seen) == sorted(person.id for person in made)
    (percent,) = (await service.list_people(db, SYSTEM, PeopleFilters(text="100%"), PageRequest())).items
    assert percent.id == made[2].id
    with pytest.raises(InvalidValue):
        await service.list_people(db, SYSTEM, PeopleFilters(), PageRequest(sort="password_hash"))


async def test_a_place_that_confines_somebody_stays(db: Database, make_person: MakePerson) -> None:
    async with db.transaction() as tx:
        insert = "INSERT INTO locations (code, name, kind) VALUES ('GONE', 'Gone', 'store') RETURNING id"
        place = await tx.value(sql(insert))
    await make_person("warehouse_staff", scope=[place])
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        async with db.transaction() as tx:
            await tx.execute(sql("DELETE FROM locations WHERE id = %(id)s"), {"id": place})


async def test_whoever_is_confined_is_so_by_subtree(make_person: MakePerson, places: dict[str, int]) -> None:
    actor = acting(await make_person("warehouse_staff", scope=[places["N-Z"]]))
    actor.require_place([places["N"], places["N-Z"], places["N-Z-1"]], "N-Z-1")
    for path, code in (([places["N"]], "N"), ([places["S"], places["S-Z"]], "S-Z")):
        with pytest.raises(OutOfScope):
            actor.require_place(path, code)
    nowhere = acting(await make_person("warehouse_staff", scope=[]))
    with pytest.raises(OutOfScope):
        nowhere.require_place([places["N"]], "N")


async def test_costs_in_the_trail_are_for_who_may_see_them(db: Database, make_person: MakePerson) -> None:
    manager = acting(await make_person("inventory_manager"))
    auditor = acting(await make_person("inventory_manager"), permissions=frozenset({"audit.read"}))
    async with db.transaction() as tx:
        before, after = {"name": "Mug", "cost_price": "1.50"}, {"name": "Cup", "cost_price": "1.75"}
        await service.audit(tx, SYSTEM, "costly", 1, "updated", before, after)
    for actor, seen in ((manager, True), (auditor, False)):
        (entry,) = (await service.list_audit(db, actor, AuditFilters(kind="costly"), PageRequest())).items
        assert entry.after is not None
        assert ("cost_price" in entry.after) is seen
        assert entry.after["name"] == "Cup"
        assert entry.hidden == ([] if seen else ["cost_price"])
    with pytest.raises(NotAllowed):
        await service.list_audit(db, acting(await make_person("viewer")), AuditFilters(), PageRequest())


async def test_the_trail_of_places_is_for_who_may_act_there(
    db: Database, make_person: MakePerson, places: dict[str, int]
) -> None:
    async with db.transaction() as tx:
        for site in "NS":
            path = [places[site], places[f"{site}-Z"]]
            await service.audit(tx, SYSTEM, "shelf", site, "created", None, {"code": site}, path=path)
    northern = acting(await make_person("inventory_manager"), scope=frozenset([places["N"]]))
    seen = (await service.list_audit(db, northern, AuditFilters(kind="shelf"), PageRequest())).items
    assert [entry.subject_id for entry in seen] == ["N"]
