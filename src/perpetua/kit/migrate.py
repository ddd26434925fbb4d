"""Bring a database's schema up to what this version of the code needs.

Always true:
- Revisions form one line; each runs in its own transaction; two that start at once wait for each other.
- A schema that is newer than this code is refused, not used.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from perpetua.kit.errors import Conflict

if TYPE_CHECKING:
    import sqlalchemy as sa
    from alembic.config import Config

__all__ = ["SchemaIsNewer", "current", "ensure", "head", "upgrade"]

_LOCK = 0x70657270  # "perp"


class SchemaIsNewer(Conflict):
    """A later version of the program migrated this database. Facts: schema, needed."""

    status = 503
    code = "schema_is_newer"
    title = "The database belongs to a newer version"
    sentence = "Its schema is at {schema}; this version knows up to {needed}."
    remedy = "Run the newer version, or restore a backup from before."


def ensure(url: str, *, say: Callable[[str], None]) -> None:
    """Run the revisions that are missing, and say so; nothing where the schema is right.

    Raises:
        SchemaIsNewer: the database is ahead of this code.
    """
    there = current(url)
    if there == head():
        return
    if there is not None and there not in _revisions():
        raise SchemaIsNewer(schema=there, needed=head())
    say("Bringing the schema up to date …")
    upgrade(url)


def upgrade(url: str, to: str = "head") -> None:
    """Run the revisions that are missing, as the owner of the schema."""
    # Imported here: most starts find the schema right, and Alembic takes longer to load than to ask.
    import sqlalchemy as sa
    from alembic import command

    with _engine(url).connect() as connection:
        # Held by the session, so that it spans the revisions' own transactions.
        connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        connection.commit()
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, to)
        connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
        connection.commit()


def current(url: str) -> str | None:
    """The revision that the database is at; None where it was never migrated."""
    with psycopg.connect(url, autocommit=True) as connection:
        if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None


def head() -> str | None:
    """The revision that this code needs."""
    revisions = _revisions()
    before = {down for down in revisions.values() if down}
    return next((name for name in revisions if name not in before), None)


@lru_cache(maxsize=1)
def _revisions() -> dict[str, str | None]:
    """Each revision and the one before it, as their files say."""
    found: dict[str, str | None] = {}
    for path in sorted((_scripts() / "versions").glob("*.py")):
        said = dict(re.findall(r'^(revision|down_revision)\b.*?= *(?:"(\w+)"|None)$', path.read_text(), re.MULTILINE))
        found[said["revision"]] = said.get("down_revision") or None
    return found


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_scripts()))
    return config


def _scripts() -> Path:
    here = Path(__file__).resolve()
    shipped = here.parents[1] / "_migrations"
    return shipped if shipped.exists() else here.parents[3] / "migrations"


def _engine(url: str) -> "sa.Engine":
    import sqlalchemy as sa

    return sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=sa.pool.NullPool)
