"""Tables in files: every row with its line, nothing replaced silently, nothing run as a formula, bombs refused."""

import codecs
import gzip
import io
import tempfile
import tracemalloc
import zipfile
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpetua.kit.tabular import Limits, Row, Table, Unreadable, csv_stream, inspect, read, xlsx_stream


def rows_of(path: Path, **given_: Any) -> tuple[Table, list[Row]]:
    table = inspect(path, **given_)
    found = list(read(path, table))
    assert table.rows == len(found)
    return table, found


def lines_and_cells(rows: Sequence[Row]) -> list[tuple[int, list[str] | str]]:
    return [(row.line, row.fault.code if row.fault else row.cells) for row in rows]


def saved(folder: Path, content: bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


async def once(*batches: Sequence[Sequence[Any]]) -> AsyncIterator[Sequence[Sequence[Any]]]:
    for batch in batches:
        yield batch


async def written(stream: Any, header: Sequence[str], rows: Sequence[Sequence[Any]], **given_: Any) -> bytes:
    return b"".join([part async for part in stream(header, once(rows[:1], rows[1:]), **given_)])


# --- reading ---------------------------------------------------------------------------------------------------------


def test_lines_are_physical_lines(tmp_path: Path) -> None:
    text = 'a,b\r\n1,"two\nlines"\r\n\r\n2,x\r\n"3\r\n\r\n",y\n4,z'
    table, rows = rows_of(saved(tmp_path, text.encode()))
    assert (table.header, table.header_line) == (["a", "b"], 1)
    assert lines_and_cells(rows) == [
        (2, ["1", "two\nlines"]), (5, ["2", "x"]), (6, ["3\r\n\r\n", "y"]), (9, ["4", "z"]),
    ]  # fmt: skip


def test_rows_that_cannot_be_split_are_faults_and_stop_nothing(tmp_path: Path) -> None:
    text = 'a,b\n1,2\n1\n1,2,3\n1,2,,\n"open,2\n5,6\nnul\0,7\n"x"y,8\n9,10\n'
    _, rows = rows_of(saved(tmp_path, text.encode()))
    assert lines_and_cells(rows) == [
        (2, ["1", "2"]), (3, "ragged"), (4, "ragged"), (5, ["1", "2"]), (6, "broken_quotes"), (7, ["5", "6"]),
        (8, "nul"), (9, "broken_quotes"), (10, ["9", "10"]),
    ]  # fmt: skip


@pytest.mark.parametrize("long", ["x" * 300_000, '"' + "x\n" * 150_000, '"' + "x" * 300_000 + '"'])
def test_a_huge_row_is_one_fault(tmp_path: Path, long: str) -> None:
    after = "\n".join(f"{n},ok" for n in range(50))
    _, rows = rows_of(saved(tmp_path, f"a,b\n1,2\n{long}\n{after}\n".encode()))
    assert rows[0].cells == ["1", "2"]
    assert rows[1].line == 3
    assert rows[1].fault is not None
    assert [row.cells for row in rows[-50:]] == [[str(n), "ok"] for n in range(50)]
    assert rows[-1].line == long.count("\n") + 53


@pytest.mark.parametrize("at", [65_536, 65_537, 131_072, 200_000])
def test_a_record_across_blocks(tmp_path: Path, at: int) -> None:
    filler = "".join(f"{n:06},x\n" for n in range((at - 10) // 9))
    filler += "y" * (at - 6 - len(filler) - 4) + ",z\n"
    text = f'a,b\n{filler}"q\r\n\r\nq","w"\nlast,1\r\n'
    _, rows = rows_of(saved(tmp_path, text.encode()))
    assert rows[-2].cells == ["q\r\n\r\nq", "w"]
    assert rows[-2].line == filler.count("\n") + 2
    assert (rows[-1].cells, rows[-1].line) == (["last", "1"], rows[-2].line + 3)


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, sign: str) -> None:
    text = sign.join(['"a,;|"', "b", "c"]) + "\n" + sign.join("123") + "\n"
    table, rows = rows_of(saved(tmp_path, text.encode()))
    assert table.delimiter == sign
    assert rows[0].cells == ["1", "2", "3"]


def test_inches_in_tab_separated_text(tmp_path: Path) -> None:
    _, rows = rows_of(saved(tmp_path, b'a\tb\n"12" pipe"\t1\n3 1/2"\t2\n'))
    assert [row.cells for row in rows] == [['"12" pipe"', "1"], ['3 1/2"', "2"]]
    _, rows = rows_of(saved(tmp_path, b'a\tb\n"one\ttwo"\t1\n'))
    assert [row.cells for row in rows] == [["one\ttwo", "1"]]


@pytest.mark.parametrize(
    "encoding, mark",
    [
        ("utf-8", b""), ("utf-8", codecs.BOM_UTF8), ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-16-le", b""), ("utf-16-be", b""), ("cp1252", b""),
    ],
)  # fmt: skip
def test_encodings_are_found(tmp_path: Path, encoding: str, mark: bytes) -> None:
    table, rows = rows_of(saved(tmp_path, mark + "name,price\nCafé “au lait”,3\nœuf,2\n".encode(encoding)))
    assert table.header == ["name", "price"]
    assert [row.cells[0] for row in rows] == ["Café “au lait”", "œuf"]


@pytest.mark.parametrize(
    "content, encoding, line",
    [
        ("a\né\nü\n".encode() + b"x\xffy\n", None, 4),
        (b"a\n\xe9\n\x81\n", None, 3),
        (b"a\n\xe9\n", "utf-8", 2),
        (codecs.BOM_UTF16_LE + "a\nb\n".encode("utf-16-le") + b"\x00\xd8x\x00", None, 3),
        ("a\r\nж\r\n".encode() * 40_000 + b"\xd0\n", None, 80_001),
    ],
)
def test_broken_bytes_refuse_the_file_by_line(tmp_path: Path, content: bytes, encoding: str | None, line: int) -> None:
    with pytest.raises(Unreadable) as refused:
        inspect(saved(tmp_path, content), encoding=encoding)
    assert refused.value.line == line


def packed(text: bytes, name: str = "t.csv", more: int = 0, how: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        archive.writestr(name, text)
        for number in range(more):
            archive.writestr(f"more{number}.csv", text)
    return buffer.getvalue()


def test_packed_files(tmp_path: Path) -> None:
    text = b"a,b\n1,2\n"
    for content in (gzip.compress(text), packed(text)):
        table, rows = rows_of(saved(tmp_path, content))
        assert (table.size_bytes, rows[0].cells) == (len(text), ["1", "2"])


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\n\n", b"PK\x03\x04broken", b"\x1f\x8bbroken", gzip.compress(b"a,b\n1,2\n", mtime=0)[:-6], b"%PDF-1.4",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", packed(b"a\n1\n", more=1), packed(b"", "xl/workbook.xml"),
        packed(b"a,b\n1,2\n", how=zipfile.ZIP_STORED).replace(b"1,2", b"1,3"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Unreadable):
        inspect(saved(tmp_path, content))


# --- bombs -----------------------------------------------------------------------------------------------------------


def workbook(cells: str, strings: str = "") -> bytes:
    """A workbook by hand: only its sheet's rows and its shared strings are ours to choose."""
    book = openpyxl.Workbook()
    buffer = io.BytesIO()
    book.save(buffer)
    out = io.BytesIO()
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name.startswith("xl/worksheets/sheet"):
                content = f"<worksheet {main}><sheetData>{cells}</sheetData></worksheet>".encode()
            if name.endswith("sharedStrings.xml"):
                content = f"<sst {main}>{strings}</sst>".encode()
            target.writestr(name, content)
    return out.getvalue()


def test_bombs_are_refused_before_they_go_off(tmp_path: Path) -> None:
    small = Limits(size_bytes=1_000_000, workbook_bytes=4_000_000, workbook_cells=1_000_000, rows=1000)
    far = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    shared = '<row r="1">' + '<c t="s"><v>0</v></c>' * 4000 + "</row>"
    entity = '<!DOCTYPE x [<!ENTITY a "aaaa">]><row r="1"><c r="A1"><v>1</v></c></row>'
    bombs = [
        gzip.compress(b"a\n" + b"0" * 5_000_000, mtime=0),
        packed(b"a\n" + b"0" * 5_000_000),
        b"a\n" + b"1\n" * 1001,
        workbook(far),
        workbook(shared, f"<si><t>{'x' * 32_000}</t></si>"),
        workbook(entity),
        workbook("<row>" + " " * 5_000_000 + "</row>"),
    ]
    for content in bombs:
        assert len(content) < 100_000
        path = saved(tmp_path, content)
        tracemalloc.start()
        with pytest.raises(Unreadable):
            inspect(path, limits=small)
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
        tracemalloc.stop()


# --- workbooks -------------------------------------------------------------------------------------------------------


def test_a_workbook_of_a_spreadsheet(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in ([], ["sku", "ean", "price", "day", "on", "note"],
                ["A", 4006381333931, 1.5, date(2026, 2, 1), True, "=1+1"], [None] * 6,
                ["B", None, 12, datetime.fromisoformat("2026-02-01 08:30"), False, "x", "surplus"]):  # fmt: skip
        sheet.append(row)
    book.create_sheet("Other").append(["only"])
    path = tmp_path / "b.xlsx"
    book.save(path)
    table, rows = rows_of(path)
    assert (table.sheet, table.header_line, table.header[:2]) == ("Sheet", 2, ["sku", "ean"])
    assert rows[0] == Row(3, ["A", "4006381333931", "1.5", "2026-02-01", "true", rows[0].cells[5]])
    assert lines_and_cells(rows[1:]) == [(5, "ragged")]
    assert inspect(path, sheet="Other").header == ["only"]
    with pytest.raises(Unreadable):
        inspect(path, sheet="Third")


# --- writing ---------------------------------------------------------------------------------------------------------

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|'/c calc'!A0", "'=1"]


async def test_text_is_never_a_formula(tmp_path: Path) -> None:
    rows = [[text, Decimal("-5.50"), -3] for text in FORMULAS]
    content = await written(csv_stream, ["a", "b", "c"], rows)
    for line in content.decode().split("\r\n")[1 : len(FORMULAS) + 1]:
        assert line.lstrip('"').startswith("'")
        assert line.endswith(",-5.5,-3")
    path = saved(tmp_path, await written(xlsx_stream, ["a", "b", "c"], rows), "t.xlsx")
    sheet: Any = openpyxl.load_workbook(path).active
    for row in sheet.iter_rows(min_row=2):
        assert [cell.data_type for cell in row] == ["s", "n", "n"] or row[0].data_type == "inlineStr"
        assert row[1].value == -5.5


async def test_a_byte_order_mark_for_spreadsheets(tmp_path: Path) -> None:
    content = await written(csv_stream, ["ä"], [["ö"]], bom=True)
    assert content.startswith(codecs.BOM_UTF8)
    assert rows_of(saved(tmp_path, content))[0].header == ["ä"]


async def test_numbers_stay_exact(tmp_path: Path) -> None:
    values = [Decimal("0.1"), Decimal("123456789012.123456"), 10**17 + 1, Decimal("1E+3"), Decimal("-0.000001")]
    told = ["0.1", "123456789012.123456", "100000000000000001", "1000", "-0.000001"]
    for stream in (csv_stream, xlsx_stream):
        content = await written(stream, list("abcde"), [values])
        assert [Decimal(cell) for cell in rows_of(saved(tmp_path, content))[1][0].cells] == list(map(Decimal, told))


async def test_instants_are_utc(tmp_path: Path) -> None:
    content = await written(csv_stream, ["at", "on"], [[datetime(2026, 1, 2, 3, tzinfo=UTC), date(2026, 1, 2)]])
    assert content.endswith(b"2026-01-02T03:00:00Z,2026-01-02\r\n")


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
tables = st.lists(st.lists(words, min_size=3, max_size=3).filter(lambda row: any(cell.strip() for cell in row)))


@given(tables, st.booleans())
async def test_csv_reads_back(rows: list[list[str]], bom: bool) -> None:
    content = await written(csv_stream, ["a", "b", "c"], rows, bom=bom)
    with tempfile.TemporaryDirectory() as folder:
        assert [row.cells for row in rows_of(saved(Path(folder), content))[1]] == rows


@given(tables)
async def test_xlsx_reads_back(rows: list[list[str]]) -> None:
    content = await written(xlsx_stream, ["a", "b", "c"], rows)
    with tempfile.TemporaryDirectory() as folder:
        assert [row.cells for row in rows_of(saved(Path(folder), content))[1]] == rows
