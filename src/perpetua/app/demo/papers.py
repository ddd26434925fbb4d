"""What is kept about goods: lots with suppliers, some on hold, a recall that is over, and a pallet with its boxes.

Done again after it was cut off, it makes what is missing: each command has its key, and is the same each time.
"""

from decimal import Decimal
from typing import Final

from perpetua.app.demo.history import Trade
from perpetua.app.demo.sites import SITES
from perpetua.app.demo.staff import Staff
from perpetua.items import service as items
from perpetua.kit.database import Database
from perpetua.kit.listing import PageRequest
from perpetua.ledger import service as ledger
from perpetua.ledger.types import ChangeLot, ItemLevel, Lot, LotFilters, SetLotStatus
from perpetua.plates import service as plates
from perpetua.plates.types import ChangePlateSettings, MakePlate, Nest, PlateLine, PutOn
from perpetua.tracing import service as tracing
from perpetua.tracing.types import CloseRecall, OpenRecall, ReleaseLots

__all__ = ["make"]

SUPPLIERS: Final = ("Norrland Gas", "Aire Valley Chemicals", "Pennine Provisions")
PREFIX: Final = "5012345"
"""A GS1 company prefix that nobody has."""
BOXES: Final = 3


async def make(db: Database, trade: Trade, crew: Staff) -> None:
    """Make all of it; the lots and the stock are there."""
    found = await ledger.list_lots(db, crew.manager, LotFilters(with_stock=True), PageRequest(limit=40, sort="number"))
    await _suppliers(db, crew, found.items)
    await _held(db, crew, found.items[:2])
    await _recalled(db, crew, found.items[2:4])
    await _plates(db, trade, crew)


async def _suppliers(db: Database, crew: Staff, lots: list[Lot]) -> None:
    for number, lot in enumerate(lots):
        supplier = SUPPLIERS[lot.variant_id % len(SUPPLIERS)]
        change = ChangeLot(supplier=supplier, supplier_lot=f"{supplier[:2].upper()}-{lot.number[1:6]}")
        await ledger.change_lot(db, crew.manager, lot.id, change, version=1, key=f"demo-lot-{number}")


async def _held(db: Database, crew: Staff, lots: list[Lot]) -> None:
    for number, lot in enumerate(lots):
        command = SetLotStatus(
            status="hold" if number == 0 else "quarantine",
            reason="Caps leak; waiting for the supplier's answer" if number == 0 else "Stood in the sun at the dock",
        )
        await ledger.set_lot_status(db, crew.manager, lot.id, command, key=f"demo-lot-hold-{number}")


async def _recalled(db: Database, crew: Staff, lots: list[Lot]) -> None:
    if not lots:
        return
    command = OpenRecall(reason="Printed dates may be a year late", lot_ids=[lot.id for lot in lots])
    recall = (await tracing.open_recall(db, crew.manager, command, key="demo-recall")).answer
    release = ReleaseLots(lot_ids=[lots[0].id], reason="Checked: its dates are right")
    await tracing.release_lots(db, crew.manager, recall.id, release, key="demo-recall-release")
    close = CloseRecall(leave_rest=True, notes="Customers were told; the rest waits for the supplier's lorry.")
    await tracing.close_recall(db, crew.manager, recall.id, close, key="demo-recall-close")


async def _plates(db: Database, trade: Trade, crew: Staff) -> None:
    settings = await plates.get_settings(db, crew.manager)
    if settings.company_prefix is None:
        change = ChangePlateSettings(company_prefix=PREFIX)
        await plates.change_settings(db, crew.manager, change, version=settings.version)
    shelf = await _fullest(db, trade, crew)
    if not shelf:
        return
    place = shelf[0].location
    command = MakePlate(location=place, note="For the shop")
    pallet = (await plates.make(db, crew.manager, command, key="demo-pallet")).answer
    for number in range(BOXES):
        box = MakePlate(location=place, code=f"BOX-{number + 1:03d}")
        made = (await plates.make(db, crew.manager, box, key=f"demo-box-{number}")).answer
        level = shelf[number % len(shelf)]
        line = PlateLine(variant_id=level.variant_id, quantity=Decimal(1))
        await plates.put_on(db, crew.manager, made.id, PutOn(lines=[line]), key=f"demo-box-put-{number}")
        if number < BOXES - 1:
            nest = Nest(parent=pallet.code)
            await plates.nest(db, crew.manager, made.id, nest, key=f"demo-box-nest-{number}")


async def _fullest(db: Database, trade: Trade, crew: Staff) -> list[ItemLevel]:
    """What lies in the warehouse's bin with the most kinds of goods, of those that are in no lots."""
    skus = [item.sku for item in trade.items if item.tracking == "none"][:200]
    variants = await db.run(lambda tx: items.resolve_skus(tx, skus))
    levels = await ledger.item_levels(db, crew.manager, [variant.id for variant in variants.values()])
    by_bin: dict[str, list[ItemLevel]] = {}
    for level in levels:
        if level.kind == "bin" and level.location.startswith(f"{SITES[0].code}-") and level.on_hand >= BOXES:
            by_bin.setdefault(level.location, []).append(level)
    none: list[ItemLevel] = []
    return max(by_bin.values(), key=lambda some: (len(some), some[0].location), default=none)
