"""Real lists go in, and their sums are those that are known of them: invoices, the stock of shops, a catalogue."""

import csv
import json
import subprocess
import zipfile
from collections import Counter
from decimal import Decimal
from io import TextIOWrapper
from pathlib import Path

import psycopg
import pytest

from perpetua.access.types import SYSTEM
from perpetua.items.imports import PRODUCTS
from perpetua.items.service import refresh_vocabulary, search_variants
from perpetua.kit.database import Database
from perpetua.kit.imports import ImportOptions, Source, begin, errors_of
from perpetua.kit.listing import PageRequest
from perpetua.ledger import service
from perpetua.ledger.imports import MOVEMENTS, OPENING_STOCK

MILLION = 1_000_000
FILE = "online_retail/online_retail_2010-12-01_to_2011-10-02.csv.gz"
# After each row of an item, in the order in which things happened: never less than nothing.
LOWEST = """SELECT min(on_hand) FROM (
  SELECT sum(sum(quantity)) OVER (PARTITION BY variant_id, location_id ORDER BY effective_at) AS on_hand
  FROM inventory_transactions GROUP BY variant_id, location_id, effective_at) x"""


@pytest.mark.real_data
@pytest.mark.slow
async def test_ten_months_of_invoices(db: Database, database_url: str, shared: Path) -> None:
    file = shared / "data" / FILE
    known = json.loads((shared / "data" / "KNOWN_ANSWERS.json").read_text())["online_retail (<=2011-10-02)"]
    done = await begin(db, SYSTEM, MOVEMENTS, [Source(file, file.name)], ImportOptions(kind={"opening": "smallest"}))
    said = done.summary
    assert done.state == "done"
    assert (done.rows_total, done.rows_good + done.rows_bad) == (known["rows"], known["rows"])
    assert said["micro_quantity_all_rows"] == known["net_qty"] * MILLION
    assert said["micro_value_all_rows"] == int(Decimal(str(known["net_value"])) * MILLION)
    assert said["not_a_product"] == known["nonproduct_rows"] == done.rows_bad
    with psycopg.connect(database_url) as connection:
        sums = {
            kind: (rows, units)
            for kind, rows, units in connection.execute(
                """SELECT type::text, count(*), sum(quantity) FROM inventory_transactions
                   WHERE reason_code IS DISTINCT FROM 'opening' GROUP BY 1"""
            )
        }
        # Every line of goods is there. What they move is what the file moves: a write-off has its sign in the file,
        # a sale and a return have the other one.
        assert sum(rows for rows, _ in sums.values()) == known["rows"] - known["nonproduct_rows"]
        assert set(sums) == {"SALE", "RETURN", "WRITE_OFF"}
        moved = {kind: units for kind, (_, units) in sums.items()}
        assert moved["WRITE_OFF"] - moved["SALE"] - moved["RETURN"] == known["net_qty_products"]
        for kind, (rows, units) in sums.items():
            assert said[f"rows_{kind.lower()}"] == rows
            assert said[f"micro_units_{kind.lower()}"] == units * MILLION
        lowest = connection.execute(LOWEST).fetchone()
        assert lowest
        assert lowest[0] >= 0
    await all_is_well(db)


@pytest.mark.real_data
@pytest.mark.slow
async def test_the_stock_of_the_largest_shops(db: Database, database_url: str, shared: Path, tmp_path: Path) -> None:
    """A slice of the file: the five shops whose sums are known."""
    known = json.loads((shared / "data" / "KNOWN_ANSWERS.json").read_text())["bibitor"]["top5_stores"]
    file = tmp_path / "stock.csv"
    with zipfile.ZipFile(shared / "data" / "bibitor" / "begin_inventory.zip") as archive, file.open("w") as out:
        rows = csv.DictReader(TextIOWrapper(archive.open(archive.namelist()[0]), encoding="utf-8"))
        writer = csv.DictWriter(out, rows.fieldnames or ())
        writer.writeheader()
        writer.writerows(row for row in rows if row["Store"] in known)
    done = await begin(db, SYSTEM, OPENING_STOCK, [Source(file, file.name)], ImportOptions())
    assert (done.state, done.rows_bad, done.summary["places_made"]) == ("done", 0, len(known))
    assert done.rows_total > 20_000
    with psycopg.connect(database_url) as connection:
        held = connection.execute(
            """SELECT l.code, sum(v.on_hand) FROM inventory_levels v JOIN locations l ON l.id = v.location_id
               WHERE l.code = ANY (%s) GROUP BY 1""",
            [list(known)],
        )
        assert dict(held.fetchall()) == known
    await all_is_well(db)


@pytest.mark.real_data
@pytest.mark.slow
async def test_products_with_their_barcodes(db: Database, shared: Path, tmp_path: Path) -> None:
    """Two of the catalogue's 44 files. A code that an earlier row has, however it is padded, is refused by its line."""
    archive = shared / "data" / "gtin_uhtt" / "uhtt_fragments_dev.tar.zst"
    subprocess.run(["tar", "--zstd", "-C", tmp_path, "-xf", archive], check=True)
    fragments = sorted((tmp_path / "uhtt").iterdir())
    files = [fragments[2], fragments[14]]
    mapping = {"barcodes": "UPCEAN", "name": "Name", "category": "CategoryName", "attr:brand": "BrandName"}
    sources = [Source(file, file.name) for file in files]
    done = await begin(db, SYSTEM, PRODUCTS, sources, ImportOptions(mapping=mapping))
    padded: dict[str, str] = {}
    twice: set[tuple[int, int]] = set()
    short: set[tuple[int, int]] = set()
    words: Counter[str] = Counter()
    names: dict[str, str] = {}
    for number, file in enumerate(files):
        lines = file.read_text(encoding="utf-8").splitlines()[1:]
        for line, row in enumerate(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE), 2):
            code = row[1]
            if padded.setdefault(code.zfill(14), code) != code:
                twice.add((number, line))
            if len(code) == 8:
                short.add((number, line))
            names[code] = row[2]
            words.update({word for word in row[2].split() if word.isalpha()})
    errors = (await errors_of(db, done.id, PageRequest(limit=500))).items
    assert {error.code for error in errors} == {"barcode_taken"}
    # Codes of eight digits may be a longer one shortened (UPC-E): those meet others too.
    whole = {(error.file, error.line) for error in errors if not is_short(error.reason)} - short
    assert whole == twice
    assert done.rows_good + len(errors) == done.rows_total == len(names)
    await refresh_vocabulary(db)
    code, name = next((code, name) for code, name in names.items() if rare(name, words))
    word = rare(name, words)
    hits = await search_variants(db, SYSTEM, word[:3] + word[4:], limit=5)
    assert name in [hit.name for hit in hits], (code, word)


def is_short(reason: str) -> bool:
    """Whether the holder of the barcode has one of eight digits."""
    return len(reason.split(" belongs to ")[1].split(".")[0]) == 8


def rare(name: str, words: Counter[str]) -> str:
    """A long word that no other name has, or nothing."""
    return next((word for word in name.split() if len(word) >= 8 and word.isascii() and words[word] == 1), "")


async def all_is_well(db: Database) -> None:
    """The ledger's own check passes."""
    checked = await service.check(db, SYSTEM)
    assert checked.passed, [finding for finding in checked.findings if finding.wrong]
