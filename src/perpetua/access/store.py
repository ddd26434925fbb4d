"""Statements of access."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from perpetua.access.tables import api_tokens, audit_log, people, recovery_codes, second_factors, sessions
from perpetua.access.types import (
    Actor,
    AuditFilters,
    PeopleFilters,
    Permission,
    Person,
    Role,
    Session,
    Token,
)  # fmt: skip
from perpetua.kit import json
from perpetua.kit.database import Queries, Tx, array
from perpetua.kit.errors import InvalidValue
from perpetua.kit.listing import PageRequest

Q = Queries(__file__)

SESSION_LASTS = timedelta(hours=12)
SESSION_IDLES = timedelta(hours=4)
TOKEN_COLUMNS = [api_tokens.c[name] for name in Token.__struct_fields__]
SESSION_COLUMNS = [sessions.c[name] for name in Session.__struct_fields__ if name != "current"]


class Bearer(msgspec.Struct, frozen=True, kw_only=True):
    """Who a session or token speaks for. `permissions` is the token's narrowing; None narrows nothing."""

    person_id: int
    name: str
    role: Role
    scope: list[int] | None
    session_id: int | None
    token_id: int | None
    permissions: list[str] | None
    hash: bytes


class SigningIn(msgspec.Struct, frozen=True, kw_only=True):
    """What a sign-in is decided on."""

    id: int
    email: str
    name: str
    role: Role
    active: bool
    password_hash: str | None
    password_once_until: datetime | None
    once_is_over: bool
    factor: bytes | None
    last_step: int | None


class Attempts(msgspec.Struct, frozen=True, kw_only=True):
    """How often a key was tried in the present window, and the seconds until it ends."""

    key: bytes
    failures: int
    seconds: int


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the trail with its actor's name."""

    id: int
    at: datetime
    actor_id: int
    actor: str
    via: str
    kind: str
    subject_id: str
    action: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    costs: list[str]
    request_id: str | None


# Who asks


class Credential(NamedTuple):
    """What a request stands on: a session or a token, by the hash of what was sent or, beneath a JWT, by its id."""

    table: Literal["session", "token"]
    hash: bytes | None = None
    id: int | None = None


async def bearers(tx: Tx, asked: Collection[Credential]) -> dict[Credential, Bearer]:
    """Whoever the sessions and tokens speak for, while both they and their persons are good. One statement a table."""
    found: dict[Credential, Bearer] = {}
    tables: set[Literal["session", "token"]] = {one.table for one in asked}
    for table in tables:
        values = {
            "hashes": array([one.hash for one in asked if one.table == table]),
            "ids": array([one.id for one in asked if one.table == table]),
            "idle": SESSION_IDLES,
        }
        for bearer in await tx.rows(Q[f"actors_of_{table}s"], values, as_=Bearer):
            found[Credential(table, hash=bearer.hash)] = bearer
            found[Credential(table, id=bearer.session_id if table == "session" else bearer.token_id)] = bearer
    return found


async def signing_in(tx: Tx, email: str) -> SigningIn | None:
    """The person with this email, and how they prove it."""
    return await tx.maybe(Q["signing_in"], {"email": email}, as_=SigningIn)


async def hold_as_verified(tx: Tx, person: SigningIn) -> bool:
    """Whether the person is still active and has the password that was verified; holds them so."""
    values = {"id": person.id, "password_hash": person.password_hash}
    return await tx.value(Q["still_as_verified"], values) is not None


async def count_attempts(tx: Tx, limits: dict[bytes, int], window: timedelta) -> list[Attempts]:
    """Count one attempt on each key."""
    values = {"keys": list(limits), "limits": list(limits.values()), "window": window}
    return await tx.rows(Q["count_attempts"], values, as_=Attempts)


async def give_back_attempts(tx: Tx, keys: Collection[bytes]) -> None:
    """The attempt was a right one: it does not count."""
    await tx.execute(Q["give_back_attempts"], {"keys": list(keys)})


async def forget_attempts(tx: Tx, key: bytes) -> None:
    """Whoever it was, got in: begin anew."""
    await tx.execute(Q["forget_attempts"], {"key": key})


