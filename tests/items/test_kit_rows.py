"""Kits in files of items: in, out, and taken back."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.items.test_imports import load

from perpetua.access.types import Actor
from perpetua.items.imports import PRODUCTS
from perpetua.items.service.exports import export_columns, export_products
from perpetua.items.service.kit_cells import read_components, write_components
from perpetua.kit import imports
from perpetua.kit.database import Database, sql
from perpetua.kit.errors import InvalidValue
from perpetua.kit.imports import Import
from perpetua.kit.listing import PageRequest
from perpetua.kit.tabular import csv_stream

PARTS = """SELECT k.sku AS kit, string_agg(c.sku || '*' || trim_scale(x.quantity), ' ' ORDER BY c.sku) AS parts
           FROM kit_components x
           JOIN product_variants k ON k.id = x.kit_id JOIN product_variants c ON c.id = x.component_id
           GROUP BY 1"""
FIRST = "sku,name,unit,components\nSET,Pen set,,Pen*2; INK*0.5; CAP\nPEN,Pen,,\nCAP,Cap,,\nINK,Ink,l,\n"


async def kits(db: Database) -> dict[str, str]:
    async with db.transaction() as tx:
        return {row["kit"]: row["parts"] for row in await tx.dicts(sql(PARTS))}


async def told(db: Database, done: Import) -> dict[int, str]:
    page = await imports.errors_of(db, done.id, PageRequest(limit=100))
    return {row.line: f"{row.field}: {row.reason}" for row in page.items}


async def empty(db: Database) -> None:
    async with db.admin() as tx:
        # What is kept for ever refuses to be emptied; a test may, with its triggers asleep.
        await tx.execute(sql("SET LOCAL session_replication_role = replica"))
        await tx.execute(sql("TRUNCATE products, product_variants, kit_components, order_lines CASCADE"))


@pytest.fixture(autouse=True)
async def nothing(db: Database) -> None:
    await empty(db)


async def test_kits_come_in_before_their_components(db: Database, manager: Actor, tmp_path: Path) -> None:
    done = await load(db, manager, tmp_path, FIRST)
    assert (done.rows_bad, done.summary["created"]) == (0, 4), await told(db, done)
    assert await kits(db) == {"SET": "CAP*1 INK*0.5 PEN*2"}
    again = await load(db, manager, tmp_path, FIRST)
    assert again.summary == {"created": 0, "updated": 0, "skipped": 4}
    changed = await load(db, manager, tmp_path, "sku,components\nset,PEN*3\nCAP,\n")
    assert (changed.summary["updated"], await kits(db)) == (1, {"SET": "PEN*3"})
    gone = await load(db, manager, tmp_path, "sku,components\nSET,none\n")
    assert (gone.summary["updated"], await kits(db)) == (1, {})
    await imports.undo(db, manager, PRODUCTS, gone.id)
    assert await kits(db) == {"SET": "PEN*3"}


async def test_kits_that_were_made_are_taken_back(db: Database, manager: Actor, tmp_path: Path) -> None:
    done = await load(db, manager, tmp_path, FIRST)
    await imports.undo(db, manager, PRODUCTS, done.id)
    assert await kits(db) == {}
    async with db.transaction() as tx:
        assert not await tx.value(sql("SELECT count(*) FROM product_variants"))


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("NOTHING*2", "components: NOTHING: there is no such item; give it a row before this one"),
        ("PEN*2; pen", "components: pen: is named twice"),
        ("BAD", "components: BAD: is the kit itself"),
        ("SET*1", "components: SET: is a kit itself"),
        ("OTHER", "components: OTHER: is a kit itself, by its own row"),
        ("PEN*0.5", "components: PEN: is too fine; this takes whole numbers only"),
        ("PEN*0", "components: PEN: must be more than 0"),
        ("PEN*x", "components: what comes after * is a quantity; write it like"),
        (" ; ", "components: names no component; write it like"),
        ('[{"sku": 1}]', "components: is no list of components"),
        ("PEN*" + "9" * 20, "components: PEN: is too large"),
    ],
)
async def test_a_bad_row_says_why(db: Database, manager: Actor, tmp_path: Path, cell: str, why: str) -> None:
    await load(db, manager, tmp_path, FIRST)
    quoted = cell.replace('"', '""')
    done = await load(
        db, manager, tmp_path, f'sku,name,components\nGOOD,Good,PEN\nBAD,Bad,"{quoted}"\nOTHER,Other,CAP*2\n'
    )
    assert (done.summary["created"], done.rows_bad) == (2, 1)
    reasons = await told(db, done)
    assert list(reasons) == [3]
    assert reasons[3].startswith(why), reasons
    assert await kits(db) == {"SET": "CAP*1 INK*0.5 PEN*2", "GOOD": "PEN*1", "OTHER": "CAP*2"}
    async with db.transaction() as tx:
        assert not await tx.value(sql("SELECT count(*) FROM product_variants WHERE sku = 'BAD'"))


async def test_what_orders_want_stays_as_it_is(db: Database, manager: Actor, tmp_path: Path) -> None:
    made = await load(db, manager, tmp_path, FIRST)
    async with db.admin() as tx:
        await tx.execute(
            sql("""WITH o AS (INSERT INTO orders
                                (channel, external_id, body_hash, status, fulfilment, placed_at, created_by)
                              VALUES ('direct', 'x', '', 'BACKORDERED', 'split', now(), 0) RETURNING id)
                   INSERT INTO order_lines (order_id, line_no, variant_id, kit, quantity)
                   SELECT o.id, 1, v.id, true, 1 FROM o, product_variants v WHERE v.sku = 'SET'""")
        )
    done = await load(db, manager, tmp_path, "sku,name,components\nSET,Another name,PEN\n")
    reasons = await told(db, done)
    assert (done.summary["updated"], list(reasons)) == (0, [2])
    assert "open orders hold or wait for it" in reasons[2]
    async with db.transaction() as tx:
        assert await tx.value(sql("SELECT name FROM product_variants WHERE sku = 'SET'")) == "Pen set"
    with pytest.raises(imports.CannotUndo, match="wanted by orders"):
        await imports.undo(db, manager, PRODUCTS, made.id)


async def test_they_go_out_and_come_back_the_same(db: Database, manager: Actor, tmp_path: Path) -> None:
    await load(
        db,
        manager,
        tmp_path,
        FIRST + "A;B,Odd,,\nA-1,First of all,,A;B*2\n".replace("A;B*2", '"[{""sku"": ""A;B"", ""quantity"": ""2""}]"'),
    )
    before = await kits(db)
    assert before["A-1"] == "A;B*2"
    columns = list(export_columns(manager))
    content = b"".join([part async for part in csv_stream(columns, export_products(db, manager))])
    rows = content.decode().splitlines()
    assert [row.split(",")[0] for row in rows[-2:]] == ["A-1", "SET"], rows
    await empty(db)
    back = await load(db, manager, tmp_path, content)
    assert (back.rows_bad, await kits(db)) == (0, before)


SKUS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12)
QUANTITIES = st.decimals("0.0001", 10_000, places=4)


@given(st.lists(st.tuples(SKUS, QUANTITIES), max_size=4))
def test_a_cell_of_components_reads_back(parts: list[tuple[str, Decimal]]) -> None:
    cell = write_components([{"sku": sku, "quantity": str(quantity)} for sku, quantity in parts])
    read: list[Any] = [] if cell is None else read_components(cell)
    assert [(one.sku, one.quantity) for one in read] == parts


def test_a_cell_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidValue):
        read_components(";")
