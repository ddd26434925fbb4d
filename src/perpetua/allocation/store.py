"""Runs allocation's statements."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from psycopg import errors as pg

from perpetua.allocation.rules import Key
from perpetua.allocation.types import Action, LotStock, Position, Rules, Site, Take
from perpetua.items import service as items
from perpetua.items.types import VariantRef
from perpetua.kit import json
from perpetua.kit.database import Queries, Tx, array
from perpetua.orders.types import Customer, Known

Q = Queries(__file__)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A kit's component, and how many make one kit."""

    kit_id: int
    variant_id: int
    quantity: Decimal
    lots: bool


class Ground(NamedTuple):
    """What every decision stands on; `kits`: of the variants asked for, the components. And ids, drawn ahead."""

    version: int
    rules: Rules
    sites: list[Site]
    kits: Mapping[int, list[Part]] = {}
    order_ids: Sequence[int] = ()
    line_ids: Sequence[int] = ()


class Seen(NamedTuple):
    """What orders name, as far as it is there: orders by channel and external id, items and customers by SKU and code
    in capitals; and the ground."""

    known: Mapping[tuple[str, str], Known]
    variants: Mapping[str, VariantRef]
    customers: Mapping[str, Customer]
    ground: Ground


class _Known(msgspec.Struct):
    id: int
    channel: str
    external_id: str
    hash: str


class _Named(VariantRef, frozen=True, kw_only=True):
    asked: str


class _Seen(msgspec.Struct):
    version: int
    rules: Rules
    sites: list[Site] | None
    known: list[_Known] | None
    variants: list[_Named] | None
    customers: list[Customer] | None
    parts: list[Part] | None
    order_ids: list[int] | None
    line_ids: list[int] | None


_read_seen = msgspec.json.Decoder(_Seen, strict=False).decode


class Entry(NamedTuple):
    """A row of the audit log."""

    actor_id: int
    action: Action
    order_id: int | None
    line_id: int | None
    variant_id: int
    asked: Decimal
    given: Decimal
    facts: Mapping[str, Any]
    reason: str | None = None


async def look(
    tx: Tx, skus: Iterable[str], *, names: Collection[tuple[str, str]] = (), customers: Collection[str] = (),
    orders: int = 0, lines: int = 0,
) -> Seen:  # fmt: skip
    """Find all of these that is there, and the ground with it, in one statement.

    Args:
        names: of orders, by channel and external id.
        orders, lines: so many ids are drawn, less those of the orders that are there.
    """
    forms = items.forms_of_skus(skus)
    params = {
        "channels": array([channel for channel, _ in names]), "external_ids": array([name for _, name in names]),
        "skus": array([form for form in set(forms.values()) if form]), "customers": array(list(customers)),
        "orders": orders, "lines": lines,
    }  # fmt: skip
    seen = _read_seen(await tx.value(Q["look"], params))
    kits = _by_kit(seen.parts or ())
    ground = Ground(seen.version, seen.rules, seen.sites or [], kits, seen.order_ids or (), seen.line_ids or ())
    found = {one.asked.upper(): one for one in seen.variants or ()}
    return Seen(
        {(k.channel, k.external_id): Known(k.id, k.channel, k.external_id, bytes.fromhex(k.hash))
         for k in seen.known or ()},
        {key: named for key, form in forms.items() if (named := found.get(form.upper()))},
        {one.code.upper(): one for one in seen.customers or ()},
        ground,
    )  # fmt: skip


async def ground(tx: Tx) -> Ground:
    """The newest rules, and the sites that sell."""
    row = (await tx.dicts(Q["ground"]))[0]
    rules = msgspec.convert(row["rules"], Rules, strict=False)
    return Ground(row["version"], rules, msgspec.convert(row["sites"], list[Site]))


async def kit_parts(tx: Tx, variant_ids: Iterable[int]) -> Mapping[int, list[Part]]:
    """The components of those that are kits, by kit."""
    wanted = sorted(set(variant_ids))
    return _by_kit(await tx.rows(Q["kit_parts"], {"ids": wanted}, as_=Part)) if wanted else {}


async def hold_recipes(tx: Tx, kits: Mapping[int, list[Part]]) -> None:
    """Keep these kits made of what they are; nothing is asked where there are none. Before positions are locked.

    Raises:
        SerializationFailure: one has become another since it was read; whoever runs the transaction begins it anew.
    """
    if not kits:
        return
    await tx.value(Q["hold_recipes"])
    if await kit_parts(tx, kits) != kits:
        raise pg.SerializationFailure("a kit was changed meanwhile")


