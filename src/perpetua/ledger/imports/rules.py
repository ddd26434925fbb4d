"""How a line of a sales file is read as a movement, and how much must have been there before: pure."""

import re
from datetime import datetime
from decimal import Decimal
from itertools import accumulate

import msgspec

from perpetua.kit.quantity import ZERO
from perpetua.ledger.types import TransactionType

__all__ = ["INVOICE_PRODUCTS", "Movement", "NoMovement", "Running", "is_product", "movement_of", "oriented"]

INVOICE_PRODUCTS = r"[0-9]{5}[A-Za-z]*"
"""Codes of goods in invoice files: five digits, and letters for a variant. Postage, fees and vouchers are no such."""


class Movement(msgspec.Struct, frozen=True):
    """What a line moves: `quantity` signed, as the ledger has it."""

    type: TransactionType
    quantity: Decimal


class NoMovement(msgspec.Struct, frozen=True):
    """Why a line moves nothing."""

    code: str
    reason: str


def is_product(sku: str, pattern: re.Pattern[str]) -> bool:
    """Whether the whole code is of the form of goods."""
    return pattern.fullmatch(sku) is not None


def movement_of(reference: str, quantity: Decimal, price: Decimal | None) -> Movement | NoMovement:
    """An invoice line as a movement.

    Invoices that begin with C are cancellations: goods come back. A negative line at no price on any other is a
    write-off that the shop booked in its sales system; at a price it is goods that came back.
    """
    if quantity == 0:
        return NoMovement("zero_quantity", "quantity 0 moves nothing")
    cancelled = reference[:1] in ("C", "c")
    if quantity > 0:
        if cancelled:
            return NoMovement("cancellation_sign", "a cancellation takes back: its quantity must be less than 0")
        return Movement("SALE", -quantity)
    if cancelled or (price is not None and price != 0):
        return Movement("RETURN", -quantity)
    return Movement("WRITE_OFF", quantity)


def oriented(type_: TransactionType, quantity: Decimal) -> Movement | NoMovement:
    """A line that names its type: the quantity is a size, or already signed as the ledger has it."""
    if quantity == 0:
        return NoMovement("zero_quantity", "quantity 0 moves nothing")
    if type_ in ("ADJUSTMENT", "RETURN"):
        return Movement(type_, quantity)
    size = abs(quantity)
    return Movement(type_, size if type_ in ("RECEIPT", "TRANSFER_IN", "PRODUCE") else -size)


class Running:
    """What must have been there at first, so that a level never falls below zero.

    Two orders count: that of time (stock as of any moment) and that of the file (rows are posted in it). Where the file
    is in the order of time they are the same, and the need is the smallest there is.
    """

    __slots__ = ("_instants", "_quantities")

    def __init__(self) -> None:
        self._instants: list[datetime] = []
        self._quantities: list[Decimal] = []

    def add(self, at: datetime, quantity: Decimal) -> None:
        """A movement at an instant, in the file's order."""
        self._instants.append(at)
        self._quantities.append(quantity)

    def need(self) -> Decimal:
        """The smallest opening quantity, never negative. Rows of one instant are one step in time."""
        moments: dict[datetime, Decimal] = {}
        for at, quantity in zip(self._instants, self._quantities, strict=True):
            moments[at] = moments.get(at, ZERO) + quantity
        in_time = (moments[at] for at in sorted(moments))
        return -min(ZERO, *accumulate(self._quantities), *accumulate(in_time))

    def first(self) -> datetime:
        """The earliest instant."""
        return min(self._instants)
