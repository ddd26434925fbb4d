"""Proof: every projection recomputed from the ledger and compared, every seal from its rows."""

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from time import perf_counter
from typing import Any, Final

import msgspec

from perpetua.access.types import Actor
from perpetua.kit import json
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Statement, Tx
from perpetua.kit.errors import InvalidValue
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.ledger.service.keeping import Q
from perpetua.ledger.types import Finding, IntegrityCheck

__all__ = ["check", "knows_head", "last_check", "list_checks"]

Told = Callable[[str, int, int], None]
SEALS_AT_ONCE: Final = 64

BY_SET: Final = {
    "levels": "each level is the sum of its ledger rows",
    "positions": "each position is the sum of its levels",
    "negative": "no level is below zero where that is not allowed",
    "serials": "each serial is where its rows say, once",
    "transfers": "the two rows of each transfer line add up to nothing",
    "in_transit": "what open transfers have on the way lies in transit",
    "postings": "each posting has rows",
}


async def check(
    db: Database,
    actor: Actor,
    *,
    also: Mapping[str, tuple[str, Statement]] | None = None,
    told: Told | None = None,
    keep: bool = True,
    clock: Clock = system_clock,
) -> IntegrityCheck:
    """Run all checks on one snapshot; each finding names what is wrong, with both figures.

    Args:
        also: what words above the ledger have to prove, by name: what must be true, and what finds where it is not.
        told: called as checks go on: name, done, of how many.
        keep: write the result down (for the dashboard, metrics and alerts).
    """
    actor.require("integrity.run")
    started = clock()
    say = told or _unheard
    findings: list[Finding] = []
    async with db.snapshot() as tx:
        rows: int = await tx.value(Q["count_rows"])
        by_set = {name: (meaning, Q[f"check_{name}"]) for name, meaning in BY_SET.items()} | dict(also or {})
        for number, (name, (meaning, statement)) in enumerate(by_set.items()):
            say(name, number, len(by_set) + 2)
            findings.append(await _timed(name, meaning, lambda statement=statement: tx.dicts(statement)))
        findings.append(
            await _timed("checkpoint", "the latest checkpoint is what its rows add up to", lambda: _checkpoint(tx))
        )
        seals = (await tx.dicts(Q["seal_range"]))[0]
        findings.append(
            await _timed(
                "seals", "each seal is the hash of its rows and of the seal before", lambda: _seals(tx, seals, say)
            )
        )
    done = IntegrityCheck(
        id=0, started_at=started, finished_at=clock(), passed=not any(f.wrong for f in findings), rows=rows,
        head=seals["head"], findings=findings, run_by=actor.person_id,
    )  # fmt: skip
    if not keep:
        return done
    kept: dict[str, Any] = {
        "started_at": started, "passed": done.passed, "rows": rows, "head": done.head, "run_by": actor.person_id,
        "findings": json.dumps(findings).decode(),
    }  # fmt: skip
    number = await db.run(lambda tx: tx.value(Q["keep_check"], kept))
    return msgspec.structs.replace(done, id=number)


async def list_checks(db: Database, actor: Actor, page: PageRequest) -> Page[IntegrityCheck]:
    """Checks that were run, newest first."""
    actor.require("integrity.read")
    after = page.after(int)
    async with db.transaction() as tx:
        rows = await tx.dicts(Q["checks"], {"after": after[0] if after else None, "limit": page.limit + 1})
    found = [msgspec.convert(row, IntegrityCheck, strict=False) for row in rows]
    return page_of(found, page, lambda row: [row.id])


async def knows_head(db: Database, actor: Actor, head: str) -> bool:
    """Whether a seal has this hash (hexadecimal): one that was noted elsewhere must still be in the chain."""
    actor.require("integrity.read")
    if re.fullmatch("[0-9a-fA-F]{64}", head) is None:
        raise InvalidValue("head", head, "is no hash; it has 64 hexadecimal digits")
    async with db.transaction() as tx:
        return await tx.value(Q["knows_head"], {"head": head})


async def last_check(db: Database) -> tuple[bool, datetime] | None:
    """Whether the last check passed, and when it was; None where none was run. For metrics."""
    async with db.transaction() as tx:
        rows = await tx.dicts(Q["last_check"])
    return (rows[0]["passed"], rows[0]["finished_at"]) if rows else None


async def _checkpoint(tx: Tx) -> list[dict[str, Any]]:
    latest = await tx.dicts(Q["latest_checkpoint"])
    return await tx.dicts(Q["check_checkpoint"], latest[0]) if latest else []


async def _seals(tx: Tx, seals: dict[str, Any], say: Told) -> list[dict[str, Any]]:
    wrong: list[dict[str, Any]] = []
    first, last = seals["first_seal"], seals["last_seal"]
    if first is None:
        return wrong
    for start in range(first, last + 1, SEALS_AT_ONCE):
        end = min(start + SEALS_AT_ONCE - 1, last)
        for seal in await tx.dicts(Q["check_seals"], {"first_seal": start, "last_seal": end}):
            if not seal["linked"]:
                wrong.append({"seal_id": seal["seal_id"], "what": "not linked to the seal before"})
            if not seal["whole"]:
                named = await tx.dicts(Q["broken_rows"], {"seal_id": seal["seal_id"]})
                wrong += [{"seal_id": seal["seal_id"], **row} for row in named]
                if not named:
                    wrong.append({"seal_id": seal["seal_id"], "what": "the seal itself was changed"})
        say("seals", end - first + 1, last - first + 1)
    return wrong


async def _timed(name: str, meaning: str, run: Callable[[], Awaitable[list[dict[str, Any]]]]) -> Finding:
    begun = perf_counter()
    wrong = await run()
    return Finding(
        name=name, meaning=meaning, wrong=len(wrong), examples=json.plain(wrong[:20]),
        milliseconds=round((perf_counter() - begun) * 1000),
    )  # fmt: skip


def _unheard(_name: str, _done: int, _of: int) -> None:
    """Nobody listens."""
