"""The catalogue from files and back to files."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpetua.access.types import Actor, Permission
from perpetua.items.imports import PRODUCTS
from perpetua.items.service import create_missing
from perpetua.items.service.barcode_cells import read_barcodes, write_barcodes
from perpetua.items.service.exports import export_columns, export_products
from perpetua.items.types import UpsertRow
from perpetua.kit import imports
from perpetua.kit.database import Database, sql
from perpetua.kit.errors import InvalidValue, NotAllowed
from perpetua.kit.imports import CannotUndo, Import, ImportOptions, Source
from perpetua.kit.listing import PageRequest
from perpetua.kit.tabular import csv_stream, xlsx_stream

CODE = "4006381333931"
CASE = "14006381333938"


async def load(db: Database, actor: Actor, folder: Path, content: str | bytes, **options: Any) -> Import:
    path = folder / "items.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return await imports.begin(db, actor, PRODUCTS, [Source(path, "items.csv")], ImportOptions(**options))


async def bad(db: Database, done: Import) -> list[tuple[int, str | None, str]]:
    page = await imports.errors_of(db, done.id, PageRequest(limit=1000))
    return [(row.line, row.field, row.code) for row in page.items]


async def one(db: Database, sku: str) -> dict[str, Any]:
    async with db.transaction() as tx:
        query = sql(
            "SELECT v.*, p.category_id, (SELECT name FROM categories c WHERE c.id = p.category_id) AS category,"
            " ARRAY(SELECT code || ' ' || level || trim_scale(units) FROM barcodes b WHERE b.variant_id = v.id"
            " ORDER BY b.id) AS codes FROM product_variants v JOIN products p ON p.id = v.product_id"
            " WHERE upper(sku) = upper(%(sku)s)"
        )
        rows = await tx.dicts(query, {"sku": sku})
    return rows[0] if rows else {}


async def test_every_column(db: Database, manager: Actor, tmp_path: Path) -> None:
    text = (
        "SKU,Title,Description,Category,UoM,Tracking,Owner,Cost,Price,Weight,EAN,attr:Colour,Active\n"
        f'p-1,Pen,"two\nlines",Office/Pens/Ball,each,lot,own,1.25,2.5,0.01,{CODE}; {CASE} case:12,blue,yes\n'
        "p-2,Pencil,,office/PENS,,,,,,,,,no\n"
    )
    done = await load(db, manager, tmp_path, text)
    assert (done.rows_good, done.rows_bad, done.summary["created"]) == (2, 0, 2), await bad(db, done)
    pen = await one(db, "P-1")
    assert (pen["name"], pen["tracking"], pen["cost_price"], pen["weight_kg"]) == (
        "Pen", "lot", Decimal("1.25"), Decimal("0.01"),
    )  # fmt: skip
    assert (pen["category"], pen["attributes"], pen["active"]) == ("Ball", {"colour": "blue"}, True)
    assert pen["codes"] == ["04006381333931 each1", "14006381333938 case12"]
    pencil = await one(db, "p-2")
    assert (pencil["category"].casefold(), pencil["active"]) == ("pens", False)

    again = await load(db, manager, tmp_path, "sku,name,attr:tip,category\nP-1,Ball pen,fine,\n")
    assert again.summary["updated"] == 1
    pen = await one(db, "p-1")
    assert (pen["name"], pen["sku"], pen["category"]) == ("Ball pen", "p-1", "Ball")
    assert pen["attributes"] == {"colour": "blue", "tip": "fine"}


async def test_bad_rows_are_named_and_good_ones_kept(db: Database, manager: Actor, tmp_path: Path) -> None:
    text = (
        "sku,name,ean,unit,tracking,price,owner,active\n"
        "b-1,Good,5000112637922,,,,,\n"
        "b-2,Same code,05000112637922,,,,,\n"
        "b-3,Wrong digit,5000112637923,,,,,\n"
        "B-1,Same SKU,,,,,,\n"
        "b-5,Unit,,bushel,,,,\n"
        "b-6,Tracking,,,maybe,,,\n"
        "b-7,Price,,,,1e400,,\n"
        "b-8,Price,,,,NaN,,\n"
        "b-9,Price,,,,-1,,\n"
        "b-10,,,,,,,\n"
        "b-11,Owner,,,,,nobody,\n"
        "b-12,Active,,,,,,perhaps\n"
        f"{'x' * 65},Long,,,,,,\n"
        ",Nothing to stand for it,,,,,,\n"
        ",By its barcode,96385074,,,,,\n"
    )
    done = await load(db, manager, tmp_path, text)
    assert done.rows_good == 2
    assert await bad(db, done) == [
        (3, None, "barcode_taken"),
        (4, "barcodes[0].code", "wrong_check_digit"),
        (5, "sku", "sku_twice"),
        (6, "unit", "invalid_value"),
        (7, "tracking", "invalid_value"),
        (8, "selling_price", "invalid_value"),
        (9, "selling_price", "invalid_value"),
        (10, "selling_price", "invalid_value"),
        (11, "name", "invalid_value"),
        (12, "owner", "not_found"),
        (13, "active", "invalid_value"),
        (14, "sku", "invalid_value"),
        (15, "sku", "missing_value"),
    ]
    page = await imports.errors_of(db, done.id, PageRequest())
    assert "b-1" in page.items[0].reason
    assert "line 2" in page.items[2].reason
    assert (await one(db, "96385074"))["name"] == "By its barcode"


async def test_undo_restores_and_removes(db: Database, manager: Actor, tmp_path: Path) -> None:
    await load(db, manager, tmp_path, "sku,name,price,category\nu-1,Old,1,Before\n")
    before = await one(db, "u-1")
    changes = "u-1,New,2,After/New,4012345678901\nu-2,Made,3,After/New,\n"
    done = await load(db, manager, tmp_path, "sku,name,price,category,ean\n" + changes)
    assert (await one(db, "u-1"))["name"] == "New"
    undone = await imports.undo(db, manager, PRODUCTS, done.id)
    assert (undone.state, undone.summary["restored"], undone.summary["removed"]) == ("undone", 1, 1)
    after = await one(db, "u-1")
    assert {**after, "version": 0, "updated_at": 0} == {**before, "version": 0, "updated_at": 0}
    assert await one(db, "u-2") == {}
    async with db.transaction() as tx:
        assert await tx.values(sql("SELECT name FROM categories WHERE name IN ('After', 'New')")) == []


async def test_undo_refuses_what_was_changed_since(db: Database, manager: Actor, tmp_path: Path) -> None:
    done = await load(db, manager, tmp_path, "sku,name\nc-1,One\nc-2,Two\n")
    async with db.transaction() as tx:
        await create_missing(tx, manager, [UpsertRow(sku="c-2", name="By hand")])
    with pytest.raises(CannotUndo) as refused:
        await imports.undo(db, manager, PRODUCTS, done.id)
    assert refused.value.in_the_way == ["c-2"]
    assert (await one(db, "c-1"))["name"] == "One"


async def test_costs(db: Database, clerk: Actor, manager: Actor, tmp_path: Path) -> None:
    blind = Actor(**{f: getattr(clerk, f) for f in ("person_id", "name", "role")},
                  permissions=clerk.permissions | frozenset[Permission]({"imports.run", "exports.run"}))  # fmt: skip
    done = await load(db, blind, tmp_path, "sku,name,cost\nk-1,Free,\nk-2,Costly,77.5\n")
    assert await bad(db, done) == [(3, "cost_price", "not_allowed")]
    with pytest.raises(NotAllowed):
        await load(db, blind, tmp_path, "sku,name\nk-3,Other\n", constants={"cost_price": "1"})
    assert "cost_price" not in export_columns(blind)
    assert "cost_price" in export_columns(manager)
    async for batch in export_products(db, blind):
        assert all(len(row) == len(export_columns(blind)) for row in batch)


async def test_the_same_file_twice_at_once(db: Database, manager: Actor, tmp_path: Path) -> None:
    rows = "".join(f"t-{n},Item {n},T/{n % 7}/x\n" for n in range(300))
    path = tmp_path / "twice.csv"
    path.write_text("sku,name,category\n" + rows)
    both = await asyncio.gather(
        *(imports.begin(db, manager, PRODUCTS, [Source(path, "t")], ImportOptions()) for _ in range(2))
    )
    assert [one.rows_good for one in both] == [300, 300]
    assert sorted(one.summary["created"] for one in both) == [0, 300]
    async with db.transaction() as tx:
        assert await tx.value(sql("SELECT count(*) FROM product_variants WHERE sku LIKE 't-%%'"), {}) == 300
        assert await tx.value(sql("SELECT count(*) FROM categories WHERE name = 'x'")) == 7


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_what_goes_out_comes_back_the_same(db: Database, manager: Actor, tmp_path: Path, form: str) -> None:
    text = (
        "sku,name,description,selling_price,ean,attributes,category\n"
        'x-1,=SUM(A1),"@cmd ""quoted""\nsecond",0.000001,,"{""a"": {""b"": [1, 2.5, null]}}",-a/+b\n'
        f"x-2,'=kept,-5,12,{CASE} pallet:144; K 17 each:0.5 internal,,-a/+b\n"
    )
    await load(db, manager, tmp_path, text)

    async def out() -> list[list[Any]]:
        return [list(row) async for batch in export_products(db, manager) for row in batch]

    before = await out()
    columns = list(export_columns(manager))
    stream = csv_stream if form == "csv" else xlsx_stream
    content = b"".join([part async for part in stream(columns, export_products(db, manager))])
    back = await load(db, manager, tmp_path, content)
    assert (back.rows_bad, back.summary) == (0, {"created": 0, "updated": 0, "skipped": len(before)})
    async with db.admin() as tx:
        # What is kept for ever refuses to be emptied; a test may, with its triggers asleep.
        await tx.execute(sql("SET LOCAL session_replication_role = replica"))
        await tx.execute(sql("TRUNCATE products, product_variants, barcodes, categories CASCADE"))
    back = await load(db, manager, tmp_path, content)
    assert (back.rows_bad, back.summary["created"]) == (0, len(before))
    assert await out() == before


PRODUCTS_OF = sql(
    "SELECT p.name, p.attributes, p.active, p.description, p.first_sku,"
    " ARRAY(SELECT v.sku || ' ' || v.name || ' ' || v.active FROM product_variants v WHERE v.product_id = p.id"
    " ORDER BY upper(v.sku)) AS variants FROM products p ORDER BY upper(p.first_sku)"
)


async def products(db: Database) -> list[dict[str, Any]]:
    async with db.transaction() as tx:
        return await tx.dicts(PRODUCTS_OF)


async def only(db: Database, first: str) -> dict[str, Any]:
    (found,) = [row for row in await products(db) if first in [variant.split()[0] for variant in row["variants"]]]
    return found


async def test_rows_of_one_product(db: Database, manager: Actor, tmp_path: Path) -> None:
    text = (
        "sku,name,product,product_name,description,product_attributes\n"
        "g-b,Shirt blue,Shirt,,Cotton,\n"
        "g-a,Shirt red,shirt,,,\n"
        "g-d,Boot 42,G-C,Boot,,\n"
        'g-c,Boot 41,g-c,Boot,,"{""sole"": ""rubber""}"\n'
        "g-e,Alone,,,,\n"
        "g-f,,Cap,,,\n"
    )
    done = await load(db, manager, tmp_path, text)
    assert (done.rows_good, done.rows_bad) == (6, 0), await bad(db, done)
    shirt, boot, cap = await only(db, "g-a"), await only(db, "g-c"), await only(db, "g-f")
    assert (shirt["name"], shirt["description"], shirt["first_sku"]) == ("Shirt", "Cotton", "g-a")
    assert shirt["variants"] == ["g-a Shirt red true", "g-b Shirt blue true"]
    assert (boot["name"], boot["attributes"]) == ("Boot", {"sole": "rubber"})
    assert boot["variants"] == ["g-c Boot 41 true", "g-d Boot 42 true"]
    assert (cap["name"], cap["variants"]) == ("Cap", ["g-f Cap true"])


async def test_a_product_that_is_there_gets_a_variant_and_loses_it(
    db: Database, manager: Actor, tmp_path: Path
) -> None:
    await load(db, manager, tmp_path, "sku,name,product,description\nj-b,Hat blue,Hat,Wool\nj-c,Hat grey,Hat,\n")
    await load(db, manager, tmp_path, "sku,name\nj-z,Elsewhere\n")
    await load(db, manager, tmp_path, "sku,name\nj-s,Same\nj-t,Same\n")
    before = await only(db, "j-b")
    text = "sku,name,product,description\nj-a,Hat red,j-c,Felt\nj-d,Hat pink,Hat,\nj-z,,Hat,\nj-u,New,Same,\n"
    done = await load(db, manager, tmp_path, text)
    assert await bad(db, done) == [(4, None, "other_product"), (5, None, "several_of_that_name")]
    hat = await only(db, "j-b")
    assert (hat["first_sku"], hat["description"], len(hat["variants"])) == ("j-a", "Felt", 4)
    await imports.undo(db, manager, PRODUCTS, done.id)
    assert await only(db, "j-b") == before


async def test_a_product_may_be_spread_over_chunks(
    db: Database, manager: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(PRODUCTS), "chunk_rows", 2)
    rows = "".join(f"s-{n},Sock {n},style-{n % 3},Sock {n % 3}\n" for n in range(12))
    done = await load(db, manager, tmp_path, "sku,name,style,product_name\n" + rows)
    assert done.rows_good == 12
    assert [len((await only(db, f"s-{n}"))["variants"]) for n in range(3)] == [4, 4, 4]
    assert (await only(db, "s-1"))["name"] == "Sock 1"


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_products_go_out_and_come_back_grouped(
    db: Database, manager: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    text = (
        "sku,name,product,product_name,product_attributes,product_active,active\n"
        'r-9,Twin,r-8,Twins,"{""a"": [1, 2]}",,no\n'
        "r-8,Twin,r-8,Twins,,,\n"
        "r-7,Twin,,Twins,,,\n"
        "r-6,Off,,,,no,\n"
    )
    assert (await load(db, manager, tmp_path, text)).rows_bad == 0
    before = await products(db)
    stream = csv_stream if form == "csv" else xlsx_stream
    content = b"".join([part async for part in stream(list(export_columns(manager)), export_products(db, manager))])
    back = await load(db, manager, tmp_path, content)
    assert (back.rows_bad, back.summary["updated"], back.summary["created"]) == (0, 0, 0), await bad(db, back)
    async with db.admin() as tx:
        # What is kept for ever refuses to be emptied; a test may, with its triggers asleep.
        await tx.execute(sql("SET LOCAL session_replication_role = replica"))
        await tx.execute(sql("TRUNCATE products, product_variants, barcodes, categories CASCADE"))
    monkeypatch.setattr(type(PRODUCTS), "chunk_rows", 3)
    back = await load(db, manager, tmp_path, content)
    assert back.rows_bad == 0, await bad(db, back)
    assert await products(db) == before


codes = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20).map(str.strip).filter(bool)


@given(
    st.lists(
        st.fixed_dictionaries({
            "code": codes,
            "kind": st.sampled_from(["internal", "code128"]),
            "level": st.sampled_from(["each", "inner", "case", "pallet"]),
            "units": st.decimals(min_value=1, max_value=999, places=2).map(lambda d: f"{d.normalize():f}"),
        }),
        min_size=1, max_size=4,
    )
)  # fmt: skip
def test_a_cell_of_barcodes_reads_back(barcodes: list[dict[str, Any]]) -> None:
    read = read_barcodes(write_barcodes(barcodes))
    assert [(b.code, b.level, b.units) for b in read] == [
        (b["code"], b["level"], Decimal(b["units"])) for b in barcodes
    ]


def test_a_cell_that_is_no_list_is_refused() -> None:
    for text in ("[1]", '[{"code": 5}]', "[", "123 case:1.2.3"):
        with pytest.raises(InvalidValue):
            read_barcodes(text)
