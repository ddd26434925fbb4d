"""Killed in the midst of a receipt: what was acknowledged is there once, nothing is there by half."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from tests.proof import dock
from tests.proof.processes import until
from tests.proof.test_crash import acknowledged
from tests.purchasing.helpers import ordered, stock_up
from tests.receiving.helpers import sound
from tests.worlds import make_world

from perpetua.access.types import SYSTEM
from perpetua.kit import migrate
from perpetua.kit.database import Database, sql
from perpetua.kit.postgres import Server
from perpetua.ledger import service as ledger
from perpetua.receiving import service
from perpetua.receiving.types import OpenReceipt

SCANS = 300
DONE = "SELECT idempotency_key, id FROM postings WHERE idempotency_key LIKE 'dock-%%'"


async def prepare(url: str) -> int:
    """An open receipt for an order of all that will be scanned."""
    async with Database(url) as db:
        world = await make_world(db)
        await stock_up(db, world)
        order = await ordered(db, world, ("APPLE", SCANS), ("PEAR", SCANS))
        opened = OpenReceipt(location="LON-A-1", orders=[order.number])
        return (await service.open_receipt(db, world.actor(), opened)).answer.id


async def holds(url: str, file: Path, receipt_id: int) -> None:
    """Each answer that was given is true; order, receipt and ledger agree; sending all again adds what was not done."""
    async with Database(url) as db:

        async def done() -> dict[int, int]:
            async with db.transaction() as tx:
                rows = await tx.dicts(sql(DONE))
            return {int(row["idempotency_key"].removeprefix("dock-")): row["id"] for row in rows}

        there = await done()
        assert acknowledged(file).items() <= there.items()
        await sound(db)
        for n in range(SCANS):
            again = await dock.scan(db, receipt_id, n)
            assert again.replayed == (n in there)
        assert (await done()).items() >= there.items()
        await sound(db)
        receipt = await service.get_receipt(db, SYSTEM, receipt_id)
        assert [(one.received, one.open) for one in receipt.expected] == [(SCANS, 0), (SCANS, 0)]
        assert (await ledger.check(db, SYSTEM)).passed


def start(*arguments: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, dock.__file__, *map(str, arguments)])


async def test_a_killed_clerk_leaves_nothing_by_half(database_url: str, tmp_path: Path) -> None:
    receipt_id = await prepare(database_url)
    file = tmp_path / "acknowledged"
    process = start(database_url, file, receipt_id, 0, SCANS)
    until(lambda: len(acknowledged(file)) >= 20, "twenty are acknowledged")
    process.kill()
    process.wait()
    assert len(acknowledged(file)) < SCANS
    await holds(database_url, file, receipt_id)


@pytest.mark.slow
async def test_a_killed_database_keeps_what_it_acknowledged(own_server: Server, tmp_path: Path) -> None:
    url = own_server.ensure_database("dock")
    migrate.upgrade(url)
    receipt_id = await prepare(url)
    file = tmp_path / "acknowledged"
    process = start(url, file, receipt_id, 0, SCANS)
    until(lambda: len(acknowledged(file)) >= 20, "twenty are acknowledged")
    pid = own_server.pid
    assert pid
    children = psutil.Process(pid).children()
    os.kill(pid, signal.SIGKILL)
    for child in children:
        child.kill()
    process.kill()
    process.wait()
    assert own_server.revive()
    await holds(url, file, receipt_id)
