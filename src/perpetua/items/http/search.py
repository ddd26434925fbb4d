"""Search over HTTP."""

from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.items.service.search import SearchFilters, SearchHit, search_variants
from perpetua.kit.database import Database
from perpetua.kit.http import QueryId
from perpetua.kit.listing import Page

__all__ = ["handlers"]

Words = Annotated[
    str,
    Parameter(description="A SKU or barcode, or words of name and attributes, the last one perhaps only begun; ≤ 300."),
]


@get("/api/search", tags=["items"])
async def search(
    db: Database,
    actor: Actor,
    q: Words,
    category: QueryId = None,
    owner: QueryId = None,
    active: bool | None = None,
    limit: Annotated[int, Parameter(ge=1, le=100)] = 20,
) -> Page[SearchHit]:
    """Find variants by SKU, barcode, name or attributes; a letter may be wrong, missing, too many or swapped.

    The best come first: the SKU or barcode itself (score 2), what begins with it (1.2 and more) or is one typo away
    (1.1); then, below 1, by words: all of them before most of them, exact before begun before mistyped, name before
    attributes, active before inactive. `matched` tells by what each was found. Nothing found is an empty list.
    """
    filters = SearchFilters(category=category, owner=owner, active=active)
    return Page(items=await search_variants(db, actor, q, filters=filters, limit=limit))


handlers: list[HTTPRouteHandler] = [search]