async def forget_expired(tx: Tx) -> None:
    """Remove sessions that are over and attempts that no longer count."""
    await tx.execute(Q["forget_expired"], {"idle": SESSION_IDLES})


# Sessions


async def add_session(tx: Tx, person_id: int, token_hash: bytes, address: str, agent: str | None) -> Session:
    """A session that begins now."""
    values = {"person_id": person_id, "token_hash": token_hash, "address": address, "user_agent": agent}
    ends = sa.func.now() + sa.cast(SESSION_LASTS, sa.Interval)
    made = sa.insert(sessions).values(**values, expires_at=ends).returning(*SESSION_COLUMNS)
    session = await tx.maybe(made, as_=Session)
    assert session is not None
    return session


async def end_session(tx: Tx, *, token_hash: bytes | None = None, id: int | None = None) -> int | None:  # noqa: A002
    """End one; whose it was."""
    which = sessions.c.token_hash == token_hash if token_hash is not None else sessions.c.id == id
    return await tx.value(sa.delete(sessions).where(which).returning(sessions.c.person_id))


async def end_sessions(tx: Tx, person_id: int, *, but: int | None = None) -> int:
    """End all of a person's sessions but one; how many."""
    return await tx.execute(Q["end_sessions"], {"person_id": person_id, "but": but})


async def sessions_of(tx: Tx, person_id: int) -> list[Session]:
    """A person's sessions, the newest first."""
    live = sa.and_(
        sessions.c.person_id == person_id,
        sessions.c.expires_at > sa.func.now(),
        sessions.c.last_seen_at > sa.func.now() - sa.cast(SESSION_IDLES, sa.Interval),
    )
    return await tx.rows(sa.select(*SESSION_COLUMNS).where(live).order_by(sessions.c.id.desc()), as_=Session)


# People


async def person(tx: Tx, person_id: int, *, lock: bool = False) -> Person | None:
    """A person by id; with `lock`, held until the transaction ends."""
    if lock and await tx.value(Q["lock_person"], {"id": person_id}) is None:
        return None
    return await tx.maybe(Q["person"], {"id": person_id}, as_=Person)


async def person_id_of(tx: Tx, email: str) -> int | None:
    """The id of the person with this email."""
    same = sa.func.lower(people.c.email) == email.lower()
    return await tx.value(sa.select(people.c.id).where(same, people.c.id != 0))


async def add_person(tx: Tx, *, email: str, name: str, role: Role, password_hash: str | None) -> int:
    """A new person; the id."""
    values: dict[str, Any] = {"email": email, "name": name, "role": role, "password_hash": password_hash}
    if password_hash is not None:
        values["password_changed_at"] = sa.func.now()
    return await tx.value(sa.insert(people).values(**values).returning(people.c.id))


async def change_person(tx: Tx, person_id: int, **values: Any) -> None:
    """Set columns of a person; the version rises."""
    both = {**values, "version": people.c.version + 1, "updated_at": sa.func.now()}
    await tx.execute(sa.update(people).where(people.c.id == person_id).values(**both))


async def set_password(
    tx: Tx, person_id: int, password_hash: str, *, once_for: timedelta | None = None
) -> datetime | None:
    """Another password; with `once_for`, good for one sign-in within that time. Until when."""
    until = None if once_for is None else sa.func.now() + sa.cast(once_for, sa.Interval)
    values = {"password_hash": password_hash, "password_changed_at": sa.func.now(), "password_once_until": until}
    made = sa.update(people).where(people.c.id == person_id).values(**values)
    return await tx.value(made.returning(people.c.password_once_until))


async def set_scope(tx: Tx, person_id: int, scope: list[int] | None) -> None:
    """Confine a person to these places; None to none."""
    await tx.execute(Q["set_scope"], {"id": person_id, "scope": scope or []})
    await change_person(tx, person_id, everywhere=scope is None)


async def scope_beyond(tx: Tx, own: list[int], wanted: list[int]) -> list[int]:
    """The places of `wanted` that lie in none of `own`."""
    return await tx.values(Q["scope_beyond"], {"own": own, "wanted": wanted})


