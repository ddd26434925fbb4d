"""How suppliers did in a window of days, all in one statement."""

from datetime import date, timedelta
from typing import Any, Final

from perpetua.access.types import Actor
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Queries, Tx
from perpetua.kit.errors import InvalidValue, Missing
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.purchasing import store
from perpetua.purchasing.types.scorecards import Scorecard

__all__ = ["get_scorecard", "list_scorecards"]

Q = Queries(store.__file__, "scorecard.sql")
_PRICES: Final = ("price_change_since_first", "price_change_since_before")


async def get_scorecard(
    db: Database, actor: Actor, supplier_id: int, *, days: int = 90, until: date | None = None,
    clock: Clock = system_clock,
) -> Scorecard:  # fmt: skip
    """How one supplier did in the days up to `until` (today). Raises Missing, InvalidValue."""
    actor.require("purchasing.read")
    asked = _asked(actor, days, until or clock().date())
    async with db.snapshot() as tx:
        found = await _read(tx, actor, {**asked, "supplier_id": supplier_id, "limit": 1})
    if not found:
        raise Missing("supplier", supplier_id)
    return found[0]


async def list_scorecards(
    db: Database, actor: Actor, page: PageRequest, *, days: int = 90, until: date | None = None,
    active: bool | None = None, clock: Clock = system_clock,
) -> Page[Scorecard]:  # fmt: skip
    """How suppliers did, by their code. Raises InvalidValue: foreign cursor."""
    actor.require("purchasing.read")
    asked = _asked(actor, days, until or clock().date())
    after = page.after(str, int) or [None, None]
    asked |= {"active": active, "after_code": after[0], "after_id": after[1], "limit": page.limit + 1}
    async with db.snapshot() as tx:
        rows = await _read(tx, actor, asked)
    return page_of(rows, page, lambda row: [row.supplier.upper(), row.supplier_id])


def _asked(actor: Actor, days: int, until: date) -> dict[str, Any]:
    if not 1970 <= until.year < 2200:
        raise InvalidValue("until", until.isoformat(), "must lie between the years 1970 and 2199")
    return {
        "since": until - timedelta(days=days), "until": until, "scope": actor.scope_ids, "supplier_id": None,
        "active": None, "after_code": None, "after_id": None,
    }  # fmt: skip


async def _read(tx: Tx, actor: Actor, asked: dict[str, Any]) -> list[Scorecard]:
    rows = await tx.dicts(Q["scorecards"], asked)
    if not actor.may("supplier_prices.read"):
        rows = [{name: value for name, value in row.items() if name not in _PRICES} for row in rows]
    return [Scorecard(**row, since=asked["since"], until=asked["until"]) for row in rows]
