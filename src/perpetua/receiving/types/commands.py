"""What is asked at the dock."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Final, Literal

import msgspec

__all__ = [
    "MAX_LINES", "Accept", "CloseReceipt", "Condition", "ExpectLine", "NoteDiscrepancy", "OpenReceipt", "ReceiveOrder",
    "Resolution", "ResolveDiscrepancy", "TakeIn", "TakeLine", "TakePlate", "UndoLines",
]  # fmt: skip

MAX_LINES: Final = 10_000
"""Of one command."""

Short = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Lot = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Plate = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
Note = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]

Condition = Literal["good", "damaged"]
Accept = Literal["over", "unexpected", "expired"]
"""What is taken in though it would be refused: more than is let through, what was not ordered, what is past its day."""
Resolution = Literal["accepted", "credit", "replaced", "returned", "later"]
NotedKind = Literal["damaged", "wrong_item", "unexpected", "short", "over", "expired"]


class ExpectLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So much of an item was announced; `plate`: on that pallet or box (its SSCC), which comes in with one scan."""

    sku: Short
    quantity: Decimal
    plate: Plate | None = None
    lot: Lot | None = None
    expires_on: date | None = None


class OpenReceipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A delivery is at the dock, at `location` (a site, or the place in it where goods are put at first).

    `orders`: numbers of the purchase orders it is for; without, it comes blind. `expected`: what was announced;
    without, what is open of the orders is expected.
    """

    location: Short
    orders: list[Short] = []
    supplier: Short | None = None
    reference: Short | None = None
    carrier: Short | None = None
    note: Note | None = None
    expected: list[ExpectLine] | None = None


class TakeLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So much of an item came, named by one of `sku`, `variant_id`, `barcode`, `supplier_sku`.

    `location`: where it is put, when not at the dock; what is damaged or past its day goes to the site's damaged or
    quarantine area. `order`: the order's number, where several of the receipt's have the item. `instead_of`: the SKU
    that should have come: goes to quarantine. `unit_cost`: in the company's currency, where there is no order.
    """

    sku: Short | None = None
    variant_id: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None
    barcode: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)] | None = None
    supplier_sku: Short | None = None
    quantity: Decimal
    unit: Short | None = None
    lot: Lot | None = None
    supplier_lot: Lot | None = None
    expires_on: date | None = None
    manufactured_on: date | None = None
    serials: list[Lot] = []
    location: Short | None = None
    condition: Condition = "good"
    order: Short | None = None
    instead_of: Short | None = None
    unit_cost: Decimal | None = None
    accept: list[Accept] = []
    note: Note | None = None


class TakeIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Goods of a receipt come in: one scan, or a whole document; all of it or nothing. `plate`: they stand on that
    pallet or box, which is made where it is not known."""

    lines: list[TakeLine]
    plate: Plate | None = None
    effective_at: datetime | None = None
    accept: list[Accept] = []


class TakePlate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pallet or box came, with what was announced on it; put at the dock where no `location` is given."""

    plate: Plate
    location: Short | None = None
    effective_at: datetime | None = None
    accept: list[Accept] = []


class ReceiveOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A purchase order came: these lines, or without any all that is open of it; in one go, as a closed receipt."""

    location: Short
    lines: list[TakeLine] | None = None
    reference: Short | None = None
    carrier: Short | None = None
    note: Note | None = None
    effective_at: datetime | None = None
    accept: list[Accept] = []


class CloseReceipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of the delivery is in. What was expected and did not come is written down as short; its orders stay open."""

    note: Note | None = None


class UndoLines(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lines of a receipt (by number) were a mistake: their goods leave the stock again, their orders are open again."""

    line_nos: list[Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]]
    reason: Reason


class NoteDiscrepancy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something is not as it should be, and is not received: refused at the dock, or found later.

    `code`: what was scanned, where nobody knows the goods.
    """

    kind: NotedKind
    quantity: Decimal
    sku: Short | None = None
    instead_of: Short | None = None
    code: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)] | None = None
    note: Note | None = None


class ResolveDiscrepancy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of it: accepted as it is, credited, replaced, returned to the supplier, or still to come later."""

    resolution: Resolution
    note: Note | None = None
