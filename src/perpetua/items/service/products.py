"""Products and their variants: made, changed and read together.

Locks: whoever changes a product or anything below it holds the product's row first.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from perpetua.access.service import Change, audit, audit_many
from perpetua.access.types import Actor
from perpetua.items import store
from perpetua.items.service import drafts
from perpetua.items.types import ChangeOneVariant, ChangeProduct, ChangeVariant, CreateProduct, Product, Variant
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue, Missing, Stale, TooLarge
from perpetua.kit.idempotency import Answered, once

__all__ = ["change_product", "change_variant", "create_product", "create_products", "read_product", "read_variant"]

MAX_VARIANTS = 500
Row = dict[str, Any]


async def create_product(
    db: Database, actor: Actor, command: CreateProduct, *, key: str | None = None
) -> Answered[Product]:
    """Make a product with its variants and their barcodes, all or nothing.

    Raises:
        NotAllowed: no `items.write`; CostsNotYours: a cost price without `costs.read`.
        InvalidValue: names the field. SkuTaken, BarcodeTaken: name who has it.
    """
    actor.require("items.write")
    if not command.variants:
        raise InvalidValue("variants", "[]", "a product needs at least one variant")
    product = drafts.clean_fields(command, store.PRODUCT_FIELDS)
    variants = _new_variants(actor, command.variants, product["name"], "variants")

    async def act(tx: Tx) -> Product:
        await _check_new(tx, [product], variants)
        async with drafts.told(tx, variants):
            first = min((row["sku"] for row in variants), key=str.upper)
            made = await store.insert_products(tx, [{**product, "first_sku": first}])
            product_id = made[first]
            await _insert(tx, product_id, variants)
        whole = await drafts.one(tx, product_id)
        await audit(tx, actor, "product", product_id, "created", None, product)
        await _audit_made(tx, actor, whole.variants)
        return drafts.shown(whole, actor)

    answered = await once(
        db, sender=actor.person_id, key=key, command="create_product", body=command, answer=Product, act=act
    )
    return Answered(drafts.shown(answered.answer, actor), answered.replayed)


async def create_products(tx: Tx, actor: Actor, commands: Sequence[CreateProduct]) -> dict[str, int]:
    """Make many products in the caller's transaction, all or none; the variants' ids by SKU.

    A constant number of statements, whatever their number. No two may share a SKU or a barcode.

    Raises:
        what `create_product` raises.
    """
    actor.require("items.write")
    products: list[Row] = []
    variants: list[list[Row]] = []
    for place, command in enumerate(commands):
        if not command.variants:
            raise InvalidValue(f"products[{place}].variants", "[]", "a product needs at least one variant")
        row = drafts.clean_fields(command, store.PRODUCT_FIELDS, f"products[{place}].")
        variants.append(_new_variants(actor, command.variants, row["name"], f"products[{place}].variants"))
        products.append({**row, "first_sku": min((one["sku"] for one in variants[-1]), key=str.upper)})
    flat = [row for rows in variants for row in rows]
    await _check_new(tx, products, flat)
    async with drafts.told(tx, flat):
        made = await store.insert_products(tx, products)
        for product, rows in zip(products, variants, strict=True):
            for row in rows:
                row["product_id"] = made[product["first_sku"]]
        ids = await store.insert_variants(tx, flat)
        await _insert_barcodes(tx, ids, flat)
    told = [Change(id=made[row["first_sku"]], action="created", after={"name": row["name"]}) for row in products]
    await audit_many(tx, actor, "product", told)
    told = [
        Change(id=ids[row["sku"]], action="created", after={n: v for n, v in row.items() if n != "barcodes"})
        for row in flat
    ]
    await audit_many(tx, actor, "variant", told)
    return ids


async def change_product(
    db: Database,
    actor: Actor,
    product_id: int,
    command: ChangeProduct,
    *,
    version: int | None = None,
    key: str | None = None,
) -> Answered[Product]:
    """Change a product, some of its variants, and add some, all or nothing.

    A variant that is named like the product is named anew with it.

    Raises:
        Stale: it is no more at `version`. Missing: no such product, or no such variant of it.
        InUse: the unit or tracking of a variant that has stock history.
        and what `create_product` raises.
    """
    actor.require("items.write")
    changes = drafts.clean_fields(command, store.PRODUCT_FIELDS)
    edits = _edits(actor, command.variants)

    async def act(tx: Tx) -> Product:
        before = await _locked(tx, product_id)
        if version is not None and before.version != version:
            raise Stale(what="product", key=product_id, sent=version, current=before.version)
        name = changes.get("name", before.name)
        added = _new_variants(actor, command.new_variants, name, "new_variants")
        if len(before.variants) + len(added) > MAX_VARIANTS:
            raise TooLarge(reason=f"A product has at most {MAX_VARIANTS} variants.", limit=MAX_VARIANTS)
        return await _apply(tx, actor, before, changes, edits, added)

    body = [product_id, version, command]
    answered = await once(
        db, sender=actor.person_id, key=key, command="change_product", body=body, answer=Product, act=act
    )
    return Answered(drafts.shown(answered.answer, actor), answered.replayed)


async def change_variant(
    db: Database,
    actor: Actor,
    variant_id: int,
    command: ChangeVariant,
    *,
    version: int | None = None,
    key: str | None = None,
) -> Answered[Variant]:
    """Change one variant, against its own version.

    Raises:
        what `change_product` raises.
    """
    actor.require("items.write")
    fields = {name: getattr(command, name) for name in command.__struct_fields__}
    edits = _edits(actor, [ChangeOneVariant(**fields, id=variant_id)], prefix="")

    async def act(tx: Tx) -> Variant:
        before = await _locked(tx, await _product_of(tx, variant_id))
        held = _variant(before, variant_id)
        if version is not None and held.version != version:
            raise Stale(what="variant", key=variant_id, sent=version, current=held.version)
        return _variant(await _apply(tx, actor, before, {}, edits, []), variant_id)

    body = [variant_id, version, command]
    answered = await once(
        db, sender=actor.person_id, key=key, command="change_variant", body=body, answer=Variant, act=act
    )
    return Answered(drafts.shown_variant(answered.answer, actor), answered.replayed)


async def read_product(db: Database, actor: Actor, product_id: int) -> Product:
    """The product with variants, barcodes and images.

    Raises:
        Missing: there is none.
    """
    actor.require("items.read")
    async with db.snapshot() as tx:
        return drafts.shown(await drafts.one(tx, product_id), actor)


async def read_variant(db: Database, actor: Actor, variant_id: int) -> Variant:
    """One variant with its barcodes.

    Raises:
        Missing: there is none.
    """
    actor.require("items.read")
    async with db.snapshot() as tx:
        product = await drafts.one(tx, await _product_of(tx, variant_id))
        return drafts.shown_variant(_variant(product, variant_id), actor)


async def _apply(
    tx: Tx, actor: Actor, before: Product, changes: Row, edits: dict[int, Row], added: list[Row]
) -> Product:
    """Write the changes over what is there; the product as it is then, for the actor."""
    product = {**drafts.product_fields(before), **changes}
    rows: list[Row] = []
    for variant_id in edits:
        _variant(before, variant_id)
    for variant in before.variants:
        row = {**drafts.variant_fields(variant), **edits.get(variant.id, {}), "id": variant.id}
        if variant.name == before.name and "name" not in edits.get(variant.id, {}):
            row["name"] = product["name"]
        if row != {**drafts.variant_fields(variant), "id": variant.id}:
            rows.append(row)
    moved = [row["sku"] for row in rows if "sku" in edits.get(row["id"], {})]
    await _check_new(tx, [product], added, rows, moved)
    async with drafts.told(tx, [*rows, *added]):
        if rows:
            await store.update_variants(tx, rows)
        if added:
            await _insert(tx, before.id, added)
        await store.update_products(tx, [{**product, "id": before.id}])
    after = await drafts.one(tx, before.id)
    await audit(tx, actor, "product", before.id, "updated", drafts.product_fields(before), product)
    was = {variant.id: variant for variant in before.variants}
    await audit_many(
        tx,
        actor,
        "variant",
        [
            Change(id=v.id, action="updated", before=drafts.variant_fields(was[v.id]), after=drafts.variant_fields(v))
            for v in after.variants
            if v.id in was
        ],
    )
    await _audit_made(tx, actor, [variant for variant in after.variants if variant.id not in was])
    return drafts.shown(after, actor)


def _new_variants(actor: Actor, commands: Sequence[Any], name: str, field: str) -> list[Row]:
    if len(commands) > MAX_VARIANTS:
        raise TooLarge(reason=f"A product has at most {MAX_VARIANTS} variants.", limit=MAX_VARIANTS)
    rows: list[Row] = []
    for place, command in enumerate(commands):
        prefix = f"{field}[{place}]."
        named = command if command.name is not None else msgspec.structs.replace(command, name=name)
        row = drafts.clean_fields(named, store.VARIANT_FIELDS, prefix)
        drafts.refuse_costs(actor, row, prefix)
        row.setdefault("cost_price", None)
        row["barcodes"] = drafts.barcode_rows(command.barcodes, prefix)
        rows.append(row)
    return rows


def _edits(actor: Actor, commands: Sequence[ChangeOneVariant], prefix: str | None = None) -> dict[int, Row]:
    edits: dict[int, Row] = {}
    for place, command in enumerate(commands):
        before = f"variants[{place}]." if prefix is None else prefix
        row = drafts.clean_fields(command, store.VARIANT_FIELDS, before)
        drafts.refuse_costs(actor, row, before)
        if command.id in edits:
            raise InvalidValue(f"{before}id", str(command.id), "is named twice")
        edits[command.id] = row
    return edits


async def _check_new(
    tx: Tx, products: list[Row], added: list[Row], changed: Sequence[Row] = (), moved: Sequence[str] = ()
) -> None:
    decimals = await drafts.check_keys(tx, products, [*added, *changed])
    for row in added:
        drafts.check_grain(row["barcodes"], row["unit"], decimals[row["unit"]])
    codes = [barcode["code"] for row in added for barcode in row["barcodes"]]
    own = frozenset(row["id"] for row in changed)
    await drafts.refuse_taken(tx, [*moved, *(row["sku"] for row in added)], codes, but=own)


async def _insert(tx: Tx, product_id: int, variants: Sequence[Row]) -> None:
    ids = await store.insert_variants(tx, [{**row, "product_id": product_id} for row in variants])
    await _insert_barcodes(tx, ids, variants)


async def _insert_barcodes(tx: Tx, ids: dict[str, int], variants: Sequence[Row]) -> None:
    barcodes = [{**code, "variant_id": ids[row["sku"]]} for row in variants for code in row["barcodes"]]
    if barcodes:
        await store.insert_barcodes(tx, barcodes)


async def _locked(tx: Tx, product_id: int) -> Product:
    if 0 < product_id <= drafts.LARGEST_ID:
        await tx.value(store.Q["lock_product"], {"id": product_id})
    return await drafts.one(tx, product_id)


async def _product_of(tx: Tx, variant_id: int) -> int:
    refs = await store.refs_by_id(tx, [variant_id]) if 0 < variant_id <= drafts.LARGEST_ID else {}
    if variant_id not in refs:
        raise Missing("variant", variant_id)
    return refs[variant_id].product_id


def _variant(product: Product, variant_id: int) -> Variant:
    for variant in product.variants:
        if variant.id == variant_id:
            return variant
    raise Missing("variant", variant_id, product_id=product.id)


async def _audit_made(tx: Tx, actor: Actor, variants: Sequence[Variant]) -> None:
    made = [
        Change(
            id=variant.id,
            action="created",
            after={**drafts.variant_fields(variant), "barcodes": [code.code for code in variant.barcodes]},
        )
        for variant in variants
    ]
    await audit_many(tx, actor, "variant", made)
