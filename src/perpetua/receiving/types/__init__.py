"""Receiving as values: what is asked, what came, what was not as it should be."""

from perpetua.receiving.types.commands import (
    MAX_LINES,
    Accept,
    CloseReceipt,
    Condition,
    ExpectLine,
    NoteDiscrepancy,
    OpenReceipt,
    ReceiveOrder,
    Resolution,
    ResolveDiscrepancy,
    TakeIn,
    TakeLine,
    TakePlate,
    UndoLines,
)
from perpetua.receiving.types.keeping import (
    Allotted,
    Found,
    LineToUndo,
    Locked,
    NewLine,
    OpenLine,
    Part,
)
from perpetua.receiving.types.reading import (
    Discrepancy,
    DiscrepancyFilters,
    DiscrepancyKind,
    DiscrepancyStatus,
    ExpectedLine,
    Photo,
    PhotoContent,
    Receipt,
    ReceiptFilters,
    ReceiptLine,
    ReceiptStatus,
    ReceiptSummary,
    Taken,
    TakenLine,
    number_of,
)

__all__ = [
    "MAX_LINES", "Accept", "Allotted", "CloseReceipt", "Condition", "Discrepancy", "DiscrepancyFilters",
    "DiscrepancyKind", "DiscrepancyStatus", "ExpectLine", "ExpectedLine", "Found", "LineToUndo", "Locked", "NewLine",
    "NoteDiscrepancy", "OpenLine", "OpenReceipt", "Part", "Photo", "PhotoContent", "Receipt", "ReceiptFilters",
    "ReceiptLine", "ReceiptStatus", "ReceiptSummary", "ReceiveOrder", "Resolution", "ResolveDiscrepancy", "TakeIn",
    "TakeLine", "TakePlate", "Taken", "TakenLine", "UndoLines", "number_of",
]  # fmt: skip
