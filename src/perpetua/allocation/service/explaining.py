"""Why: what was asked, what was there, which rule decided, who comes first; in numbers and in words."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from perpetua.access.types import Actor
from perpetua.allocation import store
from perpetua.allocation.service.configuring import Q, rules_at
from perpetua.allocation.service.filling import in_turn_params
from perpetua.allocation.types import Action, DecisionRow, Explained, ExplainedLine
from perpetua.items import service as items
from perpetua.kit.clock import bounded
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Missing
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.kit.quantity import ZERO, plain_text
from perpetua.orders import service as orders
from perpetua.orders.types import OrderLine, number_of

__all__ = ["explain", "list_decisions"]

FIRST: Final = frozenset[Action]({"allocated", "partly_allocated", "backordered", "refused"})
NUMBERS: Final = frozenset({
    "on_hand", "unsellable", "allocated", "reserved", "available", "given", "could_have", "was", "was_allocated",
    "was_waiting", "given_now", "given_back", "had", "waited_for", "promised", "there", "sellable", "change",
})  # fmt: skip
"""Facts that are quantities: written as they were worked out, shown in one form."""
MOST: Final = 20_000
Names = Mapping[tuple[str, int], str]


async def explain(db: Database, actor: Actor, order_id: int) -> Explained:
    """Why each line of an order has what it has.

    Raises:
        Missing: there is no such order.
    """
    actor.require("orders.read")
    async with db.snapshot() as tx:
        await orders.require_seen(tx, actor, [order_id])
        order = (await orders.orders(tx, [order_id], contacts=False)).get(order_id)
        if order is None:
            raise Missing("order", order_id)
        rows = list(reversed(await _rows(tx, actor, order_id=order_id, limit=MOST)))
        by_line: dict[int, list[DecisionRow]] = {}
        for row in rows:
            if row.line_no is not None:
                by_line.setdefault(row.line_no, []).append(row)
        ground = await store.ground(tx)
        params = in_turn_params(ground.rules) | {"order_id": order_id}
        before = {row["line_no"]: (row["lines"], row["units"]) for row in await tx.dicts(Q["stand_before"], params)}
        first = next((row for row in rows if row.action in FIRST), None)
        jumps = await tx.value(Q["jumps"], {"order_id": order_id})
        rules = await rules_at(tx, first.config_version) if first else None
    lines = [_line(line, by_line.get(line.line_no, []), before.get(line.line_no, (0, ZERO))) for line in order.lines]
    return Explained(
        order_id=order_id, number=number_of(order_id), channel=order.channel, tier=order.tier,
        fulfilment=order.fulfilment, jumps=jumps, rules=rules, lines=lines,
    )  # fmt: skip


async def list_decisions(
    db: Database, actor: Actor, page: PageRequest, *, order_id: int | None = None, sku: str | None = None,
    action: Action | None = None, actor_id: int | None = None, since: datetime | None = None,
) -> Page[DecisionRow]:  # fmt: skip
    """The audit log of allocation, the newest first."""
    actor.require("orders.read")
    after = page.after(int)
    async with db.snapshot() as tx:
        variant_id = None
        if sku is not None:
            found = await items.resolve_skus(tx, [sku])
            if not found:
                return Page(items=[])
            variant_id = next(iter(found.values())).id
        rows = await _rows(
            tx, actor, after=after[0] if after else None, order_id=order_id, variant_id=variant_id, action=action,
            actor_id=actor_id, since=since and bounded(since, "since"), limit=page.limit + 1,
        )  # fmt: skip
    return page_of(rows, page, lambda row: [row.id])


async def _rows(tx: Tx, actor: Actor, **filters: Any) -> list[DecisionRow]:
    names = ("after", "order_id", "variant_id", "action", "actor_id", "since")
    params = dict.fromkeys(names) | filters | {"scope": actor.scope_ids}
    rows = [_within(row, actor) for row in await tx.rows(Q["decisions"], params, as_=DecisionRow)]
    named = await _names(tx, rows)
    return [_named(row, named) for row in rows]


def _within(row: DecisionRow, actor: Actor) -> DecisionRow:
    """Without what was there at sites that the actor does not see; `elsewhere`: how many positions that were."""
    positions = row.facts.get("positions", [])
    seen = [one for one in positions if actor.scope is None or one["site_id"] in actor.scope]
    if len(seen) == len(positions):
        return row
    return msgspec.structs.replace(row, facts=row.facts | {"positions": seen, "elsewhere": len(positions) - len(seen)})


async def _names(tx: Tx, rows: Iterable[DecisionRow]) -> Names:
    told = [one for row in rows for one in (*row.facts.get("positions", ()), row.facts)]
    asked = {
        "site_ids": sorted({one["site_id"] for one in told if "site_id" in one}),
        "variant_ids": sorted({one["variant_id"] for one in told if "variant_id" in one}),
    }
    return {(row["what"], row["id"]): row["name"] for row in await tx.dicts(Q["names"], asked)}


def _named(row: DecisionRow, names: Names) -> DecisionRow:
    """With the names of sites and items for their ids, and the sentence."""

    def named(one: Mapping[str, Any]) -> dict[str, Any]:
        kept = {
            name: plain_text(Decimal(value)) if name in NUMBERS and isinstance(value, str) else value
            for name, value in one.items() if name not in ("site_id", "variant_id")
        }  # fmt: skip
        if "site_id" in one:
            kept = {"site": names.get(("site", one["site_id"]), str(one["site_id"]))} | kept
        if "variant_id" in one:
            kept = {"sku": names.get(("item", one["variant_id"]), str(one["variant_id"]))} | kept
        return kept

    facts = named(row.facts)
    if "positions" in facts:
        facts["positions"] = [named(one) for one in facts["positions"]]
    if facts.get("lots"):
        facts["lots"] = [named(one) for one in facts["lots"]]
    if facts.get("position"):
        facts["position"] = named(facts["position"])
    row = msgspec.structs.replace(row, facts=facts)
    return msgspec.structs.replace(row, says=_says(row))


def _says(row: DecisionRow) -> str:
    asked, given = _plain(row.asked), _plain(row.given)
    by = f" by {row.actor}" if row.actor_id else ""
    because = f": {row.reason}" if row.reason else ""
    match row.action:
        case "allocated" | "partly_allocated" | "backordered" | "refused" | "filled":
            told = {
                "allocated": f"All {asked} were allocated at once",
                "partly_allocated": f"Of {asked}, {given} were allocated",
                "backordered": f"All {asked} wait",
                "refused": f"All {asked} were refused",
                "filled": f"Of {asked} that waited, {given} were allocated{because}",
            }[row.action]
            return f"{told}. {_numbers(row.facts)}".strip()
        case "released":
            return f"{asked} were given up{because}; they wait again."
        case "reserved":
            return f"{given} were reserved for {row.facts.get('holder')}{by}."
        case "reservation_ended":
            return (
                f"The reservation of {asked} for {row.facts.get('holder')} ended ({row.facts.get('state')}){because}."
            )
        case "moved":
            to = " and ".join(f"{_plain(part)} to lot {lot}" for lot, part in row.facts.get("to_lots", {}).items())
            return f"Of lot {row.facts.get('from_lot')} moved {to}{because}."
        case "shipped":
            return f"{asked} left{by}."
        case _:
            return f"{asked} were {row.action}{by}{because}."


def _numbers(facts: Mapping[str, Any]) -> str:
    told = [
        f"{one.get('site')}: {_plain(one['on_hand'])} {one.get('sku')} on hand, "
        f"{_plain(one.get('unsellable', 0))} not for sale, {_plain(one.get('allocated', 0))} allocated and "
        f"{_plain(one.get('reserved', 0))} reserved before, so {_plain(one['available'])} available; "
        f"{_plain(one['given'])} given."
        for one in facts.get("positions", ())
    ]
    if facts.get("elsewhere"):
        told.append("What there was at sites that you do not see is left out.")
    why = {
        "complete": "The order goes together or not at all, and not all of it was there.",
        "cancel_rest": "What is not there at once is refused, as the order says.",
    }.get(facts.get("because", ""), "")
    return " ".join([*told, why] if told or why else ["No site that may send it has any."])


def _line(line: OrderLine, rows: Sequence[DecisionRow], before: tuple[int, Decimal]) -> ExplainedLine:
    decided = next((row for row in rows if row.action in FIRST), None)
    parts = {
        "allocated": line.allocated, "shipped": line.shipped, "cancelled": line.cancelled, "refused": line.refused,
        "waiting": line.backordered,
    }  # fmt: skip
    now = ", ".join(f"{_plain(quantity)} {what}" for what, quantity in parts.items() if quantity)
    says = f"Of {_plain(line.quantity)} {line.sku} asked: {now}."
    if line.backordered:
        says += (
            f" Before it wait {before[0]} lines with {_plain(before[1])}." if before[0] else " It is the first in turn."
        )
        says += f" Expected on {line.expected_on}." if line.expected_on else ""
    return ExplainedLine(
        line_no=line.line_no, sku=line.sku, quantity=line.quantity, allocated=line.allocated,
        backordered=line.backordered, expected_on=line.expected_on, lines_before=before[0], units_before=before[1],
        decided=decided, later=[row for row in rows if row is not decided], says=says,
    )  # fmt: skip


def _plain(value: object) -> str:
    return plain_text(Decimal(str(value)))
