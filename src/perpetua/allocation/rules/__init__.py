"""Who gets what, and of which lot: pure decisions over stock that the caller has locked."""

from perpetua.allocation.rules.deciding import (
    NO_RULES,
    QUEUES,
    SOURCING,
    Key,
    Shelf,
    arrivals,
    available,
    decide,
    in_turn,
    in_units,
    rank_sites,
    settle,
)
from perpetua.allocation.rules.lots import relot

__all__ = [
    "NO_RULES", "QUEUES", "SOURCING", "Key", "Shelf", "arrivals", "available", "decide", "in_turn", "in_units",
    "rank_sites", "relot", "settle",
]  # fmt: skip
