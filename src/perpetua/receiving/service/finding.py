"""What came, found: items, places, lots, in what condition it is and where it is put."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.kit.database import Tx
from perpetua.kit.errors import InvalidValue
from perpetua.ledger import events
from perpetua.ledger import service as ledger
from perpetua.ledger.service import Resolved
from perpetua.ledger.types import ReceiveLine
from perpetua.places import service as places
from perpetua.places.types import LocationRef
from perpetua.purchasing.types import OrderToReceive
from perpetua.receiving import store
from perpetua.receiving.errors import LotDiffers, NoAreaFor, NotOnOrder
from perpetua.receiving.store import LotTold
from perpetua.receiving.types import Locked, TakeIn, TakeLine, number_of

__all__ = ["Arrived", "arrived_of"]

AREAS: dict[str, tuple[str, ...]] = {
    "damaged": ("damaged", "quarantine"), "expired": ("quarantine", "damaged"), "wrong": ("quarantine", "damaged"),
}  # fmt: skip
"""Where goods go that can't be sold: the first kind of place that the site has."""


class Arrived(NamedTuple):
    """A line that came, with all that is known of it."""

    line: TakeLine
    resolved: Resolved
    place: LocationRef
    condition: str
    expires_on: date | None
    instead_of: int | None
    po_id: int | None


async def arrived_of(
    tx: Tx, actor: Actor, of: Locked, command: TakeIn, orders: Mapping[int, OrderToReceive], now: datetime
) -> list[Arrived]:
    """All that the lines name, where it is put, and in what condition it is."""
    named = await _by_supplier_sku(tx, of, command.lines)
    instead = await _instead(tx, command.lines)
    asked = [
        ReceiveLine(
            sku=named.get(at, line.sku), variant_id=line.variant_id, barcode=line.barcode, quantity=line.quantity,
            unit=line.unit, lot=line.lot, serials=line.serials, location=line.location or of.location,
            unit_cost=line.unit_cost, expires_on=None if line.expires_on is None else line.expires_on.isoformat(),
        )
        for at, line in enumerate(command.lines)
    ]  # fmt: skip
    resolved = await ledger.incoming(tx, actor, asked)
    for at, one in enumerate(resolved):
        if one.location.site_id != of.site_id:
            raise InvalidValue(f"lines[{at}].location", one.location.code, f"is not at {of.site}")
    expires = await _dates(tx, actor, of, command.lines, resolved)
    areas = await _areas(tx, of, command.lines, expires, now.date())
    found: list[Arrived] = []
    for at, (line, one) in enumerate(zip(command.lines, resolved, strict=True)):
        past = (day := expires.get(at)) is not None and day < now.date()
        why = "expired" if past else line.condition if line.condition != "good" else "wrong" if line.instead_of else ""
        place = one.location
        if why and line.location is None:
            place = _area(of, areas, why)
        condition = "expired" if past else line.condition
        wanted = None if line.order is None else _order(of, line.order, at, orders)
        found.append(Arrived(line, one, place, condition, day, instead.get(at), wanted))
    return found


async def _by_supplier_sku(tx: Tx, of: Locked, lines: Sequence[TakeLine]) -> dict[int, str]:
    asked = {at: line.supplier_sku for at, line in enumerate(lines) if line.supplier_sku is not None}
    for at in asked:
        if any(name is not None for name in (lines[at].sku, lines[at].variant_id, lines[at].barcode)):
            raise InvalidValue(f"lines[{at}].supplier_sku", str(asked[at]), "is told beside another name; give one")
        if of.supplier_id is None:
            raise InvalidValue(f"lines[{at}].supplier_sku", str(asked[at]), "says nothing: the receipt has no supplier")
    if not asked:
        return {}
    params = {"supplier_id": of.supplier_id, "names": sorted({name.upper() for name in asked.values()})}
    known = {row["name"]: row for row in await tx.dicts(store.Q["by_supplier_sku"], params)}
    for at, name in asked.items():
        row = known.get(name.upper())
        if row is None or row["many"] > 1:
            reason = "names several of the supplier's items" if row else "is no item of the supplier"
            raise InvalidValue(f"lines[{at}].supplier_sku", name, reason)
    return {at: known[name.upper()]["sku"] for at, name in asked.items()}


