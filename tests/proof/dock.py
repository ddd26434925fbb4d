"""A clerk at the dock until they are killed: `python dock.py URL FILE RECEIPT FIRST LAST`."""

import asyncio
import os
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from perpetua.access.types import SYSTEM
from perpetua.kit.database import Database
from perpetua.receiving import service
from perpetua.receiving.types import TakeIn, TakeLine


async def scan(db: Database, receipt_id: int, n: int) -> Any:
    """What comes under key n; the same at each call."""
    one = Decimal(1)
    lines = [TakeLine(sku="APPLE", quantity=one), TakeLine(sku="PEAR", quantity=one)]
    return await service.take_in(db, SYSTEM, receipt_id, TakeIn(lines=lines), key=f"dock-{n}")


async def work(url: str, file: Path, receipt_id: int, first: int, last: int) -> None:
    """Take keys first … last - 1 in, four at a time; each answer goes into the file before its clerk goes on."""
    acknowledged = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def clerk(db: Database, keys: Iterator[int]) -> None:
        for n in keys:
            answer = (await scan(db, receipt_id, n)).answer
            os.write(acknowledged, f"{n} {answer.posting_id}\n".encode())

    async with Database(url, max_size=4) as db:
        keys = iter(range(first, last))
        await asyncio.gather(*(clerk(db, keys) for _ in range(4)))


if __name__ == "__main__":
    address, path, *numbers = sys.argv[1:]
    asyncio.run(work(address, Path(path), *map(int, numbers)))
