"""`perpetua search`: find an item by its SKU, barcode, name or attributes, typos and all."""

from perpetua.app.cli import common
from perpetua.items.service import SearchFilters, SearchHit, search_variants

__all__ = ["search"]

_COLUMNS = {"sku": "SKU", "name": "Name", "score": "Score", "why": "Found by"}


async def search(
    *words: str, category: int | None = None, owner: int | None = None, active: bool | None = None, limit: int = 20
) -> None:
    """Find items.

    Args:
        words: a SKU or barcode, or words of the name or the attributes; the last one may be only begun.
        category: id of a category; it and all below it.
        owner: id of the owner.
        active: only active items, or with --no-active only others.
        limit: at most so many, up to 100.
    """
    filters = SearchFilters(category=category, owner=owner, active=active)
    async with common.database() as db:
        hits = await search_variants(
            db, common.actor(), " ".join(words), filters=filters, limit=min(max(limit, 1), 100)
        )
    if common.as_json():
        common.show(hits)
    else:
        rows = [{"sku": hit.sku, "name": hit.name, "score": f"{hit.score:.2f}", "why": _why(hit)} for hit in hits]
        common.show(rows, title="Found", columns=_COLUMNS)


def _why(hit: SearchHit) -> str:
    return ", ".join(
        f"{one.where}: {one.found}" + (f" ({one.how} of {one.asked})" if one.how != "exact" else "")
        for one in hit.matched
    )
