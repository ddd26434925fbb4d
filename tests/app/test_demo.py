"""The made-up company: whole, the same each time, never below zero, loaded once, on nobody else's data."""

import random
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import pytest
from tests.conftest import clone

from perpetua.access import service as access
from perpetua.access.types import ROLES, SYSTEM, Origin, PeopleFilters, Secrets, SignIn
from perpetua.app.demo import buying, lately, load, paying, selling
from perpetua.app.demo.catalogue import catalogue, gtin13, gtin14
from perpetua.app.demo.history import DAYS, Trade, first_day
from perpetua.app.demo.people import PEOPLE, password
from perpetua.app.demo.sites import SITES
from perpetua.app.demo.tracked import tracked
from perpetua.items.rules import normalise_barcode
from perpetua.kit.clock import system_clock
from perpetua.kit.database import Database, sql
from perpetua.kit.listing import PageRequest
from perpetua.ledger import service as ledger
from perpetua.places import service as places
from perpetua.places.types import CreateLocation

TODAY = date(2026, 3, 21)
SECRETS = Secrets(key="k" * 40)
MODELS = catalogue(random.Random(load.SEED))
ITEMS = [item for model in MODELS for item in model.items]


def trade() -> Trade:
    return Trade(random.Random(load.SEED + 1), ITEMS, TODAY)


def test_catalogue_is_a_trade() -> None:
    assert 1_150 <= len(ITEMS) <= 1_300
    assert len({item.sku.upper() for item in ITEMS}) == len(ITEMS)
    assert Counter(item.tracking for item in ITEMS).keys() == {"none", "lot", "serial"}
    assert all(item.price > item.cost for item in ITEMS)
    assert catalogue(random.Random(load.SEED)) == MODELS


def test_barcodes_are_valid_and_of_the_range_for_demonstrations() -> None:
    codes = [normalise_barcode(code) for item in ITEMS for code in (item.each_code, item.case_code)]
    assert Counter(code.kind for code in codes) == {"ean13": len(ITEMS), "gtin14": len(ITEMS)}
    assert len({code.code for code in codes}) == 2 * len(ITEMS)
    assert {code.code[1:4] for code in codes} == {"952"}
    assert (gtin13(0), gtin14(0)) == ("9520001000003", "19520001000000")


def test_history_is_in_order_and_never_below_zero() -> None:
    levels: Counter[tuple[int, str]] = Counter()
    types: Counter[str] = Counter()
    last = datetime.combine(first_day(TODAY), datetime.min.time(), UTC)
    made = trade()
    for moves in made.days():
        for move in moves:
            assert move.at >= last, move
            last = move.at
            levels[move.item, move.place] += move.quantity
            assert levels[move.item, move.place] >= 0, move
            types[move.type] += 1
    assert 60_000 <= types.total() <= 100_000
    assert types["TRANSFER_OUT"] == types["TRANSFER_IN"]
    assert types.keys() >= {"RECEIPT", "SALE", "RETURN", "ADJUSTMENT", "WRITE_OFF"}
    assert last.date() < TODAY
    assert (TODAY - first_day(TODAY)).days == DAYS
    assert {key: n for key, n in levels.items() if n} == {key: n for key, n in made.stock.items() if n}


def test_sales_follow_week_and_season() -> None:
    by_day: Counter[int] = Counter()
    by_month: Counter[tuple[str, int, int]] = Counter()
    for moves in trade().days():
        for move in moves:
            if move.type == "SALE":
                if move.place.startswith("ST1"):
                    by_day[move.at.weekday()] += 1
                by_month[ITEMS[move.item].season, move.at.year, move.at.month] += 1
    assert by_day[5] > 1.5 * by_day[0]
    assert by_month["winter", 2025, 12] > 2 * by_month["winter", 2025, 6]
    assert by_month["summer", 2025, 6] > 2 * by_month["summer", 2025, 12]


def test_the_same_day_gives_the_same_company() -> None:
    first, second = trade().days(), trade().days()
    assert [next(first) for _ in range(30)] == [next(second) for _ in range(30)]
    assert tracked(random.Random(5), ITEMS, TODAY) == tracked(random.Random(5), ITEMS, TODAY)


def test_passwords_are_good_and_belong_to_the_installation() -> None:
    other = Secrets(key="o" * 40)
    given = [password(SECRETS, one) for one in PEOPLE]
    assert len(set(given)) == len(PEOPLE)
    assert given == [password(SECRETS, one) for one in PEOPLE]
    assert not set(given) & {password(other, one) for one in PEOPLE}


def cut_after(monkeypatch: pytest.MonkeyPatch, calls: int) -> None:
    """The process ends right after the `calls`th command of what is still open was committed."""
    left = calls

    def cutting(act: Any) -> Any:
        async def cut(*given: Any, **more: Any) -> Any:
            nonlocal left
            done = await act(*given, **more)
            left -= 1
            if not left:
                raise KeyboardInterrupt
            return done

        return cut

    for name in ("transfer", "receive_transfer", "correct", "adjust"):
        monkeypatch.setattr(ledger, name, cutting(getattr(ledger, name)))


