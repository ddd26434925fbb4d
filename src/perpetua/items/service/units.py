"""Units of measure. What a unit counts is fixed once an item or another unit stands on it."""

import msgspec
from msgspec import UNSET
from psycopg import errors as pg

from perpetua.access.service import audit
from perpetua.access.types import Actor
from perpetua.items import rules, store
from perpetua.items.errors import CodeTaken, InUse
from perpetua.items.types import ChangeUnit, CreateUnit, Unit
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue, Missing, Stale
from perpetua.kit.idempotency import Answered, once

__all__ = ["change_unit", "create_unit", "list_units", "read_unit", "remove_unit"]


async def list_units(db: Database, actor: Actor) -> list[Unit]:
    """All units, the bases first."""
    actor.require("items.read")
    async with db.snapshot() as tx:
        return [_unit(row) for row in await tx.dicts(store.Q["all_units"])]


async def read_unit(db: Database, actor: Actor, code: str) -> Unit:
    """The unit with this code, in any case.

    Raises:
        Missing: there is none.
    """
    actor.require("items.read")
    async with db.snapshot() as tx:
        return await _read(tx, code)


async def create_unit(db: Database, actor: Actor, command: CreateUnit, *, key: str | None = None) -> Answered[Unit]:
    """Make a unit.

    Raises:
        CodeTaken: there is one with this code. InvalidValue: decimals, factor or base make no sense.
    """
    actor.require("items.write")
    code = rules.clean_unit_code(command.code)
    asked = Unit(
        code=code,
        name=rules.clean_name(command.name),
        decimals=command.decimals,
        base_code=command.base_code,
        factor_num=command.factor_num,
        factor_den=command.factor_den,
    )

    async def act(tx: Tx) -> Unit:
        unit = await _sound(tx, asked)
        try:
            async with tx.savepoint():
                await tx.execute(store.Q["insert_unit"], msgspec.structs.asdict(unit))
        except pg.UniqueViolation:
            raise CodeTaken(what="unit", key=code) from None
        await audit(tx, actor, "unit", unit.code, "created", None, unit)
        return unit

    return await once(db, sender=actor.person_id, key=key, command="create_unit", body=command, answer=Unit, act=act)


async def change_unit(
    db: Database, actor: Actor, code: str, command: ChangeUnit, *, version: int | None = None, key: str | None = None
) -> Answered[Unit]:
    """Change a unit; a name always, finer decimals always, what it counts only while nothing uses it.

    Raises:
        Stale: it is no more at `version`. InUse: tells how many items use it. InvalidValue: it would make no sense.
    """
    actor.require("items.write")

    async def act(tx: Tx) -> Unit:
        before = await _read(tx, code, lock=True)
        if version is not None and version != before.version:
            raise Stale(what="unit", key=before.code, sent=version, current=before.version)
        asked = {name: value for name, value in msgspec.structs.asdict(command).items() if value is not UNSET}
        if "name" in asked:
            asked["name"] = rules.clean_name(asked["name"])
        after = await _sound(tx, msgspec.structs.replace(before, **asked, version=before.version + 1))
        counted = ("base_code", "factor_num", "factor_den")
        if after.decimals < before.decimals or any(getattr(after, n) != getattr(before, n) for n in counted):
            await _refuse_used(tx, before, "what it counts is fixed; make a new unit")
        await tx.execute(store.Q["update_unit"], msgspec.structs.asdict(after))
        await audit(tx, actor, "unit", before.code, "updated", before, after)
        return after

    body = [code, version, command]
    return await once(db, sender=actor.person_id, key=key, command="change_unit", body=body, answer=Unit, act=act)


async def remove_unit(db: Database, actor: Actor, code: str, *, version: int | None = None) -> None:
    """Remove a unit that nothing uses.

    Raises:
        Stale: it is no more at `version`. InUse: tells how many items use it.
    """
    actor.require("items.write")

    async def act(tx: Tx) -> None:
        unit = await _read(tx, code, lock=True)
        if version is not None and version != unit.version:
            raise Stale(what="unit", key=unit.code, sent=version, current=unit.version)
        await _refuse_used(tx, unit, "it can't be removed")
        await tx.execute(store.Q["delete_unit"], {"code": unit.code})
        await audit(tx, actor, "unit", unit.code, "removed", unit, None)

    await db.run(act)


async def _read(tx: Tx, code: str, *, lock: bool = False) -> Unit:
    rows = await tx.dicts(store.Q["lock_unit" if lock else "one_unit"], {"code": code}) if code.isprintable() else []
    if not rows:
        raise Missing("unit", code)
    return _unit(rows[0])


async def _sound(tx: Tx, unit: Unit) -> Unit:
    base: Unit | None = None
    if unit.base_code is not None:
        try:
            # Held until the end, so that it does not get a base itself meanwhile.
            base = await _read(tx, unit.base_code, lock=True)
        except Missing:
            raise InvalidValue("base_code", unit.base_code, "there is no such unit") from None
        unit = msgspec.structs.replace(unit, base_code=base.code)
    return rules.unit_is_sound(unit, base)


async def _refuse_used(tx: Tx, unit: Unit, reason: str) -> None:
    load = (await tx.dicts(store.Q["unit_load"], {"code": unit.code}))[0]
    if load["variants"] or load["units"]:
        said = f"{load['variants']} items and {load['units']} units stand on it, so {reason}"
        raise InUse(what="unit", key=unit.code, reason=said, **load)


def _unit(row: dict[str, object]) -> Unit:
    return msgspec.convert(row, Unit, strict=False)
