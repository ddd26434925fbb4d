"""The decision and its record: lock, look, decide, write, in the caller's transaction."""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal

from perpetua.allocation import rules, store
from perpetua.allocation.service.drafting import Draft, Drafts
from perpetua.allocation.store import Entry
from perpetua.allocation.types import Decided, Take
from perpetua.kit.database import Tx
from perpetua.kit.quantity import ZERO
from perpetua.orders import service as orders
from perpetua.orders.types import Counts, NewLine, NewOrder, Order, OrderLine, ShipTo, Written, number_of

__all__ = ["decide_new"]


async def decide_new(tx: Tx, drafts: Drafts, now: datetime) -> dict[int, Order]:
    """Decide the drafts together and write them; the orders as they are now, by their place among the requests."""
    if not drafts.orders or drafts.ground is None:
        return {}
    ground = drafts.ground
    wanted = [draft.wanted for draft in drafts.orders.values()]
    positions = await store.lock(
        tx, {variant for one in wanted for line in one.lines for variant, _ in line.parts},
        sorted({site for one in wanted for site in one.sites}),
        with_lots=_tracked(drafts), sharing=_sharing(drafts), today=now.date(),
    )  # fmt: skip
    decided: dict[int, list[Decided]] = defaultdict(list)
    for one in rules.decide(wanted, positions, ground.rules):
        decided[one.order].append(one)
    for lines in decided.values():
        lines.sort(key=lambda one: one.line)
    written = await orders.write(tx, [_new_order(draft, decided[at], now) for at, draft in drafts.orders.items()])
    takes: list[tuple[int, Take]] = []
    entries: list[Entry] = []
    answers: dict[int, Order] = {}
    codes = {site.id: site.code for site in ground.sites}
    for (at, draft), made in zip(drafts.orders.items(), written, strict=True):
        for one, variant, line_id in zip(decided[at], draft.variants, made.line_ids, strict=True):
            takes += [(line_id, take) for take in one.takes]
            entries.append(
                Entry(draft.actor_id, one.action, made.id, line_id, variant.id, one.asked, one.given, one.facts)
            )
        answers[at] = _answer(draft, decided[at], made, codes, now)
    await store.record(tx, ground.version, takes, entries)
    return answers


def _tracked(drafts: Drafts) -> set[int]:
    """The variants whose lots are tracked, kits' components among them."""
    own = {v.id for draft in drafts.orders.values() for v in draft.variants if v.tracking == "lot"}
    return own | {part.variant_id for parts in drafts.kits.values() for part in parts if part.lots}


def _sharing(drafts: Drafts) -> list[str]:
    """The channels among the orders' that have a share."""
    channels = drafts.ground.rules.channels if drafts.ground else {}
    asked = {draft.order.channel for draft in drafts.orders.values()}
    return sorted(name for name in asked if name in channels and channels[name].share_percent is not None)


def _counts(one: Decided) -> Counts:
    return Counts(one.asked, allocated=one.given, refused=one.refused)


def _new_order(draft: Draft, decided: list[Decided], now: datetime) -> NewOrder:
    order = draft.order
    lines = [
        NewLine(one.line, variant.id, wanted.kit, one.asked, line.unit_price, allocated=one.given, refused=one.refused)
        for one, variant, line, wanted in zip(decided, draft.variants, order.lines, draft.wanted.lines, strict=True)
    ]
    return NewOrder(
        channel=order.channel, external_id=draft.external_id, body_hash=draft.body_hash,
        status=orders.status_of(_counts(one) for one in decided), fulfilment=draft.wanted.fulfilment,
        customer_id=draft.customer.id if draft.customer else None, tier=draft.wanted.tier,
        site_id=draft.site.id if draft.site else None, ship_to=order.ship_to or ShipTo(),
        min_life_days=draft.min_life_days, placed_at=order.placed_at or now, created_by=draft.actor_id,
        contact=order.contact, lines=lines,
    )  # fmt: skip


def _answer(draft: Draft, decided: list[Decided], made: Written, codes: dict[int, str], now: datetime) -> Order:
    order = draft.order
    lines: list[OrderLine] = []
    for one, variant, asked, wanted in zip(decided, draft.variants, order.lines, draft.wanted.lines, strict=True):
        sites: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for take in one.takes:
            if take.variant_id == wanted.parts[0][0]:
                sites[codes[take.site_id]] += take.quantity / wanted.parts[0][1]
        lines.append(OrderLine(
            line_no=one.line, variant_id=variant.id, sku=variant.sku, name=variant.name, quantity=one.asked,
            allocated=one.given, shipped=ZERO, cancelled=ZERO, refused=one.refused,
            backordered=_counts(one).backordered, kit=wanted.kit, unit_price=asked.unit_price, sites=dict(sites),
        ))  # fmt: skip
    return Order(
        id=made.id, number=number_of(made.id), channel=order.channel, external_id=draft.external_id,
        status=orders.status_of(_counts(one) for one in decided), fulfilment=draft.wanted.fulfilment,
        customer=draft.customer.code if draft.customer else None, tier=draft.wanted.tier,
        site=draft.site.code if draft.site else None, ship_to=order.ship_to or ShipTo(),
        min_life_days=draft.min_life_days, placed_at=order.placed_at or now, received_at=made.received_at, version=1,
        lines=lines,
    )  # fmt: skip
