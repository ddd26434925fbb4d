"""`perpetua token`: API tokens, from the command line of the machine."""

from datetime import timedelta
from typing import cast

from cyclopts import App

from perpetua.access import service
from perpetua.access.types import PERMISSIONS, CreateToken, Permission, Token
from perpetua.app.cli import common
from perpetua.kit.clock import system_clock
from perpetua.kit.errors import InvalidValue
from perpetua.kit.listing import MAX_LIMIT, PageRequest

__all__ = ["app"]

COLUMNS = ("id", "person_id", "name", "hint", "permissions", "scope", "expires_at", "revoked_at", "last_used_at")
app = App(name="token", help="API tokens.")


@app.command
async def create(
    email: str, name: str, *, days: int = 90, permission: list[str] | None = None, place: list[int] | None = None
) -> None:
    """Make an API token of a person. What it takes to use it is shown this once.

    Args:
        email: its owner.
        name: what it is for.
        days: how long it is good, at most 366.
        permission: one it has, such as stock.read; may be given again. Left out: all of its owner's.
        place: id of a place it is confined to; may be given again. Left out: wherever its owner may act.
    """
    if unknown := sorted(set(permission or []) - PERMISSIONS):
        raise InvalidValue("permission", unknown[0], "is none; see docs/reference/permissions.md")
    if not 1 <= days <= 366:
        raise InvalidValue("days", days, "must be 1 to 366")
    asked = None if permission is None else cast(list[Permission], permission)
    expires_at = system_clock() + timedelta(days=days)
    command = CreateToken(name=name, expires_at=expires_at, permissions=asked, scope=place)
    async with common.database() as db:
        person = await service.find_person(db, common.actor(), email)
        made = await service.create_token(db, common.actor(), command, person_id=person.id)
    common.show({"secret": made.secret, **{column: getattr(made.token, column) for column in COLUMNS[:-2]}})


@app.command(name="list")
async def list_(email: str | None = None) -> None:
    """The API tokens of a person, or of everybody; the newest first."""
    found: list[Token] = []
    page = PageRequest(limit=MAX_LIMIT)
    async with common.database() as db:
        owner = None if email is None else (await service.find_person(db, common.actor(), email)).id
        while True:
            read = await service.list_tokens(db, common.actor(), page, person_id=owner, everybody=owner is None)
            found.extend(read.items)
            if read.next_cursor is None:
                break
            page = PageRequest(limit=MAX_LIMIT, cursor=read.next_cursor)
    common.show(found, title="API tokens", columns=COLUMNS)


@app.command
async def revoke(token_id: int) -> None:
    """Make a token good for nothing, at once."""
    async with common.database() as db:
        token = await service.revoke_token(db, common.actor(), token_id)
    common.show(token)
