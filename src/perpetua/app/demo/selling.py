"""What customers want: rules with two tiers, a kit, reservations, and orders of three channels all along their way.

Done again after it was cut off, it makes what is missing: each command has its key or its external id, and is the same
each time.
"""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from perpetua.allocation import service as allocation
from perpetua.allocation.service import Outcome, Request
from perpetua.allocation.types import ChannelRules, Jump, Reserve, ReserveLine, Rules, SetRules, TierRules
from perpetua.app.demo.history import Trade
from perpetua.app.demo.sites import SITES
from perpetua.app.demo.staff import Staff
from perpetua.items import service as items
from perpetua.items.types import CreateProduct, CreateVariant, KitPart, SetComponents
from perpetua.kit.database import Database
from perpetua.kit.errors import Refusal
from perpetua.ledger import service as ledger
from perpetua.ledger.types import Receive, ReceiveLine
from perpetua.orders import service as orders
from perpetua.orders.types import (
    CancelLine,
    CancelOrder,
    Contact,
    CreateCustomer,
    Order,
    PlaceLine,
    PlaceOrder,
    ShipLine,
    ShipOrder,
    ShipTo,
)

__all__ = ["KIT", "ORDERS", "make"]

SEED: Final = 20_260_401
ORDERS: Final = 160
DAYS: Final = 12
TOGETHER: Final = 10
KIT: Final = "SET-WEEKEND"

RULES: Final = Rules(
    tiers=[
        TierRules(code="gold", rank=1, service_level=Decimal("0.98"), hold_percent=Decimal(5)),
        TierRules(code="silver", rank=2, service_level=Decimal("0.9")),
    ],
    channels={
        "web": ChannelRules(buffer_units=Decimal(1), sites=["FC1", "WH1"], sourcing="fewest_parcels"),
        "trade": ChannelRules(tier="silver", sites=["WH1", "FC1"]),
        "market": ChannelRules(buffer_percent=Decimal(10), share_percent=Decimal(40), fulfilment="cancel_rest"),
    },
)
CUSTOMERS: Final = (
    ("FELLSIDE", "Fellside Outfitters", "gold"), ("HARBOUR", "Harbour Street Hardware", "gold"),
    ("DALES", "Dales Camping Hire", "silver"), ("NORTHGATE", "Northgate Garden Centre", "silver"),
    ("KILN", "The Kiln Homeware", None), ("SUMMIT", "Summit Schools Trips", "silver"),
)  # fmt: skip
PEOPLE: Final = (
    "Amelia Hart", "Noah Whitfield", "Isla Banerjee", "Oskar Nyberg", "Grace Adeyemi", "Leo Marchetti", "Freya Holt",
    "Yusuf Demir", "Hannah Pryce", "Callum Reid",
)  # fmt: skip
TOWNS: Final = (("Leeds", "LS6 2AB"), ("York", "YO24 1AW"), ("Bristol", "BS3 4QF"), ("Glasgow", "G12 8QQ"))


async def make(db: Database, trade: Trade, crew: Staff, now: datetime) -> None:
    """Make all of it; the history is there, and `trade` has run to its end."""
    rng = random.Random(SEED)  # noqa: S311
    await allocation.set_rules(
        db, crew.manager, SetRules(rules=RULES, note="Trade accounts before all others"), version=1, key="demo-rules"
    )
    for code, name, tier in CUSTOMERS:
        customer = CreateCustomer(code=code, name=name, tier=tier)
        await orders.create_customer(db, crew.manager, customer, key=f"demo-customer-{code}")
    goods = _goods(trade)
    scarce = goods[:3]
    await _kit(db, crew, trade, goods[3:6])
    await _holds(db, trade, crew, goods[6:10], now)
    asked = [_order(rng, trade, goods, number, now) for number in range(ORDERS)]
    asked += _more_than_there_is(trade, scarce, now)
    # By keys: done again, each answer is that of then, and what follows from it the same.
    wanted = [Request(crew.manager, one, key=f"demo-order-{one.external_id}") for one in asked]
    placed: list[Outcome] = []
    for first in range(0, len(wanted), TOGETHER):
        placed += await allocation.place_together(db, wanted[first : first + TOGETHER], clock=lambda: now)
    await _on_their_way(db, rng, crew, placed, now)
    await _some_comes(db, trade, crew, scarce[0], now)


def _goods(trade: Trade) -> list[int]:
    """Items of which the company has some, the fewest first."""
    total = {n: sum(quantity for (m, _), quantity in trade.stock.items() if m == n) for n in trade.plain}
    return sorted((n for n in trade.plain if total[n] >= 8), key=lambda n: (total[n], n))


async def _kit(db: Database, crew: Staff, trade: Trade, parts: Sequence[int]) -> None:
    named = [trade.items[n] for n in parts]
    variant = CreateVariant(sku=KIT, selling_price=sum((item.price for item in named), Decimal(0)))
    made = await items.create_product(
        db, crew.manager, CreateProduct(name="Weekend set", variants=[variant], description="Three things in one box"),
        key="demo-kit",
    )  # fmt: skip
    components = [KitPart(sku=item.sku, quantity=Decimal(1 + (place == 0))) for place, item in enumerate(named)]
    command = SetComponents(components=components)
    await items.set_components(db, crew.manager, made.answer.variants[0].id, command, key="demo-kit-parts")


