"""Whatever is made, moved and removed, in whatever order: the tree is the one a plain model has."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from perpetua.access.types import SYSTEM
from perpetua.kit.database import Database
from perpetua.kit.errors import Refusal
from perpetua.kit.listing import PageRequest
from perpetua.places import rules, service
from perpetua.places.types import SITE_KINDS, CreateLocation, Kind, LocationFilters, MoveLocation

KINDS: list[Kind] = ["warehouse", "store", "zone", "zone", "aisle", "rack", "bin", "quarantine"]


class Tree(RuleBasedStateMachine):
    """Places in the database beside a dictionary of code → (kind, parent's code)."""

    places = Bundle("places")
    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.db = Database(self.url, max_size=2)
        self.run(self.db.open())
        for place in self.all():
            if place.parent_id is None:
                self.run(service.remove(self.db, SYSTEM, place.id, with_descendants=True))
        self.model: dict[str, tuple[Kind, str | None]] = {}
        self.ids: dict[str, int] = {}
        self.made = 0

    def run(self, awaitable: Any) -> Any:
        return self.loop.run_until_complete(awaitable)

    def teardown(self) -> None:
        self.run(self.db.close())
        self.loop.close()

    def all(self) -> list[Any]:
        return self.run(service.list_locations(self.db, SYSTEM, LocationFilters(), PageRequest(limit=1000))).items

    def path(self, code: str | None) -> list[str]:
        return [] if code is None else [*self.path(self.model[code][1]), code]

    def add(self, kind: Kind, parent: str | None) -> Any:
        code = f"P{self.made}"
        self.made += 1
        allowed = rules.may_stand(kind, None if parent is None else self.model[parent][0])
        try:
            place = self.run(
                service.create(self.db, SYSTEM, CreateLocation(code=code, kind=kind, parent=parent))
            ).answer
        except Refusal:
            assert not allowed
            return multiple()
        assert allowed
        self.model[code] = (kind, parent)
        self.ids[code] = place.id
        if kind in SITE_KINDS:
            self.model[f"{code}-TRANSIT"] = ("transit", code)
        return code

    @rule(target=places, kind=st.sampled_from(KINDS[:2]))
    def add_site(self, kind: Kind) -> Any:
        return self.add(kind, None)

    @rule(target=places, kind=st.sampled_from(KINDS), parent=places)
    def add_place(self, kind: Kind, parent: str) -> Any:
        return self.add(kind, parent) if parent in self.model else multiple()

    @rule(code=places, to=places)
    def move(self, code: str, to: str) -> None:
        if not {code, to} <= self.model.keys():
            return
        kind = self.model[code][0]
        allowed = kind not in SITE_KINDS and code not in self.path(to) and rules.may_stand(kind, self.model[to][0])
        try:
            self.run(service.move(self.db, SYSTEM, self.ids[code], MoveLocation(to=to)))
        except Refusal:
            assert not allowed
            return
        assert allowed
        self.model[code] = (kind, to)

    @rule(code=consumes(places), with_descendants=st.booleans())
    def remove(self, code: str, with_descendants: bool) -> None:
        if code not in self.model:
            return
        below = [other for other in self.model if code in self.path(other)[:-1]]
        allowed = with_descendants or all(self.model[other][0] == "transit" for other in below)
        try:
            gone = self.run(service.remove(self.db, SYSTEM, self.ids[code], with_descendants=with_descendants)).answer
        except Refusal:
            assert not allowed
            return
        assert allowed
        assert gone.removed == len(below) + 1
        for other in [*below, code]:
            del self.model[other]

    @invariant()
    def the_tree_is_the_models(self) -> None:
        there = {place.code: place for place in self.all()}
        assert {code: place.path_codes for code, place in there.items()} == {
            code: self.path(code) for code in self.model
        }
        for place in there.values():
            assert place.site_id == there[place.path_codes[0]].id
            assert place.path == [there[code].id for code in place.path_codes]


@pytest.fixture
def machine(database_url: str) -> type[Tree]:
    return type("TreeHere", (Tree,), {"url": database_url})


def test_the_tree_is_always_the_models(machine: type[Tree]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=8, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
