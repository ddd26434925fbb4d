"""`perpetua user`: people, from the command line of the machine.

Whoever has the machine acts as the system itself; each change is in the audit trail as such.
"""

import getpass
import sys
from typing import Annotated

from cyclopts import App, Parameter

from perpetua.access import service
from perpetua.access.types import ChangePerson, CreatePerson, PeopleFilters, Person, Role, SetScope
from perpetua.app.cli import common
from perpetua.kit.errors import InvalidValue
from perpetua.kit.listing import MAX_LIMIT, PageRequest

__all__ = ["app"]

COLUMNS = ("id", "email", "name", "role", "active", "scope", "second_factor")
app = App(name="user", help="People and their roles.")
Flag = Annotated[bool, Parameter(negative=())]


@app.command
async def add(
    email: str,
    *,
    name: str = "",
    role: Role = "viewer",
    place: list[int] | None = None,
    password_stdin: Flag = False,
) -> None:
    """Add a person. The password is asked for; without a terminal, a one-time one is made and shown.

    Args:
        email: what they sign in with.
        name: shown beside what they do; the front of the email where left out.
        role: administrator, inventory_manager, warehouse_staff, purchasing_staff or viewer.
        place: id of a place to confine them to; may be given again. Left out: everywhere.
        password_stdin: read the password from the standard input.
    """
    password = _password(password_stdin)
    name = name or email.partition("@")[0]
    command = CreatePerson(email=email, name=name, role=role, password=password, scope=place)
    async with common.database() as db:
        person = (await service.create_person(db, common.actor(), command)).answer
        facts = {column: getattr(person, column) for column in COLUMNS}
        if password is None:
            once = await service.reset_password(db, common.actor(), person.id)
            facts |= {"one_time_password": once.password, "good_until": once.good_until}
    common.show(facts)


@app.command(name="list")
async def list_(*, text: str | None = None, role: Role | None = None, active: bool | None = None) -> None:
    """Everybody, by name.

    Args:
        text: part of a name or email.
        role: only with this role.
        active: only those who may sign in; `--no-active`: only the others.
    """
    filters = PeopleFilters(text=text, role=role, active=active)
    found: list[Person] = []
    page = PageRequest(limit=MAX_LIMIT)
    async with common.database() as db:
        while True:
            read = await service.list_people(db, common.actor(), filters, page)
            found.extend(read.items)
            if read.next_cursor is None:
                break
            page = PageRequest(limit=MAX_LIMIT, cursor=read.next_cursor)
    common.show(found, title="People", columns=COLUMNS)


@app.command
async def show(email: str) -> None:
    """One person."""
    async with common.database() as db:
        person = await service.find_person(db, common.actor(), email)
    common.show(person)


@app.command
async def password(email: str, *, once: Flag = False, password_stdin: Flag = False) -> None:
    """Set a person's password (asked for), or give out a one-time one; their sessions end.

    Args:
        email: whose.
        once: make one that is good for one sign-in within 24 hours, and show it; also where there is no terminal.
        password_stdin: read the password from the standard input.
    """
    chosen = None if once else _password(password_stdin)
    async with common.database() as db:
        person = await service.find_person(db, common.actor(), email)
        if chosen is not None:
            await service.set_password(db, common.actor(), person.id, chosen)
            facts: dict[str, object] = {"email": person.email, "password": "set"}
        else:
            given = await service.reset_password(db, common.actor(), person.id)
            facts = {"email": person.email, "one_time_password": given.password, "good_until": given.good_until}
    common.show(facts)


@app.command
async def role(email: str, role: Role) -> None:
    """Give a person another role."""
    await _change(email, ChangePerson(role=role))


@app.command
async def deactivate(email: str) -> None:
    """Let a person in no longer: sessions end, API tokens are revoked."""
    await _change(email, ChangePerson(active=False))


@app.command
async def activate(email: str) -> None:
    """Let a person in again."""
    await _change(email, ChangePerson(active=True))


@app.command
async def scope(email: str, *places: int, everywhere: Flag = False) -> None:
    """Confine a person to places and all that lies in them.

    Args:
        email: whom.
        places: ids of places; none: nowhere.
        everywhere: confine them no longer.
    """
    if everywhere and places:
        raise InvalidValue("everywhere", "--everywhere", "stands alone, without places")
    command = SetScope(scope=None if everywhere else list(places))
    async with common.database() as db:
        person = await service.find_person(db, common.actor(), email)
        person = await service.set_scope(db, common.actor(), person.id, command)
    common.show(person)


@app.command(name="totp-reset")
async def totp_reset(email: str) -> None:
    """Take away the second factor of somebody who lost theirs."""
    async with common.database() as db:
        person = await service.find_person(db, common.actor(), email)
        await service.reset_second_factor(db, common.actor(), person.id)
    common.show({"email": person.email, "second_factor": False})


async def _change(email: str, command: ChangePerson) -> None:
    async with common.database() as db:
        person = await service.find_person(db, common.actor(), email)
        person = await service.change_person(db, common.actor(), person.id, command)
    common.show(person)


def _password(from_stdin: bool) -> str | None:
    """The password that is read or asked for; None where nobody can be asked."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        return None
    chosen = getpass.getpass("Password: ")
    if chosen != getpass.getpass("Once more: "):
        raise InvalidValue("password", "(hidden)", "was not the same twice")
    return chosen
