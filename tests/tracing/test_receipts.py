"""Goods that came through the dock are traced back to their receipt, purchase order and supplier."""

from types import SimpleNamespace

from tests.receiving.conftest import world as dock
from tests.receiving.helpers import line, open_for, ordered, take

from perpetua.access.types import SYSTEM
from perpetua.kit.database import Database
from perpetua.kit.listing import PageRequest
from perpetua.ledger import service as ledger
from perpetua.ledger.types import LotFilters
from perpetua.tracing import service

world = dock


async def test_back_to_the_receipt_the_order_and_the_supplier(db: Database, world: SimpleNamespace) -> None:
    first, second = await ordered(db, world, ("MILK", 5)), await ordered(db, world, ("MILK", 5))
    for order in (first, second):
        receipt = await open_for(db, world, order)
        await take(db, world, receipt, line("MILK", 5, lot="M1"))
    lot = (await ledger.list_lots(db, SYSTEM, LotFilters(sku="MILK"), PageRequest())).items[0]
    rows = (await service.trace_lot(db, SYSTEM, lot.id, "backward", PageRequest())).items
    assert [(row.type, row.quantity, row.reference_type, row.purchase_order) for row in rows] == [
        ("RECEIPT", 5, "receipt", first.number), ("RECEIPT", 5, "receipt", second.number),
    ]  # fmt: skip
    assert {row.supplier for row in rows} == {first.supplier_name}
