"""What was reserved for an order becomes its own: nobody comes between the reservation and the order."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple

from perpetua.allocation import store
from perpetua.allocation.rules import Key
from perpetua.allocation.service.drafting import Draft
from perpetua.allocation.service.filling import fill
from perpetua.allocation.types import Take
from perpetua.kit.database import Queries, Tx, array
from perpetua.kit.quantity import ZERO

__all__ = ["Holding", "Q", "end_held", "give_rest", "held_by", "held_for", "turn"]

Q = Queries(store.__file__, "reserving.sql")


class Holding(NamedTuple):
    """An open reservation: so much of a variant at a site, of a lot (0: none)."""

    id: int
    channel: str
    holder: str
    variant_id: int
    site_id: int
    lot_id: int
    quantity: Decimal

    @property
    def key(self) -> Key:
        """Its position."""
        return self.variant_id, self.site_id


async def held_by(tx: Tx, names: Sequence[tuple[str, str]]) -> list[Holding]:
    """The open reservations of holders, each named by channel and holder."""
    if not names:
        return []
    params = {"channels": array([channel for channel, _ in names]), "holders": array([holder for _, holder in names])}
    return [Holding(**row) for row in await tx.dicts(Q["held_by"], params)]


async def end_held(
    tx: Tx, holdings: Sequence[Holding], state: Literal["ordered", "released"], *, actor_ids: Sequence[int],
    version: int, reason: str | None,
) -> list[Holding]:  # fmt: skip
    """End them, each by its actor, under their positions' locks; those that had not ended before."""
    if not holdings:
        return []
    params = {
        "ids": array([one.id for one in holdings]), "actor_ids": array(actor_ids), "state": state,
        "config_version": version, "reason": reason,
    }  # fmt: skip
    return [Holding(**row) for row in await tx.dicts(Q["end_reservations"], params)]


async def held_for(tx: Tx, drafts: Mapping[int, Draft]) -> dict[int, list[Holding]]:
    """What is reserved for the orders that name a holder, by their place. Of two that name one, the first has it."""
    asked: dict[tuple[str, str], int] = {}
    for at, draft in drafts.items():
        if draft.order.reservation:
            asked.setdefault((draft.order.channel, draft.order.reservation), at)
    held: dict[int, list[Holding]] = defaultdict(list)
    for one in await held_by(tx, list(asked)):
        held[asked[one.channel, one.holder]].append(one)
    return held


async def turn(
    tx: Tx, held: Mapping[int, Sequence[Holding]], drafts: Mapping[int, Draft], version: int
) -> dict[int, list[Take]]:
    """Under the lock: the reservations end as ordered, in one statement; what each order has of its own to take."""
    of = {one.id: at for at, some in held.items() for one in some}
    ended = await end_held(
        tx, [one for some in held.values() for one in some], "ordered", version=version, reason="it was ordered",
        actor_ids=[drafts[at].actor_id for at in of.values()],
    )  # fmt: skip
    takes: dict[int, list[Take]] = {at: [] for at in held}
    for one in ended:
        takes[of[one.id]].append(Take(*one.key, one.lot_id, one.quantity))
    return takes


async def give_rest(
    tx: Tx, actor_id: int, turned: Mapping[int, Sequence[Take]], takes: Sequence[Take], now: datetime
) -> None:
    """What was reserved and not ordered goes to whoever waits."""
    left: dict[Key, Decimal] = defaultdict(lambda: ZERO)
    for some in turned.values():
        for one in some:
            left[one.variant_id, one.site_id] += one.quantity
    for take in takes:
        left[take.variant_id, take.site_id] -= take.quantity
    await fill(tx, actor_id, {key for key, rest in left.items() if rest > 0}, now, reason="a reservation ended")
