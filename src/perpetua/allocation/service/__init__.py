"""Use cases of allocation: one public function, one transaction. Those that take `tx` first join another word's."""

from perpetua.allocation.service.gathering import Gathering
from perpetua.allocation.service.placing import Outcome, Request, place, place_together
from perpetua.allocation.service.reading import current, get

__all__ = ["Gathering", "Outcome", "Request", "current", "get", "place", "place_together"]
