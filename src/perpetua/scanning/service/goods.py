"""What a scanned package is: its lot, expiry, serial and quantity, in the item's own terms."""

from datetime import date
from decimal import Decimal

import msgspec

from perpetua.gs1 import service as gs1
from perpetua.items import service as items
from perpetua.items.errors import NotExact
from perpetua.items.service import Measured
from perpetua.items.types import ScanReading, VariantRef
from perpetua.kit.database import Tx
from perpetua.kit.errors import InvalidValue
from perpetua.ledger import service as ledger
from perpetua.scanning import rules
from perpetua.scanning.types import Reading, Scan, ScannedGoods, ScannedItem, Trait

__all__ = ["goods_of", "settled"]

_UNITS = frozenset({"kg", "lb", "m", "in", "ft", "yd", "m2", "l", "m3", "gal"})
"""Of the units that labels have, those that the catalogue has."""


async def settled(tx: Tx, scan: Scan, read: ScanReading, reading: Reading, item: ScannedItem) -> Reading:
    """The reading that is meant, where separators may be lost: by what the item is tracked by, what the scan says
    beside the code, and which lots are known. Where that does not tell, the reading stays ambiguous.
    """
    if read.gs1 is None or not read.gs1.readings:
        return reading
    ways = [gs1.label_data(way.elements) for way in read.gs1.readings]
    standard = None if read.gs1.ambiguous else gs1.label_data(read.gs1.elements)
    ways = [*([standard] if standard else []), *ways]
    named = [(item.variant_id, lot) for lot in {way.lot for way in ways if way.lot}]
    known = {lot.upper_number for lot in await ledger.lots_named(tx, named)}
    chosen = rules.choose(ways, standard, item.tracking, scan.lot, scan.serial, known)
    if chosen is None:
        return msgspec.structs.replace(reading, ambiguous=True, lot=None, serial=None, expires_on=None)
    return msgspec.structs.replace(
        reading,
        ambiguous=False,
        lot=chosen.lot,
        serial=chosen.serial,
        expires_on=chosen.expires_on,
        best_before_on=chosen.best_before_on,
        produced_on=chosen.produced_on,
        count=None if chosen.count is None else Decimal(chosen.count),
        net=chosen.net,
    )


async def goods_of(
    tx: Tx, scan: Scan, reading: Reading, item: ScannedItem, variant: VariantRef, today: date
) -> ScannedGoods:
    """Lot, expiry, serial and quantity of one scanned package, and what of that is unknown or missing."""
    lot = (reading.lot or scan.lot) if item.tracking != "none" else None
    serial = (reading.serial or scan.serial) if item.tracking == "serial" else None
    lots = await ledger.lots_named(tx, [(item.variant_id, lot)] if lot else [])
    serials = await ledger.serials_named(tx, [(item.variant_id, serial)] if serial else [])
    unknown: list[Trait] = []
    missing: list[Trait] = []
    notes = rules.expiry_notes(reading.expires_on, lots[0].expires_on if lots else None, today)
    if lot and not lots:
        unknown.append("lot")
    if serial and not serials:
        unknown.append("serial")
    if item.tracking == "lot" and not lot:
        missing.append("lot")
    if item.tracking == "serial" and not serial:
        missing.append("serial")
    if lots and lots[0].blocked:
        notes.append(f"lot {lots[0].number} is blocked")
    recorded = date.fromisoformat(lots[0].expires_on) if lots and lots[0].expires_on else None
    return ScannedGoods(
        quantity=await _quantity(tx, reading, item, variant),
        unit=item.unit,
        lot=lots[0].number if lots else lot,
        lot_id=lots[0].id if lots else None,
        expires_on=recorded or reading.expires_on,
        best_before_on=reading.best_before_on,
        produced_on=reading.produced_on,
        serial=serials[0].serial if serials else serial,
        serial_id=serials[0].id if serials else None,
        unknown=unknown,
        missing=missing,
        notes=notes,
    )


async def _quantity(tx: Tx, reading: Reading, item: ScannedItem, variant: VariantRef) -> Decimal | None:
    """In base units: the net measure where the item is kept in such a unit, else count times what one holds."""
    if reading.net is not None and reading.net.unit in _UNITS:
        net = Measured(rules.plain(reading.net.quantity), reading.net.unit, variant, "code")
        try:
            return (await items.to_base_units(tx, [net]))[0]
        except InvalidValue as refused:
            if not isinstance(refused, NotExact) or "decimals" in refused.facts:
                return None  # it would have to be rounded
    return (reading.count if reading.count is not None else Decimal(1)) * item.units
