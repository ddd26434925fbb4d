"""Loads the made-up company, step by step; the audit trail remembers each step in the step's own transaction."""

import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

import msgspec

from perpetua.access import service as access
from perpetua.access.types import SYSTEM, AuditFilters, CreatePerson, Secrets
from perpetua.app.demo import buying, lately, papers, paying, selling, staff
from perpetua.app.demo.catalogue import Item, Model, catalogue
from perpetua.app.demo.history import Move, Trade
from perpetua.app.demo.names import COMPANY, CONSIGNORS
from perpetua.app.demo.people import PEOPLE, password
from perpetua.app.demo.sites import SITES, bins
from perpetua.app.demo.staff import Staff
from perpetua.app.demo.tracked import tracked
from perpetua.items import service as items
from perpetua.items.types import OWN, AddBarcode, CreateOwner, CreateProduct, CreateVariant
from perpetua.kit.clock import Clock, parse_instant, system_clock
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Conflict
from perpetua.kit.listing import PageRequest
from perpetua.ledger import service as ledger
from perpetua.ledger.types import PostingDraft, Receive, Row, Sell
from perpetua.places import service as places

__all__ = ["OtherData", "is_whole", "load"]

SEED: Final = 20_260_321
BATCH: Final = 8_000
KIND: Final = "demo"
Report = Callable[[str], None]


class OtherData(Conflict):
    """There is something in the database, and it is not the demo."""

    code = "not_a_demo"
    title = "This database is in use"
    sentence = "The database holds other data; the demo needs one of its own."
    remedy = "Choose another place for it, e.g. PERPETUA_HOME=/tmp/perpetua-demo perpetua demo."


class _Ids(msgspec.Struct, frozen=True):
    variants: dict[str, int]
    places: dict[str, int]


async def is_whole(db: Database) -> bool:
    """Whether the demo is there, complete.

    Raises:
        OtherData: something else is.
    """
    return "whole" in await _steps(db)


async def load(db: Database, secrets: Secrets, report: Report, *, days: int | None = None,
               clock: Clock = system_clock) -> None:  # fmt: skip
    """Load what is missing of the demo.

    Args:
        db: empty, or with a demo that was cut off.
        secrets: the passwords come from them.
        report: told what is being done.
        days: only so many of the history's first days (for tests).
        clock: today is by it, when nothing is there yet.

    Raises:
        OtherData: there is something else in the database.
    """
    steps = await _steps(db)
    if not steps:
        await db.run(lambda tx: _note(tx, "begun", {"company": COMPANY, "seed": SEED, "at": clock()}))
        steps = await _steps(db)
    begun = parse_instant(str(steps["begun"]["at"]), "at")  # a try that was cut off is gone on with as of its day
    models = catalogue(random.Random(SEED))  # noqa: S311
    flat = [item for model in models for item in model.items]

    async def step(name: str, told: str, act: Callable[[], Awaitable[None]]) -> None:
        if name not in steps:
            report(told)
            await act()
            await db.run(lambda tx: _note(tx, name, {"done": True}))

    await step("sites", "Three sites with their bins", lambda: _make_sites(db))
    await step("items", f"{len(flat)} items", lambda: _make_items(db, models))
    await step("people", "A sign-in for each role", lambda: _make_people(db, secrets))
    ids = await _ids(db, flat)
    crew = await staff.find(db)
    trade = Trade(random.Random(SEED + 1), flat, begun.date())  # noqa: S311
    await _post_history(db, trade, crew, ids, steps, report, days)
    await step("tracked", "Lots and serials", lambda: _post_tracked(db, crew, flat, begun.date()))
    await step("lately", "What is still open", lambda: lately.make(db, trade, crew, begun))
    await step("selling", "Orders, and what is held", lambda: selling.make(db, trade, crew, begun))
    await step("papers", "Lots on hold, a recall, a pallet", lambda: papers.make(db, trade, crew))
    await step("buying", "Suppliers, and what was ordered", lambda: buying.make(db, trade, crew, begun))
    await step("paying", "What suppliers bill, and how long they took", lambda: paying.make(db, trade, crew, begun))
    report("Seals, checkpoints, search")
    await ledger.seal(db)
    await ledger.make_checkpoints(db)
    await items.refresh_vocabulary(db)
    await db.run(lambda tx: _note(tx, "whole", {"done": True}))


async def _steps(db: Database) -> Mapping[str, Mapping[str, Any]]:
    found = await access.list_audit(db, SYSTEM, AuditFilters(kind=KIND), PageRequest(limit=500))
    steps = {entry.subject_id: entry.after or {} for entry in found.items}
    if not steps:
        anything = await access.list_audit(db, SYSTEM, AuditFilters(), PageRequest(limit=1))
        if anything.items:
            raise OtherData
    return steps


async def _note(tx: Tx, name: str, facts: Mapping[str, Any]) -> None:
    await access.audit(tx, SYSTEM, KIND, name, "loaded", after=facts)


