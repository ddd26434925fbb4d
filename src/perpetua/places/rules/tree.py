"""Which place may stand where, and what its fields may hold."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from perpetua.kit.errors import InvalidValue
from perpetua.kit.quantity import exact_quantity
from perpetua.places.errors import FixedPlace, InsideItself, WrongKind
from perpetua.places.types import KINDS, SITE_KINDS, Kind, LocationRef

__all__ = [
    "MAX_CODE", "NOT_SELLABLE", "check_code", "check_limits", "check_move", "check_stands", "may_stand",
    "sellable_default", "transit_code",
]  # fmt: skip

MAX_CODE: Final = 40
MAX_NAME: Final = 200
MAX_SEQUENCE: Final = 2**31 - 1
_COLDEST: Final = Decimal("-273.15")
_HOTTEST: Final = Decimal(1000)
_LARGEST_ZONE: Final = 40

NOT_SELLABLE: Final[frozenset[Kind]] = frozenset({"quarantine", "damaged", "transit"})
"""Kinds from which nothing may be promised, unless somebody says otherwise (never for transit)."""

_AREAS: Final[frozenset[Kind]] = frozenset({"zone", "dock", "staging", "packing", "quarantine", "damaged"})
_RANK: Final[dict[Kind, int]] = {
    **dict.fromkeys(SITE_KINDS, 0),
    **dict.fromkeys(_AREAS, 1),
    "aisle": 2,
    "rack": 3,
    "shelf": 4,
    "bin": 5,
    "transit": 5,
}
_SET_ASIDE: Final[frozenset[Kind]] = frozenset({"quarantine", "damaged"})


def may_stand(kind: Kind, parent: Kind | None) -> bool:
    """Whether a place of `kind` may stand in one of kind `parent` (None: at the root).

    Sites stand at the root alone, a transit directly in its site. Areas nest in areas without limit; below them the
    order is aisle, rack, shelf, bin, of which any may be left out. Nothing stands in a bin or a transit. A quarantine
    or damaged corner may be anywhere else, also on a rack.
    """
    if parent is None or kind in SITE_KINDS:
        return parent is None and kind in SITE_KINDS
    if _RANK[parent] == _RANK["bin"]:
        return False
    if kind == "transit":
        return parent in SITE_KINDS
    if kind in _SET_ASIDE:
        return True
    return _RANK[kind] > _RANK[parent] or (kind in _AREAS and parent in _AREAS)


def check_stands(code: str, kind: Kind, parent: Kind | None) -> None:
    """Raises WrongKind: a place of this kind does not stand there."""
    if may_stand(kind, parent):
        return
    allowed = sorted(other for other in KINDS if may_stand(kind, other)) or ["the root, without a parent"]
    raise WrongKind(
        location=code,
        kind=kind,
        parent_kind=f"a {parent}" if parent else "nothing",
        allowed=allowed,
        allowed_text=", ".join(allowed),
    )


def check_move(place: LocationRef, to: LocationRef) -> None:
    """Whether the place, with all that stands in it, may go to stand in `to`.

    Raises:
        FixedPlace: it is a site or a site's transit.
        InsideItself: `to` is the place, or stands in it.
        WrongKind: it does not stand in such a place.
    """
    if place.kind in SITE_KINDS or place.kind == "transit":
        raise FixedPlace(location=place.code, kind=place.kind, act="moved")
    if place.id in to.path:
        raise InsideItself(location=place.code, to=to.code)
    check_stands(place.code, place.kind, to.kind)


def sellable_default(kind: Kind, parent_sellable: bool) -> bool:
    """Whether stock there may be promised when nobody says: not in quarantine, damaged, transit, nor inside them."""
    return kind not in NOT_SELLABLE and parent_sellable


def transit_code(site: str) -> str:
    """Code of the place for what is on its way to the site.

    Raises:
        InvalidValue: the site's code is so long that nothing can be added.
    """
    return check_code(f"{site}-TRANSIT", "code of the site's transit")


def check_code(code: str, field: str = "code") -> str:
    """The code, when it can be printed on a label.

    Raises:
        InvalidValue: empty, over 40 characters, unprintable, or with a space at an end.
    """
    if not code or code != code.strip():
        raise InvalidValue(field, code, "must have at least one character, and no space at its ends")
    if len(code) > MAX_CODE:
        raise InvalidValue(field, code, f"has {len(code)} characters; at most {MAX_CODE} fit a label", limit=MAX_CODE)
    if not code.isprintable():
        raise InvalidValue(field, code, "has a character that cannot be printed")
    return code


def check_limits(kind: Kind, values: Mapping[str, Any]) -> None:
    """Whether the fields of a place make sense together; absent ones are None.

    Raises:
        InvalidValue: names the field and why.
    """
    for field in ("capacity_units", "weight_limit_kg"):
        _not_negative(field, values.get(field))
    lowest, highest = (_temperature(field, values.get(field)) for field in ("temperature_min_c", "temperature_max_c"))
    if lowest is not None and highest is not None and lowest > highest:
        raise InvalidValue("temperature_min_c", str(lowest), f"is above temperature_max_c, {highest}")
    _text("name", values.get("name") or "", MAX_NAME)
    zone = values.get("temperature_zone")
    if zone is not None and not zone.strip():
        raise InvalidValue("temperature_zone", zone, "is empty; send null for none")
    _text("temperature_zone", zone or "", _LARGEST_ZONE)
    sequence = values.get("pick_sequence")
    if sequence is not None and not 0 <= sequence <= MAX_SEQUENCE:
        raise InvalidValue("pick_sequence", str(sequence), f"must lie between 0 and {MAX_SEQUENCE}")
    if kind == "transit" and values.get("sellable"):
        raise InvalidValue("sellable", "true", "what is in transit cannot be sold from there")


def _not_negative(field: str, value: Decimal | None) -> None:
    if value is not None and exact_quantity(value, field) < 0:
        raise InvalidValue(field, str(value), "must not be negative")


def _temperature(field: str, value: Decimal | None) -> Decimal | None:
    if value is None:
        return None
    exact_quantity(value, field, places=2)
    if not _COLDEST <= value <= _HOTTEST:
        raise InvalidValue(field, str(value), f"must lie between {_COLDEST} and {_HOTTEST} °C")
    return value


def _text(field: str, value: str, limit: int) -> None:
    if len(value) > limit:
        raise InvalidValue(field, value, f"has {len(value)} characters; the limit is {limit}", limit=limit)
    if not value.isprintable():
        raise InvalidValue(field, value, "has a character that cannot be printed")
