"""Lists out, over HTTP and by the command: what a list shows, its file shows, to the same readers."""

import asyncio
import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from tests.worlds import make_world

from perpetua.access import service as access
from perpetua.access.types import SYSTEM, CreateToken
from perpetua.app import exports_http
from perpetua.app.settings import Settings
from perpetua.app.web import create_app
from perpetua.kit.database import Database, count_statements, sql
from perpetua.kit.tabular import inspect, read
from perpetua.ledger import service as ledger
from perpetua.ledger.types import MovementFilters, Receive, ReceiveLine, Sell, SellLine

Client = httpx.AsyncClient
D = Decimal
YEAR = timedelta(days=365)


@pytest.fixture(scope="module")
async def world(db: Database) -> Any:
    """Two receipts a year ago, one sale now; a note and a name that a spreadsheet would run."""
    made = await make_world(db)
    then = datetime.now(UTC) - YEAR
    lines = [
        ReceiveLine(sku="APPLE", quantity=D(10), location="LON-A-1"),
        ReceiveLine(sku="APPLE", quantity=D(4), location="SHOP-FLOOR"),
        ReceiveLine(sku="MILK", quantity=D(6), location="LON-Q", lot="L1", expires_on="2027-01-31"),
        ReceiveLine(sku="MILK", quantity=D(2), location="LON-Q", lot="L2"),
        ReceiveLine(sku="FLOUR", quantity=D("2.125"), location="LON-A-2"),
    ]
    receive = Receive(lines=lines, effective_at=then, note="=HYPERLINK(1)", reference_type="PO", reference_id="7")
    await ledger.receive(db, made.actor(), receive)
    sell = Sell(lines=[SellLine(sku="APPLE", quantity=D(3), location="LON-A-1")], reference_type="SO", reference_id="8")
    await ledger.sell(db, made.actor(), sell)
    async with db.admin() as tx:
        await tx.execute(sql("UPDATE product_variants SET name = '=1+1' WHERE sku = 'PEAR'"))
    return made


@pytest.fixture(scope="module")
def web(db: Database, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return create_app(Settings(home=Path(tmp_path_factory.mktemp("home")), given_secret="s" * 40), db)


async def signed_in(web: Any, db: Database, person_id: int, **narrow: Any) -> Client:
    command = CreateToken(name="t", expires_at=datetime.now(UTC) + timedelta(days=1), **narrow)
    token = (await access.create_token(db, SYSTEM, command, person_id=person_id)).secret
    headers = {"Authorization": f"Bearer {token}"}
    return Client(transport=httpx.ASGITransport(app=web), base_url="http://perpetua.local", headers=headers)


@pytest.fixture(scope="module")
async def manager(web: Any, db: Database, world: Any) -> AsyncIterator[Client]:
    async with await signed_in(web, db, world.people["inventory_manager"]) as client:
        yield client


@pytest.fixture(scope="module")
async def viewer(web: Any, db: Database, world: Any) -> AsyncIterator[Client]:
    async with await signed_in(web, db, world.people["viewer"]) as client:
        yield client


@pytest.fixture(scope="module")
async def shop(web: Any, db: Database, world: Any) -> AsyncIterator[Client]:
    """A manager, at the shop alone."""
    async with await signed_in(web, db, world.people["inventory_manager"], scope=[world.places["SHOP"]]) as client:
        yield client


async def table(client: Client, path: str, **params: Any) -> list[dict[str, str]]:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text)))


