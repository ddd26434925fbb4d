"""Products and variants on the real database: made, changed, read, in few statements, and by many at once."""

import asyncio
import itertools
from decimal import Decimal
from typing import Any

import pytest

from perpetua.access.types import SYSTEM, Actor
from perpetua.items import service
from perpetua.items.errors import BarcodeTaken, CostsNotYours, InUse, SkuTaken, WrongCheckDigit
from perpetua.items.rules import check_digit
from perpetua.items.types import (
    AddBarcode,
    ChangeOneVariant,
    ChangeProduct,
    ChangeVariant,
    CreateProduct,
    CreateVariant,
    UpsertRow,
)
from perpetua.kit.database import Database, count_statements, sql
from perpetua.kit.errors import InvalidValue, Missing, NotAllowed, Refusal, Stale
from perpetua.places import service as places
from perpetua.places.types import CreateLocation

numbers = itertools.count(1)


def fresh(**fields: Any) -> CreateProduct:
    """A product with one variant, whose SKU nobody has."""
    sku = f"T-{next(numbers):05}"
    return CreateProduct(**{"name": f"Thing {sku}", "variants": [CreateVariant(sku=sku)], **fields})


def gtin(payload: int) -> str:
    digits = f"{payload:012}"
    return digits + str(check_digit(digits))


async def test_a_product_is_made_with_all_that_belongs_to_it(db: Database, manager: Actor) -> None:
    command = CreateProduct(
        name="  Oak table ",
        description="Solid.\nHeavy.",
        attributes={"material": "oak", "legs": 4, "sizes": [1, 2], "more": {"a": None}},
        variants=[
            CreateVariant(
                sku="OAK-L", name="Oak table, large", cost_price=Decimal("120.50"), selling_price=Decimal(300),
                weight_kg=Decimal("41.2"), length_mm=Decimal(1800), tracking="serial",
                barcodes=[
                    AddBarcode(code="4006381333931"),
                    AddBarcode(code="14006381333938", level="case", units=Decimal(2)),
                ],
            ),
            CreateVariant(sku="OAK-S"),
        ],
    )  # fmt: skip
    made = (await service.create_product(db, manager, command)).answer
    assert made == await service.read_product(db, manager, made.id)
    assert made.name == "Oak table"
    large, small = made.variants
    assert (large.sku, large.cost_price, large.weight_kg) == ("OAK-L", Decimal("120.5"), Decimal("41.2"))
    assert [(b.code, b.kind, b.level, b.units) for b in large.barcodes] == [
        ("04006381333931", "ean13", "each", Decimal(1)),
        ("14006381333938", "gtin14", "case", Decimal(2)),
    ]
    assert small.name == "Oak table"
    assert made.attributes["more"] == {"a": None}


async def test_a_key_sent_twice_makes_one_product(db: Database, manager: Actor) -> None:
    command = fresh()
    first = await service.create_product(db, manager, command, key="make-1")
    again = await service.create_product(db, manager, command, key="make-1")
    assert again.replayed
    assert again.answer == first.answer


async def test_a_sku_is_taken_without_regard_to_case(db: Database, manager: Actor) -> None:
    made = (await service.create_product(db, manager, fresh(variants=[CreateVariant(sku="case-1")]))).answer
    with pytest.raises(SkuTaken) as refused:
        await service.create_product(db, manager, fresh(variants=[CreateVariant(sku="CASE-1")]))
    assert refused.value.facts["product_id"] == made.id


async def test_a_barcode_belongs_to_one_variant_and_the_refusal_says_whose(db: Database, manager: Actor) -> None:
    code = gtin(111)
    holder = fresh(variants=[CreateVariant(sku="HOLDER", barcodes=[AddBarcode(code=code)])])
    await service.create_product(db, manager, holder)
    other = fresh(variants=[CreateVariant(sku="OTHER", barcodes=[AddBarcode(code=code.zfill(14))])])
    with pytest.raises(BarcodeTaken) as refused:
        await service.create_product(db, manager, other)
    assert refused.value.facts["held_by"] == "HOLDER"
    async with db.transaction() as tx:
        assert not await service.resolve_skus(tx, ["OTHER"])


