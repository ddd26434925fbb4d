"""Posting: lock, look, decide, append. Every command of the ledger ends here."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple, NoReturn

import msgspec
from psycopg import errors as pg

from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.kit.database import Queries, Tx
from perpetua.ledger import events, rules, store
from perpetua.ledger.errors import (
    InactivePlace,
    LotBlocked,
    NotEnoughStock,
    SerialElsewhere,
    TooManyLines,
    VersionChanged,
)
from perpetua.ledger.types import Level, LevelKey, Posted, PostingDraft, Row
from perpetua.places import service as places

__all__ = ["MAX_ROWS", "Fitted", "check_versions", "hold", "post", "post_fitting"]

MAX_ROWS = 50_000
SHOWN_LEVELS = 200
SENT: Final = frozenset({"SALE", "CONSUME"})
"""Of a lot that is blocked or past its last day, none of these."""
_WHY_BLOCKED: Final = {"hold": "is on hold", "quarantine": "is in quarantine", "recalled": "is recalled"}
LOTS: Final = Queries(store.__file__, "lots.sql")


class Fitted(NamedTuple):
    """What `post_fitting` did."""

    posting_id: int | None
    """None where no row fitted."""
    rows: list[Row]
    """Those that were appended."""
    short: Mapping[int, Decimal]
    """Where the others are among the draft's rows, and what was on hand for each."""


async def post(
    tx: Tx,
    actor: Actor,
    draft: PostingDraft,
    *,
    key: str | None = None,
    show_levels: bool = True,
) -> Posted:
    """Append the draft's rows, all or none. A constant number of statements, whatever their count.

    Args:
        key: the idempotency key that the command came under, kept with the posting.
        show_levels: answer with the levels after the posting (bulk loads have no use for them).

    Raises:
        InactivePlace: stock would come to a place that is not active (it may have been closed a moment ago).
        NotEnoughStock: a level would go below zero.
        LotBlocked: a lot would be sold or used up that may not be sent.
        SerialElsewhere: a serial is not where a row says it is.
    """
    await _lock(tx, draft)
    await _decide(tx, draft)
    appended = await _append(tx, actor, draft, key)
    return Posted(
        posting_id=appended.posting_id,
        recorded_at=appended.recorded_at,
        effective_at=appended.effective_at,
        rows=appended.rows,
        first_row_id=appended.first_row_id,
        last_row_id=appended.last_row_id,
        levels=await store.outcomes(tx, rules.changes(draft.rows), SHOWN_LEVELS) if show_levels else [],
    )


async def hold(tx: Tx, rows: Sequence[Row], *, to_post: bool = False) -> dict[LevelKey, Level]:
    """Lock the positions that the rows touch, and give their levels: for whoever decides something about them that is
    not posted, or before it is.

    Args:
        to_post: these rows are going to be posted: lock all that the posting will.
    """
    await store.lock(tx, rows, await events.ask_also(tx, rows) if to_post else ())
    return await store.levels(tx, {row.level for row in rows})


async def post_fitting(tx: Tx, actor: Actor, draft: PostingDraft) -> Fitted:
    """Append those of the draft's rows that can happen one after the other, and tell which are left out.

    Raises:
        InactivePlace, SerialElsewhere: as `post`.
    """
    await _lock(tx, draft)
    falling = {row.level for row in draft.rows if row.quantity < 0}
    levels = await store.levels(tx, falling)
    negative = await store.negative_places(tx, {key.location_id for key in falling})
    fit, short = rules.fitting(levels, draft.rows, negative)
    if not fit:
        return Fitted(None, fit, short)
    appended = await _append(tx, actor, msgspec.structs.replace(draft, rows=fit), None)
    return Fitted(appended.posting_id, fit, short)


async def _lock(tx: Tx, draft: PostingDraft) -> None:
    if not 0 < len(draft.rows) <= MAX_ROWS:
        raise TooManyLines("lines", str(len(draft.rows)), f"send 1 to {MAX_ROWS} rows", limit=MAX_ROWS)
    closed = await store.lock(tx, draft.rows, await events.ask_also(tx, draft.rows))
    if not closed:
        return
    for key, change in rules.changes(draft.rows).items():
        if change > 0 and key.location_id in closed:
            raise InactivePlace(location=(await places.by_ids(tx, [key.location_id]))[key.location_id].code)


