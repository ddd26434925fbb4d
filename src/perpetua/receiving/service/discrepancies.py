"""What was not as it should be: noted, photographed, resolved."""

import hashlib
import re

from perpetua.access.service import audit
from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Conflict, InvalidValue, Missing, Stale, TooLarge
from perpetua.kit.http import LARGEST_ID
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.kit.media import image_type
from perpetua.kit.objects import ObjectStore
from perpetua.kit.quantity import exact_quantity
from perpetua.receiving import store
from perpetua.receiving.errors import NotAPhoto
from perpetua.receiving.service.reading import supplier_id
from perpetua.receiving.service.taking import held
from perpetua.receiving.types import (
    Discrepancy,
    DiscrepancyFilters,
    NoteDiscrepancy,
    Photo,
    PhotoContent,
    ResolveDiscrepancy,
)

__all__ = [
    "MAX_PHOTO_BYTES", "add_photo", "get_discrepancy", "holds_content", "list_discrepancies", "note_discrepancy",
    "read_photo", "resolve_discrepancy",
]  # fmt: skip

MAX_PHOTO_BYTES = 10_000_000
MAX_PHOTOS = 20
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


async def list_discrepancies(
    db: Database, actor: Actor, filters: DiscrepancyFilters, page: PageRequest
) -> Page[Discrepancy]:
    """What was not as it should be, the newest first."""
    actor.require("purchasing.read")
    after = page.after(int)
    async with db.snapshot() as tx:
        supplier = await supplier_id(tx, filters.supplier)
        found = await items.resolve_skus(tx, [filters.sku]) if filters.sku else {}
        variant = found.get(filters.sku.upper()) if filters.sku else None
        if (filters.supplier and supplier is None) or (filters.sku and variant is None):
            return Page(items=[])
        rows = await store.discrepancies(
            tx, actor.scope_ids, filters, supplier_id=supplier, variant_id=variant.id if variant else None,
            after=after[0] if after else None, limit=page.limit + 1,
        )  # fmt: skip
    return page_of(rows, page, lambda one: [one.id])


async def get_discrepancy(db: Database, actor: Actor, discrepancy_id: int) -> Discrepancy:
    """One of them. Raises Missing: there is none, or not at one of the actor's sites."""
    actor.require("purchasing.read")
    async with db.snapshot() as tx:
        return await _one(tx, actor, discrepancy_id)


async def note_discrepancy(
    db: Database, actor: Actor, receipt_id: int, command: NoteDiscrepancy, *, key: str | None = None
) -> Answered[Discrepancy]:
    """Write down what is not as it should be and is not received: refused at the dock, or found later.

    Raises:
        Missing: there is no such receipt. InvalidValue: no such item, or nothing says what it is about.
    """
    actor.require("stock.receive")

    async def act(tx: Tx) -> Discrepancy:
        of = await held(tx, actor, receipt_id)
        asked = [sku for sku in (command.sku, command.instead_of) if sku is not None]
        found = await items.resolve_skus(tx, asked) if asked else {}
        for field in ("sku", "instead_of"):
            sku = getattr(command, field)
            if sku is not None and sku.upper() not in found:
                raise InvalidValue(field, sku, "is no item")
        if not (command.sku or command.code or command.note):
            raise InvalidValue("sku", "", "say what it is about: an item, what was scanned, or a note")
        decimals = found[command.sku.upper()].decimals if command.sku else 4
        if exact_quantity(command.quantity, "quantity", places=decimals) <= 0:
            raise InvalidValue("quantity", str(command.quantity), "must be more than 0")
        params = {
            "receipt_id": of.id, "variant_id": found[command.sku.upper()].id if command.sku else None,
            "kind": command.kind, "quantity": command.quantity, "code": command.code, "note": command.note,
            "instead_of": found[command.instead_of.upper()].id if command.instead_of else None,
            "actor_id": actor.person_id,
        }  # fmt: skip
        noted: int = await tx.value(store.Q["note"], params)
        return await _one(tx, actor, noted)

    body = [receipt_id, command]
    return await once(
        db, sender=actor.person_id, key=key, command="receipts.note", body=body, answer=Discrepancy, act=act
    )


