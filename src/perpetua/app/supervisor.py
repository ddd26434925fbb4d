"""Keeps the parts running as one: starts them, starts a crashed one again, ends them all together.

Always true:
- At the end no part is left: each is asked, waited for, and killed when it does not go.
- A part that crashes is started again, later each time it crashes at once, never faster than it can fail.
- A part whose supervisor was killed ends itself.
"""

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from types import FrameType
from typing import Final

import msgspec
import structlog

from perpetua.kit.errors import Conflict

__all__ = ["AddressInUse", "Part", "end_with_parent", "require_free", "supervise", "terminable"]

FIRST_DELAY_SECONDS: Final = 0.5
LONGEST_DELAY_SECONDS: Final = 30.0
HEALTHY_AFTER_SECONDS: Final = 60.0
GRACE_SECONDS: Final = 25.0
LOOK_SECONDS: Final = 0.2
GROUP_SECONDS: Final = 5.0
ORPHAN_GRACE_SECONDS: Final = 15.0

log = structlog.get_logger("perpetua.supervisor")


class AddressInUse(Conflict):
    """Something listens there already. Facts: address."""

    code = "address_in_use"
    title = "The address is taken"
    sentence = "Something listens at {address} already."
    remedy = "Stop it, or choose another: PERPETUA_BIND=127.0.0.1:8421."


class Part(msgspec.Struct, frozen=True):
    """One program to keep running."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = {}


class _Kept:
    """A part, its process and its past crashes."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.delay = FIRST_DELAY_SECONDS
        self.due = 0.0
        self.process: subprocess.Popen[bytes] | None = None
        self.began = 0.0

    def look(self, now: float) -> None:
        if self.process and (code := self.process.poll()) is not None:
            if now - self.began > HEALTHY_AFTER_SECONDS:
                self.delay = FIRST_DELAY_SECONDS
            log.error("part_ended", part=self.part.name, code=code, again_in_seconds=self.delay)
            _end_group(self.process.pid)
            self.process = None
            self.due = now + self.delay
            self.delay = min(self.delay * 2, LONGEST_DELAY_SECONDS)
        if self.process is None and now >= self.due:
            self.began = now
            # A session of its own: Ctrl-C reaches the supervisor alone, who ends all in order.
            self.process = subprocess.Popen(  # noqa: S603
                self.part.command, env={**os.environ, **self.part.environment}, start_new_session=True
            )
            log.info("part_started", part=self.part.name, pid=self.process.pid)


def supervise(parts: Sequence[Part], *, tend: Callable[[], object] = lambda: None, stop: threading.Event) -> None:
    """Keep the parts running until `stop` is set; none is left when this returns.

    Args:
        parts: what to run.
        tend: called each second or so, e.g. to revive the database; what it raises is logged.
        stop: set by a signal (`terminable`).
    """
    kept = [_Kept(part) for part in parts]
    tended = time.monotonic()
    try:
        while not stop.is_set():
            now = time.monotonic()
            if now - tended > 1:
                tended = now
                try:
                    tend()
                except Exception:
                    log.exception("tending_failed")
            for each in kept:
                each.look(now)
            stop.wait(LOOK_SECONDS)
    finally:
        _end([each.process for each in kept if each.process])


@contextlib.contextmanager
def terminable() -> Generator[threading.Event]:
    """An event that SIGINT or SIGTERM sets, as long as the block runs."""
    stop = threading.Event()

    def note(_: int, __: FrameType | None) -> None:
        stop.set()

    before = {each: signal.signal(each, note) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def end_with_parent() -> None:
    """End this process when the one that started it is gone; call it early in the process."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(ORPHAN_GRACE_SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


def require_free(host: str, port: int) -> None:
    """Raises AddressInUse: something listens at that address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise AddressInUse(address=f"{host}:{port}", reason=error.strerror) from None


def _end(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.error("part_killed", pid=process.pid)
            process.kill()
            process.wait()
        _end_group(process.pid)


def _end_group(leader: int) -> None:
    """Kill what a part has started and left behind; each part leads a group of its own."""
    deadline = time.monotonic() + GROUP_SECONDS
    with contextlib.suppress(ProcessLookupError, PermissionError):
        while time.monotonic() < deadline:
            os.killpg(leader, signal.SIGKILL)
            time.sleep(0.01)
