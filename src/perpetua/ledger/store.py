"""Runs the ledger's statements."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from perpetua.kit.database import Queries, Tx, array
from perpetua.ledger.types import Level, LevelKey, Outcome, PostingDraft, ReasonCode, Row, TransactionType

Q = Queries(__file__)


class Appended(msgspec.Struct, frozen=True, kw_only=True):
    """What the database gave the posting."""

    posting_id: int
    recorded_at: datetime
    effective_at: datetime
    rows: int
    first_row_id: int
    last_row_id: int


class StoredRow(msgspec.Struct, frozen=True, kw_only=True):
    """A ledger row as it was written."""

    id: int
    posting_id: int
    line_no: int
    type: TransactionType
    variant_id: int
    location_id: int
    quantity: Decimal
    lot_id: int
    serial_id: int | None
    unit_cost: Decimal | None
    effective_at: datetime
    reason_code: str | None
    reference_type: str | None
    reference_id: str | None
    corrects_id: int | None

    def as_row(self) -> Row:
        """The same, to be appended again."""
        known = {name: getattr(self, name) for name in Row.__struct_fields__}
        return Row(**known)


class SerialRef(msgspec.Struct, frozen=True, kw_only=True):
    """A serial and where it is."""

    id: int
    variant_id: int
    serial: str
    status: str
    location_id: int | None
    upper_serial: str


class LotRef(msgspec.Struct, frozen=True, kw_only=True):
    """A lot by its number."""

    id: int
    variant_id: int
    number: str
    expires_on: str | None
    blocked: bool
    upper_number: str


LevelThen = tuple[int, int, int, Decimal]
"""A level at a moment: variant, location, lot, on hand. A bare tuple, as there are half a million of them."""


async def lock(tx: Tx, rows: Iterable[Row], also: Iterable[tuple[int, int]] = ()) -> frozenset[int]:
    """Take the locks on all positions that the rows touch; which of their places are not active.

    Args:
        also: further positions (variant, site) to lock in the same order.
    """
    places, more = sorted({(row.variant_id, row.location_id) for row in rows}), sorted(set(also))
    params = {
        "variant_ids": array([p[0] for p in places]), "location_ids": array([p[1] for p in places]),
        "also_variants": array([p[0] for p in more]), "also_sites": array([p[1] for p in more]),
    }  # fmt: skip
    return frozenset(await tx.value(Q["lock_positions"], params) or ())


async def levels(tx: Tx, keys: Iterable[LevelKey]) -> dict[LevelKey, Level]:
    """The levels, under lock."""
    wanted = list(set(keys))
    if not wanted:
        return {}
    found = await tx.rows(Q["levels_of"], _key_arrays(wanted), as_=Level)
    return {level.key: level for level in found}


async def negative_places(tx: Tx, location_ids: Iterable[int]) -> dict[int, bool]:
    """Locations (of these) that allow less than nothing."""
    return dict.fromkeys(await tx.values(Q["negative_allowed"], {"location_ids": sorted(set(location_ids))}), True)


async def append(tx: Tx, actor_id: int, draft: PostingDraft, key: str | None) -> Appended:
    """Write the posting and its rows; triggers keep the projections."""
    rows = draft.rows
    params: dict[str, Any] = {
        "effective_at": draft.effective_at,
        "actor_id": actor_id,
        "approved_by": draft.approved_by,
        "command": draft.command,
        "key": key,
        "reason_code": draft.reason_code,
        "reference_type": draft.reference_type,
        "reference_id": draft.reference_id,
        "note": draft.note,
    }
    columns = zip(*map(msgspec.structs.astuple, rows), strict=True)
    params |= {f"{name}s": array(column) for name, column in zip(Row.__struct_fields__, columns, strict=True)}
    params["quantities"] = params.pop("quantitys")
    appended = await tx.maybe(Q["append"], params, as_=Appended)
    assert appended is not None
    return appended


async def outcomes(tx: Tx, changes: Mapping[LevelKey, Decimal], limit: int) -> list[Outcome]:
    """The levels after the change."""
    kept = sorted(changes)[:limit]
    params = {**_key_arrays(kept), "changes": array([changes[key] for key in kept])}
    return await tx.rows(Q["outcomes"], params, as_=Outcome)


async def reason(tx: Tx, code: str) -> ReasonCode | None:
    """The reason code, or None."""
    return await tx.maybe(Q["reason"], {"code": code}, as_=ReasonCode)


async def serials(tx: Tx, named: Sequence[tuple[int, str]], *, lot_ids: Sequence[int] | None = None) -> list[SerialRef]:
    """The serials by (variant, serial); with `lot_ids`, missing ones are made first."""
    if not named:
        return []
    params: dict[str, Any] = {"variant_ids": [n[0] for n in named], "serials": [n[1] for n in named]}
    if lot_ids is not None:
        await tx.execute(Q["make_serials"], {**params, "lot_ids": list(lot_ids)})
    return await tx.rows(Q["serials_by_name"], params, as_=SerialRef)


async def lots(
    tx: Tx, named: Sequence[tuple[int, str]], *, expires: Sequence[str | None] | None = None
) -> list[LotRef]:
    """The lots by (variant, number); with `expires`, missing ones are made first."""
    if not named:
        return []
    params: dict[str, Any] = {"variant_ids": [n[0] for n in named], "numbers": [n[1] for n in named]}
    if expires is not None:
        await tx.execute(Q["make_lots"], {**params, "expires": list(expires)})
    return await tx.rows(Q["lots_by_name"], params, as_=LotRef)


def _key_arrays(keys: Sequence[LevelKey]) -> dict[str, Any]:
    return {
        "variant_ids": array([key.variant_id for key in keys]),
        "location_ids": array([key.location_id for key in keys]),
        "lot_ids": array([key.lot_id for key in keys]),
    }