@pytest.mark.parametrize(
    "variant, field",
    [
        (CreateVariant(sku=""), "variants[0].sku"),
        (CreateVariant(sku="a\x00b"), "variants[0].sku"),
        (CreateVariant(sku="x" * 65), "variants[0].sku"),
        (CreateVariant(sku="X1", name=" "), "variants[0].name"),
        (CreateVariant(sku="X1", unit="furlong"), "unit"),
        (CreateVariant(sku="X1", cost_price=Decimal(-1)), "variants[0].cost_price"),
        (CreateVariant(sku="X1", cost_price=Decimal("1e400")), "variants[0].cost_price"),
        (CreateVariant(sku="X1", selling_price=Decimal("NaN")), "variants[0].selling_price"),
        (CreateVariant(sku="X1", selling_price=Decimal("1.0000001")), "variants[0].selling_price"),
        (CreateVariant(sku="X1", length_mm=Decimal(0)), "variants[0].length_mm"),
        (CreateVariant(sku="X1", attributes={"a": {"b": {"c": {"d": {"e": 1}}}}}), "variants[0].attributes.a.b.c.d.e"),
        (CreateVariant(sku="X1", attributes={"a": "x" * 5000}), "variants[0].attributes.a"),
        (CreateVariant(sku="X1", attributes={"": 1}), "variants[0].attributes"),
        (CreateVariant(sku="X1", attributes={"a": "\x00"}), "variants[0].attributes.a"),
        (CreateVariant(sku="X1", barcodes=[AddBarcode(code="4006381333932")]), "variants[0].barcodes[0].code"),
        (
            CreateVariant(sku="X1", barcodes=[AddBarcode(code="A", units=Decimal(0))]),
            "variants[0].barcodes[0].units",
        ),
    ],
)
async def test_a_value_that_can_not_be_taken_is_named(
    db: Database, manager: Actor, variant: CreateVariant, field: str
) -> None:
    with pytest.raises(InvalidValue) as refused:
        await service.create_product(db, manager, fresh(variants=[variant]))
    assert refused.value.facts["field"] == field


async def test_a_barcode_stands_for_what_the_unit_can_hold(db: Database, manager: Actor) -> None:
    half = CreateVariant(sku="HALF", barcodes=[AddBarcode(code="HALF-1", units=Decimal("0.5"))])
    with pytest.raises(InvalidValue):
        await service.create_product(db, manager, fresh(variants=[half]))
    loose = CreateVariant(sku="LOOSE", unit="KG", barcodes=[AddBarcode(code="HALF-1", units=Decimal("0.5"))])
    made = (await service.create_product(db, manager, fresh(variants=[loose]))).answer
    assert made.variants[0].unit == "kg"


@pytest.mark.parametrize(
    "field, value", [("category_id", 999), ("owner_id", 999), ("owner_id", 2**70), ("category_id", -1)]
)
async def test_what_is_named_must_be_there(db: Database, manager: Actor, field: str, value: int) -> None:
    with pytest.raises(InvalidValue) as refused:
        await service.create_product(db, manager, fresh(**{field: value}))
    assert refused.value.facts["field"] == field


async def test_a_product_is_changed_against_its_version(db: Database, manager: Actor) -> None:
    made = (await service.create_product(db, manager, fresh())).answer
    variant = made.variants[0]
    command = ChangeProduct(
        name="Renamed",
        variants=[ChangeOneVariant(id=variant.id, selling_price=Decimal("9.99"))],
        new_variants=[CreateVariant(sku=f"{variant.sku}-B")],
    )
    after = (await service.change_product(db, manager, made.id, command, version=made.version)).answer
    assert after.version == made.version + 1
    assert [v.name for v in after.variants] == ["Renamed", "Renamed"]  # it was named like the product
    assert after.variants[0].selling_price == Decimal("9.99")
    assert after.variants[0].version == variant.version + 1
    with pytest.raises(Stale) as refused:
        await service.change_product(db, manager, made.id, ChangeProduct(name="Late"), version=made.version)
    assert (refused.value.facts["sent"], refused.value.facts["current"]) == (made.version, after.version)


async def test_a_variant_is_changed_against_its_own_version(db: Database, manager: Actor) -> None:
    variant = (await service.create_product(db, manager, fresh())).answer.variants[0]
    after = (
        await service.change_variant(db, manager, variant.id, ChangeVariant(active=False), version=variant.version)
    ).answer
    assert (after.active, after.version) == (False, variant.version + 1)
    with pytest.raises(Stale):
        await service.change_variant(db, manager, variant.id, ChangeVariant(active=True), version=variant.version)
    with pytest.raises(Missing):
        await service.change_variant(db, manager, 10**9, ChangeVariant(active=True))


