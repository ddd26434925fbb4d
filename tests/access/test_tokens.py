"""API tokens and JWTs: never more than their owner, over when they are over."""

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from tests.access.conftest import KEYS, PASSWORD, MakePerson, acting

from perpetua.access import service
from perpetua.access.errors import BeyondOwnRights
from perpetua.access.types import SYSTEM, Actor, ChangePerson, CreateToken, Origin, Secrets, SetScope, SignIn, TokenMade
from perpetua.kit.clock import system_clock
from perpetua.kit.database import Database, count_statements, sql
from perpetua.kit.errors import Conflict, InvalidValue, Missing, NotAllowed, Unauthenticated
from perpetua.kit.listing import PageRequest


async def make(db: Database, actor: Actor, days: float = 30, **fields: Any) -> TokenMade:
    expires_at = system_clock() + timedelta(days=days)
    return await service.create_token(db, actor, CreateToken(name="scanner", expires_at=expires_at, **fields))


async def by(db: Database, secret: str, keys: Secrets = KEYS, **extra: Any) -> Actor:
    return await service.actor_of(db, keys, authorization=f"Bearer {secret}", **extra)


async def test_a_token_is_narrower_than_its_owner(
    db: Database, make_person: MakePerson, places: dict[str, int]
) -> None:
    owner = acting(await make_person("warehouse_staff", scope=[places["N"], places["S-Z"]]))
    made = await make(db, owner, permissions=["stock.read", "stock.scan"], scope=[places["N-Z"]])
    actor = await by(db, made.secret)
    assert actor.permissions == {"stock.read", "stock.scan"}
    assert actor.scope_ids == [places["N-Z"]]
    assert (actor.person_id, actor.via, actor.token_id) == (owner.person_id, "token", made.token.id)

    with pytest.raises(BeyondOwnRights):
        await make(db, owner, permissions=["costs.read"])
    with pytest.raises(BeyondOwnRights):
        await make(db, owner, scope=[places["S"]])


async def test_a_token_follows_what_its_owner_loses(
    db: Database, make_person: MakePerson, places: dict[str, int]
) -> None:
    person = await make_person("inventory_manager")
    whole, narrow = await make(db, acting(person)), await make(db, acting(person), scope=[places["S"], places["N-Z-1"]])
    assert "costs.read" in (await by(db, whole.secret)).permissions
    await service.change_person(db, SYSTEM, person.id, ChangePerson(role="viewer"))
    await service.set_scope(db, SYSTEM, person.id, SetScope(scope=[places["N"], places["S-Z"]]))
    actor = await by(db, whole.secret)
    assert "costs.read" not in actor.permissions
    assert actor.scope_ids == [places["N"], places["S-Z"]]
    assert (await by(db, narrow.secret)).scope_ids == [places["N-Z-1"], places["S-Z"]]
    await service.set_scope(db, SYSTEM, person.id, SetScope(scope=[]))
    assert (await by(db, narrow.secret)).scope_ids == []


async def test_revoked_expired_and_unknown_tokens_are_refused(db: Database, make_person: MakePerson) -> None:
    owner = acting(await make_person())
    revoked, expired, live = [await make(db, owner) for _ in range(3)]
    await service.revoke_token(db, owner, revoked.token.id)
    async with db.admin() as tx:
        past = "UPDATE api_tokens SET expires_at = now() - interval '1 second' WHERE id = %(id)s"
        await tx.execute(sql(past), {"id": expired.token.id})
    for secret in (revoked.secret, expired.secret, live.secret[:-1], live.secret + "A", "ppt_", "ppt_x"):
        with pytest.raises(Unauthenticated):
            await by(db, secret)
    await by(db, live.secret)
    await service.change_person(db, SYSTEM, owner.person_id, ChangePerson(active=False))
    with pytest.raises(Unauthenticated):
        await by(db, live.secret)
    with pytest.raises(Conflict):
        await service.create_token(
            db, SYSTEM, CreateToken(name="x", expires_at=system_clock() + timedelta(1)), person_id=owner.person_id
        )


async def test_only_a_token_s_hash_is_kept(db: Database, make_person: MakePerson) -> None:
    made = await make(db, acting(await make_person()))
    async with db.admin() as tx:
        for table in ("api_tokens", "audit_log", "idempotent_commands"):
            assert made.secret not in str(await tx.dicts(sql(f"SELECT * FROM {table}")))
    assert made.secret not in repr(made)


@pytest.mark.parametrize("days", [-1, 0, 367])
async def test_a_token_expires_ahead_and_within_a_year(db: Database, make_person: MakePerson, days: int) -> None:
    with pytest.raises(InvalidValue):
        await make(db, acting(await make_person()), days=days)


async def test_a_token_makes_no_credentials(db: Database, make_person: MakePerson) -> None:
    actor = await by(db, (await make(db, acting(await make_person("administrator")))).secret)
    with pytest.raises(NotAllowed):
        await make(db, actor)
    with pytest.raises(NotAllowed):
        await service.enroll_second_factor(db, actor, KEYS)


