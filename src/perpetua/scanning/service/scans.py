"""One scan, or a device's queue of them: kept first, each in the log before anything is made of it; then done."""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from perpetua.access.types import Actor
from perpetua.kit import json
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue, Refusal
from perpetua.kit.idempotency import Answered, KeyReused
from perpetua.scanning import store
from perpetua.scanning.service.acting import act, allowed
from perpetua.scanning.service.understanding import Understood, stock_here, understand
from perpetua.scanning.store import Recorded, Result
from perpetua.scanning.types import BatchAnswer, Scan, ScanAnswer, ScanBatch

__all__ = ["MOST_SCANS", "scan", "scan_batch"]

MOST_SCANS = 500
MAX_KEY = 200


async def scan(db: Database, actor: Actor, command: Scan, *, key: str | None = None) -> Answered[ScanAnswer]:
    """Keep one scan, find what it names, and do what it asks for.

    Raises:
        UnknownCode, NotAnItem, QuantityNeeded, InvalidValue, OutOfScope, and what the ledger refuses; each with
            `scan_id`, as the scan is kept all the same.
        KeyReused: another scan has the key.
    """
    actor.require("stock.scan")
    if key is not None:
        _check_key(key, "Idempotency-Key")
    recorded, replayed = (await _keep(db, actor, [(command, key)]))[0]
    _check_same(command, recorded)
    return await _done(db, actor, command, recorded, replayed)


async def scan_batch(db: Database, actor: Actor, command: ScanBatch) -> list[BatchAnswer]:
    """Keep all scans of a device's queue in one transaction, then do one after the other; each gets its own answer.

    A scan that was done before under its key is not done again. A refused one leaves the others alone.

    Raises:
        InvalidValue: none or more than 500, or two with the same key.
    """
    actor.require("stock.scan")
    if not 1 <= len(command.scans) <= MOST_SCANS:
        raise InvalidValue("scans", str(len(command.scans)), f"send 1 to {MOST_SCANS} scans", limit=MOST_SCANS)
    seen: set[str] = set()
    for place, one in enumerate(command.scans):
        _check_key(one.key, f"scans[{place}].key")
        if one.key in seen:
            raise InvalidValue(f"scans[{place}].key", one.key, "is the key of an earlier scan of the list")
        seen.add(one.key)
    fields = Scan.__struct_fields__
    scans = [(Scan(**{name: getattr(one, name) for name in fields}), one.key) for one in command.scans]
    answers: list[BatchAnswer] = []
    for (one, key), (recorded, replayed) in zip(scans, await _keep(db, actor, scans), strict=True):
        try:
            _check_same(one, recorded)
            done = await _done(db, actor, one, recorded, replayed)
            answers.append(BatchAnswer(key=key, status=201, replayed=done.replayed, answer=done.answer))
        except Refusal as refusal:
            answers.append(BatchAnswer(key=key, status=refusal.status, replayed=replayed, problem=_problem(refusal)))
    return answers


async def _keep(db: Database, actor: Actor, scans: Sequence[tuple[Scan, str | None]]) -> list[tuple[Recorded, bool]]:
    """Each scan's row of the log, and whether it was there before."""
    rows = [(one, key, _asked(one), _digest(one)) for one, key in scans]
    keys = [key for _, key in scans if key is not None]

    async def act(tx: Tx) -> list[tuple[Recorded, bool]]:
        new = await store.record_scans(tx, actor, rows)
        if not keys:
            return [(row, False) for row in new]
        fresh = {row.idempotency_key for row in new}
        known = await store.recorded_scans(tx, actor, keys)
        return [(known[key], key not in fresh) for key in keys]

    return await db.run(act)


async def _done(db: Database, actor: Actor, command: Scan, recorded: Recorded, replayed: bool) -> Answered[ScanAnswer]:
    if recorded.outcome is not None and recorded.answer is not None:
        return Answered(msgspec.convert(recorded.answer, ScanAnswer, strict=False), replayed=True)
    understood: Understood | None = None
    try:
        understood = await understand(db, actor, command, recorded.recorded_at.date())
        answer, result = await _answer(db, actor, command, recorded, understood)
    except Refusal as refusal:
        await _record(db, recorded.id, _refused(refusal, understood))
        refusal.facts["scan_id"] = recorded.id
        raise
    await _record(db, recorded.id, result)
    return Answered(answer, replayed=replayed and recorded.outcome is not None)


async def _answer(
    db: Database, actor: Actor, command: Scan, recorded: Recorded, understood: Understood
) -> tuple[ScanAnswer, Result]:
    outcome, acted, posted = "answered", None, None
    if command.action != "lookup":
        acted = await act(db, actor, command, recorded, understood)
        posted = acted.posted
        outcome = "agreed" if posted is None else "waits" if posted.posting_id is None else "posted"
    answer = ScanAnswer(
        scan_id=recorded.id,
        action=command.action,
        outcome=outcome,
        item=understood.item,
        place=understood.place,
        plate=understood.plate,
        reading=understood.reading,
        goods=understood.goods,
        stock=await stock_here(db, actor, understood),
        can=allowed(actor, understood),
        posted=posted,
        received=acted.received if acted else None,
    )
    result = Result(
        outcome=outcome,
        quantity=acted.quantity if acted else None,
        posting_id=posted.posting_id if posted else None,
        answer=None if outcome == "answered" else answer,
        **_named(understood),
    )
    return answer, result


async def _record(db: Database, scan_id: int, result: Result) -> None:
    await db.run(lambda tx: store.record_result(tx, scan_id, result))


def _named(understood: Understood | None) -> dict[str, Any]:
    if understood is None:
        return {}
    return {
        "variant_id": understood.item.variant_id if understood.item else None,
        "location_id": understood.here.id if understood.here else None,
        "lot": understood.reading.lot,
        "serial": understood.reading.serial,
    }


def _refused(refusal: Refusal, understood: Understood | None) -> Result:
    return Result(outcome="refused", refusal_code=refusal.code, refusal=_problem(refusal), **_named(understood))


def _problem(refusal: Refusal) -> dict[str, Any]:
    said = {"type": f"/problems/{refusal.code}", "title": refusal.title, "status": refusal.status}
    return {**said, "detail": refusal.detail, "code": refusal.code, **json.plain(refusal.facts)}


def _asked(command: Scan) -> dict[str, Any]:
    """What the device asked for beside the code, for the log."""
    asked = json.plain(command)
    return {name: value for name, value in asked.items() if name != "code" and value is not None}


def _digest(command: Scan) -> bytes:
    return hashlib.sha256(json.dumps([command.code.encode("utf-8", "surrogatepass"), _asked(command)])).digest()


def _check_same(command: Scan, recorded: Recorded) -> None:
    if recorded.body_hash != _digest(command):
        raise KeyReused(key=recorded.idempotency_key, command="scan", first_used_at=recorded.recorded_at)


def _check_key(key: str, field: str) -> None:
    if not 0 < len(key) <= MAX_KEY or not key.isprintable():
        raise InvalidValue(field, key, f"must have 1 to {MAX_KEY} printable characters")