async def test_a_foreign_variant_is_not_changed_with_a_product(db: Database, manager: Actor) -> None:
    one = (await service.create_product(db, manager, fresh())).answer
    other = (await service.create_product(db, manager, fresh())).answer
    command = ChangeProduct(variants=[ChangeOneVariant(id=other.variants[0].id, active=False)])
    with pytest.raises(Missing):
        await service.change_product(db, manager, one.id, command)


async def test_costs_are_seen_and_written_only_with_the_right(
    db: Database, manager: Actor, viewer: Actor, clerk: Actor
) -> None:
    secret = Decimal("77.31")
    priced = fresh(variants=[CreateVariant(sku="PRICED", cost_price=secret)])
    made = (await service.create_product(db, manager, priced, key="priced")).answer
    assert made.variants[0].cost_price == secret
    for actor in (viewer, clerk):
        read = await service.read_product(db, actor, made.id)
        assert "77.31" not in repr(read)
        assert "77.31" not in repr(await service.read_variant(db, actor, made.variants[0].id))
    changed = await service.change_product(db, clerk, made.id, ChangeProduct(description="x"))
    assert "77.31" not in repr(changed)
    for attempt in (
        service.create_product(db, clerk, priced),
        service.change_variant(db, clerk, made.variants[0].id, ChangeVariant(cost_price=Decimal("55.01"))),
        service.change_variant(db, clerk, made.variants[0].id, ChangeVariant(cost_price=None)),
    ):
        with pytest.raises(CostsNotYours) as refused:
            await attempt
        assert "cost_price" in refused.value.facts["field"]
        assert "77" not in str(refused.value.facts)
    with pytest.raises(NotAllowed):
        await service.create_product(db, viewer, fresh())


async def test_a_refused_cost_is_not_repeated(db: Database, manager: Actor) -> None:
    with pytest.raises(InvalidValue) as refused:
        await service.create_product(
            db, manager, fresh(variants=[CreateVariant(sku="X", cost_price=Decimal("12.3456789"))])
        )
    assert "12.34" not in str(refused.value.facts)


async def test_every_change_is_in_the_trail(db: Database, manager: Actor) -> None:
    made = (await service.create_product(db, manager, fresh())).answer
    variant = made.variants[0]
    await service.change_variant(db, manager, variant.id, ChangeVariant(cost_price=Decimal("5.00")))
    await service.change_variant(db, manager, variant.id, ChangeVariant(cost_price=Decimal(5)))
    trail = sql(
        "SELECT action, before, after, costs FROM audit_log WHERE kind = 'variant' AND subject_id = %(id)s ORDER BY id"
    )
    async with db.admin() as tx:
        rows = await tx.dicts(trail, {"id": str(variant.id)})
    assert [row["action"] for row in rows] == ["created", "updated"]  # the same price again is no change
    assert rows[1]["before"] == {"cost_price": None}
    assert rows[1]["after"] == {"cost_price": "5"}
    assert rows[1]["costs"] == ["cost_price"]


@pytest.mark.parametrize("count", [1, 100])
async def test_a_product_costs_the_same_statements_whatever_its_variants(
    db: Database, manager: Actor, count: int
) -> None:
    base = f"N{count}"
    variants = [
        CreateVariant(sku=f"{base}-{n}", barcodes=[AddBarcode(code=gtin(10**6 * count + n))]) for n in range(count)
    ]
    with count_statements() as made:
        product = (await service.create_product(db, manager, CreateProduct(name=base, variants=variants))).answer
    with count_statements() as read:
        await service.read_product(db, manager, product.id)
    assert len(product.variants) == count
    assert (len(made), len(read)) == (12, 4), made


async def test_of_many_who_make_one_sku_one_wins_and_the_others_are_told(db: Database, manager: Actor) -> None:
    async def attempt(number: int) -> object:
        variants = [CreateVariant(sku="RACE-A"), CreateVariant(sku="race-b")]
        if number % 2:
            variants.reverse()
        try:
            return await service.create_product(db, manager, CreateProduct(name=f"Race {number}", variants=variants))
        except Refusal as refusal:
            return refusal

    results = await asyncio.gather(*(attempt(number) for number in range(12)))
    lost = [result for result in results if isinstance(result, Refusal)]
    assert len(lost) == 11
    assert all(isinstance(one, SkuTaken) and one.facts["product_id"] for one in lost)


