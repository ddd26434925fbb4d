"""Single postings over REST at 16 clients, beside the same rows written by a bare SQL client.

The real server in processes of its own (`perpetua serve`), API token, idempotency keys, fsync on. Each client waits for
its answer before it sends the next. The bare client writes the same posting and row in one transaction through the same
triggers, and does nothing else: no HTTP, no permissions, no look-up of SKU and place, no lock, no idempotency.

    python -m bench rest [--clients 16] [--each 250] [--workers 1]
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import urlopen

import psycopg

from bench import kit
from perpetua.access import service as access
from perpetua.access.types import SYSTEM, CreatePerson, CreateToken
from perpetua.kit.database import APP_ROLE, Database

VARIANTS = 2_000
BINS = 100

WORLD = """
INSERT INTO products (name, first_sku) SELECT 'Product ' || g, 'SKU-' || g FROM generate_series(1, %(n)s) g;
INSERT INTO product_variants (product_id, sku, name, unit) SELECT id, first_sku, name, 'each' FROM products ORDER BY id;
INSERT INTO locations (code, name, kind) VALUES ('MAIN', 'Main', 'warehouse');
INSERT INTO locations (code, name, kind, parent_id)
SELECT 'BIN-' || g, 'Bin ' || g, 'bin', l.id FROM generate_series(1, %(bins)s) g, locations l WHERE l.code = 'MAIN';
WITH posting AS (
  INSERT INTO postings (effective_at, actor_id, command) VALUES (now(), 0, 'bench') RETURNING id
)
INSERT INTO inventory_transactions (posting_id, effective_at, variant_id, location_id, line_no, type, quantity)
SELECT p.id, now(), v.id, l.id, 1, 'RECEIPT', 100 FROM posting p, product_variants v, locations l
WHERE l.kind = 'bin' AND (v.id + l.id) %% 10 = 0;
VACUUM ANALYZE
"""
LEVELS = """
SELECT variant_id, location_id, i.sku, l.code FROM inventory_levels v
JOIN product_variants i ON i.id = v.variant_id JOIN locations l ON l.id = v.location_id
"""
BARE = """
WITH posting AS (
  INSERT INTO postings (effective_at, actor_id, command) VALUES (now(), 0, 'bench') RETURNING id
)
INSERT INTO inventory_transactions (posting_id, effective_at, variant_id, location_id, line_no, type, quantity)
SELECT id, now(), %s, %s, 1, 'RECEIPT', 1 FROM posting
"""


def run(arguments: list[str]) -> None:
    """Serve, measure in turns, print."""
    parser = argparse.ArgumentParser(prog="bench rest")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--each", type=int, default=250)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args(arguments)
    with kit.throwaway_database() as url, psycopg.connect(url, autocommit=True) as connection:
        for statement in WORLD.split(";\n"):
            connection.execute(statement.encode(), None if "VACUUM" in statement else {"n": VARIANTS, "bins": BINS})
        levels = connection.execute(LEVELS).fetchall()
        secret = asyncio.run(_token(url))
        with served(url, asked.workers) as port:
            asyncio.run(over_rest(port, secret, levels, asked.clients, 30))  # warm
            rest, bare = kit.Stopwatch(), kit.Stopwatch()
            wall = {"rest": 0.0, "bare": 0.0}
            for _ in range(3):
                begun = time.perf_counter()
                rest.seconds += asyncio.run(over_rest(port, secret, levels, asked.clients, asked.each // 3))
                wall["rest"] += time.perf_counter() - begun
                begun = time.perf_counter()
                bare.seconds += asyncio.run(by_hand(url, levels, asked.clients, asked.each // 3))
                wall["bare"] += time.perf_counter() - begun
    ratio = wall["bare"] / wall["rest"]
    rows = [
        [name, f"{len(watch.seconds) / wall[key]:,.0f}", kit.milliseconds(watch.percentile(50)),
         kit.milliseconds(watch.percentile(95)), f"{ratio if key == 'rest' else 1:.2f}"]
        for name, key, watch in (("bare SQL client", "bare", bare), ("POST /api/inventory/receive", "rest", rest))
    ]  # fmt: skip
    kit.show(f"Single postings, {asked.clients} clients, {asked.workers} web process(es)",
             ["client", "postings/s", "p50", "p95", "rate to bare"], rows)  # fmt: skip


async def _token(url: str) -> str:
    async with Database(url, max_size=1) as db:
        command = CreateToken(name="bench", expires_at=datetime.now(UTC) + timedelta(days=1))
        return (await access.create_token(db, SYSTEM, command, person_id=await _administrator(db))).secret


async def _administrator(db: Database) -> int:
    person = CreatePerson(email="bench@example.com", name="Bench", role="administrator", password="a-bench-of-oak-42")
    return (await access.create_person(db, SYSTEM, person)).answer.id


@contextlib.contextmanager
def served(url: str, workers: int) -> Generator[int]:
    """The server on a free port, until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with TemporaryDirectory(prefix="perpetua-bench-home-") as home:
        settings = {
            "DATABASE_URL": url, "PERPETUA_BIND": f"127.0.0.1:{port}", "PERPETUA_HOME": home,
            "PERPETUA_WORKERS": str(workers), "PERPETUA_LOG_LEVEL": "warning",
        }  # fmt: skip
        command = [str(Path(sys.executable).with_name("perpetua")), "serve"]
        server = subprocess.Popen(command, env=os.environ | settings)
        try:
            deadline = time.monotonic() + 60
            while True:
                with contextlib.suppress(OSError), urlopen(f"http://127.0.0.1:{port}/ready", timeout=5):
                    break
                if time.monotonic() > deadline or server.poll() is not None:
                    raise SystemExit("the server did not come up")
                time.sleep(0.1)
            yield port
        finally:
            server.terminate()
            server.wait(30)


