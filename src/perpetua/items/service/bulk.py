"""Many items at once, by SKU, for imports: a constant number of statements, whatever the number of rows.

A row that can't be taken is refused alone; the others are written. What is taken back later is told by `Outcome`.
"""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from msgspec import UNSET
from psycopg import errors as pg

from perpetua.access.service import Change, audit_many
from perpetua.access.types import Actor
from perpetua.items import store
from perpetua.items.errors import BarcodeTaken, OtherProduct, SkuTaken
from perpetua.items.service import drafts
from perpetua.items.service.grouping import OF_PRODUCT, above_of, products_by_key
from perpetua.items.types import OWN, Outcome, Product, UpsertRow, Variant
from perpetua.kit.database import Tx
from perpetua.kit.errors import Conflict, InvalidValue, Refusal, TooLarge

__all__ = ["MAX_ROWS", "create_missing", "remove_unused"]

MAX_ROWS = 10_000
ATTEMPTS = 5
NEW: dict[str, Any] = {
    "attributes": {}, "unit": "each", "tracking": "none", "cost_price": None, "selling_price": None,
    "weight_kg": None, "length_mm": None, "width_mm": None, "height_mm": None, "active": True,
    "description": "", "category_id": None, "owner_id": OWN,
}  # fmt: skip

Row = dict[str, Any]
State = dict[int, Row]
"""Products as this load has written them so far, by id."""


class _Plan:
    """One row on its way: what it asks, what is there, and what became of it."""

    def __init__(self, row: UpsertRow) -> None:
        self.row = row
        self.asked: Row = {}
        self.barcodes: list[Row] = []
        self.held: Variant | None = None
        self.product: Product | None = None
        """That of the held variant; of a new one, the product that is there and gets it."""
        self.variant_row: Row = {}
        self.product_row: Row = {}
        self.above: Row = {}
        self.outcome: Outcome | None = None

    def refuse(self, refusal: Refusal) -> None:
        self.outcome = Outcome(sku=self.row.sku[:120], done="refused", refusal=refusal)


async def create_missing(tx: Tx, actor: Actor, rows: Sequence[UpsertRow]) -> list[Outcome]:
    """Make the items whose SKU is not there, change the others; what became of each row, in their order.

    A new SKU becomes a variant of the product that its row names (which is made, where it is not there), else of a
    product of its own. Of a SKU that is there, only the fields that are set change. Description, category, owner and
    the fields `product_…` are the product's; where rows of one product differ, the later one holds.

    Raises:
        NotAllowed: no `items.write`; CostsNotYours: a row sets a cost price, without `costs.read`.
        TooLarge: more than 10,000 rows.
    """
    actor.require("items.write")
    if len(rows) > MAX_ROWS:
        raise TooLarge(reason=f"At most {MAX_ROWS} rows in one go; send them in parts.", limit=MAX_ROWS)
    for _ in range(ATTEMPTS):
        plans = _cleaned(actor, rows)
        try:
            async with tx.savepoint():
                await _load(tx, actor, [plan for plan in plans if plan.outcome is None])
        except (pg.UniqueViolation, pg.ForeignKeyViolation):
            continue  # another made or removed the same meanwhile; what it did is seen in the next round
        return [plan.outcome for plan in plans if plan.outcome is not None]
    raise Conflict(reason="Other commands keep changing the same items; send the rows again.")


async def remove_unused(tx: Tx, actor: Actor, variant_ids: Sequence[int]) -> set[int]:
    """Take away variants that nothing refers to, and products left without one; the ids that went.

    Those with stock history, or otherwise in use, stay.
    """
    actor.require("items.write")
    removed: set[int] = set()
    refs = await store.refs_by_id(tx, variant_ids)
    try:
        async with tx.savepoint():
            removed |= await _remove(tx, list(refs))
    except pg.ForeignKeyViolation:
        for variant_id in refs:
            try:
                async with tx.savepoint():
                    removed |= await _remove(tx, [variant_id])
            except pg.ForeignKeyViolation:
                continue
    gone = [Change(id=key, action="removed", before={"sku": refs[key].sku}) for key in sorted(removed)]
    await audit_many(tx, actor, "variant", gone)
    return removed


