"""From a code to what it names: an item (by barcode, radio tag or SKU) or a place (by its label)."""

import msgspec

from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.items.types import VariantRef
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue
from perpetua.ledger import service as ledger
from perpetua.ledger.types import ItemLevel
from perpetua.places import service as places
from perpetua.places.types import LocationRef
from perpetua.scanning import rules
from perpetua.scanning.errors import UnknownCode
from perpetua.scanning.types import Reading, Scan, ScannedItem, ScannedPlace

__all__ = ["Understood", "stock_here", "understand"]

MOST_LEVELS = 100


class Understood(msgspec.Struct, frozen=True, kw_only=True):
    """What a scan names, and where it was made."""

    reading: Reading
    item: ScannedItem | None = None
    place: ScannedPlace | None = None
    here: LocationRef | None = None


async def understand(db: Database, actor: Actor, scan: Scan) -> Understood:
    """What the scan names.

    Raises:
        UnknownCode: no item and no place of the actor's has the code.
        InvalidValue: it cannot be read, or there is no such place as it says it was made at.
        OutOfScope: it was made at a place that is not the actor's.
    """
    reading = rules.read_tag(scan.code, scan.symbology) or _read(scan)
    texts = list(dict.fromkeys([*reading.codes, scan.code.strip()]))
    async with db.snapshot() as tx:
        here = await _here(tx, actor, scan.location)
        item = await _item(tx, texts)
        if item is not None:
            return Understood(reading=reading, item=item, here=here)
        for place in (await places.by_codes(tx, texts)).values():
            if actor.scope is None or not actor.scope.isdisjoint(place.path):
                label = ScannedPlace(location_id=place.id, code=place.code, kind=place.kind, active=place.active)
                return Understood(reading=reading, place=label, here=place)
    raise UnknownCode(scanned=scan.code[:120], codes=reading.codes[:5], gtin=reading.gtin)


async def stock_here(db: Database, actor: Actor, understood: Understood) -> list[ItemLevel]:
    """Where the item lies: below the place of the scan, else everywhere the actor may see."""
    if understood.item is None or not actor.may("stock.read"):
        return []
    levels = await ledger.item_levels(db, actor, [understood.item.variant_id])
    if understood.here is not None:
        async with db.snapshot() as tx:
            refs = await places.by_ids(tx, [level.location_id for level in levels])
        here = understood.here.id
        levels = [level for level in levels if level.location_id in refs and here in refs[level.location_id].path]
    return levels[:MOST_LEVELS]


def _read(scan: Scan) -> Reading:
    read = items.read_scan(scan.code)
    return Reading(
        codes=read.codes,
        gtin=read.gtin,
        sscc=read.sscc,
        lot=read.lot,
        serial=read.serial,
        expires_on=read.expires_on,
        count=read.count,
    )


async def _item(tx: Tx, texts: list[str]) -> ScannedItem | None:
    barcodes = await items.resolve_barcodes(tx, texts)
    for text in texts:
        if text in barcodes:
            hit = barcodes[text]
            return msgspec.structs.replace(_seen(hit.variant), named_by="barcode", level=hit.level, units=hit.units)
    for variant in (await items.resolve_skus(tx, texts)).values():
        return _seen(variant)
    return None


def _seen(variant: VariantRef) -> ScannedItem:
    return ScannedItem(
        variant_id=variant.id,
        product_id=variant.product_id,
        sku=variant.sku,
        name=variant.name,
        unit=variant.unit,
        tracking=variant.tracking,
        active=variant.active,
    )


async def _here(tx: Tx, actor: Actor, code: str | None) -> LocationRef | None:
    if not code:
        return None
    found = (await places.by_codes(tx, [code])).get(code) if "\0" not in code else None
    if found is None:
        raise InvalidValue("location", code, "there is no such place")
    actor.require_place(found.path, found.code)
    return found
