"""Barcodes of a variant: added, removed, and looked up by a person."""

from perpetua.access.service import audit
from perpetua.access.types import Actor
from perpetua.items import rules, store
from perpetua.items.service import drafts, lookups
from perpetua.items.types import AddBarcode, BarcodeRow, BarcodeShown
from perpetua.kit.clock import system_clock
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Missing
from perpetua.kit.idempotency import Answered, once

__all__ = ["add_barcode", "read_barcode", "remove_barcode"]


async def add_barcode(
    db: Database, actor: Actor, variant_id: int, command: AddBarcode, *, key: str | None = None
) -> Answered[BarcodeRow]:
    """Give a variant one more barcode.

    Raises:
        Missing: no such variant. WrongCheckDigit, InvalidValue: it can't be a barcode.
        BarcodeTaken: names the item that has it.
    """
    actor.require("items.write")
    row = drafts.barcode_rows([command])[0]

    async def act(tx: Tx) -> BarcodeRow:
        ref = (await lookups.variants_by_ids(tx, [variant_id])).get(variant_id)
        if ref is None:
            raise Missing("variant", variant_id)
        drafts.check_grain([row], ref.unit, ref.decimals)
        await tx.value(store.Q["touch_product"], {"id": ref.product_id})
        await drafts.refuse_taken(tx, [], [row["code"]])
        async with drafts.told(tx, [{"sku": ref.sku, "id": variant_id, "barcodes": [row]}]):
            barcode_id = (await store.insert_barcodes(tx, [{**row, "variant_id": variant_id}]))[0]
        made = BarcodeRow(id=barcode_id, **row)
        await audit(tx, actor, "variant", variant_id, "barcode added", None, made)
        return made

    body = [variant_id, command]
    return await once(db, sender=actor.person_id, key=key, command="add_barcode", body=body, answer=BarcodeRow, act=act)


async def remove_barcode(db: Database, actor: Actor, variant_id: int, barcode_id: int) -> None:
    """Take a barcode from a variant.

    Raises:
        Missing: the variant has none with this id.
    """
    actor.require("items.write")

    async def act(tx: Tx) -> None:
        ref = (await lookups.variants_by_ids(tx, [variant_id])).get(variant_id)
        if ref is None:
            raise Missing("variant", variant_id)
        await tx.value(store.Q["touch_product"], {"id": ref.product_id})
        known = 0 < barcode_id < 2**63
        gone = await tx.dicts(store.Q["delete_barcode"], {"id": barcode_id, "variant_id": variant_id}) if known else []
        if not gone:
            raise Missing("barcode", barcode_id, variant_id=variant_id)
        await audit(tx, actor, "variant", variant_id, "barcode removed", gone[0], None)

    await db.run(act)


async def read_barcode(db: Database, actor: Actor, code: str) -> BarcodeShown:
    """What a barcode names: as typed, as a scanner sent it, or as kept.

    Raises:
        Missing: no item has it. NotScannable, WrongCheckDigit: it can't be a barcode.
    """
    actor.require("items.read")
    rules.read_scan(code, today=system_clock().date())
    async with db.snapshot() as tx:
        ref = (await lookups.resolve_barcodes(tx, [code])).get(code)
    if ref is None:
        raise Missing("barcode", code)
    variant = ref.variant
    return BarcodeShown(
        code=ref.code,
        kind=ref.kind,
        level=ref.level,
        units=ref.units,
        variant_id=variant.id,
        product_id=variant.product_id,
        sku=variant.sku,
        name=variant.name,
        unit=variant.unit,
        tracking=variant.tracking,
        active=variant.active,
    )
