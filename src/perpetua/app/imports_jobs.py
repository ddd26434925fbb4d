"""Imports that were uploaded, run by the worker.

Always true:
- A job does what its sender might do when it was asked for, and may still do now; the lesser of both.
- A job that is done again goes on where the import stands.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from perpetua.access import service as access
from perpetua.access.types import ROLES, SYSTEM, Actor
from perpetua.app.files import kind_of
from perpetua.kit import imports
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import NotAllowed, Refusal
from perpetua.kit.imports import NotResumable, RunElsewhere
from perpetua.kit.jobs import Blueprint, JobContext, RetryStrategy, database_of, defer

__all__ = ["enqueue", "enqueue_undo", "jobs", "run_import", "run_undo"]

TASK: Final = "imports:run"
UNDO: Final = "imports:undo"
jobs = Blueprint()


@jobs.task(name="run", pass_context=True, retry=RetryStrategy(max_attempts=5, exponential_wait=3))
async def run(context: JobContext, import_id: int) -> None:
    """Run one import to its end."""
    await run_import(database_of(context), import_id)


@jobs.task(name="undo", pass_context=True, retry=RetryStrategy(max_attempts=5, exponential_wait=3))
async def undo(context: JobContext, import_id: int) -> None:
    """Take one import back."""
    await run_undo(database_of(context), import_id)


async def enqueue(tx: Tx, import_id: int) -> None:
    """Have the worker run it, once `tx` is committed."""
    await defer(tx, TASK, import_id=import_id)


async def enqueue_undo(tx: Tx, import_id: int) -> None:
    """Have the worker take it back, once `tx` is committed."""
    await defer(tx, UNDO, import_id=import_id)


async def run_import(db: Database, import_id: int) -> None:
    """Run it; what refuses the import as a whole is kept with it and is no error of the job."""
    known = await imports.get_import(db, import_id)
    try:
        await imports.resume(
            db, await _sender(db, await imports.sender_of(db, import_id)), kind_of(known.kind), import_id
        )
    except (NotResumable, RunElsewhere):
        return
    except NotAllowed as odd:
        await imports.fail(db, import_id, odd.detail)
    except Refusal:
        return


async def run_undo(db: Database, import_id: int) -> None:
    """Undo it; what stands in the way is kept with the import and is no error of the job."""
    known = await imports.get_import(db, import_id)
    if known.state != "undoing":
        return  # done, or refused, by an earlier run of this job
    try:
        actor = await _sender(db, await imports.undo_sender_of(db, import_id))
        await imports.undo(db, actor, kind_of(known.kind), import_id)
    except NotAllowed as odd:
        await imports.fail_undo(db, import_id, odd.detail)
    except Refusal:
        return


async def _sender(db: Database, kept: Mapping[str, Any]) -> Actor:
    sent = msgspec.convert(kept, Actor, strict=False)
    if sent.person_id == SYSTEM.person_id:
        return sent
    person = await access.get_person(db, SYSTEM, sent.person_id)
    if not person.active:
        raise NotAllowed(permission="imports.run", role=person.role)
    scope = sent.scope if person.scope is None else frozenset(person.scope)
    return msgspec.structs.replace(sent, permissions=sent.permissions & ROLES[person.role], scope=scope)