async def _remove(tx: Tx, variant_ids: list[int]) -> set[int]:
    products = {"ids": sorted(set(await tx.values(store.Q["delete_variants"], {"ids": variant_ids})))}
    await tx.values(store.Q["delete_empty_products"], products)
    await tx.execute(store.Q["refresh_products"], products)
    return set(variant_ids)


def _cleaned(actor: Actor, rows: Sequence[UpsertRow]) -> list[_Plan]:
    plans: list[_Plan] = []
    seen: set[str] = set()
    for row in rows:
        if row.cost_price is not UNSET:
            drafts.refuse_costs(actor, {"cost_price": None})
        plan = _Plan(row)
        plans.append(plan)
        try:
            plan.asked = drafts.clean_fields(row, (*store.VARIANT_FIELDS, *OF_PRODUCT, "product"))
            plan.barcodes = drafts.barcode_rows(row.barcodes)
            sku = plan.asked["sku"].upper()
            if sku in seen:
                raise SkuTaken(sku=row.sku, field="an earlier row")
            seen.add(sku)
        except Refusal as refusal:
            plan.refuse(refusal)
    return plans


async def _load(tx: Tx, actor: Actor, plans: list[_Plan]) -> None:
    if not plans:
        return
    await _attach(tx, plans)
    skus = {plan.asked["sku"].upper() for plan in plans}
    for plan in plans:
        if plan.outcome is None:
            _draft(plan, skus)
    await _check(tx, plans)
    going = [plan for plan in plans if plan.outcome is None]
    state: State = {}
    await _create(tx, actor, [plan for plan in going if plan.held is None], state)
    await _change(tx, actor, [plan for plan in going if plan.held is not None], state)


async def _attach(tx: Tx, plans: list[_Plan]) -> None:
    """To each row what is there under its SKU, held for change until the end of the transaction."""
    skus = [plan.asked["sku"] for plan in plans]
    keyed = [plan for plan in plans if "product" in plan.asked]
    chosen = await products_by_key(tx, [(p.asked["product"], p.asked["sku"], p.row.siblings) for p in keyed])
    named = [one for one in chosen.values() if isinstance(one, int)]
    product_ids = await tx.values(store.Q["lock_products_by_sku"], {"skus": skus, "ids": named})
    products = {product.id: product for product in await store.products_by_id(tx, product_ids)} if product_ids else {}
    there = {variant.sku.upper(): (product, variant) for product in products.values() for variant in product.variants}
    for plan in plans:
        plan.product, plan.held = there.get(plan.asked["sku"].upper(), (None, None))
    for plan in keyed:
        key = plan.asked["product"]
        found = chosen.get(key.upper())
        if isinstance(found, Refusal):
            plan.refuse(found)
        elif plan.product is None and found is not None:
            plan.product = products.get(found)
        elif plan.product is not None and plan.product.id != found:
            plan.refuse(OtherProduct(sku=plan.asked["sku"], product=plan.product.name, asked=key))


def _draft(plan: _Plan, skus: Collection[str]) -> None:
    """The rows to write: what is asked over what is there, or over what a new item has."""
    asked = plan.asked
    plan.above = above_of(asked)
    if plan.held is not None and plan.product is not None:
        # The SKU stays in the case it is kept in.
        changed = {name: asked[name] for name in store.VARIANT_FIELDS if name in asked and name != "sku"}
        plan.variant_row = {**drafts.variant_fields(plan.held), **changed, "id": plan.held.id}
        if plan.product.name == plan.held.name and "name" in asked:
            plan.above.setdefault("name", asked["name"])
    else:
        name = asked.get("name") or (plan.product.name if plan.product else _group_name(plan, skus))
        if name is None:
            plan.refuse(InvalidValue("name", "", "is needed for a new item"))
            return
        plan.variant_row = {field: {**NEW, **asked, "name": name}[field] for field in store.VARIANT_FIELDS}
    if plan.product is not None:
        plan.product_row = {**drafts.product_fields(plan.product), **plan.above, "id": plan.product.id}
        return
    new = {field: NEW[field] for field in store.PRODUCT_FIELDS if field != "name"}
    plan.product_row = {**new, "name": _group_name(plan, skus) or plan.variant_row["name"], **plan.above}
    plan.product_row["first_sku"] = asked["sku"]


