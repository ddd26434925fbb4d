"""The decision and its record: lock, look, decide, write, in the caller's transaction."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from perpetua.access.types import SYSTEM
from perpetua.allocation import rules, store
from perpetua.allocation.service import holding
from perpetua.allocation.service.drafting import Draft, Drafts
from perpetua.allocation.service.expecting import expect_lines
from perpetua.allocation.service.filling import lock_and_give, lock_to_decide
from perpetua.allocation.store import Entry, Part
from perpetua.allocation.types import Decided, Take
from perpetua.kit.database import Tx
from perpetua.kit.quantity import ZERO, plain
from perpetua.orders import service as orders
from perpetua.orders.types import Counts, NewLine, NewOrder, Order, OrderLine, ShipTo, number_of

__all__ = ["decide_new"]


async def decide_new(tx: Tx, drafts: Drafts, now: datetime, *, locked: Callable[[], None]) -> dict[int, Order]:
    """Decide the drafts together and write them; the orders as they are now, by their place among the requests. Calls
    `locked` once their positions are."""
    if not drafts.orders:
        return {}
    ground = drafts.ground
    wanted = [draft.wanted for draft in drafts.orders.values()]
    await store.hold_recipes(tx, ground.kits)
    held = await holding.held_for(tx, drafts.orders)
    own = {one.key for some in held.values() for one in some}
    variants = {variant for one in wanted for line in one.lines for variant, _ in line.parts} | {key[0] for key in own}
    sites = {site for one in wanted for site in one.sites} | {key[1] for key in own}
    if own:  # what of it is not ordered goes to whoever waits
        await lock_and_give(tx, variants, sites, now)
    positions = await lock_to_decide(
        tx, variants, sites, now, with_lots=_tracked(drafts), sharing=_sharing(drafts)
    )  # fmt: skip
    locked()
    if own:  # as they are under the lock
        held = await holding.held_for(tx, drafts.orders)
    turned = await holding.turn(tx, held, drafts.orders, ground.version)
    decided: dict[int, list[Decided]] = defaultdict(list)  # each order's in the order of its lines
    for one in rules.decide(wanted, positions, ground.rules, turned):
        decided[one.order].append(one)
    numbers = iter(ground.line_ids)
    made = {
        at: _new_order(order_id, numbers, draft, decided[at], now)
        for order_id, (at, draft) in zip(ground.order_ids, drafts.orders.items(), strict=False)
    }
    received_at = await orders.write(tx, list(made.values()))
    takes: list[tuple[int, Take]] = []
    entries: list[Entry] = []
    answers: dict[int, Order] = {}
    codes = {site.id: site.code for site in ground.sites}
    for at, draft in drafts.orders.items():
        order = made[at]
        for one, line in zip(decided[at], order.lines, strict=True):
            takes += [(line.id, take) for take in one.takes]
            facts = (one.action, order.id, line.id, line.variant_id, one.asked, one.given, one.facts)
            entries.append(Entry(draft.actor_id, *facts))
        answers[at] = _answer(draft, decided[at], order, received_at, codes)
    await store.record(tx, ground.version, takes, entries)
    if turned:
        await holding.give_rest(tx, SYSTEM.person_id, turned, [take for _, take in takes], now)
    return await _expected(tx, drafts, made, answers, now)


async def _expected(
    tx: Tx, drafts: Drafts, made: Mapping[int, NewOrder], answers: dict[int, Order], now: datetime
) -> dict[int, Order]:
    """The answers with the days when what waits is to come, where that is known."""
    waiting = {
        line.id: [variant for variant, _ in wanted.parts]
        for at, order in made.items()
        for line, wanted in zip(order.lines, drafts.orders[at].wanted.lines, strict=True)
        if line.quantity > line.allocated + line.refused
    }
    days = await expect_lines(tx, drafts.ground, waiting, now) if waiting and drafts.ground else {}
    if not days:
        return answers
    told = {(at, line.line_no): days.get(line.id) for at, order in made.items() for line in order.lines}
    return {
        at: msgspec.structs.replace(order, lines=[
            msgspec.structs.replace(line, expected_on=str(day)) if (day := told[at, line.line_no]) else line
            for line in order.lines
        ])
        for at, order in answers.items()
    }  # fmt: skip


def _tracked(drafts: Drafts) -> set[int]:
    """The variants whose lots are tracked, kits' components among them."""
    kits: Mapping[int, list[Part]] = drafts.ground.kits
    own = {v.id for draft in drafts.orders.values() for v in draft.variants if v.tracking == "lot"}
    return own | {part.variant_id for parts in kits.values() for part in parts if part.lots}


