"""Runs the statements of receiving."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import msgspec

from perpetua.kit.database import Queries, Tx, array
from perpetua.purchasing.types import number_of as order_number
from perpetua.receiving.types import (
    Discrepancy,
    DiscrepancyFilters,
    ExpectedLine,
    LineToUndo,
    Locked,
    NewLine,
    Photo,
    ReceiptLine,
    ReceiptSummary,
    number_of,
)

__all__ = [
    "LotTold",
    "Q",
    "R",
    "came",
    "describe_lots",
    "discrepancies",
    "expected",
    "known_lots",
    "lock",
    "summary",
    "write_lines",
]

Q = Queries(__file__)
R = Queries(__file__, "reading.sql")


class LotTold(NamedTuple):
    """What a label says of a lot; `at`: with which line."""

    lot_id: int
    at: int
    expires_on: date | None
    manufactured_on: date | None
    supplier_lot: str | None


async def lock(tx: Tx, receipt_id: int) -> Locked | None:
    """The receipt under lock, if there is one."""
    if await tx.value(Q["lock"], {"id": receipt_id}) is None:
        return None
    return await tx.maybe(Q["locked"], {"id": receipt_id}, as_=Locked)


async def known_lots(tx: Tx, told: Sequence[LotTold]) -> list[dict[str, Any]]:
    """What labels say of lots, beside what is known of them; by line."""
    return await tx.dicts(Q["known_lots"], _told(told)) if told else []


async def describe_lots(
    tx: Tx, actor_id: int, told: Sequence[LotTold], *, dated: Collection[int], supplier: str | None, reference: str
) -> None:
    """Keep what labels say of lots where nothing was known, in one statement. `dated`: those whose day is told now."""
    params = {"actor_id": actor_id, "dated": sorted(dated), "supplier": supplier, "reference": reference}
    await tx.execute(Q["describe_lots"], {**params, **_told(told)})


def _told(told: Sequence[LotTold]) -> dict[str, Any]:
    return {
        "lot_ids": array([one.lot_id for one in told]), "ats": array([one.at for one in told]),
        "expires": _days([one.expires_on for one in told]), "made": _days([one.manufactured_on for one in told]),
        "supplier_lots": array([one.supplier_lot for one in told]),
    }  # fmt: skip


async def write_lines(
    tx: Tx, receipt_id: int, actor_id: int, posting_id: int, at: datetime, lines: Sequence[NewLine]
) -> int:
    """Write what came, in one statement; the receipt's version then."""
    found = [(line, *one) for line in lines for one in line.found]
    params = {
        "receipt_id": receipt_id, "actor_id": actor_id, "posting_id": posting_id, "received_at": at,
        "line_nos": array([line.line_no for line in lines]),
        "po_line_ids": array([line.po_line_id for line in lines]),
        "variant_ids": array([line.variant_id for line in lines]),
        "lot_ids": array([line.lot_id for line in lines]),
        "location_ids": array([line.location_id for line in lines]),
        "conditions": array([line.condition for line in lines]),
        "quantities": array([line.quantity for line in lines]),
        "notes": array([line.note for line in lines]),
        "found_nos": array([line.line_no for line, *_ in found]),
        "kinds": array([kind for _, kind, _, _ in found]),
        "found_quantities": array([quantity for _, _, quantity, _ in found]),
        "expecteds": array([expected for *_, expected in found]),
        "instead_ofs": array([line.instead_of for line, *_ in found]),
    }  # fmt: skip
    return await tx.value(Q["write_lines"], params)


async def lines_to_undo(tx: Tx, receipt_id: int, line_nos: Collection[int]) -> list[LineToUndo]:
    """The lines with these numbers, with their rows in the ledger."""
    asked = {"receipt_id": receipt_id, "line_nos": sorted(set(line_nos))}
    return await tx.rows(Q["lines_to_undo"], asked, as_=LineToUndo)


def summary(row: Mapping[str, Any]) -> ReceiptSummary:
    """A row of receipts, as a list shows it."""
    kept = {name: row[name] for name in row if name not in ("po_ids", "note", "created_by", "closed_by")}
    return ReceiptSummary(number=number_of(row["id"]), orders=[order_number(po) for po in row["po_ids"]], **kept)


async def expected(tx: Tx, receipt_id: int) -> list[ExpectedLine]:
    """What was to come with a receipt."""
    rows = await tx.dicts(R["expected"], {"id": receipt_id})
    return [ExpectedLine(order=_order(row.pop("po_id")), **row) for row in rows]


async def came(tx: Tx, receipt_id: int, *, after: int | None, limit: int) -> list[ReceiptLine]:
    """What came, the newest first."""
    rows = await tx.dicts(R["came"], {"id": receipt_id, "after": after, "limit": limit})
    return [ReceiptLine(order=_order(row.pop("po_id")), **row) for row in rows]


async def discrepancies(
    tx: Tx, scope: Sequence[int] | None, filters: DiscrepancyFilters, *, supplier_id: int | None = None,
    variant_id: int | None = None, one: int | None = None, after: int | None = None, limit: int,
) -> list[Discrepancy]:  # fmt: skip
    """What was not as it should be, the newest first."""
    params = {
        "scope": scope, "id": one, "after": after, "receipt_id": filters.receipt_id, "supplier_id": supplier_id,
        "variant_id": variant_id, "kind": filters.kind, "status": filters.status, "limit": limit,
    }  # fmt: skip
    rows = await tx.dicts(R["discrepancies"], params)
    return [
        Discrepancy(
            receipt=number_of(row["receipt_id"]), order=_order(row.pop("po_id")),
            photos=msgspec.convert(row.pop("photos"), list[Photo]), **row,
        )
        for row in rows
    ]  # fmt: skip


def _order(po_id: int | None) -> str | None:
    return None if po_id is None else order_number(po_id)


def _days(days: Sequence[date | None]) -> str | None:
    return array([None if day is None else day.isoformat() for day in days])
