"""Sales files as history: what each line becomes, what is left out, and the way back."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from perpetua.access.types import SYSTEM
from perpetua.kit.database import Database
from perpetua.kit.errors import Refusal
from perpetua.kit.imports import Import, ImportOptions, Source, begin, errors_of, undo
from perpetua.kit.listing import PageRequest
from perpetua.ledger import service
from perpetua.ledger.imports import MOVEMENTS, OPENING_STOCK
from perpetua.ledger.types import MovementFilters

INVOICES = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,WHITE HANGING HEART,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom
536366,85123a,white hanging heart,4,2010-12-02 08:26:00,2.55,,United Kingdom
C536367,85123A,WHITE HANGING HEART,-3,2010-12-03 09:00:00,2.55,,France
536368,85123A,damaged,-2,2010-12-04 10:00:00,0.0,,United Kingdom
536369,POST,POSTAGE,1,2010-12-04 10:00:00,18.0,,France
536370,PEAR,known by name,5,2010-12-04 11:00:00,1.0,,France
536371,71053,LANTERN,many,2010-12-04 11:00:00,3.39,,France
536372,71053,LANTERN,0,2010-12-04 11:00:00,3.39,,France
C536373,71053,LANTERN,2,2010-12-04 11:00:00,3.39,,France
536374,71053,LANTERN,1,2999-12-04 11:00:00,3.39,,France
"""


async def take(db: Database, tmp_path: Path, text: str, kind: Any = MOVEMENTS, **options: str) -> Import:
    file = tmp_path / "lines.csv"
    file.write_text(text, encoding="utf-8")
    asked = ImportOptions(kind=dict(options), again=True)
    return await begin(db, SYSTEM, kind, [Source(file, "lines.csv")], asked)


async def test_invoice_lines_become_history(db: Database, world: SimpleNamespace, tmp_path: Path) -> None:
    done = await take(db, tmp_path, INVOICES, opening="smallest", location="LON-A-1")
    assert (done.rows_good, done.rows_bad) == (5, 5)
    assert done.summary["micro_units_sale"] == -15_000_000
    assert done.summary["micro_units_return"] == 3_000_000
    assert done.summary["micro_units_write_off"] == -2_000_000
    page = await errors_of(db, done.id, PageRequest())
    assert {(bad.line, bad.code) for bad in page.items} == {
        (6, "not_a_product"), (8, "invalid_value"), (9, "zero_quantity"), (10, "cancellation_sign"),
        (11, "invalid_value"),
    }  # fmt: skip
    rows = (await service.list_movements(db, SYSTEM, MovementFilters(sku="85123A"), PageRequest())).items
    assert [(row.type, int(row.quantity), row.reference_id) for row in rows] == [
        ("WRITE_OFF", -2, "536368"), ("RETURN", 3, "C536367"), ("SALE", -4, "536366"), ("SALE", -6, "536365"),
        ("RECEIPT", 10, str(done.id)),
    ]  # fmt: skip
    # 10 were needed before the first sale: after two sales nothing was left, and nothing less would have done.
    assert [row.effective_at.isoformat() for row in rows][:1] == ["2010-12-04T10:00:00+00:00"]
    assert (await service.check(db, SYSTEM)).passed

    undone = await undo(db, SYSTEM, MOVEMENTS, done.id)
    assert undone.state == "undone"
    stock = await service.item_levels(db, SYSTEM, [rows[0].variant_id], with_zero=True)
    assert [level.on_hand for level in stock] == [0]
    assert (await service.check(db, SYSTEM)).passed


async def test_without_opening_what_is_short_is_refused_alone(
    db: Database, world: SimpleNamespace, tmp_path: Path
) -> None:
    lines = INVOICES.splitlines()
    text = "\n".join(
        [lines[0], lines[3].replace("85123A", "22222"), *[n.replace("85123A", "22222") for n in lines[1:2]]]
    )
    done = await take(db, tmp_path, text + "\n", location="LON-A-1")
    assert (done.rows_good, done.rows_bad) == (1, 1)
    bad = (await errors_of(db, done.id, PageRequest())).items[0]
    assert (bad.line, bad.code) == (3, "not_enough_stock")


async def test_rows_may_tell_their_location_themselves(db: Database, world: SimpleNamespace, tmp_path: Path) -> None:
    text = "sku,location,quantity,date,type\n55555,LON-A-1,3,2011-01-01,RECEIPT\n55555,,4,2011-01-02,RECEIPT\n"
    done = await take(db, tmp_path, text)
    assert (done.rows_good, done.rows_bad) == (1, 1)
    bad = (await errors_of(db, done.id, PageRequest())).items[0]
    assert (bad.line, bad.code, bad.field) == (3, "missing_value", "location")


async def test_opening_stock(db: Database, world: SimpleNamespace, tmp_path: Path) -> None:
    text = "Store,City,Brand,Description,Size,onHand,Price,startDate\n" + "\n".join(
        [
            "7,LEEDS,58,Sake,750mL,8,12.99,2024-01-01",
            "7,LEEDS,60,Rum,1L,0,10.99,2024-01-01",
            "8,YORK,58,Sake,750mL,-1,1,2024-01-01",
        ]
    )
    done = await take(db, tmp_path, text, OPENING_STOCK)
    assert (done.rows_good, done.rows_bad) == (2, 1)
    assert done.summary["rows_zero"] == 1
    assert done.summary["micro_units_receipt"] == 8_000_000


async def test_wrong_options_are_refused(db: Database, world: SimpleNamespace, tmp_path: Path) -> None:
    for options in ({"opening": "huge"}, {"products": "("}, {"nonsense": "1"}):
        with pytest.raises(Refusal):
            await take(db, tmp_path, INVOICES, **options)
