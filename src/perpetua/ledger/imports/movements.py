"""Movements from a file: sales, cancellations and write-offs as invoice lines tell them, or rows with their type."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec

from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.items.types import UpsertRow
from perpetua.kit.database import Tx
from perpetua.kit.errors import InvalidValue
from perpetua.kit.imports import BadRow, Chunk, ChunkResult, Field, ImportOptions, Parsed, Place, Run, Tell
from perpetua.kit.quantity import ZERO
from perpetua.ledger.imports import common
from perpetua.ledger.imports.fields import MOVEMENT_FIELDS
from perpetua.ledger.imports.rules import INVOICE_PRODUCTS, NoMovement, Running, is_product, movement_of, oriented
from perpetua.ledger.imports.rules import Movement as Moved
from perpetua.ledger.types import Row, TransactionType
from perpetua.places import service as places
from perpetua.places.types import CreateLocation

__all__ = ["MOVEMENTS", "MovementsKind"]

DEFAULT_SITE = "MAIN"
MILLION = Decimal(1_000_000)
OPTIONS = {"opening": str, "location": str, "products": str}


class _Taken(msgspec.Struct, frozen=True):
    """A row that moves something."""

    parsed: Parsed
    sku: str
    location: str
    moved: Moved


class MovementsKind:
    """Rows of a sales file, or of any file with a SKU, a quantity and a time.

    Options: `location` (where rows without a location happen: a code; made where it is missing), `opening` ("none", or
    "smallest": per SKU the smallest receipt before the first row that keeps stock from falling below zero), `products`
    (pattern that a code must match whole to be goods; for invoice lines, unless said, five digits and letters, or any
    code that is in the catalogue).
    """

    name = "movements"
    fields: Sequence[Field] = MOVEMENT_FIELDS
    chunk_rows = 5_000
    repeatable = False

    def check(self, actor: Actor, fields: frozenset[str], options: ImportOptions) -> None:
        """Raises NotAllowed or InvalidValue before anything is read."""
        actor.require("stock.correct")
        actor.require("items.write")
        if common.option(options, "opening", OPTIONS) not in (None, "none", "smallest"):
            raise InvalidValue("opening", str(options.kind["opening"]), 'is "none" or "smallest"')
        _pattern(fields, options)

    async def prepare(self, tx: Tx, actor: Actor, run: Run) -> Any:
        """Read all rows once: make the items and places that are missing, and post the opening receipts."""
        default = await _default_location(tx, run)
        pattern = _pattern(run.fields, run.options)
        wanted: dict[str, _Named] = {}
        sites: dict[str, CreateLocation] = {}
        running: dict[tuple[str, str], Running] = {}
        async for chunk in run.chunks():
            taken, _ = _read(chunk.rows, default, await _goods(tx, run, chunk.rows, pattern))
            for one in taken:
                if one.sku not in wanted:
                    wanted[one.sku] = _Named(one.sku)
                wanted[one.sku].see(one.parsed.values)
                if one.location not in sites:
                    sites[one.location] = _site(one, default)
                if (level := (one.sku, one.location)) not in running:
                    running[level] = Running()
                running[level].add(one.parsed.values["effective_at"], one.moved.quantity)
        made = {
            "items_made": await common.make_items(tx, actor, run, {sku: n.row() for sku, n in wanted.items()}),
            "places_made": await common.make_places(tx, actor, run, sites),
        }
        if run.options.kind.get("opening") == "smallest":
            made |= await _open(tx, actor, run, running)
        return {"default": default, "counts": made}

    async def apply(self, tx: Tx, actor: Actor, run: Run, chunk: Chunk) -> ChunkResult:
        """Post the chunk's rows as one posting, each under its own reference and time."""
        goods = await _goods(tx, run, chunk.rows, _pattern(run.fields, run.options))
        taken, bad = _read(chunk.rows, run.prepared["default"], goods)
        here = await common.resolve_here(tx, run, {n.sku for n in taken}, {n.location for n in taken})
        for code in {one.location for one in taken} & here.locations.keys():
            actor.require_place(here.locations[code].path, here.locations[code].code)
        rows: list[Row] = []
        places: list[Place] = []
        for one in taken:
            variant, place = here.variants.get(one.sku), here.locations.get(one.location)
            if odd := _unfit(one, variant, place):
                bad.append(odd)
                continue
            assert variant is not None
            assert place is not None
            rows.append(_row(one, variant.id, place.id))
            places.append(one.parsed.place)
        kept: list[Row] = []
        if rows:
            latest = max(one.parsed.values["effective_at"] for one in taken)
            kept, short = await common.post_fitting_rows(tx, actor, run, rows, places, latest)
            bad += short
        return ChunkResult(bad, _counts(kept, bad, chunk.rows))

    async def finish(self, tx: Tx, actor: Actor, run: Run) -> Mapping[str, int]:
        """What `prepare` made belongs to the summary too."""
        return run.prepared["counts"]

    async def undo(self, tx: Tx, actor: Actor, import_id: int, tell: Tell) -> Mapping[str, int]:
        """Take the rows back by new ones. The items stay: the ledger's rows name them."""
        return await common.take_back(tx, actor, import_id, tell)


