"""The embedded PostgreSQL server: started by its first user, stopped by its last.

Always true:
- It listens on a unix socket in a private folder and on no network.
- Start and stop take turns under a file lock. Every user holds a shared lock for as long as it uses the server, so a
  killed user counts no longer, and the last to leave stops it.
- A server whose users were all killed is found and used again; a crashed one is started again and recovers.
- `postmaster.pid` is PostgreSQL's own: read here, never deleted.
- Starting has no time limit, as the recovery of a large database takes its time; whoever waits is told.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import IO, Any, Final, Literal

import psycopg
from psycopg import errors as pg
from psycopg import sql

from perpetua.kit.errors import Conflict
from perpetua.kit.postgres_place import (
    Binaries,
    PostgresFailed,
    PostgresMissing,
    User,
    find_binaries,
    find_program,
    own_folder,
    reachable_binaries,
    reachable_folder,
    server_user,
    socket_folder,
)

__all__ = ["Binaries", "PostgresFailed", "PostgresMissing", "Server", "ServerInUse", "find_binaries", "find_program"]

OWNER: Final = "perpetua"
PORT: Final = 5432
POLL_SECONDS: Final = 0.02
PATIENCE_SECONDS: Final = 3.0
"""After this long without a word, whoever waits is told what for."""
RETRY_SECONDS: Final = 60.0
"""How long a crashed server's children may take to end before the next start gives up."""

Say = Callable[[str], None]


class ServerInUse(Conflict):
    """Others use the server. Facts: folder."""

    code = "server_in_use"
    sentence = "The database in {folder} is in use."
    remedy = "Stop the other commands first, or give --force."


def _silent(_: str) -> None:
    return None


