"""Whether this process lives, and whether it can work.

Always true: `/health` asks nothing of the database; `/ready` is 200 only when the database answers with the schema that
this code needs.
"""

import asyncio

import msgspec
import psycopg
from litestar import get

from perpetua.app.problems import Unavailable
from perpetua.kit import migrate
from perpetua.kit.database import Database, sql

__all__ = ["Health", "Readiness", "health", "ready"]

PATIENCE_SECONDS = 3


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The process lives."""

    status: str


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """The process can work: the database answers, with this schema."""

    status: str
    schema: str


@get("/health", tags=["operation"], security=[], summary="Does the process live?")
async def health() -> Health:
    """Answers as long as the process lives; asks nothing of the database."""
    return Health(status="ok")


@get("/ready", tags=["operation"], security=[], summary="Can it work?")
async def ready(db: Database) -> Readiness:
    """Answers 200 when the database answers with the schema that this version needs, 503 otherwise."""
    needed = migrate.head()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), db.transaction() as tx:
            there: list[str] = await tx.values(sql("SELECT version_num FROM alembic_version"))
    except TimeoutError:
        raise Unavailable(reason="The database does not answer in time.", retry_after_seconds=5) from None
    except psycopg.errors.UndefinedTable:
        there = []
    if there != [needed]:
        raise Unavailable(
            reason="The database's schema is not the one that this version needs; run `perpetua db migrate`.",
            retry_after_seconds=30,
            schema=there[0] if there else None,
            needed=needed,
        )
    return Readiness(status="ok", schema=there[0])
