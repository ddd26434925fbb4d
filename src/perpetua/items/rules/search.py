"""How a search is read and its findings are ranked.

A query is split into words; each word is answered by candidates of the vocabulary (itself, what it begins, what is one
typo away, its parts, its neighbour joined to it); documents that hold a candidate for every word come first, and among
them those with the surer candidates. Distances count insert, delete, replace and swap of neighbours (optimal string
alignment); see docs/why/search.md.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Final, Literal

import msgspec

from perpetua.kit.errors import InvalidValue

__all__ = [
    "MAX_QUERY", "MAX_WORDS", "Candidate", "Found", "Known", "Match", "candidates", "clean_query",
    "code_key", "code_likeness", "code_neighbours", "distance", "is_code", "mixed", "queries", "rank", "word_parts",
]  # fmt: skip

MAX_QUERY: Final = 300
MAX_WORDS: Final = 12
MAX_CODE: Final = 40
MAX_CANDIDATES: Final = 40
MAX_DOCUMENTS: Final = 60_000
FEW: Final = 1
"""With as many findings that hold all words, those that hold some words are not looked for."""
MANY: Final = 1_000_000
"""Stands for the number of documents: a word's weight falls with the share of documents that hold it."""

How = Literal["exact", "parts", "joined", "prefix", "typo", "split"]
SURE: Final[frozenset[How]] = frozenset({"exact", "parts", "joined", "prefix"})


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A word of the vocabulary that may be what the `n`th asked word means."""

    n: int
    asked: str
    how: Literal["asked", "exact", "joined", "prefix", "near", "split"]
    word: str
    documents: int


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """What an asked word may mean: one or more words, all needed; `quality` in (0, 1]."""

    words: tuple[str, ...]
    how: How
    quality: float
    documents: int


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """Why something was found: what was `asked`, what it `found`, how surely, and where."""

    asked: str
    found: str
    how: How
    where: Literal["sku", "barcode", "name", "attributes"]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A document to rank."""

    variant_id: int
    active: bool
    name_words: list[str]
    words: list[str]


def clean_query(text: str) -> str:
    """The search text as it is run.

    Raises:
        InvalidValue: empty, longer than 300 characters, or with characters that no text can hold.
    """
    cleaned = unicodedata.normalize("NFC", text.strip())
    if not cleaned:
        raise InvalidValue("q", text, "is empty; send one or more words")
    if len(cleaned) > MAX_QUERY:
        raise InvalidValue("q", cleaned, f"is too long; at most {MAX_QUERY} characters", limit=MAX_QUERY)
    if any(unicodedata.category(sign) in ("Cc", "Cs") and sign not in "\t\n\r" for sign in cleaned):
        raise InvalidValue("q", ascii(cleaned), "has characters that can't be searched for")
    return cleaned


# --- codes -----------------------------------------------------------------------------------------------------------


def code_key(text: str) -> str:
    """A SKU or barcode by its letters and digits alone, without leading zeros (as `search_code_of`)."""
    return "".join(sign for sign in text if sign.isalnum()).upper().lstrip("0")


def code_likeness(typed: str, code: str) -> float:
    """Where in 0 to 1 a code with a typo stands: swapped letters, then one too few or too many, then another one."""
    if len(typed) != len(code):
        return 0.5
    return 1.0 if sorted(typed) == sorted(code) else 0.0


def is_code(text: str) -> bool:
    """Whether the text may be a SKU or barcode with a typo: one piece, 4 to 40 signs, not letters alone."""
    key = code_key(text)
    return 4 <= len(key) <= MAX_CODE and len(text.split()) == 1 and not text.isalpha()


def code_neighbours(key: str) -> list[str]:
    """All codes one typo away from `key`, with the letters that such a code can have.

    An index on codes is asked for each: some hundreds of look-ups by key cost less than an index of deletions, which
    would hold a dozen entries for every SKU and barcode.
    """
    signs = "0123456789"
    if len(key) <= 8 or any("A" <= sign <= "Z" for sign in key):
        signs += "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    if any("А" <= sign <= "Я" for sign in key):
        signs += "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ"
    cuts = [(key[:place], key[place:]) for place in range(len(key) + 1)]
    near = {head + tail[1:] for head, tail in cuts if tail}
    near |= {head + tail[1] + tail[0] + tail[2:] for head, tail in cuts if len(tail) > 1}
    near |= {head + sign + tail[1:] for head, tail in cuts if tail for sign in signs}
    near |= {head + sign + tail for head, tail in cuts for sign in signs}
    return sorted(stripped for code in near - {key} if (stripped := code.lstrip("0")))


