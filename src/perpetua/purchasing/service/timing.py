"""How long suppliers take: the facts as they were written, and what is to be expected."""

from collections.abc import Collection, Sequence
from typing import Any

from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.kit.database import Database, Queries, Tx, array
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.partners import service as partners
from perpetua.purchasing import store
from perpetua.purchasing.rules import lead_times as rules
from perpetua.purchasing.types.lead_times import (
    LeadTime,
    LeadTimeConfidence,
    LeadTimeFact,
    LeadTimeFilters,
    Spread,
    Structure,
)

__all__ = [
    "cancel_lead_times", "lead_time_confidence", "list_lead_time_confidence", "list_lead_times", "write_lead_times",
]  # fmt: skip

Q = Queries(store.__file__, "lead_times.sql")


async def list_lead_times(db: Database, actor: Actor, filters: LeadTimeFilters, page: PageRequest) -> Page[LeadTime]:
    """How long lines took, the latest written first.

    Raises:
        InvalidValue: foreign cursor.
    """
    actor.require("purchasing.read")
    after = page.after(int)
    async with db.snapshot() as tx:
        named = await _named(tx, filters.supplier, filters.sku)
        if named is None:
            return Page(items=[])
        asked = {**named, "late": filters.late, "counted": filters.counted, "before": after and after[0]}
        rows = await tx.rows(Q["list_lead_times"], {**asked, "limit": page.limit + 1}, as_=LeadTime)
    return page_of(rows, page, lambda row: [row.id])


async def list_lead_time_confidence(
    db: Database, actor: Actor, page: PageRequest, *, supplier: str | None = None, sku: str | None = None
) -> Page[LeadTimeConfidence]:
    """What is to be expected of suppliers' items: of all that came once, or that they offer. With a supplier and a SKU,
    also of an item that nobody ever ordered there.

    Raises:
        InvalidValue: foreign cursor.
    """
    actor.require("purchasing.read")
    after = page.after(int, int) or [None, None]
    async with db.snapshot() as tx:
        named = await _named(tx, supplier, sku)
        if named is None:
            return Page(items=[])
        if None not in named.values():
            pairs = [(named["supplier_id"], named["variant_id"])] if after[0] is None else []
        else:
            asked = {**named, "after_supplier": after[0], "after_variant": after[1], "limit": page.limit + 1}
            pairs = [(row[0], row[1]) for row in await tx.records(Q["pairs"], asked)]
        found = await lead_time_confidence(tx, pairs)
    rows = [found[pair] for pair in pairs if pair in found]
    return page_of(rows, page, lambda row: [row.supplier_id, row.variant_id])


async def lead_time_confidence(tx: Tx, pairs: Collection[tuple[int, int]]) -> dict[tuple[int, int], LeadTimeConfidence]:
    """What is to be expected of pairs of supplier and variant, in two statements, however many; a pair of which the
    supplier or the variant is not there is not in it."""
    if not pairs:
        return {}
    wanted = sorted(set(pairs))
    asked = {"supplier_ids": array([s for s, _ in wanted]), "variant_ids": array([v for _, v in wanted])}
    everybody = (await tx.rows(Q["structure"], as_=Structure))[0]
    known = rules.variances(everybody)
    found = await tx.rows(Q["spreads"], asked, as_=Spread)
    return {(of.supplier_id, of.variant_id): rules.confidence(of, everybody, known) for of in found}


async def write_lead_times(tx: Tx, actor: Actor, import_id: int, facts: Sequence[LeadTimeFact]) -> list[int]:
    """Write lead times of purchases that were made elsewhere, in one statement; their ids."""
    actor.require("purchasing.write")
    if not facts:
        return []
    columns: dict[str, Any] = {
        "supplier_ids": array([f.supplier_id for f in facts]), "variant_ids": array([f.variant_id for f in facts]),
        "import_ids": array([import_id] * len(facts)), "references": array([f.reference for f in facts]),
        "quantities": array([f.quantity for f in facts]), "stated_days": array([f.stated_days for f in facts]),
    }  # fmt: skip
    for name in ("ordered_on", "promised_on", "received_on"):
        days = [getattr(fact, name) for fact in facts]
        columns[f"{name}s"] = array([day and day.isoformat() for day in days])
    return await tx.values(Q["write_lead_times"], columns)


async def cancel_lead_times(tx: Tx, actor: Actor, ids: Sequence[int]) -> int:
    """Cancel lead times, by rows that name them; how many counted until now."""
    actor.require("purchasing.write")
    return await tx.execute(Q["cancel_lead_times"], {"ids": array(list(ids)) or "{}"})


async def _named(tx: Tx, supplier: str | None, sku: str | None) -> dict[str, Any] | None:
    """The ids of what is named; None: there is no such thing."""
    named: dict[str, Any] = {"supplier_id": None, "variant_id": None}
    if supplier is not None:
        found = (await partners.by_codes(tx, [supplier])).get(supplier.upper())
        if found is None:
            return None
        named["supplier_id"] = found.id
    if sku is not None:
        variant = (await items.resolve_skus(tx, [sku])).get(sku.upper())
        if variant is None:
            return None
        named["variant_id"] = variant.id
    return named
