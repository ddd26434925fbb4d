"""Goods are put on plates and taken off: they lie where they lay, and the plate says how much of it is its own."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from psycopg import errors as pg

from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.kit.database import Database, Tx, array
from perpetua.kit.errors import InvalidValue, Missing
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.quantity import ZERO
from perpetua.ledger import service as ledger
from perpetua.ledger.errors import SerialElsewhere
from perpetua.ledger.types import Level, LevelKey, Row, SellLine
from perpetua.places import service as places
from perpetua.plates import store
from perpetua.plates.errors import NotLoose, NotOnPlate, PlateNotOpen, PlateStandsElsewhere
from perpetua.plates.service.keeping import facts_of, take
from perpetua.plates.service.making import living, made_for
from perpetua.plates.service.reading import detail, named
from perpetua.plates.store import Content, Held, Q
from perpetua.plates.types import PlateDetail, PlateLine, PutOn, TakeOff

__all__ = ["MOST_LINES", "arrive", "dissolve", "put_on", "take_off"]

MOST_LINES: Final = 1000


async def put_on(
    db: Database, actor: Actor, plate_id: int, command: PutOn, *, key: str | None = None
) -> Answered[PlateDetail]:
    """What lies loose at the plate's place is from now on on it. Nothing is posted.

    Raises:
        NotLoose: so much is not there, or stands on other plates. SerialElsewhere. PlateNotOpen. Missing.
        As selling would, for what the lines name.
    """
    actor.require("stock.transfer")

    async def act(tx: Tx) -> PlateDetail:
        plate, rows, levels = await _held(tx, actor, plate_id, command.lines)
        goods = _goods(plate_id, rows)
        await _require_loose(tx, rows, levels)
        serials = [one.serial_id for one in goods if one.serial_id]
        if serials:
            await _require_here(tx, serials, plate)
        await _put(tx, actor, plate_id, goods)
        return await detail(tx, actor, plate_id)

    body = [plate_id, command]
    return await once(db, sender=actor.person_id, key=key, command="plates.put", body=body, answer=PlateDetail, act=act)


async def arrive(tx: Tx, actor: Actor, code: str, rows: Sequence[Row]) -> int:
    """Goods that were posted just now, all at one place, stand on the plate with this code, which is made where it is
    not known; for who receives them, in its transaction, under the ledger's locks. The plate's id.

    Raises:
        PlateNotOpen: it is closed, or has left. PlateStandsElsewhere: it stands at another place.
        InvalidValue: 18 digits that are no SSCC.
    """
    place_id = rows[0].location_id
    plate_id = await named(tx, [code])
    if plate_id is None:
        plate_id = await made_for(tx, actor, code, place_id)
    await tx.execute(Q["lock_plates"], {"ids": [plate_id]})
    plate = (await store.tree_of(tx, plate_id))[0]
    if plate.status != "open":
        raise PlateNotOpen(plate=plate.code, status=plate.status)
    if plate.location_id != place_id:
        found = await places.by_ids(tx, [plate.location_id, place_id])
        raise PlateStandsElsewhere(plate=plate.code, location=found[plate.location_id].code, asked=found[place_id].code)
    await _put(tx, actor, plate_id, _goods(plate_id, rows, sign=1))
    return plate_id


async def take_off(
    db: Database, actor: Actor, plate_id: int, command: TakeOff, *, key: str | None = None
) -> Answered[PlateDetail]:
    """Goods come off the plate and lie loose where it is. Nothing is posted.

    Raises:
        NotOnPlate: so much is not on it (what is on plates nested on it is not on itself). PlateNotOpen. Missing.
        As selling would, for what the lines name.
    """
    actor.require("stock.transfer")

    async def act(tx: Tx) -> PlateDetail:
        plate, rows, _ = await _held(tx, actor, plate_id, command.lines)
        goods = _goods(plate_id, rows)
        there = {one.goods: one.quantity for one in await store.contents_of(tx, [plate_id])}
        for one in goods:
            if one.quantity > there.get(one.goods, ZERO):
                sku = (await items.variants_by_ids(tx, [one.variant_id]))[one.variant_id].sku
                on_plate = there.get(one.goods, ZERO)
                raise NotOnPlate(sku=sku, plate=plate.code, asked=one.quantity, on_plate=on_plate)
        await take(tx, goods)
        await store.tell(tx, actor.person_id, "taken", [(plate_id, facts_of(goods))])
        return await detail(tx, actor, plate_id)

    body = [plate_id, command]
    return await once(
        db, sender=actor.person_id, key=key, command="plates.take", body=body, answer=PlateDetail, act=act
    )  # fmt: skip


async def dissolve(db: Database, actor: Actor, plate_id: int, *, key: str | None = None) -> Answered[PlateDetail]:
    """The plate is no more: its goods lie loose where it was, plates that stood on it stand there by themselves.

    Raises:
        Missing. PlateNotOpen: it has left, or was dissolved before.
    """
    actor.require("stock.transfer")

    async def act(tx: Tx) -> PlateDetail:
        seen = await detail(tx, actor, plate_id)
        contents = await store.contents_of(tx, [plate_id])
        if contents:
            rows = [_row(one, seen.location_id) for one in contents]
            await ledger.hold(tx, rows)
        tree = await store.tree_of(tx, plate_id, lock=True)
        if tree[0].location_id != seen.location_id or await store.contents_of(tx, [plate_id]) != contents:
            raise pg.SerializationFailure("the plate was changed meanwhile")
        living(tree[0])
        if contents:
            await take(tx, contents)
        on_it = [one.id for one in tree if one.parent_id == plate_id]
        if on_it:
            await tx.execute(Q["set_parent"], {"ids": on_it, "parent_id": None})
            await store.tell(tx, actor.person_id, "unnested", [(one, {"parent": tree[0].code}) for one in on_it])
        await tx.execute(Q["set_status"], {"ids": [plate_id], "status": "dissolved"})
        await store.tell(tx, actor.person_id, "dissolved", [(plate_id, facts_of(contents))])
        return await detail(tx, actor, plate_id)

    return await once(
        db, sender=actor.person_id, key=key, command="plates.dissolve", body=plate_id, answer=PlateDetail, act=act
    )


async def _put(tx: Tx, actor: Actor, plate_id: int, goods: Sequence[Content]) -> None:
    params = {
        "plate_id": plate_id, "variant_ids": array([one.variant_id for one in goods]),
        "lot_ids": array([one.lot_id for one in goods]), "serial_ids": array([one.serial_id for one in goods]),
        "quantities": array([one.quantity for one in goods]),
    }  # fmt: skip
    await tx.execute(Q["put"], params)
    await store.tell(tx, actor.person_id, "put", [(plate_id, facts_of(goods))])


async def _held(
    tx: Tx, actor: Actor, plate_id: int, lines: Sequence[PlateLine]
) -> tuple[Held, list[Row], dict[LevelKey, Level]]:
    """The plate, open and locked; what the lines name at its place, as rows; and those levels, under lock."""
    if not 0 < len(lines) <= MOST_LINES:
        raise InvalidValue("lines", str(len(lines)), f"send 1 to {MOST_LINES} lines", limit=MOST_LINES)
    tree = await store.tree_of(tx, plate_id)
    if not tree:
        raise Missing("plate", plate_id)
    place = (await places.by_ids(tx, [tree[0].location_id]))[tree[0].location_id]
    rows = await ledger.sale_rows(tx, actor, [_line(line, place.code) for line in lines])
    levels = await ledger.hold(tx, rows)
    await tx.execute(Q["lock_plates"], {"ids": [plate_id]})
    plate = (await store.tree_of(tx, plate_id))[0]
    if plate.location_id != place.id:
        raise pg.SerializationFailure("the plate was moved meanwhile")
    if plate.status != "open":
        raise PlateNotOpen(plate=plate.code, status=plate.status)
    return plate, rows, levels


def _line(line: PlateLine, location: str) -> SellLine:
    fields: dict[str, Any] = {name: getattr(line, name) for name in PlateLine.__struct_fields__}
    return SellLine(**fields, location=location)


def _row(one: Content, location_id: int) -> Row:
    return Row(
        line_no=1, type="TRANSFER_OUT", variant_id=one.variant_id, location_id=location_id, lot_id=one.lot_id,
        quantity=-one.quantity,
    )  # fmt: skip


def _goods(plate_id: int, rows: Sequence[Row], *, sign: int = -1) -> list[Content]:
    """What the rows name, each once; `sign` of those that leave is -1."""
    sums: dict[tuple[int, int, int], Decimal] = defaultdict(Decimal)
    for row in rows:
        if row.serial_id is not None and (row.variant_id, row.lot_id, row.serial_id) in sums:
            raise InvalidValue(f"lines[{row.line_no - 1}].serials", str(row.serial_id), "names a serial twice")
        sums[row.variant_id, row.lot_id, row.serial_id or 0] += sign * row.quantity
    return [
        Content(plate_id=plate_id, variant_id=variant, lot_id=lot, serial_id=serial, quantity=quantity)
        for (variant, lot, serial), quantity in sorted(sums.items())
    ]


async def _require_loose(tx: Tx, rows: Sequence[Row], levels: dict[LevelKey, Level]) -> None:
    asked: dict[LevelKey, Decimal] = defaultdict(Decimal)
    for row in rows:
        asked[row.level] -= row.quantity
    keys = sorted(asked)
    params = {
        "variant_ids": array([key.variant_id for key in keys]), "lot_ids": array([key.lot_id for key in keys]),
        "location_ids": array([key.location_id for key in keys]),
    }  # fmt: skip
    taken = {LevelKey(*found[:3]): found[3] for found in await tx.records(Q["on_plates"], params)}
    for key in keys:
        on_hand = levels[key].on_hand if key in levels else ZERO
        if asked[key] > on_hand - taken.get(key, ZERO):
            sku = (await items.variants_by_ids(tx, [key.variant_id]))[key.variant_id].sku
            place = (await places.by_ids(tx, [key.location_id]))[key.location_id].code
            raise NotLoose(
                sku=sku, location=place, asked=asked[key], on_hand=on_hand, on_plates=taken.get(key, ZERO)
            )  # fmt: skip


async def _require_here(tx: Tx, serials: list[int], plate: Held) -> None:
    asked = {"serial_ids": serials, "location_id": plate.location_id}
    for one in await tx.dicts(Q["serials_off"], asked):
        where = f"plate {one['plate']}" if one["plate"] else one["location"] or "no place"
        raise SerialElsewhere(serial=one["serial"], sku="", status=one["status"], location=where)
