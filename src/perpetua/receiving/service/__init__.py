"""Use cases of receiving: one public function, one transaction. Those that take `tx` first join another's."""

from perpetua.receiving.service.discrepancies import (
    MAX_PHOTO_BYTES,
    add_photo,
    get_discrepancy,
    holds_content,
    list_discrepancies,
    note_discrepancy,
    read_photo,
    resolve_discrepancy,
)
from perpetua.receiving.service.opening import close_receipt, open_receipt, receive_order
from perpetua.receiving.service.papers import receiving_list
from perpetua.receiving.service.reading import get_receipt, list_lines, list_receipts
from perpetua.receiving.service.taking import take_in, take_plate
from perpetua.receiving.service.undoing import undo_lines

__all__ = [
    "MAX_PHOTO_BYTES", "add_photo", "close_receipt", "get_discrepancy", "get_receipt", "holds_content",
    "list_discrepancies", "list_lines", "list_receipts", "note_discrepancy", "open_receipt", "read_photo",
    "receive_order", "receiving_list", "resolve_discrepancy", "take_in", "take_plate", "undo_lines",
]  # fmt: skip
