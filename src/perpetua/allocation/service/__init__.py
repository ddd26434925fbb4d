"""Use cases of allocation: one public function, one transaction. Those that take `tx` first join another word's.

Whoever imports this has promises kept: from here on allocation listens to ledger and places.
"""

from perpetua.allocation.service.amending import change, move_on_floor, release_order
from perpetua.allocation.service.availability import availability
from perpetua.allocation.service.bulk import MAX_BULK_LINES, MAX_BULK_ORDERS, place_many
from perpetua.allocation.service.changing import cancel, cancel_many
from perpetua.allocation.service.checking import check
from perpetua.allocation.service.configuring import get_rules, list_rules, refill, service_levels, set_rules, try_rules
from perpetua.allocation.service.expecting import awaited, expect, expect_all
from perpetua.allocation.service.explaining import explain, list_decisions
from perpetua.allocation.service.filling import fill
from perpetua.allocation.service.gathering import Gathering
from perpetua.allocation.service.guarding import KEEPER
from perpetua.allocation.service.opening import OPENER
from perpetua.allocation.service.overriding import jump, take_from
from perpetua.allocation.service.placing import Outcome, Request, examine, place, place_together, take
from perpetua.allocation.service.reading import current, get, list_orders
from perpetua.allocation.service.reserving import expire, extend, list_reservations, release, reserve
from perpetua.allocation.service.returning import return_order
from perpetua.allocation.service.shipping import ship
from perpetua.ledger import events
from perpetua.places import events as place_events

__all__ = [
    "MAX_BULK_LINES",
    "MAX_BULK_ORDERS",
    "Gathering",
    "Outcome",
    "Request",
    "availability",
    "awaited",
    "cancel",
    "cancel_many",
    "change",
    "check",
    "current",
    "examine",
    "expect",
    "expect_all",
    "expire",
    "explain",
    "extend",
    "fill",
    "get",
    "get_rules",
    "jump",
    "list_decisions",
    "list_orders",
    "list_reservations",
    "list_rules",
    "move_on_floor",
    "place",
    "place_many",
    "place_together",
    "refill",
    "release",
    "release_order",
    "reserve",
    "return_order",
    "service_levels",
    "set_rules",
    "ship",
    "take",
    "take_from",
    "try_rules",
]

events.listen(KEEPER)
place_events.listen(OPENER)
