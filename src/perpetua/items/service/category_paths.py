"""Categories by their path of names ("Food/Drinks/Soda"), for imports: found, and made where they are missing.

A constant number of statements for each level of the tree, whatever the number of paths.
"""

import hashlib
from collections.abc import Iterable, Sequence

import msgspec

from perpetua.access.service import Change, audit_many
from perpetua.access.types import Actor
from perpetua.items import rules, store
from perpetua.kit.database import Tx
from perpetua.kit.errors import InvalidValue

__all__ = ["MAX_DEPTH", "ensure_categories", "remove_empty_categories", "split_path"]

MAX_DEPTH = 20
ATTEMPTS = 5
Path = tuple[str, ...]


class _Node(msgspec.Struct, frozen=True, kw_only=True):
    place: int
    id: int


def split_path(text: str, field: str = "category") -> Path:
    """The names from the top down.

    Raises:
        InvalidValue: no name in it, deeper than 20, or a name that cannot be kept.
    """
    parts = tuple(rules.clean_name(part, field) for part in text.split("/") if part.strip())
    if not 0 < len(parts) <= MAX_DEPTH:
        raise InvalidValue(field, text, f"must name 1 to {MAX_DEPTH} levels, with / between them")
    return parts


async def ensure_categories(tx: Tx, actor: Actor, paths: Iterable[Path]) -> tuple[dict[Path, int], list[int]]:
    """Ids by path, case aside the same path is the same category; and the ids of those that were made.

    Keys are the paths as given. The tree is locked against other changes until the transaction ends, but only where
    something is missing.
    """
    actor.require("items.write")
    asked = sorted(set(paths))
    known: dict[Path, int] = {}
    made: list[int] = []
    locked = False
    for depth in range(1, max(map(len, asked), default=0) + 1):
        level = sorted({path[:depth] for path in asked if len(path) >= depth})
        found = await _find(tx, level, known)
        if len(found) < len(level) and not locked:
            await tx.execute(store.Q["lock_categories"])
            locked = True
            found = await _find(tx, level, known)
        missing = [path for path in level if path not in found]
        if missing:
            made += await _make(tx, actor, missing, known)
            found = await _find(tx, level, known)
        known |= found
    return {path: known[path] for path in asked}, made


async def remove_empty_categories(tx: Tx, ids: Sequence[int]) -> list[int]:
    """Take away those that hold neither items nor categories, the deepest first; the ids that went."""
    gone: list[int] = []
    while went := await tx.values(store.Q["delete_empty_categories"], {"ids": list(ids)}):
        gone += went
    return gone


async def _find(tx: Tx, level: Sequence[Path], known: dict[Path, int]) -> dict[Path, int]:
    asked = {"parents": [known.get(path[:-1]) for path in level], "names": [path[-1] for path in level]}
    rows = await tx.rows(store.Q["categories_by_name"], asked, as_=_Node)
    return {level[row.place - 1]: row.id for row in rows}


async def _make(tx: Tx, actor: Actor, missing: Sequence[Path], known: dict[Path, int]) -> list[int]:
    by_name = {tuple(part.upper() for part in path): path for path in missing}  # two spellings are one category
    left = list(by_name.values())
    made: list[int] = []
    for attempt in range(ATTEMPTS):
        rows = {
            "parents": [known.get(path[:-1]) for path in left],
            "codes": [_code(path, attempt) for path in left],
            "names": [path[-1] for path in left],
        }
        ids = await tx.values(store.Q["insert_categories"], rows)
        made += ids
        if len(ids) == len(left):
            break
        found = await _find(tx, left, known)
        left = [path for path in left if path not in found]
    await audit_many(tx, actor, "category", [Change(id=key, action="created", after={}) for key in made])
    return made


def _code(path: Path, attempt: int) -> str:
    """A code that tells the category to people and is the same for the same path."""
    digest = hashlib.sha256("/".join((*path, str(attempt) if attempt else "")).upper().encode()).hexdigest()
    return f"{path[-1][:50].strip()}-{digest[:8]}"
