"""Use cases of orders and customers. Those that take `tx` first join allocation's transactions."""

from perpetua.orders import store
from perpetua.orders.rules import check, check_change, on_floor, settled, status_of
from perpetua.orders.service.customers import (
    change_customer,
    create_customer,
    get_customer,
    list_customers,
)
from perpetua.orders.service.moving import advance

__all__ = [
    "add_lines", "advance", "change_customer", "change_lines", "check", "check_change", "counts", "create_customer",
    "customers", "expect", "get_customer", "jump", "lines_to_change", "list_customers", "lock", "on_floor",
    "orders", "require_seen", "set_statuses", "settled", "status_of", "summaries", "write",
]  # fmt: skip

add_lines = store.add_lines
change_lines = store.change_lines
counts = store.counts
customers = store.customers
expect = store.expect
jump = store.jump
lines_to_change = store.lines_to_change
lock = store.lock
orders = store.orders
require_seen = store.require_seen
set_statuses = store.set_statuses
summaries = store.summaries
write = store.write
