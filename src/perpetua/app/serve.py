"""The web as processes: granian's server, and the application that each of its processes makes."""

import gc
import sys
from typing import Any

from perpetua.app import logs
from perpetua.app.settings import Settings
from perpetua.app.supervisor import end_with_parent

__all__ = ["application", "serve"]


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are answered first."""
    from granian.constants import Interfaces, Loops
    from granian.server import Server

    # Its own handlers would write past ours; each process sets up logging itself.
    plain: dict[str, Any] = {"handlers": [], "propagate": True}
    Server(
        f"{__name__}:application",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop if sys.platform != "win32" else Loops.asyncio,
        workers=settings.web_workers,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=15,
        log_dictconfig={"handlers": {}, "formatters": {}, "loggers": {"_granian": plain, "granian.access": plain}},
    ).serve()


def application() -> Any:
    """The application of one web process."""
    from perpetua.app.web import create_app  # here, as `serve` itself needs none of it

    end_with_parent()
    settings = Settings.load()
    logs.configure(settings.log_level)
    made = create_app(settings)
    # What is made by now stays; looking through it again and again for what could be freed costs a sixth of a large
    # document. What requests make is mostly freed by its count alone.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    return made
