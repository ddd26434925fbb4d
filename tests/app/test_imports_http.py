"""Files in and out over HTTP, run by the worker."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.access.conftest import PASSWORD

from perpetua.access import service as access
from perpetua.access.types import SYSTEM, CreatePerson, CreateToken, Role
from perpetua.app import worker
from perpetua.app.imports_jobs import run_import
from perpetua.app.settings import Settings
from perpetua.app.web import create_app
from perpetua.kit.database import Database, sql

Client = httpx.AsyncClient
PRODUCTS = "/api/products/bulk-import"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=Path(tmp_path_factory.mktemp("home")), given_secret="s" * 40)


@pytest.fixture(scope="module")
async def web(db: Database, own: Settings) -> Any:
    return create_app(own, db)


async def signed_in(web: Any, db: Database, email: str, role: Role, **narrow: Any) -> Client:
    made = await access.create_person(db, SYSTEM, CreatePerson(email=email, name=email, role=role, password=PASSWORD))
    command = CreateToken(name="t", expires_at=datetime.now(UTC) + timedelta(days=1), **narrow)
    token = (await access.create_token(db, SYSTEM, command, person_id=made.answer.id)).secret
    headers = {"Authorization": f"Bearer {token}"}
    return Client(transport=httpx.ASGITransport(app=web), base_url="http://perpetua.local", headers=headers)


@pytest.fixture(scope="module")
async def manager(web: Any, db: Database) -> AsyncIterator[Client]:
    async with await signed_in(web, db, "manager@example.com", "inventory_manager") as client:
        yield client


@pytest.fixture(scope="module")
async def blind(web: Any, db: Database) -> AsyncIterator[Client]:
    rights = ["imports.run", "exports.run", "items.read", "items.write"]
    async with await signed_in(web, db, "b@example.com", "inventory_manager", permissions=rights) as client:
        yield client


@pytest.fixture(scope="module")
async def viewer(web: Any, db: Database) -> AsyncIterator[Client]:
    async with await signed_in(web, db, "viewer@example.com", "viewer") as client:
        yield client


def sent(text: str | bytes, name: str = "items.csv") -> dict[str, Any]:
    return {"file": (name, text if isinstance(text, bytes) else text.encode(), "application/octet-stream")}


async def test_upload_run_follow_and_undo(db: Database, own: Settings, manager: Client) -> None:
    text = "Artikel,name,price\nh-1,Hammer,12\nh-2,Nail,x\n"
    form = {"mapping": '{"sku": "Artikel"}'}
    answer = await manager.post(PRODUCTS, files=sent(text, "../../etc/p\u0000asswd\\..\\evil.csv"), data=form)
    assert answer.status_code == 202, answer.text
    made = answer.json()
    assert (made["state"], made["rows_total"], made["source"]) == ("waiting", 2, "evil.csv")
    await worker.run(own, db, until_idle=True)
    where = answer.headers["location"]
    done = (await manager.get(where)).json()
    assert (done["state"], done["rows_good"], done["rows_bad"]) == ("done", 1, 1)
    errors = (await manager.get(f"{where}/errors")).json()["items"]
    assert [(one["line"], one["field"], one["value"]) for one in errors] == [(3, "selling_price", "x")]
    table = await manager.get(f"{where}/errors.csv")
    assert table.text.splitlines()[1].startswith("0,3,selling_price,x,invalid_value,")
    listed = (await manager.get("/api/imports", params={"kind": "products", "limit": 1})).json()
    assert [one["id"] for one in listed["items"]] == [made["id"]]
    out = await manager.get("/api/products/export")
    assert "h-1,Hammer" in out.text
    assert (await manager.post(f"{where}/undo")).json()["state"] == "undone"
    assert (await manager.post(f"{where}/undo")).status_code == 409
    assert "h-1" not in (await manager.get("/api/products/export")).text


async def test_a_large_import_is_undone_by_the_worker(db: Database, own: Settings, manager: Client) -> None:
    rows = "".join(f"big-{n},Item {n}\n" for n in range(2_500))
    made = (await manager.post(PRODUCTS, files=sent("sku,name\n" + rows))).json()
    await run_import(db, made["id"])
    where = f"/api/imports/{made['id']}"
    changed = (await manager.get("/api/products", params={"sku": "big-7"})).json()["items"][0]
    variant = {"id": changed["variants"][0]["id"], "name": "By hand"}
    etag = {"If-Match": f'"{changed["version"]}"'}
    answer = await manager.patch(f"/api/products/{changed['id']}", json={"variants": [variant]}, headers=etag)
    assert answer.status_code == 200, answer.text

    answer = await manager.post(f"{where}/undo")
    assert (answer.status_code, answer.headers["location"], answer.json()["state"]) == (202, where, "undoing")
    await worker.run(own, db, until_idle=True)
    refused = (await manager.get(where)).json()
    assert (refused["state"], refused["undo_done"]) == ("done", 0)
    assert "big-7" in refused["undo_failure"]

    async with db.admin() as tx:
        await tx.execute(sql("UPDATE product_variants SET version = 1 WHERE sku = 'big-7'"))
    assert (await manager.post(f"{where}/undo")).status_code == 202
    await worker.run(own, db, until_idle=True)
    undone = (await manager.get(where)).json()
    assert (undone["state"], undone["undo_failure"], undone["undo_done"], undone["undo_total"]) == (
        "undone", None, 2_500, 2_500,
    )  # fmt: skip
    assert (await manager.get("/api/products", params={"sku": "big-9"})).json()["items"] == []
    assert (await manager.post(f"{where}/undo")).status_code == 409


@pytest.mark.parametrize(
    "content, form, status",
    [
        (b"sku,name\na,\xff\xd0\xb0\xd0\xb0\n", {}, 422),
        (b"", {}, 422),
        (b"sku,name\n1,2\n", {"mapping": "["}, 422),
        (b"sku,name\n1,2\n", {"mapping": '{"sku": "nothing"}'}, 422),
        (b"sku,name\n1,2\n", {"encoding": "klingon"}, 422),
        (b"sku,name\n1,2\n", {"delimiter": ",,"}, 422),
        (b"colour\nred\n", {}, 422),
        (b"PK\x03\x04 no zip", {}, 422),
        (b"\x1f\x8b no gz", {}, 422),
        (b"%PDF-1.7", {}, 422),
    ],
)
async def test_files_that_cannot_be_read_are_refused_at_once(
    manager: Client, content: bytes, form: dict[str, str], status: int
) -> None:
    answer = await manager.post(PRODUCTS, files=sent(content), data=form)
    assert answer.status_code == status, answer.text
    assert answer.json()["code"]


async def test_who_may(db: Database, viewer: Client, blind: Client, manager: Client) -> None:
    text = "sku,name,cost\nv-1,Saw,3.25\nv-2,Axe,\n"
    assert (await viewer.post(PRODUCTS, files=sent(text))).status_code == 403
    assert (await viewer.get("/api/imports")).status_code == 403
    assert "cost_price" not in (await viewer.get("/api/products/export")).text
    made = (await blind.post(PRODUCTS, files=sent(text))).json()
    # The job has no more rights than the token that sent it.
    await run_import(db, made["id"])
    done = (await blind.get(f"/api/imports/{made['id']}")).json()
    assert (done["rows_good"], done["rows_bad"]) == (1, 1)
    assert "3.25" not in (await blind.get(f"/api/imports/{made['id']}/errors")).text
    out = await blind.get("/api/products/export", params={"format": "xlsx"})
    assert out.content.startswith(b"PK")
    assert "cost_price" in (await manager.get("/api/products/export", params={"bom": "true"})).text
    assert (await manager.get("/api/products/export", params={"format": "pdf"})).status_code in (400, 422)
    assert (await manager.post("/api/imports/nothing", files=sent(text))).status_code == 404
    assert (await manager.get("/api/imports/999999")).status_code == 404


async def test_a_sender_who_left_runs_nothing(db: Database, manager: Client) -> None:
    made = (await manager.post(PRODUCTS, files=sent("sku,name\nl-1,Left\n"))).json()
    gone = sql("UPDATE people SET active = %(on)s WHERE email = 'manager@example.com'")
    async with db.admin() as tx:
        await tx.execute(gone, {"on": False})
    await run_import(db, made["id"])
    async with db.admin() as tx:
        await tx.execute(gone, {"on": True})
    assert (await manager.get(f"/api/imports/{made['id']}")).json()["state"] == "failed"
