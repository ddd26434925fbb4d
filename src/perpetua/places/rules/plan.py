"""New places, many at once: from a list in any order, or from a pattern of levels.

A plan is a list of `NewPlace` in which a parent comes before whatever stands in it, so that ids and paths can be given
in one pass.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any, Final

import msgspec

from perpetua.kit.errors import InvalidValue, Refusal, TooLarge
from perpetua.places.errors import CodeTaken, InactivePlace
from perpetua.places.rules.tree import check_code, check_limits, check_stands, sellable_default, transit_code
from perpetua.places.types import SITE_KINDS, CreateLocation, Kind, LayOut, Level, LocationRef

__all__ = ["MAX_PLACES", "NewPlace", "labels_of", "lay_out", "planned", "sifted"]

MAX_PLACES: Final = 50_000
"""Most places that one command makes."""
MAX_LEVELS: Final = 20

_LETTERS = re.compile(r"([A-Z])-([A-Z])|([a-z])-([a-z])")
_NUMBERS = re.compile(r"(\d{1,6})-(\d{1,6})", re.ASCII)
_SLOT = re.compile(r"\{(\w*)\}")
_STANDARD: Final[tuple[tuple[str, str, Kind], ...]] = (
    ("RECEIVING", "Receiving dock", "dock"),
    ("QUARANTINE", "Quarantine", "quarantine"),
    ("DAMAGED", "Damaged", "damaged"),
)


class NewPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A place to be made: in `above`, an earlier one of the plan (by position), or in `parent`, or at the root."""

    code: str
    name: str
    kind: Kind
    above: int | None = None
    parent: LocationRef | None = None
    address: Mapping[str, Any] | None = None
    capacity_units: Decimal | None = None
    weight_limit_kg: Decimal | None = None
    temperature_zone: str | None = None
    temperature_min_c: Decimal | None = None
    temperature_max_c: Decimal | None = None
    pick_sequence: int | None = None
    sellable: bool = True
    negative_allowed: bool = False
    active: bool = True


def planned(asked: Sequence[CreateLocation], known: Mapping[str | int, LocationRef]) -> list[NewPlace]:
    """The places asked for, parents first, with the standing places of each new site.

    Args:
        asked: in any order; a parent given by code may be in the list itself.
        known: places that are there already, by the code or id by which `asked` names them.

    Raises:
        InvalidValue, CodeTaken, WrongKind, InactivePlace: each with `line`, the position in the list from 1.
    """
    _check_count(len(asked), "locations")
    plan, _, refused = sifted(asked, known)
    for line, refusal in refused.items():
        refusal.facts.setdefault("line", line)
        raise refusal
    return plan


def sifted(
    asked: Sequence[CreateLocation], known: Mapping[str | int, LocationRef]
) -> tuple[list[NewPlace], list[int], dict[int, Refusal]]:
    """As `planned`, but what cannot be made is left out, with all that would stand in it.

    Returns:
        The plan, the line of each of its places (from 1), and why the other lines were left out.
    """
    plan: list[NewPlace] = []
    lines: list[int] = []
    at: dict[str, int] = {}
    ordered, stuck = _parents_first(asked)
    refused: dict[int, Refusal] = {}
    out: set[str] = set()
    for line, one in ordered:
        try:
            above = at.get(one.parent.upper()) if isinstance(one.parent, str) else None
            parent = None if above is not None or one.parent is None else known.get(one.parent)
            if one.parent is not None and above is None and parent is None:
                why = "is not made itself" if str(one.parent).upper() in out else "there is no such place"
                raise InvalidValue("parent", str(one.parent), why)
            made = _made(one, None if above is None else plan[above], above, parent)
            places = _with_standing(made, one, plan)
            for place in places:
                if place.code.upper() in at:
                    raise CodeTaken(location=place.code, taken=[place.code])
        except Refusal as refusal:
            refused[line] = refusal
            out.add(one.code.upper())
            continue
        for place in places:
            at[place.code.upper()] = len(plan)
            plan.append(place)
            lines.append(line)
    for line, one in stuck:
        why = f"{one.code} would stand in itself, by way of its parents"
        refused[line] = InvalidValue("parent", str(one.parent), why)
    return plan, lines, refused