# --- words -----------------------------------------------------------------------------------------------------------


def word_parts(word: str) -> tuple[str, ...]:
    """The word cut between digits and letters."""
    return tuple(re.findall(r"[0-9]+|[^0-9]+", word))


def distance(one: str, other: str, limit: int = 2) -> int:
    """Typos between two words (insert, delete, replace, swap of neighbours), or `limit` + 1 when there are more."""
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    # What both begin and end with costs nothing; most words are then one letter apart.
    start, end, shorter = 0, 0, min(len(one), len(other))
    while start < shorter and one[start] == other[start]:
        start += 1
    while end < shorter - start and one[-1 - end] == other[-1 - end]:
        end += 1
    one, other = one[start : len(one) - end], other[start : len(other) - end]
    if not one or not other:
        return min(len(one) + len(other), limit + 1)
    if len(one) == len(other) == 1:
        return 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
        before, last = last, row
    return min(last[-1], limit + 1)


def candidates(known: Sequence[Known]) -> list[tuple[str, list[Candidate]]]:
    """For each asked word, in order, what it may mean, the surest first."""
    asked = {row.n: row.asked for row in known}
    words: dict[int, list[Candidate]] = {n: [] for n in sorted(asked)}
    splits: dict[tuple[int, str], list[Known]] = {}
    for row in known:
        match row.how:
            case "asked":
                parts = word_parts(row.asked)
                if len(parts) > 1:
                    words[row.n].append(_candidate(parts, "parts", 0.95, row.documents))
                if len(row.asked) == 1 or re.fullmatch("[0-9]{6,}", row.asked) or len(row.asked) > MAX_CODE:
                    # Such words are in documents, but not in the vocabulary.
                    words[row.n].append(_candidate((row.asked,), "exact", 1.0, row.documents))
            case "exact":
                words[row.n].append(_candidate((row.word,), "exact", 1.0, row.documents))
            case "joined":
                for n in (row.n, row.n + 1):
                    words[n].append(_candidate((row.word,), "joined", 0.85, row.documents))
            case "prefix":
                share = len(row.asked) / len(row.word)
                words[row.n].append(_candidate((row.word,), "prefix", 0.75 + 0.2 * share, row.documents))
            case "near":
                if quality := _likeness(row.asked, row.word):
                    words[row.n].append(_candidate((row.word,), "typo", quality, row.documents))
            case "split":
                splits.setdefault((row.n, row.asked), []).append(row)
    for (n, whole), halves in splits.items():
        by_word = {half.word: half.documents for half in halves}
        for place in range(2, len(whole) - 1):
            pair = (whole[:place], whole[place:])
            if pair[0] in by_word and pair[1] in by_word:
                words[n].append(_candidate(pair, "split", 0.6, min(by_word[half] for half in pair)))
    return [(asked[n], _best(found)) for n, found in words.items()]


def _candidate(words: tuple[str, ...], how: How, quality: float, documents: int) -> Candidate:
    return Candidate(words=words, how=how, quality=quality, documents=documents)


def _likeness(asked: str, word: str) -> float:
    """How surely `word` is meant by `asked`; 0 when it is too far.

    There are few ways to leave a letter out or to swap two, and a whole alphabet of ways to add or replace one: a word
    that is reached in one of the few is the likelier.
    """
    typos = distance(asked, word)
    if typos == 0 or typos > 2 or (typos == 2 and min(len(asked), len(word)) < 6):
        return 0.0
    if asked.isdigit():
        return 0.5 if typos == 1 else 0.0
    quality = 0.7 if typos == 1 else 0.45
    if typos == 1 and (len(asked) < len(word) or sorted(asked) == sorted(word)):
        quality += 0.03
    return quality if asked[0] == word[0] else quality - 0.05


