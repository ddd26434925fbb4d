"""Killed in the midst of work: what was acknowledged is there once, nothing is there by half."""

import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from tests.conftest import clone
from tests.proof import client
from tests.proof.processes import LINES, invoice_lines, result, until
from tests.worlds import make_world

from perpetua.access.types import SYSTEM
from perpetua.kit import migrate
from perpetua.kit.database import Database
from perpetua.kit.imports import ImportOptions, Source, begin, resume
from perpetua.kit.postgres import Server
from perpetua.ledger import service
from perpetua.ledger.imports import MOVEMENTS
from perpetua.ledger.types import Receive, ReceiveLine

KEYS = 400


def start(*arguments: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, client.__file__, *map(str, arguments)])


def acknowledged(file: Path) -> dict[int, int]:
    """Key number → posting, of each line that was written whole."""
    lines = file.read_text().split("\n")[:-1] if file.exists() else []
    return {int(n): int(posting) for n, posting in (line.split() for line in lines)}


def postings(url: str) -> dict[int, tuple[int, int]]:
    """Key number → (posting, how many rows it has)."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            """SELECT p.idempotency_key, p.id, count(t.id) FROM postings p
               LEFT JOIN inventory_transactions t ON t.posting_id = p.id
               WHERE p.idempotency_key LIKE 'key-%' GROUP BY p.id"""
        ).fetchall()
    keyed = {int(key.removeprefix("key-")): (posting, rows) for key, posting, rows in found}
    assert len(keyed) == len(found)
    return keyed


async def prepare(url: str) -> None:
    async with Database(url) as db:
        await make_world(db)
        goods = [ReceiveLine(sku=sku, location="LON-A-1", quantity=Decimal(1000)) for sku in client.SKUS]
        await service.receive(db, SYSTEM, Receive(lines=goods))


async def holds(url: str, file: Path) -> None:
    """Every acknowledged key has its posting; each posting is whole; sending all again changes nothing."""
    kept, there = acknowledged(file), postings(url)
    assert kept.items() <= {n: posting for n, (posting, _) in there.items()}.items()
    assert all(rows == client.ROWS[n % 3] for n, (_, rows) in there.items())
    async with Database(url) as db:
        assert (await service.check(db, SYSTEM)).passed
        last = max(there) + 1
        for n in range(last):
            again = await client.command(db, n)
            # A command that was sent but never done is done now; the others answer as they did.
            assert again.replayed == (n in there)
            if n in there:
                assert again.answer.posting_id == there[n][0]
        after = postings(url)
        assert after.items() >= there.items()
        assert sorted(after) == list(range(last))
        done = await service.check(db, SYSTEM)
    assert done.passed
    assert done.rows == len(client.SKUS) + sum(client.ROWS[n % 3] for n in range(last))


async def test_a_killed_client_leaves_nothing_by_half(database_url: str, tmp_path: Path) -> None:
    await prepare(database_url)
    file = tmp_path / "acknowledged"
    process = start("post", database_url, file, 0, KEYS)
    until(lambda: len(acknowledged(file)) >= 40, "forty are acknowledged")
    process.kill()
    process.wait()
    assert len(acknowledged(file)) < KEYS
    await holds(database_url, file)


@pytest.mark.slow
@pytest.mark.parametrize("whole_tree", [False, True], ids=["postmaster", "all-processes"])
async def test_a_killed_server_keeps_what_it_acknowledged(own_server: Server, tmp_path: Path, whole_tree: bool) -> None:
    url = own_server.ensure_database("crash")
    migrate.upgrade(url)
    await prepare(url)
    file = tmp_path / "acknowledged"
    process = start("post", url, file, 0, KEYS)
    until(lambda: len(acknowledged(file)) >= 40, "forty are acknowledged")
    pid = own_server.pid
    assert pid
    children = psutil.Process(pid).children() if whole_tree else []
    os.kill(pid, signal.SIGKILL)
    for child in children:
        child.kill()
    process.kill()
    process.wait()
    assert len(acknowledged(file)) < KEYS
    assert own_server.revive()
    await holds(url, file)


@pytest.mark.slow
async def test_a_killed_import_goes_on_where_it_was(server_url: str, template: str, tmp_path: Path) -> None:
    file = tmp_path / "invoices.csv"
    invoice_lines(file)
    url, other = clone(server_url, template), clone(server_url, template)
    process = start("import", url, file)
    with psycopg.connect(url, autocommit=True) as connection:

        def begun() -> Any:
            return connection.execute("SELECT id, rows_done FROM imports WHERE rows_done > 0").fetchone()

        import_id, _ = until(begun, "some rows are done")
        process.kill()
        process.wait()
        done = connection.execute("SELECT rows_done FROM imports").fetchone()
    assert done
    assert 0 < done[0] < LINES
    async with Database(url) as db:
        assert (await resume(db, SYSTEM, MOVEMENTS, import_id)).state == "done"
        assert (await service.check(db, SYSTEM)).passed
    async with Database(other) as db:
        await begin(db, SYSTEM, MOVEMENTS, [Source(file, file.name)], ImportOptions(kind={"opening": "smallest"}))
    assert result(url) == result(other)
