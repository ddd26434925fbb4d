"""A list on its way into a file: CSV, XLSX or Parquet, as a stream of bytes."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from perpetua.kit import parquet
from perpetua.kit.tabular.writing import csv_stream, xlsx_stream

__all__ = ["MEDIA_TYPES", "Extract", "Format", "file_of"]

Format = Literal["csv", "xlsx", "parquet"]
MEDIA_TYPES: Final[dict[Format, str]] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
Batches = AsyncIterator[Sequence[Sequence[Any]]]


class Extract(NamedTuple):
    """What goes into a file: the columns with what each holds, and the rows in batches."""

    columns: Mapping[str, parquet.Kind]
    batches: Batches


async def file_of(extract: Extract, form: Format, *, name: str, bom: bool = False) -> AsyncIterator[bytes]:
    """The list as the bytes of a file. The first rows are read now, so that a refusal comes before the first byte.

    Args:
        name: of the workbook's sheet.
        bom: begin a CSV with a byte-order mark, without which Excel takes it for Windows-1252.
    """
    first = await anext(extract.batches, None)
    batches = _rest(first, extract.batches)
    match form:
        case "csv":
            return csv_stream(list(extract.columns), batches, bom=bom)
        case "xlsx":
            return xlsx_stream(list(extract.columns), batches, sheet=name)
        case "parquet":
            return parquet.stream(extract.columns, batches)


async def _rest(first: Sequence[Sequence[Any]] | None, batches: Batches) -> Batches:
    if first is None:
        return
    yield first
    async for batch in batches:
        yield batch
