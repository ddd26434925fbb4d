"""Many at once: whatever comes in whatever order, the ledger and its projections come out whole."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from perpetua.access.types import SYSTEM
from perpetua.kit.database import Database, sql
from perpetua.kit.errors import Refusal
from perpetua.ledger import service
from perpetua.ledger.errors import AlreadyCorrected, InactivePlace, NotEnoughStock, SerialElsewhere, VersionChanged
from perpetua.ledger.types import (
    Adjust,
    AdjustLine,
    Correct,
    Receive,
    ReceiveLine,
    Sell,
    SellLine,
    Transfer,
    TransferLine,
)
from perpetua.places import service as places
from perpetua.places.errors import HoldsStock
from perpetua.places.types import ChangeLocation, MoveLocation

D = Decimal
SKUS = ("APPLE", "PEAR", "FLOUR")
SHELVES = ("LON-A-1", "LON-A-2", "LON-Q", "SHOP")
Levels = Counter[tuple[str, str]]


@pytest.fixture(scope="module")
async def pools(database_url: str) -> AsyncIterator[list[Database]]:
    """Three pools, as three processes have them."""
    made = [Database(database_url, max_size=8) for _ in range(3)]
    for pool in made:
        await pool.open()
    yield made
    for pool in made:
        await pool.close()


async def levels(db: Database) -> Levels:
    async with db.snapshot() as tx:
        found = await tx.dicts(
            sql("""SELECT i.sku, l.code, v.on_hand FROM inventory_levels v
                   JOIN product_variants i ON i.id = v.variant_id
                   JOIN locations l ON l.id = v.location_id WHERE v.on_hand <> 0""")
        )
    return Counter({(row["sku"], row["code"]): row["on_hand"] for row in found})


async def rows_written(db: Database) -> int:
    async with db.snapshot() as tx:
        return await tx.value(sql("SELECT count(*) FROM inventory_transactions"))


async def whole(db: Database) -> None:
    done = await service.check(db, SYSTEM)
    assert done.passed, [finding for finding in done.findings if finding.wrong]


async def outcomes(acts: list[Awaitable[Any]]) -> tuple[list[Any], list[BaseException]]:
    """What all gave when run at once: answers, and refusals. Anything else than a refusal fails the test."""
    gave = await asyncio.gather(*acts, return_exceptions=True)
    failed = [one for one in gave if isinstance(one, BaseException)]
    for one in failed:
        if not isinstance(one, Refusal):
            raise one
    return [one for one in gave if not isinstance(one, BaseException)], failed


class Writer:
    """Sends commands drawn at random and keeps what the accepted ones must have done."""

    def __init__(self, db: Database, world: SimpleNamespace, seed: int) -> None:
        self.db, self.world, self.chance = db, world, random.Random(seed)
        self.effect: Levels = Counter()
        self.rows = self.refused = 0

    async def work(self, commands: int) -> None:
        for _ in range(commands):
            make = self.chance.choice((self.receive, self.sell, self.sell, self.transfer, self.transfer))
            try:
                effect = await make()
            except NotEnoughStock:
                self.refused += 1
                continue
            self.rows += len(effect)
            for sku, place, quantity in effect:
                self.effect[sku, place] += quantity

    def draw(self) -> list[tuple[str, str, int]]:
        # Several items and places in one command, in any order, so that two writers meet them in opposite orders.
        drawn = [(sku, place, self.chance.randint(1, 6)) for sku in SKUS for place in SHELVES]
        return self.chance.sample(drawn, self.chance.choice((1, 2, 6)))

    async def receive(self) -> list[tuple[str, str, int]]:
        lines = self.draw()[:3]
        asked = [ReceiveLine(sku=s, location=p, quantity=D(q)) for s, p, q in lines]
        await service.receive(self.db, self.world.actor(), Receive(lines=asked))
        return lines

    async def sell(self) -> list[tuple[str, str, int]]:
        lines = self.draw()
        asked = [SellLine(sku=s, location=p, quantity=D(q)) for s, p, q in lines]
        await service.sell(self.db, self.world.actor(), Sell(lines=asked))
        return [(s, p, -q) for s, p, q in lines]

    async def transfer(self) -> list[tuple[str, str, int]]:
        lines = [(s, p, self.chance.choice([x for x in SHELVES if x != p]), q) for s, p, q in self.draw()]
        asked = [TransferLine(sku=s, from_location=p, to_location=t, quantity=D(q)) for s, p, t, q in lines]
        await service.transfer(self.db, self.world.actor(), Transfer(lines=asked))
        return [(s, p, -q) for s, p, _, q in lines] + [(s, t, q) for s, _, t, q in lines]


async def test_many_writers_on_few_items(pools: list[Database], world: SimpleNamespace) -> None:
    stock = [ReceiveLine(sku=s, location=p, quantity=D(25)) for s in SKUS for p in SHELVES]
    await service.receive(pools[0], world.actor(), Receive(lines=stock))
    start, rows = await levels(pools[0]), await rows_written(pools[0])
    writers = [Writer(pools[n % len(pools)], world, seed=n) for n in range(24)]
    await asyncio.gather(*(writer.work(10) for writer in writers))
    expected = start.copy()
    for writer in writers:
        expected.update(writer.effect)
    found = await levels(pools[0])
    assert found == +expected  # the plus leaves out what came to nothing; nothing is below it
    assert min(expected.values()) >= 0
    assert await rows_written(pools[0]) == rows + sum(writer.rows for writer in writers)
    assert sum(writer.refused for writer in writers) > 0
    await whole(pools[0])


async def test_first_levels_lots_and_serials_made_in_opposite_orders(
    pools: list[Database], world: SimpleNamespace
) -> None:
    spots = ("LON-A-1", "LON-A-2", "LON-Q", "SHOP")

    async def arrive(n: int) -> Any:
        lines = [ReceiveLine(sku="MILK", lot=f"L{i}", location=spots[i % 4], quantity=D(1)) for i in range(12)]
        lines += [
            ReceiveLine(sku="PHONE", serials=[f"S{n}-{i}"], location=spots[i % 4], quantity=D(1)) for i in range(4)
        ]
        chance = random.Random(n)
        chance.shuffle(lines)
        return await service.receive(pools[n % 3], world.actor(), Receive(lines=lines))

    answers, refused = await outcomes([arrive(n) for n in range(18)])
    assert len(answers) == 18, refused
    assert (await levels(pools[0]))["PHONE", "SHOP"] == 18
    await whole(pools[0])


async def test_a_serial_arrives_once_and_leaves_once(pools: list[Database], world: SimpleNamespace) -> None:
    arrival = Receive(lines=[ReceiveLine(sku="PHONE", serials=["ONE"], location="LON-A-1", quantity=D(1))])
    answers, refused = await outcomes([service.receive(pools[n % 3], world.actor(), arrival) for n in range(12)])
    assert len(answers) == 1
    assert {type(one) for one in refused} == {SerialElsewhere}
    sale = Sell(lines=[SellLine(sku="PHONE", serials=["ONE"], location="LON-A-1", quantity=D(1))])
    answers, refused = await outcomes([service.sell(pools[n % 3], world.actor(), sale) for n in range(12)])
    assert len(answers) == 1
    assert {type(one) for one in refused} <= {SerialElsewhere, NotEnoughStock}
    await whole(pools[0])


async def test_one_key_from_many_clients_is_one_posting(pools: list[Database], world: SimpleNamespace) -> None:
    before = await rows_written(pools[0])
    command = Receive(lines=[ReceiveLine(sku="APPLE", location="LON-A-1", quantity=D(3))])
    answers, refused = await outcomes(
        [service.receive(pools[n % 3], world.actor(), command, key="same") for n in range(24)]
    )
    assert not refused
    assert len({one.answer.posting_id for one in answers}) == 1
    assert sum(not one.replayed for one in answers) == 1
    assert await rows_written(pools[0]) == before + 1


async def test_a_row_is_corrected_once(pools: list[Database], world: SimpleNamespace) -> None:
    command = Receive(lines=[ReceiveLine(sku="FLOUR", location="LON-A-1", quantity=D(7))])
    wrong = (await service.receive(pools[0], world.actor(), command)).answer
    assert wrong.first_row_id
    before = await levels(pools[0])
    anew = Correct(reason="it was 5", quantity=D(5))
    answers, refused = await outcomes(
        [service.correct(pools[n % 3], world.actor(), wrong.first_row_id, anew) for n in range(12)]
    )
    assert len(answers) == 1
    assert {type(one) for one in refused} == {AlreadyCorrected}
    assert (await levels(pools[0]))["FLOUR", "LON-A-1"] == before["FLOUR", "LON-A-1"] - 2
    await whole(pools[0])


@pytest.mark.parametrize("seen", [True, False])
async def test_of_those_who_looked_at_one_version_one_wins(
    pools: list[Database], world: SimpleNamespace, seen: bool
) -> None:
    place, version = ("LON-A", 0)
    if seen:
        command = Receive(lines=[ReceiveLine(sku="PEAR", location="LON", quantity=D(9))])
        version, place = (await service.receive(pools[0], world.actor(), command)).answer.levels[0].version, "LON"

    async def adjust(n: int) -> Any:
        line = AdjustLine(sku="PEAR", location=place, quantity=D(n + 1), version=version)
        return await service.adjust(pools[n % 3], world.actor(), Adjust(lines=[line], reason_code="found"))

    answers, refused = await outcomes([adjust(n) for n in range(12)])
    assert len(answers) == 1
    assert {type(one) for one in refused} == {VersionChanged}
    assert answers[0].answer.levels[0].version == version + 1
    await whole(pools[0])


async def repeat(times: int, act: Callable[[int], Awaitable[Any]]) -> None:
    for n in range(times):
        await act(n)


async def test_a_place_changes_and_moves_under_the_hands_that_post(
    pools: list[Database], world: SimpleNamespace
) -> None:
    stock = [ReceiveLine(sku=s, location=p, quantity=D(200)) for s in SKUS for p in SHELVES]
    await service.receive(pools[0], world.actor(), Receive(lines=stock))
    start = await levels(pools[0])
    chief, place = world.actor("administrator"), world.places["LON-A-2"]

    async def flip(n: int) -> None:
        version = (await places.get(pools[0], chief, place)).version
        await places.change(pools[0], chief, place, ChangeLocation(sellable=n % 2 == 1), version=version)

    async def move(n: int) -> None:
        await places.move(pools[1], chief, place, MoveLocation(to=("SHOP", "LON-A")[n % 2]))

    writers = [Writer(pools[n % 3], world, seed=100 + n) for n in range(12)]

    async def both(n: int) -> None:
        await flip(n)
        await move(n)

    await asyncio.gather(repeat(6, both), *(writer.work(8) for writer in writers))
    expected = start.copy()
    for writer in writers:
        expected.update(writer.effect)
    assert await levels(pools[0]) == +expected
    await whole(pools[0])


async def test_what_is_closed_takes_nothing_in(pools: list[Database], world: SimpleNamespace) -> None:
    """A place is closed while goods arrive: either the one or the other comes first, and refuses what is second."""
    chief = world.actor("administrator")
    for n in range(6):
        code = f"CLOSING-{n}"
        async with pools[0].admin() as tx:
            place = await tx.value(
                sql("""INSERT INTO locations (code, name, kind, parent_id) VALUES (%(c)s, %(c)s, 'bin', %(p)s)
                       RETURNING id"""),
                {"c": code, "p": world.places["LON-A"]},
            )
        arrival = Receive(lines=[ReceiveLine(sku="APPLE", location=code, quantity=D(1))])
        version = (await places.get(pools[0], chief, place)).version
        closing = places.change(pools[0], chief, place, ChangeLocation(active=False), version=version)
        coming: list[Awaitable[Any]] = [service.receive(pools[i % 3], world.actor(), arrival) for i in range(4)]
        coming.insert(n % 5, closing)
        _, refused = await outcomes(coming)
        assert {type(one) for one in refused} <= {HoldsStock, InactivePlace}
        closed = not (await places.get(pools[0], chief, place)).active
        assert (await levels(pools[0]))["APPLE", code] == 0 or not closed
    await whole(pools[0])
