"""Receipts as they are read."""

from typing import Any

from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Missing
from perpetua.kit.http import LARGEST_ID
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.partners import service as partners
from perpetua.places import service as places
from perpetua.receiving import store
from perpetua.receiving.types import (
    DiscrepancyFilters,
    Receipt,
    ReceiptFilters,
    ReceiptLine,
    ReceiptSummary,
)

__all__ = ["get_receipt", "list_lines", "list_receipts", "receipt"]

SHOWN = 200
"""So many lines of what came are shown with a receipt."""


async def list_receipts(db: Database, actor: Actor, filters: ReceiptFilters, page: PageRequest) -> Page[ReceiptSummary]:
    """Receipts, the newest first."""
    actor.require("purchasing.read")
    after = page.after(int)
    async with db.snapshot() as tx:
        supplier = await supplier_id(tx, filters.supplier)
        sites = await places.by_codes(tx, [filters.site]) if filters.site else {}
        variants = await items.resolve_skus(tx, [filters.sku]) if filters.sku else {}
        order = _order_id(filters.order)
        site = sites.get(filters.site) if filters.site else None
        variant = variants.get(filters.sku.upper()) if filters.sku else None
        named = ((filters.supplier, supplier), (filters.site, site), (filters.sku, variant), (filters.order, order))
        if any(name is not None and found is None for name, found in named):
            return Page(items=[])
        params = {
            "scope": actor.scope_ids, "after": after[0] if after else None, "status": filters.status,
            "supplier_id": supplier, "site_id": site.id if site else None, "reference": filters.reference,
            "po_id": order, "variant_id": variant.id if variant else None, "limit": page.limit + 1,
        }  # fmt: skip
        rows = await tx.dicts(store.R["receipts"], params)
    return page_of([store.summary(row) for row in rows], page, lambda one: [one.id])


async def get_receipt(db: Database, actor: Actor, receipt_id: int) -> Receipt:
    """A receipt with what was expected, what came and what was not as it should be.

    Raises:
        Missing: there is no such receipt, or not at one of the actor's sites.
    """
    actor.require("purchasing.read")
    async with db.snapshot() as tx:
        return await receipt(tx, actor, receipt_id)


async def list_lines(db: Database, actor: Actor, receipt_id: int, page: PageRequest) -> Page[ReceiptLine]:
    """What came with a receipt, the newest first.

    Raises:
        Missing: there is no such receipt, or not at one of the actor's sites.
    """
    actor.require("purchasing.read")
    after = page.after(int)
    async with db.snapshot() as tx:
        await _head(tx, actor, receipt_id)
        rows = await store.came(tx, receipt_id, after=after[0] if after else None, limit=page.limit + 1)
    return page_of(rows, page, lambda one: [one.line_no])


async def receipt(tx: Tx, actor: Actor, receipt_id: int) -> Receipt:
    """As `get_receipt`, in the caller's transaction."""
    row = await _head(tx, actor, receipt_id)
    head = store.summary(row)
    came = await store.came(tx, receipt_id, after=None, limit=SHOWN + 1)
    found = await store.discrepancies(tx, actor.scope_ids, DiscrepancyFilters(receipt_id=receipt_id), limit=SHOWN)
    return Receipt(
        **{name: getattr(head, name) for name in head.__struct_fields__}, note=row["note"],
        created_by=row["created_by"], closed_by=row["closed_by"], expected=await store.expected(tx, receipt_id),
        came=came[:SHOWN], found=found, more=len(came) > SHOWN,
    )  # fmt: skip


async def supplier_id(tx: Tx, code: str | None) -> int | None:
    """The supplier with this code, if there is one."""
    found = (await partners.by_codes(tx, [code])).get(code.upper()) if code else None
    return found.id if found else None


async def _head(tx: Tx, actor: Actor, receipt_id: int) -> dict[str, Any]:
    known = 0 < receipt_id <= LARGEST_ID
    rows = await tx.dicts(store.R["receipt"], {"id": receipt_id, "scope": actor.scope_ids}) if known else []
    if not rows:
        raise Missing("receipt", receipt_id)
    return rows[0]


def _order_id(name: str | None) -> int | None:
    digits = (name or "").upper().removeprefix("PO-")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None
