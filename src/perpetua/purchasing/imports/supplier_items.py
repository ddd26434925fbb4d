"""What suppliers sell us, from files: the kind `supplier_items` of the import engine.

Always true:
- A row is an upsert by supplier and SKU; a blank cell leaves the field as it is.
- A row with a price is a price break from its `min_qty` on (0 where it says none); further rows give further breaks.
- Rows of one item must agree on everything else. Undo restores what was changed and removes what was made, or refuses.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.kit import json
from perpetua.kit.database import Tx
from perpetua.kit.errors import InvalidValue, Refusal
from perpetua.kit.imports import (
    BadRow,
    CannotUndo,
    Chunk,
    ChunkResult,
    Field,
    ImportOptions,
    Parsed,
    Run,
    Tell,
    bad_row,
    number,
    remembered,
    yes_or_no,
)
from perpetua.kit.quantity import ZERO, parse_decimal
from perpetua.partners import service as partners
from perpetua.purchasing import service
from perpetua.purchasing.types import PriceBreak, SetSupplierItem

__all__ = ["SUPPLIER_ITEMS", "SupplierItemsKind"]

Pair = tuple[str, str]
_PRICE: Final = frozenset({"unit_price", "min_qty"})


def _whole(field: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = parse_decimal(text, field)
        if value != value.to_integral_value() or abs(value) > 100_000:
            raise InvalidValue(field, text, "must be a whole number")
        return int(value)

    return parse


class SupplierItemsKind:
    """Items of suppliers, a row an item, or one of its price breaks."""

    name = "supplier_items"
    chunk_rows = 5000
    repeatable = True
    fields: Sequence[Field] = (
        Field(name="supplier", synonyms=("supplier_code", "vendor", "vendor_code"), required=True),
        Field(name="sku", synonyms=("item", "item_code", "product_code"), required=True),
        Field(name="supplier_sku", synonyms=("vendor_sku", "supplier_item", "vendor_item")),
        Field(name="unit_price", synonyms=("price", "cost"), parse=number("unit_price"), needs="supplier_prices.read"),
        Field(name="min_qty", synonyms=("from_qty", "break_qty"), parse=number("min_qty"), help="of this price"),
        Field(name="lead_time_days", synonyms=("lead_time",), parse=_whole("lead_time_days")),
        Field(name="min_order_qty", synonyms=("moq", "minimum_order"), parse=number("min_order_qty")),
        Field(name="pack_multiple", synonyms=("pack", "pack_size", "multiple"), parse=number("pack_multiple")),
        Field(name="preferred", parse=yes_or_no("preferred")),
        Field(name="active", parse=yes_or_no("active")),
    )

    def check(self, actor: Actor, fields: frozenset[str], options: ImportOptions) -> None:
        """Raises NotAllowed."""
        actor.require("suppliers.write")

    async def prepare(self, tx: Tx, actor: Actor, run: Run) -> Any:
        """Nothing need be known beforehand."""

    async def apply(self, tx: Tx, actor: Actor, run: Run, chunk: Chunk) -> ChunkResult:
        """Upsert the chunk's rows, those of an item together."""
        bad: list[BadRow] = []
        wanted = await self._known(tx, chunk.rows, bad)
        groups: dict[Pair, list[Parsed]] = defaultdict(list)
        for row in wanted:
            groups[row.values["supplier"].upper(), row.values["sku"].upper()].append(row)
        refused: dict[int, Refusal] = {}
        found = list(groups.values())
        done = await service.set_many(tx, actor, [_item(rows, bad) for rows in found], merge=True, refused=refused)
        for at, refusal in refused.items():
            field = str(refusal.facts.get("field") or "").partition("].")[2] or None
            first, *rest = found[at]
            bad.append(bad_row(first.place, refusal, field))
            bad += [BadRow(row.place, "item_refused", f"see line {first.place.line}") for row in rest]
        counts = {"created": 0, "changed": 0}
        for what, _, _ in done:
            counts[what] += 1
        made = [(after.id, json.plain(after)) for what, after, _ in done if what == "created"]
        new = [(after.id, [json.plain(old), json.plain(after)]) for what, after, old in done if what == "changed"]
        await run.remember(tx, "created", [own for own, _ in made], [value for _, value in made])
        await run.remember(tx, "changed", [own for own, _ in new], [value for _, value in new])
        return ChunkResult(bad, counts)

    async def finish(self, tx: Tx, actor: Actor, run: Run) -> Mapping[str, int]:
        """Nothing is left to do."""
        return {}

    async def undo(self, tx: Tx, actor: Actor, import_id: int, tell: Tell) -> Mapping[str, int]:
        """Restore, then remove. Raises CannotUndo."""
        created: dict[int, service.Kept] = {}
        changed: dict[int, tuple[service.Kept, service.Kept]] = {}
        for one in reversed(await remembered(tx, import_id)):
            for own, value in zip(one.ids, one.before or (), strict=True):
                if one.what == "created":
                    created[own] = _kept(value)
                    continue
                was, now = _kept(value[0]), _kept(value[1])
                if own in created:  # a later chunk had more of its prices
                    created[own] = now
                else:
                    changed[own] = (changed[own][0] if own in changed else was, now)
        total = len(created) + len(changed)
        await tell(0, total)
        since = await service.take_back(tx, actor, created, changed)
        if since:
            reason = f"{len(since)} supplier items were changed since"
            raise CannotUndo(import_id=import_id, reason=reason, in_the_way=since[:20], count=len(since))
        await tell(total, total)
        return {"restored": len(changed), "removed": len(created)}

    async def _known(self, tx: Tx, rows: Sequence[Parsed], bad: list[BadRow]) -> list[Parsed]:
        """Those whose supplier and item are there; two statements."""
        suppliers = await partners.by_codes(tx, {row.values["supplier"] for row in rows})
        variants = await items.resolve_skus(tx, {row.values["sku"] for row in rows})
        good: list[Parsed] = []
        for row in rows:
            supplier, sku = row.values["supplier"], row.values["sku"]
            variant = variants.get(sku.upper())
            if supplier.upper() not in suppliers:
                bad.append(BadRow(row.place, "unknown_supplier", "is no supplier", "supplier", supplier))
            elif variant is None:
                bad.append(BadRow(row.place, "unknown_item", "is no item", "sku", sku))
            elif variant.kit:
                bad.append(BadRow(row.place, "unknown_item", "is a kit: buy what it is made of", "sku", sku))
            else:
                good.append(row)
        return good


