"""Search over HTTP and on the command line: the same answers, and a clear one to anything."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from litestar.testing import AsyncTestClient

from perpetua.access import service as access
from perpetua.access.types import SYSTEM, CreatePerson, CreateToken
from perpetua.app import web
from perpetua.app.settings import Settings
from perpetua.kit.database import Database, sql


@pytest.fixture(scope="module")
async def shop(db: Database) -> Database:
    """One item."""
    async with db.transaction() as tx:
        await tx.execute(
            sql("""WITH p AS (INSERT INTO products (name, first_sku) VALUES ('Blue gloves', 'GLV-1') RETURNING id)
                   INSERT INTO product_variants (product_id, sku, name) SELECT id, 'GLV-1', 'Blue gloves' FROM p""")
        )
    return db


@pytest.fixture(scope="module")
async def client(shop: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AsyncTestClient]:
    settings = Settings(home=Path(tmp_path_factory.mktemp("home")), given_secret="s" * 40)
    async with AsyncTestClient(web.create_app(settings, shop), base_url="http://perpetua.local") as made:
        yield made


@pytest.fixture
async def bearer(shop: Database) -> dict[str, str]:
    """A viewer's token, as headers."""
    command = CreatePerson(email="v@example.com", name="Vic", role="viewer", password="three wet forklifts")
    person = (await access.create_person(shop, SYSTEM, command)).answer
    token = CreateToken(name="search", expires_at=datetime.now(UTC) + timedelta(days=1))
    made = await access.create_token(shop, SYSTEM, token, person_id=person.id)
    return {"Authorization": f"Bearer {made.secret}"}


async def test_search_over_http(client: AsyncTestClient, bearer: dict[str, str]) -> None:
    answer = await client.get("/api/search", params={"q": "glove bleu"}, headers=bearer)
    assert answer.status_code == 200, answer.text
    (hit,) = answer.json()["items"]
    assert (hit["sku"], hit["matched"][1]["found"]) == ("GLV-1", "blue")
    for q in ("%_\\\\'", "😀", "&|!()<->:*", "..."):
        answer = await client.get("/api/search", params={"q": q}, headers=bearer)
        assert (answer.status_code, answer.json()["items"]) == (200, [])
    for params in (
        {"q": ""},
        {"q": "x" * 5000},
        {"q": "a\x00"},
        {},
        {"q": "a", "limit": "0"},
        {"q": "a", "owner": "-1"},
    ):
        answer = await client.get("/api/search", params=params, headers=bearer)
        assert answer.status_code in (400, 414, 422), (params, answer.text)
        assert answer.json()["title"]


async def test_search_needs_a_reader(client: AsyncTestClient) -> None:
    answer = await client.get("/api/search", params={"q": "gloves"})
    assert answer.status_code == 401


def test_search_on_the_command_line(
    shop: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from perpetua.app.cli import main

    monkeypatch.setenv("DATABASE_URL", shop.url)
    monkeypatch.setenv("PERPETUA_HOME", str(tmp_path))
    assert main(["search", "bleu", "glvoes", "--json"]) == 0
    (hit,) = json.loads(capsys.readouterr().out)
    assert (hit["sku"], [one["how"] for one in hit["matched"]]) == ("GLV-1", ["typo", "typo"])
    assert main(["search", " "]) == 1
