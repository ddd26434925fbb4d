"""What can be read in from files and written out to them: every word's kinds of import, and its exports."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, Final, Literal, NamedTuple

from perpetua.access.types import Actor, Permission
from perpetua.items.imports import PRODUCTS
from perpetua.items.service.exports import export_columns, export_products
from perpetua.kit.database import Database
from perpetua.kit.errors import Missing
from perpetua.kit.imports import Kind
from perpetua.kit.tabular import csv_stream, xlsx_stream
from perpetua.ledger.imports import MOVEMENTS, OPENING_STOCK

__all__ = ["EXPORTS", "KINDS", "MEDIA_TYPES", "Export", "Format", "export_of", "kind_of", "written"]

Format = Literal["csv", "xlsx"]
MEDIA_TYPES: Final[dict[Format, str]] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Export(NamedTuple):
    """A list that can be written out: what it needs, its columns for this actor, and its rows in batches."""

    needs: Permission
    columns: Callable[[Actor], Sequence[str]]
    rows: Callable[[Database, Actor], AsyncIterator[Iterable[Sequence[Any]]]]


KINDS: Final[dict[str, Kind[Actor]]] = {kind.name: kind for kind in (PRODUCTS, MOVEMENTS, OPENING_STOCK)}
EXPORTS: Final[dict[str, Export]] = {"products": Export("items.read", export_columns, export_products)}


def kind_of(name: str) -> Kind[Actor]:
    """The kind of import of that name. Raises Missing."""
    if name not in KINDS:
        raise Missing("kind of import", name, known=sorted(KINDS))
    return KINDS[name]


def export_of(name: str) -> Export:
    """The export of that name. Raises Missing."""
    if name not in EXPORTS:
        raise Missing("export", name, known=sorted(EXPORTS))
    return EXPORTS[name]


def written(name: str, form: Format, db: Database, actor: Actor, *, bom: bool = False) -> AsyncIterator[bytes]:
    """The list as the bytes of a file, streamed.

    Raises:
        NotAllowed: no `exports.run`, or not allowed to read the list; before the first byte.
    """
    export = export_of(name)
    actor.require("exports.run")
    actor.require(export.needs)
    columns, rows = export.columns(actor), export.rows(db, actor)
    return csv_stream(columns, rows, bom=bom) if form == "csv" else xlsx_stream(columns, rows, sheet=name)
