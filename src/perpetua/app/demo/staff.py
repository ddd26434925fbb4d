"""Who did what in the made-up history, as the ledger tells it.

The made-up people act with the system's rights: a history is loaded as it happened, and waits for nobody's approval.
"""

from collections.abc import Sequence

import msgspec

from perpetua.access import service as access
from perpetua.access.types import SYSTEM, Actor
from perpetua.app.demo.history import Move
from perpetua.app.demo.people import PEOPLE
from perpetua.app.demo.sites import SITES
from perpetua.kit.database import Database

__all__ = ["Staff", "acting", "find"]

OPENING = "opening"


class Staff(msgspec.Struct, frozen=True, kw_only=True):
    """The manager, and whoever works at each site."""

    manager: Actor
    at: dict[str, Actor]

    def shared_out(self, moves: Sequence[Move]) -> list[tuple[Actor, list[Move]]]:
        """The moves of each person, in an order in which no level falls below zero.

        The manager opens and writes off; the rest is done at the site where it begins. Nothing goes from a site to one
        before it, and what was written off had come there before.
        """
        parts: dict[str, list[Move]] = {OPENING: [], **{site.code: [] for site in SITES}, "write-off": []}
        whose = ""
        for move in moves:
            if move.type != "TRANSFER_IN":  # which is the other half of the move before
                whose = move.place.partition("-")[0]
                if move.reason == OPENING:
                    whose = OPENING
                elif move.type == "WRITE_OFF":
                    whose = "write-off"
            parts[whose].append(move)
        return [(self.at.get(name, self.manager), part) for name, part in parts.items() if part]


async def find(db: Database) -> Staff:
    """The people, who are there."""
    manager = next(person for person in PEOPLE if person.role == "inventory_manager")
    at = {person.site: await acting(db, person.email) for person in PEOPLE if person.site}
    return Staff(manager=await acting(db, manager.email), at=at)


async def acting(db: Database, email: str) -> Actor:
    """Somebody of the company, with the system's rights."""
    person = await access.find_person(db, SYSTEM, email)
    return msgspec.structs.replace(SYSTEM, person_id=person.id, name=person.name, role=person.role)
