"""Transactions: how their statements are planned, and what is begun anew."""

from psycopg import errors as pg

from perpetua.kit.database import Database, Tx, sql

SETTINGS = """SELECT string_agg(setting, ' ' ORDER BY name) FROM pg_settings
              WHERE name IN ('plan_cache_mode', 'enable_seqscan', 'enable_hashjoin', 'enable_mergejoin')"""
ORDINARY = "on on on auto"
BY_KEY = "off off off force_generic_plan"


async def planned(tx: Tx) -> str:
    return await tx.value(sql(SETTINGS))


async def test_plans_by_key_are_of_their_transaction_alone(database_url: str) -> None:
    async with Database(database_url, min_size=1, max_size=1) as db:  # one connection: what is left over would be seen
        assert await db.run(planned, by_key=True) == BY_KEY
        assert await db.run(planned) == ORDINARY
        async with db.snapshot(by_key=True) as tx:
            assert await planned(tx) == BY_KEY
        async with db.snapshot() as tx:
            assert await planned(tx) == ORDINARY
        assert await db.glance(planned) == ORDINARY


async def test_what_is_begun_anew_knows_it_and_is_counted(db: Database) -> None:
    before, seen = db.retried["SerializationFailure"], list[bool | None]()

    async def act(tx: Tx) -> int:
        seen.append(tx.anew)
        if len(seen) < 3:
            raise pg.SerializationFailure
        return await tx.value(sql("SELECT 1"))

    assert await db.run(act) == 1
    assert (seen, db.retried["SerializationFailure"] - before) == ([False, True, True], 2)
    async with db.transaction() as tx:
        assert tx.anew is None
