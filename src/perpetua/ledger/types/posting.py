"""What is posted: rows, drafts, levels and answers."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

__all__ = ["NO_LOT", "Level", "LevelKey", "Outcome", "Posted", "PostingDraft", "Row", "TransactionType"]

TransactionType = Literal[
    "RECEIPT", "SALE", "RETURN", "ADJUSTMENT", "TRANSFER_OUT", "TRANSFER_IN", "WRITE_OFF", "CONSUME", "PRODUCE"
]

NO_LOT = 0
"""Id of the lot that stands for none."""


class LevelKey(msgspec.Struct, frozen=True, order=True):
    """What a level counts: one variant in one location, of one lot (0 where lots are not tracked)."""

    variant_id: int
    location_id: int
    lot_id: int = NO_LOT


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One ledger row to be appended, every name resolved to an id."""

    line_no: int
    type: TransactionType
    variant_id: int
    location_id: int
    quantity: Decimal
    lot_id: int = NO_LOT
    serial_id: int | None = None
    unit_cost: Decimal | None = None
    effective_at: datetime | None = None
    """None: the posting's."""
    reason_code: str | None = None
    reference_type: str | None = None
    reference_id: str | None = None
    corrects_id: int | None = None

    @property
    def level(self) -> LevelKey:
        """The level that the row changes."""
        return LevelKey(self.variant_id, self.location_id, self.lot_id)


class PostingDraft(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one command, with what they share."""

    command: str
    effective_at: datetime
    rows: list[Row]
    reason_code: str | None = None
    reference_type: str | None = None
    reference_id: str | None = None
    note: str | None = None
    approved_by: int | None = None


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """On hand of a variant in a location (of a lot), and how often it has changed."""

    variant_id: int
    location_id: int
    lot_id: int = NO_LOT
    on_hand: Decimal
    negative_allowed: bool = False
    version: int = 0

    @property
    def key(self) -> LevelKey:
        """Its key."""
        return LevelKey(self.variant_id, self.location_id, self.lot_id)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A level after a posting."""

    variant_id: int
    sku: str
    location_id: int
    location: str
    lot: str | None = None
    change: Decimal
    on_hand: Decimal
    version: int


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """What a command did. `levels` holds at most the first 200 of them; `rows` counts all.

    A command that waits for approval has a `request_id`, its reason in `waits_because`, and no posting yet.
    """

    posting_id: int | None = None
    recorded_at: datetime | None = None
    effective_at: datetime
    rows: int
    first_row_id: int | None = None
    last_row_id: int | None = None
    levels: list[Outcome] = []
    transfer_id: int | None = None
    request_id: int | None = None
    waits_because: str | None = None
