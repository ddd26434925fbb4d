"""The same command twice has one effect and one answer."""

import asyncio

import pytest

from perpetua.kit.database import Database, Tx, sql
from perpetua.kit.idempotency import KeyReused, once


async def test_many_at_once_have_one_effect(db: Database) -> None:
    async with db.admin() as tx:
        await tx.execute(sql("CREATE TABLE effects (n int); "))
        await tx.execute(sql("GRANT ALL ON effects TO perpetua_app"))

    async def act(tx: Tx) -> int:
        await tx.execute(sql("INSERT INTO effects VALUES (1)"))
        return 41

    async def send() -> int:
        got = await once(db, sender=1, key="k", command="c", body={"a": 1}, answer=int, act=act)
        return got.answer

    assert await asyncio.gather(*(send() for _ in range(12))) == [41] * 12
    async with db.transaction() as tx:
        assert await tx.value(sql("SELECT count(*) FROM effects")) == 1
    with pytest.raises(KeyReused):
        await once(db, sender=1, key="k", command="c", body={"a": 2}, answer=int, act=act)