def lay_out(asked: LayOut, parent: LocationRef, site_code: str) -> list[NewPlace]:
    """The places of a layout in walking order, level by level, the last level numbered.

    Raises:
        InvalidValue: labels, template or limits; TooLarge: over 50,000 places; WrongKind: a level does not stand in the
            one above; InactivePlace: the parent is not active.
    """
    if not parent.active:
        raise InactivePlace(location=parent.code)
    if not 1 <= len(asked.levels) <= MAX_LEVELS:
        raise InvalidValue("levels", str(len(asked.levels)), f"must be 1 to {MAX_LEVELS} levels")
    rows = [labels_of(level.labels) for level in asked.levels]
    total, width = 0, 1
    for row in rows:
        width *= len(row)
        total += width
        _check_count(total, "levels")
    first = asked.first_pick_sequence
    if first is not None:
        check_limits("bin", {"pick_sequence": first})
        check_limits("bin", {"pick_sequence": first + width - 1})
    plan: list[NewPlace] = []
    seen: dict[str, str] = {}
    above: list[int | None] = [None]
    for depth, (level, labels) in enumerate(zip(asked.levels, rows, strict=True)):
        kind_above = asked.levels[depth - 1].kind if depth else parent.kind
        check_stands(f"levels[{depth}]", level.kind, kind_above)
        numbers_from = first if depth == len(rows) - 1 else None
        start = len(plan)
        for place in _level(asked, level, labels, above, plan, parent, site_code):
            if place.code.upper() in seen:
                raise InvalidValue(
                    "code", asked.code, f"gives {place.code} twice; put {{parent}} and {{label}} into it"
                )
            seen[place.code.upper()] = place.code
            number = None if numbers_from is None else numbers_from + len(plan) - start
            plan.append(msgspec.structs.replace(place, pick_sequence=number))
        above = list(range(start, len(plan)))
    return plan


def labels_of(labels: str | list[str]) -> list[str]:
    """The labels of a level: listed, or a range like "A-D" or "01-10" (leading zeros are kept), or "A,C,E".

    Raises:
        InvalidValue: none, an empty one, the same twice, or a range that runs backwards.
    """
    if isinstance(labels, str):
        made = [label for part in labels.split(",") for label in _range(part.strip())]
    else:
        made = list(islice(labels, MAX_PLACES + 1))
    _check_count(len(made), "labels")
    if not made or not all(made):
        raise InvalidValue("labels", str(labels), 'has an empty label; write "A-D", "01-10", or a list')
    if len({label.upper() for label in made}) < len(made):
        raise InvalidValue("labels", str(labels), "has the same label twice")
    return made


def _range(text: str) -> list[str]:
    if match := _LETTERS.fullmatch(text):
        first, last = (ord(end) for end in match.groups() if end)
        made = [chr(letter) for letter in range(first, last + 1)]
    elif match := _NUMBERS.fullmatch(text):
        low, high = match.groups()
        _check_count(int(high) - int(low) + 1, "labels")
        made = [str(number).zfill(len(low)) for number in range(int(low), int(high) + 1)]
    else:
        made = [text]
    if not made:
        raise InvalidValue("labels", text, "runs backwards; write the lower end first")
    return made


def _level(
    asked: LayOut,
    level: Level,
    labels: list[str],
    above: list[int | None],
    plan: list[NewPlace],
    parent: LocationRef,
    site_code: str,
) -> list[NewPlace]:
    """One level in walking order. Serpentine: each second row, counted over the whole walk, is walked backwards."""
    limits: dict[str, Any] = {
        "capacity_units": level.capacity_units,
        "weight_limit_kg": level.weight_limit_kg,
        "temperature_zone": asked.temperature_zone,
        "temperature_min_c": asked.temperature_min_c,
        "temperature_max_c": asked.temperature_max_c,
    }
    check_limits(level.kind, limits)
    made: list[NewPlace] = []
    for row, position in enumerate(above):
        holder = parent if position is None else plan[position]
        sellable = sellable_default(level.kind, holder.sellable)
        for label in reversed(labels) if level.order == "serpentine" and row % 2 else labels:
            said = {"parent": holder.code, "label": label, "site": site_code, "kind": level.kind}
            code = check_code(_filled(asked.code, said, "code"))
            name = _filled(asked.name, said, "name") or code
            check_limits(level.kind, {"name": name})
            made.append(
                NewPlace(
                    code=code,
                    name=name,
                    kind=level.kind,
                    above=position,
                    parent=parent if position is None else None,
                    sellable=sellable,
                    **limits,
                )
            )
    return made


