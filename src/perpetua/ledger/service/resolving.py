"""From names to ids: SKUs, barcodes, locations, lots and serials of a whole command, each kind in one statement."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.items.types import VariantRef
from perpetua.kit.database import Tx
from perpetua.kit.errors import InvalidValue
from perpetua.kit.quantity import exact_money, exact_quantity
from perpetua.ledger import rules, store
from perpetua.ledger.errors import (
    InactiveItem,
    InactivePlace,
    InTransit,
    KitHasNoStock,
    SerialElsewhere,
    TooManyLines,
    UnknownNames,
)
from perpetua.ledger.service.posting import MAX_ROWS
from perpetua.ledger.types import NO_LOT, Row, TransactionType
from perpetua.places import service as places
from perpetua.places.types import LocationRef

__all__ = ["Line", "Resolved", "effective", "resolve", "rows_of"]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A command's line, of whatever kind, as the resolver needs it."""

    number: int
    sku: str | None
    variant_id: int | None
    barcode: str | None
    quantity: Decimal | None
    unit: str | None
    location: str
    to_location: str | None = None
    lot: str | None = None
    expires_on: str | None = None
    serials: list[str] = []
    unit_cost: Decimal | None = None

    def field(self, name: str) -> str:
        """The JSON path of one of its fields."""
        return f"lines[{self.number - 1}].{name}"


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """A line with its names found. `quantity` is in base units."""

    line: Line
    variant: VariantRef
    location: LocationRef
    to_location: LocationRef | None
    quantity: Decimal | None
    lot_id: int
    serial_ids: list[int]


def effective(asked: datetime | None, now: datetime) -> datetime:
    """When it happened: what was said, else now."""
    return rules.check_effective(asked, now) if asked else now


def common_line(number: int, line: Any, everywhere: str | None, /, **more: Any) -> Line:
    """The fields that all kinds of lines share."""
    place = more.pop("location", None) or getattr(line, "location", None) or everywhere
    if not place:
        raise InvalidValue(f"lines[{number - 1}].location", "", "is missing; give it here or once for all lines")
    return Line(
        number=number, sku=line.sku, variant_id=line.variant_id, barcode=line.barcode, lot=line.lot,
        serials=_serials_said(number, line), unit=line.unit, location=place,
        quantity=more.pop("quantity", getattr(line, "quantity", None)), **more,
    )  # fmt: skip


def _serials_said(number: int, line: Any) -> list[str]:
    said = getattr(line, "serial_range", None)
    if said is None:
        return line.serials
    return [*line.serials, *rules.serial_range(said, f"lines[{number - 1}].serial_range")]


async def resolve(
    tx: Tx, actor: Actor, lines: Sequence[Line], *, incoming: bool = False, places_in: bool = True
) -> list[Resolved]:
    """Find all that the lines name.

    Args:
        incoming: goods come from outside: unknown lots and serials are made, inactive items are refused.
        places_in: goods come to the line's location, so it must be active.

    Raises:
        UnknownNames: all names that do not exist, by line.
        InvalidValue: a quantity or cost that cannot be.
        InactiveItem, InactivePlace, InTransit, KitHasNoStock, OutOfScope, SerialElsewhere.
    """
    if not 0 < len(lines) <= MAX_ROWS:
        raise TooManyLines("lines", str(len(lines)), f"send 1 to {MAX_ROWS} lines", limit=MAX_ROWS)
    variants, packs = await _variants(tx, lines)
    where = await _locations(tx, lines)
    _check_places(actor, lines, where, places_in=places_in)
    for line, variant in zip(lines, variants, strict=True):
        if incoming and not variant.active:
            raise InactiveItem(sku=variant.sku, line=line.number)
        if variant.kit:
            raise KitHasNoStock(sku=variant.sku, line=line.number)
    lot_ids = await _lots(tx, lines, variants, make=incoming)
    serial_ids = await _serials(tx, lines, variants, lot_ids, make=incoming)
    quantities = await _base_quantities(tx, lines, variants, packs)
    return [
        Resolved(
            line=line, variant=variants[i], location=where[line.location.upper()],
            to_location=where[line.to_location.upper()] if line.to_location else None,
            quantity=quantities[i], lot_id=lot_ids[i], serial_ids=serial_ids[i],
        )
        for i, line in enumerate(lines)
    ]  # fmt: skip


