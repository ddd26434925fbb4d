"""Recalls: opened (all lots blocked at once), released lot by lot, closed."""

from typing import Any, Final

import msgspec

from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.kit import json
from perpetua.kit.clock import bounded
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue, Missing
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.kit.quantity import ZERO
from perpetua.ledger import events
from perpetua.ledger import service as ledger
from perpetua.tracing.errors import NothingToRecall, RecallClosed, RecallNotDone
from perpetua.tracing.store import Q
from perpetua.tracing.types import (
    CloseRecall,
    OpenRecall,
    Recall,
    RecallDetail,
    RecallFilters,
    RecallLot,
    ReleaseLots,
)

__all__ = ["MOST_LOTS", "close_recall", "detail", "get_recall", "list_recalls", "open_recall", "release_lots"]

MOST_LOTS: Final = 10_000
_SAID: Final = ("lot_ids", "sku", "supplier", "supplier_lot", "received_from", "received_until")


async def open_recall(
    db: Database, actor: Actor, command: OpenRecall, *, key: str | None = None
) -> Answered[RecallDetail]:  # fmt: skip
    """Block all lots that fit, at once: what is promised of them moves to other lots or waits again, in the same
    transaction. A constant number of statements, however many lots.

    Raises:
        InvalidValue: nothing is said about the lots, or more than 10,000 fit. NothingToRecall: none fits.
        Missing: no such item, or no such lot. OutOfScope: some of it lies at a place that is not the actor's.
    """
    actor.require("lots.recall")
    if all(getattr(command, name) is None for name in _SAID):
        raise InvalidValue("lot_ids", "", "say which lots: by id, item, supplier, supplier's lot or day of receipt")

    async def act(tx: Tx) -> RecallDetail:
        found = await _fitting(tx, command)
        lot_ids = [row["lot_id"] for row in found]
        criteria = json.dumps(command).decode()
        head = {"reason": command.reason, "notes": command.notes, "criteria": criteria, "actor_id": actor.person_id}
        made = (await tx.dicts(Q["make_recall"], head))[0]
        async with events.changing_lots(tx, actor, lot_ids, f"recall {made['number']}: {command.reason}"):
            lots = await ledger.lock_lots(tx, lot_ids)
            await ledger.require_lots(tx, actor, lot_ids)
            await tx.execute(Q["keep_recall_promises"], {"recall_id": made["id"], "lot_ids": lot_ids})
            kept = {
                "recall_id": made["id"], "lot_ids": lot_ids, "made": [row["made"] for row in found],
                "were": [lot.status for lot in lots],
            }  # fmt: skip
            await tx.execute(Q["keep_recall_lots"], kept)
            await ledger.mark_lots(tx, actor, lots, "recalled", command.reason, reference=made["number"])
        return await detail(tx, actor, made["id"])

    return await once(
        db, sender=actor.person_id, key=key, command="open_recall", body=command, answer=RecallDetail, act=act
    )


async def release_lots(
    db: Database, actor: Actor, recall_id: int, command: ReleaseLots, *, key: str | None = None
) -> Answered[RecallDetail]:
    """Take lots out of a recall, open or closed; what is free of them goes to whoever waits. One that another open
    recall has stays recalled.

    Raises:
        Missing: no such recall. InvalidValue: a lot that is not in it, or was released before.
        OutOfScope: some of it lies at a place that is not the actor's.
    """
    actor.require("lots.recall")
    lot_ids = sorted(set(command.lot_ids))
    if not 0 < len(lot_ids) <= MOST_LOTS:
        raise InvalidValue("lot_ids", str(len(lot_ids)), f"name 1 to {MOST_LOTS} lots", limit=MOST_LOTS)

    async def act(tx: Tx) -> RecallDetail:
        async with events.changing_lots(tx, actor, lot_ids, command.reason):
            number = (await _locked(tx, recall_id))["number"]
            held = await tx.dicts(Q["recall_lots_held"], {"recall_id": recall_id, "lot_ids": lot_ids})
            wrong = set(lot_ids).difference(row["lot_id"] for row in held if row["released_at"] is None)
            if wrong:
                raise InvalidValue("lot_ids", str(min(wrong)), f"is no lot of {number} that is still recalled")
            lots = await ledger.lock_lots(tx, lot_ids)
            await ledger.require_lots(tx, actor, lot_ids)
            free = {row["lot_id"] for row in held if not row["elsewhere"]}
            freed = [lot for lot in lots if lot.id in free]
            await ledger.mark_lots(tx, actor, freed, command.status, command.reason, reference=number)
            done = {
                "recall_id": recall_id, "lot_ids": lot_ids, "actor_id": actor.person_id, "reason": command.reason,
            }  # fmt: skip
            await tx.execute(Q["release_recall_lots"], done)
        return await detail(tx, actor, recall_id)

    body = [recall_id, command]
    return await once(
        db, sender=actor.person_id, key=key, command="release_lots", body=body, answer=RecallDetail, act=act
    )


