"""Signing in: sessions, generic refusals, lock-out over many at once, second factor, one-time passwords."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta

import pytest
from pyotp.totp import TOTP
from tests.access.conftest import KEYS, PASSWORD, MakePerson, acting

from perpetua.access import service
from perpetua.access.errors import (
    PasswordChangeNeeded,
    SecondFactorNeeded,
    SecondFactorState,
    SignInRefused,
    TooManyAttempts,
    WeakPassword,
    WrongCode,
)
from perpetua.access.service import attempts
from perpetua.access.types import SYSTEM, ChangePassword, ChangePerson, Origin, Person, SignedIn, SignIn
from perpetua.kit.database import Database, sql
from perpetua.kit.errors import NotAllowed, Unauthenticated

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


async def enter(db: Database, who: Person | str, password: str = PASSWORD, **extra: str) -> SignedIn:
    email = who if isinstance(who, str) else who.email
    address = extra.pop("address", email)  # each test its own address
    replaces = extra.pop("replaces", None)
    command = SignIn(email=email, password=password, **extra)
    return await service.sign_in(db, KEYS, command, Origin(address=address), replaces=replaces, clock=lambda: NOW)


async def test_a_session_speaks_for_its_person(db: Database, make_person: MakePerson, places: dict[str, int]) -> None:
    scope = [places["N"], places["S-Z"]]
    person = await make_person("warehouse_staff", scope=scope)
    signed_in = await enter(db, person.email.upper())
    actor = await service.actor_of(db, KEYS, cookie=signed_in.token)
    assert (actor.person_id, actor.role, actor.via) == (person.id, "warehouse_staff", "session")
    assert actor.scope_ids == scope
    assert not actor.sees_costs
    assert signed_in.me.scope == scope
    (session,) = await service.list_sessions(db, actor)
    assert session.current


async def test_only_the_hash_of_a_session_is_kept(db: Database, make_person: MakePerson) -> None:
    person = await make_person()
    token = (await enter(db, person)).token
    async with db.admin() as tx:
        for table in ("sessions", "people", "audit_log", "sign_in_attempts"):
            kept = str(await tx.dicts(sql(f"SELECT * FROM {table}")))
            assert token not in kept
            assert PASSWORD not in kept


async def test_refusals_do_not_tell_who_exists(db: Database, make_person: MakePerson) -> None:
    person, gone, bare = await make_person(), await make_person(), await make_person(password=None)
    await service.change_person(db, SYSTEM, gone.id, ChangePerson(active=False))
    told = []
    for email, password in [
        (person.email, "a wrong password"),
        ("nobody@example.com", PASSWORD),
        (gone.email, PASSWORD),
        (bare.email, ""),
        ("system@perpetua.invalid", PASSWORD),
    ]:
        with pytest.raises(SignInRefused) as refused:
            await enter(db, email, password)
        told.append((refused.value.code, refused.value.detail, refused.value.facts))
    assert all(each == told[0] for each in told)


async def test_what_the_browser_brought_along_is_ended_not_taken_over(db: Database, make_person: MakePerson) -> None:
    attacker, victim = await make_person(), await make_person()
    planted = (await enter(db, attacker)).token
    fresh = (await enter(db, victim, replaces=planted)).token
    assert fresh != planted
    assert (await service.actor_of(db, KEYS, cookie=fresh)).person_id == victim.id
    with pytest.raises(Unauthenticated):
        await service.actor_of(db, KEYS, cookie=planted)


async def test_attempts_at_once_get_no_more_tries(db: Database, make_person: MakePerson) -> None:
    person = await make_person()
    wrong = [enter(db, person, f"wrong guess {n}") for n in range(40)]
    answers = await asyncio.gather(*wrong, return_exceptions=True)
    tried = [each for each in answers if isinstance(each, SignInRefused)]
    locked = [each for each in answers if isinstance(each, TooManyAttempts)]
    assert len(tried) == attempts.ACCOUNT_LIMIT
    assert len(locked) == 30
    assert all(0 < each.retry_after_seconds <= 900 for each in locked)
    with pytest.raises(TooManyAttempts):
        await enter(db, person)  # the right one as well
    async with db.transaction() as tx:
        said = await tx.values(
            sql("SELECT action FROM audit_log WHERE kind = 'person' AND subject_id = %(id)s ORDER BY id"),
            {"id": str(person.id)},
        )
    assert said == ["created", "locked_out"]


async def test_an_account_that_does_not_exist_locks_alike(db: Database) -> None:
    answers = await asyncio.gather(
        *(enter(db, "ghost@example.com", f"wrong guess {n}") for n in range(12)), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in answers) == ["SignInRefused"] * 10 + ["TooManyAttempts"] * 2


async def test_a_lock_ends_and_success_forgets(db: Database, make_person: MakePerson) -> None:
    person = await make_person()
    for _ in range(9):
        with pytest.raises(SignInRefused):
            await enter(db, person, "a wrong password")
    await enter(db, person)
    for _ in range(10):
        with pytest.raises(SignInRefused):
            await enter(db, person, "a wrong password")
    with pytest.raises(TooManyAttempts):
        await enter(db, person)
    async with db.admin() as tx:
        await tx.execute(sql("UPDATE sign_in_attempts SET until = now() - interval '1 second'"))
    await enter(db, person)


async def test_an_address_is_stopped_whatever_accounts_it_tries(
    db: Database, make_person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "ADDRESS_LIMIT", 4)
    person = await make_person()
    tries = [f"{n}@example.net" for n in range(6)]
    answers = [await _outcome(enter(db, email, address=f"2001:db8::{n}")) for n, email in enumerate(tries)]
    assert answers == ["SignInRefused"] * 4 + ["TooManyAttempts"] * 2
    assert await _outcome(enter(db, person, address="2001:db8::99")) == "TooManyAttempts"
    assert await _outcome(enter(db, person, address="2001:db8:1::1")) == "SignedIn"


async def _outcome(attempt: Awaitable[object]) -> str:
    try:
        return type(await attempt).__name__
    except (SignInRefused, TooManyAttempts) as refusal:
        return type(refusal).__name__


async def test_second_factor_from_enrolment_to_recovery(db: Database, make_person: MakePerson) -> None:
    person = await make_person()
    actor = await service.actor_of(db, KEYS, cookie=(await enter(db, person)).token)
    made = await service.enroll_second_factor(db, actor, KEYS)
    assert made.secret in made.uri
    await enter(db, person)  # not asked for before it is confirmed

    totp = TOTP(made.secret)
    with pytest.raises(WrongCode):
        await service.confirm_second_factor(db, actor, KEYS, "000000", clock=lambda: NOW)
    first = totp.at(NOW)
    codes = (await service.confirm_second_factor(db, actor, KEYS, first, clock=lambda: NOW)).recovery_codes
    with pytest.raises(SecondFactorState):
        await service.enroll_second_factor(db, actor, KEYS)

    with pytest.raises(SecondFactorNeeded):
        await enter(db, person)
    with pytest.raises(SignInRefused):
        await enter(db, person, code=first)  # was used to confirm
    ahead = totp.at(NOW + timedelta(seconds=30))
    answers = await asyncio.gather(*(_outcome(enter(db, person, code=ahead)) for _ in range(4)))
    assert sorted(answers) == ["SignInRefused"] * 3 + ["SignedIn"]
    with pytest.raises(SignInRefused):
        await enter(db, person, code=totp.at(NOW + timedelta(seconds=90)))

    assert (await enter(db, person, code=codes[0].upper().replace("-", " "))).me.second_factor
    with pytest.raises(SignInRefused):
        await enter(db, person, code=codes[0])

    async with db.admin() as tx:
        kept = await tx.dicts(sql("SELECT secret FROM second_factors WHERE person_id = %(id)s"), {"id": person.id})
        assert made.secret.encode() not in bytes(kept[0]["secret"])

    with pytest.raises(WrongCode):
        await service.disable_second_factor(db, actor, KEYS, "not the password", codes[1])
    await service.disable_second_factor(db, actor, KEYS, PASSWORD, codes[1])
    await enter(db, person)


async def test_a_lost_second_factor_is_reset_by_an_administrator(db: Database, make_person: MakePerson) -> None:
    person = await make_person()
    actor = acting(person)
    made = await service.enroll_second_factor(db, actor, KEYS)
    await service.confirm_second_factor(db, actor, KEYS, TOTP(made.secret).at(NOW), clock=lambda: NOW)
    with pytest.raises(NotAllowed):
        await service.reset_second_factor(db, actor, person.id)
    await service.reset_second_factor(db, SYSTEM, person.id)
    await enter(db, person)


async def test_a_one_time_password_is_good_once_and_must_be_replaced(db: Database, make_person: MakePerson) -> None:
    person = await make_person()
    before = (await enter(db, person)).token
    given = await service.reset_password(db, SYSTEM, person.id)
    with pytest.raises(Unauthenticated):
        await service.actor_of(db, KEYS, cookie=before)
    with pytest.raises(SignInRefused):
        await enter(db, person)
    with pytest.raises(PasswordChangeNeeded):
        await enter(db, person, given.password)
    with pytest.raises(WeakPassword):
        await enter(db, person, given.password, new_password=given.password)
    await enter(db, person, given.password, new_password="four dry pallets")
    with pytest.raises(SignInRefused):
        await enter(db, person, given.password, new_password="five dry pallets")
    await enter(db, person, "four dry pallets")


async def test_a_one_time_password_is_over_after_a_day(db: Database, make_person: MakePerson) -> None:
    person = await make_person()
    given = await service.reset_password(db, SYSTEM, person.id)
    async with db.admin() as tx:
        await tx.execute(
            sql("UPDATE people SET password_once_until = now() - interval '1 second' WHERE id = %(id)s"),
            {"id": person.id},
        )
    with pytest.raises(SignInRefused):
        await enter(db, person, given.password, new_password="four dry pallets")


async def test_another_password_ends_the_other_sessions(db: Database, make_person: MakePerson) -> None:
    person = await make_person()
    here, elsewhere = (await enter(db, person)).token, (await enter(db, person)).token
    actor = await service.actor_of(db, KEYS, cookie=here)
    with pytest.raises(WrongCode):
        await service.change_password(db, actor, ChangePassword(password="not it", new_password="four dry pallets"))
    for weak in ("short", "password1234", PASSWORD, person.email):
        with pytest.raises(WeakPassword):
            await service.change_password(db, actor, ChangePassword(password=PASSWORD, new_password=weak))
    await service.change_password(db, actor, ChangePassword(password=PASSWORD, new_password="four dry pallets"))
    await service.actor_of(db, KEYS, cookie=here)
    with pytest.raises(Unauthenticated):
        await service.actor_of(db, KEYS, cookie=elsewhere)
    await enter(db, person, "four dry pallets")


async def test_sessions_end(db: Database, make_person: MakePerson) -> None:
    person = await make_person()
    tokens = [(await enter(db, person)).token for _ in range(5)]
    await service.sign_out(db, tokens[0])
    async with db.admin() as tx:
        ids = await tx.values(sql("SELECT id FROM sessions WHERE person_id = %(id)s ORDER BY id"), {"id": person.id})
        for column, which, ago in (("expires_at", ids[0], "1 second"), ("last_seen_at", ids[1], "4 hours")):
            changed = f"UPDATE sessions SET {column} = now() - interval '{ago}' WHERE id = %(id)s"
            await tx.execute(sql(changed), {"id": which})
    for over in tokens[:3]:
        with pytest.raises(Unauthenticated):
            await service.actor_of(db, KEYS, cookie=over)
    actor = await service.actor_of(db, KEYS, cookie=tokens[3])
    assert len(await service.list_sessions(db, actor)) == 2
    assert await service.sign_out_everywhere(db, actor) == 4
    with pytest.raises(Unauthenticated):
        await service.actor_of(db, KEYS, cookie=tokens[4])


async def test_deactivation_bites_at_once_and_nothing_returns(db: Database, make_person: MakePerson) -> None:
    person = await make_person()
    token = (await enter(db, person)).token
    jwt = service.issue_jwt(await service.actor_of(db, KEYS, cookie=token), KEYS).access_token
    await service.actor_of(db, KEYS, authorization=f"Bearer {jwt}")
    await service.change_person(db, SYSTEM, person.id, ChangePerson(active=False))
    await service.change_person(db, SYSTEM, person.id, ChangePerson(active=True))
    with pytest.raises(Unauthenticated):
        await service.actor_of(db, KEYS, cookie=token)
    with pytest.raises(Unauthenticated):
        await service.actor_of(db, KEYS, authorization=f"Bearer {jwt}")


async def test_what_is_over_is_tidied_away(db: Database, make_person: MakePerson) -> None:
    person = await make_person()
    await enter(db, person)
    live = (await enter(db, person)).token
    async with db.admin() as tx:
        oldest = "(SELECT min(id) FROM sessions WHERE person_id = %(id)s)"
        ended = f"UPDATE sessions SET expires_at = now() - interval '1 second' WHERE id = {oldest}"
        await tx.execute(sql(ended), {"id": person.id})
        await tx.execute(sql("UPDATE sign_in_attempts SET until = now() - interval '1 second'"))
    await service.tidy(db)
    async with db.transaction() as tx:
        left = await tx.value(sql("SELECT count(*) FROM sessions WHERE person_id = %(id)s"), {"id": person.id})
        assert left == 1
        assert await tx.value(sql("SELECT count(*) FROM sign_in_attempts")) == 0
    await service.actor_of(db, KEYS, cookie=live)
