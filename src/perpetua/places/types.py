"""Places as values: what is asked, what is there."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, get_args

import msgspec
from msgspec import UNSET, UnsetType

from perpetua.kit.errors import Refusal

__all__ = [
    "KINDS", "SITE_KINDS", "TOPOLOGY_LOCK", "Address", "Branch", "ChangeLocation", "CreateLocation", "CreateLocations",
    "Created", "CreatedLocation", "Kind", "Laid", "LayOut", "Level", "Location", "LocationFilters", "LocationRef",
    "MoveLocation", "Moved", "Order", "Removed", "SiteKind", "Step",
    "UpsertLocation", "Upserted",
]  # fmt: skip

TOPOLOGY_LOCK: Final = 7001
"""Key of the advisory lock: shared by whoever posts stock, alone for whoever changes where places stand."""

SiteKind = Literal["warehouse", "store", "fulfilment_centre"]
Kind = Literal[
    "warehouse", "store", "fulfilment_centre",
    "zone", "aisle", "rack", "shelf", "bin", "dock", "staging", "packing", "transit", "quarantine", "damaged",
]  # fmt: skip
Order = Literal["straight", "serpentine"]

KINDS: Final[frozenset[Kind]] = frozenset(get_args(Kind))
SITE_KINDS: Final[frozenset[Kind]] = frozenset(get_args(SiteKind))


class Address(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A postal address; `country` is an ISO 3166 two-letter code."""

    lines: list[str] = []
    city: str | None = None
    region: str | None = None
    postcode: str | None = None
    country: str | None = None
    phone: str | None = None


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """A place as it is. `path` and `path_codes` run from the site down to the place itself."""

    id: int
    parent_id: int | None
    site_id: int
    path: list[int]
    path_codes: list[str]
    code: str
    name: str
    kind: Kind
    address: dict[str, Any] | None
    capacity_units: Decimal | None
    weight_limit_kg: Decimal | None
    temperature_zone: str | None
    temperature_min_c: Decimal | None
    temperature_max_c: Decimal | None
    pick_sequence: int | None
    sellable: bool
    negative_allowed: bool
    active: bool
    version: int
    created_at: datetime
    updated_at: datetime


class LocationRef(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger must know of a place."""

    id: int
    code: str
    kind: Kind
    site_id: int
    path: list[int]
    sellable: bool
    negative_allowed: bool
    active: bool


class CreateLocation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new place. Without `parent` it is a site.

    `sellable` left out: false for quarantine, damaged and transit, true for all others.
    """

    code: str
    kind: Kind
    parent: str | int | None = None
    """Code or id of the place it stands in."""
    name: str = ""
    """Where empty, the code."""
    address: Address | None = None
    capacity_units: Decimal | None = None
    """Most base units it should hold."""
    weight_limit_kg: Decimal | None = None
    temperature_zone: str | None = None
    temperature_min_c: Decimal | None = None
    temperature_max_c: Decimal | None = None
    pick_sequence: int | None = None
    sellable: bool | None = None
    negative_allowed: bool = False
    active: bool = True
    """One that is not active may stand in one that is not."""
    standard_children: bool = False
    """For a site: also makes its receiving dock, quarantine and damaged area."""


class UpsertLocation(msgspec.Struct, frozen=True, kw_only=True):
    """A place by its code, as a row of a file tells it. Fields UNSET stay as they are, or are as of any new place.

    A transit is made with its site: a row of kind `transit` names the transit of the site `parent`, whatever its code.
    """

    code: str
    parent: str | UnsetType = UNSET
    """Code of the place it stands in; another one than now moves it."""
    kind: Kind | UnsetType = UNSET
    name: str | UnsetType = UNSET
    address: dict[str, Any] | UnsetType = UNSET
    """Parts of an address, each over what is there."""
    capacity_units: Decimal | UnsetType = UNSET
    weight_limit_kg: Decimal | UnsetType = UNSET
    temperature_zone: str | UnsetType = UNSET
    temperature_min_c: Decimal | UnsetType = UNSET
    temperature_max_c: Decimal | UnsetType = UNSET
    pick_sequence: int | UnsetType = UNSET
    sellable: bool | UnsetType = UNSET
    negative_allowed: bool | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class Upserted(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one row."""

    code: str
    done: Literal["created", "updated", "skipped", "refused"]
    refusal: Refusal | None = None


class CreateLocations(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Many new places in one go; one may stand in another of the same list, in any order."""

    locations: list[CreateLocation]


class CreatedLocation(msgspec.Struct, frozen=True, kw_only=True):
    """A place made, by id and code."""

    id: int
    code: str


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """What a list made, in the order of making: parents first, with each site's standing places."""

    created: int
    locations: list[CreatedLocation]


class Level(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One level of a layout: its kind and its labels.

    `labels` are listed, or written as a range: "A-D", "01-10" (keeps the leading zeros).
    """

    kind: Kind
    labels: str | list[str]
    capacity_units: Decimal | None = None
    weight_limit_kg: Decimal | None = None
    order: Order = "straight"
    """serpentine: every second parent's row is walked backwards, as a picker does along aisles."""


class LayOut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole block of places from a pattern, such as zones A-D × aisles 01-10 × racks 1-4 × bins 1-6."""

    parent: str | int
    levels: list[Level]
    code: str = "{parent}-{label}"
    """Template of each place's code: {parent} is the code of the place it stands in, {label} its own label, {site} the
    site's code."""
    name: str = ""
    """Template of the name, with {kind} as well; where empty, the code."""
    first_pick_sequence: int | None = 1
    """Number of the first place of the last level in walking order; none: nothing is numbered."""
    temperature_zone: str | None = None
    temperature_min_c: Decimal | None = None
    temperature_max_c: Decimal | None = None


class Laid(msgspec.Struct, frozen=True, kw_only=True):
    """What a layout made: how many, how many of each kind, and the first and last codes of the last level."""

    created: int
    by_kind: dict[str, int]
    first_code: str
    last_code: str


class ChangeLocation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; fields left out stay. Null takes a limit away."""

    code: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    kind: Kind | UnsetType = UNSET
    address: Address | UnsetType | None = UNSET
    capacity_units: Decimal | UnsetType | None = UNSET
    weight_limit_kg: Decimal | UnsetType | None = UNSET
    temperature_zone: str | UnsetType | None = UNSET
    temperature_min_c: Decimal | UnsetType | None = UNSET
    temperature_max_c: Decimal | UnsetType | None = UNSET
    pick_sequence: int | UnsetType | None = UNSET
    sellable: bool | UnsetType = UNSET
    negative_allowed: bool | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    """False takes all below along; true does so when `with_descendants` says so."""
    with_descendants: bool = False
    """Also sets `sellable`, `negative_allowed` and `active`, where they are given, of all places below."""


class MoveLocation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The place, with all that stands in it, goes to another parent, perhaps on another site."""

    to: str | int
    """Code or id of the new parent."""


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """The place after its move, and how many places went with it (itself included)."""

    location: Location
    moved: int


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """The place removed, and how many went with it (itself included)."""

    code: str
    removed: int


class LocationFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which places to list; None does not filter."""

    site: str | int | None = None
    parent: str | int | None = None
    """Direct children only."""
    within: str | int | None = None
    """The place itself and all below it."""
    kind: Kind | None = None
    active: bool | None = None
    text: str | None = None
    """Part of the code or the name."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a breadcrumb."""

    id: int
    code: str
    name: str
    kind: Kind


class Branch(msgspec.Struct, frozen=True, kw_only=True):
    """A place of one level of the tree, with how many stand directly in it and how many in all below it."""

    location: Location
    children: int
    descendants: int
