"""Allocation against a plain model: random commands, then the model's quantities, and all truths of `prove`."""

from decimal import Decimal
from itertools import count
from types import SimpleNamespace
from typing import Any

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.proof.test_model import new_items

from perpetua.allocation import service
from perpetua.app.prove.told import Told
from perpetua.app.prove.truths import examine
from perpetua.kit.database import Database
from perpetua.kit.errors import Refusal
from perpetua.ledger import service as ledger
from perpetua.ledger.types import Adjust, AdjustLine, Receive, ReceiveLine
from perpetua.orders.types import CancelLine, CancelOrder, Order, PlaceLine, PlaceOrder, ShipLine, ShipOrder

D = Decimal
RUNS = count()
PLACES = ("LON-A-1", "LON-A-2", "SHOP")
FULFILMENTS: tuple[Any, ...] = ("split", "complete", "cancel_rest")
SENT_BY_HAND = {"lost", "unasked", "moved", "one_answer", "answers"}
"""Truths about what `prove` itself has sent."""
COMMANDS = st.lists(
    st.tuples(
        st.sampled_from(["place"] * 4 + ["again", "cancel", "part", "ship", "receive", "receive", "lose", "count"]),
        st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 6),
    ),
    min_size=4, max_size=30,
)  # fmt: skip


class Model:
    """How much there is of each item at each place, and what was taken for whom."""

    def __init__(self, db: Database, world: SimpleNamespace, skus: list[str]) -> None:
        self.db, self.actor, self.skus = db, world.actor(), skus
        self.there: dict[tuple[str, str], Decimal] = {}
        self.orders: list[tuple[PlaceOrder, Order]] = []
        self.gone = D(0)

    async def place(self, a: int, b: int, n: int) -> None:
        lines = [PlaceLine(sku=self.skus[(a + i) % 2], quantity=D(n)) for i in range(1 + b % 3)]
        name = f"{self.skus[0]}-{len(self.orders)}"
        order = PlaceOrder(lines=lines, channel="web", external_id=name, fulfilment=FULFILMENTS[b % 7 % 3])
        self.orders.append((order, (await service.place(self.db, self.actor, order)).answer))

    async def again(self, a: int, *_: int) -> None:
        if self.orders:
            order, first = self.orders[a % len(self.orders)]
            second = await service.place(self.db, self.actor, order)
            assert (second.replayed, second.answer.id) == (True, first.id)

    async def cancel(self, a: int, b: int, n: int) -> None:
        if self.orders:
            order_id = self.orders[a % len(self.orders)][1].id
            await service.cancel(self.db, self.actor, order_id, CancelOrder(reason="no longer"))

    async def part(self, a: int, b: int, n: int) -> None:
        if self.orders:
            order_id = self.orders[a % len(self.orders)][1].id
            lines = [CancelLine(line_no=1, quantity=D(1))]
            await service.cancel(self.db, self.actor, order_id, CancelOrder(reason="one less", lines=lines))

    async def ship(self, a: int, b: int, n: int) -> None:
        if self.orders:
            order_id = self.orders[a % len(self.orders)][1].id
            before = await service.get(self.db, self.actor, order_id)
            command = ShipOrder(lines=[ShipLine(line_no=1, quantity=D(1))]) if b % 2 else ShipOrder()
            after = (await service.ship(self.db, self.actor, order_id, command)).answer
            self.gone += sum(x.shipped - y.shipped for x, y in zip(after.lines, before.lines, strict=True))

    async def receive(self, a: int, b: int, n: int) -> None:
        sku, place = self.skus[a % 2], PLACES[b % 3]
        line = ReceiveLine(sku=sku, quantity=D(n), location=place)
        await ledger.receive(self.db, self.actor, Receive(lines=[line]))
        self.there[sku, place] = self.there.get((sku, place), D(0)) + n

    async def lose(self, a: int, b: int, n: int) -> None:
        line = AdjustLine(sku=self.skus[a % 2], quantity=D(-n), location=PLACES[b % 3])
        await ledger.adjust(self.db, self.actor, Adjust(lines=[line], reason_code="damage"))
        self.gone += n

    async def count(self, a: int, b: int, n: int) -> None:
        line = AdjustLine(sku=self.skus[a % 2], quantity=D(n), location=PLACES[b % 3])
        await ledger.adjust(self.db, self.actor, Adjust(lines=[line], reason_code="found"))
        self.gone -= n


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
@given(commands=COMMANDS)
async def test_allocation_is_the_model(
    db: Database, world: SimpleNamespace, database_url: str, commands: list[tuple[str, int, int, int]]
) -> None:
    run = next(RUNS)
    items = await new_items(db, [f"A{run}-1", f"A{run}-2"])
    model = Model(db, world, list(items.values()))
    for name, a, b, n in commands:
        try:
            await getattr(model, name)(a, b, n)
        except Refusal:
            if name in {"place", "again", "receive", "count"}:
                raise
    levels = await ledger.item_levels(db, model.actor, list(items))
    assert sum((level.on_hand for level in levels), D(0)) == sum(model.there.values(), D(0)) - model.gone
    with psycopg.connect(database_url) as connection:
        wrong = [one for one in examine(connection, Told()) if one.wrong and one.name not in SENT_BY_HAND]
        connection.rollback()
    assert not wrong
