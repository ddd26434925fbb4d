"""Passwords: changed by their owners, given out once by administrators.

Always true:
- Another password ends all other sessions of its person.
- A password that was given out is good for one sign-in, within 24 hours, at which it must be replaced.
"""

from datetime import timedelta
from typing import Final

from perpetua.access import rules, store
from perpetua.access.errors import WeakPassword, WrongCode
from perpetua.access.service import attempts, crypto
from perpetua.access.service.audit import audit
from perpetua.access.service.people import hold, own_credentials
from perpetua.access.types import Actor, ChangePassword, OneTimePassword
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Missing, NotAllowed

__all__ = ["change_password", "reset_password", "set_password"]

ONE_TIME_LASTS: Final = timedelta(hours=24)


async def change_password(db: Database, actor: Actor, command: ChangePassword) -> None:
    """Choose another password of one's own.

    Raises:
        WrongCode: the present password is not `password`.
        WeakPassword, TooManyAttempts
    """
    own_credentials(actor)
    counted = await attempts.count(db, f"password of {actor.person_id}")
    async with db.snapshot() as tx:
        person = await store.person(tx, actor.person_id)
        known = await store.signing_in(tx, person.email) if person else None
    if known is None or not await crypto.verified(command.password[:1024], known.password_hash):
        raise WrongCode("password")
    if command.new_password == command.password:
        raise WeakPassword("is the present one; choose another")
    made = await crypto.hashed(rules.check_password(command.new_password, email=known.email, name=known.name))

    async def act(tx: Tx) -> None:
        if not await store.hold_as_verified(tx, known):
            raise WrongCode("password")
        await store.set_password(tx, known.id, made)
        await store.end_sessions(tx, known.id, but=actor.session_id)
        await attempts.succeeded(tx, counted)
        await audit(tx, actor, "person", known.id, "password_changed", None, {"by": "themselves"})

    await db.run(act)


async def reset_password(db: Database, actor: Actor, person_id: int) -> OneTimePassword:
    """Give out a password for one sign-in; all sessions of the person end.

    There is no idempotency key: a kept answer would hold the password.

    Raises:
        Missing, NotAllowed, BeyondOwnRights
    """
    actor.require("people.write")
    given = crypto.new_password()
    made = await crypto.hashed(given)

    async def act(tx: Tx) -> OneTimePassword:
        await hold(tx, actor, person_id)
        until = await store.set_password(tx, person_id, made, once_for=ONE_TIME_LASTS)
        assert until is not None
        await store.end_sessions(tx, person_id)
        await audit(tx, actor, "person", person_id, "password_reset", None, {"good_until": until})
        return OneTimePassword(password=given, good_until=until)

    return await db.run(act)


async def set_password(db: Database, actor: Actor, person_id: int, password: str) -> None:
    """Set somebody's password to one that stays, from the machine's command line alone.

    Raises:
        Missing, NotAllowed, WeakPassword
    """
    if actor.via not in {"cli", "system"}:
        raise NotAllowed(permission="the command line of the machine")
    async with db.snapshot() as tx:
        person = await store.person(tx, person_id)
    if person is None:
        raise Missing("person", person_id)
    made = await crypto.hashed(rules.check_password(password, email=person.email, name=person.name))

    async def act(tx: Tx) -> None:
        await hold(tx, actor, person_id)
        await store.set_password(tx, person_id, made)
        await store.end_sessions(tx, person_id)
        await audit(tx, actor, "person", person_id, "password_reset", None, {"by": "the command line"})

    await db.run(act)