class Server:
    """One server over one folder.

    Args:
        home: folder of the server's files and locks; made when absent.
        binaries: programs to use; by default those that fit the data, else the best on the machine.
        settings: run-time parameters beside `TUNING`.
    """

    def __init__(self, home: Path, binaries: Binaries | None = None, settings: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.settings = dict(settings or {})
        self._wanted = binaries
        self._placed: _Place | None = None

    @contextlib.contextmanager
    def using(self, *, say: Say = _silent) -> "Generator[Server]":
        """The server runs at the least as long as the block; the last user that leaves stops it.

        Raises:
            PostgresFailed, PostgresMissing: it can not be started.
        """
        users = self._enter(say)
        try:
            yield self
        finally:
            with self._turn(say):
                self._leave(users)

    def start(self, say: Say = _silent, /, **settings: str) -> None:
        """Start it where it does not run, to stay until `stop`; returns when it answers."""
        self.settings |= settings
        with self._turn(say):
            (self.home / "keep").touch()
            self._run(say)

    def revive(self, *, say: Say = _silent) -> bool:
        """Start it again if it has died under its users; whether it had."""
        if self._probe() != "absent":
            return False
        with self._turn(say):
            dead = self._probe() == "absent"
            self._run(say)
        return dead

    def stop(self, *, force: bool = True, say: Say = _silent) -> bool:
        """Stop it now, cleanly; whether it ran.

        Raises:
            ServerInUse: others use it, and not `force`.
        """
        with self._turn(say):
            if not force and not self._alone():
                raise ServerInUse(folder=str(self.home))
            (self.home / "keep").unlink(missing_ok=True)
            return self._stop(say)

    def running(self) -> bool:
        """Whether it answers."""
        return self._probe() == "ready"

    @property
    def url(self) -> str:
        """Address of the maintenance database, as the owner."""
        return self.database_url("postgres")

    def database_url(self, name: str) -> str:
        """Address of the database `name`, as the owner."""
        return f"postgresql://{OWNER}@/{name}?host={self.place.socket}&port={PORT}"

    def ensure_database(self, name: str) -> str:
        """Make the database `name` where it is absent; its address."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount:
                with contextlib.suppress(pg.DuplicateDatabase, pg.UniqueViolation):  # another made it meanwhile
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.database_url(name)

    @property
    def pid(self) -> int | None:
        """The process id that the data folder names; it may be dead."""
        try:
            return int((self.place.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None

    @property
    def place(self) -> "_Place":
        """Where it lies and as whom it runs; decided at the first use."""
        if self._placed is None:
            self.home.mkdir(mode=0o711, parents=True, exist_ok=True)
            self._placed = _Place.decide(self.home)
        return self._placed

    @property
    def binaries(self) -> Binaries:
        """The programs that serve the data."""
        if self._wanted is None:
            version = self.place.data / "PG_VERSION"
            self._wanted = find_binaries(major=int(version.read_text()) if version.exists() else None)
        return reachable_binaries(self._wanted, self.place.user)

    # Who uses it

    @contextlib.contextmanager
    def _turn(self, say: Say) -> Generator[None]:
        self.home.mkdir(mode=0o711, parents=True, exist_ok=True)
        with (self.home / "turn.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("Waiting for another command that starts or stops the database …")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _enter(self, say: Say) -> IO[str]:
        with self._turn(say):
            users = (self.home / "users.lock").open("w")
            fcntl.flock(users, fcntl.LOCK_SH)
            try:
                self._run(say)
            except BaseException:
                self._leave(users)
                raise
            return users

    def _leave(self, users: IO[str]) -> None:
        users.close()
        if self._alone() and not (self.home / "keep").exists():
            self._stop(_silent)

    def _alone(self) -> bool:
        with (self.home / "users.lock").open("w") as users:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

    # Starting and stopping, under the lock

    def _run(self, say: Say) -> None:
        began: float | None = None
        told = 0
        child: subprocess.Popen[bytes] | None = None
        while (state := self._probe()) != "ready":
            waited = time.monotonic() - began if began else 0.0
            if child and child.poll() is not None:
                self._judge(waited)
                child = None
                time.sleep(0.25)
            if child is None and state == "absent":
                child = self._launch(say)
            began = began or time.monotonic()
            if waited > PATIENCE_SECONDS * 2**told:
                say(f"Waiting for the database ({waited:.0f} s); it recovers from a crash or is under load …")
                told += 1
            time.sleep(POLL_SECONDS)

    def _judge(self, waited: float) -> None:
        """A server that has just ended: is it worth another try?"""
        said = self._log_tail()
        # A killed server's children keep its memory for a moment; one that is going down keeps its pid file.
        passing = "shared memory block" in said or "postmaster.pid" in said or "shutting down" in said
        if not passing or waited > RETRY_SECONDS:
            last = next((line for line in reversed(said.splitlines()) if "FATAL" in line or "PANIC" in line), said)
            raise PostgresFailed(
                reason=last.strip()[-300:] or "it ended without a word", log=str(self.place.log), folder=str(self.home)
            )

    def _launch(self, say: Say) -> "subprocess.Popen[bytes]":
        place, programs = self.place, self.binaries
        own_folder(place.cluster, place.user)
        own_folder(place.log, place.user)
        if not (place.data / "PG_VERSION").exists():
            say("Making the database's files …")
            self._initialise(programs)
        socket = socket_folder(place.cluster, place.user, PORT)
        given = {**tuning(), "unix_socket_directories": str(socket), "log_directory": str(place.log), **self.settings}
        command = [str(programs.folder / "postgres"), "-D", str(place.data)]
        for name, value in given.items():
            command += ["-c", f"{name}={value}"]
        with (self.home / "start.log").open("wb") as log:
            # A session of its own: Ctrl-C at our terminal must reach us alone, who then stop it in order.
            child = subprocess.Popen[bytes](
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **place.launch
            )
        # Reaped at once when it dies: to the next start a dead but unreaped server looks alive.
        threading.Thread(target=child.wait, name="postgres-reaper", daemon=True).start()
        return child

    def _initialise(self, programs: Binaries) -> None:
        place = self.place
        fresh = place.cluster / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)  # of a start that was killed half-way
        command = [str(programs.folder / "initdb"), "-D", str(fresh), "-U", OWNER, "-A", "trust"]
        command += ["--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums", "--no-instructions"]
        if programs.major >= 17:
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if self.settings.get("fsync") == "off":
            command += ["--no-sync"]
        done = subprocess.run(  # noqa: S603
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **place.launch
        )
        if done.returncode:
            raise PostgresFailed(reason=done.stderr.strip()[-500:] or "initdb failed", folder=str(place.cluster))
        fresh.rename(place.data)

    def _stop(self, say: Say) -> bool:
        pid = self.pid
        if pid is None or self._probe() == "absent":
            return False
        os.kill(pid, signal.SIGINT)  # PostgreSQL's "fast": roll back, write out, end
        began = time.monotonic()
        told = False
        while self.pid == pid and _alive(pid):
            if not told and time.monotonic() - began > PATIENCE_SECONDS:
                say("The database is writing its last pages …")
                told = True
            time.sleep(POLL_SECONDS)
        return True

    def _probe(self) -> Literal["ready", "starting", "absent"]:
        if self.pid is None:
            return "absent"
        try:
            psycopg.connect(self.url, connect_timeout=10).close()
        except (pg.CannotConnectNow, pg.ConnectionTimeout):
            return "starting"
        except psycopg.OperationalError as error:
            text = str(error)
            if "too many" in text or "reserved for" in text:
                return "ready"
            return "starting" if "starting up" in text or "recovery" in text or "shutting down" in text else "absent"
        return "ready"

    def _log_tail(self) -> str:
        newest = max(self.place.log.glob("*.log"), key=lambda file: file.stat().st_mtime, default=None)
        parts = [file.read_text(errors="replace")[-2000:] for file in (newest, self.home / "start.log") if file]
        return "\n".join(parts)


class _Place:
    """Where one server's files lie, and as whom it runs."""

    def __init__(self, cluster: Path, user: User | None) -> None:
        self.cluster = cluster
        self.user = user
        self.data = cluster / "data"
        self.log = cluster / "log"

    @classmethod
    def decide(cls, home: Path) -> "_Place":
        user = server_user(home / "cluster")
        cluster = reachable_folder(home / "cluster", user)
        return cls(cluster, server_user(cluster))

    @property
    def socket(self) -> Path:
        if not self.cluster.exists():
            own_folder(self.cluster, self.user)
        return socket_folder(self.cluster, self.user, PORT)

    @property
    def launch(self) -> dict[str, Any]:
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
        who: dict[str, Any] = self.user.launch if self.user else {}
        return {"cwd": "/", "env": environment, "umask": 0o077, **who}


def tuning() -> dict[str, str]:
    """Run-time parameters for a server that shares its machine with the web and the worker."""
    megabytes = _memory_bytes() // 2**20
    return {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "shared_buffers": f"{min(max(megabytes // 8, 64), 4096)}MB",
        "effective_cache_size": f"{max(megabytes // 2, 256)}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": f"{min(max(megabytes // 32, 64), 512)}MB",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        "synchronous_commit": "on",
        "max_locks_per_transaction": "256",  # a partition a month: a report touches many tables
        "random_page_cost": "1.1",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
        "logging_collector": "on",
        "log_filename": "postgresql-%a.log",
        "log_truncate_on_rotation": "on",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        # A row's values are no matter for a log: neither in statements nor in an error's detail.
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
    }


def _memory_bytes() -> int:
    """What this machine, or the container we are in, has."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(physical, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):
        return physical


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
