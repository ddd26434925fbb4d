"""`perpetua demo`: a believable company, served."""

import asyncio
import contextvars
import time

import msgspec
import psycopg
from cyclopts import App

from perpetua.access.types import Secrets
from perpetua.app import logs, storage, supervisor
from perpetua.app.cli import common, run
from perpetua.app.demo.people import PEOPLE, password
from perpetua.app.settings import Settings

__all__ = ["app"]

WHOLE = "SELECT FROM audit_log WHERE kind = 'demo' AND subject_id = 'whole' LIMIT 1"

app = App(name="demo", help="A believable company, served.")


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """With what a role signs in."""

    role: str
    name: str
    email: str
    password: str
    works_at: str


class Demo(msgspec.Struct, frozen=True, kw_only=True):
    """What `demo` tells."""

    address: str
    docs: str
    loaded_in_seconds: float | None
    sign_ins: list[SignIn]


@app.default
def demo(*, serve: bool = True) -> int:
    """Make the company where it is not there yet, and serve it until Ctrl-C; prints a sign-in for each role.

    Parameters
    ----------
    serve
        Answer requests; with --no-serve, only make the company.
    """
    settings = Settings.load()
    logs.configure(settings.log_level)
    if serve:
        supervisor.require_free(settings.host, settings.port)  # known before minutes are spent
    with storage.url(settings, say=common.say) as url:  # one server from here to the end
        seconds = None if _is_whole(url) else asyncio.run(_make(settings, url))
        if serve:
            here = contextvars.copy_context()  # it is told from a thread, which does not know of --json
            return run.together(settings, lambda: here.run(_tell, settings, seconds))
        _tell(settings, seconds)
    return common.DONE


def _is_whole(url: str) -> bool:
    """Whether the demo is there, complete. Asked without loading the words, so that the second start is quick."""
    with psycopg.connect(url) as connection:
        return connection.execute(WHOLE).fetchone() is not None


async def _make(settings: Settings, url: str) -> float:
    """Load what is missing; how many seconds it took."""
    from perpetua.app.demo.load import load
    from perpetua.kit.database import Database

    begun = time.monotonic()
    async with Database(url) as db:
        await load(db, Secrets(key=settings.secret, https=settings.https), common.say)
    return round(time.monotonic() - begun, 1)


def _tell(settings: Settings, seconds: float | None) -> None:
    secrets = Secrets(key=settings.secret, https=settings.https)
    told = Demo(
        address=settings.address,
        docs=f"{settings.address}/docs",
        loaded_in_seconds=seconds,
        sign_ins=[
            SignIn(role=one.role, name=one.name, email=one.email, password=password(secrets, one),
                   works_at=one.site or "everywhere")
            for one in PEOPLE
        ],
    )  # fmt: skip
    if common.as_json():
        return common.show(told)
    made = "" if seconds is None else f" (made in {seconds:.0f} s)"
    common.show(told.sign_ins, title=f"Larkfield Outdoor & Home{made}", columns={
        "role": "Role", "name": "Name", "email": "Email", "password": "Password", "works_at": "Works at",
    })  # fmt: skip
    common.say(f"Address  {told.address}\nAPI      {told.docs}")
    return None
