"""Allocation against a plain model: whatever is done, both come to the same; at the end all of prove's truths hold.

Hypothesis draws what is done, step by step, and shrinks what fails to the fewest steps that still do.
"""

from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from tests.allocation.helpers import make_kit
from tests.proof.allocation_model import PARTS, SITES, Line, Model, Order
from tests.proof.conftest import Bench
from tests.proof.test_model import new_items

from perpetua.allocation import service
from perpetua.allocation.errors import NotEnoughAvailable, Promised
from perpetua.allocation.types import Jump, ReleaseReservation, Reserve, ReserveLine, TakeStock, Taking
from perpetua.app.prove.told import Told
from perpetua.app.prove.truths import examine
from perpetua.kit.database import sql
from perpetua.kit.errors import InvalidValue, Missing
from perpetua.ledger import service as ledger
from perpetua.ledger.errors import NotEnoughStock
from perpetua.ledger.types import (
    Adjust,
    AdjustLine,
    Receive,
    ReceiveLine,
    Sell,
    SellLine,
    Transfer,
    TransferLine,
    WriteOff,
    WriteOffLine,
)
from perpetua.orders.errors import OrderClosed
from perpetua.orders.types import (
    CancelLine,
    CancelOrder,
    ChangeLine,
    ChangeOrder,
    PlaceLine,
    PlaceOrder,
    ShipLine,
    ShipOrder,
)

D = Decimal
RUNS = count()
PLACES = {"LON": "LON-A-1", "SHOP": "SHOP"}
SENT_BY_HAND = {"lost", "unasked", "moved", "one_answer", "answers", "reserved_once"}
"""Truths about what `prove` itself has sent."""
LINES = """
SELECT l.order_id, l.line_no, s.code AS site, l.allocated, l.shipped, l.cancelled, l.refused, l.backordered,
       sum(a.quantity) AS here
FROM order_lines l LEFT JOIN order_allocations a ON a.line_id = l.id AND a.state = 'open'
LEFT JOIN locations s ON s.id = a.site_id
WHERE l.order_id = ANY (%(ids)s) GROUP BY l.id, s.code"""
STOCK = """
SELECT i.sku, s.code AS site, p.on_hand,
       coalesce((SELECT sum(r.quantity) FROM reservations r WHERE r.variant_id = p.variant_id AND r.site_id = p.site_id
                 AND r.state = 'open' AND r.expires_at > clock_timestamp()), 0) AS reserved
FROM inventory_positions p JOIN product_variants i ON i.id = p.variant_id JOIN locations s ON s.id = p.site_id
WHERE i.sku = ANY (%(skus)s)"""
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
LATE = "UPDATE reservations SET expires_at = now() - interval '1 second' WHERE holder = %(h)s AND state = 'open'"
COUNTS = ("allocated", "shipped", "cancelled", "refused", "backordered")

item = st.sampled_from(("A", "B"))
site = st.sampled_from(SITES)
few = st.integers(1, 5)
which = st.integers(0, 1000)
asked = st.lists(st.tuples(st.sampled_from(("A", "A", "B", "B", "KIT")), few), min_size=1, max_size=3)


