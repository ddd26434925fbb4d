"""How rows of files become items: the kind `products` of the import engine.

Always true:
- A row is an upsert by SKU, whatever its case; a blank cell leaves the field as it is.
- A row without SKU takes its first barcode for one.
- A SKU that an earlier row of the same files has is a bad row, which names that line.
- A barcode that another item has is a bad row, which names its holder.
- A category's path is made where it is missing.
- A kit's row is taken after those of its chunk; where its components cannot be, the whole row is bad.
- Undo restores what was changed and removes what was made, or refuses, naming what was changed or used since.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from perpetua.access.types import Actor
from perpetua.items import store
from perpetua.items.service import create_missing, remove_unused
from perpetua.items.service.barcode_cells import read_barcodes
from perpetua.items.service.category_paths import ensure_categories, remove_empty_categories, split_path
from perpetua.items.service.kit_cells import read_components
from perpetua.items.service.kit_rows import KitRow, Made, restore_kits, set_kits, wrong_kits
from perpetua.items.types import AddBarcode, Outcome, UpsertRow
from perpetua.kit import json
from perpetua.kit.database import Tx
from perpetua.kit.errors import InvalidValue
from perpetua.kit.imports import (
    BadRow,
    CannotUndo,
    Chunk,
    ChunkResult,
    Field,
    ImportOptions,
    Parsed,
    Place,
    Run,
    Tell,
    bad_row,
    number,
    remembered,
    yes_or_no,
)

__all__ = ["PRODUCTS", "ProductsKind"]

ATTRIBUTE: Final = "attr:"
SHOWN: Final = 20
SIBLINGS: Final = 100
"""So many SKUs of a product's key are kept, to find the product by; one that is there is enough."""
_DIRECT: Final = (
    "sku", "name", "description", "unit", "tracking", "cost_price", "selling_price", "weight_kg", "length_mm",
    "width_mm", "height_mm", "active", "product", "product_name", "product_attributes", "product_active",
)  # fmt: skip


class Seen:
    """What the rows read so far have named, in capitals."""

    def __init__(self) -> None:
        self.places: dict[str, Place] = {}
        """Of each SKU, where it is first."""
        self.groups: dict[str, list[str]] = {}
        """Of each product's key, the SKUs."""


def _tracking(text: str) -> str:
    low = text.casefold()
    if low not in ("none", "lot", "serial"):
        raise InvalidValue("tracking", text, "must be none, lot or serial")
    return low


