"""Which database this installation uses, ready to be used."""

import contextlib
from collections.abc import Callable, Generator

from perpetua.app.settings import Settings
from perpetua.kit import migrate
from perpetua.kit.postgres import Server

__all__ = ["server", "url"]

DATABASE = "perpetua"


def _silent(_: str) -> None:
    return None


@contextlib.contextmanager
def url(settings: Settings, *, say: Callable[[str], None] = _silent) -> Generator[str]:
    """Address of the database at the revision that this code needs, as its owner.

    The embedded server runs at the least as long as the block.

    Raises:
        Refusal: no usable PostgreSQL, or a schema that is newer than this code.
    """
    if settings.database_url:
        migrate.ensure(settings.database_url, say=say)
        yield settings.database_url
        return
    with server(settings).using(say=say) as running:
        address = running.ensure_database(DATABASE)
        migrate.ensure(address, say=say)
        yield address


def server(settings: Settings) -> Server:
    """The embedded server of this installation (which may be stopped)."""
    return Server(settings.home / "postgres")