class Allocation(RuleBasedStateMachine):
    """Each step is done by the services, and in the model."""

    bench: Bench

    def __init__(self) -> None:
        super().__init__()
        self.model, self.ids, self.sent = Model(), list[int](), list[PlaceOrder]()
        self.run, self.db, self.actor = self.bench.run, self.bench.db, self.bench.world.actor("administrator")
        self.name, self.holders = f"M{next(RUNS)}", count()
        self.skus = {short: f"{self.name}-{short}" for short in ("A", "B", "KIT")}
        made = self.run(new_items(self.db, [self.skus["A"], self.skus["B"]]))
        self.bench.world.items |= {sku: variant for variant, sku in made.items()}
        self.run(make_kit(self.db, self.bench.world, self.skus["KIT"], **{self.skus["A"]: 1, self.skus["B"]: 2}))

    # Orders ----------------------------------------------------------------------------------------------------------

    @rule(asked=asked, fulfilment=st.sampled_from(("split", "split", "split", "complete", "cancel_rest")))
    def place(self, asked: list[tuple[str, int]], fulfilment: Any) -> None:
        self._place(asked, fulfilment, None)

    def _place(self, asked: list[tuple[str, int]], fulfilment: Any, holder: str | None) -> None:
        lines = [PlaceLine(sku=self.skus[one], quantity=D(quantity)) for one, quantity in asked]
        order = PlaceOrder(
            lines=lines, channel="web", external_id=f"{self.name}-{len(self.ids)}", fulfilment=fulfilment,
            reservation=holder,
        )  # fmt: skip
        self.ids.append(self.run(service.place(self.db, self.actor, order)).answer.id)
        self.sent.append(order)
        self.model.place(asked, fulfilment, holder)

    @precondition(lambda self: self.ids)
    @rule(n=which)
    def send_again(self, n: int) -> None:
        again = self.run(service.place(self.db, self.actor, self.sent[n % len(self.sent)]))
        assert (again.replayed, again.answer.id) == (True, self.ids[n % len(self.ids)])

    @precondition(lambda self: self.ids)
    @rule(n=which)
    def cancel(self, n: int) -> None:
        order, order_id = self._order(n)
        doing = service.cancel(self.db, self.actor, order_id, CancelOrder(reason="no longer"))
        if order.closed:
            with pytest.raises(OrderClosed):
                self.run(doing)
            return
        self.run(doing)
        for line in order.lines:
            line.cancelled += line.allocated + line.waiting
            line.takes = []
        self.model.settle()

    @precondition(lambda self: self.ids)
    @rule(n=which, at=which, quantity=few)
    def cancel_some(self, n: int, at: int, quantity: int) -> None:
        order, order_id = self._order(n)
        number, line = self._line(order, at)
        quantity = min(quantity, line.allocated + line.waiting)
        if not quantity:
            return
        lines = [CancelLine(line_no=number, quantity=D(quantity))]
        self.run(service.cancel(self.db, self.actor, order_id, CancelOrder(reason="less", lines=lines)))
        line.give_back(max(quantity - line.waiting, 0))
        line.cancelled += quantity
        self.model.settle()

    @precondition(lambda self: self.ids)
    @rule(n=which, at=which, quantity=st.integers(1, 8))
    def change(self, n: int, at: int, quantity: int) -> None:
        order, order_id = self._order(n)
        number, line = self._line(order, at)
        gone = line.shipped + line.cancelled + line.refused
        if order.closed or order.whole or quantity < gone or quantity == line.quantity:
            return
        version = self.run(service.get(self.db, self.actor, order_id)).version
        command = ChangeOrder(lines=[ChangeLine(line_no=number, quantity=D(quantity))])
        self.run(service.change(self.db, self.actor, order_id, command, version=version))
        less = line.quantity - quantity
        if less > 0:
            line.give_back(max(less - line.waiting, 0))
        line.quantity = quantity
        if less < 0:
            missing = self.model.give(line, -less)
            line.refused += missing if order.fulfilment == "cancel_rest" else 0
        self.model.settle()

    @precondition(lambda self: self.ids)
    @rule(n=which, at=st.none() | which)
    def ship(self, n: int, at: int | None) -> None:
        order, order_id = self._order(n)
        if order.whole and any(line.waiting for line in order.lines):
            return
        number, line = (0, None) if at is None else self._line(order, at)
        some = [one for one in ([line] if line else order.lines) if one.allocated]
        command = ShipOrder(lines=[ShipLine(line_no=number)]) if number else ShipOrder()
        doing = service.ship(self.db, self.actor, order_id, command)
        if not some:
            with pytest.raises((OrderClosed, InvalidValue)):
                self.run(doing)
            return
        self.run(doing)
        for line in some:
            line.shipped += line.allocated
            for place, quantity in line.takes:
                for part, each in self._parts(line).items():
                    self.model.hand[part, str(place)] -= int(quantity) * each
            line.takes = []

    @precondition(lambda self: any(line.waiting for order in self.model.orders for line in order.lines))
    @rule(n=which)
    def jump(self, n: int) -> None:
        waiting = [at for at, order in enumerate(self.model.orders) if any(line.waiting for line in order.lines)]
        at = waiting[n % len(waiting)]
        self.run(service.jump(self.db, self.actor, self.ids[at], Jump(reason="the director asks")))
        self.model.orders[at].jumps = 1 + max(order.jumps for order in self.model.orders)

    @precondition(lambda self: len(self.ids) > 1)
    @rule(n=which, quantity=few)
    def take(self, n: int, quantity: int) -> None:
        """A manager gives one order what another has."""
        pairs = [
            (a, b)
            for a in self._lines() for b in self._lines()
            if a[0] != b[0] and a[2].item == b[2].item and a[2].waiting and b[2].allocated
        ]  # fmt: skip
        if not pairs:
            return
        mine, theirs = pairs[n % len(pairs)]
        quantity = min(quantity, mine[2].waiting, theirs[2].allocated)
        taking = Taking(
            line_no=mine[1], from_order_id=self.ids[theirs[0]], from_line_no=theirs[1], quantity=D(quantity)
        )
        command = TakeStock(reason="the director asks", takes=[taking])
        self.run(service.take_from(self.db, self.actor, self.ids[mine[0]], command))
        mine[2].takes += [[place, part] for place, part in theirs[2].give_back(quantity)]

    # Reservations ----------------------------------------------------------------------------------------------------

    @rule(asked=asked, partial=st.booleans())
    def hold(self, asked: list[tuple[str, int]], partial: bool) -> None:
        holder = f"{self.name}-{next(self.holders)}"
        lines = [ReserveLine(sku=self.skus[one], quantity=D(quantity)) for one, quantity in asked]
        command = Reserve(holder=holder, lines=lines, channel="web", partial=partial)
        doing = service.reserve(self.db, self.actor, command)
        if self.model.hold(holder, asked, partial=partial):
            self.run(doing)
        else:
            with pytest.raises(NotEnoughAvailable):
                self.run(doing)

    @precondition(lambda self: self.model.holds)
    @rule(n=which, asked=asked)
    def order_what_is_held(self, n: int, asked: list[tuple[str, int]]) -> None:
        self._place(asked, "split", self._holder(n))

    @precondition(lambda self: self.model.holds)
    @rule(n=which)
    def release(self, n: int) -> None:
        holder = self._holder(n)
        self.run(service.release(self.db, self.actor, ReleaseReservation(holder=holder, channel="web")))
        del self.model.holds[holder]
        self.model.settle()

    @precondition(lambda self: self.model.holds)
    @rule(n=which)
    def time_passes(self, n: int) -> None:
        """What has expired holds nothing. Where nobody waits, no job needs to have seen it."""
        holder = self._holder(n)
        self.run(self._expire(holder))
        del self.model.holds[holder]
        if any(line.waiting for order in self.model.orders for line in order.lines):
            self.run(service.expire(self.db))
        self.model.settle()
        with pytest.raises(Missing):
            self.run(service.release(self.db, self.actor, ReleaseReservation(holder=holder, channel="web")))

    async def _expire(self, holder: str) -> None:
        async with self.db.admin() as tx:
            await tx.execute(sql(LATE), {"h": holder})

    # Goods -----------------------------------------------------------------------------------------------------------

    @rule(item=item, site=site, quantity=st.integers(1, 12))
    def receive(self, item: str, site: str, quantity: int) -> None:
        line = ReceiveLine(sku=self.skus[item], quantity=D(quantity), location=PLACES[site])
        self.run(ledger.receive(self.db, self.actor, Receive(lines=[line])))
        self.model.hand[item, site] += quantity
        self.model.settle()

    @rule(item=item, site=site, quantity=few, how=st.sampled_from(("damaged", "written off", "counted")))
    def lose(self, item: str, site: str, quantity: int, how: str) -> None:
        there, sku, place = self.model.hand[item, site], self.skus[item], PLACES[site]
        if how == "written off":
            lost = WriteOffLine(sku=sku, quantity=D(quantity), location=place)
            doing = ledger.write_off(self.db, self.actor, WriteOff(lines=[lost], reason_code="damage"))
        else:
            counted = how == "counted" and there >= quantity
            change = AdjustLine(sku=sku, location=place, quantity=None if counted else D(-quantity),
                                counted=D(there - quantity) if counted else None)  # fmt: skip
            doing = ledger.adjust(self.db, self.actor, Adjust(lines=[change], reason_code="lost"))
        if there < quantity:
            with pytest.raises(NotEnoughStock):
                self.run(doing)
            return
        self.run(doing)
        self.model.lose((item, site), quantity)

    @rule(item=item, site=site, quantity=few, away=st.booleans())
    def take_away(self, item: str, site: str, quantity: int, away: bool) -> None:
        """Sold over the counter, or moved to the other site: refused, where it is promised."""
        sku, place, other = self.skus[item], PLACES[site], SITES[1 - SITES.index(site)]
        if away:
            moved = TransferLine(sku=sku, quantity=D(quantity), from_location=place, to_location=PLACES[other])
            doing = ledger.transfer(self.db, self.actor, Transfer(lines=[moved]))
        else:
            sold = SellLine(sku=sku, quantity=D(quantity), location=place)
            doing = ledger.sell(self.db, self.actor, Sell(lines=[sold]))
        if self.model.free((item, site)) < quantity:
            with pytest.raises((NotEnoughStock, Promised)):
                self.run(doing)
            return
        self.run(doing)
        self.model.hand[item, site] -= quantity
        self.model.hand[item, other] += quantity if away else 0
        self.model.settle()

    # What must be the same -------------------------------------------------------------------------------------------

    @invariant()
    def same(self) -> None:
        lines, stock = self.run(self._there())
        expected: dict[tuple[int, int], dict[str, int]] = {}
        for order_id, order in zip(self.ids, self.model.orders, strict=True):
            for number, line in enumerate(order.lines, 1):
                units = sum(self._parts(line).values())
                sites = {site: units * sum(int(q) for at, q in line.takes if at == site) for site in SITES}
                expected[order_id, number] = {
                    "allocated": line.allocated, "shipped": line.shipped, "cancelled": line.cancelled,
                    "refused": line.refused, "backordered": line.waiting,
                    **{site: quantity for site, quantity in sites.items() if quantity},
                }  # fmt: skip
        assert lines == expected
        names = {sku: short for short, sku in self.skus.items()}
        for (sku, site), (on_hand, reserved) in stock.items():
            key = (names[sku], site)
            assert (key, on_hand, reserved) == (key, self.model.hand[key], self.model.reserved(key))

    def teardown(self) -> None:
        with psycopg.connect(self.bench.url) as connection:
            wrong = [one for one in examine(connection, Told()) if one.wrong and one.name not in SENT_BY_HAND]
            connection.rollback()
        assert not wrong, [(one.name, one.examples) for one in wrong]

    async def _there(self) -> tuple[dict[Any, dict[str, int]], dict[tuple[str, str], tuple[int, int]]]:
        lines: dict[Any, dict[str, int]] = {}
        async with self.db.transaction() as tx:
            for row in await tx.dicts(sql(LINES), {"ids": self.ids}):
                one = lines.setdefault((row["order_id"], row["line_no"]), {})
                one |= {
                    name: int(row[name]) for name in ("allocated", "shipped", "cancelled", "refused", "backordered")
                }
                if row["site"]:
                    one[row["site"]] = int(row["here"])
            stock = await tx.dicts(sql(STOCK), {"skus": list(self.skus.values())})
        return lines, {(row["sku"], row["site"]): (int(row["on_hand"]), int(row["reserved"])) for row in stock}

    def _order(self, n: int) -> tuple[Order, int]:
        return self.model.orders[n % len(self.ids)], self.ids[n % len(self.ids)]

    def _line(self, order: Order, n: int) -> tuple[int, Line]:
        return 1 + n % len(order.lines), order.lines[n % len(order.lines)]

    def _lines(self) -> Iterator[tuple[int, int, Line]]:
        """Of orders that do not go as a whole: the order's place, the line's number, the line."""
        for at, order in enumerate(self.model.orders):
            if not order.whole:
                yield from ((at, number, line) for number, line in enumerate(order.lines, 1))

    def _holder(self, n: int) -> str:
        return sorted(self.model.holds)[n % len(self.model.holds)]

    @staticmethod
    def _parts(line: Line) -> dict[str, int]:
        return PARTS[line.item]


def test_allocation_is_the_model(bench: Bench) -> None:
    machine = type("Allocation", (Allocation,), {"bench": bench})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=30, stateful_step_count=25, phases=PHASES, deadline=None, print_blob=True,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )  # fmt: skip