async def resolve_discrepancy(
    db: Database, actor: Actor, discrepancy_id: int, command: ResolveDiscrepancy, *, version: int,
    key: str | None = None, clock: Clock = system_clock,
) -> Answered[Discrepancy]:  # fmt: skip
    """Say what became of it: by somebody of purchasing.

    Raises:
        Missing: there is none. Stale: it was changed since it was read. Conflict: it is settled.
    """
    actor.require("purchasing.write")

    async def act(tx: Tx) -> Discrepancy:
        before = await _locked(tx, actor, discrepancy_id)
        if before["version"] != version:
            raise Stale(what="discrepancy", key=discrepancy_id, sent=version, current=before["version"])
        if before["status"] != "OPEN":
            raise Conflict(reason=f"The discrepancy is {before['status']} already.", discrepancy_id=discrepancy_id)
        params = {
            "id": discrepancy_id, "resolution": command.resolution, "answer": command.note,
            "actor_id": actor.person_id, "at": clock(),
        }  # fmt: skip
        await tx.execute(store.Q["resolve"], params)
        await audit(tx, actor, "discrepancy", discrepancy_id, "resolved", {"status": "OPEN"}, command)
        return await _one(tx, actor, discrepancy_id)

    body = [discrepancy_id, version, command]
    return await once(
        db, sender=actor.person_id, key=key, command="discrepancies.resolve", body=body, answer=Discrepancy, act=act
    )


async def add_photo(
    db: Database, actor: Actor, objects: ObjectStore, discrepancy_id: int, content: bytes
) -> Discrepancy:
    """Add a PNG, JPEG or WebP; the same picture again changes nothing.

    Raises:
        Missing: there is no such discrepancy. NotAPhoto: the content is nothing of these. TooLarge: over 10 MB, or 20.
    """
    actor.require("stock.receive")
    if len(content) > MAX_PHOTO_BYTES:
        raise TooLarge(reason="A picture has at most 10 MB; make it smaller.", limit=MAX_PHOTO_BYTES)
    media_type = image_type(content)
    if media_type is None:
        raise NotAPhoto("data", f"{len(content)} bytes", "is none of PNG, JPEG and WebP")
    sha256 = hashlib.sha256(content).hexdigest()

    async def act(tx: Tx) -> Discrepancy:
        await _locked(tx, actor, discrepancy_id)
        there = await tx.rows(store.Q["photos"], {"id": discrepancy_id}, as_=Photo)
        if len(there) >= MAX_PHOTOS and all(photo.sha256 != sha256 for photo in there):
            raise TooLarge(reason=f"A discrepancy has at most {MAX_PHOTOS} pictures.", limit=MAX_PHOTOS)
        # Kept before the row is visible: a row without content would be a fault, content without a row is none.
        await objects.put(sha256, content)
        params = {
            "discrepancy_id": discrepancy_id, "sha256": sha256, "media_type": media_type,
            "size_bytes": len(content), "actor_id": actor.person_id,
        }  # fmt: skip
        await tx.execute(store.Q["add_photo"], params)
        return await _one(tx, actor, discrepancy_id)

    return await db.run(act)


async def read_photo(db: Database, actor: Actor, objects: ObjectStore, sha256: str) -> PhotoContent:
    """The content of a picture and its type. Raises Missing: no discrepancy at the actor's sites has it."""
    actor.require("purchasing.read")
    if not _SHA256.fullmatch(sha256):
        raise Missing("photo", sha256)
    async with db.snapshot() as tx:
        media_type = await tx.value(store.Q["photo_type"], {"sha256": sha256, "scope": actor.scope_ids})
    content = await objects.get(sha256) if media_type else None
    if content is None:
        raise Missing("photo", sha256)
    return PhotoContent(media_type=media_type, content=content)


async def holds_content(tx: Tx, sha256: str) -> bool:
    """Whether a discrepancy has this content: for whoever removes what nobody holds."""
    return await tx.value(store.Q["holds_photo"], {"sha256": sha256})


async def _one(tx: Tx, actor: Actor, discrepancy_id: int) -> Discrepancy:
    known = 0 < discrepancy_id <= LARGEST_ID
    asked = DiscrepancyFilters()
    found = await store.discrepancies(tx, actor.scope_ids, asked, one=discrepancy_id, limit=1) if known else []
    if not found:
        raise Missing("discrepancy", discrepancy_id)
    return found[0]


async def _locked(tx: Tx, actor: Actor, discrepancy_id: int) -> dict[str, int | str]:
    params = {"id": discrepancy_id, "scope": actor.scope_ids}
    found = await tx.dicts(store.Q["lock_discrepancy"], params) if 0 < discrepancy_id <= LARGEST_ID else []
    if not found:
        raise Missing("discrepancy", discrepancy_id)
    return found[0]
