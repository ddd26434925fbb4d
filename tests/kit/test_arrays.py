"""Columns as array literals come back as they were."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perpetua.kit.database import Database, array, sql

SANE = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.none() | SANE, min_size=1, max_size=8))
async def test_text(db: Database, values: list[str | None]) -> None:
    async with db.transaction() as tx:
        back = await tx.value(sql("SELECT %(a)s::text[]"), {"a": array(values)})
    assert (back or [None] * len(values)) == values


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("bigint", [1, None, -(2**62)]),
        ("numeric", [Decimal("1.50"), None, Decimal("-0.0001"), Decimal("1E+3")]),
        ("timestamptz", [datetime(2011, 10, 2, 14, 5, 0, 123456, UTC), None]),
        ("boolean", [True, None, False]),
    ],
)
async def test_others(db: Database, kind: str, values: list[Any]) -> None:
    async with db.transaction() as tx:
        assert await tx.value(sql(f"SELECT %(a)s::{kind}[]"), {"a": array(values)}) == values
        assert array([None, None]) is None