async def lock_administrators(tx: Tx) -> list[int]:
    """The ids of all active administrators, who stay so until the transaction ends."""
    return await tx.values(Q["lock_administrators"])


async def list_people(tx: Tx, filters: PeopleFilters, page: PageRequest) -> list[Person]:
    """One more than a page of people."""
    orders = {"": sa.func.lower(people.c.name), "name": sa.func.lower(people.c.name),
              "email": sa.func.lower(people.c.email)}  # fmt: skip
    if page.sort not in orders:
        raise InvalidValue("sort", page.sort, "is no order of this list", orders=["name", "email"])
    order = orders[page.sort]
    scope = sa.func.access_scope_of(people.c.id, people.c.everywhere).label("scope")
    has_factor = sa.exists().where(
        second_factors.c.person_id == people.c.id, second_factors.c.confirmed_at.is_not(None)
    )
    plain = [people.c[n] for n in Person.__struct_fields__ if n not in {"scope", "second_factor"}]
    found = sa.select(*plain, scope, has_factor.label("second_factor")).where(people.c.id != 0)
    if filters.text:
        held = people.c.name.icontains(filters.text, autoescape=True)
        found = found.where(sa.or_(held, people.c.email.icontains(filters.text, autoescape=True)))
    if filters.role is not None:
        found = found.where(people.c.role == filters.role)
    if filters.active is not None:
        found = found.where(people.c.active == filters.active)
    if after := page.after(str, int):
        found = found.where(sa.tuple_(order, people.c.id) > sa.tuple_(sa.func.lower(after[0]), sa.literal(after[1])))
    return await tx.rows(found.order_by(order, people.c.id).limit(page.limit + 1), as_=Person)


# Second factors


async def put_factor(tx: Tx, person_id: int, secret: bytes) -> bool:
    """A second factor to be confirmed, in place of an unconfirmed one; False where there is a confirmed one."""
    made = insert(second_factors).values(person_id=person_id, secret=secret)
    again = made.on_conflict_do_update(
        index_elements=["person_id"],
        set_={"secret": secret, "created_at": sa.func.now(), "last_step": 0},
        where=second_factors.c.confirmed_at.is_(None),
    )
    return await tx.execute(again) == 1


async def factor(tx: Tx, person_id: int, *, confirmed: bool) -> bytes | None:
    """The encrypted secret of a person's second factor; held until the transaction ends."""
    state = second_factors.c.confirmed_at.is_not(None) if confirmed else second_factors.c.confirmed_at.is_(None)
    which = sa.and_(second_factors.c.person_id == person_id, state)
    return await tx.value(sa.select(second_factors.c.secret).where(which).with_for_update())


async def factors(tx: Tx) -> list[tuple[int, bytes]]:
    """All encrypted secrets with their persons; held until the transaction ends."""
    query = sa.select(second_factors.c.person_id, second_factors.c.secret).order_by(second_factors.c.person_id)
    return [(row["person_id"], row["secret"]) for row in await tx.dicts(query.with_for_update())]


async def replace_factor(tx: Tx, person_id: int, secret: bytes) -> None:
    """The same second factor, encrypted anew."""
    await tx.execute(sa.update(second_factors).where(second_factors.c.person_id == person_id).values(secret=secret))


async def confirm_factor(tx: Tx, person_id: int, code_hashes: list[bytes]) -> None:
    """The factor is needed from now on; these are its recovery codes."""
    which = second_factors.c.person_id == person_id
    await tx.execute(sa.update(second_factors).where(which).values(confirmed_at=sa.func.now()))
    await tx.execute(sa.delete(recovery_codes).where(recovery_codes.c.person_id == person_id))
    rows = [{"person_id": person_id, "code_hash": each} for each in code_hashes]
    await tx.execute(sa.insert(recovery_codes).values(rows))


async def take_step(tx: Tx, person_id: int, step: int) -> bool:
    """Use up a time step; False where it, or a later one, was used."""
    return await tx.execute(Q["take_step"], {"person_id": person_id, "step": step}) == 1


