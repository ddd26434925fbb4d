"""Plates as values. Quantities are in the item's base unit."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

__all__ = [
    "ChangePlateSettings", "MakePlate", "MovePlate", "Nest", "Plate", "PlateContent", "PlateDetail", "PlateEvent",
    "PlateFilters", "PlateLine", "PlateSettings", "PlateStatus", "PutOn", "TakeOff",
]  # fmt: skip

PlateStatus = Literal["open", "closed", "shipped", "dissolved"]
"""Open: goods are put on and taken off. Closed: it only moves. Shipped, dissolved: it is history."""

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
Note = Annotated[str, msgspec.Meta(max_length=1000)]


class MakePlate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new, empty plate at a place. Without `code` it gets an SSCC of ours; a code of 18 digits must be an SSCC."""

    location: str
    code: Code | None = None
    note: Note | None = None


class PlateLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Goods at the plate's place."""

    quantity: Decimal
    sku: str | None = None
    variant_id: int | None = None
    barcode: str | None = None
    lot: str | None = None
    serials: list[str] = []
    serial_range: str | None = None
    unit: str | None = None


class PutOn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Goods that lie loose at the plate's place are from now on on it."""

    lines: list[PlateLine]


class TakeOff(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Goods come off the plate and lie loose at its place."""

    lines: list[PlateLine]


class Nest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The plate stands on another, by that one's code or SSCC."""

    parent: Code


class MovePlate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The plate goes to a place, with all that is on it. One that stands on another is taken off that first."""

    to: str
    effective_at: datetime | None = None
    note: Note | None = None


class PlateContent(msgspec.Struct, frozen=True, kw_only=True):
    """Goods on a plate."""

    plate_id: int
    variant_id: int
    sku: str
    name: str
    unit: str
    lot_id: int | None
    lot: str | None
    serial_id: int | None
    serial: str | None
    quantity: Decimal


class Plate(msgspec.Struct, frozen=True, kw_only=True):
    """A plate. `contents` and `children`: how many lines and plates stand on it itself."""

    id: int
    code: str
    sscc: str | None
    location_id: int
    location: str
    parent_id: int | None
    parent: str | None
    status: PlateStatus
    note: str | None
    created_by: int
    created_at: datetime
    updated_at: datetime
    version: int
    contents: int
    children: int


class PlateDetail(Plate, frozen=True, kw_only=True):
    """A plate with its tree: the plates on it (`depth` of `nested` says how deep, parents before their children), and
    all goods on it and them. `posting_id`: what the command that answers with it posted."""

    nested: list[Plate]
    goods: list[PlateContent]
    posting_id: int | None = None


class PlateFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which plates. `code`: how the code or SSCC begins; `sku`: on which some of it stands."""

    code: str | None = None
    location: str | None = None
    status: PlateStatus | None = None
    sku: str | None = None


class PlateEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a plate."""

    id: int
    at: datetime
    actor_id: int
    actor: str
    action: str
    facts: dict[str, Any]


class PlateSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Of what SSCCs are made."""

    company_prefix: str | None
    extension: int
    version: int


class ChangePlateSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The company's GS1 prefix (4 to 12 digits) and the extension digit."""

    company_prefix: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4,12}\Z")] | None
    extension: Annotated[int, msgspec.Meta(ge=0, le=9)] = 0
