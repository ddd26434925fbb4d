"""Receiving over HTTP."""

from perpetua.receiving.http import discrepancies, receipts

__all__ = ["handlers"]

handlers = [*receipts.handlers, *discrepancies.handlers]
