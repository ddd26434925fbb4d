"""Lead times from files: one row a line that was ordered and came, the kind `lead_times`.

Always true:
- A row without a day on which it was ordered, or that came before it, is a bad row: no lead time can be told of it.
- Dates are read as ISO (2012-03-31), with the month's name (31-Mar-12), or with slashes (3/31/2012). Whether day or
month
  comes first there follows from the files; where they do not tell, or contradict themselves, the sender must say.
- An import is undone by rows that cancel its own; suppliers and items that it made stay.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.items.types import UpsertRow
from perpetua.kit.database import Tx
from perpetua.kit.errors import InvalidValue, Refusal
from perpetua.kit.imports import BadRow, Chunk, ChunkResult, Field, ImportOptions, Parsed, Run, Tell, remembered
from perpetua.kit.quantity import exact_quantity, parse_decimal
from perpetua.partners import service as partners
from perpetua.partners.types import CreateSupplier
from perpetua.purchasing import service
from perpetua.purchasing.types.lead_times import LeadTimeFact

__all__ = ["LEAD_TIMES", "LeadTimesKind", "day_of"]

MAX_SKU: Final = 64
MAX_CODE: Final = 60
_SLASHES: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{2}|\d{4})", re.ASCII)
_NAMED: Final = ("%d-%b-%y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y")
_ORDERS: Final = frozenset({"day_first", "month_first"})


def day_of(field: str, text: str, first: str | None) -> date:
    """The day that is written. `first`: day_first or month_first, for slashes. Raises InvalidValue."""
    try:
        if slashes := _SLASHES.fullmatch(text):
            if first is None:
                raise InvalidValue(field, text, "may be two days; say dates=day_first or dates=month_first")
            one, two, year = (int(part) for part in slashes.groups())
            day, month = (one, two) if first == "day_first" else (two, one)
            return _within(field, text, date(year + (2000 if year < 69 else 1900) if year < 100 else year, month, day))
        for form in _NAMED:
            try:
                return _within(field, text, datetime.strptime(text, form).date())  # noqa: DTZ007
            except ValueError:
                continue
        return _within(field, text, datetime.fromisoformat(text).date())
    except ValueError:
        raise InvalidValue(field, text, "is no date; write it like 2012-03-31") from None


class LeadTimesKind:
    """Rows of purchases that were made: who, what, ordered when, promised for when, there when.

    Options: `create=yes` makes suppliers (with `currency`, else the company's) and items that are not there, by the
    names in the file; `dates=day_first` or `month_first`.
    """

    name = "lead_times"
    fields: Sequence[Field] = (
        Field(name="supplier", synonyms=("vendor", "supplier_code"), required=True),
        Field(name="sku", synonyms=("item", "item_code", "item_description"), required=True),
        Field(name="ordered_on", synonyms=("order_date", "po_date", "po_sent_to_vendor_date"), required=True),
        Field(name="received_on", synonyms=("receipt_date", "delivered_on", "delivered_to_client_date"), required=True),
        Field(name="promised_on", synonyms=("promised", "scheduled_delivery_date", "due_date")),
        Field(name="stated_days", synonyms=("lead_time_days",)),
        Field(name="quantity", synonyms=("qty", "line_item_quantity")),
        Field(name="reference", synonyms=("po", "po_number", "order")),
    )
    chunk_rows = 5000
    repeatable = False

    def check(self, actor: Actor, fields: frozenset[str], options: ImportOptions) -> None:
        """Raises NotAllowed or InvalidValue before anything is read."""
        actor.require("purchasing.write")
        said = options.kind
        if unknown := set(said) - {"create", "dates", "currency"}:
            raise InvalidValue("option", sorted(unknown)[0], "is no option of this kind: create, dates, currency")
        if "dates" in said and said["dates"] not in _ORDERS:
            raise InvalidValue("dates", str(said["dates"]), "is day_first or month_first")
        if "currency" in said:
            partners.check_currency("currency", str(said["currency"]))
        if _creates(options):
            actor.require("suppliers.write")
            actor.require("items.write")

    async def prepare(self, tx: Tx, actor: Actor, run: Run) -> Any:
        """Finds out whether day or month comes first in dates with slashes."""
        if "dates" in run.options.kind:
            return {"first": run.options.kind["dates"]}
        seen = {"day_first": False, "month_first": False}
        async for chunk in run.chunks():
            for row in chunk.rows:
                for name in ("ordered_on", "received_on", "promised_on"):
                    if found := _SLASHES.fullmatch(row.values.get(name, "")):
                        seen["day_first"] |= int(found[1]) > 12
                        seen["month_first"] |= int(found[2]) > 12
        told = [name for name, is_so in seen.items() if is_so]
        return {"first": told[0] if len(told) == 1 else None}

    async def apply(self, tx: Tx, actor: Actor, run: Run, chunk: Chunk) -> ChunkResult:
        """Write the chunk's lead times."""
        bad: list[BadRow] = []
        counts: Counter[str] = Counter()
        good: list[tuple[Parsed, dict[str, Any]]] = []
        for row in chunk.rows:
            try:
                read = _read(row.values, run.prepared["first"])
            except InvalidValue as odd:
                bad.append(BadRow(row.place, odd.code, odd.reason, odd.field, odd.value))
                continue
            days = (read["received_on"] - read["ordered_on"]).days
            counts["dated"] += 1
            counts["days_of_all_dated"] += days
            if days < 0:
                counts["came_before_ordered"] += 1
                reason = f"is {-days} days before it was ordered, on {read['ordered_on']}"
                bad.append(BadRow(row.place, "before_ordered", reason, "received_on", row.values["received_on"]))
                continue
            good.append((row, read))
        if _creates(run.options):
            counts += await _make(tx, actor, run, [row for row, _ in good])
        suppliers = await partners.by_codes(tx, {row.values["supplier"][:MAX_CODE].strip() for row, _ in good})
        variants = await items.resolve_skus(tx, {_sku(row.values["sku"]) for row, _ in good})
        facts: list[LeadTimeFact] = []
        for row, read in good:
            supplier = suppliers.get(row.values["supplier"][:MAX_CODE].strip().upper())
            variant = variants.get(_sku(row.values["sku"]).upper())
            if supplier is None or variant is None:
                field = "supplier" if supplier is None else "sku"
                reason = "is not known; create it first, or say create=yes"
                bad.append(BadRow(row.place, f"unknown_{field}", reason, field, row.values[field]))
                continue
            facts.append(LeadTimeFact(supplier.id, variant.id, **read))
            counts["days"] += (read["received_on"] - read["ordered_on"]).days
            counts["late"] += read["promised_on"] is not None and read["received_on"] > read["promised_on"]
        ids = await service.write_lead_times(tx, actor, run.import_id, facts)
        await run.remember(tx, "lead_times", ids)
        counts["written"] += len(ids)
        return ChunkResult(bad, dict(counts))

    async def finish(self, tx: Tx, actor: Actor, run: Run) -> Mapping[str, int]:
        """Nothing is left to do."""
        return {}

    async def undo(self, tx: Tx, actor: Actor, import_id: int, tell: Tell) -> Mapping[str, int]:
        """Cancel what it wrote."""
        ids = sorted(i for one in await remembered(tx, import_id) if one.what == "lead_times" for i in one.ids)
        await tell(0, len(ids))
        done = await service.cancel_lead_times(tx, actor, ids)
        await tell(len(ids), len(ids))
        return {"cancelled": done}


def _creates(options: ImportOptions) -> bool:
    return str(options.kind.get("create", "no")).lower() in {"yes", "true", "1"}


def _read(values: Mapping[str, str], first: str | None) -> dict[str, Any]:
    """A row's days and numbers. Raises InvalidValue."""
    promised, stated, quantity = values.get("promised_on"), values.get("stated_days"), values.get("quantity")
    days = None if stated is None else parse_decimal(stated, "stated_days")
    if days is not None and (days != days.to_integral_value() or not 0 <= days <= 10000):
        raise InvalidValue("stated_days", stated or "", "is a whole number of days")
    amount = None if quantity is None else exact_quantity(parse_decimal(quantity, "quantity"))
    if amount is not None and amount <= 0:
        raise InvalidValue("quantity", quantity or "", "must be more than 0")
    reference = values.get("reference")
    if reference is not None and len(reference) > 200:
        raise InvalidValue("reference", reference, "has at most 200 letters")
    return {
        "reference": reference, "quantity": amount, "ordered_on": day_of("ordered_on", values["ordered_on"], first),
        "stated_days": None if days is None else int(days),
        "promised_on": None if promised is None else day_of("promised_on", promised, first),
        "received_on": day_of("received_on", values["received_on"], first),
    }  # fmt: skip


def _sku(name: str) -> str:
    """A SKU as it is; of what is too long for one, its beginning, and letters that follow from the whole."""
    if len(name) <= MAX_SKU:
        return name
    return f"{name[: MAX_SKU - 9].rstrip()}~{hashlib.sha256(name.upper().encode()).hexdigest()[:8]}"


async def _make(tx: Tx, actor: Actor, run: Run, rows: Sequence[Parsed]) -> Counter[str]:
    """Make the suppliers and items that are not there."""
    made: Counter[str] = Counter()
    names = {row.values["supplier"][:MAX_CODE].strip().upper(): row.values["supplier"] for row in rows}
    there = await partners.by_codes(tx, names)
    currency = str(run.options.kind.get("currency", "")) or await service.company_currency(tx)
    wanted = [
        CreateSupplier(code=name[:MAX_CODE].strip(), name=name[:200], currency=currency)
        for code, name in names.items() if code not in there
    ]  # fmt: skip
    made["suppliers_made"] += await partners.make_missing(tx, actor, wanted)
    skus = {_sku(row.values["sku"]).upper(): row.values["sku"] for row in rows}
    known = await items.resolve_skus(tx, skus)
    new = [UpsertRow(sku=_sku(name), name=name[:200]) for sku, name in skus.items() if sku not in known]
    for outcome in await items.create_missing(tx, actor, new):
        if isinstance(outcome.refusal, Refusal):
            raise outcome.refusal
        made["items_made"] += outcome.done == "created"
    return made


def _within(field: str, text: str, day: date) -> date:
    if not date(1970, 1, 1) <= day <= date(2199, 12, 31) - timedelta(days=1):
        raise InvalidValue(field, text, "lies outside the years 1970 to 2199")
    return day


LEAD_TIMES: Final = LeadTimesKind()
"""The kind `lead_times`."""
