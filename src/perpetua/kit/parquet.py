# pyright: basic, reportMissingTypeStubs=false
"""Parquet files: rows written in batches and synced, and asked by simple conditions.

pyarrow has no types; they end at this module's doors. It is loaded when a file is first written or read: it is large,
and most processes never do either.
"""

import hashlib
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from perpetua.kit.sink import Sink

__all__ = ["Condition", "Kind", "read", "sha256", "stream", "sums", "write"]

Kind = Literal["bigint", "integer", "text", "instant", "quantity", "money", "amount", "boolean"]
Condition = tuple[str, Literal["==", "<", "<=", ">="], Any]


async def write(path: Path, columns: Mapping[str, Kind], batches: AsyncIterator[list[dict[str, Any]]]) -> None:
    """Write rows; the file appears under its name only when it is whole and synced."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(columns)
    part = path.with_suffix(".part")
    with pq.ParquetWriter(part, schema, compression="zstd") as writer:
        async for rows in batches:
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
    _sync(part)
    part.replace(path)


async def stream(
    columns: Mapping[str, Kind], batches: AsyncIterator[Sequence[Sequence[Any]]], *, group_rows: int = 20_000
) -> AsyncIterator[bytes]:
    """Rows as the bytes of a file, which is written as they come; at most one row group is held."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema, sink, held = _schema(columns), Sink(), list[Sequence[Any]]()
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        async for rows in batches:
            held += rows
            if len(held) >= group_rows:
                writer.write_table(_table(held, schema))
                held.clear()
                yield sink.take()
        if held:
            writer.write_table(_table(held, schema))
    yield sink.take()


def _table(rows: Sequence[Sequence[Any]], schema: Any) -> Any:
    import pyarrow as pa

    arrays = [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def read(
    files: Sequence[str],
    columns: Mapping[str, Kind],
    where: Sequence[Condition],
    *,
    newest_by: Sequence[str],
    limit: int,
) -> list[dict[str, Any]]:
    """Rows of all files that meet every condition, the greatest by `newest_by` first."""
    import pyarrow.dataset as ds

    table = ds.dataset(list(files), schema=_schema(columns)).to_table(filter=_filter(columns, where))
    return table.sort_by([(name, "descending") for name in newest_by]).slice(0, limit).to_pylist()


def sums(
    files: Sequence[str], columns: Mapping[str, Kind], where: Sequence[Condition], *, by: Sequence[str], of: str
) -> list[dict[str, Any]]:
    """The sum of one column by others, over the rows that meet every condition; it is called `sum`."""
    import pyarrow.dataset as ds

    asked = ds.dataset(list(files), schema=_schema(columns)).to_table(columns=[*by, of], filter=_filter(columns, where))
    found = asked.group_by(list(by)).aggregate([(of, "sum")]).to_pylist()
    return [{**{name: row[name] for name in by}, "sum": row[f"{of}_sum"]} for row in found]


def sha256(path: Path) -> str:
    """The hash of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _schema(columns: Mapping[str, Kind]) -> Any:
    import pyarrow as pa

    return pa.schema([(name, _type(kind)) for name, kind in columns.items()])


def _type(kind: Kind) -> Any:
    import pyarrow as pa

    match kind:
        case "bigint":
            return pa.int64()
        case "integer":
            return pa.int32()
        case "text":
            return pa.string()
        case "instant":
            return pa.timestamp("us", tz="UTC")
        case "quantity":
            return pa.decimal128(18, 4)
        case "money":
            return pa.decimal128(18, 6)
        case "amount":  # a quantity times a price
            return pa.decimal128(38, 10)
        case "boolean":
            return pa.bool_()


def _filter(columns: Mapping[str, Kind], where: Sequence[Condition]) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted: Any = pc.scalar(True)
    for name, how, value in where:
        field = pc.field(name)
        bound = pa.scalar(value, _type(columns[name])) if isinstance(value, datetime) else value
        match how:
            case "==":
                wanted = wanted & (field == bound)
            case "<":
                wanted = wanted & (field < bound)
            case "<=":
                wanted = wanted & (field <= bound)
            case ">=":
                wanted = wanted & (field >= bound)
    return wanted
