"""The server, the worker and PostgreSQL killed under real clients: what was acknowledged is there once; all go on."""

import asyncio
import contextlib
import json
import os
import signal
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from tests.conftest import clone
from tests.proof.client import SKUS
from tests.proof.processes import LINES, Program, invoice_lines, result, running, until
from tests.worlds import make_world

from perpetua.access import service as access
from perpetua.access.types import SYSTEM, CreateToken
from perpetua.kit import migrate
from perpetua.kit.clock import system_clock
from perpetua.kit.database import Database
from perpetua.kit.imports import ImportOptions, Source, begin
from perpetua.kit.postgres import Server
from perpetua.ledger import service as ledger
from perpetua.ledger.imports import MOVEMENTS
from perpetua.ledger.types import Receive, ReceiveLine

pytestmark = pytest.mark.slow
CLIENTS = 6
KEYS = 480
KILLS = (60, 200, 340)
"""The server is killed when so many are acknowledged."""
ROWS = (3, 4, 2)
"""How many rows the command of key n writes, by n modulo 3."""
OPTIONS = {"opening": "smallest", "location": "LON-A-1"}


def command(n: int) -> tuple[str, dict[str, Any]]:
    """Path and body of key n; the same at each call."""
    if n % 3 == 0:
        lines = [{"sku": sku, "location": "LON-A-1", "quantity": "10"} for sku in SKUS]
        return "/api/inventory/receive", {"lines": lines, "reference_id": f"R-{n}"}
    if n % 3 == 1:
        goods = [{"sku": sku, "quantity": "1"} for sku in SKUS[:2]]
        return "/api/inventory/transfer", {"lines": goods, "from_location": "LON-A-1", "to_location": "SHOP-FLOOR"}
    lines = [{"sku": sku, "location": "LON-A-1", "quantity": "-1"} for sku in SKUS[1:]]
    return "/api/inventory/adjust", {"lines": lines, "reason_code": "found"}


async def secret(url: str) -> str:
    """The world, and an API token of its manager."""
    async with Database(url) as db:
        world = await make_world(db)
        asked = CreateToken(name="proof", expires_at=system_clock() + timedelta(days=1))
        return (await access.create_token(db, SYSTEM, asked, person_id=world.people["inventory_manager"])).secret


async def stock(url: str) -> None:
    """As much as all commands need, in whatever order they come."""
    goods = [ReceiveLine(sku=sku, location="LON-A-1", quantity=Decimal(1000)) for sku in SKUS]
    async with Database(url) as db:
        await ledger.receive(db, SYSTEM, Receive(lines=goods))


async def upload(http: httpx.AsyncClient, file: Path) -> str:
    """Send the file; where the import can be followed."""
    form = {"kind_options": json.dumps(OPTIONS)}
    sent = {"file": (file.name, file.read_bytes())}
    answer = await http.post("/api/imports/movements", files=sent, data=form)
    assert answer.status_code == 202, answer.text
    return answer.headers["Location"]


def rows_done(connection: psycopg.Connection[Any]) -> int:
    """How far the one import is."""
    state, rows = connection.execute("SELECT state, rows_done FROM imports").fetchone() or ("waiting", 0)
    assert state in {"waiting", "running"}
    return rows


def connected(program: Program, token: str) -> httpx.AsyncClient:
    head = {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(base_url=program.address, headers=head, timeout=60)


async def send(http: httpx.AsyncClient, n: int) -> httpx.Response:
    path, body = command(n)
    return await http.post(path, json=body, headers={"Idempotency-Key": f"key-{n}"})


class Acknowledged:
    """Key number → posting id; tells who waits for a count."""

    def __init__(self) -> None:
        self.postings: dict[int, int] = {}
        self._changed = asyncio.Condition()

    async def add(self, n: int, answer: httpx.Response) -> None:
        async with self._changed:
            self.postings[n] = answer.json()["posting_id"]
            self._changed.notify_all()

    async def reach(self, count: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.postings) >= count)


async def test_a_killed_server_keeps_what_it_acknowledged(database_url: str, tmp_path: Path) -> None:
    token = await secret(database_url)
    await stock(database_url)
    done, keys, lost = Acknowledged(), iter(range(KEYS)), 0

    async def client(http: httpx.AsyncClient, program: Program) -> None:
        nonlocal lost
        for n in keys:
            while n not in done.postings:
                try:
                    answer = await send(http, n)
                except httpx.TransportError:
                    lost += 1
                    await asyncio.to_thread(until, lambda: program.process and program.ready(), "the server is back")
                    continue
                assert answer.status_code == 201, answer.text
                await done.add(n, answer)

    async def killer(program: Program) -> None:
        for count in KILLS:
            await done.reach(count)
            program.kill()
            assert len(done.postings) < KEYS
            program.start()

    with running("serve", database_url, tmp_path) as program:
        async with connected(program, token) as http:
            await asyncio.gather(killer(program), *(client(http, program) for _ in range(CLIENTS)))
            assert lost >= len(KILLS)
            assert len(done.postings) == KEYS
            again = [await send(http, n) for n in range(KEYS)]
    assert [answer.headers.get("Idempotent-Replayed") for answer in again] == ["true"] * KEYS
    assert {n: answer.json()["posting_id"] for n, answer in enumerate(again)} == done.postings
    with psycopg.connect(database_url) as connection:
        kept = connection.execute(
            """SELECT p.idempotency_key, p.id, count(t.id) FROM postings p
               LEFT JOIN inventory_transactions t ON t.posting_id = p.id WHERE p.idempotency_key IS NOT NULL
               GROUP BY p.id"""
        ).fetchall()
    assert sorted(kept) == sorted((f"key-{n}", posting, ROWS[n % 3]) for n, posting in done.postings.items())
    async with Database(database_url) as db:
        assert (await ledger.check(db, SYSTEM)).passed


