"""Plates over HTTP, and moved by scanning their SSCC."""

from types import SimpleNamespace

import httpx
from tests.allocation.conftest import callers, client
from tests.allocation.helpers import bring, make
from tests.plates.helpers import plate, put

from perpetua.gs1 import service as gs1
from perpetua.kit.database import Database

__all__ = ["callers", "client"]


async def test_a_plates_life_over_http(
    db: Database, world: SimpleNamespace, client: httpx.AsyncClient, callers: dict[str, httpx.AsyncClient]
) -> None:
    await make(db, world, "W1")
    await bring(db, world, "W1", 10)
    admin, settings = callers["administrator"], {"company_prefix": "4012345"}
    assert (await client.post("/api/plates", json={"location": "LON-A-1"})).json()["code"] == "no_company_prefix"
    assert (await admin.put("/api/plates/settings", json=settings)).status_code == 428
    assert (await admin.put("/api/plates/settings", json={"company_prefix": "40x"})).status_code == 422
    changed = await admin.put("/api/plates/settings", json=settings, headers={"If-Match": '"1"'})
    assert changed.headers["ETag"] == '"2"'
    assert (await client.get("/api/plates/settings")).json()["company_prefix"] == "4012345"
    key = {"Idempotency-Key": "p"}
    made = await client.post("/api/plates", json={"location": "lon-a-1"}, headers=key)
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    assert (await client.post("/api/plates", json={"location": "lon-a-1"}, headers=key)).json() == made.json()
    path = f"/api/plates/{made.json()['id']}"
    line = {"lines": [{"sku": "W1", "quantity": "6"}]}
    assert (await client.post(f"{path}/put", json=line)).json()["goods"][0]["quantity"] == "6"
    refused = (await client.post(f"{path}/put", json=line)).json()
    assert (refused["code"], refused["on_plates"]) == ("not_loose", "6")
    assert (await client.post(f"{path}/take", json={"lines": [{"sku": "W1", "quantity": "2"}]})).status_code == 200
    box = (await client.post("/api/plates", json={"location": "LON-A-1", "code": "box"})).json()
    nested = await client.post(f"/api/plates/{box['id']}/nest", json={"parent": made.json()["sscc"]})
    assert nested.json()["parent"] == made.json()["code"]
    assert (await client.post(f"{path}/move", json={"to": "LON-A-2"})).json()["posting_id"] > 0
    assert (await client.get(path)).json()["nested"][0]["location"] == "LON-A-2"
    listed = (await client.get("/api/plates", params={"location": "LON-A-2", "sku": "W1"})).json()["items"]
    assert [(one["contents"], one["children"]) for one in listed] == [(1, 1)]
    assert (await client.post(f"{path}/close")).json()["status"] == "closed"
    assert (await client.post(f"{path}/open")).json()["status"] == "open"
    assert (await client.post(f"/api/plates/{box['id']}/unnest")).json()["parent"] is None
    assert (await client.post(f"{path}/dissolve")).json()["status"] == "dissolved"
    assert (await client.post(f"{path}/dissolve")).json()["code"] == "plate_not_open"
    assert (await client.get(f"{path}/events")).json()["items"][0]["action"] == "dissolved"
    assert (await client.get("/api/plates/999999")).status_code == 404


async def test_an_sscc_is_scanned_and_moves_its_plate(
    db: Database, world: SimpleNamespace, client: httpx.AsyncClient
) -> None:
    await make(db, world, "W2")
    await bring(db, world, "W2", 10)
    sscc = gs1.with_check_digit("00614141000000001")
    one = await plate(db, world, sscc)
    await put(db, world, one, "W2", 4)
    for code in (f"]C100{sscc}", sscc):
        seen = (await client.post("/api/scan", json={"code": code})).json()
        assert (seen["plate"]["location"], seen["plate"]["goods"], seen["can"]) == ("LON-A-1", 1, ["lookup", "move"])
    asked = {"code": f"]C100{sscc}", "action": "move", "to": "LON-A-2"}
    assert (await client.post("/api/scan", json={**asked, "location": "SHOP"})).json()["code"] == "invalid_value"
    moved = await client.post("/api/scan", json=asked, headers={"Idempotency-Key": "s1"})
    assert (moved.status_code, moved.json()["outcome"]) == (201, "posted"), moved.text
    again = await client.post("/api/scan", json=asked, headers={"Idempotency-Key": "s1"})
    assert again.json()["posted"] == moved.json()["posted"]
    rows = (
        await client.get("/api/stock-movements", params={"posting_id": moved.json()["posted"]["posting_id"]})
    ).json()
    assert {(row["type"], row["quantity"], row["reference_type"]) for row in rows["items"]} == {
        ("TRANSFER_OUT", "-4", "scan"), ("TRANSFER_IN", "4", "scan"),
    }  # fmt: skip
    for action in ("receive", "adjust", "count"):
        refused = await client.post("/api/scan", json={"code": sscc, "action": action, "location": "LON-A-2"})
        assert refused.json()["code"] == "not_an_item"
    await client.post(f"/api/plates/{one.id}/dissolve")
    assert (await client.post("/api/scan", json={"code": sscc})).json()["can"] == ["lookup"]
    assert (await client.post("/api/scan", json=asked)).json()["code"] == "plate_not_open"