def _item(rows: Sequence[Parsed], bad: list[BadRow]) -> SetSupplierItem:
    """The item that the rows tell; rows that tell otherwise than those before them are bad."""
    said: dict[str, Any] = {}
    prices: dict[Any, PriceBreak] = {}
    for row in rows:
        plainly = {name: value for name, value in row.values.items() if name not in _PRICE | {"supplier", "sku"}}
        odd = next((name for name, value in plainly.items() if said.get(name, value) != value), None)
        start = row.values.get("min_qty", ZERO)
        if odd:
            reason = f"another row of the item says {said[odd]}"
            bad.append(BadRow(row.place, "differs", reason, odd, str(row.values[odd])))
        elif start in prices and "unit_price" in row.values:
            bad.append(BadRow(row.place, "twice", "another row of the item has this break", "min_qty", str(start)))
        else:
            said |= plainly
            if "unit_price" in row.values:
                prices[start] = PriceBreak(min_qty=start, unit_price=row.values["unit_price"])
    named = rows[0].values
    if prices:
        said["prices"] = list(prices.values())
    return SetSupplierItem(supplier=named["supplier"], sku=named["sku"], **said)


def _kept(value: Any) -> service.Kept:
    return msgspec.convert(value, service.Kept, strict=False)


SUPPLIER_ITEMS: Final = SupplierItemsKind()
