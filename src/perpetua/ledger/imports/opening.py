"""Opening stock from a file: what lies where on the first day."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from perpetua.access.types import Actor
from perpetua.items.types import UpsertRow
from perpetua.kit.database import Tx
from perpetua.kit.errors import InvalidValue
from perpetua.kit.imports import BadRow, Chunk, ChunkResult, Field, ImportOptions, Parsed, Run, Tell
from perpetua.ledger.imports import common
from perpetua.ledger.imports.fields import OPENING_FIELDS
from perpetua.ledger.types import Row
from perpetua.places.types import CreateLocation

__all__ = ["OPENING_STOCK", "OpeningStockKind"]

OPTIONS = {"location": str, "effective_at": str}


class OpeningStockKind:
    """Rows of SKU, location and quantity, posted as opening receipts.

    Options: `location` for rows without one. Items and places that are missing are made (places as stores).
    """

    name = "stock"
    fields: Sequence[Field] = OPENING_FIELDS
    chunk_rows = 5_000
    repeatable = False

    def check(self, actor: Actor, fields: frozenset[str], options: ImportOptions) -> None:
        """Raises NotAllowed or InvalidValue before anything is read."""
        actor.require("stock.correct")
        actor.require("items.write")
        if "location" not in fields and not common.option(options, "location", OPTIONS):
            raise InvalidValue("location", "", "no column tells the location; map one, or give it for all rows")

    async def prepare(self, tx: Tx, actor: Actor, run: Run) -> Any:
        """Read all rows once and make the items and places that are missing."""
        default = str(run.options.kind.get("location") or "").upper()
        wanted: dict[str, UpsertRow] = {}
        sites: dict[str, CreateLocation] = {}
        async for chunk in run.chunks():
            for parsed in chunk.rows:
                values = parsed.values
                sku, code = str(values["sku"]).upper(), str(values.get("location") or default).upper()
                if sku not in wanted:
                    name = " ".join(str(values[part]) for part in ("name", "size") if values.get(part))
                    wanted[sku] = UpsertRow(sku=sku, name=name[:300] or sku, selling_price=values.get("unit_price"))
                if code and code not in sites:
                    sites[code] = CreateLocation(code=code, kind="store", name=str(values.get("location_name") or ""))
        counts = {
            "items_made": await common.make_items(tx, actor, run, wanted),
            "places_made": await common.make_places(tx, actor, run, sites),
        }
        return {"default": default, "now": datetime.now(UTC).isoformat(), "counts": counts}

    async def apply(self, tx: Tx, actor: Actor, run: Run, chunk: Chunk) -> ChunkResult:
        """One opening posting a chunk; rows of quantity 0 are good and move nothing."""
        default, now = run.prepared["default"], datetime.fromisoformat(run.prepared["now"])
        named = [
            (p, str(p.values["sku"]).upper(), str(p.values.get("location") or default).upper()) for p in chunk.rows
        ]
        here = await common.resolve_here(tx, run, {sku for _, sku, _ in named}, {code for _, _, code in named if code})
        rows: list[Row] = []
        bad: list[BadRow] = []
        counts: Counter[str] = Counter()
        for parsed, sku, code in named:
            variant, place = here.variants.get(sku), here.locations.get(code)
            odd = _unfit(parsed, sku, code, variant, place)
            if odd:
                bad.append(odd)
                counts[odd.code] += 1
                continue
            assert variant is not None
            assert place is not None
            actor.require_place(place.path, place.code)
            quantity: Decimal = parsed.values["quantity"]
            if quantity == 0:
                counts["rows_zero"] += 1
                continue
            rows.append(
                Row(
                    line_no=parsed.place.line, type="RECEIPT", variant_id=variant.id, location_id=place.id,
                    quantity=quantity, unit_cost=parsed.values.get("unit_cost") or variant.cost_price,
                    effective_at=parsed.values.get("effective_at") or now, reason_code="opening",
                )
            )  # fmt: skip
            counts["rows_receipt"] += 1
            counts["micro_units_receipt"] += int(quantity * 1_000_000)
        if rows:
            await common.post_rows(tx, actor, run, rows, max(row.effective_at or now for row in rows), "opening")
        return ChunkResult(bad, dict(counts))

    async def finish(self, tx: Tx, actor: Actor, run: Run) -> Mapping[str, int]:
        """What `prepare` made belongs to the summary too."""
        return run.prepared["counts"]

    async def undo(self, tx: Tx, actor: Actor, import_id: int, tell: Tell) -> Mapping[str, int]:
        """Take the rows back by new ones."""
        return await common.take_back(tx, actor, import_id, tell)


OPENING_STOCK = OpeningStockKind()


def _unfit(parsed: Parsed, sku: str, code: str, variant: Any, place: Any) -> BadRow | None:
    if variant is None:
        return BadRow(parsed.place, "unknown_item", f"there is no item {sku}", "sku", sku)
    if place is None:
        return BadRow(parsed.place, "unknown_location", f"there is no location {code or '(blank)'}", "location", code)
    quantity: Decimal = parsed.values["quantity"]
    if quantity < 0:
        return BadRow(parsed.place, "invalid_value", "opening stock cannot be negative", "quantity", str(quantity))
    if variant.kit:
        return BadRow(parsed.place, "kit_has_no_stock", f"{sku} is a kit; name its components", "sku", sku)
    if variant.tracking != "none":
        reason = f"{sku} is tracked by {variant.tracking}; receive it with its {variant.tracking}s instead"
        return BadRow(parsed.place, "tracked_item", reason, "sku", sku)
    if variant.decimals == 0 and quantity != quantity.to_integral_value():
        return BadRow(
            parsed.place, "invalid_value", f"{sku} is counted in whole {variant.unit}", "quantity", str(quantity)
        )
    return None