async def test_lookups_take_any_number_in_one_statement(db: Database, manager: Actor) -> None:
    code = gtin(7_777_777)
    loose = CreateVariant(sku="Look-1", barcodes=[AddBarcode(code=code, level="case", units=Decimal(12))])
    made = (await service.create_product(db, manager, fresh(variants=[loose]))).answer
    async with db.transaction() as tx:
        with count_statements() as seen:
            by_sku = await service.resolve_skus(tx, ["LOOK-1", "look-1 ", "none", "a\x00"])
            by_code = await service.resolve_barcodes(tx, [code, code[1:] if code[0] == "0" else code, "nope", "\x00"])
            by_id = await service.variants_by_ids(tx, [made.variants[0].id, 10**12, -1, 2**80])
    assert len(seen) == 3
    ref = by_sku["LOOK-1"]
    assert by_sku["LOOK-1 "] == ref
    assert "NONE" not in by_sku
    assert by_code[code].variant == ref
    assert (by_code[code].level, by_code[code].units) == ("case", Decimal(12))
    assert by_id == {ref.id: ref}
    assert (ref.decimals, ref.tracking, ref.active) == (0, "none", True)


async def test_wrong_check_digits_say_the_right_one(db: Database, manager: Actor) -> None:
    with pytest.raises(WrongCheckDigit) as refused:
        await service.create_product(
            db, manager, fresh(variants=[CreateVariant(sku="WCD", barcodes=[AddBarcode(code="4006381333930")])])
        )
    assert refused.value.facts["expected"] == 1


async def test_unit_and_tracking_stay_once_there_is_stock_history(db: Database, manager: Actor) -> None:
    product = (await service.create_product(db, manager, fresh())).answer
    variant = product.variants[0]
    site = (await places.create(db, SYSTEM, CreateLocation(code="HIST", kind="warehouse", name="History"))).answer
    async with db.admin() as tx:
        level = sql(
            "INSERT INTO inventory_levels (variant_id, location_id, on_hand) VALUES (%(variant)s, %(place)s, 1)"
        )
        await tx.execute(level, {"variant": variant.id, "place": site.id})
    for command, field in ((ChangeVariant(unit="kg"), "unit"), (ChangeVariant(tracking="lot"), "tracking")):
        with pytest.raises(InUse) as refused:
            await service.change_variant(db, manager, variant.id, command)
        assert refused.value.facts["field"] == field
    rows = [UpsertRow(sku=variant.sku, unit="kg"), UpsertRow(sku="HIST-NEW", name="New")]
    outcomes = await db.run(lambda tx: service.create_missing(tx, manager, rows))
    assert [one.done for one in outcomes] == ["refused", "created"]
    assert (await service.change_variant(db, manager, variant.id, ChangeVariant(name="Other"))).answer.name == "Other"


async def test_a_product_has_a_variant_and_an_owner(db: Database, manager: Actor) -> None:
    with pytest.raises(InvalidValue):
        await service.create_product(db, manager, CreateProduct(name="Nothing", variants=[]))
    assert (await service.create_product(db, manager, fresh())).answer.owner_id == 1


async def test_a_sku_changes_and_the_old_one_is_free_again(db: Database, manager: Actor) -> None:
    product = (await service.create_product(db, manager, fresh())).answer
    variant = product.variants[0]
    await service.change_variant(db, manager, variant.id, ChangeVariant(sku="MOVED-1"))
    await service.change_variant(db, manager, variant.id, ChangeVariant(sku="moved-1"))  # its own, in another case
    async with db.transaction() as tx:
        refs = await service.resolve_skus(tx, [variant.sku, "MOVED-1"])
        first = await tx.value(sql("SELECT first_sku FROM products WHERE id = %(id)s"), {"id": product.id})
    assert [(key, ref.sku) for key, ref in refs.items()] == [("MOVED-1", "moved-1")]
    assert first == "moved-1"
    other = (await service.create_product(db, manager, fresh())).answer.variants[0]
    with pytest.raises(SkuTaken):
        await service.change_variant(db, manager, other.id, ChangeVariant(sku="Moved-1"))
