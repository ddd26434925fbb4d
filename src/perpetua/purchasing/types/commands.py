"""What is asked of purchase orders."""

from datetime import date
from decimal import Decimal
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

__all__ = [
    "MAX_LINES", "AddLine", "ApproveOrder", "CancelLine", "CancelOrder", "ChangeLine", "ChangeOrder", "CloseShort",
    "ConfirmLine", "ConfirmOrder", "CreateOrder", "SetSettings", "SubmitOrder",
]  # fmt: skip

MAX_LINES: Final = 10_000
"""Of one order."""


class AddLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An item to be ordered, in its own unit. Without a price: that of the supplier's for the quantity."""

    sku: str
    quantity: Decimal
    unit_price: Decimal | None = None
    wanted_on: date | None = None


class CreateOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A draft with its lines. `site`: where it is to come. `exchange_rate`: what one unit of the supplier's currency is
    worth in the company's, where the settings don't say. `allow_off_pack`: also below the minimum, and broken packs."""

    supplier: str
    site: str
    lines: list[AddLine]
    external_id: str | None = None
    wanted_on: date | None = None
    note: str | None = None
    exchange_rate: Decimal | None = None
    allow_off_pack: bool = False


class ChangeLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What changes of a line. `quantity`: all that is ordered, what was received or cancelled included."""

    line_no: int
    quantity: Decimal | UnsetType = UNSET
    unit_price: Decimal | UnsetType = UNSET
    wanted_on: date | UnsetType | None = UNSET


class ChangeOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What changes; what is left out stays. `remove` and `site`: of a draft alone."""

    lines: list[ChangeLine] = []
    add: list[AddLine] = []
    remove: list[int] = []
    site: str | UnsetType = UNSET
    wanted_on: date | UnsetType | None = UNSET
    note: str | UnsetType | None = UNSET
    exchange_rate: Decimal | UnsetType = UNSET
    allow_off_pack: bool = False
    reason: str | None = None


class ApproveOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person approves what the order comes to."""

    note: str | None = None


class SubmitOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An approved draft becomes an order. `send`: also by e-mail, to the supplier's address for orders."""

    send: bool = False


class ConfirmLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The supplier promises a line. `quantity`: so much of what is open, when it is less."""

    line_no: int
    promised_on: date
    quantity: Decimal | None = None


class ConfirmOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The supplier confirms: some lines, or with `promised_on` all that are open and not among them.

    `cancel_rest`: what is not promised of a line is cancelled.
    """

    lines: list[ConfirmLine] = []
    promised_on: date | None = None
    supplier_reference: str | None = None
    cancel_rest: bool = False


class CancelLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So much of a line is cancelled; without `quantity` all that is open."""

    line_no: int
    quantity: Decimal | None = None


class CancelOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order, as far as it has not come, or some of its lines, is cancelled."""

    reason: str
    lines: list[CancelLine] | None = None


class CloseShort(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of an order, or of some of its lines, nothing more is to come, though less came than was ordered."""

    reason: str
    line_nos: list[int] | None = None


class SetSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How we buy, whole. `currency`: the company's. `second_approval_above`: in it; null: one approval always does.
    `rates`: by currency, what one unit of it is worth in the company's."""

    currency: str
    second_approval_above: Decimal | None = None
    over_percent: Decimal = Decimal(0)
    rates: dict[str, Decimal] = {}
    note: str | None = None
