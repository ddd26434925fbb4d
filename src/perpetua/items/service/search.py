"""Finding a variant by its SKU, barcode, name or attributes, with typos in the words."""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from perpetua.access.types import Actor
from perpetua.items.rules import search as rules
from perpetua.items.rules.search import Candidate, Found, How, Known, Match
from perpetua.kit.database import Database, Queries, Tx, sql

__all__ = ["Match", "SearchFilters", "SearchHit", "refresh_vocabulary", "search_variants"]

_queries = Queries(__file__, "../search.sql")
MAX_FOUND: Final = 100
"""Documents ranked for each step of the search."""

CODE_SCORES: Final = {"exact": 2.0, "prefix": 1.2, "typo": 1.1}
"""A code found stands above any text, as no text scores above 1."""


class SearchFilters(msgspec.Struct, frozen=True, kw_only=True):
    """What a search is narrowed by; None leaves a filter out. A category takes in what is below it."""

    category: int | None = None
    owner: int | None = None
    active: bool | None = None


class SearchHit(msgspec.Struct, frozen=True, kw_only=True):
    """A variant found.

    `score` is 2 for a SKU or barcode itself, 1.2 to 1.3 for its beginning, 1.1 to 1.15 for one with a typo, up to 1 for
    text.
    """

    variant_id: int
    product_id: int
    sku: str
    name: str
    active: bool
    score: float
    matched: list[Match]


class _Code(msgspec.Struct, frozen=True, kw_only=True):
    variant_id: int
    field: Literal["sku", "barcode"]
    code: str


class _Shown(msgspec.Struct, frozen=True, kw_only=True):
    variant_id: int
    product_id: int
    sku: str
    name: str
    active: bool


_Ranked = dict[int, tuple[float, list[Match]]]
_Narrowed = dict[str, int | bool | None]
_Words = Sequence[tuple[str, Sequence[Candidate]]]


async def search_variants(
    db: Database, actor: Actor, q: str, *, filters: SearchFilters | None = None, limit: int = 20
) -> list[SearchHit]:
    """The variants that answer `q` best, at most `limit`, the best first.

    A SKU or barcode itself comes first, then what begins with it, then text that holds all words, then most of them.

    Raises:
        InvalidValue: `q` is empty, longer than 300 characters, or holds control characters.
        NotAllowed: the actor may not read items.
    """
    actor.require("items.read")
    text = rules.clean_query(q)
    narrowed = msgspec.structs.asdict(filters or SearchFilters())

    async def act(tx: Tx) -> list[SearchHit]:
        ranked = await _by_code(tx, text, limit)
        words = rules.candidates(
            await tx.rows(_queries["search_words"], {"q": text, "words": rules.MAX_WORDS}, as_=Known)
        )
        if not any(score >= CODE_SCORES["exact"] for score, _ in ranked.values()):
            if rules.is_code(text):
                ranked = {**await _by_code_with_typo(tx, text), **ranked}
            ranked = await _by_text(tx, words, narrowed, limit, ranked)
        return await _shown(tx, ranked, narrowed, limit)

    return await db.run(act)


async def refresh_vocabulary(db: Database) -> int:
    """Count anew how many documents hold each word, as the owner; the number of words that changed.

    Words are added by whoever writes an item, and never waited for; this drops doubles and words that are in no item.
    """
    async with db.admin() as tx:
        # One instant for the whole: a word that is brought meanwhile is neither seen nor dropped.
        await tx.execute(sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        return await tx.execute(_queries["refresh_search_words"])


async def _by_code(tx: Tx, text: str, limit: int) -> _Ranked:
    """By SKU or barcode: the whole text or one of its words, or what begins with the whole."""
    whole = rules.code_key(text)
    words = {key for word in text.split()[: rules.MAX_WORDS] if any(map(str.isdigit, key := rules.code_key(word)))}
    keys = sorted(key for key in words | {whole} if key)
    prefix = whole if 3 <= len(whole) <= rules.MAX_CODE else ""
    rows = await tx.rows(_queries["search_codes"], {"keys": keys, "prefix": prefix, "limit": limit}, as_=_Code)
    return _coded(rows, dict.fromkeys(keys, "exact"), text, "prefix")


async def _by_code_with_typo(tx: Tx, text: str) -> _Ranked:
    keys = rules.code_neighbours(rules.code_key(text))
    rows = await tx.rows(_queries["search_codes"], {"keys": keys, "prefix": "", "limit": 0}, as_=_Code)
    return _coded(rows, {}, text, "typo")


def _coded(rows: Sequence[_Code], exact: dict[str, How], text: str, otherwise: How) -> _Ranked:
    ranked: _Ranked = {}
    typed = rules.code_key(text)
    for row in rows:
        how = exact.get(row.code, otherwise)
        score = CODE_SCORES[how]
        if how == "prefix":
            score += 0.1 * len(typed) / max(1, len(row.code))
        elif how == "typo":
            score += 0.05 * rules.code_likeness(typed, row.code)
        if score > ranked.get(row.variant_id, (0.0,))[0]:
            match = Match(asked=text, found=row.code, how=how, where=row.field)
            ranked[row.variant_id] = (score, [match])
    return ranked


async def _by_text(tx: Tx, words: _Words, narrowed: _Narrowed, limit: int, ranked: _Ranked) -> _Ranked:
    """What is found already, and by the words of the documents, from the strictest search to the loosest."""
    texts: _Ranked = {}
    for enough, query in rules.queries(words, limit):
        if len(ranked) + len(texts) >= enough:
            break
        params = {**narrowed, "query": query, "limit": max(MAX_FOUND, limit)}
        for document in await tx.rows(_queries["search_documents"], params, as_=Found):
            if document.variant_id not in texts:
                texts[document.variant_id] = rules.rank(words, document)
    return {**rules.mixed(texts), **ranked}


async def _shown(tx: Tx, ranked: _Ranked, narrowed: _Narrowed, limit: int) -> list[SearchHit]:
    # Codes are not narrowed yet, texts are.
    codes = sum(score >= 1.1 for score, _ in ranked.values())
    best = sorted(ranked, key=lambda variant: (-ranked[variant][0], -variant))[: limit + codes]
    rows = await tx.rows(_queries["search_shown"], {**narrowed, "ids": best}, as_=_Shown)
    shown = {row.variant_id: row for row in rows}
    return [
        SearchHit(
            variant_id=row.variant_id, product_id=row.product_id, sku=row.sku, name=row.name, active=row.active,
            score=round(ranked[variant][0], 4), matched=ranked[variant][1],
        )
        for variant in best if (row := shown.get(variant))
    ][:limit]  # fmt: skip
