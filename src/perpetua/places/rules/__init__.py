"""Decisions about places: where a place may stand (`tree`), and what a list or a layout makes (`plan`)."""

from perpetua.places.rules.plan import MAX_PLACES, NewPlace, labels_of, lay_out, planned
from perpetua.places.rules.tree import (
    check_code,
    check_limits,
    check_move,
    check_stands,
    may_stand,
    sellable_default,
    transit_code,
)

__all__ = [
    "MAX_PLACES",
    "NewPlace",
    "check_code",
    "check_limits",
    "check_move",
    "check_stands",
    "labels_of",
    "lay_out",
    "may_stand",
    "planned",
    "sellable_default",
    "transit_code",
]
