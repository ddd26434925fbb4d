"""When will it come: lines that wait are told the day, by their turn and what is to come."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

import msgspec

from perpetua.allocation import port, store
from perpetua.allocation.rules import Key, arrivals
from perpetua.allocation.service.configuring import AT_ONCE, Q
from perpetua.allocation.service.releasing import in_turn_params
from perpetua.allocation.store import Ground
from perpetua.allocation.types import Waits
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Tx
from perpetua.orders import service as orders

__all__ = ["awaited", "expect", "expect_all", "expect_lines"]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line that waits; of a kit, once for each component."""

    line_id: int
    variant_id: int
    quantity: Decimal
    site_id: int | None
    expected_on: date | None


async def expect(tx: Tx, variant_ids: Sequence[int], now: datetime) -> int:
    """Tell all lines that wait for these items when that is to come; of how many the day is another than before.

    For whoever changes what is to come, in the transaction that does. Locks the items' positions.
    """
    ground = await store.ground(tx)
    sites = sorted(site.id for site in ground.sites)
    await store.lock(tx, variant_ids, sites, with_lots=(), sharing=(), today=now.date())
    lines, days = await _days(tx, ground, variant_ids, now)
    before = {line.line_id: line.expected_on for line in lines}
    changed = {line_id: days.get(line_id) for line_id, day in sorted(before.items()) if days.get(line_id) != day}
    await orders.expect(tx, changed)
    return len(changed)


async def awaited(tx: Tx, variant_ids: Sequence[int]) -> tuple[list[int], list[Key]]:
    """Those of these items that somebody waits for, and the positions that `expect` of them locks: for whoever locks
    others first, and so takes all of them at once."""
    if not variant_ids:
        return [], []
    wanted: list[int] = await tx.values(Q["awaited"], {"variant_ids": sorted(set(variant_ids))})
    if not wanted:
        return [], []
    sites = sorted(site.id for site in (await store.ground(tx)).sites)
    return wanted, [(variant, site) for variant in wanted for site in sites]


async def expect_lines(tx: Tx, ground: Ground, waiting: Mapping[int, Iterable[int]], now: datetime) -> dict[int, date]:
    """Tell these lines (each with the items that it waits for) when that is to come, as they are written or changed;
    the others that wait are told within the minute. Nothing more is asked where nobody knows, or nothing is to come.

    In the transaction that writes them, under their positions' locks.
    """
    variants = {variant for some in waiting.values() for variant in some}
    if not variants or not port.known() or not await port.expected(tx, sorted(variants)):
        return {}
    _, every = await _days(tx, ground, sorted(variants), now)
    days = {line_id: day for line_id, day in every.items() if line_id in waiting}
    await orders.expect(tx, days)
    return days


async def _days(
    tx: Tx, ground: Ground, variant_ids: Iterable[int], now: datetime
) -> tuple[list[Line], dict[int, date]]:
    """The lines that wait for these, in turn, and for each of which all is to come the day when it is."""
    asked = {"variant_ids": sorted(set(variant_ids))} | in_turn_params(ground.rules)
    lines = await tx.rows(Q["to_expect"], asked, as_=Line)
    sites = {site.id for site in ground.sites}
    coming = await port.expected(tx, sorted({line.variant_id for line in lines}))
    days = arrivals(
        [Waits(line.line_id, line.variant_id, line.quantity, line.site_id) for line in lines],
        [
            (one.variant_id, one.site_id, max(one.on, now.date()), one.quantity)
            for one in coming if one.site_id in sites
        ],
    )  # fmt: skip
    return lines, days


async def expect_all(db: Database, *, clock: Clock = system_clock) -> int:
    """`expect` for all that is waited for; of how many lines the day is another than before."""
    async with db.transaction() as tx:
        waited_for: Sequence[int] = await tx.values(Q["waiting_variants"]) if port.known() else []
    changed = 0
    for first in range(0, len(waited_for), AT_ONCE):
        some = waited_for[first : first + AT_ONCE]
        changed += await db.run(lambda tx, some=some: expect(tx, some, clock()))
    return changed
