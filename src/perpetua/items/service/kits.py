"""Kits: items that are made up of others when they are sold. They have no stock of their own."""

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import errors as pg

from perpetua.access.service import audit
from perpetua.access.types import Actor
from perpetua.items import store
from perpetua.items.errors import InUse
from perpetua.items.service import drafts, lookups
from perpetua.items.types import KitPart, SetComponents, Variant, VariantRef
from perpetua.kit.database import Database, Queries, Tx
from perpetua.kit.errors import InvalidValue, Missing, Stale
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.quantity import exact_quantity

__all__ = ["MAX_COMPONENTS", "Part", "Q", "check_kit", "component", "set_components", "write"]

Q = Queries(store.__file__, "kits.sql")
MAX_COMPONENTS = 100
Part = dict[str, Any]
"""A component by `id`, with its `quantity`."""
_REASONS = {
    "kit_has_stock": "it has stock of its own; a kit has none: move or write that off first",
    "kit_is_promised": "open orders hold or wait for it as it is; ship or cancel them first",
}


async def set_components(
    db: Database,
    actor: Actor,
    variant_id: int,
    command: SetComponents,
    *,
    version: int | None = None,
    key: str | None = None,
) -> Answered[Variant]:
    """Say of which components a variant is made up, in place of those it had; none: it is no kit any more.

    Raises:
        Missing: no such variant. Stale: it is no more at `version`.
        InvalidValue: a component that does not exist, is not active, is a kit or the variant itself, or is named twice;
            or a variant that is part of a kit, or whose lots or serials are tracked.
        InUse: it has stock of its own, or open orders want it.
    """
    actor.require("items.write")
    if len(command.components) > MAX_COMPONENTS:
        raise InvalidValue("components", str(len(command.components)), f"a kit has at most {MAX_COMPONENTS}")

    async def act(tx: Tx) -> Variant:
        ref = (await lookups.variants_by_ids(tx, [variant_id])).get(variant_id)
        if ref is None:
            raise Missing("variant", variant_id)
        await tx.value(store.Q["touch_product"], {"id": ref.product_id})
        await tx.value(Q["lock_kits"])
        before = await _variant(tx, ref)
        if version is not None and before.version != version:
            raise Stale(what="variant", key=variant_id, sent=version, current=before.version)
        parts = await _parts(tx, ref, command)
        await write(tx, ref.id, ref.sku, parts)
        after = await _variant(tx, ref)
        await audit(tx, actor, "variant", variant_id, "components set", {"components": before.components},
                    {"components": after.components})  # fmt: skip
        return drafts.shown_variant(after, actor)

    body = [variant_id, version, command]
    answered = await once(
        db, sender=actor.person_id, key=key, command="set_components", body=body, answer=Variant, act=act
    )
    return Answered(drafts.shown_variant(answered.answer, actor), answered.replayed)


async def _parts(tx: Tx, kit: VariantRef, command: SetComponents) -> list[Part]:
    if not command.components:
        return []
    found = await lookups.resolve_skus(tx, [one.sku for one in command.components])
    named = {ref.id for ref in found.values()}
    among = {row["id"]: row for row in await tx.dicts(Q["kits_among"], {"ids": [kit.id, *named]})}
    check_kit(kit.sku, kit.tracking, among[kit.id]["part_of"])
    parts: list[Part] = []
    for place, one in enumerate(command.components):
        ref = component(f"components[{place}]", one, kit.sku, found, among)
        if any(ref.id == part["id"] for part in parts):
            raise InvalidValue(f"components[{place}].sku", one.sku, "is named twice")
        parts.append({"id": ref.id, "quantity": one.quantity})
    return parts


def check_kit(sku: str, tracking: str, part_of: str | None) -> None:
    """Raises InvalidValue: the item cannot have components."""
    if tracking != "none":
        raise InvalidValue("tracking", tracking, "of a kit is none: its components have the lots and serials")
    if part_of:
        raise InvalidValue("components", sku, f"{sku} is part of {part_of}: a kit's component is no kit")


def component(
    field: str, part: KitPart, kit: str, found: Mapping[str, VariantRef], among: Mapping[int, Mapping[str, Any]]
) -> VariantRef:
    """The item that a component names, of those `found` by SKU; `among` tells which of them are kits.

    Raises:
        InvalidValue: it is not there, not active, a kit, or the kit (by its SKU) itself; or a quantity it cannot have.
    """
    ref = found.get(part.sku.upper())
    if part.sku.upper() == kit.upper():
        raise InvalidValue(f"{field}.sku", part.sku, "is the kit itself")
    if ref is None:
        raise InvalidValue(f"{field}.sku", part.sku, "there is no such item")
    if not ref.active:
        raise InvalidValue(f"{field}.sku", part.sku, "is not active")
    if exact_quantity(part.quantity, f"{field}.quantity", places=ref.decimals) <= 0:
        raise InvalidValue(f"{field}.quantity", str(part.quantity), "must be more than 0")
    if among[ref.id]["kit"]:
        raise InvalidValue(f"{field}.sku", part.sku, "is a kit itself; name what it is made of")
    return ref


async def write(tx: Tx, kit_id: int, sku: str, parts: Sequence[Part], *, touch: bool = True) -> None:
    """Put these components in place of those that the item has; with `touch` its version counts up.

    Raises:
        InUse: it has stock of its own, or open orders want it as it is.
    """
    try:
        async with tx.savepoint():
            await tx.execute(Q["clear_components"], {"kit_id": kit_id})
            if parts:
                rows = {"ids": [part["id"] for part in parts], "quantities": [part["quantity"] for part in parts]}
                await tx.execute(Q["set_components"], {"kit_id": kit_id, **rows})
    except pg.CheckViolation as error:
        reason = _REASONS.get(error.diag.constraint_name or "")
        if reason is None:
            raise
        raise InUse(what="item", key=sku, reason=reason) from None
    if touch:
        await tx.execute(Q["touch_variant"], {"id": kit_id})


async def _variant(tx: Tx, ref: VariantRef) -> Variant:
    product = await drafts.one(tx, ref.product_id)
    return next(variant for variant in product.variants if variant.id == ref.id)
