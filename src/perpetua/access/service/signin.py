"""Signing in and out.

Always true:
- Whoever is refused learns nothing but that: not whether the email, the password or the code was wrong, nor whether
  the account exists, is active or was given a one-time password that is over; and takes the same time about it.
- A session begins with a fresh random token; one that the browser brought along is ended, never taken over.
- A session ends when signed out, 12 hours after it began, after 4 hours unused, and with its person's deactivation.
- A code of the second factor, a recovery code and a one-time password are good once.
"""

import msgspec

from perpetua.access import store
from perpetua.access.errors import PasswordChangeNeeded, SecondFactorNeeded, SignInRefused, WeakPassword
from perpetua.access.rules import check_password, effective
from perpetua.access.service import attempts, crypto
from perpetua.access.service.audit import audit
from perpetua.access.types import SYSTEM, Actor, Me, Origin, Secrets, Session, SignedIn, SignIn
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Missing

__all__ = ["code_is_right", "end_session", "list_sessions", "sign_in", "sign_out", "sign_out_everywhere"]

MAX_AGENT = 300


async def sign_in(
    db: Database,
    keys: Secrets,
    command: SignIn,
    origin: Origin,
    *,
    replaces: str | None = None,
    clock: Clock = system_clock,
) -> SignedIn:
    """Begin a session.

    Args:
        db: the database.
        keys: the installation's.
        command: who, and the proofs.
        origin: where from; attempts are counted for it.
        replaces: the token of the session that the browser has now, to be ended.
        clock: for codes of the second factor.

    Raises:
        SignInRefused: a proof is wrong.
        SecondFactorNeeded, PasswordChangeNeeded: the password was right, and something is still missing.
        WeakPassword: `new_password` is.
        TooManyAttempts: of this account, or from this address.
    """
    counted = await attempts.count(db, attempts.of_account(command.email), origin.address)
    async with db.snapshot() as tx:
        person = await store.signing_in(tx, command.email.strip())
    password = command.password[:1024]
    right = await crypto.verified(password, person.password_hash if person else None)
    if person is None or not right or not person.active or person.once_is_over:
        await _note_refused(db, person, counted, origin)
        raise SignInRefused(reason="The email, the password or the code is wrong.")
    new_hash = await _new_password(db, person, command, counted)

    async def begin(tx: Tx) -> SignedIn | None:
        if not await store.hold_as_verified(tx, person):
            return None
        if person.factor is not None:
            secret = crypto.decrypted(keys, person.factor, person.id)
            if not await code_is_right(tx, person.id, secret, command.code or "", clock):
                return None
        return await _begin(tx, person, counted, origin, new_hash, replaces)

    signed_in = await db.run(begin)
    if signed_in is None:
        await _note_refused(db, person, counted, origin)
        raise SignInRefused(reason="The email, the password or the code is wrong.")
    return signed_in


async def sign_out(db: Database, token: str | None) -> None:
    """End the session that this token is of; nothing happens where there is none."""
    if token:
        await db.run(lambda tx: store.end_session(tx, token_hash=crypto.digest(token)))


async def sign_out_everywhere(db: Database, actor: Actor) -> int:
    """End all of the actor's sessions, this one as well; how many there were."""

    async def act(tx: Tx) -> int:
        ended = await store.end_sessions(tx, actor.person_id)
        await audit(tx, actor, "person", actor.person_id, "signed_out_everywhere", None, {"sessions": ended})
        return ended

    return await db.run(act)


async def list_sessions(db: Database, actor: Actor) -> list[Session]:
    """Where the actor is signed in, the newest first."""
    async with db.snapshot() as tx:
        found = await store.sessions_of(tx, actor.person_id)
    return [_with_current(session, actor) for session in found]


async def end_session(db: Database, actor: Actor, session_id: int) -> None:
    """End one of the actor's own sessions.

    Raises:
        Missing: the actor has no such session.
    """

    async def act(tx: Tx) -> None:
        if session_id not in {session.id for session in await store.sessions_of(tx, actor.person_id)}:
            raise Missing("session", session_id)
        await store.end_session(tx, id=session_id)

    await db.run(act)


async def code_is_right(tx: Tx, person_id: int, secret: str, code: str, clock: Clock) -> bool:
    """Whether `code` is of now, or an unused recovery code; uses it up."""
    step = crypto.code_step(secret, code, clock())
    if step is not None:
        return await store.take_step(tx, person_id, step)
    return await store.use_recovery_code(tx, person_id, crypto.recovery_digest(code))


async def _new_password(
    db: Database, person: store.SigningIn, command: SignIn, counted: attempts.Counted
) -> str | None:
    """The hash of the password that takes the one-time password's place; refuses where something is still missing."""
    missing: type[SecondFactorNeeded | PasswordChangeNeeded] | None = None
    if person.factor is not None and not command.code:
        missing = SecondFactorNeeded
    elif person.password_once_until is not None and command.new_password is None:
        missing = PasswordChangeNeeded
    if missing:
        await db.run(lambda tx: attempts.succeeded(tx, counted, all_of_it=False))
        raise missing(reason="The password was right; something is still missing.")
    if person.password_once_until is None or command.new_password is None:
        return None
    if command.new_password == command.password:
        raise WeakPassword("is the one that was given out; choose another")
    return await crypto.hashed(check_password(command.new_password, email=person.email, name=person.name))


async def _begin(
    tx: Tx,
    person: store.SigningIn,
    counted: attempts.Counted,
    origin: Origin,
    new_hash: str | None,
    replaces: str | None,
) -> SignedIn:
    actor = Actor(person_id=person.id, name=person.name, role=person.role, permissions=effective(person.role))
    if new_hash is not None:
        await store.set_password(tx, person.id, new_hash)
        await store.end_sessions(tx, person.id)
        await audit(tx, actor, "person", person.id, "password_changed", None, {"in_place_of": "a one-time one"})
    if replaces:
        await store.end_session(tx, token_hash=crypto.digest(replaces))
    token = crypto.new_token()
    agent = origin.user_agent and origin.user_agent[:MAX_AGENT].replace("\0", "")
    session = await store.add_session(tx, person.id, crypto.digest(token), origin.address, agent)
    await attempts.succeeded(tx, counted)
    await audit(tx, actor, "person", person.id, "signed_in", None, {"address": origin.address})
    known = await store.person(tx, person.id)
    assert known is not None
    me = Me(
        id=known.id, name=known.name, email=known.email, role=known.role, permissions=sorted(actor.permissions),
        scope=known.scope, sees_costs=actor.sees_costs, second_factor=known.second_factor, via="session",
    )  # fmt: skip
    return SignedIn(token=token, expires_at=session.expires_at, me=me)


async def _note_refused(
    db: Database, person: store.SigningIn | None, counted: attempts.Counted, origin: Origin
) -> None:
    """The trail of who is being guessed at: one row when the account locks, not one a guess, which would fill it."""
    if person is not None and counted.locks:
        facts = {"address": origin.address, "attempts": attempts.ACCOUNT_LIMIT}
        await db.run(lambda tx: audit(tx, SYSTEM, "person", person.id, "locked_out", None, facts))


def _with_current(session: Session, actor: Actor) -> Session:
    return msgspec.structs.replace(session, current=session.id == actor.session_id)
