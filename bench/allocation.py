"""Orders over HTTP at 1 to 256 clients, beside the naive way by a bare SQL client at as many; bulk intake; ATP of 500.

The real server in processes of its own (`perpetua serve`), fsync on, all on this machine. The naive client does in one
transaction what every shop does: locks the position, inserts order and line, allocation and reason, changes the
position, commits; prepared, over a socket, with no HTTP, no permissions, no rules and no names to look up, on tables of
its own with the same indexes in the same database. Both run in the same minute, for each number of clients anew.

    python -m bench allocation [--clients 1,8,64,256] [--skus 1,100,10000] [--seconds 4] [--workers 1]
"""

import argparse
import asyncio
import contextlib
import json
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import psycopg
import uvloop

from bench import kit
from bench.rest import served
from perpetua.app.prove.wire import Wire
from perpetua.app.prove.world import token

MOST_SKUS = 10_000
WORLD = """
INSERT INTO locations (code, name, kind) VALUES ('MAIN', 'Main', 'warehouse');
INSERT INTO locations (code, name, kind, parent_id) SELECT 'BIN', 'Bin', 'bin', id FROM locations WHERE code = 'MAIN';
INSERT INTO products (name, first_sku) SELECT 'Product ' || g, 'SKU-' || g FROM generate_series(1, %(n)s) g;
INSERT INTO product_variants (product_id, sku, name, unit) SELECT id, first_sku, name, 'each' FROM products ORDER BY id;
WITH posting AS (
  INSERT INTO postings (effective_at, actor_id, command) VALUES (now(), 0, 'bench') RETURNING id
)
INSERT INTO inventory_transactions (posting_id, effective_at, variant_id, location_id, line_no, type, quantity)
SELECT p.id, now(), v.id, l.id, 1, 'RECEIPT', 100000000 FROM posting p, product_variants v, locations l
WHERE l.code = 'BIN';
CREATE SCHEMA naive;
CREATE TABLE naive.positions (
  variant_id bigint, site_id bigint, on_hand numeric(18,4), allocated numeric(18,4) DEFAULT 0,
  PRIMARY KEY (variant_id, site_id));
CREATE TABLE naive.orders (LIKE public.orders INCLUDING ALL);
CREATE TABLE naive.order_lines (LIKE public.order_lines INCLUDING ALL);
CREATE TABLE naive.order_allocations (LIKE public.order_allocations INCLUDING ALL);
CREATE TABLE naive.allocation_audit_log (LIKE public.allocation_audit_log INCLUDING ALL);
INSERT INTO naive.positions SELECT variant_id, site_id, on_hand FROM inventory_positions;
VACUUM ANALYZE
"""
LOCK = "SELECT on_hand - allocated FROM naive.positions WHERE variant_id = %s AND site_id = %s FOR UPDATE"
WRITE = """
WITH o AS (
  INSERT INTO naive.orders (channel, external_id, body_hash, status, fulfilment, placed_at, created_by)
  VALUES ('web', %(external_id)s, '\\x00', 'ALLOCATED', 'split', now(), 0) RETURNING id
), l AS (
  INSERT INTO naive.order_lines (order_id, line_no, variant_id, quantity, allocated)
  SELECT id, 1, %(variant_id)s, 1, 1 FROM o RETURNING id, order_id
), a AS (
  INSERT INTO naive.order_allocations (line_id, variant_id, site_id, quantity)
  SELECT id, %(variant_id)s, %(site_id)s, 1 FROM l
)
INSERT INTO naive.allocation_audit_log
  (actor_id, action, order_id, line_id, variant_id, asked, given, config_version, facts)
SELECT 0, 'allocated', order_id, id, %(variant_id)s, 1, 1, 1, jsonb_build_object('available', %(free)s::numeric) FROM l
"""
TAKE = "UPDATE naive.positions SET allocated = allocated + 1 WHERE variant_id = %s AND site_id = %s"

Once = Callable[[], Awaitable[None]]


class Measured(NamedTuple):
    """What one way did at one number of clients."""

    rate: float
    p50: float
    p99: float


def run(arguments: list[str]) -> None:
    """Serve, measure in turns, print."""
    parser = argparse.ArgumentParser(prog="bench allocation")
    parser.add_argument("--clients", default="1,8,64,256")
    parser.add_argument("--skus", default="1,100,10000")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args(arguments)
    clients, skus = ([int(n) for n in text.split(",")] for text in (asked.clients, asked.skus))
    with kit.throwaway_database(max_connections="400") as url:
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in WORLD.split(";\n"):
                connection.execute(statement.encode(), {"n": max(skus)} if "%(n)s" in statement else None)
        secret = asyncio.run(token(url))
        with served(url, asked.workers) as port:
            uvloop.run(_over_http(port, secret, 8, min(100, max(skus)), 1))  # warm
            rows: list[list[object]] = []
            for many in skus:
                for number in clients:
                    naive = uvloop.run(_naive(url, number, many, asked.seconds))
                    grouped = uvloop.run(_over_http(port, secret, number, many, asked.seconds))
                    rows.append(_row(many, number, naive, grouped))
            kit.show(
                f"Orders of one line, {asked.workers} web process(es)",
                ["SKUs", "clients", "orders/s", "p50", "p99", "naive/s", "p50", "p99", "rate to naive"], rows,
            )  # fmt: skip
            uvloop.run(_rest(port, secret, max(skus)))