async def use_recovery_code(tx: Tx, person_id: int, code_hash: bytes) -> bool:
    """Use up a recovery code; False where there is none such unused."""
    return await tx.execute(Q["use_recovery_code"], {"person_id": person_id, "code_hash": code_hash}) == 1


async def remove_factor(tx: Tx, person_id: int) -> bool:
    """Remove a person's second factor and recovery codes; whether there was one."""
    await tx.execute(sa.delete(recovery_codes).where(recovery_codes.c.person_id == person_id))
    return await tx.execute(sa.delete(second_factors).where(second_factors.c.person_id == person_id)) == 1


# Tokens


async def add_token(
    tx: Tx, person_id: int, *, name: str, hint: str, token_hash: bytes, permissions: list[Permission],
    scope: list[int] | None, expires_at: datetime,
) -> Token:  # fmt: skip
    """A new API token."""
    values = {"person_id": person_id, "name": name, "hint": hint, "token_hash": token_hash, "expires_at": expires_at}
    made = sa.insert(api_tokens).values(**values, permissions=permissions, scope=scope).returning(*TOKEN_COLUMNS)
    token = await tx.maybe(made, as_=Token)
    assert token is not None
    return token


async def token(tx: Tx, token_id: int) -> Token | None:
    """A token by id, held until the transaction ends."""
    return await tx.maybe(sa.select(*TOKEN_COLUMNS).where(api_tokens.c.id == token_id).with_for_update(), as_=Token)


async def revoke_token(tx: Tx, token_id: int) -> None:
    """It is no longer good."""
    await tx.execute(sa.update(api_tokens).where(api_tokens.c.id == token_id).values(revoked_at=sa.func.now()))


async def revoke_tokens(tx: Tx, person_id: int) -> int:
    """None of the person's tokens is good any longer; how many were."""
    return await tx.execute(Q["revoke_tokens"], {"person_id": person_id})


async def list_tokens(tx: Tx, person_id: int | None, page: PageRequest) -> list[Token]:
    """One more than a page of a person's tokens, or of everybody's, the newest first."""
    if page.sort not in {"", "-id"}:
        raise InvalidValue("sort", page.sort, "is no order of this list", orders=["-id"])
    found = sa.select(*TOKEN_COLUMNS).order_by(api_tokens.c.id.desc()).limit(page.limit + 1)
    if person_id is not None:
        found = found.where(api_tokens.c.person_id == person_id)
    if after := page.after(int):
        found = found.where(api_tokens.c.id < after[0])
    return await tx.rows(found, as_=Token)


# The trail


async def write_audit(tx: Tx, actor: Actor, kind: str, rows: list[dict[str, Any]], request_id: str | None) -> None:
    """Add rows to the trail."""
    who = {"actor_id": actor.person_id, "via": actor.via, "kind": kind, "request_id": request_id}
    await tx.execute(Q["write_audit"], {**who, "changes": json.dumps(rows).decode()})


async def list_audit(tx: Tx, filters: AuditFilters, scope: list[int] | None, page: PageRequest) -> list[AuditRow]:
    """One more than a page of the trail, the newest first; of places, those within `scope`."""
    if page.sort not in {"", "-id"}:
        raise InvalidValue("sort", page.sort, "is no order of this list", orders=["-id"])
    log = audit_log.c
    names = [audit_log.c[n] for n in AuditRow.__struct_fields__ if n != "actor"]
    found = sa.select(*names, people.c.name.label("actor")).join(people, people.c.id == log.actor_id)
    same = {"kind": filters.kind, "subject_id": filters.id, "action": filters.action, "actor_id": filters.actor_id}
    found = found.where(*(log[name] == value for name, value in same.items() if value is not None))
    if filters.since is not None:
        found = found.where(log.at >= filters.since)
    if filters.until is not None:
        found = found.where(log.at < filters.until)
    if scope is not None:
        found = found.where(sa.or_(log.path.is_(None), log.path.overlap(scope)))
    if after := page.after(int):
        found = found.where(log.id < after[0])
    return await tx.rows(found.order_by(log.id.desc()).limit(page.limit + 1), as_=AuditRow)
