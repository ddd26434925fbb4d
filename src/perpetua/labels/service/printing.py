"""Printing: what labels say is looked up, laid out, and made into PDF or ZPL."""

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Final

from perpetua.access.types import Actor
from perpetua.kit import typeset
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue
from perpetua.labels.errors import TooManyLabels
from perpetua.labels.rules.checking import check_body
from perpetua.labels.rules.laying import Part, lay_out
from perpetua.labels.rules.paging import pages_of
from perpetua.labels.rules.samples import samples
from perpetua.labels.rules.zpl import zpl
from perpetua.labels.service.saying import of_items, of_lots, of_places, of_plates, of_receipt, of_values
from perpetua.labels.service.templates import template_of
from perpetua.labels.types import (
    MOST_LABELS,
    Drawn,
    Kind,
    PreviewTemplate,
    Printed,
    PrintLabels,
    Roll,
    Sheet,
    Size,
    Template,
    TemplateBody,
    Values,
)

__all__ = ["preview", "print_labels"]

_TEMPLATE: Final = typeset.packaged("perpetua.labels", "labels.typ")
_LISTS: Final[dict[Kind, tuple[str, ...]]] = {
    "item": ("items", "item_filter"),
    "lot": ("lots",),
    "place": ("places", "place_filter"),
    "plate": ("plates", "labels"),
    "receipt": ("labels", "receipt"),
    "custom": ("labels",),
}
"""What is printed by templates of each kind."""


async def print_labels(db: Database, actor: Actor, command: PrintLabels, *, clock: Clock = system_clock) -> Printed:
    """The labels, as PDF or ZPL. Nothing is changed.

    Raises:
        Missing: no such template.
        InvalidValue: names the field; also an item, lot or place that is not there.
        TooManyLabels: says how to split.
        NotPrintable, NoRoom: a label can't be printed as its template says; names label and field.
    """
    actor.require("labels.print")
    async with db.snapshot() as tx:
        template = await template_of(tx, command.template)
        _check(command, template)
        drawn = await _said(tx, actor, command, template)
    count = sum(one.copies for one in drawn)
    if count > MOST_LABELS:
        raise TooManyLabels(count, MOST_LABELS)
    if not drawn:
        raise InvalidValue(_LISTS[template.kind][0], "", "names nothing to print labels for")
    laid = await asyncio.to_thread(_laid, template, drawn, clock().date())
    return Printed(
        content=await _made(laid, template.size, command), format=command.format, labels=count, template=template.code
    )


async def preview(
    db: Database,
    actor: Actor,
    asked: str | PreviewTemplate,
    *,
    dpi: int = 203,
    values: Values | None = None,
    clock: Clock = system_clock,
) -> bytes:
    """A picture (PNG) of one label: of a template by its code, or of one that is not kept yet, with usual values.

    Raises:
        Missing: no such template.
        InvalidValue, NotPrintable, NoRoom: as printing does.
    """
    actor.require("labels.print")
    if isinstance(asked, PreviewTemplate):
        body: TemplateBody = asked
        values, dpi = dict(asked.values), asked.dpi
        check_body(body, today=clock().date())
    else:
        async with db.transaction() as tx:
            body = await template_of(tx, asked)
    parts = lay_out(body, samples(body) | (values or {}), today=clock().date(), label="sample")
    return (await typeset.pngs(_TEMPLATE, pages_of([(parts, 1)], body.size, alone=True), dpi=dpi))[0]


async def _made(laid: Sequence[tuple[list[Part], int]], size: Size, command: PrintLabels) -> bytes:
    if command.format == "zpl":
        assert isinstance(size, Roll)
        return (await asyncio.to_thread(zpl, laid, size)).encode("ascii")
    data = await asyncio.to_thread(pages_of, laid, size, start=command.start)
    return await typeset.pdf(_TEMPLATE, data)


def _laid(template: Template, drawn: Sequence[Drawn], today: date) -> list[tuple[list[Part], int]]:
    return [(lay_out(template, one.values, today=today, label=one.name), one.copies) for one in drawn]


def _check(command: PrintLabels, template: Template) -> None:
    """Refuses what the template can't print."""
    mine = _LISTS[template.kind]
    for name in ("items", "item_filter", "lots", "places", "place_filter", "plates", "receipt", "labels"):
        if getattr(command, name) and name not in mine:
            raise InvalidValue(name, "", f"{template.code} is for labels of kind {template.kind}: send {mine[0]}")
    if len([name for name in mine if getattr(command, name)]) > 1:
        raise InvalidValue(mine[1], "", f"send it or {mine[0]}, not both")
    if isinstance(template.size, Sheet):
        if command.format == "zpl":
            raise InvalidValue("format", "zpl", f"{template.code} is for sheets; label printers take those for rolls")
        if command.start > template.size.count:
            raise InvalidValue("start", command.start, f"a sheet has {template.size.count} labels")
    elif command.start > 1:
        raise InvalidValue("start", command.start, "is for sheets; a roll has no used positions")


async def _said(tx: Tx, actor: Actor, command: PrintLabels, template: Template) -> list[Drawn]:
    match template.kind:
        case "item":
            return await of_items(tx, actor, command)
        case "lot":
            return await of_lots(tx, actor, command)
        case "place":
            return await of_places(tx, actor, command)
        case "plate" if command.plates:
            return await of_plates(tx, actor, command)
        case "receipt" if command.receipt is not None:
            return await of_receipt(tx, actor, command)
        case _:
            return of_values(command, template.kind)
