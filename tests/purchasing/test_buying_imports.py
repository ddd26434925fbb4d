"""Suppliers, what they sell, and purchase orders from files: good rows kept, bad ones named, taken back whole."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.purchasing.helpers import D, drafted, sound

from perpetua.access.types import Actor
from perpetua.app.files import kind_of
from perpetua.kit import imports
from perpetua.kit.database import Database, count_statements
from perpetua.kit.errors import NotAllowed
from perpetua.kit.imports import CannotUndo, Import, ImportOptions, Source
from perpetua.kit.listing import PageRequest
from perpetua.partners import service as partners
from perpetua.partners.types import ChangeSupplier, Supplier, SupplierFilters
from perpetua.purchasing import service
from perpetua.purchasing.types import (
    AddLine,
    CreateOrder,
    OrderFilters,
    OrderSummary,
    SupplierItem,
    SupplierItemFilters,
)


async def load(db: Database, actor: Actor, folder: Path, kind: str, content: str, **options: Any) -> Import:
    path = folder / f"{kind}.csv"
    path.write_text(content)
    return await imports.begin(db, actor, kind_of(kind), [Source(path, path.name)], ImportOptions(**options))


async def bad(db: Database, done: Import) -> list[tuple[int, str | None, str]]:
    page = await imports.errors_of(db, done.id, PageRequest(limit=1000))
    return sorted((row.line, row.field, row.code) for row in page.items)


async def suppliers(db: Database, actor: Actor) -> dict[str, Supplier]:
    found = await partners.list_suppliers(db, actor, SupplierFilters(), PageRequest(limit=1000))
    return {one.code: one for one in found.items}


async def items(db: Database, actor: Actor, supplier: str) -> dict[str, SupplierItem]:
    filters = SupplierItemFilters(supplier=supplier)
    return {one.sku: one for one in (await service.list_items(db, actor, filters, PageRequest(limit=1000))).items}


async def orders(db: Database, actor: Actor, **filters: Any) -> list[OrderSummary]:
    return (await service.list_orders(db, actor, OrderFilters(**filters), PageRequest(limit=1000))).items


async def test_suppliers_come_from_files(db: Database, world: SimpleNamespace, tmp_path: Path) -> None:
    actor = world.actor()
    before = await suppliers(db, actor)
    content = (
        "Vendor,Vendor name,Currency,Email,Net_days,Working_days,cut_off,City,Country,Contact,Phone\n"
        "NORD,Nord AS,nok,post@nord.example,14,mon tue wed,15:30,Oslo,no,Kari,+47 1\n"
        "orchard,,,new@orchard.example,,,,Kent,,,\n"
        "NORD,Again,EUR,,,,,,,,\n"
        "BAD,Bad,XXX9,,,,,,,,\n"
        "NONAME,,EUR,,,,,,,,\n"
        "PHONE,Phone,EUR,,,,,,,,12\n"
        "BERLIN,,,,,,,,,,\n"
    )
    done = await load(db, actor, tmp_path, "suppliers", content)
    assert (done.summary, await bad(db, done)) == (
        {"created": 1, "changed": 1, "same": 1},
        [(4, "code", "twice"), (5, "currency", "invalid_value"), (6, "name", "invalid_value"),
         (7, "contact_name", "invalid_value")],
    )  # fmt: skip
    now = await suppliers(db, actor)
    assert (now["NORD"].currency, now["NORD"].calendar.working_days, now["NORD"].contacts[0].name) == (
        "NOK", [1, 2, 3], "Kari",
    )  # fmt: skip
    assert (now["ORCHARD"].order_email, now["ORCHARD"].addresses[0].city) == ("new@orchard.example", "Kent")
    assert now["BERLIN"] == before["BERLIN"]
    again = await load(db, actor, tmp_path, "suppliers", content)
    assert again.summary == {"created": 0, "changed": 0, "same": 3}
    await imports.undo(db, actor, kind_of("suppliers"), done.id)
    after = await suppliers(db, actor)
    assert after.keys() == before.keys()
    assert after["ORCHARD"].order_email == before["ORCHARD"].order_email
    third = await load(db, actor, tmp_path, "suppliers", content, again=True)
    nord = (await suppliers(db, actor))["NORD"]
    await partners.change_supplier(db, actor, nord.id, ChangeSupplier(name="Nord"), version=nord.version)
    with pytest.raises(CannotUndo):
        await imports.undo(db, actor, kind_of("suppliers"), third.id)
    with pytest.raises(NotAllowed):
        await load(db, world.actor("viewer"), tmp_path, "suppliers", content)


async def test_what_they_sell_comes_from_files(db: Database, world: SimpleNamespace, tmp_path: Path) -> None:
    actor = world.actor()
    before = await items(db, actor, "ORCHARD")
    content = (
        "supplier,sku,supplier_sku,price,min_qty,lead_time,moq,pack,preferred\n"
        "BERLIN,FLOUR,B-FL,1.20,,9,2.5,0.5,\n"
        "BERLIN,flour,B-FL,1.10,100,,,,\n"
        "orchard,PEAR,,0.45,50,,,,\n"
        "BERLIN,NONE,,1,,,,,\n"
        "NOBODY,PEAR,,1,,,,,\n"
        "BERLIN,MILK,X,1,,,,,\n"
        "BERLIN,MILK,Y,2,10,,,,\n"
        "BERLIN,APPLE,,1,,,1.5,,\n"
        "BERLIN,PEAR,,x,,,,,\n"
    )
    done = await load(db, actor, tmp_path, "supplier_items", content)
    assert await bad(db, done) == [
        (5, "sku", "unknown_item"), (6, "supplier", "unknown_supplier"), (8, "supplier_sku", "differs"),
        (9, "min_order_qty", "invalid_value"), (10, "unit_price", "invalid_value"),
    ]  # fmt: skip
    assert done.summary == {"created": 2, "changed": 1}
    berlin, orchard = await items(db, actor, "BERLIN"), await items(db, actor, "ORCHARD")
    flour = berlin["FLOUR"]
    assert (flour.supplier_sku, flour.lead_time_days, flour.preferred) == ("B-FL", 9, True)
    assert isinstance(flour.prices, list)
    assert [(one.min_qty, one.unit_price) for one in flour.prices] == [(D(0), D("1.2")), (D(100), D("1.1"))]
    pear = orchard["PEAR"]
    assert isinstance(pear.prices, list)
    assert [(one.min_qty, one.unit_price) for one in pear.prices] == [(D(0), D("0.5")), (D(50), D("0.45"))]
    await imports.undo(db, actor, kind_of("supplier_items"), done.id)
    assert await items(db, actor, "BERLIN") == {}
    back = await items(db, actor, "ORCHARD")
    assert back["PEAR"].prices == before["PEAR"].prices


async def test_orders_come_from_files(db: Database, world: SimpleNamespace, tmp_path: Path) -> None:
    actor = world.actor()
    content = (
        "PO,vendor,site,sku,qty,price,wanted_on\n"
        "F1,ORCHARD,LON,PEAR,4,,2027-01-05\n"
        "F2,ORCHARD,LON,PEAR,1,,\n"
        "F1,orchard,LON,APPLE,100,0.19,2027-01-05\n"
        "F3,ORCHARD,LON,APPLE,12,,\n"
        "F3,ORCHARD,LON,PEAR,1,,\n"
        "F4,ORCHARD,LON,PEAR,x,,\n"
        "F5,NOBODY,LON,PEAR,1,,\n"
        "F6,ORCHARD,SHOP,PEAR,1,,\n"
        "F6,ORCHARD,LON,PEAR,1,,\n"
        ",ORCHARD,LON,PEAR,1,,\n"
        "F7,ORCHARD,SHOP,NONE,1,,\n"
    )
    done = await load(db, actor, tmp_path, "purchase_orders", content)
    assert await bad(db, done) == [
        (5, "quantity", "off_pack"), (6, None, "order_refused"), (7, "quantity", "invalid_value"),
        (8, "supplier", "unknown_supplier"), (9, None, "order_in_doubt"), (10, "site", "differs"),
        (11, "external_id", "missing_value"), (12, None, "order_in_doubt"),
    ]  # fmt: skip
    assert done.summary == {"orders_made": 2, "orders_refused": 5}
    made = {one.external_id: one for one in await orders(db, actor, status="DRAFT") if one.external_id}
    assert {key: (one.lines, one.total) for key, one in made.items()} == {"F1": (2, D(21)), "F2": (1, D("0.5"))}
    again = await load(db, actor, tmp_path, "purchase_orders", content)
    assert again.summary == {"orders_known": 2, "orders_refused": 5}
    undone = await imports.undo(db, actor, kind_of("purchase_orders"), done.id)
    assert undone.summary["orders_cancelled"] == 2
    assert {one.external_id for one in await orders(db, actor, status="CANCELLED")} >= {"F1", "F2"}
    await sound(db)


async def test_the_statements_do_not_grow_with_the_orders(db: Database, world: SimpleNamespace) -> None:
    counts: list[int] = []
    for many in (2, 300):
        line = AddLine(sku="PEAR", quantity=D(1))
        wanted = [
            CreateOrder(supplier="ORCHARD", site="LON", lines=[line] * 3, external_id=f"many-{many}-{n}")
            for n in range(many)
        ]
        with count_statements() as seen:
            made = await db.run(lambda tx, wanted=wanted: service.create_many(tx, world.actor(), wanted))
        counts.append(len(seen))
        assert all(isinstance(one, int) for one in made)
    assert counts[0] == counts[1]
    await drafted(db, world.actor(), ("PEAR", 1))
    await sound(db)