def rows_of(resolved: Sequence[Resolved], type_: TransactionType, sign: int, *, cost: bool = False) -> list[Row]:
    """The rows of lines that all move one way (`sign` +1 in, -1 out).

    Args:
        cost: write the line's unit cost, else the item's cost price, with the rows.
    """
    rows: list[Row] = []
    for one in resolved:
        assert one.quantity is not None
        if one.quantity <= 0:
            raise InvalidValue(one.line.field("quantity"), str(one.quantity), "must be more than 0")
        unit_cost = one.line.unit_cost if one.line.unit_cost is not None else one.variant.cost_price
        row = Row(
            line_no=one.line.number, type=type_, variant_id=one.variant.id, location_id=one.location.id,
            lot_id=one.lot_id, quantity=sign * one.quantity, unit_cost=unit_cost if cost else None,
        )  # fmt: skip
        rows += rules.expand(row, one.serial_ids, sku=one.variant.sku, serialised=one.variant.tracking == "serial")
    return rows


async def _variants(tx: Tx, lines: Sequence[Line]) -> tuple[list[VariantRef], list[Decimal]]:
    for line in lines:
        if sum(name is not None for name in (line.sku, line.variant_id, line.barcode)) != 1:
            raise InvalidValue(line.field("sku"), line.sku or "", "give one of sku, variant_id or barcode")
    by_sku = await _if_any(items.resolve_skus, tx, [n.sku for n in lines if n.sku is not None])
    by_id = await _if_any(items.variants_by_ids, tx, [n.variant_id for n in lines if n.variant_id is not None])
    by_code = await _if_any(items.resolve_barcodes, tx, [n.barcode for n in lines if n.barcode is not None])
    found: list[VariantRef] = []
    packs: list[Decimal] = []
    unknown: list[dict[str, object]] = []
    for line in lines:
        pack = Decimal(1)
        if line.sku is not None:
            variant, field, value = by_sku.get(line.sku.upper()), "sku", line.sku
        elif line.variant_id is not None:
            variant, field, value = by_id.get(line.variant_id), "variant_id", line.variant_id
        else:
            assert line.barcode is not None
            hit = by_code.get(line.barcode)
            variant, field, value = hit.variant if hit else None, "barcode", line.barcode
            pack = hit.units if hit else pack
        if variant is None:
            unknown.append({"line": line.number, "field": line.field(field), "value": value})
        else:
            found.append(variant)
            packs.append(pack)
    if unknown:
        raise UnknownNames(unknown)
    return found, packs


async def _if_any(find: Callable[..., Any], tx: Tx, names: list[Any]) -> dict[Any, Any]:
    return await find(tx, list(dict.fromkeys(names))) if names else {}


async def _locations(tx: Tx, lines: Sequence[Line]) -> dict[str, LocationRef]:
    codes = {line.location.upper() for line in lines} | {n.to_location.upper() for n in lines if n.to_location}
    found = await places.by_codes(tx, sorted(codes))
    unknown: list[dict[str, object]] = [
        {"line": line.number, "field": line.field(field), "value": code}
        for line in lines
        for field, code in (("location", line.location), ("to_location", line.to_location))
        if code and code.upper() not in found
    ]
    if unknown:
        raise UnknownNames(unknown)
    return found


def _check_places(actor: Actor, lines: Sequence[Line], where: dict[str, LocationRef], *, places_in: bool) -> None:
    for place in where.values():
        actor.require_place(place.path, place.code)
        if place.kind == "transit":
            raise InTransit(location=place.code)
    arrive = {n.to_location.upper() for n in lines if n.to_location}
    if places_in:
        arrive |= {n.location.upper() for n in lines}
    for code in sorted(arrive):
        if not where[code].active:
            raise InactivePlace(location=where[code].code)


