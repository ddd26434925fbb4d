"""Suppliers' invoices from files: whole or not at all, each bad row with its reason, undone by making them void."""

from pathlib import Path
from types import SimpleNamespace

from tests.purchasing.helpers import ordered

from perpetua.kit.database import Database
from perpetua.kit.imports import ImportOptions, Source, begin, errors_of, undo
from perpetua.kit.listing import PageRequest
from perpetua.purchasing import service
from perpetua.purchasing.imports import SUPPLIER_INVOICES
from perpetua.purchasing.types.invoices import InvoiceFilters

HEAD = "supplier,invoice,invoice_date,total,po,sku,quantity,price,tax,kind\n"


async def test_invoices_go_in_whole(db: Database, world: SimpleNamespace, tmp_path: Path) -> None:
    order = await ordered(db, world, ("APPLE", 100), ("PEAR", 4))
    file = tmp_path / "invoices.csv"
    file.write_text(
        HEAD
        + f"ORCHARD,V-1,2026-03-10,27.00,{order.number},APPLE,100,0.2,4,\n"
        + f"BERLIN,V-2,2026-03-10,1.00,{order.number},PEAR,1,1,,\n"
        + f"orchard,v-1,2026-03-10,27.00,{order.number},PEAR,4,0.5,,\n"
        + "ORCHARD,V-1,2026-03-10,27.00,,,1,1,,freight\n"
        + "ORCHARD,V-3,2026-03-10,9.00,,PEAR,1,1,,\n"
        + "ORCHARD,V-4,2026-03-10,2.00,,PEAR,1,1,,\n"
        + "ORCHARD,V-4,tomorrow,2.00,,PEAR,1,1,,\n"
        + "ORCHARD,,2026-03-10,2.00,,PEAR,1,1,,\n"
        + "ORCHARD,V-5,2026-03-10,1.00,,PEAR,1,1,,gift\n"
    )
    buyer = world.actor()
    done = await begin(db, buyer, SUPPLIER_INVOICES, [Source(file, file.name)], ImportOptions())
    assert (done.state, done.rows_good, done.rows_bad) == ("done", 3, 6), done
    errors = {one.line: (one.field, one.code) for one in (await errors_of(db, done.id, PageRequest())).items}
    assert errors[3][1] == "no_rate"
    assert errors[6] == ("total", "totals_differ")
    assert (errors[8], errors[7][1]) == (("invoiced_on", "differs"), "invoice_in_doubt")
    assert (errors[9], errors[10][1]) == (("number", "missing_value"), "invoice_in_doubt")
    assert done.summary == {"invoices_entered": 1, "invoices_refused": 4}
    (made,) = (await service.list_invoices(db, world.actor(), InvoiceFilters(number="V-"), PageRequest())).items
    assert (made.number, made.lines, made.status, made.waiting) == ("V-1", 3, "WAITING", 2)
    twice = await begin(db, buyer, SUPPLIER_INVOICES, [Source(file, file.name)], ImportOptions())
    assert (twice.rows_good, twice.rows_bad) == (0, 9)
    back = await undo(db, buyer, SUPPLIER_INVOICES, done.id)
    assert back.state == "undone"
    assert (await service.get_invoice(db, world.actor(), made.id)).status == "VOID"
    again = await begin(db, buyer, SUPPLIER_INVOICES, [Source(file, file.name)], ImportOptions())
    assert again.rows_good == 3
