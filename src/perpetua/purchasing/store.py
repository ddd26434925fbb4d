"""Runs the statements of purchase orders; returns their types."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from perpetua.kit import json
from perpetua.kit.database import Queries, Tx, array
from perpetua.kit.quantity import plain
from perpetua.purchasing.rules import approvals_needed, covering, most_of, total_of
from perpetua.purchasing.tables import purchase_orders
from perpetua.purchasing.types import (
    Approval,
    Came,
    Coming,
    ItemTerms,
    LineToReceive,
    LineToWrite,
    Order,
    OrderLine,
    OrderToReceive,
    PriceBreak,
    Proposal,
    Sending,
    Settings,
    TakenIn,
    number_of,
)

__all__ = [
    "Draft",
    "Q",
    "add_lines",
    "approve",
    "coming",
    "end_approvals",
    "keep_version",
    "lock",
    "move",
    "orders",
    "place",
    "positions",
    "propose",
    "remove_lines",
    "set_head",
    "set_lines",
    "settings",
    "take_in",
    "terms",
    "to_receive",
    "write",
]  # fmt: skip

Q = Queries(__file__)


class Draft(NamedTuple):
    """An order as it is to be written."""

    supplier_id: int
    site_id: int
    external_id: str | None
    currency: str
    exchange_rate: Decimal
    over_percent: Decimal
    wanted_on: date | None
    note: str | None
    created_by: int
    lines: Sequence[LineToWrite]


async def settings(tx: Tx) -> Settings:
    """How we buy, now."""
    row = (await tx.dicts(Q["settings"]))[0]
    row["rates"] = {currency: Decimal(rate) for currency, rate in row["rates"].items()}
    return Settings(**row)


async def terms(tx: Tx, pairs: Collection[tuple[int, int]]) -> dict[tuple[int, int], ItemTerms]:
    """On what terms suppliers sell items, by supplier and variant; what they do not sell is not in it."""
    ordered = sorted(pairs)
    params = {"supplier_ids": array([one for one, _ in ordered]), "variant_ids": array([one for _, one in ordered])}
    rows = await tx.dicts(Q["terms"], params)
    return {
        (row.pop("supplier_id"), row["variant_id"]): ItemTerms(prices=_prices(row.pop("prices")), **row) for row in rows
    }


async def write(tx: Tx, drafts: Sequence[Draft]) -> list[int]:
    """Insert orders with their lines, in two statements whatever their number; their ids."""
    ids: list[int] = await tx.values(Q["new_ids"], {"count": len(drafts)})
    lines = [(po_id, draft.site_id, line) for po_id, draft in zip(ids, drafts, strict=True) for line in draft.lines]
    params = {
        "ids": array(ids),
        "supplier_ids": array([d.supplier_id for d in drafts]),
        "site_ids": array([d.site_id for d in drafts]),
        "external_ids": array([d.external_id for d in drafts]),
        "currencies": array([d.currency for d in drafts]),
        "exchange_rates": array([d.exchange_rate for d in drafts]),
        "over_percents": array([d.over_percent for d in drafts]),
        "wanted_ons": _days([d.wanted_on for d in drafts]),
        "notes": array([d.note for d in drafts]),
        "created_bys": array([d.created_by for d in drafts]),
        "po_ids": array([po_id for po_id, _, _ in lines]),
        "line_site_ids": array([site_id for _, site_id, _ in lines]),
        "line_wanted_ons": _days([line.wanted_on for _, _, line in lines]),
        **_line_columns([line for _, _, line in lines]),
    }
    await tx.execute(Q["write"], params)
    return ids


async def lock(tx: Tx, ids: Iterable[int]) -> list[int]:
    """Lock the orders, in the order of their ids; those that are there."""
    return await tx.values(Q["lock"], {"ids": array(sorted(set(ids))) or "{}"})


async def orders(tx: Tx, ids: Sequence[int], scope: Sequence[int] | None) -> dict[int, Order]:
    """The orders with their lines and prices, by id; those out of the scope are left out. Three statements."""
    asked = {"ids": array(ids) or "{}"}
    now = await settings(tx)
    lines: dict[int, list[OrderLine]] = defaultdict(list)
    for row in await tx.dicts(Q["lines"], asked):
        lines[row.pop("po_id")].append(OrderLine(**row))
    heads = await tx.dicts(Q["heads"], {**asked, "scope": scope})
    return {row["id"]: _order(row, lines[row["id"]], now) for row in heads}


async def to_receive(tx: Tx, ids: Sequence[int]) -> dict[int, OrderToReceive]:
    """Orders that are locked, as whoever receives goods needs them. Two statements."""
    asked = {"ids": array(ids) or "{}"}
    heads = {row["id"]: row for row in await tx.dicts(Q["heads_to_receive"], asked)}
    lines: dict[int, list[LineToReceive]] = defaultdict(list)
    for row in await tx.dicts(Q["lines_to_receive"], asked):
        head = heads[row["po_id"]]
        lines[row["po_id"]].append(
            LineToReceive(
                **row,
                over_percent=head["over_percent"],
                most=most_of(row["ordered"], row["cancelled"], head["over_percent"], row["decimals"]),
                unit_cost=plain(round(row["unit_price"] * head["exchange_rate"], 6)),
            )
        )
    return {
        po_id: OrderToReceive(
            number=number_of(po_id), lines=lines[po_id], **{n: v for n, v in head.items() if n != "over_percent"}
        )
        for po_id, head in heads.items()
    }


async def take_in(tx: Tx, came: Sequence[Came]) -> list[TakenIn]:
    """Add what came to the lines, in one statement; those that could take it."""
    params = {
        "line_ids": array([one.line_id for one in came]) or "{}",
        "quantities": array([one.quantity for one in came]) or "{}",
        "received_ons": _days([one.received_at.date() for one in came]),
    }
    return await tx.rows(Q["take_in"], params, as_=TakenIn)


async def place(tx: Tx, po_id: int, expected: Mapping[int, date | None], at: datetime) -> None:
    """Write that a draft was submitted, and when each of its lines is expected."""
    params = {"id": po_id, "at": at, "line_ids": array(list(expected)), "expected_ons": _days(list(expected.values()))}
    await tx.execute(Q["place"], params)


async def set_lines(tx: Tx, po_id: int, lines: Sequence[OrderLine]) -> None:
    """Write what people decided of lines, in one statement."""
    rows = [
        {
            "id": line.id, "ordered": line.ordered, "cancelled": line.cancelled, "unit_price": line.unit_price,
            "wanted_on": line.wanted_on, "expected_on": line.expected_on, "promised_on": line.promised_on,
            "promised_quantity": line.promised_quantity,
        }
        for line in lines
    ]  # fmt: skip
    await tx.execute(Q["set_lines"], {"id": po_id, "rows": json.dumps(rows).decode()})


async def add_lines(
    tx: Tx, order: Order, lines: Sequence[LineToWrite], expected: Sequence[date | None], *, placed: bool, site_id: int
) -> None:
    """Add lines to an order, in one statement."""
    params = {
        "po_id": order.id, "site_id": site_id, "placed": placed, **_line_columns(lines),
        "wanted_ons": _days([line.wanted_on for line in lines]), "expected_ons": _days(expected),
    }  # fmt: skip
    await tx.execute(Q["add_lines"], params)


async def remove_lines(tx: Tx, po_id: int, line_nos: Sequence[int]) -> None:
    """Remove lines of a draft."""
    await tx.execute(Q["remove_lines"], {"id": po_id, "line_nos": array(line_nos)})


async def move(tx: Tx, po_id: int, site_id: int) -> None:
    """Give a draft another site."""
    await tx.execute(Q["move_lines"], {"id": po_id, "site_id": site_id})
    await set_head(tx, po_id, {"site_id": site_id})


async def set_head(tx: Tx, po_id: int, fields: Mapping[str, Any]) -> None:
    """Write columns of the order itself, and count its version up."""
    new = {**fields, "version": purchase_orders.c.version + 1, "updated_at": sa.func.statement_timestamp()}
    await tx.execute(sa.update(purchase_orders).where(purchase_orders.c.id == po_id).values(**new))


async def propose(tx: Tx, po_id: int, body: str | None, by: int | None) -> None:
    """Write a change that waits for approval; or, without a body, that none waits."""
    at = None if body is None else sa.func.statement_timestamp()
    given = sa.null() if body is None else body
    await set_head(tx, po_id, {"proposal": given, "proposed_by": by, "proposed_at": at})


async def positions(tx: Tx, keys: Collection[tuple[int, int]], also: Collection[tuple[int, int]]) -> None:
    """Lock positions (variant, site): those that will change, and others that whoever waits needs."""
    params = {
        "variant_ids": array([variant for variant, _ in keys]), "site_ids": array([site for _, site in keys]),
        "also_variants": array([variant for variant, _ in also]), "also_sites": array([site for _, site in also]),
    }  # fmt: skip
    await tx.execute(Q["lock_positions"], params)


async def approve(tx: Tx, po_id: int, person_id: int, total: Decimal, note: str | None) -> None:
    """Write that a person approved what the order comes to."""
    await tx.execute(Q["approve"], {"po_id": po_id, "person_id": person_id, "total": total, "note": note})


async def end_approvals(tx: Tx, po_id: int, *, below: Decimal | None = None, of: int | None = None) -> None:
    """End the approvals of less than `below`; or those `of` a person."""
    await tx.execute(Q["end_approvals"], {"po_id": po_id, "total": below, "person_id": of})


async def keep_version(tx: Tx, order: Order, action: str, reason: str | None, person_id: int) -> None:
    """Keep an order as it is before it is changed."""
    params = {
        "po_id": order.id, "version": order.version, "action": action, "reason": reason, "person_id": person_id,
        "document": json.dumps(order).decode(),
    }  # fmt: skip
    await tx.execute(Q["keep_version"], params)


async def coming(tx: Tx, variant_ids: Sequence[int]) -> list[Coming]:
    """What is to come of these, the earliest first; one statement."""
    rows = await tx.records(Q["expected"], {"variant_ids": array(list(variant_ids)) or "{}"})
    return [Coming(*row) for row in rows]


def _order(row: dict[str, Any], lines: list[OrderLine], now: Settings) -> Order:
    approvals = msgspec.convert(row.pop("approvals"), list[Approval], strict=False)
    sending = row.pop("sending")
    total = total_of((line.ordered - line.cancelled, _price(line)) for line in lines)
    ours = total * row["exchange_rate"]
    body, by, at = row.pop("proposal"), row.pop("proposed_by"), row.pop("proposed_at")
    proposal = None if body is None else Proposal(by=by, at=at, change=body["change"], total=Decimal(body["total"]))
    needed = approvals_needed(ours, now.second_approval_above)
    return Order(
        **row, number=number_of(row["id"]), lines=lines, approvals=approvals, proposal=proposal, total=total,
        sending=None if sending is None else msgspec.convert(sending, Sending, strict=False),
        approvals_needed=needed, approved=row["submitted_at"] is not None or len(covering(approvals, ours)) >= needed,
    )  # fmt: skip


def _price(line: OrderLine) -> Decimal:
    assert isinstance(line.unit_price, Decimal)  # those who may not see it are shown a copy without it
    return line.unit_price


def _prices(breaks: list[dict[str, str]]) -> list[PriceBreak]:
    return [
        PriceBreak(min_qty=plain(Decimal(one["min_qty"])), unit_price=plain(Decimal(one["unit_price"])))
        for one in breaks
    ]


def _line_columns(lines: Sequence[LineToWrite]) -> dict[str, str | None]:
    return {
        "line_nos": array([line.line_no for line in lines]),
        "variant_ids": array([line.variant_id for line in lines]),
        "supplier_skus": array([line.supplier_sku for line in lines]),
        "quantities": array([line.ordered for line in lines]),
        "unit_prices": array([line.unit_price for line in lines]),
        "lead_times": array([line.stated_lead_time_days for line in lines]),
    }


def _days(days: Sequence[date | None]) -> str | None:
    return array([None if day is None else day.isoformat() for day in days])
