"""Labels of what came in: the right goods, lots and quantities, as many as there are units where that is asked."""

from datetime import date
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from tests.labels.reading import Seen, barcodes_of, labels_of
from tests.receiving.conftest import callers, client, world
from tests.receiving.helpers import line, open_for, take, undo

from perpetua.access.types import Actor
from perpetua.kit.database import Database, count_statements, sql
from perpetua.labels import service
from perpetua.labels.types import PrintLabels, ReceiptLabels

__all__ = ["callers", "client", "world"]


@pytest.fixture(scope="module")
async def receipt(db: Database, world: SimpleNamespace) -> str:
    """Three lines; one more that was undone."""
    receipt_id = await open_for(db, world)
    async with db.admin() as tx:
        await tx.execute(
            sql("INSERT INTO barcodes (variant_id, code, kind) VALUES (%(v)s, '09506000134352', 'ean13')"),
            {"v": world.items["MILK"]},
        )
    milk = line("MILK", 4, lot="L-1", expires_on=date(2027, 3, 31))
    await take(db, world, receipt_id, line("APPLE", 40), milk, line("FLOUR", "2.5"), line("PEAR", 9))
    await undo(db, world, receipt_id, 4)
    return f"R-{receipt_id:06d}"


async def printed(client: httpx.AsyncClient, **asked: Any) -> list[tuple[int, Seen]]:
    """How many labels of each, and what their barcode says."""
    body = {"template": "receipt-roll-100x50", "format": "zpl", **asked}
    answer = await client.post("/api/labels/print", json=body)
    assert answer.status_code == 200, answer.text
    return [(label.quantity, *barcodes_of(label)) for label in labels_of(answer.text)]  # pyright: ignore[reportReturnType]


async def test_a_label_a_line_or_a_unit(client: httpx.AsyncClient, receipt: str) -> None:
    apple, flour = Seen("]C0", "APPLE"), Seen("]C0", "FLOUR")
    milk = Seen("]C1", "01095060001343521727033110L-1")
    assert await printed(client, receipt={"receipt": receipt}) == [(1, apple), (1, milk), (1, flour)]
    units = await printed(client, receipt={"receipt": receipt.lower(), "per": "unit"}, copies=2)
    assert units == [(80, apple), (8, milk), (6, flour)]
    assert await printed(client, receipt={"receipt": receipt, "line_nos": [2, 4]}) == [(1, milk)]


async def test_what_is_not_there_is_named(client: httpx.AsyncClient, receipt: str) -> None:
    for asked in ({"receipt": "R-999999"}, {"receipt": "nonsense"}, {"receipt": receipt, "line_nos": [4]}):
        body = {"template": "receipt-roll-100x50", "receipt": asked}
        answer = await client.post("/api/labels/print", json=body)
        assert (answer.status_code, answer.json()["field"]) == (422, "receipt.receipt"), answer.text
    body = {"template": "receipt-roll-100x50", "receipt": {"receipt": receipt}, "labels": [{"values": {"sku": "X"}}]}
    assert (await client.post("/api/labels/print", json=body)).json()["field"] == "receipt"


async def test_receipts_of_other_sites_are_not_there(db: Database, world: SimpleNamespace, receipt: str) -> None:
    keeper: Actor = world.actor("warehouse_staff", [world.places["SHOP"]])
    command = PrintLabels(template="receipt-roll-100x50", receipt=ReceiptLabels(receipt=receipt))
    with pytest.raises(Exception, match="no receipt that you may see"):
        await service.print_labels(db, keeper, command)


async def test_any_number_of_lines_costs_the_same(db: Database, world: SimpleNamespace) -> None:
    counts: list[int] = []
    for lines in (1, 60):
        receipt_id = await open_for(db, world)
        await take(db, world, receipt_id, *[line("APPLE", 1) for _ in range(lines)])
        asked = ReceiptLabels(receipt=f"R-{receipt_id}")
        with count_statements() as statements:
            made = await service.print_labels(
                db, world.actor(), PrintLabels(template="receipt-roll-100x50", receipt=asked)
            )
        assert made.labels == lines
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 3