def _filled(template: str, said: Mapping[str, str], field: str) -> str:
    def fill(slot: re.Match[str]) -> str:
        if slot[1] not in said:
            raise InvalidValue(
                field, template, f"{{{slot[1]}}} is none of {', '.join('{' + name + '}' for name in said)}"
            )
        return said[slot[1]]

    if len(template) > 200:
        raise InvalidValue(field, template, "is too long for a template")
    return _SLOT.sub(fill, template)


def _made(one: CreateLocation, above: NewPlace | None, position: int | None, parent: LocationRef | None) -> NewPlace:
    code = check_code(one.code)
    holder = above or parent
    check_stands(code, one.kind, holder.kind if holder else None)
    if holder is not None and one.active and not holder.active:
        raise InactivePlace(location=holder.code)
    if one.kind == "transit":
        raise InvalidValue("kind", one.kind, "a site's transit is made with the site")
    if one.standard_children and one.kind not in SITE_KINDS:
        raise InvalidValue("standard_children", "true", "only a site has standard children")
    values: dict[str, Any] = {
        "name": one.name or code,
        "capacity_units": one.capacity_units,
        "weight_limit_kg": one.weight_limit_kg,
        "temperature_zone": one.temperature_zone,
        "temperature_min_c": one.temperature_min_c,
        "temperature_max_c": one.temperature_max_c,
        "pick_sequence": one.pick_sequence,
        "sellable": one.sellable
        if one.sellable is not None
        else sellable_default(one.kind, holder.sellable if holder else True),
    }
    check_limits(one.kind, values)
    return NewPlace(
        code=code,
        kind=one.kind,
        above=position,
        parent=parent,
        address=None if one.address is None else msgspec.to_builtins(one.address),
        negative_allowed=one.negative_allowed,
        active=one.active,
        **values,
    )


def _with_standing(place: NewPlace, one: CreateLocation, plan: list[NewPlace]) -> list[NewPlace]:
    """The place and, for a site, its transit and (when asked) its dock, quarantine and damaged area."""
    if place.kind not in SITE_KINDS:
        return [place]
    at = len(plan)
    transit = NewPlace(
        code=transit_code(place.code), name=f"On its way to {place.code}", kind="transit", above=at, sellable=False,
        active=place.active,
    )  # fmt: skip
    standard = [
        NewPlace(
            code=check_code(f"{place.code}-{suffix}"),
            name=name,
            kind=kind,
            above=at,
            sellable=sellable_default(kind, place.sellable),
            active=place.active,
        )
        for suffix, name, kind in _STANDARD
        if one.standard_children
    ]
    return [place, transit, *standard]


def _parents_first(
    asked: Sequence[CreateLocation],
) -> tuple[list[tuple[int, CreateLocation]], list[tuple[int, CreateLocation]]]:
    """The list with each one's number, a parent before its children; and those whose parents run in a circle."""
    waiting: dict[str, list[int]] = {}
    codes = {one.code.upper() for one in asked}
    ready: list[int] = []
    for index, one in enumerate(asked):
        if isinstance(one.parent, str) and one.parent.upper() in codes:
            waiting.setdefault(one.parent.upper(), []).append(index)
        else:
            ready.append(index)
    ordered: list[tuple[int, CreateLocation]] = []
    for index in ready:  # grows while it is walked
        ordered.append((index + 1, asked[index]))
        ready.extend(waiting.pop(asked[index].code.upper(), ()))
    stuck = sorted(index for children in waiting.values() for index in children)
    return ordered, [(index + 1, asked[index]) for index in stuck]


def _check_count(count: int, field: str) -> None:
    if count > MAX_PLACES:
        raise TooLarge(
            reason=f"{field}: more than {MAX_PLACES} places at once; split them into several commands.",
            limit=MAX_PLACES,
        )
