"""What suppliers sell us: one or many at once, in a constant number of statements."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec import UNSET
from psycopg import errors as pg

from perpetua.access.service import Change, audit_many
from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.items.types import VariantRef
from perpetua.kit.database import Database, Queries, Tx, array
from perpetua.kit.errors import InvalidValue, Refusal, Stale, TooLarge
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.quantity import ZERO, exact_quantity, plain
from perpetua.partners import service as partners
from perpetua.partners.errors import UnknownSupplier
from perpetua.partners.types import SupplierRef
from perpetua.purchasing import rules, store
from perpetua.purchasing.errors import PreferredTaken, SupplierItemThere, UnknownItems
from perpetua.purchasing.service.offering import offered, read
from perpetua.purchasing.types import (
    ChangeSupplierItem,
    PriceBreak,
    SetSupplierItem,
    SetSupplierItems,
    SupplierItem,
    SupplierItemsSet,
)

__all__ = ["Kept", "change_item", "create_item", "set_items", "set_many", "take_back"]

Q = Queries(store.__file__, "items.sql")
MAX_ITEMS = 20_000
FIELDS = ("supplier_sku", "lead_time_days", "min_order_qty", "pack_multiple", "preferred", "active")
Pair = tuple[int, int]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """An item of a supplier as it is kept; `id` 0: it is not there yet."""

    id: int = 0
    supplier_id: int
    variant_id: int
    supplier_sku: str | None = None
    lead_time_days: int | None = None
    min_order_qty: Decimal = ZERO
    pack_multiple: Decimal = ZERO
    preferred: bool = False
    active: bool = True
    version: int = 0
    prices: list[PriceBreak] = []


async def create_item(
    db: Database, actor: Actor, command: SetSupplierItem, *, key: str | None = None
) -> Answered[SupplierItem]:
    """Say that a supplier sells an item. The first supplier of an item is preferred, unless it is said otherwise.

    Raises:
        InvalidValue, UnknownSupplier, UnknownItems, PreferredTaken
        SupplierItemThere: they sell it already.
        NotAllowed: prices were given by somebody who may not see prices.
    """
    _require(actor, [command])

    async def act(tx: Tx) -> SupplierItem:
        made = await set_many(tx, actor, [command], only_new=True)
        return await read(tx, made[0][1].id)

    sent: dict[str, Any] = {"command": "purchasing.create_item", "body": command}
    done = await once(db, sender=actor.person_id, key=key, **sent, answer=SupplierItem, act=act)
    return Answered(offered(actor, done.answer), done.replayed)


async def change_item(
    db: Database, actor: Actor, item_id: int, command: ChangeSupplierItem, *, version: int, key: str | None = None
) -> Answered[SupplierItem]:
    """Change what a supplier sells. Raises: Missing, Stale, InvalidValue, PreferredTaken, NotAllowed."""
    fields = {name: getattr(command, name) for name in ChangeSupplierItem.__struct_fields__}

    async def act(tx: Tx) -> SupplierItem:
        before = await read(tx, item_id, lock=True)
        if version != before.version:
            raise Stale(what="supplier item", key=item_id, sent=version, current=before.version)
        await set_many(tx, actor, [SetSupplierItem(supplier=before.supplier, sku=before.sku, **fields)])
        return await read(tx, item_id)

    _require(actor, [SetSupplierItem(supplier="", sku="", **fields)])
    sent: dict[str, Any] = {"command": "purchasing.change_item", "body": [item_id, version, command]}
    done = await once(db, sender=actor.person_id, key=key, **sent, answer=SupplierItem, act=act)
    return Answered(offered(actor, done.answer), done.replayed)


async def set_items(
    db: Database, actor: Actor, command: SetSupplierItems, *, key: str | None = None
) -> Answered[SupplierItemsSet]:
    """Make or change many, all or none, in a constant number of statements. Raises: as `create_item`, TooLarge."""
    if len(command.items) > MAX_ITEMS:
        raise TooLarge(reason=f"At most {MAX_ITEMS} at once; send the rest by itself.", limit=MAX_ITEMS)
    _require(actor, command.items)

    async def act(tx: Tx) -> SupplierItemsSet:
        done = await set_many(tx, actor, command.items)
        made = sum(1 for what, _, _ in done if what == "created")
        return SupplierItemsSet(created=made, changed=len(done) - made)

    sent: dict[str, Any] = {"command": "purchasing.set_items", "body": command}
    return await once(db, sender=actor.person_id, key=key, **sent, answer=SupplierItemsSet, act=act)


async def set_many(
    tx: Tx,
    actor: Actor,
    asked: Sequence[SetSupplierItem],
    *,
    only_new: bool = False,
    merge: bool = False,
    refused: dict[int, Refusal] | None = None,
) -> list[tuple[Literal["created", "changed"], Kept, Kept]]:
    """Make or change items of suppliers in a constant number of statements: what was done, after and before, in their
    order. `merge`: prices come beside those from other quantities on, instead of replacing them. `refused`: takes
    the refusals of single ones, by their place, which are then left out."""
    if not asked:
        return []
    suppliers = await partners.by_codes(tx, {one.supplier for one in asked})
    variants = await items.resolve_skus(tx, {one.sku for one in asked})
    pairs = _pairs(asked, suppliers, variants)
    columns = {"supplier_ids": array([s for s, _ in pairs]), "variant_ids": array([v for _, v in pairs])}
    there = {
        (row["supplier_id"], row["variant_id"]): Kept(prices=_breaks(row.pop("prices")), **row)
        for row in await tx.dicts(Q["pairs"], columns)
    }
    if only_new and (known := [one for one, pair in zip(asked, pairs, strict=True) if pair in there]):
        raise SupplierItemThere(supplier=known[0].supplier, sku=known[0].sku)
    preferring: dict[int, int] = {}
    with_one = set(await tx.values(Q["preferred_of"], {"variant_ids": columns["variant_ids"]}))
    going: list[SetSupplierItem] = []
    before: list[Kept] = []
    after: list[Kept] = []
    for at, (one, pair) in enumerate(zip(asked, pairs, strict=True)):
        old = there.get(pair) or Kept(supplier_id=pair[0], variant_id=pair[1])
        if merge and one.prices is not UNSET:
            beside = {each.min_qty: each for each in (*old.prices, *one.prices)}
            one = msgspec.structs.replace(one, prices=list(beside.values()))
        try:
            new = _merged(f"items[{at}]", one, old, variants[one.sku.upper()], first=old.variant_id not in with_one)
            if new.preferred and preferring.setdefault(new.variant_id, at) != at:
                reason = "another line prefers another supplier"
                raise InvalidValue(f"items[{at}].preferred", "true", reason, sku=one.sku)
        except Refusal as refusal:
            if refused is None:
                raise
            refused[at] = refusal
            continue
        going.append(one)
        before.append(old)
        after.append(new)
        if new.preferred:
            with_one.add(new.variant_id)
    if not going:
        return []
    ids = await _write(tx, after)
    done = [msgspec.structs.replace(new, id=ids[new.supplier_id, new.variant_id]) for new in after]
    await _write_prices(
        tx, [(new.id, new.prices) for new, one in zip(done, going, strict=True) if one.prices is not UNSET]
    )
    await audit_many(tx, actor, "supplier_item", [_change(old, new) for old, new in zip(before, done, strict=True)])
    return [("changed" if old.id else "created", new, old) for old, new in zip(before, done, strict=True)]


async def take_back(
    tx: Tx, actor: Actor, created: Mapping[int, Kept], changed: Mapping[int, tuple[Kept, Kept]]
) -> list[int]:
    """Undo what `set_many` did: the changed as they were, the new ones gone; the ids of those that were changed since.
    Where there are such, nothing is done."""
    actor.require("suppliers.write")
    expected = {own: after for own, (_, after) in changed.items()} | dict(created)
    pairs = {"supplier_ids": array([one.supplier_id for one in expected.values()]),
             "variant_ids": array([one.variant_id for one in expected.values()])}  # fmt: skip
    rows = await tx.dicts(Q["pairs"], pairs)
    there = {row["id"]: Kept(prices=_breaks(row.pop("prices")), **row) for row in rows}
    since = [own for own, after in expected.items() if own not in there or not _same(there[own], after)]
    if since:
        return since
    before = [was for own, (was, _) in changed.items() if own not in created]
    await tx.execute(Q["remove"], {"ids": array(list(created))})
    if before:
        ids = await _write(tx, before)
        await _write_prices(tx, [(ids[one.supplier_id, one.variant_id], one.prices) for one in before])
    changes = [Change(id=own, action="removed", before=_said(one)) for own, one in created.items()]
    changes += [_change(after, was) for own, (was, after) in changed.items() if own not in created]
    await audit_many(tx, actor, "supplier_item", changes)
    return []


def _same(one: Kept, other: Kept) -> bool:
    return msgspec.structs.replace(one, version=0) == msgspec.structs.replace(other, version=0)


async def _write(tx: Tx, after: Sequence[Kept]) -> dict[Pair, int]:
    chosen = [one for one in after if one.preferred]
    if chosen:
        by, of = array([one.supplier_id for one in chosen]), array([one.variant_id for one in chosen])
        await tx.values(Q["unprefer"], {"supplier_ids": by, "variant_ids": of})
    params = {
        "supplier_ids": array([one.supplier_id for one in after]),
        "variant_ids": array([one.variant_id for one in after]),
        "supplier_skus": array([one.supplier_sku for one in after]),
        "lead_times": array([one.lead_time_days for one in after]),
        "minima": array([one.min_order_qty for one in after]),
        "packs": array([one.pack_multiple for one in after]),
        "preferred": array([one.preferred for one in after]),
        "active": array([one.active for one in after]),
    }
    try:
        async with tx.savepoint():
            rows = await tx.dicts(Q["set"], params)
    except pg.UniqueViolation:
        raise PreferredTaken() from None
    return {(row["supplier_id"], row["variant_id"]): row["id"] for row in rows}


async def _write_prices(tx: Tx, prices: Sequence[tuple[int, Sequence[PriceBreak]]]) -> None:
    if not prices:
        return
    await tx.execute(Q["drop_prices"], {"ids": array([item_id for item_id, _ in prices])})
    each = [(item_id, one) for item_id, breaks in prices for one in breaks]
    params = {
        "ids": array([item_id for item_id, _ in each]), "min_qtys": array([one.min_qty for _, one in each]),
        "unit_prices": array([one.unit_price for _, one in each]),
    }  # fmt: skip
    await tx.execute(Q["set_prices"], params)


def _require(actor: Actor, asked: Sequence[SetSupplierItem]) -> None:
    actor.require("suppliers.write")
    if any(one.prices is not UNSET for one in asked):
        actor.require("supplier_prices.read")


def _pairs(
    asked: Sequence[SetSupplierItem], suppliers: Mapping[str, SupplierRef], variants: Mapping[str, VariantRef]
) -> list[Pair]:
    for at, one in enumerate(asked):
        if one.supplier.upper() not in suppliers:
            raise UnknownSupplier(one.supplier[:120], f"items[{at}].supplier")
    unknown = [
        {"line": number, "field": f"items[{number - 1}].sku", "value": one.sku[:120], "reason": reason}
        for number, one in enumerate(asked, 1)
        if (reason := _unbuyable(variants.get(one.sku.upper())))
    ]
    if unknown:
        raise UnknownItems(unknown)
    pairs = [(suppliers[one.supplier.upper()].id, variants[one.sku.upper()].id) for one in asked]
    seen: set[Pair] = set()
    for at, pair in enumerate(pairs):
        if pair in seen:
            raise InvalidValue(f"items[{at}].sku", asked[at].sku, "is there twice for this supplier")
        seen.add(pair)
    return pairs


def _unbuyable(variant: VariantRef | None) -> str | None:
    if variant is None:
        return "is not known; check it or create it first"
    return "is a kit: buy what it is made of" if variant.kit else None


def _merged(field: str, one: SetSupplierItem, old: Kept, variant: VariantRef, *, first: bool) -> Kept:
    new: dict[str, Any] = {name: value for name in FIELDS if (value := getattr(one, name)) is not UNSET}
    if new.get("supplier_sku") is not None:
        rules.check_text(f"{field}.supplier_sku", new["supplier_sku"], 200)
    if (days := new.get("lead_time_days")) is not None and not 0 <= days <= 1000:
        raise InvalidValue(f"{field}.lead_time_days", days, "must be 0 to 1000")
    for name in ("min_order_qty", "pack_multiple"):
        if name in new:
            rules.check_number(f"{field}.{name}", new[name])
            exact_quantity(new[name], f"{field}.{name}", places=variant.decimals)
    if one.prices is not UNSET:
        rules.check_prices(f"{field}.prices", one.prices)
        new["prices"] = sorted(one.prices, key=lambda each: each.min_qty)
    if new.get("active") is False:
        if new.get("preferred"):
            raise InvalidValue(f"{field}.preferred", "true", "is not for what they no longer sell")
        new["preferred"] = False
    elif new.get("preferred") and not old.active and "active" not in new:
        raise InvalidValue(f"{field}.preferred", "true", "is not for what they no longer sell")
    elif first and not old.id and "preferred" not in new:
        new["preferred"] = True
    return msgspec.structs.replace(old, **new)


def _change(old: Kept, new: Kept) -> Change:
    if not old.id:
        return Change(id=new.id, action="created", after=_said(new))
    return Change(id=new.id, action="changed", before=_said(old), after=_said(new))


def _said(kept: Kept) -> dict[str, Any]:
    """For the trail; prices under a name that tells what they are."""
    plainly = {name: getattr(kept, name) for name in ("supplier_id", "variant_id", *FIELDS)}
    return plainly | {"price_costs": {str(one.min_qty): str(one.unit_price) for one in kept.prices}}


def _breaks(rows: list[dict[str, str]]) -> list[PriceBreak]:
    return [
        PriceBreak(min_qty=plain(Decimal(row["min_qty"])), unit_price=plain(Decimal(row["unit_price"]))) for row in rows
    ]
