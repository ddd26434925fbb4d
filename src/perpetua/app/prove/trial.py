"""The whole of it: a world, two servers, the flood, the verdict."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import msgspec
import psycopg

from perpetua.app.prove import world
from perpetua.app.prove.flood import Flood
from perpetua.app.prove.plan import Plan
from perpetua.app.prove.processes import DatabaseCrasher, Web, settings_of
from perpetua.app.prove.told import Told
from perpetua.app.prove.truths import Finding, examine, tally
from perpetua.kit.postgres import Server

__all__ = ["Asked", "Verdict", "run"]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """How hard it is tried."""

    lines: int
    clients: int
    seed: int
    crash_database: bool
    minutes: float | None = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    passed: bool
    seed: int
    lines: int
    orders: int
    seconds: float
    lines_per_second: float
    looked_seconds: float
    p50_ms: float
    p99_ms: float
    counts: dict[str, int]
    """What was sent, and answered how."""
    became: dict[str, int]
    """What became of the lines, by the rows: decisions, units, reservations."""
    findings: list[Finding]
    logs: str | None
    """Where the servers' logs are, if anything is wrong."""


async def run(
    url: str, asked: Asked, server: Server | None, *, say: Callable[[str], None], progress: Callable[[str, int], None]
) -> Verdict:
    """Try it on a migrated, empty database.

    Args:
        url: the scratch database.
        server: the embedded server, if that is what serves it.
        progress: told what is done, and the lines sent so far.
    """
    home = Path(tempfile.mkdtemp(prefix="perpetua-prove-"))
    kept = False
    try:
        verdict = await _tried(url, asked, server, home, progress)
        kept = not verdict.passed
        return msgspec.structs.replace(verdict, logs=str(home)) if kept else verdict
    finally:
        if not kept:
            shutil.rmtree(home, ignore_errors=True)


async def _tried(
    url: str, asked: Asked, server: Server | None, home: Path, progress: Callable[[str, int], None]
) -> Verdict:
    items = max(12, min(500, asked.lines // 400))
    kits = world.fill(url, items)
    secret = await world.token(url)
    plan = Plan(asked.lines, items, kits, asked.seed)
    crasher = DatabaseCrasher(url, server) if asked.crash_database else None
    async with _served(url, home) as webs:
        flood = Flood(plan, webs, url, secret, asked.clients, crasher, progress, asked.minutes)
        try:
            told = await flood.run()
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from failures
    begun = time.perf_counter()
    with contextlib.closing(told), psycopg.connect(url, autocommit=True) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        findings = examine(connection, told, look=lambda name: progress(f"Looking: {name}", asked.lines))
        became = tally(connection)
    return _verdict(asked, told, flood, time.perf_counter() - begun, findings, became)


@contextlib.asynccontextmanager
async def _served(url: str, home: Path) -> AsyncGenerator[list[Web]]:
    """Two servers on the database; at the end none of them is left, but what they logged."""
    environment = settings_of(url, home)
    webs = [Web(name, environment, home) for name in ("first", "second")]
    try:
        for web in webs:
            web.start()
        for web in webs:
            await web.wait()
        yield webs
    finally:
        for web in webs:
            web.kill()


def _verdict(
    asked: Asked, told: Told, flood: Flood, looked: float, findings: list[Finding], became: dict[str, int]
) -> Verdict:
    return Verdict(
        passed=not any(finding.wrong for finding in findings), seed=asked.seed, lines=became.pop("lines"),
        orders=became.pop("orders"), seconds=round(flood.wall_seconds, 1), looked_seconds=round(looked, 1),
        lines_per_second=round(flood.sent / max(flood.wall_seconds, 0.001)), p50_ms=told.milliseconds(0.5),
        p99_ms=told.milliseconds(0.99), counts=dict(sorted(told.counts.items())), became=became, findings=findings,
        logs=None,
    )  # fmt: skip
