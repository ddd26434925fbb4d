"""Labels of license plates: their SSCC, and what stands on them and on what is nested there."""

from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from tests.labels.reading import Seen, barcodes_of, labels_of
from tests.plates.helpers import plate, put
from tests.receiving.conftest import callers, client, world
from tests.receiving.helpers import line, open_for, take

from perpetua.kit.database import Database, count_statements, sql
from perpetua.labels import service
from perpetua.labels.types import PlateLabel, PrintLabels
from perpetua.plates import service as plates
from perpetua.plates.types import Nest

__all__ = ["callers", "client", "world"]

SSCC = "395201234567890123"


@pytest.fixture(scope="module")
async def pallet(db: Database, world: SimpleNamespace) -> str:
    """A pallet with apples, and a box with pears on it."""
    receipt_id = await open_for(db, world)
    await take(db, world, receipt_id, line("APPLE", 40), line("PEAR", 9))
    place = (await put_at(db, receipt_id)) or "LON"
    whole = await plate(db, world, SSCC, place)
    box = await plate(db, world, "BOX-1", place)
    await put(db, world, whole, "APPLE", 30)
    await put(db, world, box, "PEAR", 5)
    await plates.nest(db, world.actor(), box.id, Nest(parent=SSCC))
    return SSCC


async def put_at(db: Database, receipt_id: int) -> str | None:
    """Where the goods of a receipt were put."""
    text = "SELECT l.code FROM receipt_lines r JOIN locations l ON l.id = r.location_id WHERE r.receipt_id = %(id)s"
    async with db.transaction() as tx:
        return await tx.value(sql(text), {"id": receipt_id})


async def test_plates_by_code_or_sscc(client: httpx.AsyncClient, pallet: str) -> None:
    asked: dict[str, Any] = {"plates": [{"code": pallet}, {"code": "box-1", "copies": 2}]}
    body = {"template": "plate-roll-100x150", "format": "zpl", **asked}
    answer = await client.post("/api/labels/print", json=body)
    assert answer.status_code == 200, answer.text
    first, second = labels_of(answer.text)
    assert [*barcodes_of(first), *barcodes_of(second)] == [Seen("]C1", f"00{SSCC}"), Seen("]C0", "BOX-1")]
    assert second.quantity == 2
    texts = " ".join(field.data for field in first.fields).replace("\\&", " ")
    assert "APPLE × 30, PEAR × 5" in texts
    assert "PEAR × 5" in " ".join(field.data for field in second.fields)


async def test_plates_of_others_are_not_there(db: Database, world: SimpleNamespace, pallet: str) -> None:
    keeper = world.actor("warehouse_staff", [world.places["SHOP"]])
    for code in (pallet, "NO-SUCH"):
        command = PrintLabels(template="plate-roll-100x150", plates=[PlateLabel(code=code)])
        with pytest.raises(Exception, match="no license plate"):
            await service.print_labels(db, keeper, command)


async def test_any_number_of_plates_costs_the_same(db: Database, world: SimpleNamespace, pallet: str) -> None:
    counts: list[int] = []
    for number in (1, 200):
        asked = [PlateLabel(code=("BOX-1", pallet)[place % 2]) for place in range(number)]
        with count_statements() as statements:
            made = await service.print_labels(
                db, world.actor(), PrintLabels(template="plate-roll-100x150", format="zpl", plates=asked)
            )
        assert made.labels == number
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 3