async def test_a_killed_workers_import_is_taken_over(server_url: str, template: str, tmp_path: Path) -> None:
    file = tmp_path / "invoices.csv"
    invoice_lines(file)
    url, other = clone(server_url, template), clone(server_url, template)
    token = await secret(url)
    async with Database(other) as db:
        await make_world(db)
        await begin(db, SYSTEM, MOVEMENTS, [Source(file, file.name)], ImportOptions(kind=OPTIONS))
    with (
        running("serve", url, tmp_path) as web,
        running("worker", url, tmp_path) as worker,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        async with connected(web, token) as http:
            where = await upload(http, file)
            until(lambda: rows_done(connection), "some rows are done")
            worker.kill()
            left = (await http.get(where)).json()
            assert 0 < left["rows_done"] < LINES
            assert left["state"] == "running"
            # The minute that it takes until the dead are known as such.
            connection.execute("UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '1 minute'")
            worker.start()
            until(lambda: httpx.get(web.address + where, headers=http.headers).json()["state"] == "done", "it is done")
    assert result(url) == result(other)
    async with Database(url) as db:
        assert (await ledger.check(db, SYSTEM)).passed


@pytest.fixture
def postmaster(own_server: Server) -> str:
    """A database on a server that may be killed."""
    url = own_server.ensure_database("crash")
    migrate.upgrade(url)
    return url


def kill(server: Server) -> None:
    """kill -9 of PostgreSQL, all its processes."""
    pid = server.pid
    assert pid
    dead = [psutil.Process(pid), *psutil.Process(pid).children()]
    os.kill(pid, signal.SIGKILL)
    for each in dead[1:]:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    psutil.wait_procs(dead)


async def test_a_killed_database_is_503_and_then_all_is_well(
    own_server: Server, postmaster: str, tmp_path: Path
) -> None:
    token = await secret(postmaster)
    await stock(postmaster)
    with running("serve", postmaster, tmp_path) as program:
        async with connected(program, token) as http:
            before = await asyncio.gather(*(send(http, n) for n in (*range(0, 60, 3), *range(1, 60, 3))))
            assert {answer.status_code for answer in before} == {201}
            for _ in range(2):
                kill(own_server)
                away = await asyncio.gather(
                    *(send(http, n) for n in range(100, 140)), http.get("/api/inventory"), http.get("/ready"),
                    http.post("/api/auth/sign-in", json={"email": "a@example.com", "password": "x" * 12}),
                )  # fmt: skip
                assert {answer.status_code for answer in away} == {503}
                assert {answer.headers["Content-Type"] for answer in away} == {"application/problem+json"}
                assert {answer.json()["code"] for answer in away} == {"unavailable"}
                assert max(answer.elapsed for answer in away) < timedelta(seconds=15)
                assert (await http.get("/health")).status_code == 200
                assert own_server.revive()
                # The very next requests, on whatever connections the processes still hold.
                back = await asyncio.gather(*(send(http, n) for n in range(60)), http.get("/api/inventory"))
                assert {answer.status_code for answer in back} == {200, 201}
    async with Database(postmaster) as db:
        assert (await ledger.check(db, SYSTEM)).passed


async def test_a_killed_databases_import_goes_on_when_it_is_back(
    own_server: Server, postmaster: str, server_url: str, template: str, tmp_path: Path
) -> None:
    file = tmp_path / "invoices.csv"
    invoice_lines(file)
    other = clone(server_url, template)
    token = await secret(postmaster)
    async with Database(other) as db:
        await make_world(db)
        await begin(db, SYSTEM, MOVEMENTS, [Source(file, file.name)], ImportOptions(kind=OPTIONS))
    with running("serve", postmaster, tmp_path) as web, running("worker", postmaster, tmp_path) as worker:
        async with connected(web, token) as http:
            where = await upload(http, file)
            with psycopg.connect(postmaster, autocommit=True) as connection:
                until(lambda: rows_done(connection), "some rows are done")
                kill(own_server)
            assert own_server.revive()

            def done() -> bool:
                assert worker.process
                if worker.process.poll() is not None:  # its supervisor starts it again
                    worker.start()
                return httpx.get(web.address + where, headers=http.headers).json()["state"] == "done"

            until(done, "it is done")
    assert result(postmaster) == result(other)