def _row(skus: int, clients: int, naive: Measured, grouped: Measured) -> list[object]:
    return [
        skus, clients, f"{grouped.rate:,.0f}", kit.milliseconds(grouped.p50), kit.milliseconds(grouped.p99),
        f"{naive.rate:,.0f}", kit.milliseconds(naive.p50), kit.milliseconds(naive.p99),
        f"{grouped.rate / naive.rate:.2f}",
    ]  # fmt: skip


async def _drive(acts: list[Once], seconds: float) -> Measured:
    """Each client does its act again and again, for so long."""
    watch, begun = kit.Stopwatch(), time.perf_counter()

    async def client(act: Once) -> None:
        while time.perf_counter() - begun < seconds:
            with watch.lap():
                await act()

    await asyncio.gather(*(client(act) for act in acts))
    wall = time.perf_counter() - begun
    return Measured(len(watch.seconds) / wall, watch.percentile(50), watch.percentile(99))


async def _over_http(port: int, secret: str, clients: int, skus: int, seconds: float) -> Measured:
    wires = [Wire(port, secret) for _ in range(clients)]

    def act(number: int) -> Once:
        rnd = random.Random(number)

        async def once() -> None:
            body = {
                "channel": "web", "external_id": f"{rnd.getrandbits(64):x}-{time.perf_counter_ns()}",
                "lines": [{"sku": f"SKU-{rnd.randint(1, skus)}", "quantity": "1"}],
            }  # fmt: skip
            answer = await wires[number].post("/api/orders", json.dumps(body).encode())
            if answer.status != 201:
                raise SystemExit(f"{answer.status}: {answer.body}")

        return once

    try:
        return await _drive([act(number) for number in range(clients)], seconds)
    finally:
        for wire in wires:
            wire.close()


async def _naive(url: str, clients: int, skus: int, seconds: float) -> Measured:
    async with contextlib.AsyncExitStack() as stack:
        connections: list[psycopg.AsyncConnection[Any]] = [
            await stack.enter_async_context(await psycopg.AsyncConnection.connect(url, autocommit=True))
            for _ in range(clients)
        ]
        cursor = await connections[0].execute(
            "SELECT variant_id, site_id FROM naive.positions ORDER BY 1 LIMIT %s", [skus]
        )
        positions = await cursor.fetchall()

        def act(number: int) -> Once:
            rnd, connection = random.Random(number), connections[number]

            async def once() -> None:
                key = rnd.choice(positions)
                external_id = f"{rnd.getrandbits(64):x}-{time.perf_counter_ns()}"
                async with connection.transaction():
                    row = await (await connection.execute(LOCK, key, prepare=True)).fetchone()
                    if row is None or row[0] <= 0:
                        raise SystemExit("nothing is left to sell")
                    params = {"external_id": external_id, "variant_id": key[0], "site_id": key[1], "free": row[0]}
                    await connection.execute(WRITE, params, prepare=True)
                    await connection.execute(TAKE, key, prepare=True)

            return once

        return await _drive([act(number) for number in range(clients)], seconds)


async def _rest(port: int, secret: str, skus: int) -> None:
    """Bulk intake, and what may be promised of 500 items in one call."""
    wire, rnd = Wire(port, secret), random.Random(1)
    bulk, atp, lines = kit.Stopwatch(), kit.Stopwatch(), 0
    for turn in range(8):
        orders = [
            {"channel": "web", "external_id": f"bulk-{turn}-{n}",
             "lines": [{"sku": f"SKU-{rnd.randint(1, skus)}", "quantity": "1"} for _ in range(5)]}
            for n in range(1_000)
        ]  # fmt: skip
        body = json.dumps({"orders": orders}).encode()
        with bulk.lap():
            answer = await wire.post("/api/orders/bulk", body)
        if not answer.done:
            raise SystemExit(f"{answer.status}: {str(answer.body)[:500]}")
        lines += 5_000
    asked = json.dumps({"skus": [f"SKU-{n}" for n in range(1, min(500, skus) + 1)]}).encode()
    for _ in range(40):
        with atp.lap():
            answer = await wire.post("/api/availability", asked)
        if not answer.done:
            raise SystemExit(f"{answer.status}: {str(answer.body)[:500]}")
    wire.close()
    kit.show("Many at once, one client", ["", "rate", "p50", "p99"], [
        ["POST /api/orders/bulk, 1,000 orders of 5 lines", f"{lines / bulk.total:,.0f} lines/s",
         kit.milliseconds(bulk.percentile(50)), kit.milliseconds(bulk.percentile(99))],
        [f"ATP of {min(500, skus)} SKUs in one call", f"{len(atp.seconds) / atp.total:,.0f} calls/s",
         kit.milliseconds(atp.percentile(50)), kit.milliseconds(atp.percentile(99))],
    ])  # fmt: skip
