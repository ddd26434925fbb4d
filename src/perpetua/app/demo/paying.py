"""What suppliers bill, in every state; how long they took these three years; a freight bill laid on what came.

Done again after it was cut off, it makes what is missing: each command has its key, and is the same each time.
"""

import contextlib
import csv
import random
import tempfile
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from perpetua.access.types import SYSTEM, Actor
from perpetua.app.demo import staff
from perpetua.app.demo.buying import BUYER, SUPPLIERS
from perpetua.app.demo.history import Trade
from perpetua.app.demo.staff import Staff
from perpetua.costing import service as costing
from perpetua.costing.types import SpreadCharge
from perpetua.kit.database import Database
from perpetua.kit.imports import AlreadyImported, ImportOptions, Source, begin
from perpetua.kit.listing import PageRequest
from perpetua.purchasing import service
from perpetua.purchasing.imports import LEAD_TIMES
from perpetua.purchasing.types import Order, OrderFilters
from perpetua.purchasing.types.invoices import (
    Decide,
    DecideLine,
    EnterInvoice,
    EnterInvoiceLine,
    Invoice,
    ReleaseInvoice,
    VoidInvoice,
)

__all__ = ["HISTORY", "make"]

SEED: Final = 20_260_403
HISTORY: Final = 240
DEARER: Final = Decimal("1.04")
VAT: Final = Decimal("0.2")
PENNY: Final = Decimal("0.01")


async def make(db: Database, trade: Trade, crew: Staff, now: datetime) -> None:
    """Make all of it; suppliers and orders are there."""
    await _history(db, trade, now)
    buyer = msgspec.structs.replace(await staff.acting(db, BUYER), via="cli")
    payer = msgspec.structs.replace(crew.manager, via="cli")
    listed = await service.list_orders(db, buyer, OrderFilters(), PageRequest(limit=1000, sort="id"))
    orders = [await service.get(db, buyer, one.id) for one in listed.items]
    whole = [order for order in orders if order.status == "RECEIVED"]
    part = [order for order in orders if order.status == "PARTIAL_RECEIVED"]
    for place, order in enumerate(whole):
        await _bill(db, order, place, now.date(), buyer, payer)
    for order in part[:3]:
        await _entered(db, order, order.external_id or "", now.date(), buyer, Decimal(1))
    if whole:
        charge = SpreadCharge(
            kind="freight", basis="value", amount=Decimal("186.40"), charged_on=now.date(), reference="PICKERING 20817",
            purchase_orders=[whole[0].number], note="Came a fortnight after the goods",
        )  # fmt: skip
        await costing.spread_charge(db, payer, charge, key="demo-freight")


async def _bill(db: Database, order: Order, place: int, today: date, buyer: Actor, payer: Actor) -> None:
    """Of what came whole: one paid, one to be decided on, one accepted, one asked back in part, one void, others
    matched."""
    name = order.external_id or order.number
    differs = place in {1, 2, 3}
    made = await _entered(db, order, name, today, buyer, DEARER if differs else Decimal(1), key=f"demo-bill-{name}")
    if place == 4:
        twice = await _entered(db, order, f"{name}/2", today, buyer, Decimal(1), key=f"demo-bill-{name}-2")
        void = VoidInvoice(reason="Sent twice")
        await service.void_invoice(db, buyer, twice.id, void, version=twice.version, key=f"demo-void-{name}")
    if place in {2, 3} and made.flagged:
        what: Any = "accept" if place == 2 else "credit"
        reason = "New price list, agreed by telephone" if place == 2 else "Not the price that was ordered at"
        odd = [line.line_no for line in made.lines if line.problems]
        decided = Decide(lines=[DecideLine(line_no=number, decision=what, reason=reason) for number in odd])
        key = f"demo-decide-{name}"
        made = (
            await service.decide_invoice(db, payer, made.id, decided, version=made.version, key=key)
        ).answer  # fmt: skip
    if place in {0, 2} and not made.flagged and not made.waiting:
        key = f"demo-release-{name}"
        await service.release_invoice(db, payer, made.id, ReleaseInvoice(), version=made.version, key=key)


async def _entered(
    db: Database, order: Order, name: str, today: date, buyer: Actor, factor: Decimal, *, key: str | None = None
) -> Invoice:
    lines: list[EnterInvoiceLine] = []
    for line in order.lines:
        assert isinstance(line.unit_price, Decimal)  # the buyer sees prices
        price = (line.unit_price * factor).quantize(PENNY).max(line.unit_price)
        tax = (line.ordered * price * VAT).quantize(PENNY)
        lines.append(EnterInvoiceLine(po_line=line.line_no, quantity=line.ordered, unit_price=price, tax=tax))
    total = sum(((line.quantity * line.unit_price).quantize(PENNY) + line.tax for line in lines), Decimal(0))
    command = EnterInvoice(
        supplier=order.supplier, number=f"{order.supplier[:2]}-{name}", po=order.number, lines=lines, total=total,
        invoiced_on=today - timedelta(days=3), exchange_rate=order.exchange_rate,
    )  # fmt: skip
    return (await service.enter_invoice(db, buyer, command, key=key or f"demo-bill-{name}")).answer


async def _history(db: Database, trade: Trade, now: datetime) -> None:
    """Three years of purchases from the system before this one, as a file."""
    rng = random.Random(SEED)  # noqa: S311
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "purchases-before.csv"
        with file.open("w", newline="") as out:
            sheet = csv.writer(out)
            sheet.writerow(["supplier", "sku", "ordered_on", "promised_on", "received_on", "quantity", "reference"])
            sheet.writerows(_rows(rng, trade, now.date()))
        with contextlib.suppress(AlreadyImported):
            await begin(db, SYSTEM, LEAD_TIMES, [Source(file, file.name)], ImportOptions())


def _rows(rng: random.Random, trade: Trade, today: date) -> list[Sequence[object]]:
    rows: list[Sequence[object]] = []
    for number in range(HISTORY):
        vendor = SUPPLIERS[number % len(SUPPLIERS)]
        item = trade.items[rng.randrange(min(len(trade.items), 60))]
        ordered = today - timedelta(days=rng.randint(120, 1100))
        promised = ordered + timedelta(days=vendor.lead_time_days)
        # Mostly on the day or a little after it; the far ones late more often.
        late = max(round(rng.gauss(vendor.lead_time_days / 12, vendor.lead_time_days / 5)), -vendor.lead_time_days)
        rows.append([vendor.code, item.sku, ordered, promised, promised + timedelta(days=late), 10, f"B{number:04d}"])
    return rows
