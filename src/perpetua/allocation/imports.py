"""Orders from files: one row a line, the rows of an order wherever they stand.

Always true:
- An order is taken whole, with all its rows, or not at all; each of its rows is then among the bad ones.
- A row of which nobody can tell whose it is takes the orders on both its sides with it, which may miss it.
- The same file again takes no order twice. An import is undone by cancelling what has not left.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from perpetua.access.types import Actor
from perpetua.allocation import service
from perpetua.allocation.service import Request
from perpetua.kit.clock import instant, system_clock
from perpetua.kit.database import Tx
from perpetua.kit.errors import InvalidValue, Refusal
from perpetua.kit.idempotency import Answered
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
from perpetua.orders.types import Contact, PlaceLine, PlaceOrder, ShipTo

__all__ = ["ORDERS", "OrdersKind"]

Key = tuple[str, str]
"""Channel and external id."""

CONTACT: Final = ("contact_name", "contact_email", "contact_phone", "contact_address", "contact_city")
OF_LINE: Final = frozenset({"sku", "quantity", "unit_price"})
NEEDED: Final = ("external_id", "sku", "quantity")

# A cell is read when its order is: a row that fails before that would be missing from its order unnoticed.
FIELDS: Final = (
    Field(name="external_id", synonyms=("order", "order_no", "order_id", "order_number", "invoice_no", "reference")),
    Field(name="sku", synonyms=("item", "item_code", "product_code", "stockcode", "article", "lineitem_sku")),
    Field(name="quantity", synonyms=("qty", "units", "lineitem_quantity")),
    Field(name="unit_price", synonyms=("price", "lineitem_price")),
    Field(name="channel", synonyms=("sales_channel", "source")),
    Field(name="customer", synonyms=("customer_code", "account")),
    Field(name="placed_at", synonyms=("order_date", "ordered_at", "created_at", "date"), help="ISO 8601; UTC if bare"),
    Field(name="tier"),
    Field(name="fulfilment", help="split, complete or cancel_rest"),
    Field(name="site", synonyms=("warehouse",), help="only from there"),
    Field(name="country", synonyms=("shipping_country", "country_code")),
    Field(name="region", synonyms=("shipping_province", "county", "state")),
    Field(name="postcode", synonyms=("zip", "shipping_zip", "postal_code")),
    Field(name="min_life_days"),
    Field(name="contact_name", synonyms=("shipping_name", "recipient")),
    Field(name="contact_email", synonyms=("email",)),
    Field(name="contact_phone", synonyms=("phone", "shipping_phone")),
    Field(name="contact_address", synonyms=("address", "street", "shipping_street")),
    Field(name="contact_city", synonyms=("city", "shipping_city")),
)  # fmt: skip


class OrdersKind:
    """Rows with an order's external id, a SKU and a quantity. Without a channel, they are of the channel `direct`."""

    name = "orders"
    fields: Sequence[Field] = FIELDS
    chunk_rows = 500
    repeatable = True

    def check(self, actor: Actor, fields: frozenset[str], options: ImportOptions) -> None:
        """Raises NotAllowed or InvalidValue before anything is read."""
        actor.require("orders.write")
        if fields & set(CONTACT):
            actor.require("customers.read")
        for name in NEEDED:
            if name not in fields:
                raise InvalidValue(name, "", "no column tells it; name one by a mapping")

    async def prepare(self, tx: Tx, actor: Actor, run: Run) -> Any:
        """Nothing is made beforehand."""
        return {}

    async def apply(self, tx: Tx, actor: Actor, run: Run, chunk: Chunk) -> ChunkResult:
        """Take the orders whose last row is in the chunk."""
        known = await whereabouts(run, chunk, _key)
        bad: list[BadRow] = []
        counts: Counter[str] = Counter()
        whole: list[tuple[Gathered[Key], PlaceOrder]] = []
        for row in chunk.rows:
            key = _key(row)
            if key is None:
                bad.append(BadRow(row.place, "missing_value", "is missing; the row belongs to no order", "external_id"))
                continue
            gathered = known.gathered(key)
            if gathered.rows[-1].place != row.place:
                continue
            order = _order(gathered)
            if isinstance(order, PlaceOrder):
                whole.append((gathered, order))
            else:
                bad += order
                counts["orders_refused"] += 1
        whole.sort(key=lambda one: one[0].rows[0].place)  # who stands first in the file is first in turn
        requests = [Request(actor, order) for _, order in whole]
        now = system_clock()
        outcomes: Sequence[Any]
        if run.options.dry_run:
            # What is only looked at keeps nobody's stock locked.
            outcomes = await service.examine(tx, requests, now)
        else:
            outcomes = await service.take(tx, requests, now)
        taken: list[int] = []
        for (gathered, _), outcome in zip(whole, outcomes, strict=True):
            if isinstance(outcome, Refusal):
                bad += _refused(gathered, outcome)
                counts["orders_refused"] += 1
            elif isinstance(outcome, Answered) and outcome.replayed:
                counts["orders_known"] += 1
            else:
                counts["orders_taken"] += 1
                if outcome is not None:
                    counts[f"orders_{outcome.answer.status.lower()}"] += 1
                    taken.append(outcome.answer.id)
        await run.remember(tx, "orders", taken)
        return ChunkResult(bad, dict(counts))

    async def finish(self, tx: Tx, actor: Actor, run: Run) -> Mapping[str, int]:
        """Nothing is left to do."""
        return {}

    async def undo(self, tx: Tx, actor: Actor, import_id: int, tell: Tell) -> Mapping[str, int]:
        """Cancel its orders of which nothing has left; the others are kept."""
        actor.require("orders.write")
        ids = sorted(i for one in await remembered(tx, import_id) if one.what == "orders" for i in one.ids)
        await tell(0, len(ids))
        cancelled = await service.cancel_many(tx, actor, ids, f"import {import_id} was undone", system_clock())
        await tell(len(ids), len(ids))
        return {"orders_cancelled": len(cancelled), "orders_kept": len(ids) - len(cancelled)}


