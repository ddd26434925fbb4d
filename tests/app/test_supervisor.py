"""The supervisor: all parts run, a crashed one comes back, and at the end nothing is left, however it ends."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest

from perpetua.app.supervisor import AddressInUse, Part, require_free, supervise
from perpetua.kit.postgres import Server

PATIENCE_SECONDS = 300


def until(true: Callable[[], Any], what: str) -> Any:
    """Poll until something holds; fails after a generous while, as the machine may be busy."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := true()):
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.02)
    return found


def writing(path: Path, then: str) -> tuple[str, ...]:
    """A part that adds its process id to a file."""
    return (sys.executable, "-c", f"import os, time; open({str(path)!r}, 'a').write(f'{{os.getpid()}}\\n'); {then}")


def pids(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def test_a_crashed_part_comes_back_and_none_is_left(tmp_path: Path) -> None:
    crashing, steady = tmp_path / "crashing", tmp_path / "steady"
    parts = [
        Part("crashing", writing(crashing, "raise SystemExit(3)")),
        Part("steady", writing(steady, "time.sleep(1000)")),
    ]
    stop = threading.Event()
    thread = threading.Thread(target=supervise, args=(parts,), kwargs={"stop": stop})
    thread.start()
    until(lambda: len(pids(crashing)) >= 2 and pids(steady), "the crashed one is back")
    stop.set()
    thread.join()
    assert len(pids(steady)) == 1
    assert not any(psutil.pid_exists(pid) for pid in pids(steady) + pids(crashing))


def test_a_taken_address_is_refused_by_name() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AddressInUse) as refusal:
            require_free("127.0.0.1", port)
        assert f"127.0.0.1:{port}" in refusal.value.detail
    require_free("127.0.0.1", port)


class Up:
    """`perpetua up` as people start it."""

    started: ClassVar[list[subprocess.Popen[bytes]]] = []

    def __init__(self, home: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.home = home
        bind = {"PERPETUA_HOME": str(home), "PERPETUA_BIND": f"127.0.0.1:{self.port}", "PERPETUA_WORKERS": "1"}
        env = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | bind
        command = [sys.executable, "-m", "perpetua.app.cli", "up"]
        self.log = home.parent / "up.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        self.started.append(self.process)

    def ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ready") as answer:
            return json.load(answer)["status"] == "ok"
        return False

    def below(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait()


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    base = Path(tempfile.mkdtemp(prefix="perpetua-up-"))
    base.chmod(0o755)
    try:
        yield base / "home"
    finally:
        for left in Up.started:  # by a test that failed half-way
            left.terminate()
            left.wait()
        Server(base / "home" / "postgres").stop()
        shutil.rmtree(base)


def gone(processes: list[psutil.Process]) -> bool:
    return not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in processes)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_up_answers_and_leaves_nothing(home: Path, how: signal.Signals) -> None:
    up = Up(home)
    until(up.ready, "it is ready")
    started = up.below()
    assert len(started) >= 3
    assert up.end(how) == 0
    assert gone(started)
    assert not Server(home / "postgres").running()


@pytest.mark.slow
def test_up_survives_a_killed_database_and_a_killed_web(home: Path) -> None:
    up = Up(home)
    until(up.ready, "it is ready")
    server = Server(home / "postgres")
    before = server.pid
    assert before
    os.kill(before, signal.SIGKILL)
    until(lambda: server.pid != before and server.running(), "the database is back")
    until(up.ready, "the web has found it")
    web = next(each for each in up.below() if "serve" in each.cmdline())
    web.kill()
    until(lambda: gone([web]), "the web is dead")
    until(up.ready, "the web is back")
    assert up.end(signal.SIGTERM) == 0
    assert not server.running()


@pytest.mark.slow
def test_what_a_killed_up_leaves_ends_itself_and_the_next_works(home: Path) -> None:
    up = Up(home)
    until(up.ready, "it is ready")
    left = [each for each in up.below() if "postgres" not in each.name()]
    up.end(signal.SIGKILL)
    until(lambda: gone(left), "the parts have ended")
    again = Up(home)
    until(again.ready, "the next is ready")
    assert again.end(signal.SIGINT) == 0
    assert not Server(home / "postgres").running()
