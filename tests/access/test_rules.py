"""Decisions of access, for any input."""

import contextlib
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from perpetua.access import rules
from perpetua.access.errors import BeyondOwnRights, WeakPassword
from perpetua.access.types import PERMISSIONS, ROLES, Actor, Permission, Role

ROLE: st.SearchStrategy[Role] = st.sampled_from(sorted(ROLES))
SOME: st.SearchStrategy[frozenset[Permission]] = st.frozensets(st.sampled_from(sorted(PERMISSIONS)))
VALUES = st.dictionaries(
    st.sampled_from(["name", "sku", "cost_price", "unit_cost", "password_hash", "api_token", "attributes", "active"]),
    st.none() | st.booleans() | st.text(max_size=5) | st.dictionaries(st.sampled_from(["cost", "colour"]), st.just(1)),
)


def actor(permissions: frozenset[Permission], role: Role = "administrator") -> Actor:
    return Actor(person_id=1, name="Ann", role=role, permissions=permissions)


@given(role=ROLE, token=st.none() | SOME)
def test_a_token_only_narrows(role: Role, token: frozenset[Permission] | None) -> None:
    got = rules.effective(role, token)
    assert got <= ROLES[role]
    assert token is None or got == ROLES[role] & token


@given(has=SOME, owner=ROLE, asked=st.none() | SOME)
def test_a_new_token_has_what_maker_and_owner_both_have(
    has: frozenset[Permission], owner: Role, asked: frozenset[Permission] | None
) -> None:
    if asked is None or asked <= has & ROLES[owner]:
        got = rules.token_permissions(actor(has), owner, asked)
        assert got == (has & ROLES[owner] if asked is None else asked)
    else:
        with pytest.raises(BeyondOwnRights) as refused:
            rules.token_permissions(actor(has), owner, asked)
        assert set(refused.value.permissions) <= asked


@given(has=SOME, wanted=SOME)
def test_granting_is_refused_exactly_when_something_is_lacking(
    has: frozenset[Permission], wanted: frozenset[Permission]
) -> None:
    if wanted <= has:
        rules.require_grantable(actor(has), wanted)
    else:
        with pytest.raises(BeyondOwnRights) as refused:
            rules.require_grantable(actor(has), wanted)
        assert refused.value.permissions == sorted(wanted - has)


@given(before=VALUES, after=VALUES)
def test_a_diff_tells_what_changed_and_nothing_else(before: dict[str, Any], after: dict[str, Any]) -> None:
    was, became, costs = rules.diff(before, after)
    assert was is not None
    assert became is not None
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    changed |= before.keys() ^ after.keys()
    assert was.keys() | became.keys() == changed
    assert {name for name in changed if "cost" in name} <= set(costs) <= changed
    for side in (was, became):
        assert all(side[name] == rules.HIDDEN for name in side if name in {"password_hash", "api_token"})
        assert "cost" not in str(rules.without_costs(side, costs))
    assert rules.diff(before, before) == ({}, {}, [])


@given(values=VALUES)
def test_what_is_made_or_removed_is_told_whole(values: dict[str, Any]) -> None:
    assert rules.diff(None, values)[0] is None
    made = rules.diff(None, values)[1]
    assert made is not None
    assert made.keys() == values.keys()
    assert rules.diff(values, None)[0] == made


@given(password=st.text(max_size=300))
def test_a_password_is_taken_as_it_is_or_refused(password: str) -> None:
    with contextlib.suppress(WeakPassword):
        assert rules.check_password(password, email="ann@example.com", name="Ann Example") == password
        assert 12 <= len(password) <= 256


@pytest.mark.parametrize(
    "password",
    [
        "", "short", "password1234", "PASSWORD-2026", "passwordpassword", "qwertyqwerty1",
        "aaaaaaaaaaaaaaa", "abababababab", "abcdefghijklmno", "zyxwvutsrqpo", "123456789012",
        "ann@example.com", "Ann Example 1", "annannannann", "warehouse2026!", "correct horse battery staple",
        "x" * 257,
    ],
)  # fmt: skip
def test_what_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword) as refused:
        rules.check_password(password, email="ann@example.com", name="Ann Example")
    assert refused.value.facts["value"] == "(hidden)"


@pytest.mark.parametrize(
    "password",
    ["three wet forklifts", "Tr0ub4dor&3xyz", "пять сухих поддонов", "annual pallet audit", "🚚🏬📦🔒🧾🐘🦒🐍🐢🐙🦀🐝"],
)
def test_a_few_words_are_good(password: str) -> None:
    assert rules.check_password(password, email="ann@example.com", name="Ann Example") == password


@given(role=ROLE)
def test_costs_are_for_managers(role: Role) -> None:
    assert ("costs.read" in ROLES[role]) == (role in {"administrator", "inventory_manager"})
    assume(role != "administrator")
    assert "people.write" not in ROLES[role]
