"""What is asked."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from perpetua.ledger.types.posting import TransactionType

__all__ = [
    "Adjust",
    "AdjustLine",
    "Correct",
    "Decide",
    "Place",
    "ReasonCodeChange",
    "Receive",
    "ReceiveLine",
    "ReceiveTransfer",
    "Return",
    "ReturnLine",
    "Sell",
    "SellLine",
    "Transfer",
    "TransferLine",
    "TransferReceiptLine",
    "WriteOff",
    "WriteOffLine",
]

Place = str
"""A location's code, as printed on its label; case does not matter."""


class _Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    sku: str | None = None
    variant_id: int | None = None
    barcode: str | None = None
    """Instead of the SKU; a case's barcode counts its units."""
    lot: str | None = None
    serials: list[str] = []
    serial_range: str | None = None
    """From one serial to another, both included: `A0001..A0500`; beside `serials`, or in place of them."""


class ReceiveLine(_Line, frozen=True, kw_only=True):
    """Goods that arrive. `location` may be given once for all lines."""

    quantity: Decimal
    unit: str | None = None
    """A unit other than the item's base unit; converted exactly or refused."""
    location: Place | None = None
    unit_cost: Decimal | None = None
    """Per base unit; where absent, the item's cost price."""
    expires_on: str | None = None


class Receive(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Stock comes in from outside."""

    lines: list[ReceiveLine]
    location: Place | None = None
    effective_at: datetime | None = None
    reason_code: str | None = None
    reference_type: str | None = None
    reference_id: str | None = None
    note: str | None = None


class AdjustLine(_Line, frozen=True, kw_only=True):
    """Either a change (`quantity`, signed) or what was found there (`counted`)."""

    location: Place | None = None
    quantity: Decimal | None = None
    counted: Decimal | None = None
    unit: str | None = None
    version: int | None = None
    """The level's version when it was looked at; refused with 412 where it has changed since."""


class Adjust(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """On hand is put right, with a reason."""

    lines: list[AdjustLine]
    reason_code: str
    location: Place | None = None
    effective_at: datetime | None = None
    reference_type: str | None = None
    reference_id: str | None = None
    note: str | None = None


class WriteOffLine(_Line, frozen=True, kw_only=True):
    """Goods that are no longer worth anything."""

    quantity: Decimal
    unit: str | None = None
    location: Place | None = None


class WriteOff(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Stock is written off."""

    lines: list[WriteOffLine]
    reason_code: str
    location: Place | None = None
    effective_at: datetime | None = None
    reference_type: str | None = None
    reference_id: str | None = None
    note: str | None = None


class SellLine(_Line, frozen=True, kw_only=True):
    """Goods that leave to a customer."""

    quantity: Decimal
    unit: str | None = None
    location: Place | None = None


class Sell(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Stock goes out, sold (over the counter, or shipped outside of an order)."""

    lines: list[SellLine]
    location: Place | None = None
    effective_at: datetime | None = None
    reference_type: str | None = None
    reference_id: str | None = None
    note: str | None = None


class ReturnLine(_Line, frozen=True, kw_only=True):
    """Goods that come back."""

    quantity: Decimal
    unit: str | None = None
    location: Place | None = None
    unit_cost: Decimal | None = None


class Return(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A customer's goods come back (`direction` in), or ours go back to their vendor (out)."""

    lines: list[ReturnLine]
    reason_code: str = "customer"
    direction: Literal["in", "out"] = "in"
    location: Place | None = None
    effective_at: datetime | None = None
    reference_type: str | None = None
    reference_id: str | None = None
    note: str | None = None


class TransferLine(_Line, frozen=True, kw_only=True):
    """Goods that move from one place to another."""

    quantity: Decimal
    unit: str | None = None
    from_location: Place | None = None
    to_location: Place | None = None


class Transfer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Stock moves. In one step it is there at once; in two (`two_step`) it is in transit until received."""

    lines: list[TransferLine]
    from_location: Place | None = None
    to_location: Place | None = None
    two_step: bool = False
    expected_at: datetime | None = None
    effective_at: datetime | None = None
    reference_type: str | None = None
    reference_id: str | None = None
    note: str | None = None


class TransferReceiptLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came of one line of a transfer."""

    line_no: int
    received: Decimal = Decimal(0)
    lost: Decimal = Decimal(0)


class ReceiveTransfer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The second step. Without lines, all that is still on its way has come."""

    lines: list[TransferReceiptLine] | None = None
    location: Place | None = None
    """Where it is put, when not at the transfer's destination itself."""
    effective_at: datetime | None = None
    note: str | None = None


class Correct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row was wrong: it is reversed, and written anew with what is given here (nothing given: only reversed)."""

    reason: str
    quantity: Decimal | UnsetType = UNSET
    unit_cost: Decimal | UnsetType | None = UNSET
    sku: str | UnsetType = UNSET
    location: Place | UnsetType = UNSET
    effective_at: datetime | UnsetType = UNSET
    reverse_only: bool = False


class ReasonCodeChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a reason code."""

    name: str | UnsetType = UNSET
    used_for: list[TransactionType] | UnsetType = UNSET
    approval_above_quantity: Decimal | UnsetType | None = UNSET
    approval_above_value: Decimal | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET


class Decide(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Approve or reject a request."""

    note: str | None = None
