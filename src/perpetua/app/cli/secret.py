"""`perpetua secret`: another secret for the installation, without locking anybody out."""

from cyclopts import App

from perpetua.access import service
from perpetua.access.types import Secrets
from perpetua.app import secret_file
from perpetua.app.cli import common
from perpetua.app.settings import Settings
from perpetua.kit.errors import Conflict

__all__ = ["app"]

app = App(name="secret", help="The installation's secret: put another in use.")


@app.command
def rotate() -> None:
    """Make a new secret. The old one is accepted until `perpetua secret finish`; restart web and worker in between."""
    settings = Settings.load()
    if settings.given_secret:
        raise Conflict(
            reason="The secret is given as PERPETUA_SECRET: set that to a new one, PERPETUA_OLD_SECRETS to the one "
            "before, restart, and run `perpetua secret finish`."
        )
    secret_file.rotate(settings.home)
    if common.as_json():
        common.show({"rotated": True})
    common.say("A new secret is in use. Restart web and worker, then run `perpetua secret finish`.")


@app.command
async def finish() -> int:
    """Write anew what was written under old secrets, and accept those no more."""
    settings = Settings.load()
    secrets = Secrets(key=settings.secret, old=settings.old_secrets, https=settings.https)
    async with common.database(settings) as db:
        done = await service.renew_encryption(db, common.actor(), secrets)
    common.show(done)
    if done.unreadable:
        common.say("Some were written under a secret that is not known here; nothing was forgotten.")
        return common.FAILED
    if settings.given_secret is None:
        secret_file.forget_old(settings.home)
    elif settings.old_secrets:
        common.say("Now remove PERPETUA_OLD_SECRETS, and restart web and worker.")
    return common.DONE