async def over_rest(port: int, secret: str, levels: list[Any], clients: int, each: int) -> list[float]:
    """Seconds of each posting; any answer but 201 ends the bench."""

    async def client(number: int) -> list[float]:
        rnd = random.Random(number)
        seconds: list[float] = []
        async with _connection(port) as (reader, writer):
            for _ in range(each):
                _, _, sku, place = rnd.choice(levels)
                line = {"sku": sku, "location": place, "quantity": "1"}
                body = json.dumps({"lines": [line]}).encode()
                head = (
                    f"POST /api/inventory/receive HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {secret}\r\n"
                    f"Idempotency-Key: {rnd.getrandbits(96):x}-{time.perf_counter_ns()}\r\n"
                    f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                ).encode()
                begun = time.perf_counter()
                writer.write(head + body)
                answer = await reader.readuntil(b"\r\n\r\n")
                length = next(int(h[15:]) for h in answer.lower().split(b"\r\n") if h.startswith(b"content-length:"))
                said = await reader.readexactly(length)
                seconds.append(time.perf_counter() - begun)
                if not answer.startswith(b"HTTP/1.1 201"):
                    raise SystemExit(answer.decode() + said.decode())
        return seconds

    return [s for part in await asyncio.gather(*(client(n) for n in range(clients))) for s in part]


@contextlib.asynccontextmanager
async def _connection(port: int) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


async def by_hand(url: str, levels: list[Any], clients: int, each: int) -> list[float]:
    """Seconds of each transaction of the bare client."""
    async with contextlib.AsyncExitStack() as open_:
        connections: list[Any] = [
            await open_.enter_async_context(await psycopg.AsyncConnection.connect(url, autocommit=True))
            for _ in range(clients)
        ]
        for connection in connections:
            await connection.execute(f'SET ROLE "{APP_ROLE}"')

        async def client(number: int) -> list[float]:
            rnd = random.Random(number)
            seconds: list[float] = []
            for _ in range(each):
                begun = time.perf_counter()
                await connections[number].execute(BARE, rnd.choice(levels)[:2], prepare=True)
                seconds.append(time.perf_counter() - begun)
            return seconds

        return [s for part in await asyncio.gather(*(client(n) for n in range(clients))) for s in part]
