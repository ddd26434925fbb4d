"""What each label says: the values of its fields, out of the catalogue, the lots, the places, or as given."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from perpetua.access.types import Actor
from perpetua.gs1.service import check_digit
from perpetua.items.service import forms_of_skus
from perpetua.kit.database import Tx
from perpetua.kit.errors import InvalidValue
from perpetua.kit.quantity import plain_text
from perpetua.labels import store
from perpetua.labels.errors import TooManyLabels
from perpetua.labels.rules.laying import PLACEHOLDER, one_line
from perpetua.labels.rules.paging import check_digits
from perpetua.labels.types import (
    FIELDS,
    MOST_LABELS,
    Drawn,
    ItemFilter,
    ItemLabel,
    Kind,
    LotLabel,
    PlaceFilter,
    PlaceLabel,
    PlateLabel,
    PrintLabels,
    ValueLabel,
    Values,
)

__all__ = ["of_items", "of_lots", "of_places", "of_plates", "of_receipt", "of_values"]

_PRINTED_DIGITS: Final = {"ean13": 13, "ean8": 8, "upca": 12, "upce": 12, "gtin14": 14, "restricted": 13}
"""How many of the 14 digits under which a number of the trade is kept are printed."""
_SHOWN_GOODS: Final = 8
"""Kinds of goods that the label of a plate names."""
_RECEIPT: Final = re.compile(r"(?i)R-([0-9]{1,15})", re.ASCII)
_GTINS: Final = frozenset({"ean13", "ean8", "upca", "upce", "gtin14"})


async def of_items(tx: Tx, actor: Actor, command: PrintLabels) -> list[Drawn]:
    """Labels of the items that are named, or found."""
    actor.require("items.read")
    asked: Sequence[ItemLabel] = command.items
    if command.item_filter is not None:
        found = await store.found_items(tx, _item_filter(command.item_filter), MOST_LABELS + 1)
        if len(found) > MOST_LABELS:
            raise TooManyLabels(None, MOST_LABELS)
        asked = [ItemLabel(sku=sku) for sku in found]
    _check_count(asked, command)
    known = await _items(tx, [one.sku for one in asked], [one.level or "" for one in asked], [""] * len(asked))
    drawn: list[Drawn] = []
    for place, one in enumerate(asked):
        item = known.get(place + 1)
        if item is None:
            raise InvalidValue(f"items[{place}].sku", one.sku, "is no SKU")
        if one.level is not None and item.barcode is None:
            raise InvalidValue(f"items[{place}].level", one.level, f"{item.sku} has no barcode of this level")
        drawn.append(Drawn(values=_item(item), copies=one.copies or command.copies, name=f"item {item.sku}"))
    return drawn


async def of_lots(tx: Tx, actor: Actor, command: PrintLabels) -> list[Drawn]:
    """Labels of the lots that are named."""
    actor.require("items.read")
    _check_count(command.lots, command)
    asked = command.lots
    known = await _items(tx, [one.sku for one in asked], [one.level or "" for one in asked], [one.lot for one in asked])
    drawn: list[Drawn] = []
    for place, one in enumerate(asked):
        item = known.get(place + 1)
        if item is None:
            raise InvalidValue(f"lots[{place}].sku", one.sku, "is no SKU")
        if item.lot is None:
            raise InvalidValue(f"lots[{place}].lot", one.lot, f"{item.sku} has no such lot")
        if one.level is not None and item.barcode is None:
            raise InvalidValue(f"lots[{place}].level", one.level, f"{item.sku} has no barcode of this level")
        days = {"expires": item.expires_on, "best_before": item.best_before_on, "manufactured": item.manufactured_on}
        values = {
            **_item(item), "lot": item.lot, "supplier_lot": item.supplier_lot or "", "status": item.lot_status or "",
            **{name: day.isoformat() if day else "" for name, day in days.items()},
        }  # fmt: skip
        name = f"lot {item.lot} of {item.sku}"
        drawn.append(Drawn(values=values, copies=one.copies or command.copies, name=name))
    return drawn


async def of_places(tx: Tx, actor: Actor, command: PrintLabels) -> list[Drawn]:
    """Labels of the places that are named, or found, as far as the actor may see them."""
    actor.require("places.read")
    asked: Sequence[PlaceLabel] = command.places
    if command.place_filter is not None:
        where = PlaceFilter(within=_held(command.place_filter.within), kind=command.place_filter.kind)
        found = await store.found_places(tx, actor, where, MOST_LABELS + 1)
        if len(found) > MOST_LABELS:
            raise TooManyLabels(None, MOST_LABELS)
        asked = [PlaceLabel(code=code) for code in found]
    _check_count(asked, command)
    codes = [_held(one.code) for one in asked]
    known = {one.place: one for one in await store.places(tx, actor, codes)}
    drawn: list[Drawn] = []
    for number, one in enumerate(asked):
        place = known.get(number + 1)
        if place is None:
            raise InvalidValue(f"places[{number}].code", one.code, "is no place, or none of yours")
        values: Values = {
            "code": place.code, "name": place.name, "kind": place.kind, "site": place.site,
            "parent": place.parent or "", "path": " / ".join(place.path), "check": check_digits(place.code),
        }  # fmt: skip
        drawn.append(Drawn(values=values, copies=one.copies or command.copies, name=f"place {place.code}"))
    return drawn


async def of_plates(tx: Tx, actor: Actor, command: PrintLabels) -> list[Drawn]:
    """Labels of the license plates that are named."""
    actor.require("stock.read")
    _check_count(command.plates, command)
    known = {one.place: one for one in await store.plates(tx, actor, [_held(one.code) for one in command.plates])}
    drawn: list[Drawn] = []
    for number, one in enumerate(command.plates):
        plate = known.get(number + 1)
        if plate is None:
            raise InvalidValue(f"plates[{number}].code", one.code, "is no license plate, or none of yours")
        goods = [f"{sku} × {plain_text(each)}" for sku, each in zip(plate.skus, plate.quantities, strict=True)]
        if len(goods) > _SHOWN_GOODS:
            goods[_SHOWN_GOODS - 1 :] = [f"and {len(goods) - _SHOWN_GOODS + 1} more"]
        values: Values = {
            "sscc": plate.sscc or "", "code": plate.code, "place": plate.location, "contents": ", ".join(goods),
        }  # fmt: skip
        drawn.append(Drawn(values=values, copies=one.copies or command.copies, name=f"plate {plate.code}"))
    return drawn


async def of_receipt(tx: Tx, actor: Actor, command: PrintLabels) -> list[Drawn]:
    """Labels of what came in with a receipt."""
    actor.require("purchasing.read")
    asked = command.receipt
    assert asked is not None
    number = _RECEIPT.fullmatch(asked.receipt)
    rows = await store.received(tx, actor, int(number[1]), asked.line_nos, MOST_LABELS + 1) if number else []
    if not rows:
        raise InvalidValue("receipt.receipt", asked.receipt, "is no receipt that you may see with such lines")
    if len(rows) > MOST_LABELS:
        raise TooManyLabels(None, MOST_LABELS)
    drawn: list[Drawn] = []
    for row in rows:
        code, gtin = _printed(row.barcode, row.barcode_kind, row.sku)
        values: Values = {
            "receipt": f"R-{int(number[1]):06d}" if number else "", "sku": row.sku,
            "name": _name(row.product, row.variant),
            "code": code, "gtin": gtin, "lot": row.lot or "",
            "expires": row.expires_on.isoformat() if row.lot and row.expires_on else "",
            "quantity": plain_text(row.quantity) if asked.per == "line" else "1", "unit": row.unit,
            "supplier": row.supplier or "", "order": f"PO-{row.po_id:06d}" if row.po_id else "",
            "received": row.received_at.date().isoformat(), "place": row.location,
        }  # fmt: skip
        copies = command.copies * (math.ceil(row.quantity) if asked.per == "unit" else 1)
        drawn.append(Drawn(values=values, copies=copies, name=f"line {row.line_no} of {asked.receipt}"))
    return drawn


def of_values(command: PrintLabels, kind: Kind) -> list[Drawn]:
    """Labels that say what is given."""
    _check_count(command.labels, command)
    drawn: list[Drawn] = []
    for place, one in enumerate(command.labels):
        for name, value in one.values.items():
            field = f"labels[{place}].values.{name[:40]}"
            if (name not in FIELDS[kind]) if FIELDS[kind] else not PLACEHOLDER.fullmatch("{" + name + "}"):
                raise InvalidValue(field, name, f"is no field of labels of kind {kind}")
            if check := _CHECKED.get((kind, name)):
                check(value, field)
        values = {name: one_line(value) for name, value in one.values.items()}
        drawn.append(Drawn(values=values, copies=one.copies or command.copies, name=f"label {place + 1}"))
    return drawn


def _check_sscc(value: str, field: str) -> None:
    if len(value) != 18 or not (value.isascii() and value.isdigit()):
        raise InvalidValue(field, value, "is no SSCC: that has 18 digits")
    expected = str(check_digit(value[:-1]))
    if value[-1] != expected:
        raise InvalidValue(field, value, f"its check digit must be {expected}", expected=expected)


_CHECKED: Final[Mapping[tuple[Kind, str], Callable[[str, str], None]]] = {("plate", "sscc"): _check_sscc}


def _check_count(
    asked: Sequence[ItemLabel | LotLabel | PlaceLabel | PlateLabel | ValueLabel], command: PrintLabels
) -> None:
    """Before anything is looked up: no more labels than are printed at once."""
    count = sum(one.copies or command.copies for one in asked)
    if count > MOST_LABELS:
        raise TooManyLabels(count, MOST_LABELS)


async def _items(tx: Tx, skus: Sequence[str], levels: Sequence[str], lots: Sequence[str]) -> dict[int, store.Item]:
    """Items by their place in the lists, from 1; one statement for all."""
    forms = forms_of_skus(skus)
    rows = await store.items(tx, [forms[sku.upper()] for sku in skus], levels, [_held(lot) for lot in lots])
    return {row.place: row for row in rows}


def _printed(barcode: str | None, kind: str | None, sku: str) -> tuple[str, str]:
    """The code as it is printed (the SKU where there is no barcode), and the GTIN where it is one."""
    if barcode is None:
        return sku, ""
    digits = _PRINTED_DIGITS.get(kind or "")
    return barcode[-digits:] if digits else barcode, barcode if kind in _GTINS else ""


def _name(product: str, variant: str) -> str:
    """The item's whole name: its variant's, after its product's where it doesn't begin with that."""
    if not variant or variant == product:
        return product
    return variant if variant.startswith(product) else f"{product}, {variant}"


def _item(item: store.Item) -> Values:
    code, gtin = _printed(item.barcode, item.barcode_kind, item.sku)
    return {
        "sku": item.sku, "name": _name(item.product, item.variant), "product": item.product,
        "variant": item.variant, "unit": item.unit,
        "price": _price(item.selling_price),
        "code": code, "gtin": gtin, "level": item.level or "",
        "units": "" if item.units is None else plain_text(item.units),
        "category": item.category or "", "owner": item.owner,
    }  # fmt: skip


def _price(price: Decimal | None) -> str:
    """With two decimals at the least, as prices are written."""
    if price is None:
        return ""
    whole, _, cents = plain_text(price).partition(".")
    return f"{whole}.{cents:0<2}"


def _item_filter(asked: ItemFilter) -> ItemFilter:
    if asked.category is None and asked.sku_prefix is None:
        raise InvalidValue("item_filter", "", "names neither category nor sku_prefix")
    return ItemFilter(
        category=None if asked.category is None else _held(asked.category),
        sku_prefix=None if asked.sku_prefix is None else _held(asked.sku_prefix) or "\x7f",
    )


def _held(text: str) -> str:
    """The text, where the database can hold it; else one that names nothing."""
    return text if one_line(text) == text.strip() else ""
