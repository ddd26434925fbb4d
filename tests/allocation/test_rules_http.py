"""The rules are edited without a deployment; what they decided is explained."""

from decimal import Decimal
from types import SimpleNamespace

from httpx import AsyncClient as Client
from tests.allocation.helpers import bring, make, order, set_rules

from perpetua.allocation import service
from perpetua.kit.database import Database


async def test_rules_are_versions(client: Client, callers: dict[str, Client]) -> None:
    first = await client.get("/api/allocation/rules")
    assert (first.status_code, first.headers["ETag"]) == (200, '"1"')
    rules = {
        "queue": "fifo", "sites": ["shop", "LON"], "tiers": [{"code": "gold", "rank": 1, "service_level": "0.95"}],
        "channels": {"web": {"tier": "gold", "buffer_percent": "5", "sites": ["lon"]}},
    }  # fmt: skip
    body = {"rules": rules, "note": "spring"}
    assert (await client.put("/api/allocation/rules", json=body)).status_code == 428
    made = await client.put("/api/allocation/rules", json=body, headers={"If-Match": '"1"'})
    assert made.status_code == 200, made.text
    assert made.json()["rules"]["sites"] == ["SHOP", "LON"]
    assert made.json()["rules"]["channels"]["web"]["sites"] == ["LON"]
    stale = await client.put("/api/allocation/rules", json=body, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current"]) == (412, made.json()["version"])
    listed = (await client.get("/api/allocation/rules/versions")).json()["items"]
    assert [one["note"] for one in listed] == ["spring", "as installed"]
    assert (await client.get("/api/allocation/rules/versions/1")).json() == first.json()
    assert (await client.get("/api/allocation/rules/versions/99")).status_code == 404
    version = {"If-Match": made.headers["ETag"]}
    for wrong in (
        {"sites": ["NOWHERE"]}, {"sites": ["LON", "lon"]},
        {"tiers": [{"code": "a", "rank": 1}, {"code": "b", "rank": 1}]},
        {"tiers": [{"code": "a", "rank": 0}]}, {"tiers": [{"code": "a", "rank": 1, "hold_percent": "101"}]},
        {"channels": {"web": {"tier": "none"}}}, {"channels": {"web": {"share_percent": "-1"}}},
        {"channels": {"web": {"buffer_units": "-1"}}}, {"channels": {"web": {"sites": []}}}, {"min_life_days": -1},
        {"queue": "lottery"}, {"channels": {"": {}}},
    ):  # fmt: skip
        refused = await client.put("/api/allocation/rules", json={"rules": wrong}, headers=version)
        assert refused.status_code in (400, 422), (wrong, refused.text)
    denied = await callers["warehouse_staff"].put("/api/allocation/rules", json=body, headers=version)
    assert denied.status_code == 403
    assert (await client.put("/api/allocation/rules", json={"rules": {}}, headers=version)).status_code == 200


async def test_why_is_told(client: Client, db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "SOFA", "BED")
    await bring(db, world, "SOFA", 5)
    first = await order(db, world, ("SOFA", 3), ("BED", 1))
    await order(db, world, ("SOFA", 4))
    last = await order(db, world, ("SOFA", 2))
    told = (await client.get(f"/api/orders/{first.id}/explain")).json()
    line = told["lines"][0]
    assert line["decided"]["facts"]["positions"] == [{
        "site": "LON", "sku": "SOFA", "on_hand": "5", "unsellable": "0", "allocated": "0",
        "reserved": "0", "available": "5", "given": "3",
    }]  # fmt: skip
    assert line["decided"]["says"].startswith("All 3 were allocated at once. LON: 5 SOFA on hand")
    assert "first in turn" in told["lines"][1]["says"]
    assert told["rules"]["version"] == told["lines"][0]["decided"]["config_version"]
    waits = (await client.get(f"/api/orders/{last.id}/explain")).json()["lines"][0]
    assert (waits["lines_before"], Decimal(waits["units_before"])) == (1, 2)
    await bring(db, world, "SOFA", 4)
    after = (await client.get(f"/api/orders/{last.id}/explain")).json()["lines"][0]
    assert [row["action"] for row in after["later"]] == ["filled"]
    assert (await client.get("/api/orders/999999/explain")).status_code == 404
    page = await client.get("/api/allocation/audit", params={"sku": "sofa", "limit": 2})
    more = await client.get("/api/allocation/audit", params={"sku": "sofa", "cursor": page.json()["next_cursor"]})
    assert len(page.json()["items"]) + len(more.json()["items"]) == 5
    mine = await client.get("/api/allocation/audit", params={"order_id": last.id, "action": "filled"})
    assert len(mine.json()["items"]) == 1
    levels = (await client.get("/api/allocation/service-levels")).json()
    assert [(one["lines"], one["at_once"], one["share"]) for one in levels] == [(4, 1, "0.25")]


async def test_new_rules_look_at_who_waits(db: Database, world: SimpleNamespace) -> None:
    await make(db, world, "RUG")
    await bring(db, world, "RUG", 10)
    await set_rules(db, '{"channels": {"web": {"buffer_units": "8"}}}')
    waits = await order(db, world, ("RUG", 5), channel="web")
    assert waits.lines[0].allocated == 2
    await set_rules(db, "{}")
    assert await service.refill(db) >= 1
    assert (await service.get(db, world.actor(), waits.id)).status == "ALLOCATED"
