"""`perpetua prove`, as anyone runs it: it finds nothing wrong, and what is wrong it would find."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from tests.worlds import make_world

from perpetua.access.types import SYSTEM
from perpetua.allocation import service
from perpetua.app.prove.plan import Order
from perpetua.app.prove.told import Told
from perpetua.app.prove.truths import examine
from perpetua.kit.database import Database
from perpetua.orders.types import PlaceLine, PlaceOrder

# Once in CI: its second run, on another PostgreSQL, is for what uses that.
MANY = 100_000
LINES = MANY if os.environ.get("CI") == "true" and "TEST_POSTGRES_BIN" not in os.environ else 3_000


@pytest.fixture
def home() -> Iterator[Path]:
    """An installation of its own, with an embedded server that may be killed."""
    made = Path(tempfile.mkdtemp(prefix="perpetua-prove-test-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def prove(home: Path, *more: str) -> tuple[int, dict[str, Any]]:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    command = [sys.executable, "-m", "perpetua.app.cli", "prove", "--json", *more]
    done = subprocess.run(
        command, env={**environment, "PERPETUA_HOME": str(home)}, capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


MAY_BE_EMPTY = {"idle_kits", "idle_whole", "expired"}
"""Whether anybody waits for a kit at the end, say, is chance."""


@pytest.mark.slow
def test_nothing_is_oversold_lost_or_doubled(home: Path) -> None:
    code, verdict = prove(home, "--lines", str(LINES), "--clients", "64")
    assert (code, verdict["passed"]) == (0, True), verdict["findings"]
    assert verdict["logs"] is None
    assert verdict["lines"] > LINES * 0.85
    counts = verdict["counts"]
    assert (counts["server_kills"], counts["database_kills"]) == (2, 1)
    if LINES < MANY:
        return  # over in seconds: what happened in them is chance
    for name in ("single_orders", "bulk_orders", "duplicates", "refused", "sent_again", "held", "receipts", "damaged",
                 "cancel_done", "ship_done", "change_done", "release_done"):  # fmt: skip
        assert counts[name] > 0, name
    became = verdict["became"]
    for name in ("log_allocated", "log_backordered", "log_refused", "log_filled", "log_released", "units_waiting",
                 "reservations_expired", "reservations_ordered"):  # fmt: skip
        assert became[name] > 0, name
    # Both enough and not enough: of ten units asked for at the least three were there at once, and two were not.
    assert became["log_allocated"] > verdict["lines"] * 0.3
    assert became["log_backordered"] + became["log_refused"] > verdict["lines"] * 0.2
    seen = {finding["name"] for finding in verdict["findings"] if finding["looked_at"]}
    assert seen >= {finding["name"] for finding in verdict["findings"]} - MAY_BE_EMPTY


BREAKS: dict[str, LiteralString] = {
    "oversold": "UPDATE order_allocations SET quantity = quantity + 1000",
    "lots": """WITH l AS (INSERT INTO lots (variant_id, number) SELECT variant_id, 'X' FROM order_allocations LIMIT 1
                          RETURNING id) UPDATE order_allocations SET lot_id = l.id FROM l""",
    "lost": "UPDATE orders SET external_id = 'another'",
    "unasked": "UPDATE orders SET external_id = 'another'",
    "held": "UPDATE order_allocations SET state = 'released', ended_at = now()",
    "explained": "TRUNCATE allocation_audit_log",
    "accounted": "UPDATE order_lines SET allocated = allocated - 1",
    "idle": "UPDATE order_allocations SET state = 'released', ended_at = now()",
    "positions": "UPDATE inventory_positions SET allocated = 0",
    "statuses": "UPDATE orders SET status = 'CANCELLED'",
}


@pytest.fixture(scope="module")
async def sold(db: Database, database_url: str) -> AsyncIterator[tuple[str, Told]]:
    """An order of five, of which three are there."""
    world = await make_world(db)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            """WITH p AS (INSERT INTO postings (effective_at, actor_id, command) VALUES (now(), 0, 'test') RETURNING id)
               INSERT INTO inventory_transactions
                 (posting_id, effective_at, variant_id, location_id, line_no, type, quantity)
               SELECT id, now(), %s, %s, 1, 'RECEIPT', 3 FROM p""",
            [world.items["APPLE"], world.places["LON-A-1"]],
        )
    order = PlaceOrder(lines=[PlaceLine(sku="APPLE", quantity=Decimal(5))], channel="web", external_id="A")
    taken = (await service.place(db, SYSTEM, order)).answer
    told = Told()
    sent = Order(1, "web", "A", b"", 1, True)
    told.sent(sent)
    told.taken(sent, taken.id)
    yield database_url, told
    told.close()


def wrong(url: str, told: Told, act: Callable[[psycopg.Connection[Any]], None]) -> set[str]:
    """The truths that are found broken after `act`, which is undone."""
    with psycopg.connect(url) as connection:
        act(connection)
        found = {finding.name for finding in examine(connection, told) if finding.wrong}
        connection.rollback()
    return found


async def test_a_sound_database_passes(sold: tuple[str, Told]) -> None:
    assert wrong(*sold, lambda _: None) == set()


@pytest.mark.parametrize("truth", BREAKS)
async def test_what_is_broken_is_found(sold: tuple[str, Told], truth: str) -> None:
    def act(connection: psycopg.Connection[Any]) -> None:
        for table in ("order_allocations", "allocation_audit_log", "orders", "order_lines", "inventory_positions"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
        connection.execute(BREAKS[truth])

    assert truth in wrong(*sold, act)
