"""Templates: what is wrong is named, every change is a version, what came with the program comes back."""

import io
from typing import Any

import httpx
import pytest
from PIL import Image
from tests.labels.reading import Seen, read

from perpetua.kit.database import Database, sql
from perpetua.labels.rules.built_in import SHIPPED
from perpetua.labels.rules.paging import check_digits

Callers = dict[str, httpx.AsyncClient]
ROLL = {"type": "roll", "width": 80, "height": 40, "dpi": 203}
TEXT = {"type": "text", "x": 2, "y": 2, "width": 70, "height": 6, "text": "{sku}"}
BARS = {"type": "barcode", "x": 2, "y": 10, "width": 76, "height": 20, "symbology": "code128", "data": "{sku}"}


def body(**changed: Any) -> dict[str, Any]:
    """A template that is right, but for what is changed."""
    return {"name": "Mine", "kind": "item", "size": ROLL, "elements": [TEXT, BARS], **changed}


async def test_life_of_a_template(client: httpx.AsyncClient, db: Database) -> None:
    asked: dict[str, Any] = {"json": {"code": "Mine", **body()}, "headers": {"Idempotency-Key": "m"}}
    made = await client.post("/api/labels/templates", **asked)
    assert made.status_code == 201, made.text
    assert made.json()["code"] == "mine"
    assert (made.json()["shipped"], made.headers["etag"]) == (False, '"1"')
    again = await client.post(
        "/api/labels/templates", json={"code": "Mine", **body()}, headers={"Idempotency-Key": "m"}
    )
    assert again.headers["idempotent-replayed"] == "true"
    taken = await client.post("/api/labels/templates", json={"code": "MINE", **body()})
    assert (taken.status_code, taken.json()["code"]) == (409, "label_template_taken")

    change = body(name="Ours")
    assert (await client.put("/api/labels/templates/mine", json=change)).status_code == 428
    changed = await client.put("/api/labels/templates/MINE", json=change, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.json()["name"], changed.headers["etag"]) == (200, "Ours", '"2"')
    stale = await client.put("/api/labels/templates/mine", json=change, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current"]) == (412, 2)
    other = await client.put("/api/labels/templates/mine", json=body(kind="lot"), headers={"If-Match": '"2"'})
    assert (other.status_code, other.json()["field"]) == (422, "kind")
    assert (await client.post("/api/labels/templates/mine/restore", headers={"If-Match": '"2"'})).status_code == 409

    gone = await client.delete("/api/labels/templates/mine", headers={"If-Match": '"2"'})
    assert gone.status_code == 204, gone.text
    assert (await client.get("/api/labels/templates/mine")).status_code == 404
    async with db.transaction() as tx:
        done = await tx.values(sql("SELECT action FROM audit_log WHERE kind = 'label_template' ORDER BY id"))
    assert done == ["created", "updated", "removed"]


async def test_what_came_with_the_program_comes_back(client: httpx.AsyncClient) -> None:
    at = "/api/labels/templates/item-roll-57x32"
    was = (await client.get(at)).json()
    assert (was["shipped"], was["changed"], was["version"]) == (True, False, 1)
    mine = {name: was[name] for name in ("kind", "size", "elements")} | {"name": "Changed"}
    changed = await client.put(at, json=mine, headers={"If-Match": '"1"'})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["changed"], changed.json()["version"]) == (True, 2)
    assert (await client.delete(at, headers={"If-Match": '"2"'})).status_code == 409
    restored = (await client.post(f"{at}/restore", headers={"If-Match": '"2"'})).json()
    assert (restored["changed"], restored["version"]) == (False, 3)
    assert {**restored, "version": 1, "updated_at": None} == was
    taken = await client.post("/api/labels/templates", json={"code": "item-roll-57x32", **body()})
    assert taken.status_code == 409