async def test_tokens_of_others_are_for_who_administers(db: Database, make_person: MakePerson) -> None:
    owner, other = acting(await make_person()), acting(await make_person())
    made = await make(db, owner)
    with pytest.raises(Missing):
        await service.revoke_token(db, other, made.token.id)
    with pytest.raises(NotAllowed):
        await service.list_tokens(db, other, PageRequest(), person_id=owner.person_id)
    assert (await service.list_tokens(db, other, PageRequest())).items == []
    assert (await service.revoke_token(db, SYSTEM, made.token.id)).revoked_at is not None
    listed = await service.list_tokens(db, SYSTEM, PageRequest(limit=1), everybody=True)
    assert listed.next_cursor is not None


async def session_of(db: Database, make_person: MakePerson) -> Actor:
    person = await make_person()
    command = SignIn(email=person.email, password=PASSWORD)
    begun = await service.sign_in(db, KEYS, command, Origin(address=person.email))
    return await service.actor_of(db, KEYS, cookie=begun.token)


async def test_a_jwt_is_its_session_for_a_quarter_of_an_hour(db: Database, make_person: MakePerson) -> None:
    actor = await session_of(db, make_person)
    made = service.issue_jwt(actor, KEYS)
    assert timedelta(minutes=14) < made.expires_at - system_clock() <= timedelta(minutes=15)
    by_jwt = await by(db, made.access_token)
    assert (by_jwt.person_id, by_jwt.via, by_jwt.session_id) == (actor.person_id, "jwt", actor.session_id)
    with pytest.raises(NotAllowed):
        service.issue_jwt(by_jwt, KEYS)
    with pytest.raises(NotAllowed):
        service.issue_jwt(SYSTEM, KEYS)
    with pytest.raises(Unauthenticated):
        await by(db, made.access_token, clock=lambda: system_clock() + timedelta(minutes=16))
    await service.sign_out_everywhere(db, actor)
    with pytest.raises(Unauthenticated):
        await by(db, made.access_token)


async def test_a_jwt_of_a_token_has_the_token_s_rights(db: Database, make_person: MakePerson) -> None:
    made = await make(db, acting(await make_person()), permissions=["items.read"])
    token = await by(db, made.secret)
    by_jwt = await by(db, service.issue_jwt(token, KEYS).access_token)
    assert by_jwt.permissions == {"items.read"}
    await service.revoke_token(db, SYSTEM, made.token.id)
    with pytest.raises(Unauthenticated):
        await by(db, service.issue_jwt(token, KEYS).access_token)


async def test_forged_jwts_are_refused(db: Database, make_person: MakePerson) -> None:
    actor = await session_of(db, make_person)
    now = int(system_clock().timestamp())
    good = {"iss": "perpetua", "aud": "perpetua", "sub": "1", "iat": now, "exp": now + 60, "sid": actor.session_id}
    ours = OctKey.import_key(KEYS.key_for("jwt"))
    theirs = OctKey.import_key("another key of more than 32 letters, say")

    def signed(key: OctKey = ours, **other: Any) -> str:
        claims = {name: value for name, value in {**good, **other}.items() if value is not None}
        return jwt.encode({"alg": "HS256"}, claims, key)

    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    await by(db, signed())
    _, body, signature = signed().split(".")
    forged = [
        signed(theirs),
        signed(aud="other"),
        signed(iss="other"),
        signed(exp=now - 1),
        signed(exp=now + 3600),
        signed(exp=None),
        signed(aud=None),
        signed(sid=None),
        signed(sid="1 OR 1=1"),
        signed(sid=True),
        signed(sid=None, tid=10**17),
        f"{part({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        f"{part({'alg': 'HS512', 'typ': 'JWT'})}.{body}.{signature}",
        f"{part({'alg': 'HS256'})}.{part([1])}.{signature}",
        "a.b.c",
        "é.b.c",
        "....",
        "x" * 5000,
    ]
    for each in forged:
        with pytest.raises(Unauthenticated):
            await by(db, each)
    with pytest.raises(Unauthenticated):
        await by(db, signed(), msgspec.structs.replace(KEYS, key="some other installation's secret, long"))
    for header in ("", "Bearer", "Basic YTpi", "Bearer  ", "bearer\tx"):
        with pytest.raises(Unauthenticated):
            await service.actor_of(db, KEYS, authorization=header, cookie="whatever")


async def test_who_asks_is_one_statement(db: Database, make_person: MakePerson) -> None:
    made = await make(db, acting(await make_person()))
    with count_statements() as statements:
        await by(db, made.secret)
    assert statements == ["actors_of_tokens"]


def test_each_purpose_has_its_own_key() -> None:
    assert KEYS.key_for("jwt") != KEYS.key_for("second-factor") != KEYS.key.encode()
    assert KEYS.key not in repr(KEYS)


async def test_callers_at_the_same_time_are_looked_up_together(db: Database, make_person: MakePerson) -> None:
    actor = acting(await make_person())
    one, other = await make(db, actor), await make(db, actor)
    callers = service.Callers(db, KEYS)

    async def who(secret: str) -> Actor:
        return await callers.actor_of(cookie=None, authorization=f"Bearer {secret}")

    with count_statements() as statements:
        found = await asyncio.gather(who(one.secret), who(other.secret), who(one.secret))
    assert statements == ["actors_of_tokens"]
    assert [actor.token_id for actor in found] == [one.token.id, other.token.id, one.token.id]
    await service.revoke_token(db, actor, one.token.id)
    with pytest.raises(Unauthenticated):
        await who(one.secret)
    assert (await who(other.secret)).token_id == other.token.id
