"""A process that posts or imports until it is killed.

`python client.py post URL FILE FIRST LAST`, `python client.py import URL FILE`.
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from perpetua.access.types import SYSTEM
from perpetua.kit.database import Database
from perpetua.kit.imports import ImportOptions, Source, begin
from perpetua.ledger import service
from perpetua.ledger.imports import MOVEMENTS
from perpetua.ledger.types import Receive, ReceiveLine, Sell, SellLine, Transfer, TransferLine

SKUS = ("APPLE", "PEAR", "FLOUR")
ROWS = (3, 4, 2)
"""How many rows the command of key n writes, by n modulo 3."""


async def command(db: Database, n: int) -> Any:
    """The command that belongs to key n; the same at each call."""
    key, one = f"key-{n}", Decimal(1)
    if n % 3 == 0:
        goods = [ReceiveLine(sku=sku, location="LON-A-1", quantity=one) for sku in SKUS]
        return await service.receive(db, SYSTEM, Receive(lines=goods), key=key)
    if n % 3 == 1:
        moved = [TransferLine(sku=s, from_location="LON-A-1", to_location="SHOP", quantity=one) for s in SKUS[:2]]
        return await service.transfer(db, SYSTEM, Transfer(lines=moved), key=key)
    sold = [SellLine(sku=sku, location="LON-A-1", quantity=one) for sku in SKUS[1:]]
    return await service.sell(db, SYSTEM, Sell(lines=sold), key=key)


async def post(url: str, file: Path, first: int, last: int) -> None:
    """Post keys first … last - 1, four at a time; each answer goes into the file before its writer goes on."""
    acknowledged = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def work(db: Database, keys: Iterator[int]) -> None:
        for n in keys:
            answer = (await command(db, n)).answer
            os.write(acknowledged, f"{n} {answer.posting_id}\n".encode())

    async with Database(url, max_size=4) as db:
        keys = iter(range(first, last))
        await asyncio.gather(*(work(db, keys) for _ in range(4)))


async def load(url: str, file: Path) -> None:
    """Import the file's invoice lines."""
    async with Database(url) as db:
        await begin(db, SYSTEM, MOVEMENTS, [Source(file, file.name)], ImportOptions(kind={"opening": "smallest"}))


if __name__ == "__main__":
    what, address, path, *more = sys.argv[1:]
    if what == "post":
        asyncio.run(post(address, Path(path), int(more[0]), int(more[1])))
    else:
        asyncio.run(load(address, Path(path)))
