"""The ledger against a plain model: random commands, then stock now and at random instants, in both times."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perpetua.access.types import SYSTEM
from perpetua.kit.database import Database, sql
from perpetua.ledger import service
from perpetua.ledger.errors import AlreadyCorrected, CountsAgree, InTransit, NotEnoughStock
from perpetua.ledger.types import (
    Adjust,
    AdjustLine,
    Correct,
    Posted,
    Receive,
    ReceiveLine,
    ReceiveTransfer,
    Sell,
    SellLine,
    Transfer,
    TransferLine,
    TransferReceiptLine,
    WriteOff,
    WriteOffLine,
)

D = Decimal
PLACES = ("LON-A-1", "LON-A-2", "LON-Q", "SHOP", "SHOP-FLOOR")
OVERSOLD = "SHOP-FLOOR"
RUNS = count()
Level = tuple[str, str]

number = st.integers(0, 1000)
quantity = st.integers(1, 12)
# What, two free choices, a quantity, and how many days back it happened (mostly now).
COMMANDS = st.lists(
    st.tuples(
        st.sampled_from(
            ["receive"] * 4
            + ["sell", "sell", "adjust", "count", "write_off", "transfer", "send", "settle", "settle", "cancel"]
            + ["correct"] * 4
            + ["checkpoint", "seal"]
        ),
        number, number, quantity,
        st.one_of(st.just(0), st.integers(1, 200)),
    ),
    min_size=5, max_size=40,
)  # fmt: skip


class Entry(msgspec.Struct, kw_only=True):
    """A row as the model knows it."""

    id: int
    posting_id: int
    line_no: int
    type: str
    level: Level
    quantity: Decimal
    effective_at: datetime
    recorded_at: datetime
    corrects_id: int | None
    corrected: bool = False


class Model:
    """A list of rows; all else is a sum over it."""

    def __init__(self, db: Database, world: SimpleNamespace, skus: dict[int, str]) -> None:
        self.db, self.world, self.skus = db, world, skus
        self.codes = {place_id: code for code, place_id in world.places.items()}
        self.entries: list[Entry] = []
        self.open: list[dict[str, Any]] = []
        self.actor = world.actor()

    def levels(self, keep: Callable[[Entry], bool] = lambda _: True) -> dict[Level, Decimal]:
        sums: dict[Level, Decimal] = defaultdict(Decimal)
        for entry in self.entries:
            if keep(entry):
                sums[entry.level] += entry.quantity
        return {level: on_hand for level, on_hand in sums.items() if on_hand}

    def allows(self, changes: list[tuple[Level, Decimal]]) -> bool:
        now = self.levels()
        total: dict[Level, Decimal] = defaultdict(Decimal)
        for level, change in changes:
            total[level] += change
        return all(
            change >= 0 or level[1] == OVERSOLD or now.get(level, D(0)) + change >= 0 for level, change in total.items()
        )

    async def expect(self, changes: list[tuple[Level, Decimal]], act: Callable[[], Any]) -> Posted | None:
        """Do it. It is refused exactly where the model falls below zero; else its rows are the expected ones."""
        allowed = self.allows(changes)
        try:
            posted: Posted = (await act()).answer
        except NotEnoughStock:
            assert not allowed, changes
            return None
        assert allowed, changes
        async with self.db.snapshot() as tx:
            rows = await tx.dicts(
                sql("SELECT * FROM inventory_transactions WHERE posting_id = %(p)s ORDER BY id"),
                {"p": posted.posting_id},
            )
        made = [
            Entry(
                id=row["id"], posting_id=row["posting_id"], line_no=row["line_no"], type=row["type"],
                level=(self.skus[row["variant_id"]], self.codes[row["location_id"]]), quantity=row["quantity"],
                effective_at=row["effective_at"], recorded_at=row["recorded_at"], corrects_id=row["corrects_id"],
            )
            for row in rows
        ]  # fmt: skip
        assert sorted((e.level, e.quantity) for e in made) == sorted(changes)
        self.entries += made
        return posted

    # Commands: `a` and `b` choose, `n` is how many, `at` when it happened (None: now).

    def sku(self, a: int) -> str:
        return list(self.skus.values())[a % len(self.skus)]

    async def receive(self, a: int, b: int, n: int, at: datetime | None) -> None:
        sku, place = self.sku(a), PLACES[b % 5]
        lines = [ReceiveLine(sku=sku, location=place, quantity=D(n))]
        act = lambda: service.receive(self.db, self.actor, Receive(lines=lines, effective_at=at))  # noqa: E731
        await self.expect([((sku, place), D(n))], act)

    async def sell(self, a: int, b: int, n: int, at: datetime | None) -> None:
        sku, place = self.sku(a), PLACES[b % 5]
        command = Sell(lines=[SellLine(sku=sku, location=place, quantity=D(n))], effective_at=at)
        await self.expect([((sku, place), D(-n))], lambda: service.sell(self.db, self.actor, command))

    async def write_off(self, a: int, b: int, n: int, at: datetime | None) -> None:
        sku, place = self.sku(a), PLACES[b % 5]
        lines = [WriteOffLine(sku=sku, location=place, quantity=D(n))]
        command = WriteOff(lines=lines, reason_code="damage", effective_at=at)
        await self.expect([((sku, place), D(-n))], lambda: service.write_off(self.db, self.actor, command))

    async def adjust(self, a: int, b: int, n: int, at: datetime | None) -> None:
        sku, place, change = self.sku(a), PLACES[b % 5], D(n - 6 or 1)
        lines = [AdjustLine(sku=sku, location=place, quantity=change)]
        command = Adjust(lines=lines, reason_code="count", effective_at=at)
        await self.expect([((sku, place), change)], lambda: service.adjust(self.db, self.actor, command))

    async def count(self, a: int, b: int, n: int, at: datetime | None) -> None:
        sku, place = self.sku(a), PLACES[b % 5]
        change = n - self.levels().get((sku, place), D(0))
        lines = [AdjustLine(sku=sku, location=place, counted=D(n))]
        command = Adjust(lines=lines, reason_code="count", effective_at=at)
        try:
            await self.expect([((sku, place), change)], lambda: service.adjust(self.db, self.actor, command))
        except CountsAgree:
            assert change == 0

    def _move(self, a: int, b: int, n: int, at: datetime | None, *, two_step: bool) -> tuple[Any, str, str, str]:
        sku, here, there = self.sku(a), PLACES[b % 5], PLACES[(b % 5 + 1 + a % 4) % 5]
        lines = [TransferLine(sku=sku, from_location=here, to_location=there, quantity=D(n))]
        command = Transfer(lines=lines, effective_at=at, two_step=two_step)
        return (lambda: service.transfer(self.db, self.actor, command)), sku, here, there

    async def transfer(self, a: int, b: int, n: int, at: datetime | None) -> None:
        act, sku, here, there = self._move(a, b, n, at, two_step=False)
        await self.expect([((sku, here), D(-n)), ((sku, there), D(n))], act)

    async def send(self, a: int, b: int, n: int, at: datetime | None) -> None:
        act, sku, here, there = self._move(a, b, n, at, two_step=True)
        transit = f"{there.split('-')[0]}-TRANSIT"
        posted = await self.expect([((sku, here), D(-n)), ((sku, transit), D(n))], act)
        if posted:
            sent = {"id": posted.transfer_id, "sku": sku, "from": here, "to": there, "transit": transit, "open": D(n)}
            self.open.append(sent)

    async def settle(self, a: int, b: int, n: int, at: datetime | None) -> None:
        if not self.open:
            return
        sent = self.open[a % len(self.open)]
        received = min(D(n), sent["open"])
        lost = sent["open"] - received if b % 3 == 0 else D(0)
        command = ReceiveTransfer(lines=[TransferReceiptLine(line_no=1, received=received, lost=lost)], effective_at=at)
        changes = [((sent["sku"], sent["transit"]), -received), ((sent["sku"], sent["to"]), received)]
        changes += [((sent["sku"], sent["transit"]), -lost)] if lost else []
        await self.expect(changes, lambda: service.receive_transfer(self.db, self.actor, sent["id"], command))
        sent["open"] -= received + lost
        self.open = [one for one in self.open if one["open"]]

    async def cancel(self, a: int, _b: int, _n: int, _at: datetime | None) -> None:
        if not self.open:
            return
        sent = self.open.pop(a % len(self.open))
        changes = [((sent["sku"], sent["transit"]), -sent["open"]), ((sent["sku"], sent["from"]), sent["open"])]
        await self.expect(changes, lambda: service.cancel_transfer(self.db, self.actor, sent["id"]))

    async def correct(self, a: int, b: int, n: int, at: datetime | None) -> None:
        if not self.entries:
            return
        one = self.entries[a % len(self.entries)]
        wrong = [one] + [
            other for other in self.entries
            if "TRANSFER" in one.type and "TRANSFER" in other.type and other is not one
            and (other.posting_id, other.line_no) == (one.posting_id, one.line_no)
        ]  # fmt: skip
        changes = [(entry.level, -entry.quantity) for entry in wrong]
        if one.corrects_id or b % 3 == 0:
            command = Correct(reason="never was", reverse_only=True)
        elif b % 3 == 1:
            command = Correct(reason="counted wrong", quantity=D(n).copy_sign(one.quantity))
            changes += [(entry.level, D(n).copy_sign(entry.quantity)) for entry in wrong]
        else:
            command = Correct(reason="wrong day", effective_at=at or datetime.now(UTC))
            changes += [(entry.level, entry.quantity) for entry in wrong]
        try:
            await self.expect(changes, lambda: service.correct(self.db, self.actor, one.id, command))
        except AlreadyCorrected:
            assert one.corrected
        except InTransit:
            assert any(entry.level[1].endswith("TRANSIT") for entry in wrong)
            assert b % 3 != 2 or one.corrects_id
        else:
            assert not one.corrected
            if self.entries[-1].corrects_id in {entry.id for entry in wrong} or any(
                later.corrects_id == one.id for later in self.entries
            ):
                for entry in wrong:
                    entry.corrected = True

    async def checkpoint(self, *_: Any) -> None:
        await service.make_checkpoints(self.db, late_rows=1)

    async def seal(self, *_: Any) -> None:
        await service.seal(self.db)

    # Questions

    async def agrees(self, as_of: datetime | None = None, known_at: datetime | None = None) -> None:
        found = await service.item_levels(self.db, self.actor, list(self.skus), as_of=as_of, known_at=known_at)
        now = datetime.now(UTC)
        until, known = as_of or known_at or now, known_at or now
        expected = self.levels(
            lambda e: (as_of is None and known_at is None) or (e.effective_at <= until and e.recorded_at <= known)
        )
        assert {(row.sku, row.location): row.on_hand for row in found} == expected, (as_of, known_at)
        if as_of:
            whole: dict[Level, Decimal] = {}
            async for batch in service.catalogue_at(self.db, self.actor, as_of, known_at):
                whole |= {
                    (self.skus[variant_id], self.codes[location_id]): on_hand
                    for variant_id, location_id, _, on_hand in batch
                    if variant_id in self.skus
                }
            assert whole == expected


async def new_items(db: Database, names: list[str]) -> dict[int, str]:
    async with db.admin() as tx:
        return {
            await tx.value(
                sql("""WITH r AS (INSERT INTO products (name, first_sku) VALUES (%(s)s, %(s)s) RETURNING id)
                       INSERT INTO product_variants (product_id, sku, name, unit, tracking)
                       SELECT id, %(s)s, %(s)s, 'each', 'none' FROM r RETURNING id"""),
                {"s": name},
            ): name
            for name in names
        }


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
@given(commands=COMMANDS, asked=st.lists(st.tuples(number, number, st.sampled_from((-1, 0, 1))), max_size=12))
async def test_the_ledger_is_the_model(
    db: Database, world: SimpleNamespace, commands: list[tuple[Any, ...]], asked: list[tuple[int, int, int]]
) -> None:
    run = next(RUNS)
    model = Model(db, world, await new_items(db, [f"M{run}-A", f"M{run}-B"]))
    begun = datetime.now(UTC)
    for step, (name, a, b, n, days) in enumerate(commands):
        at = begun - timedelta(days=days, seconds=step) if days else None
        await getattr(model, name)(a, b, n, at)
    await model.agrees()
    now = datetime.now(UTC)
    effective = [entry.effective_at for entry in model.entries] + [now]
    known = [entry.recorded_at for entry in model.entries]
    for a, b, off in asked:
        as_of = min(effective[a % len(effective)] + timedelta(microseconds=off), now)
        await model.agrees(as_of, min(known[b % len(known)], now) if known and b % 3 else None)
    done = await service.check(db, SYSTEM, keep=False)
    assert done.passed, [finding for finding in done.findings if finding.wrong]


async def test_what_is_on_its_way_is_moved_by_its_transfer_alone(db: Database, world: SimpleNamespace) -> None:
    (sku,) = (await new_items(db, ["ON-ITS-WAY"])).values()
    actor = world.actor()
    await service.receive(db, actor, Receive(lines=[ReceiveLine(sku=sku, location="LON-A-1", quantity=D(5))]))
    lines = [TransferLine(sku=sku, from_location="LON-A-1", to_location="SHOP", quantity=D(5))]
    sent = (await service.transfer(db, actor, Transfer(lines=lines, two_step=True))).answer
    assert sent.first_row_id
    with pytest.raises(InTransit):
        await service.sell(db, actor, Sell(lines=[SellLine(sku=sku, location="SHOP-TRANSIT", quantity=D(1))]))
    with pytest.raises(InTransit):
        await service.correct(db, actor, sent.first_row_id, Correct(reason="never was", reverse_only=True))
    yesterday = datetime.now(UTC) - timedelta(days=1)
    await service.correct(db, actor, sent.first_row_id, Correct(reason="wrong day", effective_at=yesterday))
    assert sent.transfer_id
    await service.cancel_transfer(db, actor, sent.transfer_id)
    assert (await service.check(db, SYSTEM, keep=False)).passed
