"""`perpetua serve` in processes of its own, to be killed; and PostgreSQL, to be killed."""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psycopg

from perpetua.app.settings import SUPERVISED
from perpetua.kit.errors import Conflict
from perpetua.kit.postgres import Server

__all__ = ["CannotCrash", "DatabaseCrasher", "Web", "settings_of"]

PATIENCE_SECONDS = 180


class CannotCrash(Conflict):
    """PostgreSQL cannot be killed from here. Facts: reason."""

    code = "cannot_crash_database"
    title = "PostgreSQL cannot be killed from here"
    sentence = "{reason}"
    remedy = "Leave --crash-database out, or run it where the server runs, as the server's user or root."


def settings_of(url: str, home: Path) -> dict[str, str]:
    """The surroundings of the servers: the scratch database, a folder and a secret of their own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PERPETUA_")}
    return {
        **kept, "DATABASE_URL": url, "PERPETUA_HOME": str(home), "PERPETUA_SECRET": secrets.token_hex(32),
        "PERPETUA_WORKERS": "1", "PERPETUA_LOG_LEVEL": "warning", SUPERVISED: "1",
    }  # fmt: skip


class Web:
    """One `perpetua serve`; it leads a process group of its own, which is killed as a whole."""

    def __init__(self, name: str, environment: Mapping[str, str], home: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.log = home / f"{name}.log"
        self._environment = {**environment, "PERPETUA_BIND": f"127.0.0.1:{self.port}"}
        self._process: subprocess.Popen[bytes] | None = None
        self.up = asyncio.Event()
        """Set while it answers that it can work, as far as is known."""

    def start(self) -> None:
        """Begin; `wait` tells when it answers."""
        command = [sys.executable, "-m", "perpetua.app.cli", "serve"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        """kill -9, all of it at once; nothing of it runs any more on return."""
        self.up.clear()
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    async def wait(self) -> None:
        """Until it answers that it can work.

        Raises:
            RuntimeError: it ended by itself, or never did.
        """
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await self._ready():
                if self._process and self._process.poll() is not None:
                    raise RuntimeError(f"a server ended by itself:\n{self.log.read_text()[-2000:]}")
                await asyncio.sleep(0.05)
        self.up.set()

    async def _ready(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        try:
            writer.write(b"GET /ready HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            async with asyncio.timeout(10):
                return (await reader.readline()).startswith(b"HTTP/1.1 200")
        except (OSError, TimeoutError):
            return False
        finally:
            writer.close()


class DatabaseCrasher:
    """Kills PostgreSQL with -9 and sees it back.

    Args:
        url: the scratch database.
        server: the embedded server, if that is what serves it.
    """

    def __init__(self, url: str, server: Server | None) -> None:
        self._url = url
        self._server = server

    def others(self) -> int:
        """How many others are connected to the server, whom a crash would disturb."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
                " AND datname NOT IN (current_database(), 'postgres')"
            ).fetchone()
        return int(row[0]) if row else 0

    def crash(self) -> None:
        """Kill it: the embedded server whole; of any other one backend, on which PostgreSQL ends all and recovers.

        Raises:
            CannotCrash: it does not run here, or not as somebody we may kill.
        """
        with psycopg.connect(self._url, autocommit=True) as connection:
            if self._server is not None and self._server.pid is not None:
                found = connection.execute("SELECT pid FROM pg_stat_activity").fetchall()
                os.kill(self._server.pid, signal.SIGKILL)
                for (pid,) in found:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                return
            pid = connection.info.backend_pid
            # Its title names the database, which no other process of this machine can.
            title = Path(f"/proc/{pid}/cmdline")
            if not title.exists() or connection.info.dbname not in title.read_text(errors="replace"):
                raise CannotCrash(reason="The server does not run on this machine.")
            try:
                os.kill(pid, signal.SIGKILL)
            except PermissionError:
                raise CannotCrash(reason=f"Process {pid} of PostgreSQL belongs to another user.") from None

    async def wait(self) -> None:
        """Until it answers again."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                if self._server is not None:
                    await asyncio.to_thread(self._server.revive)
                with contextlib.suppress(psycopg.OperationalError):
                    await (await psycopg.AsyncConnection.connect(self._url, connect_timeout=10)).close()
                    return
                await asyncio.sleep(0.05)
