"""What suppliers sell us: prices by quantity, one preferred supplier for each item, many at once."""

from types import SimpleNamespace

import msgspec
import pytest
from tests.purchasing.helpers import D, drafted

from perpetua.kit.database import Database, count_statements, sql
from perpetua.kit.errors import InvalidValue, NotAllowed, Stale
from perpetua.kit.listing import PageRequest
from perpetua.partners.errors import UnknownSupplier
from perpetua.purchasing import service
from perpetua.purchasing.errors import SupplierItemThere, UnknownItems
from perpetua.purchasing.types import (
    ChangeSupplierItem,
    PriceBreak,
    SetSupplierItem,
    SetSupplierItems,
    SupplierItemFilters,
)

TWO_BREAKS = [PriceBreak(min_qty=D(10), unit_price=D("0.9")), PriceBreak(unit_price=D(1))]


async def preferred(db: Database, sku: str) -> list[str]:
    page = await service.list_items(db, ADMIN.actor(), SupplierItemFilters(sku=sku, preferred=True), PageRequest())
    return [one.supplier for one in page.items]


ADMIN = SimpleNamespace()


@pytest.fixture(autouse=True)
def everybody(world: SimpleNamespace) -> None:
    ADMIN.actor = world.actor


async def test_an_item_is_made_changed_and_ordered_by_its_breaks(db: Database, world: SimpleNamespace) -> None:
    command = SetSupplierItem(supplier="orchard", sku="flour", prices=TWO_BREAKS, supplier_sku="F-1", lead_time_days=2)
    made = (await service.create_item(db, world.actor(), command)).answer
    assert (made.preferred, made.version, made.currency, made.sku) == (True, 1, "GBP", "FLOUR")
    assert made.prices == [PriceBreak(unit_price=D(1)), PriceBreak(min_qty=D(10), unit_price=D("0.9"))]
    for quantity, price in ((9, D(1)), (10, D("0.9")), (11, D("0.9"))):
        draft = await drafted(db, world.actor(), ("FLOUR", quantity))
        assert draft.lines[0].unit_price == price
    with pytest.raises(SupplierItemThere):
        await service.create_item(db, world.actor(), command)
    change = ChangeSupplierItem(pack_multiple=D("2.5"), prices=[PriceBreak(unit_price=D(3))])
    changed = (await service.change_item(db, world.actor(), made.id, change, version=1)).answer
    assert (changed.pack_multiple, changed.prices, changed.supplier_sku) == (D("2.5"), change.prices, "F-1")
    with pytest.raises(Stale):
        await service.change_item(db, world.actor(), made.id, change, version=1)
    blind = msgspec.structs.replace(world.actor(), permissions=world.actor().permissions - {"supplier_prices.read"})
    assert (await service.get_item(db, blind, made.id)).prices is msgspec.UNSET
    with pytest.raises(NotAllowed):
        await service.change_item(db, blind, made.id, change, version=2)
    with pytest.raises(NotAllowed):
        await service.change_item(db, world.actor("viewer"), made.id, ChangeSupplierItem(active=False), version=2)


async def test_one_supplier_is_preferred(db: Database, world: SimpleNamespace) -> None:
    other = SetSupplierItem(supplier="BERLIN", sku="PEAR", prices=[PriceBreak(unit_price=D(2))])
    second = (await service.create_item(db, world.actor(), other)).answer
    assert (second.preferred, await preferred(db, "PEAR")) == (False, ["ORCHARD"])
    await service.change_item(db, world.actor(), second.id, ChangeSupplierItem(preferred=True), version=1)
    assert await preferred(db, "PEAR") == ["BERLIN"]
    await service.change_item(db, world.actor(), second.id, ChangeSupplierItem(active=False), version=2)
    assert await preferred(db, "PEAR") == []
    with pytest.raises(InvalidValue):
        await service.change_item(db, world.actor(), second.id, ChangeSupplierItem(preferred=True), version=3)
    both = [SetSupplierItem(supplier=one, sku="PEAR", preferred=True, active=True) for one in ("ORCHARD", "BERLIN")]
    with pytest.raises(InvalidValue):
        await service.set_items(db, world.actor(), SetSupplierItems(items=both))
    await service.set_items(db, world.actor(), SetSupplierItems(items=both[:1]))
    assert await preferred(db, "PEAR") == ["ORCHARD"]


async def test_many_are_set_in_a_constant_number_of_statements(db: Database, world: SimpleNamespace) -> None:
    async with db.admin() as tx:
        await tx.execute(
            sql("""WITH r AS (INSERT INTO products (name, first_sku) SELECT 'N' || n, 'N' || n
                              FROM generate_series(1, 1000) AS n RETURNING id, first_sku)
                   INSERT INTO product_variants (product_id, sku, name, unit)
                   SELECT id, first_sku, first_sku, 'each' FROM r""")
        )
    counts: list[int] = []
    for many in (2, 1000):
        rows = [SetSupplierItem(supplier="BERLIN", sku=f"N{n}", prices=TWO_BREAKS) for n in range(1, many + 1)]
        with count_statements() as seen:
            done = (await service.set_items(db, world.actor(), SetSupplierItems(items=rows))).answer
        counts.append(len(seen))
        assert done.created + done.changed == many
    assert counts[0] == counts[1]
    assert done.changed == 2
    page = PageRequest(limit=400)
    seen_skus: list[str] = []
    while True:
        found = await service.list_items(db, world.actor(), SupplierItemFilters(supplier="berlin", text="n"), page)
        seen_skus += [one.sku for one in found.items]
        if found.next_cursor is None:
            break
        page = PageRequest(limit=400, cursor=found.next_cursor)
    assert len([sku for sku in seen_skus if sku.startswith("N")]) == 1000
    assert len(seen_skus) == len(set(seen_skus))


async def test_what_cannot_be_is_refused_with_its_line(db: Database, world: SimpleNamespace) -> None:
    good = SetSupplierItem(supplier="BERLIN", sku="MILK")
    for bad, field in (
        (SetSupplierItem(supplier="BERLIN", sku="NONE"), "items[1].sku"),
        (SetSupplierItem(supplier="NOBODY", sku="MILK"), "items[1].supplier"),
        (SetSupplierItem(supplier="BERLIN", sku="milk"), "items[1].sku"),
        (SetSupplierItem(supplier="BERLIN", sku="PHONE", min_order_qty=D("1.5")), "items[1].min_order_qty"),
        (SetSupplierItem(supplier="BERLIN", sku="PHONE", lead_time_days=-1), "items[1].lead_time_days"),
        (
            SetSupplierItem(supplier="BERLIN", sku="PHONE", prices=[PriceBreak(unit_price=D(-1))]),
            "items[1].prices[0].unit_price",
        ),
        (SetSupplierItem(supplier="BERLIN", sku="PHONE", prices=TWO_BREAKS[:1] * 2), "items[1].prices"),
    ):
        with pytest.raises((InvalidValue, UnknownSupplier, UnknownItems)) as refused:
            await service.set_items(db, world.actor(), SetSupplierItems(items=[good, bad]))
        assert refused.value.facts["field"] == field
    assert not (await service.list_items(db, world.actor(), SupplierItemFilters(supplier="BERLIN", sku="MILK"),
                                         PageRequest())).items  # fmt: skip