def _attributes(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except msgspec.DecodeError:
        value = None
    if not isinstance(value, dict):
        raise InvalidValue("attributes", text, 'must be a JSON object, like {"colour": "red"}')
    return cast(dict[str, Any], value)


class ProductsKind:
    """Items of the catalogue, a row a variant."""

    name = "products"
    chunk_rows = 5000
    repeatable = True
    fields: Sequence[Field] = (
        Field(name="sku", synonyms=("item", "item_no", "item_number", "article", "stock_code", "product_code")),
        Field(name="product", synonyms=("parent_sku", "style", "group_id", "item_group_id"),
              help="SKU of one of its product's variants, or the product's name; rows alike are one product"),
        Field(name="product_name", synonyms=("product_title",), help="where the product is not called as the item"),
        Field(name="name", synonyms=("title", "item_name", "variant_name")),
        Field(name="description", synonyms=("long_description", "details")),
        Field(name="category", synonyms=("category_path", "group"), parse=split_path, help="names with / between"),
        Field(name="unit", synonyms=("uom", "unit_of_measure", "stock_unit")),
        Field(name="tracking", synonyms=("tracked_by",), parse=_tracking, help="none, lot or serial"),
        Field(name="owner", synonyms=("owner_code", "client"), help="code of the owner"),
        Field(name="cost_price", synonyms=("cost", "unit_cost", "purchase_price"), parse=number("cost_price"),
              needs="costs.read"),
        Field(name="selling_price", synonyms=("price", "sales_price", "retail_price"), parse=number("selling_price")),
        Field(name="weight_kg", synonyms=("weight",), parse=number("weight_kg")),
        Field(name="length_mm", synonyms=("length",), parse=number("length_mm")),
        Field(name="width_mm", synonyms=("width",), parse=number("width_mm")),
        Field(name="height_mm", synonyms=("height",), parse=number("height_mm")),
        Field(name="barcodes", synonyms=("barcode", "ean", "upc", "gtin", "ean13", "upcean"), parse=read_barcodes,
              many=True, help="with ; between; each code, then its level and units: 14006381333938 case:12"),
        Field(name="components", synonyms=("kit_components", "bundle"), parse=read_components,
              help="of a kit, with ; between; each SKU, then * and how many: PEN-BLUE*2; PEN-RED; none: it is no kit"),
        Field(name="attributes", parse=_attributes, help="a JSON object"),
        Field(name="product_attributes", parse=_attributes, help="a JSON object, of the product as a whole"),
        Field(name="product_active", parse=yes_or_no("product_active")),
        Field(name="attr:*", synonyms=("attribute:*", "attributes.*"), help="one attribute, e.g. attr:colour"),
        Field(name="active", synonyms=("enabled",), parse=yes_or_no("active")),
    )  # fmt: skip

    def check(self, actor: Actor, fields: frozenset[str], options: ImportOptions) -> None:
        """Raises NotAllowed; InvalidValue where no column could tell a SKU."""
        actor.require("items.write")
        if not fields & {"sku", "barcodes"}:
            known = sorted(field.name for field in self.fields)
            raise InvalidValue("sku", "", "no column has it, nor a barcode; name one by a mapping", fields=known)

    async def prepare(self, tx: Tx, actor: Actor, run: Run) -> Any:
        """Nothing need be known beforehand."""

    async def apply(self, tx: Tx, actor: Actor, run: Run, chunk: Chunk) -> ChunkResult:
        """Upsert the chunk's rows by SKU."""
        bad: list[BadRow] = []
        going = await self._first_of_their_sku(run, chunk, bad)
        going = await self._with_references(tx, actor, run, going, bad)
        mark = await tx.value(store.Q["newest_barcode"])
        kits = [row for row in going if "components" in row.values]
        going = [row for row in going if "components" not in row.values]
        outcomes = await create_missing(tx, actor, [_upsert(row.values) for row in going])
        if kits:
            kits = await _whole_kits(tx, kits, bad)
            going += kits
            outcomes += await self._kits(tx, actor, run, kits)
        counts = {"created": 0, "updated": 0, "skipped": 0, "refused": 0}
        for row, outcome in zip(going, outcomes, strict=True):
            counts[outcome.done] += 1
            if outcome.refusal:
                bad.append(bad_row(row.place, outcome.refusal))
        del counts["refused"]
        await self._remember(tx, run, outcomes, mark)
        return ChunkResult(bad, counts)

    async def finish(self, tx: Tx, actor: Actor, run: Run) -> Mapping[str, int]:
        """Nothing is left to do."""
        return {}

    async def undo(self, tx: Tx, actor: Actor, import_id: int, tell: Tell) -> Mapping[str, int]:
        """Restore, then remove. Raises CannotUndo."""
        actor.require("items.write")
        done = await remembered(tx, import_id)
        changes = [one for one in done if one.what == "changed"]
        changed = [(key, was) for one in changes for key, was in zip(one.ids, one.before or (), strict=True)]
        created = [key for one in done if one.what == "created" for key in one.ids]
        expected = dict.fromkeys(created, 1)
        for key, was in reversed(changed):  # an item may be there twice; the latest version is the one to expect
            expected[key] = was["version"]
        since = await tx.values(store.Q["changed_since"], {"ids": list(expected), "versions": list(expected.values())})
        _refuse(import_id, "items were changed since", since)
        kits = [(key, was) for one in done if one.what == "components"
                for key, was in zip(one.ids, one.before or (), strict=True)]  # fmt: skip
        if kits:  # an item may be there twice: as it was at first
            _refuse(import_id, "kits are wanted by orders, or have stock", await restore_kits(tx, actor, dict(kits)))
        barcodes = [barcode for _, was in changed for barcode in was["barcodes"]]
        await tx.execute(store.Q["delete_barcodes"], {"ids": barcodes})
        before = _earliest(changed)
        total = len(before) + len(created)
        outcomes: list[Outcome] = []
        for at in range(0, len(before), self.chunk_rows):
            outcomes += await create_missing(tx, actor, before[at : at + self.chunk_rows])
            await tell(len(outcomes), total)
        _refuse(import_id, "items cannot be restored", [one.sku for one in outcomes if one.refusal])
        removed: set[int] = set()
        for at in range(0, len(created), self.chunk_rows):
            removed |= await remove_unused(tx, actor, created[at : at + self.chunk_rows])
            await tell(min(len(before) + at + self.chunk_rows, total), total)
        left = sorted(set(created) - removed)
        _refuse(import_id, "items are in use", await tx.values(store.Q["skus_of"], {"ids": left}) if left else [])
        categories = [key for one in done if one.what == "category" for key in one.ids]
        await remove_empty_categories(tx, categories)
        return {"restored": len(before), "removed": len(created)}

    async def _kits(self, tx: Tx, actor: Actor, run: Run, rows: list[Parsed]) -> list[Outcome]:
        """Upsert kits, then say what they are made of."""
        outcomes = await create_missing(tx, actor, [_upsert(row.values) for row in rows])
        asked = {
            one.variant_id: row.values["components"]
            for row, one in zip(rows, outcomes, strict=True) if one.variant_id
        }  # fmt: skip
        new = {one.variant_id for one in outcomes if one.variant_id and one.done == "created"}
        made = await set_kits(tx, actor, asked, new)
        changed = {key: one.before for key, one in made.items() if one.before is not None}
        await run.remember(tx, "components", list(changed), list(changed.values()))
        return [_with_kit(one, made.get(one.variant_id or 0)) for one in outcomes]

    async def _first_of_their_sku(self, run: Run, chunk: Chunk, bad: list[BadRow]) -> list[Parsed]:
        """Rows whose SKU no earlier row of the files has; each with its SKU filled in."""
        seen: Seen | None = run.memory.get("seen")
        if seen is None:
            seen = run.memory["seen"] = Seen()
            if chunk.first:  # a resumed run: the rows before were seen by the run that stopped
                async for earlier in run.chunks():
                    if earlier.first >= chunk.first:
                        break
                    _sift(seen, earlier, [])
        return _sift(seen, chunk, bad)

    async def _with_references(
        self, tx: Tx, actor: Actor, run: Run, rows: list[Parsed], bad: list[BadRow]
    ) -> list[Parsed]:
        """Paths and codes turned into ids, attributes merged into those that are there."""
        await self._categories(tx, actor, run, rows)
        codes = sorted({row.values["owner"].upper() for row in rows if "owner" in row.values})
        found = await tx.dicts(store.Q["owners_by_code"], {"codes": codes}) if codes else []
        owners = {one["code"]: one["id"] for one in found}
        single = [row for row in rows if any(key.startswith(ATTRIBUTE) for key in row.values)]
        skus = [row.values["sku"].upper() for row in single]
        found = await tx.dicts(store.Q["attributes_by_sku"], {"skus": skus}) if skus else []
        attributes = {one["sku"]: one["attributes"] for one in found}
        kept: list[Parsed] = []
        for row in rows:
            values = row.values
            if "owner" in values and values["owner"].upper() not in owners:
                bad.append(BadRow(row.place, "not_found", "there is no such owner", "owner", values["owner"]))
                continue
            if "owner" in values:
                values["owner_id"] = owners[values["owner"].upper()]
            if "category" in values:
                values["category_id"] = run.cache["categories"][values["category"]]
            own = {key.removeprefix(ATTRIBUTE): value for key, value in values.items() if key.startswith(ATTRIBUTE)}
            if own:
                base = values.get("attributes", attributes.get(values["sku"].upper(), {}))
                values["attributes"] = {**base, **own}
            kept.append(row)
        return kept

    async def _categories(self, tx: Tx, actor: Actor, run: Run, rows: list[Parsed]) -> None:
        known: dict[tuple[str, ...], int] = run.cache.setdefault("categories", {})
        paths = {row.values["category"] for row in rows if "category" in row.values}.difference(known)
        if paths:
            found, made = await ensure_categories(tx, actor, paths)
            known.update(found)
            await run.remember(tx, "category", made)

    async def _remember(self, tx: Tx, run: Run, outcomes: Sequence[Outcome], mark: int) -> None:
        created = [one.variant_id for one in outcomes if one.done == "created" and one.variant_id]
        await run.remember(tx, "created", created)
        of_products = {one.sibling_id: one for one in outcomes if one.sibling_id}
        if of_products:  # the earliest change of a product comes first, as with the other chunks
            now = await tx.dicts(store.Q["variants_after_import"], {"ids": list(of_products), "mark": mark})
            was: list[Any] = [
                {"row": of_products[one["id"]].before, "version": one["version"], "barcodes": ()} for one in now
            ]
            await run.remember(tx, "changed", [one["id"] for one in now], was)
        updated = {one.variant_id: one for one in outcomes if one.done == "updated" and one.variant_id}
        if not updated:
            return
        now = await tx.dicts(store.Q["variants_after_import"], {"ids": list(updated), "mark": mark})
        before = [
            {"row": updated[one["id"]].before, "version": one["version"], "barcodes": one["barcodes"]} for one in now
        ]
        await run.remember(tx, "changed", [one["id"] for one in now], before)


async def _whole_kits(tx: Tx, rows: list[Parsed], bad: list[BadRow]) -> list[Parsed]:
    """Those of which every component can be one."""
    asked = [KitRow(row.values["sku"], row.values.get("tracking"), row.values["components"]) for row in rows]
    wrong = await wrong_kits(tx, asked)
    bad += [bad_row(row.place, refusal) for row, refusal in zip(rows, wrong, strict=True) if refusal]
    return [row for row, refusal in zip(rows, wrong, strict=True) if refusal is None]


def _with_kit(one: Outcome, made: Made | None) -> Outcome:
    """What became of a kit's row, with what became of its components."""
    if made is None:
        return one
    if made.refusal:
        return msgspec.structs.replace(one, refusal=made.refusal)
    if made.before is None or one.done != "skipped":
        return one
    return msgspec.structs.replace(one, done="updated", before=UpsertRow(sku=one.sku))


def _sift(seen: Seen, chunk: Chunk, bad: list[BadRow]) -> list[Parsed]:
    kept: list[Parsed] = []
    for row in chunk.rows:
        values = row.values
        codes: list[AddBarcode] = [code for cell in values.get("barcodes", ()) for code in cell]
        values["all_barcodes"] = codes
        if "sku" not in values:
            if not codes:
                bad.append(BadRow(row.place, "missing_value", "is missing, and so is a barcode to stand for it", "sku"))
                continue
            values["sku"] = codes[0].code
        if "product" in values:
            same = seen.groups.setdefault(values["product"].upper(), [])
            values["siblings"] = same
            if len(same) < SIBLINGS:
                same.append(values["sku"])
        first = seen.places.setdefault(values["sku"].upper(), row.place)
        if first != row.place:
            where = f"line {first.line}" + (f" of file {first.file + 1}" if first.file != row.place.file else "")
            bad.append(BadRow(row.place, "sku_twice", f"{where} has the same SKU", "sku", values["sku"]))
            continue
        kept.append(row)
    return kept


def _upsert(values: Mapping[str, Any]) -> UpsertRow:
    given = {name: values[name] for name in (*_DIRECT, "category_id", "owner_id", "attributes") if name in values}
    return UpsertRow(**given, barcodes=values["all_barcodes"], siblings=values.get("siblings", []))


def _earliest(changed: Sequence[tuple[int, Mapping[str, Any]]]) -> list[UpsertRow]:
    """One row for each item that was changed, with each field as it was at first; `changed` has the latest first."""
    rows: dict[int, dict[str, Any]] = {}
    for key, was in changed:
        rows.setdefault(key, {}).update(was["row"])
    return [msgspec.convert(row, UpsertRow, strict=False) for row in rows.values()]


def _refuse(import_id: int, reason: str, skus: Sequence[str]) -> None:
    if skus:
        shown = ", ".join(skus[:SHOWN])
        raise CannotUndo(
            import_id=import_id, reason=f"{len(skus)} {reason}: {shown}", in_the_way=list(skus[:SHOWN]), count=len(skus)
        )


PRODUCTS: Final = ProductsKind()
