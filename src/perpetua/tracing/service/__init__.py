"""What can be traced and called back: one function a use case."""

from perpetua.tracing.service.following import list_holders, trace_lot, trace_serial
from perpetua.tracing.service.papers import export_holders, recall_pdf
from perpetua.tracing.service.recalling import close_recall, get_recall, list_recalls, open_recall, release_lots

__all__ = [
    "close_recall", "export_holders", "get_recall", "list_holders", "list_recalls", "open_recall", "recall_pdf",
    "release_lots", "trace_lot", "trace_serial",
]  # fmt: skip
