"""The decision itself, over any stock and any orders: what it gives is there, adds up, and depends on nothing else."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from perpetua.allocation import rules
from perpetua.allocation.rules import Key
from perpetua.allocation.types import (
    ChannelRules,
    Decided,
    LotStock,
    Position,
    Rules,
    Take,
    TierRules,
    Waits,
    Wanted,
    WantedLine,
)

VARIANTS, SITES = (1, 2, 3), (10, 20, 30)
CHANNELS, TIERS = ("web", "shop", "direct"), ("gold", "plain", None)
START = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL = date(2026, 6, 1)
few = st.integers(0, 12).map(Decimal)


@st.composite
def positions(draw: Any) -> dict[Key, Position]:
    found: dict[Key, Position] = {}
    for variant in VARIANTS:
        tracked = variant == 3
        for site in SITES:
            if not draw(st.booleans()):
                continue
            sellable = draw(few)
            allocated = draw(st.integers(0, int(sellable)).map(Decimal))
            reserved = draw(st.integers(0, int(sellable - allocated)).map(Decimal))
            lots = None
            if tracked:
                sizes = draw(st.lists(few, max_size=3))
                days = (None, UNTIL - timedelta(days=1), UNTIL)
                lots = tuple(LotStock(n + 1, size, draw(st.sampled_from(days))) for n, size in enumerate(sizes))
            shares = {"web": draw(st.integers(0, int(allocated)).map(Decimal))}
            found[variant, site] = Position(sellable + 2, Decimal(2), allocated, reserved, lots, shares)
    return found


@st.composite
def orders(draw: Any) -> list[Wanted]:
    parts = st.sampled_from([
        (((1, Decimal(1)),), False), (((2, Decimal(1)),), False), (((3, Decimal(1)),), False),
        (((1, Decimal(2)), (2, Decimal(1))), True), (((1, Decimal(1)), (3, Decimal(3))), True),
    ])  # fmt: skip
    made: list[Wanted] = []
    for number in range(draw(st.integers(1, 5))):
        lines = tuple(
            WantedLine(n + 1, draw(st.integers(1, 8).map(Decimal)), *draw(parts))
            for n in range(draw(st.integers(1, 3)))
        )
        made.append(
            Wanted(
                number, draw(st.sampled_from(CHANNELS)), draw(st.sampled_from(TIERS)),
                draw(st.sampled_from(["split", "complete", "cancel_rest"])),
                tuple(draw(st.permutations(SITES)))[: draw(st.integers(1, 3))],
                draw(st.sampled_from(["ranked", "nearest", "fewest_parcels", "most_stock"])),
                draw(st.sampled_from([None, UNTIL])), lines, START + timedelta(minutes=draw(st.integers(0, 3))),
                draw(st.integers(0, 1)),
            )
        )  # fmt: skip
    return made


@st.composite
def config(draw: Any) -> Rules:
    percent = st.integers(0, 40).map(Decimal)
    web = ChannelRules(
        buffer_units=draw(few), buffer_percent=draw(percent),
        share_percent=draw(st.none() | st.integers(0, 100).map(Decimal)),
    )  # fmt: skip
    tiers = [TierRules(code="gold", rank=1, hold_percent=draw(percent)), TierRules(code="plain", rank=2)]
    return Rules(queue=draw(st.sampled_from(["fifo", "priority"])), tiers=tiers, channels={"web": web})


@given(orders(), positions(), config())
@settings(max_examples=300, deadline=None)
def test_no_more_is_given_than_is_there(wanted: list[Wanted], there: dict[Key, Position], of: Rules) -> None:
    decided = rules.decide(wanted, there, of)
    taken: dict[Key, Decimal] = defaultdict(Decimal)
    lots: dict[tuple[int, int, int], Decimal] = defaultdict(Decimal)
    for one in decided:
        for take in one.takes:
            assert take.quantity > 0
            assert take.site_id in wanted[one.order].sites
            taken[take.variant_id, take.site_id] += take.quantity
            lots[take[:3]] += take.quantity
    for key, quantity in taken.items():
        position = there[key]
        assert quantity <= position.on_hand - position.unsellable - position.allocated - position.reserved
        if position.lots is not None:
            for lot in position.lots:
                assert lots[*key, lot.lot_id] <= lot.free
            assert not lots[*key, 0]
    for one in decided:
        for take in one.takes:
            until = wanted[one.order].lasts_until
            lot = next((x for x in there[take.variant_id, take.site_id].lots or () if x.lot_id == take.lot_id), None)
            assert lot is None or until is None or lot.expires_on is None or lot.expires_on >= until


@given(orders(), positions(), config())
@settings(max_examples=200, deadline=None)
def test_lines_add_up_and_kits_are_whole(wanted: list[Wanted], there: dict[Key, Position], of: Rules) -> None:
    decided = rules.decide(wanted, there, of)
    assert sorted((one.order, one.line) for one in decided) == sorted(
        (order.order, line.number) for order in wanted for line in order.lines
    )
    for one in decided:
        order = wanted[one.order]
        line = order.lines[one.line - 1]
        assert one.given >= 0
        assert one.refused == (one.asked - one.given if order.fulfilment == "cancel_rest" else 0)
        by_site: dict[int, dict[int, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for take in one.takes:
            by_site[take.site_id][take.variant_id] += take.quantity
        sets = Decimal(0)
        for parts in by_site.values():
            each = {parts[variant] / quantity for variant, quantity in line.parts}
            assert len(each) == 1, "all components of a kit leave one site together"
            sets += each.pop()
        assert sets == one.given
        assert not line.kit or one.given == int(one.given)
    for order in wanted:
        mine = [one for one in decided if one.order == order.order]
        if order.fulfilment == "complete":
            assert all(one.given == one.asked for one in mine) or not any(one.given for one in mine)


@given(orders(), positions(), config())
@settings(max_examples=100, deadline=None)
def test_it_depends_on_no_order_of_a_dictionary(wanted: list[Wanted], there: dict[Key, Position], of: Rules) -> None:
    turned = dict(reversed(there.items()))
    assert rules.decide(wanted, there, of) == rules.decide(wanted, turned, of)


def total(decided: list[Decided], order: int) -> Decimal:
    return sum((one.given for one in decided if one.order == order), Decimal(0))


@given(orders(), positions(), config())
@settings(max_examples=200, deadline=None)
def test_alone_an_order_of_one_line_gets_no_less(wanted: list[Wanted], there: dict[Key, Position], of: Rules) -> None:
    """Of several lines one could take what another needs, elsewhere than it would among others."""
    wanted = [order._replace(lines=order.lines[:1]) for order in wanted]
    together = rules.decide(wanted, there, of)
    for order in wanted:
        assert total(rules.decide([order], there, of), order.order) >= total(together, order.order)


@given(orders(), positions(), config(), st.data())
@settings(max_examples=200, deadline=None)
def test_what_is_held_for_an_order_is_its_own(
    wanted: list[Wanted], there: dict[Key, Position], of: Rules, data: st.DataObject
) -> None:
    """Whoever else is decided with it, and whatever the rules hold back."""
    plain = [(key, one) for key, one in there.items() if one.lots is None and one.reserved > 0]
    if not plain:
        return
    (variant, site), position = data.draw(st.sampled_from(plain))
    line = WantedLine(1, position.reserved, ((variant, Decimal(1)),))
    mine = Wanted(99, "web", None, "split", (site,), "ranked", None, (line,), START + timedelta(days=1))
    held = {99: [Take(variant, site, 0, position.reserved)]}
    decided = rules.decide([*wanted, mine], there, of, held)
    assert total(decided, 99) == position.reserved
    for key, quantity in _taken(decided).items():
        own = position.reserved if key == (variant, site) else Decimal(0)
        one = there[key]
        assert quantity <= one.on_hand - one.unsellable - one.allocated - one.reserved + own


def _taken(decided: list[Decided]) -> dict[Key, Decimal]:
    taken: dict[Key, Decimal] = defaultdict(Decimal)
    for one in decided:
        for take in one.takes:
            taken[take.variant_id, take.site_id] += take.quantity
    return taken


@given(
    st.lists(st.tuples(st.sampled_from(VARIANTS), st.integers(1, 9), st.sampled_from([None, *SITES])), max_size=8),
    st.lists(st.tuples(st.sampled_from(VARIANTS), st.sampled_from(SITES), st.integers(1, 28), few), max_size=8),
)
def test_what_comes_is_told_once(lines: list[Any], comes: list[Any]) -> None:
    waiting = [Waits(n, variant, Decimal(q), site) for n, (variant, q, site) in enumerate(lines)]
    coming = sorted((variant, site, date(2026, 1, day), q) for variant, site, day, q in comes)
    coming.sort(key=lambda one: one[2])
    days = rules.arrivals(waiting, coming)
    for variant in VARIANTS:
        told = sum(
            (line.quantity for line in waiting if line.variant_id == variant and line.line_id in days), Decimal(0)
        )
        assert told <= sum((one[3] for one in coming if one[0] == variant), Decimal(0))
    assert set(days.values()) <= {one[2] for one in coming}