ORDERS = OrdersKind()


def _key(row: Parsed) -> Key | None:
    external_id = row.values.get("external_id")
    return (row.values.get("channel") or "direct", external_id) if external_id else None


def _order(of: Gathered[Key]) -> PlaceOrder | list[BadRow]:
    """The order that the rows tell, or all of them as bad, each with why."""
    reasons: dict[Place, BadRow] = {}
    if of.after is not None:
        reason = f"line {of.after.line} cannot be read, and may be of this order"
        reasons[of.rows[0].place] = BadRow(of.rows[0].place, "order_in_doubt", reason)
    said: dict[str, Any] = {}
    lines: list[PlaceLine] = []
    for row in of.rows:
        for name, value in row.values.items():
            if name not in OF_LINE and said.setdefault(name, value) != value:
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


def _line(values: Mapping[str, str]) -> PlaceLine:
    for name in ("sku", "quantity"):
        if not values.get(name):
            raise InvalidValue(name, "", "is missing")
    price = values.get("unit_price")
    return PlaceLine(
        sku=values["sku"], quantity=parse_decimal(values["quantity"], "quantity"),
        unit_price=None if price is None else parse_decimal(price, "unit_price"),
    )  # fmt: skip


def _made(said: Mapping[str, str], lines: list[PlaceLine]) -> PlaceOrder:
    contact: dict[str, Any] = {name.removeprefix("contact_"): said[name] for name in CONTACT if name in said}
    if "address" in contact:
        contact["address_lines"] = [contact.pop("address")]
    ship_to = {name: said[name].upper() if name == "country" else said[name]
               for name in ("country", "region", "postcode") if name in said}  # fmt: skip
    placed_at = said.get("placed_at")
    more = {name: said[name] for name in ("channel", "external_id", "customer", "tier", "site") if name in said}
    return PlaceOrder(
        **more, lines=lines, fulfilment=_fulfilment(said.get("fulfilment")),
        ship_to=ShipTo(**ship_to) if ship_to else None, contact=Contact(**contact) if contact else None,
        min_life_days=_days(said.get("min_life_days")), placed_at=None if placed_at is None else _instant(placed_at),
    )  # fmt: skip


def _fulfilment(text: str | None) -> Any:
    name = None if text is None else text.lower().replace(" ", "_").replace("-", "_")
    if name not in (None, "split", "complete", "cancel_rest"):
        raise InvalidValue("fulfilment", text or "", "is split, complete or cancel_rest")
    return name


def _days(text: str | None) -> int | None:
    if text is None:
        return None
    days = parse_decimal(text, "min_life_days")
    if days != days.to_integral_value() or abs(days) > Decimal(100_000):
        raise InvalidValue("min_life_days", text, "is a whole number of days")
    return int(days)


def _instant(text: str) -> datetime:
    try:
        return instant(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise InvalidValue("placed_at", text, "is no instant; write it like 2026-10-02 14:05:00") from None


def _refused(of: Gathered[Key], refusal: Refusal) -> list[BadRow]:
    """The order's rows, each with what it has to do with the refusal."""
    reasons: dict[Place, BadRow] = {}
    unknown: list[dict[str, Any]] = refusal.facts.get("unknown", [])
    for one in unknown:
        place = of.rows[int(one["line"]) - 1].place
        reasons[place] = BadRow(place, "unknown_item", f"there is no item {one['value']}", "sku", one["value"])
    if not reasons:
        field = str(refusal.facts.get("field") or "")
        number, name = 0, field.removeprefix("ship_to.").replace("contact.", "contact_")
        if field.startswith("lines["):
            at, _, name = field.removeprefix("lines[").partition("].")
            number = int(at)
        elif isinstance(line := refusal.facts.get("line"), int):
            number = int(line) - 1
        place = of.rows[number].place
        reason = refusal.reason if isinstance(refusal, InvalidValue) else refusal.detail
        reasons[place] = BadRow(place, refusal.code, reason, name or None, refusal.facts.get("value"))
    return no_half(of, reasons, f"order {of.key[1]}")
