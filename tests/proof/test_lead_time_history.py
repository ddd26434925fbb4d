"""The lead times of a public supply chain go in, and their sums are those that are known of them."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from perpetua.access.types import SYSTEM
from perpetua.kit.database import Database
from perpetua.kit.imports import ImportOptions, Source, begin
from perpetua.kit.listing import PageRequest
from perpetua.purchasing import service
from perpetua.purchasing.imports import LEAD_TIMES

FILE = "scms_delivery/scms_dev.csv.gz"


@pytest.mark.real_data
@pytest.mark.slow
async def test_six_years_of_deliveries(db: Database, shared: Path) -> None:
    file = shared / "data" / FILE
    known = json.loads((shared / "data" / "KNOWN_ANSWERS.json").read_text())["scms (delivered<=2012)"]
    asked = ImportOptions(
        mapping={"supplier": "vendor", "sku": "item description", "reference": "id",
                 "ordered_on": "po sent to vendor date"},
        kind={"create": "yes", "currency": "USD"},
    )  # fmt: skip
    done = await begin(db, SYSTEM, LEAD_TIMES, [Source(file, file.name)], asked)
    said = done.summary
    assert (done.rows_total, said["dated"], said["came_before_ordered"]) == (
        known["rows"], known["po_dated"], known["negative"],
    )  # fmt: skip
    assert round(Decimal(said["days_of_all_dated"]) / said["dated"], 2) == Decimal(str(known["lead_mean"]))
    assert done.rows_good == said["written"] == known["po_dated"] - known["negative"]
    found: list[tuple[str, str]] = []
    cursor = None
    while True:
        page = await service.list_lead_time_confidence(db, SYSTEM, PageRequest(limit=500, cursor=cursor))
        for one in page.items:
            assert one.expected is not None
            assert one.expected.low_days <= one.expected.mean_days <= one.expected.high_days
            found.append((one.supplier, one.sku))
        if not (cursor := page.next_cursor):
            break
    assert len(found) == len(set(found)) > 200
