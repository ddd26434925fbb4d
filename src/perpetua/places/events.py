"""What other words hear of a place whose stock comes to count otherwise (sold from or not, active or not, another kind
or site), inside the transaction.

Always true:
- `before` is told before the place is changed, under the topology lock; `after` when it and the positions are changed.
- A refusal ends the change; what a listener does commits with it or not at all.
"""

from typing import Final, Protocol

from perpetua.access.types import Actor
from perpetua.kit.database import Tx

__all__ = ["Listener", "listen", "tell_after", "tell_before"]


class Listener(Protocol):
    """A word above places that keeps promises about stock."""

    async def before(self, tx: Tx, location_id: int) -> None:
        """The place, and what stands in it, is about to be changed."""
        ...

    async def after(self, tx: Tx, actor: Actor, location_id: int, code: str) -> None:
        """It is changed."""
        ...


_listeners: Final[list[Listener]] = []


def listen(listener: Listener) -> None:
    """From now on, tell the listener."""
    _listeners.append(listener)


async def tell_before(tx: Tx, location_id: int) -> None:
    """Tell all listeners."""
    for listener in _listeners:
        await listener.before(tx, location_id)


async def tell_after(tx: Tx, actor: Actor, location_id: int, code: str) -> None:
    """Tell all listeners."""
    for listener in _listeners:
        await listener.after(tx, actor, location_id, code)