def _sharing(drafts: Drafts) -> list[str]:
    """The channels among the orders' that have a share."""
    channels = drafts.ground.rules.channels
    asked = {draft.order.channel for draft in drafts.orders.values()}
    return sorted(name for name in asked if name in channels and channels[name].share_percent is not None)


def _sum(decided: list[Decided]) -> Counts:
    """All lines as one."""
    if len(decided) == 1:
        return Counts(decided[0].asked, allocated=decided[0].given, refused=decided[0].refused)
    asked, given, refused = ZERO, ZERO, ZERO
    for one in decided:
        asked, given, refused = asked + one.asked, given + one.given, refused + one.refused
    return Counts(asked, allocated=given, refused=refused)


def _new_order(order_id: int, numbers: Iterator[int], draft: Draft, decided: list[Decided], now: datetime) -> NewOrder:
    order = draft.order
    lines = [
        NewLine(
            next(numbers), one.line, variant.id, wanted.kit, one.asked, line.unit_price, one.given, one.refused
        )
        for one, variant, line, wanted in zip(decided, draft.variants, order.lines, draft.wanted.lines, strict=True)
    ]  # fmt: skip
    return NewOrder(
        id=order_id, channel=order.channel, external_id=draft.external_id, body_hash=draft.body_hash,
        status=orders.status_of([_sum(decided)]), fulfilment=draft.wanted.fulfilment,
        customer_id=draft.customer.id if draft.customer else None, tier=draft.wanted.tier,
        site_id=draft.site.id if draft.site else None, ship_to=order.ship_to or ShipTo(),
        min_life_days=draft.min_life_days, placed_at=order.placed_at or now, created_by=draft.actor_id,
        contact=order.contact, lines=lines,
    )  # fmt: skip


def _answer(
    draft: Draft, decided: list[Decided], made: NewOrder, received_at: datetime, codes: dict[int, str]
) -> Order:
    lines = [
        OrderLine(
            line_no=one.line, variant_id=variant.id, sku=variant.sku, name=variant.name,
            quantity=plain(one.asked), allocated=plain(one.given), shipped=ZERO, cancelled=ZERO,
            refused=plain(one.refused), backordered=plain(one.asked - one.given - one.refused), kit=wanted.kit,
            unit_price=None if line.unit_price is None else plain(line.unit_price),
            sites=_sites(one, wanted.parts[0], codes),
        )
        for one, variant, line, wanted in zip(decided, draft.variants, made.lines, draft.wanted.lines, strict=True)
    ]  # fmt: skip
    return Order(
        id=made.id, number=number_of(made.id), channel=made.channel, external_id=made.external_id, status=made.status,
        fulfilment=made.fulfilment, customer=draft.customer.code if draft.customer else None, tier=made.tier,
        site=draft.site.code if draft.site else None, ship_to=made.ship_to, min_life_days=made.min_life_days,
        placed_at=made.placed_at.astimezone(UTC), received_at=received_at, version=1, lines=lines,
    )  # fmt: skip


def _sites(one: Decided, part: tuple[int, Decimal], codes: dict[int, str]) -> dict[str, Decimal]:
    """Where the line is allocated, in its own unit."""
    sites: dict[str, Decimal] = {}
    for take in one.takes:
        if take.variant_id == part[0]:
            code = codes[take.site_id]
            sites[code] = plain(sites.get(code, ZERO) + take.quantity / part[1])
    return sites