def _group_name(plan: _Plan, skus: Collection[str]) -> str | None:
    """What the row calls its new product: by name, or by a key that is no SKU of the load."""
    key = plan.asked.get("product")
    return plan.asked.get("product_name") or (key if key is not None and key.upper() not in skus else None)


async def _check(tx: Tx, plans: list[_Plan]) -> None:
    """Refuse rows whose unit, category or owner is not there, or whose barcode is another's."""
    drafted = [plan for plan in plans if plan.outcome is None]
    known = await drafts.known_keys(tx, [p.product_row for p in drafted], [p.variant_row for p in drafted])
    decimals = dict(known.units.values())
    codes = [row["code"] for plan in drafted for row in plan.barcodes]
    holders = await store.holders_of_barcodes(tx, codes) if codes else {}
    given: dict[str, str] = {}
    for plan in drafted:
        try:
            drafts.check_product_keys(known, plan.product_row)
            drafts.check_variant_keys(known, plan.variant_row)
            unit = plan.variant_row["unit"]
            drafts.check_grain(plan.barcodes, unit, decimals[unit])
            fresh: list[Row] = []
            for row in plan.barcodes:
                code = row["code"].upper()
                holder = holders.get(code)
                if holder and (plan.held is None or holder.variant_id != plan.held.id):
                    raise BarcodeTaken(barcode=row["code"], held_by=holder.sku, variant_id=holder.variant_id)
                if code in given and given[code] != plan.row.sku:
                    raise BarcodeTaken(barcode=row["code"], held_by=given[code])
                if not holder and code not in given:
                    fresh.append(row)
            given.update({row["code"].upper(): plan.row.sku for row in fresh})
            plan.barcodes = fresh
        except Refusal as refusal:
            plan.refuse(refusal)


async def _create(tx: Tx, actor: Actor, plans: list[_Plan], state: State) -> None:
    if not plans:
        return
    groups: dict[str, list[_Plan]] = {}
    for plan in plans:
        if plan.product is None:
            groups.setdefault(plan.asked.get("product", plan.asked["sku"]).upper(), []).append(plan)
    rows = [_merged(group) for group in groups.values()]
    products = await store.insert_products(tx, rows) if rows else {}
    made = {
        id(plan): products[row["first_sku"]] for row, group in zip(rows, groups.values(), strict=True) for plan in group
    }
    variants: list[Row] = [
        {**plan.variant_row, "product_id": plan.product.id if plan.product else made[id(plan)]} for plan in plans
    ]
    ids = await store.insert_variants(tx, variants)
    await _add_barcodes(tx, [(ids[plan.asked["sku"]], plan) for plan in plans])
    await _write_products(tx, [plan for plan in plans if plan.product is not None], state)
    changes: list[Change] = []
    for plan, row in zip(plans, variants, strict=True):
        variant_id = ids[row["sku"]]
        plan.outcome = Outcome(sku=row["sku"], done="created", variant_id=variant_id)
        if plan.product is not None and (old := _old_of_product(plan)):
            sibling = plan.product.variants[0]
            before = msgspec.structs.replace(UpsertRow(sku=sibling.sku), **old)
            plan.outcome = msgspec.structs.replace(plan.outcome, before=before, sibling_id=sibling.id)
        # Only what was said: a default is no news, and a catalogue has hundreds of thousands of them.
        told = {**plan.asked, "product_id": row["product_id"]}
        if plan.barcodes:
            told["barcodes"] = [code["code"] for code in plan.barcodes]
        changes.append(Change(id=variant_id, action="created", after=told))
    await audit_many(tx, actor, "variant", changes)


