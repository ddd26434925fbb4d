"""Printing over HTTP: the right labels, all or none, in a constant number of statements."""

import re
import zlib
from typing import Any

import httpx
import pytest
from tests.labels.reading import Seen, barcodes_of, labels_of

from perpetua.kit.database import Database, count_statements
from perpetua.labels import service
from perpetua.labels.types import ItemFilter, PrintLabels

Callers = dict[str, httpx.AsyncClient]
SSCC = "395201234567890123"


async def zpl(client: httpx.AsyncClient, template: str, **asked: Any) -> list[list[Seen]]:
    """What is on each label; one with copies comes as often."""
    answer = await client.post("/api/labels/print", json={"template": template, "format": "zpl", **asked})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/zpl")
    made = [list(barcodes_of(label)) for label in labels_of(answer.text) for _ in range(label.quantity)]
    assert answer.headers["x-label-count"] == str(len(made))
    return made


async def refused(client: httpx.AsyncClient, status: int, **asked: Any) -> dict[str, Any]:
    """The problem."""
    answer = await client.post("/api/labels/print", json=asked)
    assert answer.status_code == status, answer.text
    return answer.json()


def pages(pdf: bytes) -> int:
    """Pages of a PDF, whose objects may be compressed."""
    parts = re.findall(rb"stream\r?\n(x.*?)endstream", pdf, re.DOTALL)
    streams = [zlib.decompressobj().decompress(part) for part in parts]
    return sum(len(re.findall(rb"/Type\s*/Page\b", part)) for part in [pdf, *streams])


async def test_items_by_sku(client: httpx.AsyncClient) -> None:
    asked = [
        {"sku": "apple"}, {"sku": "APPLE", "level": "case", "copies": 2}, {"sku": "PEAR"}, {"sku": "PHONE"},
        {"sku": "FLOUR"}, {"sku": "THING-00042"},
    ]  # fmt: skip
    assert await zpl(client, "item-roll-57x32", items=asked) == [
        [Seen("]E0", "4006381333931")],
        [Seen("]I1", "14006381333938")],
        [Seen("]I1", "14006381333938")],
        [Seen("]C0", "PEAR-LABEL")],
        [Seen("]E0", "0012345678905")],
        [Seen("]E4", "96385074")],
        [Seen("]C0", "THING-00042")],
    ]


async def test_items_by_filter(client: httpx.AsyncClient) -> None:
    made = await zpl(client, "item-roll-57x32", item_filter={"sku_prefix": "thing-0010"})
    assert made == [[Seen("]C0", f"THING-{number:05}")] for number in range(100, 110)]
    problem = await refused(client, 413, template="item-a4-3x8", item_filter={"sku_prefix": "THING"})
    assert problem["code"] == "too_many_labels"
    assert "Narrow it" in problem["detail"]
    await refused(client, 422, template="item-a4-3x8", item_filter={})


async def test_lots(client: httpx.AsyncClient) -> None:
    asked = [
        {"sku": "MILK", "lot": "l-77/b"},
        {"sku": "MILK", "lot": "NOLIMIT"},
        {"sku": "THING-00001", "lot": "thing-lot"},
    ]
    assert await zpl(client, "lot-roll-100x50", lots=asked) == [
        [Seen("]C1", "01095060001343521727033110L-77/B")],
        [Seen("]C1", "010950600013435210NOLIMIT")],
        [Seen("]C0", "THING-00001")],  # it has no GTIN that a GS1 barcode could hold
    ]
    assert (await zpl(client, "lot-roll-57x32", lots=asked[:1]))[0] == [Seen("]d2", "01095060001343521727033110L-77/B")]


async def test_places(client: httpx.AsyncClient, callers: Callers) -> None:
    asked = [{"code": "lon-a-1"}, {"code": "LON-A-2"}]
    assert await zpl(client, "place-roll-100x50", places=asked) == [
        [Seen("]C0", "LON-A-1")], [Seen("]C0", "LON-A-2")],
    ]  # fmt: skip
    made = await zpl(client, "place-roll-100x50", place_filter={"within": "LON", "kind": "bin"})
    assert made[:2] == [[Seen("]C0", "LON-B-0001")], [Seen("]C0", "LON-B-0002")]]
    assert len(made) == 302
    assert len(await zpl(callers["warehouse_staff"], "place-roll-100x50", places=asked)) == 2


async def test_places_of_others_are_not_there(db: Database, world: Any) -> None:
    keeper = world.actor("warehouse_staff", [world.places["SHOP"]])
    for command in (
        {"places": [{"code": "LON-A-1"}]},
        {"place_filter": {"within": "LON"}},
    ):
        with pytest.raises(Exception, match=r"is no place, or none of yours|names nothing"):
            await service.print_labels(db, keeper, _command(template="place-roll-100x50", **command))


def _command(**asked: Any) -> PrintLabels:
    import msgspec

    return msgspec.convert(asked, PrintLabels)


async def test_plates_receipts_and_own_values(client: httpx.AsyncClient) -> None:
    assert await zpl(client, "plate-roll-100x150", labels=[{"values": {"sscc": SSCC, "contents": "Mixed"}}]) == [
        [Seen("]C1", f"00{SSCC}")]
    ]
    values = {"sku": "MILK", "gtin": "09506000134352", "code": "9506000134352", "lot": "A1", "receipt": "R-000001"}
    assert await zpl(client, "receipt-roll-100x50", labels=[{"values": values}], copies=3) == [
        [Seen("]C1", "010950600013435210A1")]
    ] * 3  # fmt: skip
    problem = await refused(
        client, 422, template="plate-roll-100x150", labels=[{"values": {"sscc": "395201234567890124"}}]
    )
    assert problem["field"] == "labels[0].values.sscc"
    assert problem["expected"] == "3"
    problem = await refused(client, 422, template="plate-roll-100x150", labels=[{"values": {"colour": "red"}}])
    assert problem["field"] == "labels[0].values.colour"
    problem = await refused(client, 422, template="plate-roll-100x150", labels=[{"values": {"contents": "x"}}])
    assert problem["code"] == "label_not_printable"
    assert problem["label"] == "label 1"