def _best(found: Iterable[Candidate]) -> list[Candidate]:
    """Each meaning once, by its surest reading, the surest and most common first."""
    ranked = sorted(found, key=lambda one: (-one.quality, -one.documents, one.words))
    once: dict[tuple[str, ...], Candidate] = {}
    for one in ranked:
        once.setdefault(one.words, one)
    return list(once.values())[:MAX_CANDIDATES]


def mixed(ranked: dict[int, tuple[float, list[Match]]]) -> dict[int, tuple[float, list[Match]]]:
    """The same, a little lower where the same typo was already read the same way in better findings.

    A typed word may be near several words; one that many documents hold would else push the others off the page.
    """
    turns: dict[tuple[str, ...], int] = {}
    made: dict[int, tuple[float, list[Match]]] = {}
    for variant in sorted(ranked, key=lambda one: (-ranked[one][0], -one)):
        score, matched = ranked[variant]
        if any(one.how == "typo" for one in matched):
            reading = tuple(one.found for one in matched)
            turn = turns[reading] = turns.get(reading, -1) + 1
            score = max(0.0, round(score - min(turn, 4) * 0.015, 4))
        made[variant] = (score, matched)
    return made


# --- documents -------------------------------------------------------------------------------------------------------


def queries(words: Sequence[tuple[str, Sequence[Candidate]]], limit: int) -> list[tuple[int, str]]:
    """The searches to run, the strictest first, as texts of `tsquery`; each only while fewer than its number are found.

    All words surely; all words, perhaps with typos; all but one of the four rarest; any of the two rarest.
    """
    known = [found for _, found in words if found]
    if not known:
        return []
    made: list[tuple[int, str]] = []
    sure = [[one for one in found if one.how in SURE] for found in known]
    if all(sure) and len(known) == len(words):
        made.append((limit, _all(sure)))
    made.append((limit, _all(known)))
    rare = sorted(known, key=_weight, reverse=True)[:4]
    if len(known) > 4:
        made.append((FEW, _all(rare)))
    if len(rare) > 2:
        made.append((FEW, " | ".join(f"({_all(kept)})" for kept in combinations(rare, len(rare) - 1))))
    if len(rare) > 1:
        made.extend((1, _any(found)) for found in rare[:2])
    once: dict[str, int] = {}
    for enough, query in made:
        once.setdefault(query, enough)
    return [(enough, query) for query, enough in once.items()]


def _all(words: Iterable[Sequence[Candidate]]) -> str:
    return " & ".join(f"({_any(found)})" for found in words)


def _any(found: Sequence[Candidate]) -> str:
    """Any of the candidates, the surest first, as far as they aren't in too many documents to look through."""
    kept, documents = list[str](), 0
    for one in found:
        documents += one.documents
        if kept and documents > MAX_DOCUMENTS:
            break
        # Words are letters and digits alone, so that quotes are enough.
        kept.append("(" + " & ".join(f"'{word}'" for word in one.words) + ")")
    return " | ".join(kept)


def _weight(found: Sequence[Candidate]) -> float:
    """How much a word tells: the rarer, the more."""
    documents = max((one.documents for one in found[:1]), default=0)
    return math.log(MANY / (documents + 1)) + 0.5 if documents < MANY else 0.5


def rank(words: Sequence[tuple[str, Sequence[Candidate]]], document: Found) -> tuple[float, list[Match]]:
    """How well a document answers, in 0 to 1, and by what.

    Each asked word counts by its rarity and by the surest candidate that the document holds (in the name: more); a name
    with little else, and an active item, count a little more.
    """
    name, every = set(document.name_words), set(document.words)
    total = reached = 0.0
    matched: list[Match] = []
    for asked, found in words:
        weight = _weight(found)
        total += weight
        best, quality = None, 0.0
        for one in found:
            if one.quality <= quality:
                break  # the surest come first
            if every.issuperset(one.words):
                worth = one.quality if name.issuperset(one.words) else 0.85 * one.quality
                if worth > quality:
                    best, quality = one, worth
        if best:
            reached += weight * quality
            where = "name" if name.issuperset(best.words) else "attributes"
            matched.append(Match(asked=asked, found=" ".join(best.words), how=best.how, where=where))
    covered = min(1.0, len(matched) / max(1, len(name)))
    score = 0.9 * reached / total if total else 0.0
    return round(score + 0.05 * covered + (0.05 if document.active else 0.0), 4), matched
