"""Places for other words, inside their transactions: many at once, one statement each."""

from collections.abc import Sequence

from perpetua.access.types import Actor
from perpetua.kit.database import Tx
from perpetua.kit.errors import InvalidValue
from perpetua.places import store
from perpetua.places.errors import InactivePlace
from perpetua.places.types import LocationRef

__all__ = [
    "by_codes",
    "by_ids",
    "hold_topology",
    "lock_topology",
    "require",
    "resolve",
    "sites",
    "transit_of",
    "within",
]

by_codes = store.by_codes
by_ids = store.by_ids
hold_topology = store.hold_topology
lock_topology = store.lock_topology
sites = store.sites
transit_of = store.transit_of
within = store.within


async def require(tx: Tx, actor: Actor, codes: Sequence[str], field: str = "location") -> dict[str, LocationRef]:
    """The active places with these codes, by the codes as asked, all the actor's own.

    Raises:
        InvalidValue: there is no such place.
        OutOfScope: it is not one of the actor's.
        InactivePlace: it is not active.
    """
    found = await store.by_codes(tx, codes)
    for code in codes:
        if code not in found:
            raise InvalidValue(field, code, "there is no such place")
        actor.require_place(found[code].path, code)
        if not found[code].active:
            raise InactivePlace(location=found[code].code)
    return found


async def resolve(tx: Tx, names: Sequence[str | int]) -> dict[str | int, LocationRef]:
    """Places by code (text) or id (number), as asked; unknown ones are absent. At most two statements."""
    found: dict[str | int, LocationRef] = {}
    if codes := [name for name in names if isinstance(name, str)]:
        found |= await store.by_codes(tx, codes)
    if ids := [name for name in names if isinstance(name, int)]:
        found |= await store.by_ids(tx, ids)
    return found