def told(rows: list[dict[str, str]], *names: str) -> list[tuple[str, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


STOCK = "/api/inventory/export"
MOVEMENTS = "/api/stock-movements/export"
PLACES = "/api/locations/export"


async def test_stock_by_item(manager: Client) -> None:
    rows = await table(manager, STOCK)
    assert told(rows, "sku", "on_hand", "available", "unsellable", "value") == [
        ("APPLE", "11", "11", "0", "2.2"),
        ("FLOUR", "2.125", "2.125", "0", "2.3375"),
        ("MILK", "8", "0", "8", "7.2"),
    ]
    assert told(await table(manager, STOCK, location="LON-A"), "sku", "on_hand") == [("APPLE", "7"), ("FLOUR", "2.125")]
    assert told(await table(manager, STOCK, sku="pear", with_zero=True), "name", "on_hand") == [("'=1+1", "0")]


async def test_stock_by_place_and_lot(manager: Client) -> None:
    rows = await table(manager, STOCK, by="place")
    assert told(rows, "sku", "site", "location", "on_hand") == [
        ("APPLE", "LON", "LON-A-1", "7"),
        ("APPLE", "SHOP", "SHOP-FLOOR", "4"),
        ("FLOUR", "LON", "LON-A-2", "2.125"),
        ("MILK", "LON", "LON-Q", "8"),
    ]
    rows = await table(manager, STOCK, by="lot", sku="MILK")
    assert told(rows, "lot", "expires_on", "on_hand") == [("L1", "2027-01-31", "6"), ("L2", "", "2")]


@pytest.mark.parametrize("by", ["item", "place", "lot"])
async def test_stock_then(manager: Client, db: Database, by: str) -> None:
    await ledger.make_checkpoints(db)
    long_ago = (datetime.now(UTC) - YEAR - timedelta(days=1)).isoformat()
    before_the_sale = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    assert await table(manager, STOCK, by=by, as_of=long_ago) == []
    apples = await table(manager, STOCK, by=by, as_of=before_the_sale, sku="APPLE")
    assert sum(D(row["on_hand"]) for row in apples) == 14
    assert await table(manager, STOCK, by=by, as_of=before_the_sale, known_at=before_the_sale) == []
    now = await table(manager, STOCK, by=by)
    then = await table(manager, STOCK, by=by, as_of=datetime.now(UTC).isoformat())
    names = [name for name in now[0] if name not in ("available", "allocated", "reserved", "on_order")]
    assert told(now, *names) == told(then, *names)
    assert await table(manager, STOCK, by=by, as_of=before_the_sale, location="SHOP", sku="MILK") == []
    if by == "item":
        nothing = await table(manager, STOCK, as_of=long_ago, with_zero=True)
        assert [(row["sku"], row["on_hand"], row["available"]) for row in nothing][:1] == [("APPLE", "0", "")]


async def test_movements(manager: Client) -> None:
    rows = await table(manager, MOVEMENTS)
    assert told(rows, "type", "sku", "location", "quantity")[:2] == [
        ("RECEIPT", "APPLE", "LON-A-1", "10"),
        ("RECEIPT", "APPLE", "SHOP-FLOOR", "4"),
    ]
    assert len(rows) == 6
    assert {row["note"] for row in rows} == {"'=HYPERLINK(1)", ""}
    assert rows[0]["unit_cost"]
    day_ago = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    sales: list[dict[str, Any]] = [
        {"type": "SALE"}, {"reference_id": "8"}, {"reference_type": "SO"}, {"since": day_ago},
        {"sku": "apple", "location": "LON", "until": "2100-01-01T00:00:00Z", "type": ["SALE", "RETURN"]},
    ]  # fmt: skip
    for params in sales:
        assert told(await table(manager, MOVEMENTS, **params), "type", "quantity") == [("SALE", "-3")], params
    assert len(await table(manager, MOVEMENTS, until=day_ago)) == 5


async def test_places(manager: Client) -> None:
    rows = await table(manager, PLACES)
    assert told(rows, "code", "parent", "kind")[:4] == [
        ("LON", "", "warehouse"), ("LON-A", "LON", "zone"), ("LON-A-1", "LON-A", "bin"), ("LON-A-2", "LON-A", "bin"),
    ]  # fmt: skip
    assert len(rows) == 9
    assert told(await table(manager, PLACES, within="LON-A", kind="bin"), "code") == [("LON-A-1",), ("LON-A-2",)]


async def test_costs_and_places_that_are_not_theirs(viewer: Client, shop: Client) -> None:
    for path in (STOCK, f"{STOCK}?by=place", f"{STOCK}?by=lot", f"{STOCK}?as_of=2026-01-01", MOVEMENTS):
        answer = await viewer.get(path)
        assert answer.status_code == 200
        header = answer.text.splitlines()[0].split(",")
        assert not {"value", "unit_cost", "cost_price"}.intersection(header), path
    assert told(await table(shop, STOCK), "sku", "on_hand") == [("APPLE", "4")]
    assert told(await table(shop, STOCK, by="place"), "location", "on_hand") == [("SHOP-FLOOR", "4")]
    at = datetime.now(UTC).isoformat()
    assert told(await table(shop, STOCK, by="lot", as_of=at), "location", "on_hand") == [("SHOP-FLOOR", "4")]
    assert told(await table(shop, MOVEMENTS), "location") == [("SHOP-FLOOR",)]
    assert told(await table(shop, PLACES), "code") == [("SHOP",), ("SHOP-FLOOR",), ("SHOP-TRANSIT",)]
    assert (await shop.get(STOCK, params={"location": "LON"})).status_code == 403


@pytest.mark.parametrize(
    "path, params, status",
    [
        (STOCK, {"location": "nowhere"}, 404),
        (STOCK, {"sku": "nothing"}, 404),
        (STOCK, {"as_of": "2199-01-01"}, 422),
        (STOCK, {"by": "colour"}, 422),
        (MOVEMENTS, {"location": "nowhere"}, 404),
        (MOVEMENTS, {"type": "THEFT"}, 422),
        (PLACES, {"within": "nowhere"}, 404),
        (PLACES, {"format": "pdf"}, 422),
    ],
)
async def test_refusals_come_before_the_first_byte(
    manager: Client, path: str, params: dict[str, str], status: int
) -> None:
    answer = await manager.get(path, params=params)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_who_may(web: Any, db: Database, world: Any) -> None:
    rights = {"permissions": ["stock.read", "places.read", "items.read"]}
    async with await signed_in(web, db, world.people["viewer"], **rights) as client:
        for path in (STOCK, MOVEMENTS, PLACES, "/api/products/export"):
            assert (await client.get(path)).json()["permission"] == "exports.run"
    async with await signed_in(web, db, world.people["viewer"], permissions=["exports.run"]) as client:
        for path in (STOCK, MOVEMENTS, PLACES, "/api/products/export"):
            assert (await client.get(path)).status_code == 403


@pytest.mark.parametrize("path", [STOCK, f"{STOCK}?by=lot", MOVEMENTS, PLACES, "/api/products/export"])
async def test_all_formats_hold_the_same(manager: Client, tmp_path: Path, path: str) -> None:
    sign = "&" if "?" in path else "?"
    contents: dict[str, list[list[str]]] = {}
    for form in ("csv", "xlsx"):
        answer = await manager.get(f"{path}{sign}format={form}")
        assert f'.{form}"' in answer.headers["content-disposition"]
        file = tmp_path / f"x.{form}"
        file.write_bytes(answer.content)
        found = inspect(file)
        contents[form] = [found.header, *(row.cells for row in read(file, found))]
    assert contents["csv"] == contents["xlsx"]
    answer = await manager.get(f"{path}{sign}format=parquet")
    columns = pq.read_table(io.BytesIO(answer.content))
    assert columns.column_names == contents["csv"][0]
    assert columns.num_rows == len(contents["csv"]) - 1 > 0


async def test_few_are_written_at_once(manager: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports_http, "_turns", asyncio.Semaphore(0))
    answer = await manager.get(STOCK)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    monkeypatch.setattr(exports_http, "_turns", asyncio.Semaphore(1))
    for _ in range(3):  # a turn is given back, also after a refusal
        assert (await manager.get(STOCK)).status_code == 200
        assert (await manager.get(STOCK, params={"location": "nowhere"})).status_code == 404


async def test_one_query_however_many_rows(db: Database, world: Any) -> None:
    with count_statements() as seen:
        extract = ledger.export_movements(db, world.actor(), MovementFilters())
        assert [len(batch) async for batch in extract.batches] == [6]
    assert [name for name in seen if not name.startswith("SET")] == ["export_movements"]


@pytest.fixture
def command(database_url: str, tmp_path: Path, world: Any) -> Any:
    surroundings = {**os.environ, "DATABASE_URL": database_url, "PERPETUA_HOME": str(tmp_path / "home")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-m", "perpetua.app.cli", *arguments]
        return subprocess.run(program, cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=False)

    return run


def test_the_command(command: Any, tmp_path: Path) -> None:
    ran = command("export", "movements", "--type", "SALE", "--output", "m.csv", "--json")
    size = (tmp_path / "m.csv").stat().st_size
    assert (ran.returncode, json.loads(ran.stdout)) == (0, {"file": "m.csv", "bytes": size, "rows": 1}), ran.stderr
    ran = command("export", "stock", "--by", "place", "--location", "SHOP")
    assert ran.stdout.splitlines()[1].startswith("APPLE,APPLE,each,SHOP,SHOP-FLOOR,zone,4")
    assert command("export", "locations", "--format", "parquet", "-o", "l.parquet").returncode == 0
    assert pq.read_table(tmp_path / "l.parquet").num_rows == 9
    ran = command("export", "stock", "--location", "nowhere", "--output", "s.csv", "--json")
    assert (ran.returncode, json.loads(ran.stdout)["code"]) == (1, "not_found")
    assert command("export", "colours").returncode == 2
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["l.parquet", "m.csv"]