def _by_kit(parts: Iterable[Part]) -> dict[int, list[Part]]:
    kits: dict[int, list[Part]] = defaultdict(list)
    for part in parts:
        kits[part.kit_id].append(part)
    return dict(kits)


async def lock(
    tx: Tx,
    variant_ids: Iterable[int],
    site_ids: Sequence[int],
    *,
    with_lots: Iterable[int],
    sharing: Sequence[str],
    today: date,
) -> dict[Key, Position]:
    """Lock the positions of the variants at the sites; what is there, by variant and site.

    Args:
        with_lots: variants whose lots are tracked; only those among `variant_ids` count.
        sharing: channels whose open allocations count against a share.
    """
    variants = set(variant_ids)
    wanted = {"variant_ids": array(sorted(variants)), "site_ids": array(sorted(site_ids))}
    rows = await tx.records(Q["lock_positions"], wanted)
    positions = {(variant, site): Position(*numbers, freed=freed) for variant, site, *numbers, freed in rows}
    if tracked := sorted(variants.intersection(with_lots)):
        for key in [key for key in positions if key[0] in set(tracked)]:
            positions[key] = positions[key]._replace(lots=())
        for row in await tx.dicts(Q["lots"], {**wanted, "variant_ids": array(tracked), "today": today}):
            key = (row["variant_id"], row["site_id"])
            lot = LotStock(row["lot_id"], row["free"], row["expires_on"])
            position = positions[key]
            short = position.short or (lot.lot_id > 0 and lot.free < 0)
            positions[key] = position._replace(lots=(*(position.lots or ()), lot), short=short)
    if sharing:
        for row in await tx.dicts(Q["by_channel"], {**wanted, "channels": list(sharing)}):
            position = positions[row["variant_id"], row["site_id"]]
            shares = {**position.by_channel, row["channel"]: row["quantity"]}
            positions[row["variant_id"], row["site_id"]] = position._replace(by_channel=shares)
    return positions


async def also_needed(tx: Tx, variant_ids: Iterable[int], *, losing: bool = False) -> list[Key]:
    """Positions beside these variants' that whoever waits for them may need; with `losing`, also those that whoever
    gives them up has something at. See the statement."""
    rows = await tx.dicts(Q["also_needed"], {"variant_ids": array(sorted(set(variant_ids))), "losing": losing})
    return [(row["variant_id"], row["site_id"]) for row in rows]


async def everywhere(tx: Tx, variant_ids: Iterable[int]) -> list[Key]:
    """The positions of these variants at all sites that sell."""
    wanted = sorted(set(variant_ids))
    rows = await tx.dicts(Q["everywhere"], {"variant_ids": array(wanted)}) if wanted else []
    return [(row["variant_id"], row["site_id"]) for row in rows]


async def lock_to_fill(
    tx: Tx, variant_ids: Iterable[int], site_ids: Iterable[int], *, losing: bool = False
) -> set[Key]:
    """Lock the positions of the variants at the sites, before some of it is given to whoever waits: and with them, in
    the one order of all, what those may need beside it. Locked later they would meet others half-way. Gives the
    positions where that ended reservations."""
    variants, sites = set(variant_ids), set(site_ids)
    for variant, site in await also_needed(tx, variants, losing=losing):
        variants.add(variant)
        sites.add(site)
    wanted = {"variant_ids": array(sorted(variants)), "site_ids": array(sorted(sites))}
    return {(row["variant_id"], row["site_id"]) for row in await tx.dicts(Q["lock_positions"], wanted) if row["freed"]}


async def record(tx: Tx, config_version: int, takes: Sequence[tuple[int, Take]], entries: Sequence[Entry]) -> None:
    """Write the allocations (each with its line's id) and why, in one statement."""
    params: dict[str, Any] = {
        "take_line_ids": array([line_id for line_id, _ in takes]),
        "take_variant_ids": array([take.variant_id for _, take in takes]),
        "take_site_ids": array([take.site_id for _, take in takes]),
        "take_lot_ids": array([take.lot_id for _, take in takes]),
        "take_quantities": array([take.quantity for _, take in takes]),
        "actor_ids": array([e.actor_id for e in entries]),
        "actions": array([e.action for e in entries]),
        "order_ids": array([e.order_id for e in entries]),
        "line_ids": array([e.line_id for e in entries]),
        "variant_ids": array([e.variant_id for e in entries]),
        "asked": array([e.asked for e in entries]),
        "given": array([e.given for e in entries]),
        "facts": array([json.dumps(e.facts).decode() for e in entries]),
        "reasons": array([e.reason for e in entries]),
        "config_version": config_version,
    }
    await tx.execute(Q["record"], params)
