"""Runs the statements of costing; returns its types."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from perpetua.costing.types import Charge, ChargeLine, ItemShare, ReceiptRow
from perpetua.kit import json
from perpetua.kit.database import Queries, Tx, array

__all__ = ["Q", "charge", "company", "lines", "rows", "write"]

Q = Queries(__file__)


async def company(tx: Tx) -> tuple[str, dict[str, Decimal]]:
    """The company's currency, and what one unit of others is worth in it."""
    ours, rates = (await tx.records(Q["company"]))[0]
    return ours, {currency: Decimal(rate) for currency, rate in rates.items()}


async def rows(
    tx: Tx,
    basis: str,
    scope: list[int] | None,
    receipts: Sequence[str],
    po_ids: Sequence[int],
    posting_ids: Sequence[int],
) -> list[tuple[ReceiptRow, int]]:
    """The rows by which the goods came, each with its posting; one statement."""
    params = {
        "basis": basis, "scope": scope, "receipts": array(receipts) or "{}", "po_ids": array(po_ids) or "{}",
        "posting_ids": array(posting_ids) or "{}",
    }  # fmt: skip
    found = await tx.dicts(Q["rows"], params)
    return [(ReceiptRow(**{n: v for n, v in row.items() if n != "posting_id"}), row["posting_id"]) for row in found]


async def write(tx: Tx, head: dict[str, Any], lines: Sequence[ChargeLine]) -> int:
    """Write a charge with its lines, in one statement; its id."""
    params = {
        **head, "chosen": json.dumps(head["chosen"]).decode(),
        "transaction_ids": array([line.transaction_id for line in lines]),
        "variant_ids": array([line.variant_id for line in lines]),
        "quantities": array([line.quantity for line in lines]),
        "shares": array([line.share for line in lines]), "amounts": array([line.amount for line in lines]),
    }  # fmt: skip
    return await tx.value(Q["write"], params)


async def charge(tx: Tx, charge_id: int) -> Charge | None:
    """A charge with what lies on each item."""
    found = await tx.dicts(Q["charge"], {"id": charge_id})
    if not found:
        return None
    items = await tx.rows(Q["items"], {"id": charge_id}, as_=ItemShare)
    return Charge(**found[0], items=items)


async def lines(tx: Tx, charge_id: int, after: int | None, limit: int) -> list[ChargeLine]:
    """What lies on rows of the ledger, in their order."""
    return await tx.rows(Q["lines"], {"id": charge_id, "after": after, "limit": limit}, as_=ChargeLine)
