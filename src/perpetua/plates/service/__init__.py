"""What can be done with plates: one function a use case, one transaction each."""

from typing import Final

from perpetua.ledger import events
from perpetua.plates.service.keeping import KEEPER
from perpetua.plates.service.loading import arrive, dissolve, put_on, take_off
from perpetua.plates.service.making import change_settings, get_settings, make, set_status
from perpetua.plates.service.moving import move, nest, unnest
from perpetua.plates.service.reading import detail, get, list_events, list_plates, named
from perpetua.plates.store import Q

__all__ = [
    "CHECKS", "arrive", "change_settings", "detail", "dissolve", "get", "get_settings", "list_events", "list_plates",
    "make", "move", "named", "nest", "put_on", "set_status", "take_off", "unnest",
]  # fmt: skip

CHECKS: Final = {
    "plates": ("plates hold no more of a level than lies there", Q["check_contents"]),
    "plate_serials": ("each serial on a plate is where the plate is", Q["check_serials"]),
    "plates_nested": ("plates on each other are at one place", Q["check_nested"]),
}
"""What plates have to prove: what must be true, and what finds where it is not."""

events.listen(KEEPER)