@pytest.mark.parametrize(
    "changed,field",
    [
        ({"name": "a\x01b"}, "name"),
        ({"elements": []}, None),
        ({"elements": [{**TEXT, "width": 79}]}, "elements[0].width"),
        ({"elements": [TEXT, {**BARS, "height": 40}]}, "elements[1].height"),
        ({"elements": [TEXT, {**BARS, "height": 4, "readable": False}]}, "elements[1].height"),
        ({"elements": [{**TEXT, "text": "{colour}"}]}, "elements[0].text"),
        ({"elements": [{**TEXT, "text": "{lot}"}]}, "elements[0].text"),
        ({"elements": [{**TEXT, "size": 8, "least": 9}]}, "elements[0].least"),
        ({"elements": [{**BARS, "data": ""}]}, "elements[0].data"),
        ({"elements": [{**BARS, "data": "{cost}"}]}, "elements[0]"),
        ({"elements": [{**BARS, "width": 8}]}, "elements[0].width"),
        ({"elements": [{**BARS, "symbology": "gs1_128"}]}, "elements[0].elements"),
        ({"elements": [{**BARS, "elements": [{"ai": "01", "field": "gtin"}]}]}, "elements[0].elements"),
        (
            {"elements": [{**BARS, "symbology": "gs1_128", "elements": [{"ai": "09", "field": "gtin"}]}]},
            "elements[0].elements",
        ),
        (
            {
                "elements": [
                    {**BARS, "symbology": "gs1_qr", "elements": [{"ai": "01", "field": "gtin"}], "otherwise": "gs1_128"}
                ]
            },
            "elements[0].otherwise",
        ),
        ({"elements": [{**BARS, "symbology": "ean13", "data": "{sku}"}]}, "elements.sku"),
        (
            {"elements": [{"type": "box", "x": 1, "y": 1, "width": 5, "height": 5, "thickness": 3}]},
            "elements[0].thickness",
        ),
        (
            {
                "size": {
                    "type": "sheet", "page": "a4", "columns": 3, "rows": 8, "width": 70, "height": 37, "left": 0,
                    "top": 0, "pitch_x": 71, "pitch_y": 37,
                }
            },
            "size.pitch_x",
        ),
        (
            {
                "size": {
                    "type": "sheet", "page": "a4", "columns": 3, "rows": 8, "width": 70, "height": 37, "left": 0,
                    "top": 0, "pitch_x": 60, "pitch_y": 37,
                }
            },
            "size.pitch_x",
        ),
        ({"elements": [{**TEXT, "x": -1}]}, None),
        ({"elements": [{**TEXT, "type": "image"}]}, None),
        ({"size": {"type": "roll", "width": 80, "height": 40, "dpi": 204}}, None),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named(client: httpx.AsyncClient, changed: dict[str, Any], field: str | None) -> None:
    for at, asked in (("templates", {"code": "wrong", **body(**changed)}), ("preview", body(**changed))):
        answer = await client.post(f"/api/labels/{at}", json=asked)
        assert answer.status_code == 422, answer.text
        if field is not None:
            assert answer.json()["field"] == field, answer.text


@pytest.mark.parametrize("code", ["", "a b", "ä", "-a", "a" * 65])
async def test_codes(client: httpx.AsyncClient, code: str) -> None:
    assert (await client.post("/api/labels/templates", json={"code": code, **body()})).status_code == 422


async def test_previews_show_the_label(client: httpx.AsyncClient) -> None:
    for code, shipped in SHIPPED.items():
        answer = await client.get(f"/api/labels/templates/{code}/preview", params={"dpi": 203})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "image/png"
        picture = Image.open(io.BytesIO(answer.content)).convert("L")
        assert abs(picture.width - shipped.size.width / 25.4 * 203) < 1.5
        assert read(picture), code
    answer = await client.post("/api/labels/preview", json={**body(), "values": {"sku": "SEE-ME"}})
    assert read(Image.open(io.BytesIO(answer.content)).convert("L")) == [Seen("]C0", "SEE-ME")]


async def test_lists_and_choices(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/api/labels/templates", params={"limit": 4})).json()
    codes = [one["code"] for one in listed["items"]]
    while listed["next_cursor"]:
        listed = (
            await client.get("/api/labels/templates", params={"limit": 4, "cursor": listed["next_cursor"]})
        ).json()
        codes += [one["code"] for one in listed["items"]]
    assert codes == sorted(codes)
    assert set(SHIPPED) <= set(codes)
    places = (await client.get("/api/labels/templates", params={"kind": "place"})).json()["items"]
    assert {one["kind"] for one in places} == {"place"}
    told = (await client.get("/api/labels/choices")).json()
    assert "a4-3x8" in told["sheets"]
    assert "sscc" in told["fields"]["plate"]


async def test_who_may_change_templates(callers: Callers) -> None:
    for role, status in (("warehouse_staff", 403), ("purchasing_staff", 403), ("viewer", 403), ("administrator", 201)):
        answer = await callers[role].post("/api/labels/templates", json={"code": f"by-{role}", **body()})
        assert answer.status_code == status, role
    assert (await callers["viewer"].get("/api/labels/templates")).status_code == 403
    assert (await callers["warehouse_staff"].get("/api/labels/templates")).status_code == 200


def test_check_digits_follow_from_the_code_alone() -> None:
    assert check_digits("LON-A-1") == check_digits("lon-a-1")
    made = {check_digits(f"LON-A-{number}") for number in range(1000)}
    assert len(made) == 100
    assert all(len(digits) == 2 for digits in made)
