"""The second factor (TOTP, RFC 6238) of one's own account, and its reset by an administrator.

Always true: it counts from the moment one of its codes was shown to be right; its secret is stored encrypted, its
recovery codes hashed; whoever takes it away proves the password first, or administers people.
"""

from typing import Final

import msgspec
from pyotp import random_base32
from pyotp.totp import TOTP

from perpetua.access import store
from perpetua.access.errors import SecondFactorState, WrongCode
from perpetua.access.service import attempts, crypto
from perpetua.access.service.audit import audit
from perpetua.access.service.people import manageable, own_credentials
from perpetua.access.service.signin import code_is_right
from perpetua.access.types import Actor, Codes, Enrolment, Renewed, Secrets
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Missing

__all__ = [
    "confirm_second_factor", "disable_second_factor", "enroll_second_factor", "renew_encryption", "reset_second_factor",
]  # fmt: skip

RECOVERY_CODES: Final = 10
ISSUER: Final = "Perpetua"


async def enroll_second_factor(db: Database, actor: Actor, keys: Secrets) -> Enrolment:
    """Make a second factor, to be confirmed with a code; nothing is asked of a sign-in before that.

    Raises:
        SecondFactorState: there is a confirmed one.
    """
    own_credentials(actor)
    secret = random_base32(32)

    async def act(tx: Tx) -> Enrolment:
        person = await store.person(tx, actor.person_id)
        if person is None or not await store.put_factor(
            tx, actor.person_id, crypto.encrypted(keys, secret, actor.person_id)
        ):
            raise SecondFactorState(reason="There is a second factor already.")
        return Enrolment(secret=secret, uri=TOTP(secret, name=person.email, issuer=ISSUER).provisioning_uri())

    return await db.run(act)


async def confirm_second_factor(
    db: Database, actor: Actor, keys: Secrets, code: str, *, clock: Clock = system_clock
) -> Codes:
    """Turn the second factor on with its first code; answers with the recovery codes, once.

    Raises:
        SecondFactorState: none was made, or it is confirmed already.
        WrongCode, TooManyAttempts
    """
    own_credentials(actor)
    counted = await attempts.count(db, f"code of {actor.person_id}")
    codes = [crypto.new_recovery_code() for _ in range(RECOVERY_CODES)]

    async def act(tx: Tx) -> Codes:
        data = await store.factor(tx, actor.person_id, confirmed=False)
        if data is None:
            raise SecondFactorState(reason="There is no second factor to confirm.")
        step = crypto.code_step(crypto.decrypted(keys, data, actor.person_id), code, clock())
        if step is None or not await store.take_step(tx, actor.person_id, step):
            raise WrongCode("code")
        await store.confirm_factor(tx, actor.person_id, [crypto.recovery_digest(each) for each in codes])
        await store.end_sessions(tx, actor.person_id, but=actor.session_id)
        await attempts.succeeded(tx, counted)
        await audit(tx, actor, "person", actor.person_id, "second_factor_on", None, {"second_factor": True})
        return Codes(recovery_codes=codes)

    return await db.run(act)


async def disable_second_factor(
    db: Database, actor: Actor, keys: Secrets, password: str, code: str, *, clock: Clock = system_clock
) -> None:
    """Turn one's own second factor off, with the password and a last code (or recovery code).

    Raises:
        SecondFactorState: there is none.
        WrongCode, TooManyAttempts
    """
    own_credentials(actor)
    counted = await attempts.count(db, f"code of {actor.person_id}")
    async with db.snapshot() as tx:
        person = await store.person(tx, actor.person_id)
        known = await store.signing_in(tx, person.email) if person else None
    if known is None or not await crypto.verified(password[:1024], known.password_hash):
        raise WrongCode("password")

    async def act(tx: Tx) -> None:
        data = await store.factor(tx, actor.person_id, confirmed=True)
        if data is None:
            raise SecondFactorState(reason="There is no second factor.")
        secret = crypto.decrypted(keys, data, actor.person_id)
        if not await code_is_right(tx, actor.person_id, secret, code, clock):
            raise WrongCode("code")
        await store.remove_factor(tx, actor.person_id)
        await attempts.succeeded(tx, counted)
        await audit(tx, actor, "person", actor.person_id, "second_factor_off", {"second_factor": True}, None)

    await db.run(act)


async def reset_second_factor(db: Database, actor: Actor, person_id: int) -> None:
    """Take away the second factor of somebody who lost theirs; all their sessions end.

    Raises:
        Missing, SecondFactorState, BeyondOwnRights
    """
    actor.require("people.write")

    async def act(tx: Tx) -> None:
        person = await store.person(tx, person_id, lock=True)
        if person is None:
            raise Missing("person", person_id)
        await manageable(tx, actor, person)
        if not await store.remove_factor(tx, person_id):
            raise SecondFactorState(reason="There is no second factor.")
        await store.end_sessions(tx, person_id)
        await audit(tx, actor, "person", person_id, "second_factor_reset", {"second_factor": True}, None)

    await db.run(act)


async def renew_encryption(db: Database, actor: Actor, keys: Secrets) -> Renewed:
    """Encrypt under the key in use what was encrypted under one before it; what no key reads stays as it is."""
    actor.require("people.write")
    current = msgspec.structs.replace(keys, old=())

    async def act(tx: Tx) -> Renewed:
        renewed, unreadable = 0, 0
        for person_id, data in await store.factors(tx):
            try:
                secret = crypto.decrypted(keys, data, person_id)
            except SecondFactorState:
                unreadable += 1
                continue
            if not crypto.is_under(current, data, person_id):
                await store.replace_factor(tx, person_id, crypto.encrypted(current, secret, person_id))
                renewed += 1
        if renewed:
            await audit(tx, actor, "installation", "secret", "renewed", after={"second_factors": renewed})
        return Renewed(renewed=renewed, unreadable=unreadable)

    return await db.run(act)
