"""What is bought: six suppliers, what they sell at which prices, and purchase orders all along their way.

Done again after it was cut off, it makes what is missing: each command has its key, and is the same each time.
"""

import random
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, NamedTuple
from zlib import crc32

import msgspec

from perpetua.access.types import Actor
from perpetua.app.demo import staff
from perpetua.app.demo.catalogue import Item
from perpetua.app.demo.history import Trade
from perpetua.app.demo.people import PEOPLE
from perpetua.app.demo.sites import SITES
from perpetua.app.demo.staff import Staff
from perpetua.kit.database import Database
from perpetua.partners import service as partners
from perpetua.partners.types import Address, Calendar, Contact, CreateSupplier, Terms
from perpetua.purchasing import service as purchasing
from perpetua.purchasing.types import (
    AddLine,
    ApproveOrder,
    CancelOrder,
    ChangeLine,
    ChangeOrder,
    ConfirmLine,
    ConfirmOrder,
    CreateOrder,
    Order,
    PriceBreak,
    SetSettings,
    SetSupplierItem,
    SetSupplierItems,
    SubmitOrder,
)
from perpetua.receiving import service as receiving
from perpetua.receiving.types import ReceiveOrder, TakeLine

__all__ = ["ORDERS", "SUPPLIERS", "make"]

SEED: Final = 20_260_402
ORDERS: Final = 25
RATES: Final = {"EUR": Decimal("0.85"), "SEK": Decimal("0.075")}
LIMIT: Final = Decimal(2500)
BUYER: Final = next(person.email for person in PEOPLE if person.role == "purchasing_staff")
PENNY: Final = Decimal("0.01")


class Vendor(NamedTuple):
    """A supplier, in short."""

    code: str
    name: str
    currency: str
    town: tuple[str, str, str]
    contact: str
    lead_time_days: int
    net_days: int
    cut_off: time | None = None


SUPPLIERS: Final = (
    Vendor("AIRE", "Aire Valley Chemicals", "GBP", ("Bradford", "BD1 2AA", "GB"), "Joan Sykes", 5, 30, time(14)),
    Vendor("NORRLAND", "Norrland Gas", "SEK", ("Umeå", "903 26", "SE"), "Sven Lindqvist", 21, 60),
    Vendor("PENNINE", "Pennine Provisions", "GBP", ("Skipton", "BD23 1DD", "GB"), "Alan Firth", 3, 14, time(11, 30)),
    Vendor("KESWICK", "Keswick Canvas & Rope", "GBP", ("Keswick", "CA12 4DJ", "GB"), "Moira Bell", 10, 30),
    Vendor("LUMEN", "Lumen Haus GmbH", "EUR", ("Kassel", "34117", "DE"), "Anke Vogt", 14, 30, time(15)),
    Vendor("CALDER", "Calder Homeware", "GBP", ("Halifax", "HX1 1UZ", "GB"), "Imran Shah", 8, 45),
)


async def make(db: Database, trade: Trade, crew: Staff, now: datetime) -> None:
    """Make all of it; the history is there, and `trade` has run to its end."""
    rng = random.Random(SEED)  # noqa: S311
    # Orders are approved by persons alone: these act with the system's rights, but as themselves.
    buyer = msgspec.structs.replace(await staff.acting(db, BUYER), via="cli")
    second = msgspec.structs.replace(crew.manager, via="cli")
    settings = SetSettings(currency="GBP", second_approval_above=LIMIT, over_percent=Decimal(5), rates=RATES)
    await purchasing.set_settings(db, buyer, settings, version=1, key="demo-purchasing")
    for vendor in SUPPLIERS:
        await partners.create_supplier(db, buyer, _supplier(vendor), key=f"demo-supplier-{vendor.code}")
    sold = [_sold(item) for place, item in enumerate(trade.items) if place % 11]
    await purchasing.set_items(db, buyer, SetSupplierItems(items=sold), key="demo-supplier-items")
    goods = _goods(trade)
    for number in range(ORDERS):
        await _order(db, rng, trade, goods, number, now, buyer, second, crew)


def _supplier(vendor: Vendor) -> CreateSupplier:
    town, postcode, country = vendor.town
    host = f"{vendor.code.lower()}.example"
    return CreateSupplier(
        code=vendor.code, name=vendor.name, currency=vendor.currency, order_email=f"orders@{host}",
        terms=Terms(net_days=vendor.net_days, discount_percent=Decimal(2), discount_days=7),
        lead_time_days=vendor.lead_time_days, calendar=Calendar(cut_off=vendor.cut_off),
        addresses=[Address(lines=["1 Works Road"], city=town, postcode=postcode, country=country)],
        contacts=[Contact(name=vendor.contact, role="Sales", email=f"sales@{host}")],
    )  # fmt: skip


