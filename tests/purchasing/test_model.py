"""Orders against a plain model: whatever is done, both come to the same."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from tests.purchasing.helpers import drafted, on_order, sound, stock_up, took_in
from tests.worlds import make_world

from perpetua.kit.database import Database
from perpetua.kit.errors import Refusal
from perpetua.purchasing import service
from perpetua.purchasing.types import (
    ApproveOrder,
    CancelLine,
    CancelOrder,
    ChangeLine,
    ChangeOrder,
    CloseShort,
    ConfirmLine,
    ConfirmOrder,
    Order,
    SubmitOrder,
)

D = Decimal
LATER = date(2027, 5, 4)
SKUS = ("PEAR", "MILK")
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
few = st.integers(1, 9)
which = st.integers(0, 1000)
at = st.integers(0, 1)


class Line:
    """A line: so much ordered, come, cancelled; whether the supplier promised it."""

    def __init__(self, ordered: int) -> None:
        self.ordered, self.received, self.cancelled, self.promised = ordered, 0, 0, False

    @property
    def open(self) -> int:
        return max(self.ordered - self.received - self.cancelled, 0)


class Modelled:
    """An order of a line each of both items; both cost the same, so its total is how much is not cancelled."""

    PRICES = (D("0.5"), D(1))

    def __init__(self, quantities: tuple[int, int]) -> None:
        self.lines = [Line(quantity) for quantity in quantities]
        self.placed, self.approved = False, D(0)
        self.proposal: tuple[int, int] | None = None

    @property
    def total(self) -> Decimal:
        return sum(((line.ordered - line.cancelled) * p for line, p in zip(self.lines, self.PRICES, strict=True)), D(0))

    @property
    def status(self) -> str:
        if any(line.received for line in self.lines):
            return "PARTIAL_RECEIVED" if any(line.open for line in self.lines) else "RECEIVED"
        if all(line.cancelled == line.ordered for line in self.lines):
            return "CANCELLED"
        if not self.placed:
            return "DRAFT"
        return "CONFIRMED" if all(line.promised or not line.open for line in self.lines) else "SUBMITTED"


class Buying(RuleBasedStateMachine):
    """Each step is done by the services, and in the model."""

    run: Callable[[Awaitable[Any]], Any]
    db: Database
    world: SimpleNamespace
    before: dict[str, Decimal]

    def __init__(self) -> None:
        super().__init__()
        self.model, self.ids = list[Modelled](), list[int]()
        self.actor = self.world.actor()
        self.start = {sku: self.run(on_order(self.db, self.world, sku)) for sku in SKUS}

    @rule(quantities=st.tuples(few, few))
    def draft(self, quantities: tuple[int, int]) -> None:
        made = self.run(drafted(self.db, self.actor, *zip(SKUS, quantities, strict=True)))
        self.ids.append(made.id)
        self.model.append(Modelled(quantities))

    @precondition(lambda self: self.ids)
    @rule(n=which)
    def approve(self, n: int) -> None:
        order, po_id = self._order(n)
        doing = service.approve(self.db, self.actor, po_id, ApproveOrder())
        if order.proposal is not None:
            line, quantity = order.proposal
            dearer = order.total + (quantity - order.lines[line].ordered) * order.PRICES[line]
            if quantity < order.lines[line].received + order.lines[line].cancelled or dearer <= order.approved:
                return self._refused(doing)
            self.run(doing)
            order.approved, order.proposal = dearer, None
            self._set(order, line, quantity)
        elif order.status != "DRAFT" or order.approved >= order.total:
            self._refused(doing)
        else:
            self.run(doing)
            order.approved = order.total
        return None

    @precondition(lambda self: self.ids)
    @rule(n=which)
    def submit(self, n: int) -> None:
        order, po_id = self._order(n)
        doing = service.submit(self.db, self.actor, po_id, SubmitOrder())
        if order.status != "DRAFT" or order.approved < order.total:
            return self._refused(doing)
        self.run(doing)
        order.placed = True
        return None

    @precondition(lambda self: self.ids)
    @rule(n=which, line=at, quantity=few)
    def change(self, n: int, line: int, quantity: int) -> None:
        order, po_id = self._order(n)
        command = ChangeOrder(lines=[ChangeLine(line_no=line + 1, quantity=D(quantity))])
        now = self.run(service.get(self.db, self.actor, po_id))
        doing = service.change(self.db, self.actor, po_id, command, version=now.version)
        one = order.lines[line]
        closed = order.status in {"RECEIVED", "CANCELLED"} or order.proposal is not None
        if closed or quantity < one.received + one.cancelled:
            return self._refused(doing)
        self.run(doing)
        total = order.total + (quantity - one.ordered) * order.PRICES[line]
        if order.placed and total > order.total and total > order.approved:
            order.proposal = (line, quantity)
            return None
        self._set(order, line, quantity)
        if not order.placed and order.approved < order.total:
            order.approved = D(0)
        return None

    @precondition(lambda self: self.ids)
    @rule(n=which, line=at, quantity=few, cancel_rest=st.booleans())
    def confirm(self, n: int, line: int, quantity: int, cancel_rest: bool) -> None:
        order, po_id = self._order(n)
        promise = ConfirmLine(line_no=line + 1, promised_on=LATER, quantity=D(quantity))
        doing = service.confirm(self.db, self.actor, po_id, ConfirmOrder(lines=[promise], cancel_rest=cancel_rest))
        one = order.lines[line]
        if order.status not in {"SUBMITTED", "CONFIRMED", "PARTIAL_RECEIVED"} or quantity > one.open:
            return self._refused(doing)
        self.run(doing)
        one.promised = True
        one.cancelled += one.open - quantity if cancel_rest else 0
        return None

    @precondition(lambda self: self.ids)
    @rule(n=which, line=at, quantity=st.integers(-9, 9).filter(bool))
    def take_in(self, n: int, line: int, quantity: int) -> None:
        order, po_id = self._order(n)
        one = order.lines[line]
        now: Order = self.run(service.get(self.db, self.actor, po_id))
        doing = took_in(self.db, now, **{SKUS[line]: quantity})
        if not order.placed or one.received + quantity < 0:
            return self._refused(doing)
        self.run(doing)
        one.received += quantity
        return None

    @precondition(lambda self: self.ids)
    @rule(n=which, line=at, quantity=few, short=st.booleans())
    def cancel_some(self, n: int, line: int, quantity: int, short: bool) -> None:
        order, po_id = self._order(n)
        one = order.lines[line]
        if short:
            command: Any = CloseShort(reason="enough", line_nos=[line + 1])
            doing = service.close_short(self.db, self.actor, po_id, command)
            fine = order.status == "PARTIAL_RECEIVED" and one.open > 0
        else:
            command = CancelOrder(reason="fewer", lines=[CancelLine(line_no=line + 1, quantity=D(quantity))])
            doing = service.cancel(self.db, self.actor, po_id, command)
            fine = order.status in {"SUBMITTED", "CONFIRMED", "PARTIAL_RECEIVED"} and quantity <= one.open
        if not fine:
            return self._refused(doing)
        self.run(doing)
        one.cancelled += one.open if short else quantity
        order.proposal = None
        return None

    @precondition(lambda self: self.ids)
    @rule(n=which)
    def cancel(self, n: int) -> None:
        order, po_id = self._order(n)
        doing = service.cancel(self.db, self.actor, po_id, CancelOrder(reason="no"))
        if order.status in {"RECEIVED", "CANCELLED"}:
            return self._refused(doing)
        self.run(doing)
        for line in order.lines:
            line.cancelled += line.open
        order.proposal = None
        return None

    @invariant()
    def same(self) -> None:
        for order, po_id in zip(self.model, self.ids, strict=True):
            now: Order = self.run(service.get(self.db, self.actor, po_id))
            counts = [(line.ordered, line.received, line.cancelled) for line in now.lines]
            assert counts == [(line.ordered, line.received, line.cancelled) for line in order.lines]
            assert (now.status, now.total) == (order.status, order.total)
            assert (now.proposal is not None) == (order.proposal is not None)
        for line, sku in enumerate(SKUS):
            due = sum(order.lines[line].open for order in self.model if order.placed)
            assert self.run(on_order(self.db, self.world, sku)) == self.start[sku] + due

    def teardown(self) -> None:
        self.run(sound(self.db))

    def _order(self, n: int) -> tuple[Modelled, int]:
        return self.model[n % len(self.ids)], self.ids[n % len(self.ids)]

    def _refused(self, doing: Awaitable[Any]) -> None:
        with pytest.raises(Refusal):
            self.run(doing)

    @staticmethod
    def _set(order: Modelled, line: int, quantity: int) -> None:
        if quantity > order.lines[line].ordered:
            order.lines[line].promised = False
        order.lines[line].ordered = quantity


@pytest.fixture
def machine(database_url: str) -> Iterator[type[Buying]]:
    """The machine on a database of its own, worked in a loop of its own."""
    with asyncio.Runner() as runner:
        db = Database(database_url, max_size=4)
        runner.run(db.open())
        try:
            world = runner.run(make_world(db))
            runner.run(stock_up(db, world))
            yield type("Buying", (Buying,), {"run": staticmethod(runner.run), "db": db, "world": world})
        finally:
            runner.run(db.close())


def test_buying_is_the_model(machine: type[Buying]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25, stateful_step_count=25, phases=PHASES, deadline=None, print_blob=True,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )  # fmt: skip
