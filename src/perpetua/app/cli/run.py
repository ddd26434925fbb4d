"""`up`, `serve`, `worker`: what runs until it is told to stop."""

import asyncio
import contextlib
import sys
import threading
import urllib.request
from collections.abc import Callable, Generator, Sequence

from perpetua.app import logs, storage, supervisor
from perpetua.app.cli import common
from perpetua.app.settings import SUPERVISED, Settings
from perpetua.app.supervisor import Part

__all__ = ["serve", "together", "up", "worker"]


def up() -> int:
    """Run web, worker and database in one, until Ctrl-C; then nothing is left running."""
    settings = Settings.load()

    def answered() -> None:
        if common.as_json():
            return common.show({"address": settings.address})
        return common.say(f"Perpetua answers at {settings.address} (Ctrl-C ends it)")

    return together(settings, answered)


def serve() -> int:
    """Run the web alone; many may run on one database."""
    from perpetua.app import serve as web

    settings = _begin()
    supervisor.require_free(settings.host, settings.port)
    with storage.url(settings, say=common.say):  # migrated once, before the web's own processes look
        web.serve(settings)
    return common.DONE


def worker(*, until_idle: bool = False) -> int:
    """Run the background worker alone; many may run on one database.

    Parameters
    ----------
    until_idle
        Do what waits, then end.
    """
    from perpetua.app import worker as work

    settings = _begin()

    async def run() -> None:
        async with common.database(settings) as db:
            await work.run(settings, db, until_idle=until_idle)

    asyncio.run(run())
    return common.DONE


def together(settings: Settings, answered: Callable[[], None]) -> int:
    """Web and worker on a running database, until Ctrl-C; `answered` is called when the web first answers."""
    logs.configure(settings.log_level)
    with supervisor.terminable() as stop:
        supervisor.require_free(settings.host, settings.port)
        settings.secret  # noqa: B018 (made before several processes want it)
        with storage.url(settings, say=common.say), _watched(settings, answered, stop):
            tend = (lambda: None) if settings.database_url else storage.server(settings).revive
            supervisor.supervise(parts(), tend=tend, stop=stop)
        common.say("Stopped.")
    return common.DONE


def parts() -> Sequence[Part]:
    """The programs that make up the whole; each takes its settings from the environment, as we do."""
    me = (sys.executable, "-m", "perpetua.app.cli")
    return [Part("web", (*me, "serve"), {SUPERVISED: "1"}), Part("worker", (*me, "worker"), {SUPERVISED: "1"})]


def _begin() -> Settings:
    settings = Settings.load()
    logs.configure(settings.log_level)
    if settings.supervised:
        supervisor.end_with_parent()
    return settings


@contextlib.contextmanager
def _watched(settings: Settings, answered: Callable[[], None], stop: threading.Event) -> Generator[None]:
    """Calls `answered` once the web answers, unless the block ends before."""

    def watch() -> None:
        while not stop.wait(0.05):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{settings.address}/health", timeout=2):  # noqa: S310
                answered()
                break

    watcher = threading.Thread(target=watch, name="first-answer", daemon=True)
    watcher.start()
    yield
