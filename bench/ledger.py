"""Posting, stock at any instant, and the integrity check, in a ledger of five million rows.

Builds the ledger at half its size and then whole, asks the same questions at both; runs the check; posts batches of
1,000 beside COPY of the like into the same partitioned and indexed table with the projecting trigger off, in turns.

    python -m bench ledger [--rows 5000000] [--batches 100]
"""

import argparse
import asyncio
import multiprocessing
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import psycopg

from bench import kit, ledger_world
from perpetua.access.types import SYSTEM
from perpetua.kit.clock import system_clock
from perpetua.kit.database import Database, Statement
from perpetua.kit.listing import PageRequest
from perpetua.ledger import service
from perpetua.ledger.service import reading
from perpetua.ledger.types import PostingDraft, Row, StockFilters

SPAN_DAYS = 540
BATCH = 1_000
COPIED = (
    "COPY inventory_transactions (posting_id, recorded_at, effective_at, variant_id, location_id, lot_id, line_no, "
    "type, quantity, unit_cost) FROM STDIN"
)

SUMMED = Statement(f"SELECT count(*) + sum(on_hand) FROM ({reading.Q['catalogue_then']}) AS levels", "catalogue_summed")


def run(arguments: list[str]) -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(prog="bench ledger")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--batches", type=int, default=100)
    asked = parser.parse_args(arguments)
    half = asked.rows // 2
    with kit.throwaway_database(shared_buffers="2GB", max_wal_size="8GB", checkpoint_timeout="30min") as url:
        begun = time.perf_counter()
        ledger_world.build(url, half, asked.rows)
        print(f"{half:,} rows made in {time.perf_counter() - begun:.0f} s")
        small = asyncio.run(questions(url))
        ledger_world.extend(url, half, asked.rows, asked.rows)
        large = asyncio.run(questions(url))
        kit.show(
            f"Questions at {half:,} and {asked.rows:,} rows (p50 / p95)",
            ["question", "promise", f"{half:,}", f"{asked.rows:,}", "ratio of p50"],
            [[name, promise, _pair(small[name]), _pair(large[name]), _ratio(large[name], small[name])]
             for name, promise in PROMISES.items()],
        )  # fmt: skip
        asyncio.run(checked(url))
        posting(url, asked.batches)


PROMISES = {
    "stock of one item now": "< 2 ms",
    "stock of one item as of an instant": "< 20 ms",
    "first page of stock, site": "< 30 ms",
    "first page of stock, zone": "< 30 ms",
    "first page of stock, bin": "< 30 ms",
    "whole catalogue as of an instant": "< 3 s",
    "the same, every level read by Python": "",
}


async def questions(url: str) -> dict[str, kit.Stopwatch]:
    """Each question many times, at random items and instants, on one warm connection."""
    rnd = random.Random(7)
    watches = {name: kit.Stopwatch() for name in PROMISES}
    async with Database(url, max_size=2) as db:
        made = await service.make_checkpoints(db)
        print(f"{made} checkpoints made")
        now = datetime.now(UTC)

        def instant() -> datetime:
            return now - timedelta(days=rnd.uniform(0, SPAN_DAYS))

        async def ask(name: str, times: int, act: Callable[[], Awaitable[Any]]) -> None:
            for number in range(times + 5):
                if number < 5:  # warm
                    await act()
                    continue
                with watches[name].lap():
                    await act()

        def item() -> list[int]:
            return [rnd.randint(1, ledger_world.VARIANTS)]

        def page(code: str) -> Awaitable[Any]:
            return service.list_stock(db, SYSTEM, StockFilters(location=code), PageRequest())

        async def summed() -> None:
            async with db.snapshot() as tx:
                when = await reading.moment(tx, instant(), None, system_clock)
                await tx.execute(reading.Q["much_memory"])
                await tx.value(SUMMED, msgspec.structs.asdict(when) if when else None)

        async def catalogue() -> None:
            async for _ in service.catalogue_at(db, SYSTEM, instant()):
                pass

        await ask("stock of one item now", 300, lambda: service.item_levels(db, SYSTEM, item()))
        await ask(
            "stock of one item as of an instant", 300, lambda: service.item_levels(db, SYSTEM, item(), as_of=instant())
        )
        await ask("first page of stock, site", 40, lambda: page(f"S{rnd.randint(1, 3)}"))
        await ask("first page of stock, zone", 40, lambda: page(f"S{rnd.randint(1, 3)}-Z{rnd.randint(1, 4)}"))
        await ask(
            "first page of stock, bin",
            40,
            lambda: page(f"S{rnd.randint(1, 3)}-Z{rnd.randint(1, 3)}-{rnd.randint(1, 40)}"),
        )
        await ask("whole catalogue as of an instant", 8, summed)
        await ask("the same, every level read by Python", 8, catalogue)
    return watches


