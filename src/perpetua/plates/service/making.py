"""Plates are made, closed and opened; and what their SSCCs are made of."""

from perpetua.access.service import audit
from perpetua.access.types import Actor
from perpetua.gs1 import service as gs1
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue, Missing, Stale
from perpetua.kit.idempotency import Answered, once
from perpetua.ledger.errors import InactivePlace, InTransit
from perpetua.places.types import LocationRef
from perpetua.plates import store
from perpetua.plates.errors import NoCompanyPrefix, PlateCodeTaken, PlateNotOpen
from perpetua.plates.service.reading import detail, named, place_of
from perpetua.plates.store import Held, Q
from perpetua.plates.types import ChangePlateSettings, MakePlate, PlateDetail, PlateSettings

__all__ = ["change_settings", "get_settings", "living", "made_for", "make", "require_standing", "set_status"]


async def make(
    db: Database, actor: Actor, command: MakePlate, *, key: str | None = None
) -> Answered[PlateDetail]:  # fmt: skip
    """Make an empty plate at a place.

    Raises:
        InvalidValue: 18 digits that are no SSCC. PlateCodeTaken: there is one with this code.
        NoCompanyPrefix: an SSCC is to be made, and the prefix is not set.
        Missing, OutOfScope, InactivePlace, InTransit: for the place.
    """
    actor.require("stock.transfer")

    async def act(tx: Tx) -> PlateDetail:
        place = await place_of(tx, actor, command.location)
        require_standing(place)
        code, sscc = _said(command.code) if command.code is not None else await _next(tx)
        made = {"code": code, "sscc": sscc, "location_id": place.id, "note": command.note, "actor_id": actor.person_id}
        plate_id = await tx.value(Q["make"], made)
        if plate_id is None:
            raise PlateCodeTaken(plate=code)
        await store.tell(tx, actor.person_id, "made", [(plate_id, {"location": place.code})])
        return await detail(tx, actor, plate_id)

    return await once(
        db, sender=actor.person_id, key=key, command="plates.make", body=command, answer=PlateDetail, act=act
    )


async def made_for(tx: Tx, actor: Actor, code: str, location_id: int) -> int:
    """Make a plate with this code where goods were just put, in another's transaction; its id. Made by another
    meanwhile, it is that one.

    Raises:
        InvalidValue: 18 digits that are no SSCC.
    """
    text, sscc = _said(code)
    made = {"code": text, "sscc": sscc, "location_id": location_id, "note": None, "actor_id": actor.person_id}
    plate_id: int | None = await tx.value(Q["make"], made)
    if plate_id is None:
        plate_id = await named(tx, [text])
        assert plate_id is not None
        return plate_id
    await store.tell(tx, actor.person_id, "made", [(plate_id, {"location_id": location_id})])
    return plate_id


async def set_status(
    db: Database, actor: Actor, plate_id: int, *, closed: bool, key: str | None = None
) -> Answered[PlateDetail]:
    """Close a plate: nothing is put on or taken off, it only moves. Or open it again.

    Raises:
        Missing. PlateNotOpen: it has left, or was dissolved.
    """
    actor.require("stock.transfer")

    async def act(tx: Tx) -> PlateDetail:
        await tx.execute(Q["lock_plates"], {"ids": [plate_id]})
        await detail(tx, actor, plate_id)
        plate = living((await store.tree_of(tx, plate_id))[0])
        status = "closed" if closed else "open"
        if plate.status != status:
            await tx.execute(Q["set_status"], {"ids": [plate_id], "status": status})
            await store.tell(tx, actor.person_id, "closed" if closed else "opened", [(plate_id, {})])
        return await detail(tx, actor, plate_id)

    body = [plate_id, closed]
    return await once(
        db, sender=actor.person_id, key=key, command="plates.status", body=body, answer=PlateDetail, act=act
    )


async def get_settings(db: Database, actor: Actor) -> PlateSettings:
    """Of what SSCCs are made."""
    actor.require("stock.read")
    async with db.snapshot() as tx:
        return await _settings(tx)


async def change_settings(
    db: Database, actor: Actor, command: ChangePlateSettings, *, version: int
) -> PlateSettings:  # fmt: skip
    """Set the company's GS1 prefix and the extension digit. SSCCs that there are stay. Raises Stale."""
    actor.require("settings.write")
    asked = {"company_prefix": command.company_prefix, "extension": command.extension, "version": version}

    async def act(tx: Tx) -> PlateSettings:
        before = await _settings(tx)
        after = await tx.maybe(Q["change_settings"], asked, as_=PlateSettings)
        if after is None:
            raise Stale(what="settings", key="plates", sent=version, current=(await _settings(tx)).version)
        await audit(tx, actor, "settings", "plates", "updated", before, after)
        return after

    return await db.run(act)


def living(plate: Held) -> Held:
    """The plate. Raises PlateNotOpen: it has left, or was dissolved."""
    if plate.status not in ("open", "closed"):
        raise PlateNotOpen(plate=plate.code, status=plate.status)
    return plate


def require_standing(place: LocationRef) -> None:
    """Raises InTransit, InactivePlace: no plate can come to stand there."""
    if place.kind == "transit":
        raise InTransit(location=place.code)
    if not place.active:
        raise InactivePlace(location=place.code)


def _said(code: str) -> tuple[str, str | None]:
    text = code.strip()
    if not text.isprintable() or not text:
        raise InvalidValue("code", ascii(code), "must have printable characters")
    if len(text) != 18 or not (text.isascii() and text.isdigit()):
        return text, None
    right = gs1.with_check_digit(text[:-1])
    if text != right:
        raise InvalidValue("code", text, f"has 18 digits but is no SSCC: the check digit would be {right[-1]}")
    return text, text


async def _next(tx: Tx) -> tuple[str, str]:
    settings = await _settings(tx)
    if settings.company_prefix is None:
        raise NoCompanyPrefix
    sscc = gs1.make_sscc(settings.company_prefix, await tx.value(Q["next_number"]), settings.extension)
    return sscc, sscc


async def _settings(tx: Tx) -> PlateSettings:
    found = await tx.maybe(Q["settings"], as_=PlateSettings)
    if found is None:
        raise Missing("settings", "plates")
    return found