MOVEMENTS = MovementsKind()


class _Named:
    """What the file says of an item: its name (the first given) and its latest price."""

    def __init__(self, sku: str) -> None:
        self.sku = sku
        self.name: str | None = None
        self.price: Decimal | None = None

    def see(self, values: Mapping[str, Any]) -> None:
        """One more row about it."""
        if self.name is None and values.get("name"):
            self.name = str(values["name"])[:300]
        price = values.get("unit_price")
        if price is not None and price > 0:
            self.price = price

    def row(self) -> UpsertRow:
        """As an item to be made."""
        return UpsertRow(sku=self.sku, name=self.name or self.sku, selling_price=self.price)


def _pattern(fields: frozenset[str], options: ImportOptions) -> re.Pattern[str]:
    """What codes are goods. Files that name each row's type say so themselves: there every code is."""
    asked = options.kind.get("products") or (".+" if "type" in fields else INVOICE_PRODUCTS)
    try:
        return re.compile(asked)
    except re.error as odd:
        raise InvalidValue("products", str(asked), f"is no regular expression: {odd}") from None


async def _default_location(tx: Tx, run: Run) -> str:
    """Where rows without a location happen; blank where nobody can tell, and the rows themselves must."""
    if given := run.options.kind.get("location"):
        return str(given).strip().upper()
    sites = await places.sites(tx)
    if len(sites) > 1 and "location" not in run.fields:
        raise InvalidValue(
            "location", "", f"there are {len(sites)} sites; say which one the rows without a location belong to",
            sites=[site.code for site in sites[:20]],
        )  # fmt: skip
    if len(sites) > 1:
        return ""
    return sites[0].code.upper() if sites else DEFAULT_SITE


async def _goods(tx: Tx, run: Run, rows: Sequence[Parsed], pattern: re.Pattern[str]) -> Mapping[str, str | None]:
    """The SKU of each code that is goods, None of each that is not.

    Codes that do not look like goods but are in the catalogue are goods too, unless the sender gave the rule.
    """
    goods: dict[str, str | None] = run.cache.setdefault("goods", {})
    new = {row.values["sku"] for row in rows} - goods.keys()
    goods |= {code: code.upper() if is_product(code, pattern) else None for code in new}
    odd = sorted(code for code in new if goods[code] is None)
    if odd and not run.options.kind.get("products"):
        known = await items.resolve_skus(tx, odd)
        goods |= {code: code.upper() for code in odd if code.upper() in known}
    return goods


def _read(rows: Sequence[Parsed], default: str, goods: Mapping[str, str | None]) -> tuple[list[_Taken], list[BadRow]]:
    taken: list[_Taken] = []
    bad: list[BadRow] = []
    for parsed in rows:
        values = parsed.values
        code: str = values["sku"]
        sku = goods[code]
        if sku is None:
            reason = f"{code} is no product by the rule: left out"
            bad.append(BadRow(parsed.place, "not_a_product", reason, "sku", code))
            continue
        kind: TransactionType | None = values.get("type")
        quantity: Decimal = values["quantity"]
        moved = (
            oriented(kind, quantity)
            if kind
            else movement_of(values.get("reference", ""), quantity, values.get("unit_price"))
        )
        if isinstance(moved, NoMovement):
            bad.append(BadRow(parsed.place, moved.code, moved.reason, "quantity", str(quantity)))
            continue
        location = str(values.get("location") or default).upper()
        if not location:
            reason = "is missing, and there are several sites; give the location of all such rows as an option"
            bad.append(BadRow(parsed.place, "missing_value", reason, "location"))
            continue
        taken.append(_Taken(parsed, sku, location, moved))
    return taken, bad


