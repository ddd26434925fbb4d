"""The processes that do the typesetting, as their owner sees them: one a thread, begun when first needed.

Always true: whatever a template does, its process ends in time, and the next paper gets a fresh one.
"""

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
from typing import Final, Literal

import msgspec

__all__ = ["Job", "Made", "processes", "receive", "send", "typeset", "use_fonts"]

CONTENT_BYTES: Final = 512 * 1024 * 1024
TOO_MUCH: Final = "it needs too much memory"
_PATIENCE: Final = 4
"""By the clock a paper may take so many times the seconds that it may work."""
_SPARE_SECONDS: Final = 5
_LENGTH: Final = 8
_threads = threading.local()
_alive: "set[_Process]" = set()
_more_fonts: list[str] = []


class Job(msgspec.Struct, frozen=True):
    """What to make. `timestamp`: seconds since 1970, the document's date. `seconds`: of work that it may take."""

    template: str
    data: str
    form: Literal["pdf", "png", "svg"]
    dpi: float
    timestamp: int
    seconds: float


class Made(msgspec.Struct, frozen=True):
    """What was made: one PDF, or a picture a page; or what is wrong with the template."""

    pages: list[bytes] = []
    fault: str | None = None
    line: int | None = None
    last: bool = False
    """The process ends after this one: what it remembers of papers has grown too large."""


def use_fonts(folder: str | None) -> None:
    """Processes begun from now on also have the fonts of this folder, for letters that ours don't have."""
    _more_fonts[:] = [folder] if folder else []


def typeset(job: Job) -> Made:
    """Have this thread's process do the job, in so many seconds or not at all."""
    process: _Process | None = getattr(_threads, "process", None)
    fresh = process is None or process.ended
    if process is None or fresh:
        process = _threads.process = _Process()
    made = process.do(job)
    if process.ended:
        _threads.process = None
        if made.fault == TOO_MUCH and not fresh:
            return typeset(job)  # what it still held of other papers may have been too much
    return made


def send(file: int, content: bytes) -> None:
    """Write a message: its length, then itself."""
    left = memoryview(len(content).to_bytes(_LENGTH, "big") + content)
    while left:
        left = left[os.write(file, left) :]


def receive(file: int) -> bytes | None:
    """Read a message; None when the other side is gone."""
    head = _exactly(file, _LENGTH)
    return None if head is None else _exactly(file, min(int.from_bytes(head, "big"), CONTENT_BYTES))


def _exactly(file: int, length: int) -> bytes | None:
    read = bytearray()
    while len(read) < length:
        piece = os.read(file, min(length - len(read), 1 << 20))
        if not piece:
            return None
        read += piece
    return bytes(read)


class _Process:
    """A process that waits for jobs on its standard input. It needs nothing of ours: no environment, no folder."""

    def __init__(self) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH") if name in os.environ}
        path = os.pathsep.join(filter(None, sys.path))
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "perpetua.kit.typeset.worker", *_more_fonts],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={**kept, "PYTHONPATH": path, "MALLOC_ARENA_MAX": "2", "RAYON_NUM_THREADS": "1"},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        _alive.add(self)

    @property
    def pid(self) -> int:
        """Its number in the system."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it can take no more jobs."""
        return self._process.poll() is not None

    def do(self, job: Job) -> Made:
        """Do the job, or be ended."""
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._process.kill()

        # The process also watches its own time, in case that we are gone before it ends; this is for where it can't.
        timer = threading.Timer(job.seconds * _PATIENCE + _SPARE_SECONDS, stop)
        timer.start()
        answer: bytes | None = None
        try:
            with contextlib.suppress(OSError):
                send(self._in.fileno(), msgspec.msgpack.encode(job))
                answer = receive(self._out.fileno())
        finally:
            timer.cancel()
            if answer is None:
                self.end()
        if answer is None:
            alarm = getattr(signal, "SIGPROF", None)
            slow = late.is_set() or (alarm is not None and self._process.returncode == -alarm)
            return Made(fault=f"it takes more than {job.seconds:g} seconds" if slow else TOO_MUCH)
        made = msgspec.msgpack.decode(answer, type=Made)
        if made.last:
            self.end()
        return made

    def end(self) -> None:
        """Stop it, and wait until it is gone."""
        if self._process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._in.close()
                self._process.wait(0.2)
        self._process.kill()
        self._process.wait()
        for pipe in (self._in, self._out):
            pipe.close()
        _alive.discard(self)


def processes() -> "list[_Process]":
    """Those that are there."""
    return list(_alive)


@atexit.register
def _end_all() -> None:
    for process in list(_alive):
        process.end()
