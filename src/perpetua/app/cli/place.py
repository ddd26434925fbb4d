"""`perpetua place`: sites, zones and bins."""

from typing import Annotated

from cyclopts import App, Parameter

from perpetua.app.cli import common
from perpetua.kit.listing import PageRequest
from perpetua.places import service
from perpetua.places.types import CreateLocation, Kind, LayOut, Level, LocationFilters, MoveLocation

__all__ = ["app"]

app = App(name="place", help="Sites, zones and bins.")

_COLUMNS = {
    "code": "Code",
    "name": "Name",
    "kind": "Kind",
    "pick_sequence": "Walk",
    "sellable": "Sellable",
    "active": "Active",
}


@app.command(name="list")
async def list_(
    *,
    within: str | None = None,
    parent: str | None = None,
    kind: Kind | None = None,
    text: str | None = None,
    sort: str = "code",
    limit: int = 100,
    cursor: str | None = None,
) -> None:
    """List places.

    Args:
        within: code of a place; it and all below it.
        parent: code of a place; its direct children.
        kind: such as warehouse, zone, bin.
        text: part of the code or the name.
        sort: code, name or pick_sequence.
        limit: at most so many, up to 1000.
        cursor: what the page before told to go on with.
    """
    filters = LocationFilters(within=within, parent=parent, kind=kind, text=text)
    async with common.database() as db:
        page = await service.list_locations(
            db, common.actor(), filters, PageRequest(limit=min(max(limit, 1), 1000), sort=sort, cursor=cursor)
        )
    common.show_page(page, title="Places", columns=_COLUMNS)


@app.command
async def show(code: str) -> None:
    """Show one place.

    Args:
        code: its code.
    """
    async with common.database() as db:
        common.show(await service.get(db, common.actor(), code), title=code)


@app.command
async def add(
    code: str,
    kind: Kind,
    *,
    parent: str | None = None,
    name: str = "",
    standard: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Make a place; without a parent, a site.

    Args:
        code: as printed on its label.
        kind: such as warehouse, zone, bin.
        parent: code of the place it stands in.
        name: what people call it.
        standard: for a site, also its receiving dock, quarantine and damaged area.
    """
    command = CreateLocation(code=code, kind=kind, parent=parent, name=name, standard_children=standard)
    async with common.database() as db:
        made = await service.create(db, common.actor(), command)
    common.show(made.answer, title="Made")


@app.command
async def layout(parent: str, levels: list[str], *, template: str = "{parent}-{label}", first: int = 1) -> None:
    """Make a block of places: perpetua place layout LEEDS zone:A-D aisle:01-10 rack:1-5:serpentine bin:1-6.

    Args:
        parent: code of the place it all stands in.
        levels: kind:labels, with :serpentine where every second row is walked backwards.
        template: of each code; {parent}, {label} and {site} are filled in.
        first: number of the first place on the walk.
    """
    command = LayOut(parent=parent, levels=[_level(text) for text in levels], code=template, first_pick_sequence=first)
    async with common.database() as db:
        laid = await service.lay_out(db, common.actor(), command)
    common.show(laid.answer, title="Made")


@app.command
async def move(code: str, to: str) -> None:
    """Move a place, with all that stands in it.

    Args:
        code: the place.
        to: code of its new parent.
    """
    async with common.database() as db:
        place = await service.get(db, common.actor(), code)
        moved = await service.move(db, common.actor(), place.id, MoveLocation(to=to), version=place.version)
    common.show(
        {"code": code, "path": " › ".join(moved.answer.location.path_codes), "moved": moved.answer.moved}, title="Moved"
    )


def _level(text: str) -> Level:
    from perpetua.kit import json
    from perpetua.kit.errors import InvalidValue

    kind, _, rest = text.partition(":")
    labels, _, order = rest.partition(":")
    try:
        said = {"kind": kind, "labels": labels, **({"order": order} if order else {})}
        return json.decode(json.dumps(said), Level)
    except ValueError as wrong:
        raise InvalidValue("levels", text, f"is not kind:labels or kind:labels:serpentine ({wrong})") from None