async def _make_sites(db: Database) -> None:
    for site in SITES:
        await places.create(db, SYSTEM, site.create(), key=f"demo-site-{site.code}")
        await places.lay_out(db, SYSTEM, site.lay_out(), key=f"demo-bins-{site.code}")


async def _make_items(db: Database, models: list[Model]) -> None:
    owners: dict[str | None, int] = {None: OWN}
    for code, name in CONSIGNORS:
        made = await items.create_owner(db, SYSTEM, CreateOwner(code=code, name=name), key=f"demo-owner-{code}")
        owners[code] = made.answer.id

    async def act(tx: Tx) -> None:
        categories, _ = await items.ensure_categories(tx, SYSTEM, {model.category for model in models})
        products = [_product(model, categories[model.category], owners[model.owner]) for model in models]
        known = await items.resolve_skus(tx, [products[0].variants[0].sku])
        if not known:
            await items.create_products(tx, SYSTEM, products)

    await db.run(act)


def _product(model: Model, category_id: int, owner_id: int) -> CreateProduct:
    return CreateProduct(
        name=model.name, description=model.description, category_id=category_id, owner_id=owner_id,
        attributes=model.attributes,
        variants=[
            CreateVariant(
                sku=item.sku, name=item.name, attributes=item.attributes, unit=item.unit, tracking=item.tracking,
                cost_price=item.cost, selling_price=item.price, weight_kg=item.weight_kg,
                barcodes=[
                    AddBarcode(code=item.each_code),
                    AddBarcode(code=item.case_code, level="case", units=Decimal(item.case)),
                ],
            )
            for item in model.items
        ],
    )  # fmt: skip


async def _make_people(db: Database, secrets: Secrets) -> None:
    sites = await db.run(lambda tx: places.by_codes(tx, [site.code for site in SITES]))
    for person in PEOPLE:
        command = CreatePerson(
            email=person.email, name=person.name, role=person.role, password=password(secrets, person),
            scope=[sites[person.site].id] if person.site else None,
        )  # fmt: skip
        await access.create_person(db, SYSTEM, command, key=f"demo-{person.email}")


async def _ids(db: Database, flat: list[Item]) -> _Ids:
    codes = [code for site in SITES for code in (*bins(site), site.dock, site.quarantine, site.transit)]

    async def act(tx: Tx) -> _Ids:
        variants = await items.resolve_skus(tx, [item.sku for item in flat])
        found = await places.by_codes(tx, codes)
        return _Ids({sku: ref.id for sku, ref in variants.items()}, {code: ref.id for code, ref in found.items()})

    return await db.run(act)


async def _post_history(
    db: Database, trade: Trade, crew: Staff, ids: _Ids, steps: Mapping[str, Any], report: Report, days: int | None
) -> None:
    for number, moves in enumerate(_batches(trade, days), 1):
        name = f"history-{number:03d}"
        if name in steps:
            continue
        report(f"Movements until {moves[-1].at:%Y-%m-%d}")

        async def act(tx: Tx, name: str = name, moves: list[Move] = moves) -> None:
            for actor, own in crew.shared_out(moves):
                draft = PostingDraft(
                    command="demo", effective_at=own[-1].at, rows=_rows(own, trade.items, ids),
                    note=f"{COMPANY}, made up",
                )  # fmt: skip
                await ledger.post(tx, actor, draft, show_levels=False)
            await _note(tx, name, {"rows": len(moves)})

        await db.run(act)


def _batches(trade: Trade, days: int | None) -> Iterator[list[Move]]:
    gathered: list[Move] = []
    for number, moves in enumerate(trade.days()):
        if number == days:
            break
        gathered += moves
        if len(gathered) >= BATCH:
            yield gathered
            gathered = []
    if gathered:
        yield gathered


def _rows(moves: list[Move], flat: Any, ids: _Ids) -> list[Row]:
    rows: list[Row] = []
    line = 0
    for move in moves:
        item: Item = flat[move.item]
        line += move.type != "TRANSFER_IN"  # the two halves of a transfer share a line
        rows.append(
            Row(
                line_no=line, type=move.type, variant_id=ids.variants[item.sku.upper()],
                location_id=ids.places[move.place], quantity=Decimal(move.quantity),
                unit_cost=item.cost if move.with_cost else None, effective_at=move.at, reason_code=move.reason,
                reference_type=move.kind, reference_id=move.number,
            )
        )  # fmt: skip
    return rows


async def _post_tracked(db: Database, crew: Staff, flat: list[Item], today: date) -> None:
    rng = random.Random(SEED + 2)  # noqa: S311
    actor = crew.at[SITES[2].code]
    for number, command in enumerate(tracked(rng, flat, today)):
        key = f"demo-tracked-{number:03d}"
        if isinstance(command, Receive):
            await ledger.receive(db, actor, command, key=key)
        elif isinstance(command, Sell):
            await ledger.sell(db, actor, command, key=key)
        else:
            await ledger.write_off(db, crew.manager, command, key=key)