async def _instead(tx: Tx, lines: Sequence[TakeLine]) -> dict[int, int]:
    asked = {at: line.instead_of for at, line in enumerate(lines) if line.instead_of is not None}
    found = await items.resolve_skus(tx, list(asked.values())) if asked else {}
    for at, sku in asked.items():
        if sku.upper() not in found:
            raise InvalidValue(f"lines[{at}].instead_of", sku, "is no item")
    return {at: found[sku.upper()].id for at, sku in asked.items()}


async def _dates(
    tx: Tx, actor: Actor, of: Locked, lines: Sequence[TakeLine], resolved: Sequence[Resolved]
) -> dict[int, date | None]:
    """When the lots that came expire, by line; what labels say of them is kept.

    Raises:
        LotDiffers: a label says another day than is known of the lot.
    """
    told = [
        LotTold(one.lot_id, at, line.expires_on, line.manufactured_on, line.supplier_lot)
        for at, (line, one) in enumerate(zip(lines, resolved, strict=True))
        if one.lot_id
    ]
    expires: dict[int, date | None] = {}
    dated: set[int] = set()
    for row in await store.known_lots(tx, told):
        for what, known, said in (
            ("its expiry", row["expires_on"], row["told_expires"]),
            ("the day it was made", row["manufactured_on"], row["told_made"]),
        ):
            if known is not None and said is not None and known != said:
                at = int(row["at"])
                raise LotDiffers(
                    line=at + 1,
                    sku=resolved[at].variant.sku,
                    lot=row["lot"],
                    what=what,
                    recorded=str(known),
                    told=str(said),
                )
        expires[row["at"]] = row["expires_on"] or row["told_expires"]
        if row["expires_on"] is None and row["told_expires"] is not None:
            dated.add(row["lot_id"])
    # What is promised of a lot whose day is told now may have to move to others; where none is, nothing is locked yet.
    changing = events.changing_lots(tx, actor, sorted(dated), "its label says when it expires")
    if told:
        async with changing if dated else contextlib.nullcontext():
            await store.describe_lots(
                tx, actor.person_id, told, dated=dated, supplier=of.supplier, reference=number_of(of.id)
            )
    for at, (line, one) in enumerate(zip(lines, resolved, strict=True)):
        if not one.lot_id and line.expires_on is not None:
            expires[at] = line.expires_on
    return expires


async def _areas(
    tx: Tx, of: Locked, lines: Sequence[TakeLine], expires: Mapping[int, date | None], today: date
) -> dict[str, LocationRef]:
    """Where the site puts what can't be sold, by kind; nothing is asked where all is good."""
    bad = any(
        line.location is None
        and (line.condition != "good" or line.instead_of or ((day := expires.get(at)) is not None and day < today))
        for at, line in enumerate(lines)
    )
    rows = await tx.dicts(store.Q["areas"], {"site_id": of.site_id}) if bad else []
    found = await places.by_codes(tx, [row["code"] for row in rows]) if rows else {}
    return {row["kind"]: found[row["code"]] for row in rows}


def _area(of: Locked, areas: Mapping[str, LocationRef], why: str) -> LocationRef:
    place = next((areas[kind] for kind in AREAS[why] if kind in areas), None)
    if place is None:
        raise NoAreaFor(site=of.site, condition=why, kinds=" or ".join(AREAS[why]))
    return place


def _order(of: Locked, name: str, at: int, orders: Mapping[int, OrderToReceive]) -> int:
    digits = name.upper().removeprefix("PO-")
    po_id = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else 0
    if po_id not in orders:
        known = ", ".join(order.number for order in orders.values()) or "none"
        raise NotOnOrder(f"lines[{at}].order", name, f"is none of the receipt's orders: {known}")
    return po_id
