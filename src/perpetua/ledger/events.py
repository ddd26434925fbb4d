"""What other words hear of a posting, inside its transaction.

Always true:
- `also` is asked before anything is locked, so that one lock statement takes all positions, in the one order of all.
- `before` is told under the ledger's locks, before the rows are appended; a refusal there ends the posting.
- `after` is told when rows, levels and positions are written; what it does commits with them or not at all.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from perpetua.access.types import Actor
from perpetua.kit.database import Tx
from perpetua.ledger.types import Row

__all__ = ["Listener", "ask_also", "listen", "tell_after", "tell_before"]


class Listener(Protocol):
    """A word above the ledger that keeps promises about stock."""

    async def also(self, tx: Tx, rows: Sequence[Row]) -> Sequence[tuple[int, int]]:
        """Positions (variant, site) that the listener may want to lock beside the rows' own."""
        ...

    async def before(self, tx: Tx, actor: Actor, rows: Sequence[Row]) -> None:
        """The rows are about to be appended."""
        ...

    async def after(self, tx: Tx, actor: Actor, rows: Sequence[Row]) -> None:
        """The rows are appended."""
        ...


_listeners: Final[list[Listener]] = []


def listen(listener: Listener) -> None:
    """From now on, tell the listener."""
    _listeners.append(listener)


async def ask_also(tx: Tx, rows: Sequence[Row]) -> list[tuple[int, int]]:
    """The positions that any listener may want."""
    return [pair for listener in _listeners for pair in await listener.also(tx, rows)]


async def tell_before(tx: Tx, actor: Actor, rows: Sequence[Row]) -> None:
    """Tell all listeners."""
    for listener in _listeners:
        await listener.before(tx, actor, rows)


async def tell_after(tx: Tx, actor: Actor, rows: Sequence[Row]) -> None:
    """Tell all listeners."""
    for listener in _listeners:
        await listener.after(tx, actor, rows)
