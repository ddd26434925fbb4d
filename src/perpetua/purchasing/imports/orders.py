"""Purchase orders from files: the kind `purchase_orders`: one row a line, the rows of an order wherever they stand.

Always true:
- An order becomes a draft whole, with all its rows, or not at all; each of its rows is then among the bad ones.
- A row of which nobody can tell whose it is takes the orders on both its sides with it, which may miss it.
- The same file again makes no order twice. An import is undone by cancelling what is still a draft.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from perpetua.access.types import Actor
from perpetua.kit.database import Tx
from perpetua.kit.errors import InvalidValue, Refusal
from perpetua.kit.imports import (
    BadRow,
    Chunk,
    ChunkResult,
    Field,
    Gathered,
    ImportOptions,
    Parsed,
    Place,
    Run,
    Tell,
    no_half,
    remembered,
    whereabouts,
)
from perpetua.kit.quantity import parse_decimal
from perpetua.purchasing import service
from perpetua.purchasing.types import AddLine, CreateOrder

__all__ = ["PURCHASE_ORDERS", "PurchaseOrdersKind"]

Key = tuple[str, str]
"""Supplier, in capitals, and external id."""

OF_LINE: Final = frozenset({"sku", "quantity", "unit_price", "line_wanted_on"})
NEEDED: Final = ("external_id", "supplier", "site", "sku", "quantity")


class PurchaseOrdersKind:
    """Rows with an order's external id, supplier, site, SKU and quantity."""

    name = "purchase_orders"
    chunk_rows = 2000
    repeatable = True
    # A cell is read when its order is: a row that fails before that would be missing from its order unnoticed.
    fields: Sequence[Field] = (
        Field(name="external_id", synonyms=("order", "order_no", "po", "po_number", "po_no", "purchase_order")),
        Field(name="supplier", synonyms=("supplier_code", "vendor", "vendor_code", "vendor_number")),
        Field(name="site", synonyms=("warehouse", "store", "deliver_to")),
        Field(name="sku", synonyms=("item", "item_code", "product_code")),
        Field(name="quantity", synonyms=("qty", "ordered", "order_quantity")),
        Field(name="unit_price", synonyms=("price", "cost"), needs="supplier_prices.read"),
        Field(name="wanted_on", synonyms=("wanted", "required_on", "due_date"), help="of the order: 2026-10-02"),
        Field(name="line_wanted_on", help="of the line, where it is another day"),
        Field(name="exchange_rate", synonyms=("rate",)),
        Field(name="note", synonyms=("notes", "comment")),
        Field(name="allow_off_pack", help="yes: also below the minimum, and broken packs"),
    )

    def check(self, actor: Actor, fields: frozenset[str], options: ImportOptions) -> None:
        """Raises NotAllowed or InvalidValue before anything is read."""
        actor.require("purchasing.write")
        for name in NEEDED:
            if name not in fields:
                raise InvalidValue(name, "", "no column tells it; name one by a mapping")

    async def prepare(self, tx: Tx, actor: Actor, run: Run) -> Any:
        """Nothing is made beforehand."""
        return {}

    async def apply(self, tx: Tx, actor: Actor, run: Run, chunk: Chunk) -> ChunkResult:
        """Make the orders whose last row is in the chunk."""
        known = await whereabouts(run, chunk, _key)
        bad: list[BadRow] = []
        counts: Counter[str] = Counter()
        whole: list[tuple[Gathered[Key], CreateOrder]] = []
        for row in chunk.rows:
            key = _key(row)
            if key is None:
                name = "supplier" if row.values.get("external_id") else "external_id"
                bad.append(BadRow(row.place, "missing_value", "is missing; the row belongs to no order", name))
                continue
            gathered = known.gathered(key)
            if gathered.rows[-1].place != row.place:
                continue
            order = _order(gathered)
            if isinstance(order, CreateOrder):
                whole.append((gathered, order))
            else:
                bad += order
                counts["orders_refused"] += 1
        whole.sort(key=lambda one: one[0].rows[0].place)
        made: list[int] = []
        for (gathered, _), outcome in zip(
            whole, await service.create_many(tx, actor, [order for _, order in whole]), strict=True
        ):
            if isinstance(outcome, Refusal):
                bad += _refused(gathered, outcome)
                counts["orders_refused"] += 1
            elif outcome is None:
                counts["orders_known"] += 1
            else:
                counts["orders_made"] += 1
                made.append(outcome)
        await run.remember(tx, "purchase_orders", made)
        return ChunkResult(bad, dict(counts))

    async def finish(self, tx: Tx, actor: Actor, run: Run) -> Mapping[str, int]:
        """Nothing is left to do."""
        return {}

    async def undo(self, tx: Tx, actor: Actor, import_id: int, tell: Tell) -> Mapping[str, int]:
        """Cancel its orders that are still drafts; the others are kept."""
        ids = sorted(i for one in await remembered(tx, import_id) if one.what == "purchase_orders" for i in one.ids)
        await tell(0, len(ids))
        cancelled = await service.cancel_drafts(tx, actor, ids, f"import {import_id} was undone")
        await tell(len(ids), len(ids))
        return {"orders_cancelled": len(cancelled), "orders_kept": len(ids) - len(cancelled)}


