"""What allocation does when a place opens, closes or moves: who waits has what may be sold now, and lots keep what they
promise."""

from typing import Final
from weakref import WeakKeyDictionary

from perpetua.access.types import Actor
from perpetua.allocation import store
from perpetua.allocation.errors import Promised
from perpetua.allocation.rules import Key
from perpetua.allocation.service.filling import fill
from perpetua.allocation.service.relotting import Q, keep_lots
from perpetua.kit.clock import system_clock
from perpetua.kit.database import Tx
from perpetua.places.errors import StockPromised

__all__ = ["OPENER"]


class Opener:
    """Listens to places."""

    def __init__(self) -> None:
        self._freed: WeakKeyDictionary[Tx, set[Key]] = WeakKeyDictionary()
        """Where stock lay that somebody waits for or has lots of, by transaction, before the place changed."""

    async def before(self, tx: Tx, location_id: int) -> None:
        """Lock what lies there and is waited for, or promised of a lot; with it what may be given beside."""
        keys = await self._lying(tx, location_id)
        if keys:
            variants = {key[0] for key in keys}
            elsewhere = set(await store.everywhere(tx, variants))
            keys |= await store.lock_to_fill(tx, variants, {key[1] for key in keys | elsewhere}, losing=True)
        self._freed.setdefault(tx, set()).update(keys)

    async def after(self, tx: Tx, actor: Actor, location_id: int, code: str) -> None:
        """Lots keep what they promise, others stand in, or the change is refused; what is free goes to whoever waits.

        Raises:
            StockPromised: goods of a lot there are promised, and other lots cannot stand in for it.
        """
        keys = await self._lying(tx, location_id) | self._freed.pop(tx, set[Key]())
        if not keys:
            return
        variants, sites, now = {key[0] for key in keys}, {key[1] for key in keys}, system_clock()
        try:
            keys |= await keep_lots(tx, actor.person_id, variants, sites, now, refuse=variants)
        except Promised as said:
            raise StockPromised(
                location=code, sku=said.sku, site=said.site, promised=said.allocated + said.reserved,
                left=said.allocated + said.reserved - said.asked, lot=said.lot,
            ) from None  # fmt: skip
        await fill(tx, actor.person_id, keys, now, reason=f"{code} was changed")

    async def _lying(self, tx: Tx, location_id: int) -> set[Key]:
        rows = await tx.dicts(Q["lying_in"], {"location_id": location_id})
        return {(row["variant_id"], row["site_id"]) for row in rows}


OPENER: Final = Opener()
