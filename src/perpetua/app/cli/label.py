"""`perpetua label`: templates, and labels printed by them."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import App, Parameter

from perpetua.app.cli import common
from perpetua.kit import json
from perpetua.kit.errors import InvalidValue
from perpetua.kit.listing import PageRequest
from perpetua.labels import service
from perpetua.labels.types import Kind, PrintLabels

__all__ = ["app"]

app = App(name="label", help="Labels: printed for items, lots, places and pallets; their templates.")

Output = Annotated[Path | None, Parameter(name=["--output", "-o"])]
Form = Annotated[Literal["pdf", "zpl"], Parameter(name="--format")]
_COLUMNS = {
    "code": "Template", "name": "Name", "kind": "For", "shipped": "Shipped", "changed": "Changed",
    "version": "Version",
}  # fmt: skip


@app.command
async def templates(*, kind: Kind | None = None) -> None:
    """List templates.

    Args:
        kind: item, lot, place, plate, receipt or custom.
    """
    async with common.database() as db:
        page = await service.list_templates(db, common.actor(), kind, PageRequest(limit=1000))
    common.show_page(page, title="Label templates", columns=_COLUMNS)


@app.command(name="print")
async def print_(
    template: str,
    *,
    sku: list[str] | None = None,
    sku_prefix: str | None = None,
    category: str | None = None,
    lot: list[str] | None = None,
    place: list[str] | None = None,
    within: str | None = None,
    plate: list[str] | None = None,
    receipt: str | None = None,
    per: Literal["line", "unit"] = "line",
    values: list[str] | None = None,
    copies: int = 1,
    start: int = 1,
    form: Form = "pdf",
    output: Output = None,
) -> None:
    """Print labels into a file, for a printer to take.

    Args:
        template: as listed by `perpetua label templates`.
        sku: an item; again for each more.
        sku_prefix: all items whose SKU begins so.
        category: code of a category; all items in it.
        lot: a lot as SKU/number; again for each more.
        place: code of a place; again for each more.
        within: code of a place; all places in it.
        plate: code or SSCC of a license plate; again for each more.
        receipt: number of a receipt, R-000123: what came in with it.
        per: a label a line of the receipt, or one for each unit.
        values: what a label says, as JSON: {"sscc": "…"}; again for each more.
        copies: of each.
        start: the position on a sheet of which some labels are used.
        form: pdf or zpl.
        output: the file to write; the standard output where not given.
    """
    asked: dict[str, Any] = {"template": template, "format": form, "copies": copies, "start": start}
    asked["items"] = [{"sku": one} for one in sku or []]
    asked["places"] = [{"code": one} for one in place or []]
    asked["plates"] = [{"code": one} for one in plate or []]
    asked["labels"] = [{"values": _values(one)} for one in values or []]
    asked["lots"] = [dict(zip(("sku", "lot"), _lot(one), strict=True)) for one in lot or []]
    if sku_prefix is not None or category is not None:
        asked["item_filter"] = {"sku_prefix": sku_prefix, "category": category}
    if receipt is not None:
        asked["receipt"] = {"receipt": receipt, "per": per}
    if within is not None:
        asked["place_filter"] = {"within": within}
    try:
        command = msgspec.convert(asked, PrintLabels)
    except msgspec.ValidationError as error:
        raise InvalidValue("label", template, str(error)) from None
    if output is None and common.as_json():
        raise InvalidValue("output", "", "is needed with --json, which has the standard output for itself")
    async with common.database() as db:
        printed = await service.print_labels(db, common.actor(), command)
    if output is None:
        sys.stdout.buffer.write(printed.content)
        return
    output.write_bytes(printed.content)
    if common.as_json():
        common.show({"file": str(output), "format": printed.format, "labels": printed.labels})
    else:
        common.say(f"{printed.labels} labels in {output}")


@app.command
async def preview(template: str, *, output: Annotated[Path, Parameter(name=["--output", "-o"])]) -> None:
    """Draw a label of a template with usual values, as a PNG.

    Args:
        template: as listed by `perpetua label templates`.
        output: the file to write.
    """
    async with common.database() as db:
        output.write_bytes(await service.preview(db, common.actor(), template))
    if common.as_json():
        common.show({"file": str(output)})


def _lot(text: str) -> tuple[str, str]:
    sku, slash, number = text.partition("/")
    if not slash:
        raise InvalidValue("lot", text, "must be a SKU and a lot's number, as in MILK/L-77")
    return sku, number


def _values(text: str) -> dict[str, str]:
    try:
        return json.decode(text, dict[str, str])
    except msgspec.MsgspecError:
        raise InvalidValue("values", text, 'must be JSON with texts, such as {"sscc": "395201234567890123"}') from None
