"""Decisions about places: where a place may stand (`tree`), what a list or a layout makes (`plan`),
and a place as a row of a file (`cells`)."""

from perpetua.places.rules.cells import ADDRESS, COLUMNS, cells_of, read_lines
from perpetua.places.rules.plan import MAX_PLACES, NewPlace, labels_of, lay_out, planned, sifted
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
    "ADDRESS",
    "COLUMNS",
    "MAX_PLACES",
    "NewPlace",
    "cells_of",
    "check_code",
    "check_limits",
    "check_move",
    "check_stands",
    "labels_of",
    "lay_out",
    "may_stand",
    "planned",
    "read_lines",
    "sellable_default",
    "sifted",
    "transit_code",
]
