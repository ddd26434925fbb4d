"""Many items at once: each row has its outcome, a bad row harms no other, and the statements are few."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import pytest

from perpetua.access.types import Actor
from perpetua.items import service
from perpetua.items.errors import CostsNotYours
from perpetua.items.types import AddBarcode, Outcome, UpsertRow
from perpetua.kit.database import Database, count_statements, sql
from perpetua.kit.errors import NotAllowed


async def load(db: Database, actor: Actor, rows: Sequence[UpsertRow]) -> list[Outcome]:
    return await db.run(lambda tx: service.create_missing(tx, actor, rows))


def done(outcomes: list[Outcome]) -> list[str]:
    return [one.done for one in outcomes]


async def test_rows_make_change_or_leave_items(db: Database, manager: Actor) -> None:
    first = [
        UpsertRow(sku="B-1", name="One", cost_price=Decimal("1.50"), barcodes=[AddBarcode(code="96385074")]),
        UpsertRow(sku="B-2", name="Two", description="Second", attributes={"colour": "red"}),
    ]
    assert done(await load(db, manager, first)) == ["created", "created"]
    assert done(await load(db, manager, first)) == ["skipped", "skipped"]
    changed = [UpsertRow(sku="b-1", name="Uno"), UpsertRow(sku="B-2", unit="kg"), UpsertRow(sku="B-3", name="Three")]
    outcomes = await load(db, manager, changed)
    assert done(outcomes) == ["updated", "updated", "created"]
    async with db.transaction() as tx:
        refs = await service.resolve_skus(tx, ["B-1", "B-2"])
    assert (refs["B-1"].name, refs["B-1"].cost_price, refs["B-1"].sku) == ("Uno", Decimal("1.5"), "B-1")
    assert refs["B-2"].unit == "kg"
    product = await service.read_product(db, manager, refs["B-1"].product_id)
    assert product.name == "Uno"  # it was named like its one variant
    undone = await load(db, manager, [one.before for one in outcomes if one.before])
    assert done(undone) == ["updated", "updated"]
    assert (await service.read_product(db, manager, refs["B-1"].product_id)).name == "One"


async def test_a_bad_row_is_refused_alone_and_says_why(db: Database, manager: Actor) -> None:
    await load(db, manager, [UpsertRow(sku="HAS", name="Has", barcodes=[AddBarcode(code="4006381333931")])])
    rows = [
        UpsertRow(sku="R-1", name="Good"),
        UpsertRow(sku="R-2"),  # a new item without a name
        UpsertRow(sku="r-1", name="Again"),
        UpsertRow(sku="R-3", name="Wrong digit", barcodes=[AddBarcode(code="4006381333932")]),
        UpsertRow(sku="R-4", name="Taken", barcodes=[AddBarcode(code="4006381333931")]),
        UpsertRow(sku="R-5", name="Unit", unit="cubit"),
        UpsertRow(sku="R-6", name="Category", category_id=12345),
        UpsertRow(sku="R-7", name="Owner", owner_id=12345),
        UpsertRow(sku="\x00", name="Nul"),
        UpsertRow(sku="R-8", name="Shared", barcodes=[AddBarcode(code="SHARED")]),
        UpsertRow(sku="R-9", name="Shared", barcodes=[AddBarcode(code="shared")]),
    ]
    outcomes = await load(db, manager, rows)
    assert [one.sku for one in outcomes if one.done == "created"] == ["R-1", "R-8"]
    codes = [one.refusal.code for one in outcomes if one.refusal]
    assert codes == [
        "invalid_value", "sku_taken", "wrong_check_digit", "barcode_taken", "invalid_value", "invalid_value",
        "invalid_value", "invalid_value", "barcode_taken",
    ]  # fmt: skip
    assert outcomes[4].refusal
    assert outcomes[4].refusal.facts["held_by"] == "HAS"


@pytest.mark.parametrize("count", [1, 1000])
async def test_the_statements_do_not_grow_with_the_rows(db: Database, manager: Actor, count: int) -> None:
    rows = [
        UpsertRow(sku=f"S{count}-{n}", name=f"N {n}", barcodes=[AddBarcode(code=f"S{count}-{n}")]) for n in range(count)
    ]
    with count_statements() as made:
        assert set(done(await load(db, manager, rows))) == {"created"}
    changes = [UpsertRow(sku=row.sku, selling_price=Decimal(2)) for row in rows]
    with count_statements() as changed:
        assert set(done(await load(db, manager, changes))) == {"updated"}
    assert (len(made), len(changed)) == (7, 9), changed


async def test_two_loads_of_the_same_items_at_once_make_each_once(db: Database, manager: Actor) -> None:
    rows = [UpsertRow(sku=f"P-{n}", name=f"P {n}", selling_price=Decimal(n)) for n in range(200)]
    results = await asyncio.gather(*(load(db, manager, rows[::step]) for step in (1, -1, 1, -1)))
    assert sum(done(result).count("created") for result in results) == 200
    assert sum(done(result).count("skipped") for result in results) == 600


async def test_items_that_nothing_refers_to_can_be_taken_back(db: Database, manager: Actor) -> None:
    outcomes = await load(db, manager, [UpsertRow(sku=f"GONE-{n}", name="Gone") for n in range(3)])
    ids = [one.variant_id for one in outcomes if one.variant_id]
    assert await db.run(lambda tx: service.remove_unused(tx, manager, ids)) == set(ids)
    async with db.transaction() as tx:
        assert not await service.variants_by_ids(tx, ids)
        assert not await tx.value(sql("SELECT count(*) FROM products WHERE first_sku LIKE 'GONE-%%'"), {})


async def test_costs_need_the_right(db: Database, clerk: Actor, viewer: Actor) -> None:
    with pytest.raises(CostsNotYours):
        await load(db, clerk, [UpsertRow(sku="C-1", name="C", cost_price=Decimal(1))])
    with pytest.raises(NotAllowed):
        await load(db, viewer, [UpsertRow(sku="C-1", name="C")])
