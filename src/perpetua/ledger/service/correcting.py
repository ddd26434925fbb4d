"""Correcting: a wrong row stays, is taken back by a new row, and written anew."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
from msgspec import UNSET
from psycopg import errors as pg

from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue, Missing, NotAllowed
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.quantity import exact_money, exact_quantity
from perpetua.ledger import rules, store
from perpetua.ledger.errors import AlreadyCorrected, InTransit
from perpetua.ledger.service.posting import post
from perpetua.ledger.store import StoredRow
from perpetua.ledger.types import Correct, Posted, PostingDraft, Row
from perpetua.places import service as places

__all__ = ["correct", "reverse"]


async def correct(
    db: Database, actor: Actor, row_id: int, command: Correct, *, key: str | None = None, clock: Clock = system_clock
) -> Answered[Posted]:
    """Take row `row_id` back and write it anew with what is given. A transfer's two rows are corrected together.

    The new rows keep the time at which the wrong one happened (`effective_at`), so that stock at any moment comes
    right, and carry the time at which they were written (`recorded_at`), so that what was known before stays known.

    Raises:
        Missing: no such row, or not at one of the actor's places.
        AlreadyCorrected: it was corrected before.
        InTransit: it belongs to a transfer in two steps, and more than its time or cost is to change.
        NotEnoughStock: taking it back would bring a level below zero.
    """
    actor.require("stock.correct")
    if command.unit_cost is not UNSET and not actor.sees_costs:
        raise NotAllowed(permission="costs.read", field="unit_cost")

    async def act(tx: Tx) -> Posted:
        wrong = await tx.rows(store.Q["rows_to_correct"], {"row_id": row_id}, as_=StoredRow)
        if not wrong:
            raise Missing("ledger row", row_id)
        for place in (await places.by_ids(tx, [row.location_id for row in wrong])).values():
            actor.require_place(place.path, place.code)
            if place.kind == "transit" and not _only_when_and_cost(command):
                raise InTransit(location=place.code)
        await _refuse_if_corrected(tx, [row.id for row in wrong])
        rows = [rules.reversal(row.as_row(), row.id, 2 * n + 1) for n, row in enumerate(_outs_first(wrong))]
        if not command.reverse_only:
            rows += await _anew(tx, actor, wrong, row_id, command, clock)
        if len(wrong) == 2:  # the two halves of a transfer share a line, like any transfer
            rows = [msgspec.structs.replace(row, line_no=1 if n < 2 else 2) for n, row in enumerate(rows)]
        draft = PostingDraft(
            command="correct", effective_at=wrong[0].effective_at, rows=rows, note=command.reason,
            reference_type="transaction", reference_id=str(row_id),
        )  # fmt: skip
        posted = await post(tx, actor, draft, key=key)
        await _claim(tx, [row.id for row in wrong], posted)
        return posted

    return await once(
        db, sender=actor.person_id, key=key, command="correct", body=[row_id, command], answer=Posted, act=act
    )


async def reverse(
    tx: Tx, actor: Actor, row_ids: Sequence[int], reason: str, *, reference_type: str, reference_id: str
) -> Posted:
    """Take rows back, for who does so with something else, in its transaction: the same times, the opposite signs. As
    many statements whatever their number.

    Raises:
        AlreadyCorrected: one of them was corrected before.
        NotEnoughStock, SerialElsewhere: what they brought is no longer there.
    """
    wrong = await tx.rows(store.Q["rows_to_reverse"], {"row_ids": sorted(row_ids)}, as_=StoredRow)
    await _refuse_if_corrected(tx, [row.id for row in wrong])
    draft = PostingDraft(
        command="correct", effective_at=wrong[0].effective_at, note=reason, reference_type=reference_type,
        reference_id=reference_id,
        rows=[rules.reversal(row.as_row(), row.id, row.line_no) for row in _outs_first(wrong)],
    )  # fmt: skip
    posted = await post(tx, actor, draft, show_levels=False)
    await _claim(tx, [row.id for row in wrong], posted)
    return posted


def _only_when_and_cost(command: Correct) -> bool:
    # Then both ends stay as they were, and with them what the transfer's document says.
    return not command.reverse_only and command.quantity is UNSET and command.sku is UNSET and command.location is UNSET


async def _claim(tx: Tx, ids: list[int], posted: Posted) -> None:
    try:
        async with tx.savepoint():
            await tx.execute(store.Q["claim_correction"], {"posting_id": posted.posting_id, "ids": ids})
    except pg.UniqueViolation:
        await _refuse_if_corrected(tx, ids)  # by somebody who was faster


async def _refuse_if_corrected(tx: Tx, ids: list[int]) -> None:
    if found := await tx.dicts(store.Q["correction_of"], {"ids": ids}):
        raise AlreadyCorrected(row_id=found[0]["corrected_id"], posting_id=found[0]["posting_id"])


async def _anew(
    tx: Tx, actor: Actor, wrong: Sequence[StoredRow], row_id: int, command: Correct, clock: Clock
) -> list[Row]:
    """The rows as they should have been; they name the rows they stand for."""
    changed: dict[str, object] = {}
    if command.effective_at is not UNSET:
        changed["effective_at"] = rules.check_effective(command.effective_at, clock())
    if command.unit_cost is not UNSET:
        if command.unit_cost is not None and exact_money(command.unit_cost, "unit_cost") < 0:
            raise InvalidValue("unit_cost", str(command.unit_cost), "must not be negative")
        changed["unit_cost"] = command.unit_cost
    variant = (await items.variants_by_ids(tx, [wrong[0].variant_id]))[wrong[0].variant_id]
    if command.sku is not UNSET:
        found = await items.resolve_skus(tx, [command.sku])
        if command.sku.upper() not in found:
            raise Missing("item", command.sku)
        variant = found[command.sku.upper()]
        if variant.tracking != "none" or wrong[0].lot_id or wrong[0].serial_id:
            raise InvalidValue(
                "sku", command.sku, "lots and serials belong to one item; reverse the row and post it anew"
            )
        changed["variant_id"] = variant.id
    if command.location is not UNSET:
        place = (await places.by_codes(tx, [command.location])).get(command.location)
        if place is None:
            raise Missing("location", command.location)
        actor.require_place(place.path, place.code)
        if place.kind == "transit":
            raise InTransit(location=place.code)
    else:
        place = None
    quantity = None
    if command.quantity is not UNSET:
        quantity = exact_quantity(command.quantity, "quantity", places=variant.decimals)
        if quantity == 0:
            raise InvalidValue("quantity", "0", "is no movement; ask for reverse_only instead")
        if wrong[0].serial_id:
            raise InvalidValue("quantity", str(quantity), "a serial is one; reverse the row instead")
    if not changed and place is None and quantity is None:
        raise InvalidValue("quantity", "", "nothing is given to change; ask for reverse_only to take the row back")
    anew: list[Row] = []
    for row in _outs_first(wrong):
        fresh = msgspec.structs.replace(row.as_row(), line_no=2, corrects_id=None, **changed)
        if quantity is not None:
            _check_sign(row, quantity, pair=len(wrong) == 2)
            fresh = msgspec.structs.replace(
                fresh, quantity=abs(quantity).copy_sign(row.quantity) if len(wrong) == 2 else quantity
            )
        if place is not None and row.id == row_id:
            fresh = msgspec.structs.replace(fresh, location_id=place.id)
        anew.append(fresh)
    if len(anew) == 2 and anew[0].location_id == anew[1].location_id:
        raise InvalidValue("location", str(command.location), "is the transfer's other end")
    return anew


def _check_sign(row: StoredRow, quantity: Decimal, *, pair: bool) -> None:
    if pair or row.type in ("ADJUSTMENT", "RETURN"):
        return
    if (row.quantity > 0) != (quantity > 0):
        sign = "more" if row.quantity > 0 else "less"
        raise InvalidValue("quantity", str(quantity), f"a {row.type} is {sign} than 0, as in the row itself")


def _outs_first(wrong: Sequence[StoredRow]) -> list[StoredRow]:
    return sorted(wrong, key=lambda row: (row.quantity > 0, row.id))
