"""`perpetua prove`: try to oversell, and see."""

import asyncio
import contextlib
import signal
import time

from cyclopts import App

from perpetua.app import storage
from perpetua.app.cli import common
from perpetua.app.prove import trial, world
from perpetua.app.prove.processes import DatabaseCrasher
from perpetua.app.settings import Settings
from perpetua.kit.errors import InvalidValue

__all__ = ["app"]

QUIET_SECONDS = 15
_COLUMNS = {"meaning": "What must be true", "looked_at": "Looked at", "wrong": "Wrong"}

app = App(name="prove", help="Try to oversell, and see.")


@app.default
def prove(
    *,
    lines: int = 20_000,
    clients: int = 64,
    seed: int = 1,
    minutes: float | None = None,
    crash_database: bool | None = None,
    keep: bool = False,
) -> int:
    """Flood a scratch database with contested orders, duplicates, cancels and crashes; then look for what is wrong.

    Your own data is not touched: it happens in a database of its own beside yours, which is dropped after. Two server
    processes are started on it, and killed in turn with -9; so is PostgreSQL, where it is the embedded one and nobody
    else uses it. What had no answer is sent again. Then plain SQL looks whether anything was oversold, lost or doubled.
    Exit code 3 when anything is wrong.

    Parameters
    ----------
    lines
        How many order lines are sent.
    clients
        How many clients send at once.
    seed
        What the orders are drawn from: the same seed sends the same again.
    minutes
        Send no longer than that, however many lines are left.
    crash_database
        Kill PostgreSQL as well, whoever else uses the server; --no-crash-database never does.
    keep
        Leave the scratch database for you to look at.
    """
    for name, value, most in (("lines", lines, 10_000_000), ("clients", clients, 1_000)):
        if not 1 <= value <= most:
            raise InvalidValue(name, value, f"must be 1 to {most}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does: nothing of it is left
    settings = Settings.load()
    server = None if settings.database_url else storage.server(settings)
    with contextlib.ExitStack() as stack:
        beside = stack.enter_context(storage.url(settings, say=common.say, migrated=False))
        url = stack.enter_context(world.scratch(beside, keep=keep, say=common.say))
        others = DatabaseCrasher(url, server).others()
        crash = (server is not None and not others) if crash_database is None else crash_database
        if crash_database is None and not crash:
            why = f"{others} others use the server" if server else "the server is not ours"
            common.say(f"PostgreSQL is not killed, as {why}; --crash-database does.")
        asked = trial.Asked(lines=lines, clients=clients, seed=seed, crash_database=crash, minutes=minutes)
        bar = stack.enter_context(common.progress())
        task = bar.add_task("Starting two servers", total=lines)

        told = time.monotonic()

        def progress(what: str, sent: int) -> None:
            nonlocal told
            bar.update(task, description=what, completed=min(sent, lines))
            if bar.disable and time.monotonic() - told > QUIET_SECONDS:  # nobody sees the bar
                told = time.monotonic()
                common.say(f"{sent:,} of {lines:,} lines. {what}.")

        verdict = asyncio.run(trial.run(url, asked, server, say=common.say, progress=progress))
    _tell(verdict)
    return common.DONE if verdict.passed else common.INTEGRITY


def _tell(verdict: trial.Verdict) -> None:
    if common.as_json():
        return common.show(verdict)
    common.show(verdict.counts, title="What was sent")
    common.show({"orders": verdict.orders, "lines": verdict.lines} | verdict.became, title="What became of it")
    common.show(verdict.findings, title=f"Verdict (seed {verdict.seed})", columns=_COLUMNS)
    for finding in verdict.findings:
        for example in finding.examples:
            common.say(f"{finding.name}: {example}")
    common.say(
        f"{verdict.lines:,} lines in {verdict.orders:,} orders, sent in {verdict.seconds:g} s "
        f"({verdict.lines_per_second:,} lines a second); an order sent alone took {verdict.p50_ms:g} ms (p50), "
        f"{verdict.p99_ms:g} ms (p99). Looked at in {verdict.looked_seconds:g} s."
    )
    wrong = f"SOMETHING IS WRONG: see above, and the servers' logs in {verdict.logs}"
    common.say("Nothing was oversold, lost or doubled." if verdict.passed else wrong)
    return None