def _vendor(item: Item) -> Vendor:
    """Whoever makes it: the same for all variants of a product."""
    return SUPPLIERS[crc32(item.sku.split("-")[0].encode()) % len(SUPPLIERS)]


def _sold(item: Item) -> SetSupplierItem:
    """An item as its supplier sells it: in cases, cheaper by ten of them."""
    vendor, case = _vendor(item), Decimal(item.case)
    cost = item.cost / RATES.get(vendor.currency, Decimal(1))
    prices = [
        PriceBreak(unit_price=(cost * factor).quantize(PENNY, ROUND_HALF_UP), min_qty=least)
        for least, factor in ((Decimal(0), Decimal("1.04")), (case * 10, Decimal("0.97")))
    ]
    return SetSupplierItem(
        supplier=vendor.code, sku=item.sku, supplier_sku=f"{vendor.code[:2]}{crc32(item.sku.encode()) % 100_000:05d}",
        min_order_qty=case, pack_multiple=case, prices=prices,
    )  # fmt: skip


def _goods(trade: Trade) -> list[Item]:
    """What the company has most of: nobody waits for it."""
    total = {n: sum(quantity for (m, _), quantity in trade.stock.items() if m == n) for n in trade.plain}
    return [trade.items[n] for n in sorted(trade.plain, key=lambda n: (-total[n], n)) if n % 11][:400]


async def _order(
    db: Database, rng: random.Random, trade: Trade, goods: Sequence[Item], number: int, now: datetime, buyer: Actor,
    second: Actor, crew: Staff,
) -> None:  # fmt: skip
    vendor = SUPPLIERS[number % len(SUPPLIERS)]
    mine = [item for item in goods if _vendor(item) is vendor]
    chosen = rng.sample(mine, min(len(mine), rng.randint(2, 6)))
    cases = [rng.randint(1, 4) for _ in chosen]
    if not chosen:
        return
    key = f"demo-po-{number}"
    site = SITES[0] if number % 5 else SITES[2]
    command = CreateOrder(
        supplier=vendor.code, site=site.code, external_id=f"LF-{4100 + number}",
        lines=[AddLine(sku=i.sku, quantity=Decimal(i.case * n)) for i, n in zip(chosen, cases, strict=True)],
    )  # fmt: skip
    draft = (await purchasing.create(db, buyer, command, key=key)).answer
    if number < 3:
        return
    approved = (await purchasing.approve(db, buyer, draft.id, ApproveOrder(), key=f"{key}-approve")).answer
    if not approved.approved:
        if number == 3:
            return
        await purchasing.approve(db, second, draft.id, ApproveOrder(note="For the season"), key=f"{key}-second")
    if number == 4:
        return
    if number == 5:
        await purchasing.cancel(db, buyer, draft.id, CancelOrder(reason="Bought elsewhere"), key=f"{key}-cancel")
        return
    at = now - timedelta(days=rng.randint(1, 30) if number < 15 else rng.randint(25, 40))
    placed = await purchasing.submit(db, buyer, draft.id, SubmitOrder(), key=f"{key}-submit", clock=lambda: at)
    await _onward(db, number, placed.answer, now, buyer, crew.at[site.code], site.dock, key)


async def _onward(
    db: Database, number: int, order: Order, now: datetime, buyer: Actor, clerk: Actor, dock: str, key: str
) -> None:
    """So far as this one has come."""
    if number == 6:
        first = order.lines[0]
        more = ChangeOrder(lines=[ChangeLine(line_no=1, quantity=first.ordered * 3)], reason="It sells too well")
        await purchasing.change(db, buyer, order.id, more, version=order.version, key=f"{key}-more")
    if number < 10:
        return
    day = (now + timedelta(days=number - 8)).date()
    promise = ConfirmOrder(promised_on=day, supplier_reference=f"{order.supplier[:2]}/{7000 + number}")
    if number == 12:
        line = ConfirmLine(line_no=1, promised_on=day + timedelta(days=14))
        promise = msgspec.structs.replace(promise, lines=[line])
    await purchasing.confirm(db, buyer, order.id, promise, key=f"{key}-confirm")
    if number == 13:
        await purchasing.cancel(db, buyer, order.id, CancelOrder(reason="Out of the range"), key=f"{key}-cancel")
    if number < 15:
        return
    lines = None
    if number < 20:
        lines = [TakeLine(sku=line.sku, quantity=line.ordered) for line in order.lines[: len(order.lines) // 2 or 1]]
        if len(order.lines) == 1:
            lines = [TakeLine(sku=order.lines[0].sku, quantity=order.lines[0].ordered // 2 or Decimal(1))]
    came = ReceiveOrder(location=dock, lines=lines, carrier="Pickering Haulage")
    await receiving.receive_order(db, clerk, order.id, came, key=f"{key}-came")
