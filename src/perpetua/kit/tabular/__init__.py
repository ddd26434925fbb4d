"""Tables in files: CSV, TSV and XLSX, read row by row and written as a stream.

Always true:
- Every row carries the physical line it begins on, however many line ends lie in quotes before it.
- A file is read in bounded memory; what unpacks to more than the limits (bytes, rows, cells) is refused unread.
- Bytes that are not text in the file's encoding refuse the file, naming the line; nothing is replaced silently.
- A row that cannot be read (ragged, NUL, overlong, a quote left open) has a `fault` and does not stop the next row.
- What is written as text opens as text: a spreadsheet never takes a cell of ours for a formula; numbers stay numbers.
- What we wrote, we read back as it was.
"""

from perpetua.kit.tabular.extract import MEDIA_TYPES, Extract, Format, file_of
from perpetua.kit.tabular.reading import inspect, read
from perpetua.kit.tabular.types import DEFAULT_LIMITS, Fault, Limits, Row, Table, Unreadable
from perpetua.kit.tabular.writing import csv_stream, xlsx_stream

__all__ = [
    "DEFAULT_LIMITS",
    "MEDIA_TYPES",
    "Extract",
    "Fault",
    "Format",
    "Limits",
    "Row",
    "Table",
    "Unreadable",
    "csv_stream",
    "file_of",
    "inspect",
    "read",
    "xlsx_stream",
]
