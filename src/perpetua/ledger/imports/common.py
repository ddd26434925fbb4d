"""What both kinds do: make what the file names and is not there, post, take back."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.items.types import UpsertRow, VariantRef
from perpetua.kit.database import Tx
from perpetua.kit.errors import Conflict, InvalidValue
from perpetua.kit.imports import BadRow, ImportOptions, Place, Run, Tell, remembered
from perpetua.ledger import events, store
from perpetua.ledger.service import post, post_fitting
from perpetua.ledger.types import PostingDraft, Row
from perpetua.places import service as places
from perpetua.places.types import CreateLocation, LocationRef

__all__ = ["Here", "make_items", "make_places", "option", "post_fitting_rows", "post_rows", "resolve_here", "take_back"]

MAKE_AT_ONCE = 5_000
_SHORT = "asked {asked}, on hand {on_hand}: would fall below zero"


class Here(msgspec.Struct, frozen=True):
    """The items and places that a chunk names, by upper-case SKU and code."""

    variants: dict[str, VariantRef]
    locations: dict[str, LocationRef]


def option(options: ImportOptions, name: str, allowed: Mapping[str, type] | None = None) -> Any:
    """One of the kind's own options, or None.

    Raises:
        InvalidValue: an option that the kind does not have.
    """
    if allowed is not None and (odd := sorted(options.kind.keys() - allowed.keys())):
        raise InvalidValue(
            odd[0], str(options.kind[odd[0]]), f"is no option here; there are {', '.join(sorted(allowed))}"
        )
    return options.kind.get(name)


async def make_items(tx: Tx, actor: Actor, run: Run, wanted: Mapping[str, UpsertRow]) -> int:
    """Make the items (by upper-case SKU) that are not in the catalogue yet; how many were made."""
    known = await items.resolve_skus(tx, list(wanted))
    missing = [row for sku, row in wanted.items() if sku not in known]
    made = 0
    for first in range(0, len(missing), MAKE_AT_ONCE):
        outcomes = await items.create_missing(tx, actor, missing[first : first + MAKE_AT_ONCE])
        ids = [one.variant_id for one in outcomes if one.done == "created" and one.variant_id is not None]
        await run.remember(tx, "variants", ids)
        made += len(ids)
    return made


async def make_places(tx: Tx, actor: Actor, run: Run, wanted: Mapping[str, CreateLocation]) -> int:
    """Make the places (by upper-case code) that are not there yet, as sites; how many were made."""
    known = await places.by_codes(tx, list(wanted))
    missing = [place for code, place in wanted.items() if code not in known]
    if missing:
        await run.remember(tx, "locations", await places.make(tx, actor, missing))
    return len(missing)


async def resolve_here(tx: Tx, run: Run, skus: Iterable[str], codes: Iterable[str]) -> Here:
    """The chunk's items and places; what was found in an earlier chunk is kept in the run's cache."""
    variants: dict[str, VariantRef] = run.cache.setdefault("variants", {})
    locations: dict[str, LocationRef] = run.cache.setdefault("locations", {})
    if new := {sku for sku in skus if sku not in variants}:
        variants |= await items.resolve_skus(tx, sorted(new))
    if new := {code for code in codes if code not in locations}:
        locations |= await places.by_codes(tx, sorted(new))
    return Here(variants, locations)


async def post_rows(
    tx: Tx, actor: Actor, run: Run, rows: Sequence[Row], effective_at: datetime, reason_code: str | None = None
) -> None:
    """One posting of the import. Its rows carry the file's own references."""
    posted = await post(tx, actor, _draft(run, rows, effective_at, reason_code), show_levels=False)
    assert posted.posting_id is not None
    await run.remember(tx, "postings", [posted.posting_id])


async def post_fitting_rows(
    tx: Tx, actor: Actor, run: Run, rows: Sequence[Row], places: Sequence[Place], effective_at: datetime
) -> tuple[list[Row], list[BadRow]]:
    """As `post_rows`, but for rows that would bring a level below zero; those that went in, and the others.

    Args:
        places: where in the files each row is.
    """
    fitted = await post_fitting(tx, actor, _draft(run, rows, effective_at, None))
    if fitted.posting_id is not None:
        await run.remember(tx, "postings", [fitted.posting_id])
    bad: list[BadRow] = []
    for place, on_hand in fitted.short.items():
        asked = -rows[place].quantity
        reason = _SHORT.format(asked=asked, on_hand=on_hand)
        bad.append(BadRow(places[place], "not_enough_stock", reason, "quantity", str(asked)))
    return fitted.rows, bad


def _draft(run: Run, rows: Sequence[Row], effective_at: datetime, reason_code: str | None) -> PostingDraft:
    return PostingDraft(
        command="import", effective_at=effective_at, rows=list(rows), reason_code=reason_code,
        reference_type="import", reference_id=str(run.import_id),
    )  # fmt: skip


async def take_back(tx: Tx, actor: Actor, import_id: int, tell: Tell) -> dict[str, int]:
    """Post the opposite of all the import's rows that were not corrected meanwhile, the latest posting first.

    Raises:
        Conflict: stock that the import brought has left since.
    """
    kept = await remembered(tx, import_id)
    postings = sorted((i for one in kept if one.what == "postings" for i in one.ids), reverse=True)
    if not postings:
        return {"taken_back": 0}
    await tell(0, len(postings))
    await tx.execute(store.Q["lock_postings"], {"posting_ids": postings})
    short = await tx.dicts(store.Q["short_without"], {"posting_ids": postings})
    if short:
        first = short[0]
        raise Conflict(
            reason=f"{first['sku']} at {first['location']}: the import brought {first['brought']}, "
            f"but only {first['on_hand']} are left; write back what left since first.",
            shortages=short,
        )
    moved = await tx.dicts(store.Q["what_reversal_moves"], {"posting_ids": postings})
    rows = [Row(line_no=number, **row) for number, row in enumerate(moved, 1)]
    await events.tell_before(tx, actor, rows)
    taken = await tx.value(
        store.Q["reverse_postings"],
        {"posting_ids": postings, "actor_id": actor.person_id, "note": f"import {import_id} undone",
         "reference_id": str(import_id)},
    )  # fmt: skip
    await events.tell_after(tx, actor, rows)
    await tell(len(postings), len(postings))
    return {"taken_back": taken}
