"""The installation's secret is changed, and nobody is locked out: neither while both count nor after."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pyotp.totp import TOTP
from tests.access.conftest import KEYS, PASSWORD, MakePerson, acting

from perpetua.access import service
from perpetua.access.errors import SecondFactorState
from perpetua.access.types import SYSTEM, Origin, Secrets, SignIn
from perpetua.app import cli, secret_file
from perpetua.app.settings import Settings
from perpetua.kit.database import Database, sql
from perpetua.kit.errors import Conflict, InvalidValue, Unauthenticated

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NEXT = Secrets(key="another secret of thirty-two letters")
BOTH = msgspec.structs.replace(NEXT, old=(KEYS.key,))


@pytest.fixture
async def enrolled(db: Database, make_person: MakePerson) -> tuple[Any, TOTP]:
    """A person whose second factor was made under the first secret."""
    person = await make_person()
    actor = acting(person)
    totp = TOTP((await service.enroll_second_factor(db, actor, KEYS)).secret)
    await service.confirm_second_factor(db, actor, KEYS, totp.at(NOW), clock=lambda: NOW)
    return person, totp


async def sign_in(db: Database, keys: Secrets, enrolled: tuple[Any, TOTP], minutes: int) -> None:
    person, totp = enrolled
    at = NOW + timedelta(minutes=minutes)
    command = SignIn(email=person.email, password=PASSWORD, code=totp.at(at))
    await service.sign_in(db, keys, command, Origin(address=person.email), clock=lambda: at)


async def test_a_second_factor_outlives_the_secret_it_was_made_under(db: Database, enrolled: tuple[Any, TOTP]) -> None:
    with pytest.raises(SecondFactorState):
        await sign_in(db, NEXT, enrolled, 1)
    await sign_in(db, BOTH, enrolled, 2)
    unknown = await service.renew_encryption(db, SYSTEM, NEXT)
    assert (unknown.renewed, unknown.unreadable) == (0, 1)
    await sign_in(db, KEYS, enrolled, 3)  # what no key reads was left as it was
    assert (await service.renew_encryption(db, SYSTEM, BOTH)).renewed == 1
    assert (await service.renew_encryption(db, SYSTEM, BOTH)).renewed == 0
    await sign_in(db, NEXT, enrolled, 4)
    with pytest.raises(SecondFactorState):
        await sign_in(db, KEYS, enrolled, 5)
    async with db.transaction() as tx:
        await tx.execute(sql("DELETE FROM second_factors"))


async def test_a_jwt_is_taken_as_long_as_its_secret_is(db: Database, make_person: MakePerson) -> None:
    person = await make_person()
    begun = await service.sign_in(db, KEYS, SignIn(email=person.email, password=PASSWORD), Origin())
    actor = await service.actor_of(db, KEYS, cookie=begun.token)
    sent = f"Bearer {service.issue_jwt(actor, KEYS).access_token}"
    assert (await service.actor_of(db, BOTH, authorization=sent)).person_id == person.id
    with pytest.raises(Unauthenticated):
        await service.actor_of(db, NEXT, authorization=sent)
    assert (await service.actor_of(db, NEXT, cookie=begun.token)).person_id == person.id  # a session needs no secret


def test_the_kept_secret_is_rotated_and_the_old_one_forgotten(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    first = settings.secret
    assert settings.old_secrets == ()
    secret_file.rotate(tmp_path)
    second = settings.secret
    assert second != first
    assert settings.old_secrets == (first,)
    with pytest.raises(Conflict):
        secret_file.rotate(tmp_path)
    secret_file.forget_old(tmp_path)
    assert (settings.secret, settings.old_secrets) == (second, ())
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_the_commands(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("PERPETUA_HOME", str(tmp_path))

    def run(*words: str) -> tuple[int, Any]:
        code = cli.main([*words, "--json"])
        return code, json.loads(capsys.readouterr().out)

    first = Settings(home=tmp_path).secret
    assert run("secret", "rotate") == (0, {"rotated": True})
    assert Settings(home=tmp_path).old_secrets == (first,)
    assert run("secret", "finish") == (0, {"renewed": 0, "unreadable": 0})
    assert Settings(home=tmp_path).old_secrets == ()
    monkeypatch.setenv("PERPETUA_SECRET", "g" * 40)
    assert run("secret", "rotate")[0] == 1
    monkeypatch.setenv("PERPETUA_OLD_SECRETS", f"{'h' * 40} {'i' * 40}")
    assert Settings.load().old_secrets == ("h" * 40, "i" * 40)
    monkeypatch.setenv("PERPETUA_OLD_SECRETS", "short")
    with pytest.raises(InvalidValue):
        Settings.load()
