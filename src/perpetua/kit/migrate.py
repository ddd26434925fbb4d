"""Bring a database's schema up to what this version of the code needs.

Always true: revisions form one line; each runs in its own transaction; two that start at once wait for each other.
"""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

__all__ = ["current", "ensure", "head", "upgrade"]

_LOCK = 0x70657270  # "perp"


def upgrade(url: str, to: str = "head") -> None:
    """Run the revisions that are missing, as the owner of the schema."""
    with _engine(url).connect() as connection:
        # Held by the session, so that it spans the revisions' own transactions.
        connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        connection.commit()
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, to)
        connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
        connection.commit()


def ensure(url: str, *, say: Callable[[str], None]) -> None:
    """Run the revisions that are missing, and say so; nothing where the schema is right."""
    if current(url) != head():
        say("Bringing the schema up to date …")
        upgrade(url)


def current(url: str) -> str | None:
    """The revision that the database is at; None where it was never migrated."""
    with _engine(url).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


@lru_cache(maxsize=1)
def head() -> str | None:
    """The revision that this code needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_scripts()))
    return config


def _scripts() -> Path:
    here = Path(__file__).resolve()
    shipped = here.parents[1] / "_migrations"
    return shipped if shipped.exists() else here.parents[3] / "migrations"


def _engine(url: str) -> sa.Engine:
    return sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=sa.pool.NullPool)
