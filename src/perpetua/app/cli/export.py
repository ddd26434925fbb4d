"""`perpetua export`: lists out, as CSV, XLSX or Parquet."""

import sys
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from perpetua.app.cli import common
from perpetua.app.files import products_extract
from perpetua.kit.clock import parse_instant
from perpetua.kit.database import Database
from perpetua.kit.tabular import Extract, Format, file_of
from perpetua.ledger import service as ledger
from perpetua.ledger.types import MovementFilters, StockFilters, TransactionType
from perpetua.places import service as places
from perpetua.places.types import Kind, LocationFilters

__all__ = ["app"]

app = App(name="export", help="Write lists to CSV, XLSX or Parquet.")

Form = Annotated[Format, Parameter(name="--format")]
Output = Annotated[Path | None, Parameter(name=["--output", "-o"])]
Bom = Annotated[bool, Parameter(negative="")]
Flag = Annotated[bool, Parameter(negative="")]


@app.command
async def products(*, form: Form = "csv", output: Output = None, bom: Bom = False) -> None:
    """Write the catalogue, such as `perpetua import products` reads back.

    Args:
        form: csv, xlsx or parquet.
        output: the file to write; the standard output where not given.
        bom: begin a CSV with a byte-order mark, for Excel.
    """
    await _write(lambda db: products_extract(db, common.actor()), "products", form, output, bom)


@app.command
async def locations(
    *,
    site: str | None = None,
    parent: str | None = None,
    within: str | None = None,
    kind: Kind | None = None,
    active: bool | None = None,
    text: str | None = None,
    form: Form = "csv",
    output: Output = None,
    bom: Bom = False,
) -> None:
    """Write places, such as `perpetua import locations` reads back.

    Args:
        site: code of a site; all that is in it.
        parent: code of a place; its direct children.
        within: code of a place; it and all below it.
        kind: such as warehouse, zone, bin.
        active: only those that are, or are not.
        text: part of the code or the name.
        form: csv, xlsx or parquet.
        output: the file to write; the standard output where not given.
        bom: begin a CSV with a byte-order mark, for Excel.
    """
    filters = LocationFilters(site=site, parent=parent, within=within, kind=kind, active=active, text=text)
    await _write(lambda db: places.export_locations(db, common.actor(), filters), "locations", form, output, bom)


@app.command
async def stock(
    *,
    by: Literal["item", "place", "lot"] = "item",
    location: str | None = None,
    sku: str | None = None,
    category: int | None = None,
    owner: int | None = None,
    as_of: str | None = None,
    known_at: str | None = None,
    with_zero: Flag = False,
    form: Form = "csv",
    output: Output = None,
    bom: Bom = False,
) -> None:
    """Write what is where, now or at any past instant.

    Args:
        by: what a row is: an item, an item in a place, or a lot of it in a place.
        location: code of a place; it and all below it.
        sku: one item.
        category: number of a category; it and all below it.
        owner: number of an owner.
        as_of: as it was then (2026-03-31, or 2026-03-31T14:00Z).
        known_at: as it was known then.
        with_zero: also what there is none of.
        form: csv, xlsx or parquet.
        output: the file to write; the standard output where not given.
        bom: begin a CSV with a byte-order mark, for Excel.
    """
    filters = StockFilters(
        location=location, sku=sku, category_id=category, owner_id=owner, with_zero=with_zero,
        as_of=_at(as_of, "as_of"), known_at=_at(known_at, "known_at"),
    )  # fmt: skip
    await _write(lambda db: ledger.export_stock(db, common.actor(), filters, by), "stock", form, output, bom)


@app.command
async def movements(
    *,
    sku: str | None = None,
    location: str | None = None,
    type: list[TransactionType] | None = None,  # noqa: A002 (the option's name)
    since: str | None = None,
    until: str | None = None,
    known_at: str | None = None,
    reference_type: str | None = None,
    reference: str | None = None,
    reason: str | None = None,
    form: Form = "csv",
    output: Output = None,
    bom: Bom = False,
) -> None:
    """Write the ledger's rows, in the order they were written.

    Args:
        sku: one item.
        location: code of a place; it and all below it.
        type: such as SALE or RECEIPT; several may be given.
        since: from this instant on.
        until: before this instant.
        known_at: only what was written by then.
        reference_type: kind of the document that the rows name.
        reference: id of the document that the rows name.
        reason: code of the reason.
        form: csv, xlsx or parquet.
        output: the file to write; the standard output where not given.
        bom: begin a CSV with a byte-order mark, for Excel.
    """
    filters = MovementFilters(
        sku=sku, location=location, types=type or None, since=_at(since, "since"), until=_at(until, "until"),
        known_at=_at(known_at, "known_at"), reference_type=reference_type, reference_id=reference, reason_code=reason,
    )  # fmt: skip
    await _write(lambda db: ledger.export_movements(db, common.actor(), filters), "movements", form, output, bom)


async def _write(
    extract: Callable[[Database], Extract], name: str, form: Format, output: Path | None, bom: bool
) -> None:
    """The file whole, or not at all."""
    size = rows = 0

    async def counted(batches: AsyncIterator[Sequence[Sequence[Any]]]) -> AsyncIterator[Sequence[Sequence[Any]]]:
        nonlocal rows
        async for batch in batches:
            rows += len(batch)
            yield batch

    part = Path(f"{output}.part") if output else None
    async with common.database() as db:
        columns, batches = extract(db)
        content = await file_of(Extract(columns, counted(batches)), form, name=name, bom=bom)
        file = part.open("wb") if part else sys.stdout.buffer
        try:
            async for data in content:
                size += file.write(data)
            file.flush()
        except BaseException:
            if part:
                part.unlink()
            raise
        finally:
            if part:
                file.close()
    if part and output:
        part.replace(output)
        if common.as_json():
            common.show({"file": str(output), "bytes": size, "rows": rows})
        else:
            common.say(f"{output}: {rows:,} rows, {size:,} bytes.")


def _at(text: str | None, field: str) -> datetime | None:
    return parse_instant(text, field) if text else None
