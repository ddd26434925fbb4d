"""From a code to what it names: an item (by barcode, radio tag or SKU), a plate (by SSCC or code) or a place."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from perpetua.access.types import Actor
from perpetua.gs1 import service as gs1
from perpetua.gs1.types import Amount, Element, Message, Text
from perpetua.items import service as items
from perpetua.items.types import ScanReading, VariantRef
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue, Missing
from perpetua.ledger import service as ledger
from perpetua.ledger.types import ItemLevel
from perpetua.places import service as places
from perpetua.places.types import LocationRef
from perpetua.plates import service as plates
from perpetua.scanning import rules
from perpetua.scanning.errors import UnknownCode
from perpetua.scanning.service.goods import goods_of, settled
from perpetua.scanning.types import Choice, Reading, Scan, ScannedGoods, ScannedItem, ScannedPlace, ScannedPlate

__all__ = ["Understood", "reading_of", "stock_here", "understand"]

MOST_LEVELS = 100
_NUMBER = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,6})?")


class Understood(msgspec.Struct, frozen=True, kw_only=True):
    """What a scan names, and where it was made."""

    reading: Reading
    item: ScannedItem | None = None
    goods: ScannedGoods | None = None
    place: ScannedPlace | None = None
    plate: ScannedPlate | None = None
    here: LocationRef | None = None


async def understand(db: Database, actor: Actor, scan: Scan, today: date) -> Understood:
    """What the scan names; `today` decides the century of years written with two digits.

    Raises:
        UnknownCode: no item, and no plate or place of the actor's, has the code.
        InvalidValue: it cannot be read, or there is no such place as it says it was made at.
        OutOfScope: it was made at a place that is not the actor's.
    """
    read: ScanReading | None = None
    reading = rules.read_tag(scan.code, scan.symbology)
    if reading is None:
        read = items.read_scan(scan.code, today=today)
        reading = reading_of(read)
    texts = list(dict.fromkeys([*reading.codes, scan.code.strip()]))
    async with db.snapshot() as tx:
        here = await _here(tx, actor, scan.location)
        if reading.sscc is not None and (plate := await _plate(tx, actor, [reading.sscc])) is not None:
            return Understood(reading=reading, plate=plate, here=here)
        found = await _item(tx, texts)
        if found is not None:
            item, variant = found
            if read is not None:
                reading = await settled(tx, scan, read, reading, item)
            goods = await goods_of(tx, scan, reading, item, variant, today)
            return Understood(reading=reading, item=item, goods=goods, here=here)
        if (plate := await _plate(tx, actor, texts)) is not None:
            return Understood(reading=reading, plate=plate, here=here)
        for place in (await places.by_codes(tx, texts)).values():
            if actor.scope is None or not actor.scope.isdisjoint(place.path):
                label = ScannedPlace(location_id=place.id, code=place.code, kind=place.kind, active=place.active)
                return Understood(reading=reading, place=label, here=place)
    raise UnknownCode(scanned=scan.code[:120], codes=reading.codes[:5], gtin=reading.gtin, **_said(reading, read))


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


def reading_of(read: ScanReading) -> Reading:
    """What a code says by itself, as it is told."""
    message = read.gs1
    label = gs1.label_data(message.elements) if message else None
    return Reading(
        codes=read.codes,
        gtin=read.gtin,
        sscc=read.sscc,
        lot=read.lot,
        serial=read.serial,
        expires_on=read.expires_on,
        best_before_on=read.best_before_on,
        produced_on=read.produced_on,
        count=read.count,
        net=label.net if label else None,
        elements=[_shown(one) for one in message.elements] if message else [],
        ambiguous=message.ambiguous if message else False,
        choices=_choices(message) if message else [],
        notes=_notes(message) if message else [],
    )


def _shown(element: Element) -> Element:
    """The same; an amount that is longer than the numbers of the API is shown as text."""
    meaning = element.meaning
    if isinstance(meaning, Amount) and not _NUMBER.fullmatch(str(meaning.amount)):
        return msgspec.structs.replace(element, meaning=Text(f"{meaning.amount:f}"))
    return element


def _choices(message: Message) -> list[Choice]:
    made: list[Choice] = []
    for way in message.readings:
        label = gs1.label_data(way.elements)
        count = None if label.count is None else Decimal(label.count)
        text = gs1.bracketed(way.elements)
        made.append(Choice(lot=label.lot, serial=label.serial, expires_on=label.expires_on, count=count, text=text))
    return made


def _notes(message: Message) -> list[str]:
    lost = ["a separator is missing: the scanner should send FNC1 (ASCII 29)"] if message.separators_lost else []
    return [*lost, *(finding.text for finding in message.findings)]


def _said(reading: Reading, read: ScanReading | None) -> dict[str, Any]:
    """What the label says of goods that nobody knows."""
    said = {name: getattr(reading, name) for name in ("sscc", "lot", "serial", "expires_on", "count")}
    said["not_gs1"] = read.not_gs1 if read else None
    return {name: value for name, value in said.items() if value is not None}


async def _plate(tx: Tx, actor: Actor, codes: list[str]) -> ScannedPlate | None:
    plate_id = await plates.named(tx, codes)
    if plate_id is None:
        return None
    try:
        plate = await plates.detail(tx, actor, plate_id)
    except Missing:  # not at one of the actor's places
        return None
    return ScannedPlate(
        plate_id=plate.id, code=plate.code, sscc=plate.sscc, location=plate.location, status=plate.status,
        goods=len(plate.goods), plates=len(plate.nested),
    )  # fmt: skip


async def _item(tx: Tx, texts: list[str]) -> tuple[ScannedItem, VariantRef] | None:
    barcodes = await items.resolve_barcodes(tx, texts)
    for text in texts:
        if text in barcodes:
            hit = barcodes[text]
            item = msgspec.structs.replace(_seen(hit.variant), named_by="barcode", level=hit.level, units=hit.units)
            return item, hit.variant
    for variant in (await items.resolve_skus(tx, texts)).values():
        return _seen(variant), variant
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
