"""Proof: what the positions have on order, and what orders say of themselves, is what their lines come to."""

from typing import Final

from perpetua.kit.database import Queries
from perpetua.purchasing import store

__all__ = ["CHECKS"]

Q = Queries(store.__file__, "checking.sql")

CHECKS: Final = {
    "on_order": ("what each position has on order is the sum of the lines of purchase orders", Q["on_order"]),
    "po_statuses": ("each purchase order's status is what its lines come to", Q["statuses"]),
    "po_approved": ("each purchase order that was submitted was approved by a person", Q["approved"]),
}
"""By name: what must be true, and what finds where it is not."""
