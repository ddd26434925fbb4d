"""What benches share: a server to throw away, timings, percentiles, and tables with ratios.

A ratio is always of two figures of the same run on the same server, so that it can be compared between machines.
"""

import contextlib
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Generator, Sequence
from pathlib import Path

import psycopg
from psycopg import conninfo
from rich.console import Console
from rich.table import Table

from perpetua.kit import migrate
from perpetua.kit.postgres import Server, find_binaries

__all__ = ["SHARED", "Stopwatch", "milliseconds", "percentile", "show", "throwaway_database", "throwaway_server"]

SHARED = Path(__file__).resolve().parents[2] / "shared"
"""Where the real data lies, when it is there."""


class Stopwatch:
    """Collects how long things took, in seconds."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    @contextlib.contextmanager
    def lap(self) -> Generator[None]:
        """Times what is inside as one lap."""
        start = time.perf_counter()
        yield
        self.seconds.append(time.perf_counter() - start)

    @property
    def total(self) -> float:
        """Seconds of all laps."""
        return sum(self.seconds)

    def percentile(self, percent: float) -> float:
        """Seconds within which `percent` of the laps ended."""
        return percentile(self.seconds, percent)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of the values do not exceed (nearest rank); 0 of none."""
    if not values:
        return 0.0
    rank = max(1, -(-len(values) * percent // 100))
    return sorted(values)[int(rank) - 1]


def milliseconds(seconds: float) -> str:
    """`0.01234` as `12.3 ms`."""
    return f"{seconds * 1000:.1f} ms"


def show(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print one table; the first column is text, the others are figures."""
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(header):
        table.add_column(name, justify="right" if number else "left")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    # A pipe has no width of its own: keep rows on one line in a log as well.
    Console(width=None if os.isatty(1) else 140).print(table)


@contextlib.contextmanager
def throwaway_server(**settings: str) -> Generator[str]:
    """A server of its own with an ordinary configuration (fsync on); the address of its maintenance database.

    `BENCH_DATABASE_URL` names another server to measure on; `BENCH_POSTGRES_BIN` other binaries.
    """
    if url := os.environ.get("BENCH_DATABASE_URL"):
        yield url
        return
    home = Path(tempfile.mkdtemp(prefix="perpetua-bench-"))
    home.chmod(0o755)
    server = Server(home, find_binaries(os.environ.get("BENCH_POSTGRES_BIN")))
    server.start(**{"shared_buffers": "512MB", "max_wal_size": "4GB", **settings})
    try:
        yield server.url
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def throwaway_database(name: str = "bench", **settings: str) -> Generator[str]:
    """A migrated database on a server of its own; its address, as the owner."""
    with throwaway_server(**settings) as maintenance:
        with psycopg.connect(maintenance, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        url = conninfo.make_conninfo(maintenance, dbname=name)
        migrate.upgrade(url)
        with psycopg.connect(url) as connection:
            row = connection.execute("SHOW server_version").fetchone()
        print(f"PostgreSQL {row[0] if row else '?'}, Python {platform.python_version()}, {os.cpu_count()} cores")
        yield url
