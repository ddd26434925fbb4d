"""Use cases of places: one public function, one transaction. Those that take `tx` first join another word's."""

from perpetua.places.service.bulk import Loaded, take_back, upsert
from perpetua.places.service.changing import change, move, remove
from perpetua.places.service.lookups import (
    by_codes,
    by_ids,
    hold_topology,
    lock_topology,
    require,
    sites,
    transit_of,
    within,
)
from perpetua.places.service.making import create, create_many, lay_out, make
from perpetua.places.service.reading import export_locations, get, list_locations, path, tree

__all__ = [
    "Loaded",
    "by_codes",
    "by_ids",
    "change",
    "create",
    "create_many",
    "export_locations",
    "get",
    "hold_topology",
    "lay_out",
    "list_locations",
    "lock_topology",
    "make",
    "move",
    "path",
    "remove",
    "require",
    "sites",
    "take_back",
    "transit_of",
    "tree",
    "upsert",
    "within",
]