async def _append(tx: Tx, actor: Actor, draft: PostingDraft, key: str | None) -> store.Appended:
    await events.tell_before(tx, actor, draft.rows)
    try:
        appended = await store.append(tx, actor.person_id, draft, key)
    except pg.UniqueViolation as violation:
        await _explain_serial(violation)
    await events.tell_after(tx, actor, draft.rows)
    return appended


async def _decide(tx: Tx, draft: PostingDraft) -> None:
    if all(row.quantity > 0 for row in draft.rows):
        return
    await _refuse_blocked(tx, draft)
    falling = [key for key, change in rules.changes(draft.rows).items() if change < 0]
    levels = await store.levels(tx, falling)
    negative = {level.key.location_id: True for level in levels.values() if level.negative_allowed}
    short = rules.shortages(levels, draft.rows, negative)
    # A level that was never written does not know yet that its location allows less than nothing.
    if any(s.key not in levels for s in short):
        negative |= await store.negative_places(tx, [s.key.location_id for s in short])
        short = rules.shortages(levels, draft.rows, negative)
    if short:
        await _refuse_short(tx, short)


async def _refuse_blocked(tx: Tx, draft: PostingDraft) -> None:
    """Whoever blocks a lot holds its item's positions, as we do: what is found here stays so until we have committed.
    What is corrected has left long ago."""
    sent = {row.lot_id for row in draft.rows if row.lot_id and row.type in SENT and row.corrects_id is None}
    if not sent or draft.command == "correct":
        return
    # Who sells over the counter tells what has happened; who ships an order decides it now.
    at = draft.effective_at
    asked = {"lot_ids": sorted(sent), "day": at.date(), "at": at, "told": draft.command == "sell"}
    for one in await tx.dicts(LOTS["blocked_among"], asked):
        status = one["status"]
        why = _WHY_BLOCKED.get(status, f"had its last day on {one['expires_on']}")
        raise LotBlocked(lot=one["number"], sku=one["sku"], why=why, lot_status=status)


async def _refuse_short(tx: Tx, short: list[rules.Shortage]) -> NoReturn:
    names = await _names(tx, [s.key for s in short[:100]])
    told = [
        {"line": s.line_no, "sku": names[s.key][0], "location": names[s.key][1], "asked": s.asked, "on_hand": s.on_hand}
        for s in short[:100]
    ]
    raise NotEnoughStock(
        **{name: told[0][name] for name in ("line", "sku", "location", "asked", "on_hand")},
        shortages=told,
        shortage_count=len(short),
    )


async def check_versions(tx: Tx, levels: Mapping[LevelKey, Level], expected: Mapping[LevelKey, int]) -> None:
    """Raises VersionChanged: a level (read under lock) is not the one that the caller looked at before deciding."""
    key = rules.stale(levels, expected)
    if key is None:
        return
    sku, location = (await _names(tx, [key]))[key]
    level = levels.get(key)
    raise VersionChanged(
        sku=sku, location=location, expected=expected[key], version=level.version if level else 0,
        on_hand=level.on_hand if level else 0,
    )  # fmt: skip


async def _names(tx: Tx, keys: list[LevelKey]) -> dict[LevelKey, tuple[str, str]]:
    variants = await items.variants_by_ids(tx, [key.variant_id for key in keys])
    locations = await places.by_ids(tx, [key.location_id for key in keys])
    return {key: (variants[key.variant_id].sku, locations[key.location_id].code) for key in keys}


async def _explain_serial(violation: pg.UniqueViolation) -> NoReturn:
    if violation.diag.constraint_name != "serial_in_one_place":
        raise violation
    # The transaction is lost, so the facts are what the trigger said.
    said = violation.diag.message_primary or ""
    raise SerialElsewhere(serial=said.split(" ")[1] if " " in said else said, sku="", status="elsewhere", location="")