PURCHASE_ORDERS: Final = PurchaseOrdersKind()


def _key(row: Parsed) -> Key | None:
    external_id, supplier = row.values.get("external_id"), row.values.get("supplier")
    return (supplier.upper(), external_id) if external_id and supplier else None


def _order(of: Gathered[Key]) -> CreateOrder | list[BadRow]:
    """The order that the rows tell, or all of them as bad, each with why."""
    reasons: dict[Place, BadRow] = {}
    if of.after is not None:
        reason = f"line {of.after.line} cannot be read, and may be of this order"
        reasons[of.rows[0].place] = BadRow(of.rows[0].place, "order_in_doubt", reason)
    said: dict[str, Any] = {"supplier": of.rows[0].values["supplier"]}
    lines: list[AddLine] = []
    for row in of.rows:
        for name, value in row.values.items():
            if name not in OF_LINE and name != "supplier" and said.setdefault(name, value) != value:
                reason = f"another row of the order says {said[name]}"
                reasons.setdefault(row.place, BadRow(row.place, "differs", reason, name, value))
        try:
            lines.append(_line(row.values))
        except InvalidValue as odd:
            reasons.setdefault(row.place, BadRow(row.place, odd.code, odd.reason, odd.field, odd.value))
    if not reasons:
        try:
            return _made(said, lines)
        except InvalidValue as odd:
            reasons[of.rows[0].place] = BadRow(of.rows[0].place, odd.code, odd.reason, odd.field, odd.value)
    return no_half(of, reasons, f"order {of.key[1]}")


def _line(values: Mapping[str, str]) -> AddLine:
    for name in ("sku", "quantity"):
        if not values.get(name):
            raise InvalidValue(name, "", "is missing")
    price, wanted = values.get("unit_price"), values.get("line_wanted_on")
    return AddLine(
        sku=values["sku"], quantity=parse_decimal(values["quantity"], "quantity"),
        unit_price=None if price is None else parse_decimal(price, "unit_price"),
        wanted_on=None if wanted is None else _day("line_wanted_on", wanted),
    )  # fmt: skip


def _made(said: Mapping[str, str], lines: list[AddLine]) -> CreateOrder:
    if not said.get("site"):
        raise InvalidValue("site", "", "is missing")
    rate, wanted = said.get("exchange_rate"), said.get("wanted_on")
    return CreateOrder(
        supplier=said["supplier"], site=said["site"], lines=lines, external_id=said["external_id"],
        note=said.get("note"),
        exchange_rate=None if rate is None else parse_decimal(rate, "exchange_rate"),
        wanted_on=None if wanted is None else _day("wanted_on", wanted),
        allow_off_pack=said.get("allow_off_pack", "").casefold() in {"yes", "y", "true", "1"},
    )  # fmt: skip


def _day(field: str, text: str) -> date:
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        raise InvalidValue(field, text, "is no day; write it like 2026-10-02") from None


def _refused(of: Gathered[Key], refusal: Refusal) -> list[BadRow]:
    """The order's rows, each with what it has to do with the refusal."""
    reasons: dict[Place, BadRow] = {}
    unknown: list[dict[str, Any]] = refusal.facts.get("unknown", [])
    for one in unknown:
        place = of.rows[int(one["line"]) - 1].place
        reasons[place] = BadRow(place, "unknown_item", str(one["reason"]), "sku", str(one["value"]))
    if not reasons:
        field, number = str(refusal.facts.get("field") or ""), 0
        if field.startswith("lines["):
            at, _, field = field.removeprefix("lines[").partition("].")
            number = int(at)
        reason = refusal.reason if isinstance(refusal, InvalidValue) else refusal.detail
        place = of.rows[number].place
        value = refusal.facts.get("value")
        reasons[place] = BadRow(place, refusal.code, reason, field or None, None if value is None else str(value))
    return no_half(of, reasons, f"order {of.key[1]}")
