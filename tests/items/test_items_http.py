"""Items over HTTP: what goes in and out, headers, and what each reader may see."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar, Request
from litestar.di import Provide
from litestar.testing import AsyncTestClient

from perpetua.access.types import ROLES, Actor
from perpetua.app import problems
from perpetua.app.request import JsonRequest
from perpetua.items.http import handlers
from perpetua.items.rules import check_digit
from perpetua.kit.database import Database
from perpetua.kit.http import page_of_query
from perpetua.kit.objects import DiskStore

Client = AsyncTestClient[Litestar]
VIEWER = {"X-Role": "viewer"}
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(20)
JPEG = b"\xff\xd8\xff\xe0" + bytes(20)
WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8 " + bytes(20)


async def actor_of(request: Request[Any, Any, Any]) -> Actor:
    role: Any = request.headers.get("X-Role", "inventory_manager")
    return Actor(person_id=0, name=role, role=role, permissions=ROLES[role])


@pytest.fixture(scope="module")
async def client(db: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    objects = DiskStore(Path(tmp_path_factory.mktemp("objects")))
    app = Litestar(
        route_handlers=list(handlers),
        dependencies={
            "db": Provide(lambda: db, sync_to_thread=False),
            "objects": Provide(lambda: objects, sync_to_thread=False),
            "actor": Provide(actor_of),
            "page": Provide(page_of_query, sync_to_thread=False),
        },
        exception_handlers=problems.HANDLERS,
        request_class=JsonRequest,
        openapi_config=None,
    )
    async with AsyncTestClient(app, base_url="http://perpetua.local") as made:
        yield made


async def make(client: Client, sku: str, **fields: Any) -> dict[str, Any]:
    body = {"name": f"Thing {sku}", "variants": [{"sku": sku, "cost_price": "7.77"}], **fields}
    answer = await client.post("/api/products", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_product_goes_in_and_comes_out(client: Client) -> None:
    body = {"name": "Lamp", "attributes": {"watt": 9}, "variants": [{"sku": "LAMP", "cost_price": "3.20"}]}
    first = await client.post("/api/products", json=body, headers={"Idempotency-Key": "lamp"})
    again = await client.post("/api/products", json=body, headers={"Idempotency-Key": "lamp"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replayed"] == "true"
    read = await client.get(f"/api/products/{first.json()['id']}")
    assert read.headers["ETag"] == first.headers["ETag"] == '"1"'
    assert read.json() == first.json()
    assert read.json()["variants"][0]["cost_price"] == "3.2"


async def test_a_viewer_never_meets_a_cost(client: Client) -> None:
    made = await make(client, "SECRET", variants=[{"sku": "SECRET", "cost_price": "31.415926"}])
    variant = made["variants"][0]["id"]
    for path in (
        f"/api/products/{made['id']}",
        "/api/products?sku=secret",
        f"/api/variants/{variant}",
        "/api/products?sort=cost_price",
        "/api/products?sort=-cost_price",
    ):
        answer = await client.get(path, headers=VIEWER)
        assert "31.41" not in answer.text
        assert "cost_price" not in answer.text or answer.status_code == 403
    refused = await client.get("/api/products?sort=cost_price", headers=VIEWER)
    assert (refused.status_code, refused.json()["field"]) == (403, "sort")
    assert (await client.get("/api/products?sort=cost_price")).status_code == 422


async def test_a_change_needs_the_version_it_was_made_against(client: Client) -> None:
    made = await make(client, "VERS")
    path = f"/api/products/{made['id']}"
    assert (await client.patch(path, json={"name": "x"})).status_code == 428
    changed = await client.patch(path, json={"name": "New"}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    stale = await client.patch(path, json={"name": "Old"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current"]) == (412, 2)
    variant = made["variants"][0]["id"]
    one = await client.get(f"/api/variants/{variant}")
    changed = await client.patch(
        f"/api/variants/{variant}", json={"selling_price": "12.50"}, headers={"If-Match": one.headers["ETag"]}
    )
    assert changed.json()["selling_price"] == "12.5"


async def test_a_list_is_read_in_pages_in_each_order(client: Client) -> None:
    top = (await client.post("/api/categories", json={"code": "PAGED", "name": "Paged"})).json()["id"]
    below = (await client.post("/api/categories", json={"code": "BELOW", "name": "B", "parent_id": top})).json()["id"]
    skus = [f"pg-{n}" if n % 2 else f"PG-{n}" for n in range(7)]
    for sku in skus:
        await make(client, sku, category_id=below, name="Same" if sku in skus[:4] else sku)
    for sort in ("sku", "-sku", "name", "-name", "updated_at", "-updated_at"):
        seen: list[str] = []
        cursor = ""
        while True:
            answer = await client.get(f"/api/products?category={top}&sort={sort}&limit=3{cursor}")
            assert answer.status_code == 200, answer.text
            seen += [product["variants"][0]["sku"] for product in answer.json()["items"]]
            if not answer.json()["next_cursor"]:
                break
            cursor = f"&cursor={answer.json()['next_cursor']}"
        assert sorted(seen) == sorted(skus), sort
        if sort == "-sku":
            assert [sku.upper() for sku in seen] == sorted((sku.upper() for sku in skus), reverse=True)


async def test_a_list_is_narrowed(client: Client) -> None:
    owner = (await client.post("/api/owners", json={"code": "ACME", "name": "Acme"})).json()["id"]
    variants = [{"sku": "NAR-1", "attributes": {"colour": "teal", "size": "L"}}]
    made = await make(client, "NAR-1", owner_id=owner, variants=variants, attributes={"brand": "Zed"})

    async def found(query: str) -> list[int]:
        answer = await client.get(f"/api/products?{query}")
        assert answer.status_code == 200, answer.text
        return [product["id"] for product in answer.json()["items"]]

    for query in (f"owner={owner}", 'attributes={"colour":"teal"}', 'attributes={"brand":"Zed"}', "sku=nar-1"):
        assert await found(query) == [made["id"]], query
    assert await found(f"owner={owner}&active=false") == []
    assert await found("q=nar-1") == [made["id"]]
    assert await found(f"q=thingg NAR&owner={owner}") == [made["id"]]
    assert await found("q=nar-1&owner=1") == []
    assert (await client.get("/api/products?q=nar&sort=name")).status_code == 422
    assert await found("updated_since=2190-01-01") == []
    assert made["id"] in await found("updated_since=2020-01-01&limit=1000")
    assert (await client.get("/api/products?attributes=[1]")).status_code == 422
    assert (await client.get("/api/products?updated_since=soon")).status_code == 422
    assert (await client.get("/api/products?cursor=abc")).status_code == 422


async def test_barcodes_are_added_looked_up_and_removed(client: Client) -> None:
    variant = (await make(client, "CODED"))["variants"][0]["id"]
    gtin = "900000000011" + str(check_digit("900000000011"))
    case = {"code": f"{gtin}", "level": "case", "units": "12"}
    added = await client.post(f"/api/variants/{variant}/barcodes", json=case)
    assert (added.status_code, added.json()["code"]) == (201, gtin.zfill(14))
    for scanned in (gtin, f"]C101{gtin.zfill(14)}10LOT", gtin.zfill(14)):
        found = (await client.get(f"/api/barcodes/{scanned}", headers=VIEWER)).json()
        assert (found["sku"], found["units"], found["level"]) == ("CODED", "12", "case")
    taken = await client.post(f"/api/variants/{variant}/barcodes", json=case)
    assert (taken.status_code, taken.json()["held_by"]) == (409, "CODED")
    wrong = await client.post(f"/api/variants/{variant}/barcodes", json={"code": "4006381333930"})
    assert (wrong.status_code, wrong.json()["expected"]) == (422, 1)
    path = f"/api/variants/{variant}/barcodes/{added.json()['id']}"
    assert (await client.delete(path)).status_code == 204
    assert (await client.delete(path)).status_code == 404
    assert (await client.get(f"/api/barcodes/{gtin}")).status_code == 404


async def test_categories_move_without_cycles_and_go_when_empty(client: Client) -> None:
    a = (await client.post("/api/categories", json={"code": "A", "name": "A"})).json()
    b = (await client.post("/api/categories", json={"code": "B", "name": "B", "parent_id": a["id"]})).json()
    c = (await client.post("/api/categories", json={"code": "C", "name": "C", "parent_id": b["id"]})).json()
    assert c["path"] == [a["id"], b["id"], c["id"]]

    async def move(category: dict[str, Any], parent: int | None) -> Any:
        tag = (await client.get(f"/api/categories/{category['id']}")).headers["ETag"]
        return await client.patch(
            f"/api/categories/{category['id']}", json={"parent_id": parent}, headers={"If-Match": tag}
        )

    for parent in (a["id"], c["id"], 10**12):
        assert (await move(a, parent)).status_code == 422
    assert (await move(b, None)).json()["path"] == [b["id"]]
    assert (await client.get(f"/api/categories/{c['id']}")).json()["path"] == [b["id"], c["id"]]
    full = await client.delete(f"/api/categories/{b['id']}", headers={"If-Match": '"2"'})
    assert (full.status_code, full.json()["children"]) == (409, 1)
    assert (await client.delete(f"/api/categories/{c['id']}", headers={"If-Match": '"1"'})).status_code == 204
    again = await client.post("/api/categories", json={"code": "a", "name": "A"})
    assert (again.status_code, again.json()["code"]) == (409, "code_taken")
    children = await client.get(f"/api/categories?parent_id={a['id']}")
    assert children.json() == {"items": [], "next_cursor": None}


async def test_units_are_fixed_once_items_stand_on_them(client: Client) -> None:
    crate = {"code": "crate", "name": "Crate", "decimals": 0, "base_code": "EACH", "factor_num": 24}
    made = await client.post("/api/units", json=crate)
    assert (made.status_code, made.json()["base_code"]) == (201, "each")
    assert (await client.post("/api/units", json={**crate, "code": "CRATE"})).status_code == 409
    assert (await client.post("/api/units", json={**crate, "code": "x", "base_code": "dozen"})).status_code == 422
    assert (await client.post("/api/units", json={**crate, "code": "a b"})).status_code == 422
    changed = await client.patch("/api/units/crate", json={"factor_num": 20}, headers={"If-Match": '"1"'})
    assert changed.json()["factor_num"] == 20
    await make(client, "CRATED", variants=[{"sku": "CRATED", "unit": "Crate"}])
    used = await client.patch("/api/units/crate", json={"factor_num": 24}, headers={"If-Match": '"2"'})
    assert (used.status_code, used.json()["variants"]) == (409, 1)
    named = await client.patch("/api/units/crate", json={"name": "Beer crate"}, headers={"If-Match": '"2"'})
    assert named.json()["name"] == "Beer crate"
    assert (await client.delete("/api/units/crate", headers={"If-Match": '"3"'})).status_code == 409
    codes = [unit["code"] for unit in (await client.get("/api/units", headers=VIEWER)).json()]
    assert {"each", "kg", "m", "crate"} <= set(codes)


async def test_the_company_stays_an_owner(client: Client) -> None:
    refused = await client.patch("/api/owners/1", json={"active": False}, headers={"If-Match": '"1"'})
    assert refused.status_code == 409
    made = (await client.post("/api/owners", json={"code": "GONE", "name": "Gone"})).json()
    path = f"/api/owners/{made['id']}"
    assert not (await client.patch(path, json={"active": False}, headers={"If-Match": '"1"'})).json()["active"]
    answer = await client.post("/api/products", json={"name": "x", "owner_id": made["id"], "variants": [{"sku": "GO"}]})
    assert (answer.status_code, answer.json()["field"]) == (422, "owner_id")


@pytest.mark.parametrize("content, kind", [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")])
async def test_a_picture_is_kept_by_its_content(client: Client, content: bytes, kind: str) -> None:
    product = (await make(client, f"PIC-{kind}"))["id"]
    files = {"data": ("../../etc/passwd", io.BytesIO(content), "text/html")}
    added = await client.post(f"/api/products/{product}/images", files=files)
    assert added.status_code == 201, added.text
    image = added.json()
    assert (image["media_type"], image["size_bytes"]) == (kind, len(content))
    again = await client.post(f"/api/products/{product}/images", files={"data": ("b", io.BytesIO(content))})
    assert again.json()["id"] == image["id"]
    read = await client.get(f"/api/images/{image['sha256']}", headers=VIEWER)
    assert (read.content, read.headers["Content-Type"]) == (content, kind)
    assert read.headers["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in read.headers["Cache-Control"]
    assert (await client.get(f"/api/products/{product}")).json()["images"] == [image]
    path = f"/api/products/{product}/images/{image['id']}"
    assert (await client.delete(path)).status_code == 204
    assert (await client.delete(path)).status_code == 404


async def test_what_is_no_picture_is_refused(client: Client) -> None:
    product = (await make(client, "NOPIC"))["id"]
    path = f"/api/products/{product}/images"
    for content in (b"", b"<svg onload=alert(1)>", b"GIF89a", b"\x89PNG", b"RIFF0000AVI "):
        answer = await client.post(path, files={"data": ("a.png", io.BytesIO(content), "image/png")})
        assert answer.status_code == 415, answer.text
    large = await client.post(path, files={"data": ("a.png", io.BytesIO(PNG + bytes(5_000_000)), "image/png")})
    assert large.status_code == 413
    assert (await client.post("/api/products/999999/images", files={"data": ("a", io.BytesIO(PNG))})).status_code == 404
    for name in ("../../secret", "0" * 64, "%2e%2e%2fpasswd"):
        assert (await client.get(f"/api/images/{name}")).status_code == 404


async def test_who_only_reads_writes_nothing(client: Client) -> None:
    for method, path, body in (
        ("POST", "/api/products", {"name": "x", "variants": [{"sku": "x"}]}),
        ("POST", "/api/categories", {"code": "x", "name": "x"}),
        ("POST", "/api/owners", {"code": "x", "name": "x"}),
        ("POST", "/api/units", {"code": "x", "name": "x", "decimals": 0}),
        ("POST", "/api/variants/1/barcodes", {"code": "x"}),
    ):
        answer = await client.request(method, path, json=body, headers=VIEWER)
        assert (answer.status_code, answer.json()["permission"]) == (403, "items.write")