async def _holds(db: Database, trade: Trade, crew: Staff, goods: Sequence[int], now: datetime) -> None:
    for number, (n, (kind, channel, holder)) in enumerate(
        zip(goods, (("cart", "web", "cart-5017"), ("quote", "trade", "Q-2291"), ("quote", "trade", "Q-2294"),
                    ("hold", "direct", "Photo shoot")), strict=True)
    ):  # fmt: skip
        line = ReserveLine(sku=trade.items[n].sku, quantity=Decimal(1 + number))
        command = Reserve(holder=holder, lines=[line], kind=kind, channel=channel, partial=True)  # pyright: ignore[reportArgumentType]
        await allocation.reserve(db, crew.manager, command, key=f"demo-hold-{number}", clock=lambda: now)


def _order(rng: random.Random, trade: Trade, goods: Sequence[int], number: int, now: datetime) -> PlaceOrder:
    """One order of an ordinary day."""
    placed_at = now - timedelta(days=DAYS * (1 - number / ORDERS), minutes=rng.randrange(600))
    channel = rng.choices(("web", "trade", "market"), (6, 3, 2))[0]
    many = 8 if channel == "trade" else 1
    chosen = rng.sample(goods, rng.randint(1, 4))
    lines = [
        PlaceLine(sku=trade.items[n].sku, quantity=Decimal(rng.randint(1, 2) * many), unit_price=trade.items[n].price)
        for n in chosen
    ]
    if channel != "market" and number % 20 == 7:
        lines.append(PlaceLine(sku=KIT, quantity=Decimal(1)))
    code, _, _ = CUSTOMERS[rng.randrange(len(CUSTOMERS))]
    who, (town, postcode) = rng.choice(PEOPLE), rng.choice(TOWNS)
    contact = Contact(
        name=who,
        email=f"{who.split()[0].lower()}@example.com",
        address_lines=[f"{rng.randint(1, 90)} Mill Lane"],
        city=town,
    )
    return PlaceOrder(
        channel=channel, external_id=f"{channel[0].upper()}-{10_400 + number}", lines=lines, placed_at=placed_at,
        customer=code if channel == "trade" else None, contact=None if channel == "trade" else contact,
        ship_to=ShipTo(country="GB", postcode=postcode),
        fulfilment="complete" if channel == "trade" and number % 9 == 0 else None,
    )  # fmt: skip


def _more_than_there_is(trade: Trade, scarce: Sequence[int], now: datetime) -> list[PlaceOrder]:
    """A rush: all that there is of some things, and more."""
    made: list[PlaceOrder] = []
    for number, n in enumerate(scarce):
        there = sum(quantity for (m, _), quantity in trade.stock.items() if m == n)
        for place, (code, quantity) in enumerate((("KILN", there), ("DALES", 6), ("FELLSIDE", 4))):
            line = PlaceLine(sku=trade.items[n].sku, quantity=Decimal(quantity), unit_price=trade.items[n].price)
            made.append(
                PlaceOrder(
                    channel="trade", external_id=f"RUSH-{number}{place}", lines=[line], customer=code,
                    placed_at=now - timedelta(hours=20 - 3 * place - number),
                )
            )  # fmt: skip
    return made


async def _on_their_way(
    db: Database, rng: random.Random, crew: Staff, placed: Sequence[Outcome], now: datetime
) -> None:
    """The older an order is, the further it has come; some are cancelled."""
    taken = [one.answer for one in placed if not isinstance(one, Refusal)]
    for number, order in enumerate(taken[:ORDERS]):
        key = f"demo-{order.external_id}"
        chance = rng.random()
        if chance < 0.06:
            command = CancelOrder(reason="The customer changed their mind")
            await allocation.cancel(db, crew.manager, order.id, command, key=key, clock=lambda: now)
        elif number < ORDERS // 3 and _has_all(order):
            await allocation.ship(db, crew.manager, order.id, ShipOrder(), key=key, clock=lambda: now)
        elif number < ORDERS // 2 and chance < 0.2 and order.lines[0].allocated > 1:
            first = ShipLine(line_no=1, quantity=Decimal(1))
            await allocation.ship(db, crew.manager, order.id, ShipOrder(lines=[first]), key=key, clock=lambda: now)
        elif number < 2 * ORDERS // 3 and _has_all(order):
            await allocation.release_order(db, crew.manager, order.id, key=key)
        elif chance > 0.97 and order.lines[0].quantity > 1:
            less = CancelOrder(reason="One is enough", lines=[CancelLine(line_no=1, quantity=Decimal(1))])
            await allocation.cancel(db, crew.manager, order.id, less, key=key, clock=lambda: now)
    waits = next((one for one in reversed(taken) if one.status == "BACKORDERED"), None)
    if waits is not None:
        why = Jump(reason="Promised to them by phone")
        await allocation.jump(db, crew.manager, waits.id, why, key="demo-jump", clock=lambda: now)


def _has_all(order: Order) -> bool:
    return order.status == "ALLOCATED"


async def _some_comes(db: Database, trade: Trade, crew: Staff, n: int, now: datetime) -> None:
    """A few of what is waited for: they go to whoever is first in turn."""
    site = SITES[0].code
    line = ReceiveLine(
        sku=trade.items[n].sku, quantity=Decimal(5), location=trade.home[site][n], unit_cost=trade.items[n].cost
    )
    await ledger.receive(db, crew.at[site], Receive(lines=[line], note="What could be had at once"), key="demo-some")
