"""What other words hear of a change of what is to come, inside the transaction.

Always true:
- `also` is asked before any position is locked, so that one lock statement takes all of them, in the one order of all.
- `changed` is told when the orders and the positions are written; what it does commits with them or not at all.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from perpetua.kit.database import Tx

__all__ = ["Listener", "ask_also", "listen", "tell_changed"]


class Listener(Protocol):
    """A word above purchasing that tells people when goods are to come."""

    async def also(self, tx: Tx, variant_ids: Sequence[int]) -> Sequence[tuple[int, int]]:
        """Positions (variant, site) that the listener wants locked beside the orders' own."""
        ...

    async def changed(self, tx: Tx, variant_ids: Sequence[int]) -> None:
        """Of these variants more or less is to come, or at another time."""
        ...


_listeners: Final[list[Listener]] = []


def listen(listener: Listener) -> None:
    """From now on, tell the listener."""
    _listeners.append(listener)


async def ask_also(tx: Tx, variant_ids: Sequence[int]) -> list[tuple[int, int]]:
    """The positions that any listener wants."""
    return [pair for listener in _listeners for pair in await listener.also(tx, variant_ids)]


async def tell_changed(tx: Tx, variant_ids: Sequence[int]) -> None:
    """Tell all listeners."""
    for listener in _listeners:
        await listener.changed(tx, variant_ids)
