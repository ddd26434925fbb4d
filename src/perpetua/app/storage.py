"""Which database this installation uses, ready to be used."""

import contextlib
from collections.abc import Callable, Generator
from typing import Final

import msgspec
import psycopg
from psycopg.rows import dict_row

from perpetua.app.settings import Settings
from perpetua.kit import migrate
from perpetua.kit.errors import Refusal
from perpetua.kit.postgres import Server

__all__ = ["DatabaseNotReady", "Inspection", "inspect", "server", "url"]

DATABASE: Final = "perpetua"
OLDEST: Final = 15

INSPECT: Final = """
SELECT current_setting('server_version') AS server_version,
       current_setting('server_version_num')::int / 10000 AS major,
       current_user::text AS signed_in_as,
       current_database()::text AS database,
       pg_database_size(current_database()) AS size_bytes,
       getdatabaseencoding()::text AS encoding,
       has_database_privilege(current_database(), 'CREATE') AND has_schema_privilege('public', 'CREATE') AS may_create,
       me.rolsuper OR me.rolcreaterole OR app.oid IS NOT NULL AS has_role,
       app.oid IS NULL OR me.rolsuper OR pg_has_role(me.oid, app.oid, 'MEMBER') AS may_become_role,
       app.oid IS NOT NULL AND NOT app.rolsuper AND pg_has_role(me.oid, app.oid, 'MEMBER') AND NOT EXISTS (
         SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
         WHERE c.relkind IN ('r', 'p') AND pg_has_role(app.oid, c.relowner, 'MEMBER')) AS role_separation
FROM pg_roles me LEFT JOIN pg_roles app ON app.rolname = %(role)s
WHERE me.rolname = current_user
"""


class DatabaseNotReady(Refusal):
    """The database can not be used as it is. Facts: missing, and the statements that give it."""

    status = 503
    code = "database_not_ready"
    title = "The database can not be used yet"
    sentence = "Missing: {missing}."
    remedy = "As a superuser: {statements}"


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """What a database is, and what its user may do there."""

    server_version: str
    major: int
    signed_in_as: str
    database: str
    size_bytes: int
    encoding: str
    may_create: bool
    has_role: bool
    may_become_role: bool
    role_separation: bool
    """Requests run as a role that owns nothing, so that nothing they do can rewrite the ledger."""

    def obstacles(self) -> dict[str, str]:
        """What is missing, and the statement that gives it."""
        from perpetua.kit.database import APP_ROLE  # loads SQLAlchemy, which most starts don't need here

        name, who = f'"{self.database}"', f'"{self.signed_in_as}"'
        found: dict[str, str] = {}
        if self.major < OLDEST:
            found[f"PostgreSQL {OLDEST} or newer (this is {self.server_version})"] = "upgrade the server;"
        if self.encoding != "UTF8":
            found[f"the encoding UTF8 (this is {self.encoding})"] = (
                f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0;"
            )
        if not self.may_create:
            found["the right to create"] = (
                f"GRANT CREATE ON DATABASE {name} TO {who}; GRANT CREATE ON SCHEMA public TO {who};"
            )
        if not self.has_role:
            found[f"the role {APP_ROLE}"] = f"CREATE ROLE {APP_ROLE} NOLOGIN; GRANT {APP_ROLE} TO {who};"
        elif not self.may_become_role:
            found[f"membership in the role {APP_ROLE}"] = f"GRANT {APP_ROLE} TO {who};"
        return found

    def require(self) -> None:
        """Raises DatabaseNotReady: something is missing."""
        if found := self.obstacles():
            raise DatabaseNotReady(missing=", ".join(found), statements=" ".join(found.values()))


def _silent(_: str) -> None:
    return None


@contextlib.contextmanager
def url(settings: Settings, *, say: Callable[[str], None] = _silent, migrated: bool = True) -> Generator[str]:
    """Address of the database at the revision that this code needs, as its owner.

    The embedded server runs at the least as long as the block.

    Args:
        settings: name the database.
        say: told what takes long.
        migrated: False leaves the schema as it is.

    Raises:
        Refusal: no usable PostgreSQL, rights that are missing, or a schema that is newer than this code.
    """
    with contextlib.ExitStack() as stack:
        if settings.database_url:
            address = settings.database_url
        else:
            address = stack.enter_context(server(settings).using(say=say)).ensure_database(DATABASE)
        if migrated and migrate.current(address) != migrate.head():
            inspect(address).require()
            migrate.ensure(address, say=say)
        yield address


def server(settings: Settings) -> Server:
    """The embedded server of this installation (which may be stopped)."""
    return Server(settings.home / "postgres")


def inspect(address: str) -> Inspection:
    """Look at the database."""
    from perpetua.kit.database import APP_ROLE

    with psycopg.connect(address, autocommit=True) as connection, connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(INSPECT, {"role": APP_ROLE}).fetchone()
    return msgspec.convert(row, Inspection)
