"""The audit trail: written with the change, never changed, no secret in it."""

from decimal import Decimal

import psycopg
import pytest

from perpetua.access.service import Change, audit, audit_many, audit_override
from perpetua.access.types import SYSTEM
from perpetua.kit.database import Database, count_statements, sql

ROWS = sql(
    "SELECT kind, subject_id, action, before, after, costs, path FROM audit_log WHERE kind = %(kind)s ORDER BY id"
)


async def test_only_what_changed_is_written(db: Database) -> None:
    before = {"sku": "A", "name": "Mug", "cost_price": Decimal("1.50"), "attributes": {"colour": "red"}}
    after = {**before, "cost_price": Decimal("1.75"), "attributes": {"colour": "blue"}}

    async with db.transaction() as tx:
        await audit(tx, SYSTEM, "mug", 7, "updated", before, after, path=[1, 2])
        await audit(tx, SYSTEM, "mug", 8, "updated", before, before)
        rows = await tx.dicts(ROWS, {"kind": "mug"})

    assert rows == [
        {
            "kind": "mug",
            "subject_id": "7",
            "action": "updated",
            "before": {"cost_price": "1.50", "attributes": {"colour": "red"}},
            "after": {"cost_price": "1.75", "attributes": {"colour": "blue"}},
            "costs": ["cost_price"],
            "path": [1, 2],
        }
    ]


async def test_many_changes_are_one_statement(db: Database) -> None:
    made = [Change(id=n, action="created", after={"n": n}) for n in range(500)]
    with count_statements() as statements:
        async with db.transaction() as tx:
            await audit_many(tx, SYSTEM, "many", made)
    assert statements == ["write_audit"]
    async with db.transaction() as tx:
        rows = await tx.dicts(ROWS, {"kind": "many"})
    assert [r["after"]["n"] for r in rows] == list(range(500))
    assert {(r["before"], r["path"], tuple(r["costs"])) for r in rows} == {(None, None, ())}


async def test_secrets_never_get_in(db: Database) -> None:
    async with db.transaction() as tx:
        made = {"password_hash": "$argon2id$hunter2", "deep": {"api_token": "hunter2", "list": [{"secret": "hunter2"}]}}
        await audit(tx, SYSTEM, "secretive", 1, "created", None, made)
        await audit(tx, SYSTEM, "secretive", 1, "updated", made, {**made, "password_hash": "$argon2id$hunter3"})
        rows = await tx.dicts(ROWS, {"kind": "secretive"})
    assert len(rows) == 2
    assert "hunter" not in str(rows)
    assert "password_hash" in rows[1]["after"]


async def test_an_override_says_why(db: Database) -> None:
    async with db.transaction() as tx:
        await audit_override(tx, SYSTEM, "approval above 100", "flood in aisle 3", facts={"asked": Decimal(250)})
        (row,) = await tx.dicts(ROWS, {"kind": "override"})
    assert row["subject_id"] == "approval above 100"
    assert row["after"] == {"reason": "flood in aisle 3", "asked": "250"}


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_log SET action = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"]
)
async def test_no_row_is_changed_or_removed_by_nobody(db: Database, statement: str) -> None:
    async with db.transaction() as tx:
        await audit(tx, SYSTEM, "stone", 1, "created", None, {"a": 1})
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with db.transaction() as tx:
            await tx.execute(sql(statement))
    with pytest.raises(psycopg.errors.RestrictViolation):
        async with db.admin() as tx:
            await tx.execute(sql(statement))