def _merged(group: Sequence[_Plan]) -> Row:
    """The product of a group of new items: what the first says, and the later ones over it."""
    row = dict(group[0].product_row)
    for plan in group[1:]:
        row |= plan.above
    row["first_sku"] = min((plan.asked["sku"] for plan in group), key=str.upper)
    return row


def _old_of_product(plan: _Plan) -> Row:
    """The fields of its product that the row changes, as they are, by the row's names for them."""
    assert plan.product is not None
    old = {name: getattr(plan.product, column) for name, column in OF_PRODUCT.items()}
    return {name: value for name, value in old.items() if plan.product_row[OF_PRODUCT[name]] != value}


async def _write_products(tx: Tx, plans: Sequence[_Plan], state: State) -> None:
    """Write the plans' products, over what this load has made of them so far."""
    touched: State = {}
    for plan in plans:
        assert plan.product is not None
        known = state.get(plan.product.id, drafts.product_fields(plan.product))
        touched.setdefault(plan.product.id, {**known, "id": plan.product.id}).update(plan.above)
    if touched:
        await store.update_products(tx, list(touched.values()))
        state |= touched


async def _change(tx: Tx, actor: Actor, plans: list[_Plan], state: State) -> None:
    plain: list[_Plan] = []
    for plan in plans:
        assert plan.held is not None
        if _is_same(plan):
            plan.outcome = Outcome(sku=plan.held.sku, done="skipped", variant_id=plan.held.id)
        elif any(plan.variant_row[name] != getattr(plan.held, name) for name in ("unit", "tracking")):
            # The ledger may refuse this one, so it goes alone.
            tried = dict(state)
            try:
                async with drafts.told(tx, [plan.variant_row]):
                    await _write(tx, actor, [plan], tried)
                state |= tried
            except Refusal as refusal:
                plan.refuse(refusal)
        else:
            plain.append(plan)
    await _write(tx, actor, plain, state)


def _is_same(plan: _Plan) -> bool:
    assert plan.held is not None
    assert plan.product is not None
    same_variant = plan.variant_row == {**drafts.variant_fields(plan.held), "id": plan.held.id}
    same_product = plan.product_row == {**drafts.product_fields(plan.product), "id": plan.product.id}
    return same_variant and same_product and not plan.barcodes


async def _write(tx: Tx, actor: Actor, plans: list[_Plan], state: State) -> None:
    if not plans:
        return
    await store.update_variants(tx, [plan.variant_row for plan in plans])
    await _write_products(tx, plans, state)
    await _add_barcodes(tx, [(plan.variant_row["id"], plan) for plan in plans])
    changes: list[Change] = []
    for plan in plans:
        assert plan.held is not None
        assert plan.product is not None
        of_product = _old_of_product(plan)
        fields = drafts.variant_fields(plan.held).items()
        old = {name: value for name, value in fields if plan.variant_row[name] != value} | of_product
        after = plan.variant_row | {name: plan.product_row[OF_PRODUCT[name]] for name in of_product}
        new: Row = {name: after[name] for name in old}
        if plan.barcodes:
            new["barcodes"] = [code["code"] for code in plan.barcodes]
        plan.outcome = Outcome(
            sku=plan.held.sku,
            done="updated",
            variant_id=plan.held.id,
            before=msgspec.structs.replace(UpsertRow(sku=plan.held.sku), **old),
        )
        changes.append(Change(id=plan.held.id, action="updated", before=old, after=new))
    await audit_many(tx, actor, "variant", changes)


async def _add_barcodes(tx: Tx, plans: list[tuple[int, _Plan]]) -> None:
    rows = [{**row, "variant_id": variant_id} for variant_id, plan in plans for row in plan.barcodes]
    if rows:
        await store.insert_barcodes(tx, rows)
