"""Imports that were uploaded, run by the worker.

Always true:
- A job does what its sender might do when the import was sent, and may still do now; the lesser of both.
- A job that is done again goes on where the import stands.
"""

from typing import Final

import msgspec

from perpetua.access import service as access
from perpetua.access.types import ROLES, SYSTEM, Actor
from perpetua.app.files import kind_of
from perpetua.kit import imports
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import NotAllowed, Refusal
from perpetua.kit.imports import NotResumable, RunElsewhere
from perpetua.kit.jobs import Blueprint, JobContext, RetryStrategy, database_of, defer

__all__ = ["enqueue", "jobs", "run_import"]

TASK: Final = "imports:run"
jobs = Blueprint()


@jobs.task(name="run", pass_context=True, retry=RetryStrategy(max_attempts=5, exponential_wait=3))
async def run(context: JobContext, import_id: int) -> None:
    """Run one import to its end."""
    await run_import(database_of(context), import_id)


async def enqueue(tx: Tx, import_id: int) -> None:
    """Have the worker run it, once `tx` is committed."""
    await defer(tx, TASK, import_id=import_id)


async def run_import(db: Database, import_id: int) -> None:
    """Run it; what refuses the import as a whole is kept with it and is no error of the job."""
    known = await imports.get_import(db, import_id)
    try:
        await imports.resume(db, await _sender(db, import_id), kind_of(known.kind), import_id)
    except (NotResumable, RunElsewhere):
        return
    except NotAllowed as odd:
        await imports.fail(db, import_id, odd.detail)
    except Refusal:
        return


async def _sender(db: Database, import_id: int) -> Actor:
    sent = msgspec.convert(await imports.sender_of(db, import_id), Actor, strict=False)
    if sent.person_id == SYSTEM.person_id:
        return sent
    person = await access.get_person(db, SYSTEM, sent.person_id)
    if not person.active:
        raise NotAllowed(permission="imports.run", role=person.role)
    scope = sent.scope if person.scope is None else frozenset(person.scope)
    return msgspec.structs.replace(sent, permissions=sent.permissions & ROLES[person.role], scope=scope)
