"""Use cases of orders. Those that take `tx` first join allocation's transactions."""

from perpetua.orders import store
from perpetua.orders.rules import check, status_of

__all__ = [
    "change_lines", "check", "counts", "customers", "known", "lines_to_change", "lock", "orders",
    "set_statuses", "status_of", "write",
]  # fmt: skip

change_lines = store.change_lines
counts = store.counts
customers = store.customers
known = store.known
lines_to_change = store.lines_to_change
lock = store.lock
orders = store.orders
set_statuses = store.set_statuses
write = store.write