async def _lots(tx: Tx, lines: Sequence[Line], variants: Sequence[VariantRef], *, make: bool) -> list[int]:
    named: list[tuple[int, str]] = []
    expires: list[str | None] = []
    for line, variant in zip(lines, variants, strict=True):
        if (variant.tracking == "lot") != (line.lot is not None) and variant.tracking != "serial":
            said = "is tracked by lot; name the lot" if variant.tracking == "lot" else "is not tracked by lot"
            raise InvalidValue(line.field("lot"), line.lot or "", f"{variant.sku} {said}")
        if line.lot is not None:
            named.append((variant.id, line.lot))
            day = line.expires_on
            expires.append(str(rules.parse_day(day, line.field("expires_on"))) if day is not None else None)
    found = {
        (n.variant_id, n.upper_number): n.id for n in await store.lots(tx, named, expires=expires if make else None)
    }
    unknown: list[dict[str, object]] = [
        {"line": line.number, "field": line.field("lot"), "value": line.lot}
        for line, variant in zip(lines, variants, strict=True)
        if line.lot is not None and (variant.id, line.lot.upper()) not in found
    ]
    if unknown:
        raise UnknownNames(unknown)
    return [
        found[variant.id, line.lot.upper()] if line.lot is not None else NO_LOT
        for line, variant in zip(lines, variants, strict=True)
    ]


async def _serials(
    tx: Tx, lines: Sequence[Line], variants: Sequence[VariantRef], lot_ids: Sequence[int], *, make: bool
) -> list[list[int]]:
    named: list[tuple[int, str]] = []
    lots: list[int] = []
    for line, variant, lot_id in zip(lines, variants, lot_ids, strict=True):
        named += [(variant.id, serial) for serial in line.serials]
        lots += [lot_id] * len(line.serials)
    refs = await store.serials(tx, named, lot_ids=lots if make else None)
    found = {(ref.variant_id, ref.upper_serial): ref for ref in refs}
    unknown: list[dict[str, object]] = []
    ids: list[list[int]] = []
    for line, variant in zip(lines, variants, strict=True):
        mine = [(serial, found.get((variant.id, serial.upper()))) for serial in line.serials]
        for serial, ref in mine:
            if ref is None:
                unknown.append({"line": line.number, "field": line.field("serials"), "value": serial})
        if make:
            for _, ref in mine:
                if ref is not None and ref.location_id is not None:
                    raise SerialElsewhere(
                        serial=ref.serial, sku=variant.sku, status=ref.status, location=f"location {ref.location_id}"
                    )
        ids.append([ref.id for _, ref in mine if ref is not None])
    if unknown:
        raise UnknownNames(unknown)
    return ids


async def _base_quantities(
    tx: Tx, lines: Sequence[Line], variants: Sequence[VariantRef], packs: Sequence[Decimal]
) -> list[Decimal | None]:
    asked = [_quantity(line) for line in lines]
    other = [
        (i, items.Measured(quantity, line.unit, variant, line.field("unit")))
        for i, (line, variant, quantity) in enumerate(zip(lines, variants, asked, strict=True))
        if quantity is not None and line.unit and line.unit != variant.unit
    ]
    if other:
        converted = await items.to_base_units(tx, [one for _, one in other])
        for (i, _), quantity in zip(other, converted, strict=True):
            asked[i] = quantity
    return [
        None if quantity is None else exact_quantity(quantity * pack, line.field("quantity"), places=variant.decimals)
        for line, variant, pack, quantity in zip(lines, variants, packs, asked, strict=True)
    ]


def _quantity(line: Line) -> Decimal | None:
    """The quantity as sent, when it and the cost beside it can be."""
    if line.unit_cost is not None:
        exact_money(line.unit_cost, line.field("unit_cost"))
        if line.unit_cost < 0:
            raise InvalidValue(line.field("unit_cost"), str(line.unit_cost), "must not be negative")
    return None if line.quantity is None else exact_quantity(line.quantity, line.field("quantity"))