async def checked(url: str) -> None:
    """The whole check, and sealing before it."""
    async with Database(url, max_size=2) as db:
        begun = time.perf_counter()
        sealed = await service.seal(db)
        sealing = time.perf_counter() - begun
        begun = time.perf_counter()
        done = await service.check(db, SYSTEM)
        whole = time.perf_counter() - begun
    for finding in done.findings:
        if finding.wrong:
            print(f"{finding.name}: {finding.examples[:3]}")
    seals = next(f for f in done.findings if f.name == "seals").milliseconds / 1000
    kit.show(
        f"Integrity check: {'passed' if done.passed else 'FAILED'}",
        ["work", "rows", "seconds", "rows/s", "to sealing"],
        [
            ["sealing", f"{sealed:,}", f"{sealing:.1f}", f"{sealed / sealing:,.0f}", "1.00"],
            ["check, all", f"{done.rows:,}", f"{whole:.1f}", f"{done.rows / whole:,.0f}", f"{sealing / whole:.2f}"],
            ["of it: seals", f"{done.rows:,}", f"{seals:.1f}", f"{done.rows / seals:,.0f}", f"{sealing / seals:.2f}"],
        ],
    )


def posting(url: str, batches: int) -> None:
    """Batches of 1,000 through the service, and COPY of the like, in turns.

    With two processes once each with items of its own, as two docks have, and once both with all items: then nearly
    every batch meets one of the other's seven items, and waits for it to commit.
    """
    rows: list[list[object]] = []
    for name, clients, apart in (("1 process", 1, True), ("2, own items", 2, True), ("2, same items", 2, False)):
        posted, copied = kit.Stopwatch(), kit.Stopwatch()
        for turn in range(4):
            seed = len(rows) * 100 + turn
            _together(clients, post_batches, url, seed, batches // 4, posted, apart)
            _together(clients, copy_batches, url, seed, batches // 4, copied, apart)
        total = batches // 4 * 4 * BATCH * clients
        rate, base = total / posted.total, total / copied.total
        rows.append([name, f"{rate:,.0f}", f"{base:,.0f}", f"{rate / base:.2f}"])
    kit.show(
        "Posting in batches of 1,000 (promise: 20,000 rows/s on two cores, 0.3 of COPY)",
        ["clients", "posted rows/s", "COPY rows/s", "ratio"], rows,
    )  # fmt: skip


def _together(
    clients: int,
    work: Callable[..., None],
    url: str,
    seed: int,
    batches: int,
    watch: kit.Stopwatch,
    apart: bool,
) -> None:
    """All clients prepare their batches, start at once, and the slowest ends the lap."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(clients + 1)
    shares = [(n, clients) if apart else (0, 1) for n in range(clients)]
    parts = [context.Process(target=work, args=(url, seed * 10 + n, batches, ready, shares[n])) for n in range(clients)]
    for part in parts:
        part.start()
    ready.wait(timeout=300)
    with watch.lap():
        for part in parts:
            part.join()
    assert all(part.exitcode == 0 for part in parts)


def post_batches(url: str, seed: int, batches: int, ready: Any, share: tuple[int, int]) -> None:
    """One client: `service.post`, each batch a transaction."""

    async def work() -> None:
        async with Database(url, max_size=1) as db:
            drafts = [_draft(lines) for lines in _lines(url, seed, batches, share)]
            await asyncio.to_thread(ready.wait)
            for draft in drafts:
                await db.run(lambda tx, draft=draft: service.post(tx, SYSTEM, draft, show_levels=False))

    asyncio.run(work())


def copy_batches(url: str, seed: int, batches: int, ready: Any, share: tuple[int, int]) -> None:
    """One client: COPY of the like into the same table, the projecting trigger off."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        now = datetime.now(UTC)
        work = [
            [(1, now, now, variant, location, 0, n, "RECEIPT", quantity, Decimal("2.5"))
             for n, (variant, location, quantity) in enumerate(lines, 1)]
            for lines in _lines(url, seed, batches, share)
        ]  # fmt: skip
        ready.wait()
        for lines in work:
            with connection.cursor() as cursor, cursor.copy(COPIED) as copy:
                for line in lines:
                    copy.write_row(line)


def _lines(url: str, seed: int, batches: int, share: tuple[int, int]) -> list[list[tuple[int, int, Decimal]]]:
    rnd = random.Random(seed)
    with psycopg.connect(url) as connection:
        levels = connection.execute(
            "SELECT variant_id, location_id FROM inventory_levels TABLESAMPLE BERNOULLI (20) REPEATABLE (%s) "
            "WHERE variant_id %% %s = %s",
            [seed, share[1], share[0]],
        ).fetchall()
    return [
        [(*rnd.choice(levels), Decimal(rnd.randint(1, 9))) for _ in range(BATCH)]
        for _ in range(batches)
    ]  # fmt: skip


def _draft(lines: list[tuple[int, int, Decimal]]) -> PostingDraft:
    rows = [
        Row(
            line_no=n,
            type="RECEIPT",
            variant_id=variant,
            location_id=location,
            quantity=quantity,
            unit_cost=Decimal("2.5"),
        )
        for n, (variant, location, quantity) in enumerate(lines, 1)
    ]
    return PostingDraft(command="bench", effective_at=datetime.now(UTC), rows=rows)


def _ratio(one: kit.Stopwatch, other: kit.Stopwatch) -> str:
    return f"{one.percentile(50) / other.percentile(50):.2f}"


def _pair(watch: kit.Stopwatch) -> str:
    return f"{kit.milliseconds(watch.percentile(50))} / {kit.milliseconds(watch.percentile(95))}"
