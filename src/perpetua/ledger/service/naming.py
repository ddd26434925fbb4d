"""Lots and serials by what people call them, inside another word's transaction."""

from collections.abc import Sequence

from perpetua.kit.database import Tx
from perpetua.ledger import store
from perpetua.ledger.store import LotRef, SerialRef

__all__ = ["LotRef", "SerialRef", "lots_named", "serials_named"]


async def lots_named(tx: Tx, named: Sequence[tuple[int, str]]) -> list[LotRef]:
    """The lots that are there, of variants and numbers; case does not matter. One statement."""
    return await store.lots(tx, named)


async def serials_named(tx: Tx, named: Sequence[tuple[int, str]]) -> list[SerialRef]:
    """The serials that are there, of variants and serials; case does not matter. One statement."""
    return await store.serials(tx, named)
