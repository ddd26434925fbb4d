"""What other words hear of a posting, and of lots that are blocked or freed, inside the transaction.

Always true:
- `also` is asked before anything is locked, so that one lock statement takes all positions, in the one order of all.
- `before` is told under the ledger's locks, before the rows are appended; a refusal there ends the posting.
- `after` is told when rows, levels and positions are written; what it does commits with them or not at all.
- Whoever changes what may be sent of lots (blocks or frees them, dates them otherwise) does it within `changing_lots`:
  what is promised of them is locked before, and moved to other lots or given up after, in the same transaction.
"""

import contextlib
from collections.abc import AsyncGenerator, Sequence
from typing import Final, Protocol

from perpetua.access.types import Actor
from perpetua.kit.database import Tx
from perpetua.ledger.types import Row

__all__ = ["Listener", "ask_also", "changing_lots", "listen", "tell_after", "tell_before"]


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

    async def lots_change(self, tx: Tx, lot_ids: Sequence[int]) -> None:
        """More or less of these lots may be sent in a moment."""
        ...

    async def lots_changed(self, tx: Tx, actor: Actor, lot_ids: Sequence[int], reason: str) -> None:
        """The lots are changed."""
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


@contextlib.asynccontextmanager
async def changing_lots(tx: Tx, actor: Actor, lot_ids: Sequence[int], reason: str) -> AsyncGenerator[None]:
    """Within it, change what may be sent of these lots; `reason` is kept with what comes of it.

    To be entered before anything else of their items is locked.
    """
    for listener in _listeners:
        await listener.lots_change(tx, lot_ids)
    yield
    for listener in _listeners:
        await listener.lots_changed(tx, actor, lot_ids, reason)
