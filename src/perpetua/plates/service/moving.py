"""Plates move with all that is on them, and stand on each other."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec
from psycopg import errors as pg

from perpetua.access.types import Actor
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue, Missing
from perpetua.kit.idempotency import Answered, once
from perpetua.ledger import service as ledger
from perpetua.ledger.types import PostingDraft, Row
from perpetua.places import service as places
from perpetua.plates import store
from perpetua.plates.errors import PlateElsewhere, PlateNotOpen, PlateTooDeep
from perpetua.plates.service.making import living, require_standing
from perpetua.plates.service.reading import detail, named, place_of
from perpetua.plates.store import Content, Held, Q
from perpetua.plates.types import MovePlate, Nest, PlateDetail

__all__ = ["DEEPEST", "move", "nest", "unnest"]

DEEPEST: Final = 10
"""Plates on each other, from the lowest to the highest."""


async def move(
    db: Database, actor: Actor, plate_id: int, command: MovePlate, *, key: str | None = None,
    reference: tuple[str, str] | None = None, clock: Clock = system_clock,
) -> Answered[PlateDetail]:  # fmt: skip
    """The plate, the plates on it and all their goods go to a place: one posting, a constant number of statements.

    Args:
        reference: type and id of what it is done for; by default the plate.

    Raises:
        Missing: no such plate or place. OutOfScope: one of the places is not the actor's.
        InvalidValue: it stands there already. PlateNotOpen: it has left, or was dissolved.
        InactivePlace, InTransit: nothing can come to stand there. And what the ledger refuses (Promised, …).
    """
    actor.require("stock.transfer")

    async def act(tx: Tx) -> PlateDetail:
        place = await place_of(tx, actor, command.to)
        require_standing(place)
        tree, goods = await _known(tx, plate_id)
        living(tree[0])
        origin = (await places.by_ids(tx, [tree[0].location_id]))[tree[0].location_id]
        actor.require_place(origin.path, origin.code)
        if origin.id == place.id:
            raise InvalidValue("to", place.code, "is where it already is")
        rows = _rows(goods, origin.id, place.id)
        if rows:
            await ledger.hold(tx, rows, to_post=True)
        if await _known(tx, plate_id, lock=True) != (tree, goods):
            raise pg.SerializationFailure("the plate was changed meanwhile")
        living(tree[0])
        await _off_parent(tx, actor, tree[0])
        # Before the posting: what looks after plates then finds the goods where their plates are.
        await tx.execute(Q["relocate"], {"ids": [one.id for one in tree], "location_id": place.id})
        posting_id = None
        if rows:
            what, which = reference or ("plate", tree[0].code)
            draft = PostingDraft(
                command="plate_move", effective_at=ledger.effective(command.effective_at, clock()), rows=rows,
                reference_type=what, reference_id=which, note=command.note,
            )  # fmt: skip
            posting_id = (await ledger.post(tx, actor, draft, key=key, show_levels=False)).posting_id
        facts = {"from": origin.code, "to": place.code, "posting_id": posting_id}
        await store.tell(tx, actor.person_id, "moved", [(one.id, facts) for one in tree])
        return await detail(tx, actor, plate_id, posting_id=posting_id)

    body = [plate_id, command]
    return await once(
        db, sender=actor.person_id, key=key, command="plates.move", body=body, answer=PlateDetail, act=act
    )  # fmt: skip


async def nest(
    db: Database, actor: Actor, plate_id: int, command: Nest, *, key: str | None = None
) -> Answered[PlateDetail]:
    """The plate stands on another at the same place from now on.

    Raises:
        Missing: no such plate. PlateElsewhere: they are at different places, or it would stand on itself.
        PlateNotOpen: the other is not open, or one has left. PlateTooDeep: more than ten on each other.
    """
    actor.require("stock.transfer")

    async def act(tx: Tx) -> PlateDetail:
        parent_id = await named(tx, [command.parent])
        if parent_id is None:
            raise Missing("plate", command.parent)
        await tx.execute(Q["one_nests"])
        await tx.execute(Q["lock_plates"], {"ids": sorted({plate_id, parent_id})})
        await detail(tx, actor, plate_id)
        await detail(tx, actor, parent_id)
        tree, over = await store.tree_of(tx, plate_id), await store.tree_of(tx, parent_id)
        plate, parent = living(tree[0]), over[0]
        if parent.status != "open":
            raise PlateNotOpen(plate=parent.code, status=parent.status)
        for wrong, reason in (
            (parent.id in {one.id for one in tree}, "it would stand on itself"),
            (parent.location_id != plate.location_id, "they are at different places"),
        ):
            if wrong:
                raise PlateElsewhere(plate=plate.code, parent=parent.code, reason=reason)
        deep = len(await tx.values(Q["above"], {"plate_id": parent_id})) + 1 + max(one.depth for one in tree)
        if deep > DEEPEST:
            raise PlateTooDeep("parent", command.parent, f"at most {DEEPEST} stand on each other", limit=DEEPEST)
        if plate.parent_id != parent_id:
            await tx.execute(Q["set_parent"], {"ids": [plate_id], "parent_id": parent_id})
            await store.tell(tx, actor.person_id, "nested", [(plate_id, {"parent": parent.code})])
        return await detail(tx, actor, plate_id)

    body = [plate_id, command]
    return await once(
        db, sender=actor.person_id, key=key, command="plates.nest", body=body, answer=PlateDetail, act=act
    )  # fmt: skip


async def unnest(db: Database, actor: Actor, plate_id: int, *, key: str | None = None) -> Answered[PlateDetail]:
    """The plate stands by itself at its place. Raises Missing, PlateNotOpen."""
    actor.require("stock.transfer")

    async def act(tx: Tx) -> PlateDetail:
        await tx.execute(Q["lock_plates"], {"ids": [plate_id]})
        await detail(tx, actor, plate_id)
        await _off_parent(tx, actor, living((await store.tree_of(tx, plate_id))[0]))
        return await detail(tx, actor, plate_id)

    return await once(
        db, sender=actor.person_id, key=key, command="plates.unnest", body=plate_id, answer=PlateDetail, act=act
    )


async def _known(tx: Tx, plate_id: int, *, lock: bool = False) -> tuple[list[Held], list[Content]]:
    tree = await store.tree_of(tx, plate_id, lock=lock)
    if not tree:
        raise Missing("plate", plate_id)
    return tree, await store.contents_of(tx, [one.id for one in tree])


async def _off_parent(tx: Tx, actor: Actor, plate: Held) -> None:
    if plate.parent_id is not None:
        await tx.execute(Q["set_parent"], {"ids": [plate.id], "parent_id": None})
        await store.tell(tx, actor.person_id, "unnested", [(plate.id, {"parent_id": plate.parent_id})])


def _rows(goods: Sequence[Content], origin: int, place: int) -> list[Row]:
    """A pair for each level and serial, whatever plates it stands on."""
    sums: dict[tuple[int, int, int], Decimal] = defaultdict(Decimal)
    for one in goods:
        sums[one.goods] += one.quantity
    rows: list[Row] = []
    for number, ((variant, lot, serial), quantity) in enumerate(sorted(sums.items()), 1):
        out = Row(
            line_no=number, type="TRANSFER_OUT", variant_id=variant, location_id=origin, lot_id=lot,
            serial_id=serial or None, quantity=-quantity,
        )  # fmt: skip
        rows += [out, msgspec.structs.replace(out, type="TRANSFER_IN", location_id=place, quantity=quantity)]
    return rows