async def test_loads_once_goes_on_where_it_stopped_and_lets_each_role_in(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuts = 0
    make, at_the_cut = selling.make, list[Counter[str]]()

    async def cut_off_once(*given: Any) -> None:
        await make(*given)
        at_the_cut.append(await counts(db, "status", "orders"))
        if len(at_the_cut) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(selling, "make", cut_off_once)
    while True:
        with monkeypatch.context() as patch:
            cut_after(patch, cuts + 1)
            told: list[str] = []
            try:
                await load.load(db, SECRETS, told.append, days=20)
            except KeyboardInterrupt:
                cuts += 1
            else:
                break
        assert not await load.is_whole(db)
    assert cuts == lately.TRANSFERS + 1 + lately.CORRECTIONS + 1 + 1
    assert at_the_cut[0] == at_the_cut[1]
    assert await load.is_whole(db)
    assert told == [
        "Orders, and what is held", "Lots on hold, a recall, a pallet", "Suppliers, and what was ordered",
        "What suppliers bill, and how long they took", "Seals, checkpoints, search",
    ]  # fmt: skip
    rows = await db.run(lambda tx: tx.value(sql("SELECT count(*) FROM inventory_transactions")))
    assert rows > 3_000
    by = await db.run(lambda tx: tx.values(sql("SELECT DISTINCT actor_id FROM postings")))
    assert 0 not in by
    assert len(by) == 1 + len(SITES)
    corrected = await db.run(lambda tx: tx.value(sql("SELECT count(*) FROM postings WHERE command = 'correct'")))
    assert corrected == lately.CORRECTIONS

    people = await access.list_people(db, SYSTEM, PeopleFilters(), PageRequest(limit=50))
    assert {one.role for one in people.items if one.id} == set(ROLES)
    for one in PEOPLE:
        command = SignIn(email=one.email, password=password(SECRETS, one))
        signed = await access.sign_in(db, SECRETS, command, Origin())
        assert (signed.me.role, signed.me.scope is not None) == (one.role, one.site is not None)
    waiting = await ledger.list_requests(db, SYSTEM, PageRequest(), status="PENDING")
    assert len(waiting.items) == 1
    under_way = await ledger.list_transfers(db, SYSTEM, PageRequest(), status="IN_TRANSIT")
    assert len(under_way.items) == lately.TRANSFERS
    report = await ledger.check(db, SYSTEM)
    assert report.findings
    assert not [finding for finding in report.findings if finding.wrong]

    await sold(db)
    await bought(db)
    assert (await counts(db, "status", "lots")).keys() >= {"released", "hold", "quarantine", "recalled"}
    assert await counts(db, "status", "license_plates") == {"open": 4}


async def bought(db: Database) -> None:
    """Suppliers are there, and what was ordered of them, all along its way."""
    assert (await counts(db, "code", "suppliers")).total() == len(buying.SUPPLIERS)
    statuses = await counts(db, "status", "purchase_orders")
    assert statuses.keys() == {"DRAFT", "SUBMITTED", "CONFIRMED", "PARTIAL_RECEIVED", "RECEIVED", "CANCELLED"}, statuses
    assert statuses.total() == buying.ORDERS
    async with db.transaction() as tx:
        assert await tx.value(sql("SELECT count(*) FROM supplier_items")) > 1_000
        assert await tx.value(sql("SELECT count(*) FROM purchase_orders WHERE proposal IS NOT NULL")) == 1
        assert await tx.value(sql("SELECT sum(on_order) FROM inventory_positions")) > 0
        assert (
            await tx.value(sql("SELECT count(*) FROM lead_times_counted WHERE import_id IS NOT NULL")) == paying.HISTORY
        )
        assert await tx.value(sql("SELECT sum(company_amount) FROM landed_charges")) > 0
    billed = await counts(db, "status", "supplier_invoices")
    assert billed.keys() == {"MATCHED", "WAITING", "FLAGGED", "DISPUTED", "RELEASED", "VOID"}, billed


async def sold(db: Database) -> None:
    """What customers want is there, all along its way."""
    statuses = await counts(db, "status", "orders")
    assert statuses.keys() >= {
        "ALLOCATED", "PARTLY_ALLOCATED", "BACKORDERED", "RELEASED", "SHIPPED", "PARTLY_SHIPPED", "CANCELLED"
    }, statuses  # fmt: skip
    assert statuses.total() == selling.ORDERS + 9
    assert (await counts(db, "channel", "orders")).keys() == {"web", "trade", "market"}
    assert (await counts(db, "kind", "reservations")).keys() == {"cart", "quote", "hold"}
    assert (await counts(db, "action", "allocation_audit_log")).keys() >= {"filled", "jumped", "cancelled"}
    assert (await counts(db, "kit", "order_lines"))[True]  # pyright: ignore[reportArgumentType]
    async with db.transaction() as tx:
        assert not await tx.value(sql("SELECT count(*) FROM order_lines WHERE kit AND refused = quantity"))
        assert await tx.value(sql("SELECT count(*) FROM allocation_config")) == 2


async def counts(db: Database, column: str, table: str) -> Counter[str]:
    async with db.transaction() as tx:
        return Counter(await tx.values(sql(f"SELECT {column} FROM {table}")))


async def test_other_data_is_left_alone(database_url: str, server_url: str, template: str) -> None:
    async with Database(clone(server_url, template)) as own:
        await places.create(own, SYSTEM, CreateLocation(code="MINE", kind="store"))
        with pytest.raises(load.OtherData):
            await load.load(own, SECRETS, lambda _: None, clock=system_clock)
        with pytest.raises(load.OtherData):
            await load.is_whole(own)
