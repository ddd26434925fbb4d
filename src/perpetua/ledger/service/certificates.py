"""Certificates of lots: one file a lot. Its content tells its type; nothing that a sender says about it is used."""

import hashlib
from typing import Final

import msgspec

from perpetua.access.types import Actor
from perpetua.kit.database import Database, Queries, Tx
from perpetua.kit.errors import Missing, Stale, TooLarge
from perpetua.kit.objects import ObjectStore
from perpetua.ledger import rules, store
from perpetua.ledger.errors import NotACertificate
from perpetua.ledger.service.lot_reading import detail
from perpetua.ledger.service.lotting import KeptLot, lock_lots, require_lots, write_lot
from perpetua.ledger.types import LotDetail, LotFile

__all__ = ["MAX_CERTIFICATE_BYTES", "holds_content", "put_certificate", "read_certificate", "remove_certificate"]

Q = Queries(store.__file__, "lots.sql")
MAX_CERTIFICATE_BYTES: Final = 10_000_000


async def put_certificate(
    db: Database, actor: Actor, objects: ObjectStore, lot_id: int, content: bytes, *, version: int | None = None
) -> LotDetail:
    """Keep a PDF, PNG or JPEG as the lot's certificate, in place of the one it has.

    Raises:
        Missing: no such lot. Stale: it was changed since it was read.
        NotACertificate: the content is nothing of these. TooLarge: more than 10 MB.
    """
    actor.require("lots.write")
    if len(content) > MAX_CERTIFICATE_BYTES:
        raise TooLarge(reason="A certificate has at most 10 MB.", limit=MAX_CERTIFICATE_BYTES)
    media_type = rules.certificate_type(content)
    if media_type is None:
        raise NotACertificate(taken=["application/pdf", "image/png", "image/jpeg"])
    sha256 = hashlib.sha256(content).hexdigest()

    async def act(tx: Tx) -> LotDetail:
        before = await _held(tx, actor, lot_id, version)
        if before.certificate != sha256:
            await tx.value(Q["keep_content"], {"sha256": sha256})  # nobody removes it as unheld meanwhile
            # Kept before the row is visible: a row without content would be a fault, content without a row is none.
            await objects.put(sha256, content)
            after = msgspec.structs.replace(before, certificate=sha256, certificate_type=media_type)
            await write_lot(tx, actor, before, after, ["certificate", "certificate_type"], "certificate", None)
        return await detail(tx, actor, lot_id)

    return await db.run(act)


async def remove_certificate(
    db: Database, actor: Actor, objects: ObjectStore, lot_id: int, *, version: int | None = None
) -> LotDetail:
    """Take the lot's certificate away; its content stays in the store for a day. Raises Missing, Stale."""
    actor.require("lots.write")

    async def act(tx: Tx) -> LotDetail:
        before = await _held(tx, actor, lot_id, version)
        if before.certificate is None:
            raise Missing("certificate", lot_id)
        after = msgspec.structs.replace(before, certificate=None, certificate_type=None)
        await write_lot(tx, actor, before, after, ["certificate", "certificate_type"], "certificate", None)
        await objects.renew(before.certificate)
        return await detail(tx, actor, lot_id)

    return await db.run(act)


async def read_certificate(db: Database, actor: Actor, objects: ObjectStore, lot_id: int) -> LotFile:
    """The certificate's content and type. Raises Missing: no such lot, or it has none."""
    actor.require("stock.read")
    async with db.snapshot() as tx:
        lot = await detail(tx, actor, lot_id)
    content = await objects.get(lot.certificate) if lot.certificate else None
    if content is None or lot.certificate_type is None:
        raise Missing("certificate", lot_id)
    return LotFile(media_type=lot.certificate_type, content=content)


async def holds_content(tx: Tx, sha256: str) -> bool:
    """Whether a lot has this content, for whoever removes what nobody has."""
    return await tx.value(Q["holds_content"], {"sha256": sha256})


async def _held(tx: Tx, actor: Actor, lot_id: int, version: int | None) -> KeptLot:
    found = await lock_lots(tx, [lot_id])
    if not found:
        raise Missing("lot", lot_id)
    await require_lots(tx, actor, [lot_id])
    if version is not None and version != found[0].version:
        raise Stale(what="lot", key=lot_id, sent=version, current=found[0].version)
    return found[0]
