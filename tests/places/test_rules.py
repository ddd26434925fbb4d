"""Where places may stand, and what layouts make."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpetua.kit.errors import InvalidValue, Refusal, TooLarge
from perpetua.places import rules
from perpetua.places.types import KINDS, SITE_KINDS, Kind, LayOut, Level, LocationRef

kinds = st.sampled_from(sorted(KINDS))
SITE = LocationRef(
    id=1, code="W", kind="warehouse", site_id=1, path=[1], sellable=True, negative_allowed=False, active=True
)


@given(kinds)
def test_only_sites_stand_at_the_root_and_nowhere_else(kind: Kind) -> None:
    assert rules.may_stand(kind, None) == (kind in SITE_KINDS)
    assert not any(rules.may_stand(site, kind) for site in SITE_KINDS)


@given(kinds)
def test_nothing_stands_in_a_bin_or_a_transit(kind: Kind) -> None:
    assert not rules.may_stand(kind, "bin")
    assert not rules.may_stand(kind, "transit")


@given(kinds)
def test_every_kind_but_the_sites_stands_in_a_site(kind: Kind) -> None:
    assert rules.may_stand(kind, "store") == (kind not in SITE_KINDS)


@pytest.mark.parametrize(
    "labels, made",
    [
        ("A-D", ["A", "B", "C", "D"]),
        ("08-11", ["08", "09", "10", "11"]),
        ("8-11", ["8", "9", "10", "11"]),
        ("A,C-D, 7", ["A", "C", "D", "7"]),
        (["x", "y"], ["x", "y"]),
        ("north", ["north"]),
    ],
)
def test_labels(labels: str | list[str], made: list[str]) -> None:
    assert rules.labels_of(labels) == made


@pytest.mark.parametrize("labels", ["", "D-A", "10-1", ["a", "A"], [], [""], "A,,B"])
def test_labels_that_are_none(labels: str | list[str]) -> None:
    with pytest.raises(InvalidValue):
        rules.labels_of(labels)


def test_more_than_can_be_made_at_once_is_refused_before_it_is_made() -> None:
    with pytest.raises(TooLarge):
        rules.labels_of("0-999999")
    levels = [Level(kind="zone", labels="1-999"), Level(kind="zone", labels="1-999"), Level(kind="bin", labels="1-999")]
    with pytest.raises(TooLarge):
        rules.lay_out(LayOut(parent="W", levels=levels), SITE, "W")


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=4),
    st.sampled_from(["straight", "serpentine"]),
    st.integers(0, 100),
)
def test_a_layout_has_every_place_once_parents_first_and_the_last_level_numbered(
    widths: list[int], order: str, first: int
) -> None:
    levels = [Level(kind="zone", labels=f"1-{width}", order=order) for width in widths]  # pyright: ignore[reportArgumentType]
    plan = rules.lay_out(LayOut(parent="W", levels=levels, first_pick_sequence=first), SITE, "W")
    expected, width = 0, 1
    for count in widths:
        width *= count
        expected += width
    assert len({place.code for place in plan}) == len(plan) == expected
    assert all(place.above is None or place.above < at for at, place in enumerate(plan))
    numbers = [place.pick_sequence for place in plan if place.pick_sequence is not None]
    assert numbers == list(range(first, first + width))


@pytest.mark.parametrize(
    "asked",
    [
        LayOut(parent="W", levels=[]),
        LayOut(parent="W", levels=[Level(kind="zone", labels="A-B")], code="{site}"),
        LayOut(parent="W", levels=[Level(kind="zone", labels="A-B")], code="{label.__class__}-{label}" * 5),
        LayOut(parent="W", levels=[Level(kind="zone", labels="A-B")], code="{colour}{label}"),
        LayOut(parent="W", levels=[Level(kind="bin", labels="A"), Level(kind="bin", labels="A")]),
        LayOut(parent="W", levels=[Level(kind="bin", labels="A" * 50)]),
        LayOut(parent="W", levels=[Level(kind="bin", labels="A")], first_pick_sequence=-1),
        LayOut(parent="W", levels=[Level(kind="bin", labels="1-9")], first_pick_sequence=2**31 - 4),
    ],
)
def test_a_layout_that_cannot_be_is_refused(asked: LayOut) -> None:
    with pytest.raises(Refusal):
        rules.lay_out(asked, SITE, "W")


@given(st.text(max_size=50))
def test_any_text_is_a_code_that_fits_a_label_or_refused(text: str) -> None:
    try:
        assert rules.check_code(text) == text
    except InvalidValue:
        return
    assert 0 < len(text) <= 40
    assert text.isprintable()
    assert text == text.strip()
