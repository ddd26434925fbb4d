"""Lots are changed: their status, dates and papers. What may be sent of them changes in the same transaction."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from perpetua.access.errors import OutOfScope
from perpetua.access.types import Actor
from perpetua.kit import json
from perpetua.kit.database import Database, Queries, Tx
from perpetua.kit.errors import InvalidValue, Missing, Stale
from perpetua.kit.idempotency import Answered, once
from perpetua.ledger import events, rules, store
from perpetua.ledger.errors import LotRecalled
from perpetua.ledger.service.lot_reading import detail
from perpetua.ledger.types import ChangeLot, LotDetail, LotStatus, SetLotStatus

__all__ = ["KeptLot", "change_lot", "lock_lots", "mark_lots", "require_lots", "set_lot_status", "write_lot"]

Q = Queries(store.__file__, "lots.sql")
_DATES = ("manufactured_on", "expires_on", "best_before_on")


class KeptLot(msgspec.Struct, frozen=True, kw_only=True):
    """A lot as it is kept, under lock."""

    id: int
    number: str
    status: LotStatus
    supplier: str | None
    supplier_lot: str | None
    manufactured_on: Any
    expires_on: Any
    best_before_on: Any
    certificate: str | None
    certificate_type: str | None
    version: int


async def change_lot(
    db: Database, actor: Actor, lot_id: int, command: ChangeLot, *, version: int, key: str | None = None
) -> Answered[LotDetail]:
    """Change a lot's dates, and who made it.

    Raises:
        Missing: there is no such lot. Stale: it was changed since it was read.
        InvalidValue: dates that cannot be. OutOfScope: some of it lies at a place that is not the actor's.
    """
    actor.require("lots.write")
    asked = {name: value for name, value in msgspec.structs.asdict(command).items() if value is not UNSET}
    reason = asked.pop("reason", None)
    if not asked:
        raise InvalidValue("supplier", "", "nothing is given to change")
    for name in _DATES:
        if (day := asked.get(name)) is not None:
            rules.check_day(day, name)
    for name in ("supplier", "supplier_lot"):
        if isinstance(asked.get(name), str):
            asked[name] = asked[name].strip() or None

    async def act(tx: Tx) -> LotDetail:
        async with events.changing_lots(tx, actor, [lot_id], reason or "its dates were changed"):
            before = await _held(tx, actor, lot_id, version)
            after = msgspec.structs.replace(before, **asked)
            rules.check_lot_dates(after.manufactured_on, after.expires_on, after.best_before_on)
            changed = [name for name in asked if getattr(before, name) != getattr(after, name)]
            if changed:
                await write_lot(tx, actor, before, after, changed, "changed", reason)
        return await detail(tx, actor, lot_id)

    body = [lot_id, version, command]
    return await once(
        db, sender=actor.person_id, key=key, command="change_lot", body=body, answer=LotDetail, act=act
    )  # fmt: skip


async def set_lot_status(
    db: Database, actor: Actor, lot_id: int, command: SetLotStatus, *, version: int | None = None,
    key: str | None = None,
) -> Answered[LotDetail]:  # fmt: skip
    """Keep a lot from being sent, or release it; what was promised of it moves to other lots or waits again, and what
    is free goes to whoever waits, in the same transaction.

    Raises:
        Missing: there is no such lot. Stale: it was changed since it was read.
        LotRecalled: it is recalled; its recall releases it.
        OutOfScope: some of it lies at a place that is not the actor's.
    """
    actor.require("lots.write")

    async def act(tx: Tx) -> LotDetail:
        async with events.changing_lots(tx, actor, [lot_id], command.reason):
            before = await _held(tx, actor, lot_id, version)
            if before.status == "recalled":
                raise LotRecalled(lot=before.number, lot_id=lot_id)
            await mark_lots(tx, actor, [before], command.status, command.reason)
        return await detail(tx, actor, lot_id)

    body = [lot_id, version, command]
    return await once(
        db, sender=actor.person_id, key=key, command="set_lot_status", body=body, answer=LotDetail, act=act
    )  # fmt: skip


async def lock_lots(tx: Tx, lot_ids: Sequence[int]) -> list[KeptLot]:
    """The lots by id, locked. To be called within `changing_lots`."""
    return await tx.rows(Q["lock_lots"], {"lot_ids": sorted(set(lot_ids))}, as_=KeptLot)


async def require_lots(tx: Tx, actor: Actor, lot_ids: Sequence[int]) -> None:
    """Raises OutOfScope: some of these lies at a place that is not the actor's, who would decide for others."""
    if actor.scope_ids is None:
        return
    code = await tx.value(Q["lots_elsewhere"], {"lot_ids": list(lot_ids), "scope": actor.scope_ids})
    if code is not None:
        raise OutOfScope(location=code)


async def mark_lots(
    tx: Tx, actor: Actor, lots: Sequence[KeptLot], status: LotStatus, reason: str, *, reference: str | None = None
) -> None:
    """Give lots (locked before, within `changing_lots`) a status, and keep who did it and why; one statement.

    Args:
        reference: the document that it is done for.
    """
    other = [lot for lot in lots if lot.status != status]
    if other:
        await tx.execute(
            Q["mark_lots"],
            {"lot_ids": [lot.id for lot in other], "were": [lot.status for lot in other], "status": status,
             "actor_id": actor.person_id, "reason": reason, "reference": reference},
        )  # fmt: skip


async def write_lot(
    tx: Tx, actor: Actor, before: KeptLot, after: KeptLot, changed: Sequence[str], action: str, reason: str | None
) -> None:
    """Write a lot as it is now, and what of it was changed."""
    await tx.execute(Q["change_lot"], msgspec.structs.asdict(after))
    told = {name: {field: getattr(lot, field) for field in changed} for name, lot in (("b", before), ("a", after))}
    await tx.execute(
        Q["keep_lot_event"],
        {"lot_id": before.id, "actor_id": actor.person_id, "action": action, "reason": reason,
         "before": json.dumps(told["b"]).decode(), "after": json.dumps(told["a"]).decode()},
    )  # fmt: skip


async def _held(tx: Tx, actor: Actor, lot_id: int, version: int | None) -> KeptLot:
    found = await lock_lots(tx, [lot_id])
    if not found:
        raise Missing("lot", lot_id)
    await require_lots(tx, actor, [lot_id])
    if version is not None and version != found[0].version:
        raise Stale(what="lot", key=lot_id, sent=version, current=found[0].version)
    return found[0]
