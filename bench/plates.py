"""Moving a pallet, beside a transfer of the same goods; and what looking after plates adds to a sale.

A pallet of so many items is moved to and fro, and between its moves the same goods, loose, are transferred by name.
Then single units are sold, with plates' listener to the ledger and without it, in turns, while a thousand plates stand
there.

    python -m bench plates [--turns 15]
"""

import argparse
import asyncio
from decimal import Decimal

import psycopg

from bench import kit, ledger_world
from perpetua.access.types import SYSTEM
from perpetua.kit.database import Database
from perpetua.ledger import events, service
from perpetua.ledger.types import Receive, ReceiveLine, Sell, SellLine, Transfer, TransferLine
from perpetua.plates import service as plates
from perpetua.plates.service.keeping import KEEPER
from perpetua.plates.types import MakePlate, MovePlate, PlateLine, PutOn

SIZES = (1, 30, 1000)
SALES = 200
ONE = Decimal(1)


def run(arguments: list[str]) -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(prog="bench plates")
    parser.add_argument("--turns", type=int, default=15)
    asked = parser.parse_args(arguments)
    with kit.throwaway_database() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(ledger_world.ITEMS.split(";\n")[0].replace("%(n)s", "1000").replace("%%", "%").encode())
            connection.execute(ledger_world.ITEMS.split(";\n")[1].replace("%%", "%").encode())
            site = connection.execute(ledger_world.PLACE, ["S", "S", "warehouse", None]).fetchone()
            assert site
            for code in ("S-A", "S-B"):
                connection.execute(ledger_world.PLACE, [code, code, "bin", site[0]])
        asyncio.run(measure(url, asked.turns))


async def measure(url: str, turns: int) -> None:
    """Moves beside transfers, then sales."""
    skus = [f"SKU-{n:06d}" for n in range(1, 1001)]
    async with Database(url, max_size=2) as db:
        await service.receive(
            db, SYSTEM, Receive(location="S-A", lines=[ReceiveLine(sku=s, quantity=Decimal(5000)) for s in skus])
        )
        rows: list[list[object]] = []
        for size in SIZES:
            moves, transfers = kit.Stopwatch(), kit.Stopwatch()
            pallet = (await plates.make(db, SYSTEM, MakePlate(location="S-A", code=f"P{size}"))).answer
            await plates.put_on(
                db, SYSTEM, pallet.id, PutOn(lines=[PlateLine(sku=s, quantity=ONE) for s in skus[:size]])
            )
            lines = [TransferLine(sku=s, quantity=ONE) for s in skus[:size]]
            for turn in range(turns):
                here, there = ("S-A", "S-B") if turn % 2 == 0 else ("S-B", "S-A")
                with moves.lap():
                    await plates.move(db, SYSTEM, pallet.id, MovePlate(to=there))
                with transfers.lap():
                    await service.transfer(db, SYSTEM, Transfer(lines=lines, from_location=here, to_location=there))
            base = transfers.percentile(50)
            rows.append([f"{size:,} items", kit.milliseconds(moves.percentile(50)), kit.milliseconds(base),
                         f"{moves.percentile(50) / base:.2f}"])  # fmt: skip
        kit.show("Moving a pallet, p50", ["on it", "by one scan", "as a transfer", "ratio"], rows)
        for number in range(1000):
            await plates.make(db, SYSTEM, MakePlate(location="S-A", code=f"T{number}"))
        await sales(db, skus)


async def sales(db: Database, skus: list[str]) -> None:
    """Single units sold, with the listener and without, in turns."""
    watches = {True: kit.Stopwatch(), False: kit.Stopwatch()}
    listeners = events._listeners  # pyright: ignore[reportPrivateUsage]
    for number in range(SALES * 2):
        kept = number % 2 == 0
        if not kept:
            listeners.remove(KEEPER)
        line = SellLine(sku=skus[number // 2 % len(skus)], quantity=ONE, location="S-A")
        with watches[kept].lap():
            await service.sell(db, SYSTEM, Sell(lines=[line]))
        if not kept:
            listeners.append(KEEPER)
    with_, without = watches[True].percentile(50), watches[False].percentile(50)
    kit.show(
        "A sale of one unit, p50", ["", "time", "ratio"],
        [["plates not looked after", kit.milliseconds(without), "1.00"],
         ["looked after", kit.milliseconds(with_), f"{with_ / without:.2f}"]],
    )  # fmt: skip