def _site(one: _Taken, default: str) -> CreateLocation:
    kind = "warehouse" if one.location == default else "store"
    return CreateLocation(code=one.location, kind=kind, name=str(one.parsed.values.get("location_name") or ""))


def _unfit(one: _Taken, variant: Any, place: Any) -> BadRow | None:
    if variant is None:
        return BadRow(one.parsed.place, "unknown_item", f"there is no item {one.sku}", "sku", one.sku)
    if place is None:
        return BadRow(
            one.parsed.place, "unknown_location", f"there is no location {one.location}", "location", one.location
        )
    if variant.kit:
        return BadRow(
            one.parsed.place, "kit_has_no_stock", f"{variant.sku} is a kit; name its components", "sku", one.sku
        )
    if variant.tracking != "none":
        reason = f"{variant.sku} is tracked by {variant.tracking}; post it with its {variant.tracking}s instead"
        return BadRow(one.parsed.place, "tracked_item", reason, "sku", one.sku)
    if variant.decimals == 0 and one.moved.quantity != one.moved.quantity.to_integral_value():
        reason = f"{variant.sku} is counted in whole {variant.unit}"
        return BadRow(one.parsed.place, "invalid_value", reason, "quantity", str(one.moved.quantity))
    return None


def _row(one: _Taken, variant_id: int, location_id: int) -> Row:
    values = one.parsed.values
    reference = values.get("reference")
    reasons = {"WRITE_OFF": "imported", "RETURN": "customer", "ADJUSTMENT": "imported"}
    return Row(
        line_no=one.parsed.place.line, type=one.moved.type, variant_id=variant_id, location_id=location_id,
        quantity=one.moved.quantity, unit_cost=values.get("unit_cost"), effective_at=values["effective_at"],
        reason_code=values.get("reason") or reasons.get(one.moved.type),
        reference_type="invoice" if reference else None, reference_id=reference,
    )  # fmt: skip


async def _open(tx: Tx, actor: Actor, run: Run, running: Mapping[tuple[str, str], Running]) -> dict[str, int]:
    """One receipt for each level that needs it, a second before the file's first row there."""
    needs = [(key, level.need()) for key, level in running.items()]
    needed = [(key, need) for key, need in needs if need > 0]
    if not needed:
        return {"opening_receipts": 0}
    start = min(level.first() for level in running.values()) - timedelta(seconds=1)
    here = await common.resolve_here(tx, run, {sku for (sku, _), _ in needed}, {code for (_, code), _ in needed})
    rows = [
        Row(
            line_no=number, type="RECEIPT", variant_id=here.variants[sku].id, location_id=here.locations[code].id,
            quantity=need, unit_cost=here.variants[sku].cost_price, reason_code="opening",
        )
        for number, ((sku, code), need) in enumerate(needed, 1)
    ]  # fmt: skip
    for first in range(0, len(rows), 10_000):
        await common.post_rows(tx, actor, run, rows[first : first + 10_000], start, "opening")
    return {"opening_receipts": len(rows), "opening_units": int(sum(row.quantity for row in rows))}


def _counts(kept: Sequence[Row], bad: Sequence[BadRow], rows: Sequence[Parsed]) -> dict[str, int]:
    """Units by type (in millionths where they are not whole) and rows by fate; `value` is the file's, all rows."""
    counts = Counter(one.code for one in bad)
    for type_, number in Counter(row.type for row in kept).items():
        counts[f"rows_{type_.lower()}"] = number
        counts[f"micro_units_{type_.lower()}"] = _micro(row.quantity for row in kept if row.type == type_)
    said = [row.values for row in rows]
    counts["micro_quantity_all_rows"] = _micro(values["quantity"] for values in said)
    counts["micro_value_all_rows"] = _micro(values["quantity"] * values.get("unit_price", ZERO) for values in said)
    return counts


def _micro(quantities: Iterable[Decimal]) -> int:
    return int(sum(quantities, ZERO) * MILLION)
