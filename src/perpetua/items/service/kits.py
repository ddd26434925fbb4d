"""Kits: items that are made up of others when they are sold. They have no stock of their own."""

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

__all__ = ["set_components"]

Q = Queries(store.__file__, "kits.sql")
MAX_COMPONENTS = 100
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
        await _write(tx, ref, parts)
        after = await _variant(tx, ref)
        await audit(tx, actor, "variant", variant_id, "components set", {"components": before.components},
                    {"components": after.components})  # fmt: skip
        return drafts.shown_variant(after, actor)

    body = [variant_id, version, command]
    answered = await once(
        db, sender=actor.person_id, key=key, command="set_components", body=body, answer=Variant, act=act
    )
    return Answered(drafts.shown_variant(answered.answer, actor), answered.replayed)


async def _parts(tx: Tx, kit: VariantRef, command: SetComponents) -> list[dict[str, Any]]:
    if not command.components:
        return []
    if kit.tracking != "none":
        raise InvalidValue("tracking", kit.tracking, "of a kit is none: its components have the lots and serials")
    found = await lookups.resolve_skus(tx, [one.sku for one in command.components])
    refs = [_component(place, part, kit, found) for place, part in enumerate(command.components)]
    named = [ref.id for ref in refs]
    among = {row["id"]: row for row in await tx.dicts(Q["kits_among"], {"ids": [kit.id, *named]})}
    if within := among[kit.id]["part_of"]:
        raise InvalidValue("components", kit.sku, f"{kit.sku} is part of {within}: a kit's component is no kit")
    parts: list[dict[str, Any]] = []
    for place, (part, ref) in enumerate(zip(command.components, refs, strict=True)):
        if among[ref.id]["kit"]:
            raise InvalidValue(f"components[{place}].sku", part.sku, "is a kit itself; name what it is made of")
        if ref.id in named[:place]:
            raise InvalidValue(f"components[{place}].sku", part.sku, "is named twice")
        parts.append({"id": ref.id, "quantity": part.quantity})
    return parts


def _component(place: int, part: KitPart, kit: VariantRef, found: dict[str, VariantRef]) -> VariantRef:
    field = f"components[{place}]"
    ref = found.get(part.sku.upper())
    if ref is None:
        raise InvalidValue(f"{field}.sku", part.sku, "there is no such item")
    if ref.id == kit.id:
        raise InvalidValue(f"{field}.sku", part.sku, "is the kit itself")
    if not ref.active:
        raise InvalidValue(f"{field}.sku", part.sku, "is not active")
    if exact_quantity(part.quantity, f"{field}.quantity", places=ref.decimals) <= 0:
        raise InvalidValue(f"{field}.quantity", str(part.quantity), "must be more than 0")
    return ref


async def _write(tx: Tx, kit: VariantRef, parts: list[dict[str, Any]]) -> None:
    try:
        async with tx.savepoint():
            await tx.execute(Q["clear_components"], {"kit_id": kit.id})
            if parts:
                rows = {"ids": [part["id"] for part in parts], "quantities": [part["quantity"] for part in parts]}
                await tx.execute(Q["set_components"], {"kit_id": kit.id, **rows})
    except pg.CheckViolation as error:
        reason = _REASONS.get(error.diag.constraint_name or "")
        if reason is None:
            raise
        raise InUse(what="item", key=kit.sku, reason=reason) from None
    await tx.execute(Q["touch_variant"], {"id": kit.id})


async def _variant(tx: Tx, ref: VariantRef) -> Variant:
    product = await drafts.one(tx, ref.product_id)
    return next(variant for variant in product.variants if variant.id == ref.id)