async def close_recall(
    db: Database, actor: Actor, recall_id: int, command: CloseRecall, *, key: str | None = None
) -> Answered[RecallDetail]:
    """The recall is done. Lots that were not released stay blocked.

    Raises:
        Missing: no such recall. RecallClosed: it was closed before. RecallNotDone: some of it is still here.
        OutOfScope: some of it lies at a place that is not the actor's.
    """
    actor.require("lots.recall")

    async def act(tx: Tx) -> RecallDetail:
        head = await _locked(tx, recall_id)
        if head["closed_at"] is not None:
            raise RecallClosed(number=head["number"], closed_at=head["closed_at"])
        left = [lot for lot in (await detail(tx, actor, recall_id)).lots if lot.released_at is None]
        await ledger.require_lots(tx, actor, [lot.lot_id for lot in left])
        on_hand, in_transit = sum((lot.on_hand for lot in left), ZERO), sum((lot.in_transit for lot in left), ZERO)
        if (on_hand or in_transit) and not command.leave_rest:
            raise RecallNotDone(number=head["number"], on_hand=on_hand, in_transit=in_transit)
        done = {"recall_id": recall_id, "actor_id": actor.person_id, "notes": command.notes}
        await tx.execute(Q["close_recall"], done)
        return await detail(tx, actor, recall_id)

    body = [recall_id, command]
    return await once(
        db, sender=actor.person_id, key=key, command="close_recall", body=body, answer=RecallDetail, act=act
    )


async def list_recalls(db: Database, actor: Actor, filters: RecallFilters, page: PageRequest) -> Page[Recall]:
    """Recalls, the newest first."""
    actor.require("stock.read")
    after = page.after(int)
    params = _WHICH | {
        "open": filters.open, "number": filters.number, "after": after[0] if after else None, "limit": page.limit + 1,
    }  # fmt: skip
    async with db.snapshot() as tx:
        found = await tx.rows(Q["recalls"], params, as_=Recall)
    return page_of(found, page, lambda recall: [recall.id])


async def get_recall(db: Database, actor: Actor, recall_id: int) -> RecallDetail:
    """A recall with its lots, and how far it has come. Raises Missing."""
    actor.require("stock.read")
    async with db.snapshot() as tx:
        return await detail(tx, actor, recall_id)


async def detail(tx: Tx, actor: Actor, recall_id: int) -> RecallDetail:
    """The same within another use case."""
    found = await tx.rows(Q["recalls"], {**_WHICH, "recall_id": recall_id, "limit": 1}, as_=Recall)
    if not found:
        raise Missing("recall", recall_id)
    lots = await tx.rows(Q["recall_progress"], {"recall_id": recall_id, "scope": actor.scope_ids}, as_=RecallLot)
    return RecallDetail(**msgspec.structs.asdict(found[0]), lots=lots)


_WHICH: Final[dict[str, Any]] = {"open": None, "number": None, "recall_id": None, "after": None}


async def _fitting(tx: Tx, command: OpenRecall) -> list[dict[str, Any]]:
    variant_ids = None
    if command.sku is not None:
        variant = (await items.resolve_skus(tx, [command.sku])).get(command.sku.upper())
        if variant is None:
            raise Missing("item", command.sku)
        variant_ids = [variant.id]
    since, until = command.received_from, command.received_until
    asked: dict[str, Any] = {
        "lot_ids": None if command.lot_ids is None else sorted(set(command.lot_ids)), "variant_ids": variant_ids,
        "supplier": command.supplier, "supplier_lot": command.supplier_lot, "with_made": command.with_made,
        "since": bounded(since, "received_from") if since else None,
        "until": bounded(until, "received_until") if until else None, "limit": MOST_LOTS + 1,
    }  # fmt: skip
    found = await tx.dicts(Q["lots_to_recall"], asked)
    if unknown := set(asked["lot_ids"] or ()).difference(row["lot_id"] for row in found):
        raise Missing("lot", min(unknown))
    if not found:
        raise NothingToRecall("lot_ids", "", "no lot is what was asked for")
    if len(found) > MOST_LOTS:
        raise InvalidValue("lot_ids", "", f"more than {MOST_LOTS} lots fit; say more about them", limit=MOST_LOTS)
    return found


async def _locked(tx: Tx, recall_id: int) -> dict[str, Any]:
    found = await tx.dicts(Q["lock_recall"], {"recall_id": recall_id})
    if not found:
        raise Missing("recall", recall_id)
    return found[0]
