"""Kits of many rows at once, for imports: a row that cannot be taken is refused alone."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from perpetua.access.service import Change, audit_many
from perpetua.access.types import Actor
from perpetua.items.errors import InUse
from perpetua.items.service import lookups
from perpetua.items.service.kits import MAX_COMPONENTS, Part, Q, check_kit, component, write
from perpetua.items.types import KitPart, VariantRef
from perpetua.kit.database import Tx
from perpetua.kit.errors import InvalidValue, Refusal
from perpetua.kit.quantity import plain_text

__all__ = ["KitRow", "Made", "restore_kits", "set_kits", "wrong_kits"]


class KitRow(NamedTuple):
    """A row that says what an item is made of; `tracking`: as the row has it, if it does."""

    sku: str
    tracking: str | None
    components: Sequence[KitPart]


class Made(NamedTuple):
    """What became of a row: it was changed from `before`, is as it was (None), or was refused."""

    before: list[Part] | None
    refusal: Refusal | None = None


async def wrong_kits(tx: Tx, rows: Sequence[KitRow]) -> list[Refusal | None]:
    """What is wrong with each row, before any of them is written; what they are made of is there already.

    From here to the transaction's end nobody else changes a kit.
    """
    await tx.value(Q["lock_kits"])
    names = {row.sku for row in rows} | {part.sku for row in rows for part in row.components}
    found = await lookups.resolve_skus(tx, names)
    among = {row["id"]: row for row in await tx.dicts(Q["kits_among"], {"ids": [ref.id for ref in found.values()]})}
    own = {row.sku.upper() for row in rows if row.components}
    was = await _components(tx, [found[row.sku.upper()].id for row in rows if row.sku.upper() in found])
    wrong: list[Refusal | None] = []
    for row in rows:
        kit, refusal = found.get(row.sku.upper()), _wrong(row, found, among, own)
        if refusal is None and kit is not None:
            refusal = await _kept_as_it_is(tx, kit, _parts(row.components, found), was.get(kit.id, []))
        wrong.append(refusal)
    return wrong


async def _kept_as_it_is(tx: Tx, kit: VariantRef, parts: list[Part], before: list[Part]) -> Refusal | None:
    """Whether stock or orders keep an item from being made of these; tried, and taken back."""
    if _by_id(parts) == _by_id(before):
        return None
    try:
        async with tx.savepoint():
            await write(tx, kit.id, kit.sku, parts, touch=False)
            raise _TakenBack
    except InUse as refusal:
        return InvalidValue("components", kit.sku, refusal.detail)
    except _TakenBack:
        return None


class _TakenBack(Exception):
    """Ends a try."""


def _parts(components: Sequence[KitPart], found: Mapping[str, VariantRef]) -> list[Part]:
    return [{"id": found[one.sku.upper()].id, "quantity": plain_text(one.quantity)} for one in components]


def _wrong(
    row: KitRow, found: Mapping[str, VariantRef], among: Mapping[int, Mapping[str, Any]], own: set[str]
) -> Refusal | None:
    kit = found.get(row.sku.upper())
    seen: set[str] = set()
    try:
        if len(row.components) > MAX_COMPONENTS:
            raise InvalidValue("components", str(len(row.components)), f"a kit has at most {MAX_COMPONENTS}")
        if row.components:
            check_kit(row.sku, row.tracking or (kit.tracking if kit else "none"), kit and among[kit.id]["part_of"])
        for part in row.components:
            _check_part(part, row.sku, found, among, own, seen)
    except InvalidValue as refusal:
        return refusal
    return None


def _check_part(
    part: KitPart, kit: str, found: Mapping[str, VariantRef], among: Mapping[int, Mapping[str, Any]], own: set[str],
    seen: set[str],
) -> None:  # fmt: skip
    sku = part.sku.upper()
    reason = ""
    if sku in own and sku != kit.upper():
        reason = "is a kit itself, by its own row; name what it is made of"
    elif sku in seen:
        reason = "is named twice; add its quantities up"
    elif sku not in found and sku != kit.upper():
        reason = "there is no such item; give it a row before this one, or import these files once more"
    if reason:
        raise InvalidValue("components", part.sku, f"{part.sku}: {reason}")
    seen.add(sku)
    try:
        component("components", part, kit, found, among)
    except InvalidValue as odd:
        raise InvalidValue("components", part.sku, f"{part.sku}: {odd.reason}") from None


async def set_kits(
    tx: Tx, actor: Actor, rows: Mapping[int, Sequence[KitPart]], new: Collection[int]
) -> dict[int, Made]:
    """Write what variants are made of, by their ids; what became of each. `wrong_kits` found nothing wrong with them.

    Args:
        new: those that were made in this transaction: their version does not count up.
    """
    found = await lookups.resolve_skus(tx, {part.sku for parts in rows.values() for part in parts})
    was = await _components(tx, list(rows))
    skus = {ref.id: ref.sku for ref in (await lookups.variants_by_ids(tx, rows)).values()}
    made: dict[int, Made] = {}
    changes: list[Change] = []
    for variant_id, components in rows.items():
        parts: list[Part] = [
            {"id": found[one.sku.upper()].id, "quantity": plain_text(one.quantity)} for one in components
        ]
        before = was.get(variant_id, [])
        if _by_id(parts) == _by_id(before):
            made[variant_id] = Made(None)
            continue
        try:
            await write(tx, variant_id, skus[variant_id], parts, touch=variant_id not in new)
        except InUse as refusal:
            made[variant_id] = Made(None, InvalidValue("components", refusal.key, refusal.detail))
            continue
        made[variant_id] = Made(before)
        changes.append(_change(variant_id, before, parts))
    await audit_many(tx, actor, "variant", changes)
    return made


async def restore_kits(tx: Tx, actor: Actor, kits: Mapping[int, Sequence[Part]]) -> list[str]:
    """Make variants of these components again, by their ids; SKUs of those that orders or stock keep as they are."""
    await tx.value(Q["lock_kits"])
    now = await _components(tx, list(kits))
    refs = await lookups.variants_by_ids(tx, kits)
    kept: list[str] = []
    changes: list[Change] = []
    for variant_id, ref in refs.items():
        try:
            await write(tx, variant_id, ref.sku, kits[variant_id])
        except InUse:
            kept.append(ref.sku)
        else:
            changes.append(_change(variant_id, now.get(variant_id, []), kits[variant_id]))
    await audit_many(tx, actor, "variant", changes)
    return kept


async def _components(tx: Tx, variant_ids: Sequence[int]) -> dict[int, list[Part]]:
    """What variants are made of, by their ids; those that are no kits are absent."""
    found: dict[int, list[Part]] = {}
    for row in await tx.dicts(Q["components_of"], {"ids": list(variant_ids)}):
        found.setdefault(row["kit_id"], []).append({"id": row["component_id"], "quantity": plain_text(row["quantity"])})
    return found


def _by_id(parts: Sequence[Part]) -> dict[int, Decimal]:
    return {part["id"]: Decimal(part["quantity"]) for part in parts}


def _change(variant_id: int, before: Sequence[Part], after: Sequence[Part]) -> Change:
    told = [{"components": list(parts)} for parts in (before, after)]
    return Change(id=variant_id, action="components set", before=told[0], after=told[1])