async def test_pdf_of_sheets_and_rolls(client: httpx.AsyncClient) -> None:
    asked = {"template": "item-a4-3x8", "items": [{"sku": "APPLE", "copies": 20}, {"sku": "PEAR", "copies": 10}]}
    answer = await client.post("/api/labels/print", json=asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == 'attachment; filename="item-a4-3x8.pdf"'
    assert pages(answer.content) == 2
    later = await client.post("/api/labels/print", json={**asked, "start": 20})
    assert pages(later.content) == 3
    roll = await client.post("/api/labels/print", json={**asked, "template": "item-roll-57x32"})
    assert pages(roll.content) == 30


@pytest.mark.parametrize(
    "asked,status,field",
    [
        ({"template": "nothing-like-it", "items": [{"sku": "APPLE"}]}, 404, None),
        ({"template": "no such\x01", "items": [{"sku": "APPLE"}]}, 404, None),
        ({"template": "item-a4-3x8"}, 422, "items"),
        ({"template": "item-a4-3x8", "items": [{"sku": "APPLE"}, {"sku": "NO"}]}, 422, "items[1].sku"),
        ({"template": "item-a4-3x8", "items": [{"sku": "A\x01"}]}, 422, "items[0].sku"),
        ({"template": "item-a4-3x8", "items": [{"sku": "PEAR", "level": "pallet"}]}, 422, "items[0].level"),
        ({"template": "item-a4-3x8", "places": [{"code": "LON"}]}, 422, "places"),
        ({"template": "item-a4-3x8", "format": "zpl", "items": [{"sku": "APPLE"}]}, 422, "format"),
        ({"template": "item-a4-3x8", "start": 25, "items": [{"sku": "APPLE"}]}, 422, "start"),
        ({"template": "item-roll-57x32", "start": 2, "items": [{"sku": "APPLE"}]}, 422, "start"),
        ({"template": "lot-roll-100x50", "lots": [{"sku": "MILK", "lot": "NONE"}]}, 422, "lots[0].lot"),
        ({"template": "lot-roll-100x50", "lots": [{"sku": "NONE", "lot": "NONE"}]}, 422, "lots[0].sku"),
        ({"template": "place-roll-100x50", "places": [{"code": "NOWHERE"}]}, 422, "places[0].code"),
        (
            {"template": "item-a4-3x8", "items": [{"sku": "APPLE"}], "item_filter": {"sku_prefix": "A"}},
            422,
            "item_filter",
        ),
        ({"template": "item-a4-3x8", "items": [{"sku": "APPLE", "copies": 0}]}, 422, None),
    ],
)
async def test_what_cannot_be_printed_is_named(
    client: httpx.AsyncClient, asked: dict[str, Any], status: int, field: str | None
) -> None:
    problem = await refused(client, status, **asked)
    if field is not None:
        assert problem["field"] == field, problem


async def test_too_many_are_told_how_to_split(client: httpx.AsyncClient) -> None:
    items = [{"sku": "APPLE", "copies": 500}, {"sku": "PEAR", "copies": 501}, {"sku": "PHONE", "copies": 1000}]
    problem = await refused(client, 413, template="item-a4-3x8", items=items)
    assert (problem["labels"], problem["limit"], problem["requests"]) == (2001, 1000, 3)
    assert "3 requests" in problem["detail"]


async def test_a_barcode_too_long_for_its_label_is_refused(client: httpx.AsyncClient) -> None:
    values = {"sku": "X", "code": "A-VERY-LONG-CODE-THAT-NOBODY-COULD-SCAN-FROM-SO-SMALL-A-LABEL-0123456789"}
    body = (await client.get("/api/labels/templates/receipt-roll-100x50")).json()
    own: dict[str, Any] = {name: body[name] for name in ("name", "kind", "size", "elements")} | {"code": "own-receipt"}
    own["elements"][-1]["square"] = False
    assert (await client.post("/api/labels/templates", json=own)).status_code == 201
    problem = await refused(client, 422, template="own-receipt", labels=[{"values": values}])
    assert problem["code"] == "barcode_too_wide"
    assert problem["needs_mm"] > problem["has_mm"] == 98


async def test_who_may_print(callers: Callers) -> None:
    asked = {"template": "item-a4-3x8", "items": [{"sku": "APPLE"}]}
    for role, status in (("warehouse_staff", 200), ("purchasing_staff", 200), ("viewer", 403)):
        assert (await callers[role].post("/api/labels/print", json=asked)).status_code == status, role


async def test_a_thousand_labels_cost_as_many_statements_as_one(db: Database, world: Any) -> None:
    actor = world.actor()
    counts: list[int] = []
    for prefix, labels in (("THING-00001", 1), ("THING-00", 999)):
        command = PrintLabels(template="item-roll-57x32", format="zpl", item_filter=ItemFilter(sku_prefix=prefix))
        with count_statements() as statements:
            printed = await service.print_labels(db, actor, command)
        assert printed.labels == labels
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 3
