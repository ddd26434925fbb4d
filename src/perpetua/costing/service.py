"""Charges spread over what came, looked at before, listed, taken back."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

import msgspec
from psycopg import errors as pg

from perpetua.access.service import audit
from perpetua.access.types import Actor
from perpetua.costing import rules, store
from perpetua.costing.errors import CancelledAlready, MeasuresMissing, NoGoods, NoRate
from perpetua.costing.store import Q
from perpetua.costing.types import (
    CancelCharge,
    Charge,
    ChargeFilters,
    ChargeLine,
    ChargeSummary,
    ItemShare,
    Preview,
    ReceiptRow,
    SpreadCharge,
)
from perpetua.kit.database import Database, Tx, array
from perpetua.kit.errors import InvalidValue, Missing
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.kit.quantity import ZERO, plain
from perpetua.partners import service as partners
from perpetua.partners.errors import UnknownSupplier

__all__ = ["cancel_charge", "get_charge", "list_charges", "list_lines", "preview_charge", "spread_charge"]


class _Spread(NamedTuple):
    head: dict[str, Any]
    ours: str
    lines: list[ChargeLine]


async def spread_charge(
    db: Database, actor: Actor, command: SpreadCharge, *, key: str | None = None
) -> Answered[Charge]:
    """Spread a charge over the rows by which goods came, in a number of statements that does not grow with them.

    Raises:
        InvalidValue, TooLarge, UnknownSupplier
        NoGoods: nothing came under what was named, or all was undone.
        MeasuresMissing: items have nothing to spread by.
        NoRate: nobody says what the currency is worth.
    """
    _require(actor)
    rules.check_charge(command)

    async def act(tx: Tx) -> Charge:
        spread = await _spread(tx, actor, command)
        charge_id = await store.write(tx, spread.head, spread.lines)
        said = {"kind": command.kind, "basis": command.basis, "company_cost": spread.head["company_amount"],
                "rows": len(spread.lines), "chosen": spread.head["chosen"]}  # fmt: skip
        await audit(tx, actor, "landed_charge", charge_id, "spread", None, said)
        return _there(await store.charge(tx, charge_id), charge_id)

    sent: dict[str, Any] = {"command": "costing.spread_charge", "body": command}
    return await once(db, sender=actor.person_id, key=key, **sent, answer=Charge, act=act)


async def preview_charge(db: Database, actor: Actor, command: SpreadCharge) -> Preview:
    """What the charge would do; nothing is kept. Raises what `spread_charge` does."""
    _require(actor)
    rules.check_charge(command)
    async with db.snapshot() as tx:
        spread = await _spread(tx, actor, command)
    return Preview(
        company_currency=spread.ours, company_amount=spread.head["company_amount"],
        exchange_rate=spread.head["exchange_rate"], rows=len(spread.lines), items=_by_item(spread.lines),
    )  # fmt: skip


async def cancel_charge(
    db: Database, actor: Actor, charge_id: int, command: CancelCharge, *, key: str | None = None
) -> Answered[Charge]:
    """Take a charge back, by another with the same lines below nothing.

    Raises:
        Missing, InvalidValue
        CancelledAlready: it was, or it takes one back itself.
    """
    _require(actor)
    rules.check_text("reason", command.reason, 500)

    async def act(tx: Tx) -> Charge:
        before = _there(await store.charge(tx, charge_id), charge_id)
        if before.cancels_id is not None or before.cancelled_by is not None:
            raise CancelledAlready(charge_id=charge_id)
        said = {"id": charge_id, "reason": command.reason, "person_id": actor.person_id}
        try:
            async with tx.savepoint():
                made = await tx.value(Q["cancel"], said)
        except pg.UniqueViolation:
            raise CancelledAlready(charge_id=charge_id) from None
        await audit(tx, actor, "landed_charge", charge_id, "taken back", None, {"by": made, "reason": command.reason})
        return _there(await store.charge(tx, made), made)

    sent: dict[str, Any] = {"command": "costing.cancel_charge", "body": [charge_id, command]}
    return await once(db, sender=actor.person_id, key=key, **sent, answer=Charge, act=act)


async def get_charge(db: Database, actor: Actor, charge_id: int) -> Charge:
    """One charge with what lies on each item. Raises Missing."""
    actor.require("costs.read")
    async with db.snapshot() as tx:
        return _there(await store.charge(tx, charge_id), charge_id)


async def list_charges(db: Database, actor: Actor, filters: ChargeFilters, page: PageRequest) -> Page[ChargeSummary]:
    """Charges, the newest first. Raises InvalidValue: foreign cursor."""
    actor.require("costs.read")
    after = page.after(int)
    asked = msgspec.structs.asdict(filters) | {"before": after and after[0], "limit": page.limit + 1}
    async with db.snapshot() as tx:
        rows = await tx.rows(Q["list"], asked, as_=ChargeSummary)
    return page_of(rows, page, lambda row: [row.id])


async def list_lines(db: Database, actor: Actor, charge_id: int, page: PageRequest) -> Page[ChargeLine]:
    """What lies on each row of the ledger, in their order. Raises Missing, InvalidValue."""
    actor.require("costs.read")
    after = page.after(int)
    async with db.snapshot() as tx:
        _there(await store.charge(tx, charge_id), charge_id)
        rows = await store.lines(tx, charge_id, after[0] if after else None, page.limit + 1)
    return page_of(rows, page, lambda row: [row.transaction_id])


async def _spread(tx: Tx, actor: Actor, command: SpreadCharge) -> _Spread:
    ours, rates = await store.company(tx)
    supplier_id = await _supplier(tx, command)
    currency = command.currency or ours
    partners.check_currency("currency", currency)
    rate = rules.rate_of(command.exchange_rate, currency, ours, rates)
    if rate is None:
        raise NoRate(currency, ours)
    amount = rules.in_company(command.amount, rate)
    if not amount or amount >= Decimal(10) ** 12:
        raise InvalidValue("amount", "(hidden)", "comes to nothing, or too much, in the company's currency")
    rows = await _rows(tx, actor, command)
    shares = [_share(row) for row in rows]
    parts = rules.spread(amount, shares)
    lines = [
        ChargeLine(transaction_id=row.id, variant_id=row.variant_id, sku=row.sku, quantity=row.quantity,
                   share=share, amount=part)
        for row, share, part in zip(rows, shares, parts, strict=True)
    ]  # fmt: skip
    head = {
        "kind": command.kind, "basis": command.basis, "amount": command.amount, "currency": currency,
        "exchange_rate": rate, "company_amount": amount, "supplier_id": supplier_id, "invoice_id": command.invoice_id,
        "reference": command.reference, "note": command.note, "charged_on": command.charged_on,
        "created_by": actor.person_id,
        "chosen": {"receipts": command.receipts, "purchase_orders": command.purchase_orders,
                   "posting_ids": command.posting_ids},
    }  # fmt: skip
    return _Spread(head, ours, lines)


async def _supplier(tx: Tx, command: SpreadCharge) -> int | None:
    supplier_id: int | None = None
    if command.supplier is not None:
        found = (await partners.by_codes(tx, [command.supplier])).get(command.supplier.upper())
        if found is None:
            raise UnknownSupplier(command.supplier)
        supplier_id = found.id
    if command.invoice_id is not None:
        of = await tx.value(Q["invoice_there"], {"id": command.invoice_id})
        if of is None or supplier_id not in (None, of):
            raise InvalidValue("invoice_id", command.invoice_id, "is no invoice of this supplier that counts")
        supplier_id = of
    return supplier_id


async def _rows(tx: Tx, actor: Actor, command: SpreadCharge) -> list[ReceiptRow]:
    """The rows that were named. Raises InvalidValue, NoGoods, MeasuresMissing."""
    numbers = {f"R-{rules.id_of(f'receipts[{at}]', one, 'R'):06d}": one for at, one in enumerate(command.receipts)}
    orders = {rules.id_of(f"purchase_orders[{at}]", one, "PO"): one for at, one in enumerate(command.purchase_orders)}
    found = await store.rows(tx, command.basis, actor.scope_ids, list(numbers), list(orders), command.posting_ids)
    of_receipts = {row.reference_id for row, _ in found if row.reference_type == "receipt"}
    if missing := [said for number, said in numbers.items() if number not in of_receipts]:
        raise NoGoods("receipts", missing)
    if missing := sorted(set(command.posting_ids) - {posting for _, posting in found}):
        raise NoGoods("posting_ids", missing)
    came: set[int] = set(await tx.values(Q["orders_of_rows"], {"po_ids": array(list(orders)) or "{}"}))
    if missing := [said for po_id, said in orders.items() if po_id not in came]:
        raise NoGoods("purchase_orders", missing)
    rows = [row for row, _ in found]
    if not rows:
        raise NoGoods("receipts", command.receipts)
    unknown = sorted({row.sku for row in rows if not row.measure})
    if unknown:
        raise MeasuresMissing(basis=command.basis, items=unknown[:100], count=len(unknown))
    return rows


def _share(row: ReceiptRow) -> Decimal:
    assert row.measure is not None  # else it was refused
    return plain((row.quantity * row.measure).quantize(Decimal("1e-12"), ROUND_HALF_UP))


def _by_item(lines: Sequence[ChargeLine]) -> list[ItemShare]:
    of: dict[int, list[ChargeLine]] = defaultdict(list)
    for line in lines:
        of[line.variant_id].append(line)
    shares: list[ItemShare] = []
    for variant_id, some in of.items():
        quantity = sum((line.quantity for line in some), ZERO)
        amount = sum((line.amount for line in some), ZERO)
        share = sum((line.share for line in some), ZERO)
        each = (amount / quantity).quantize(Decimal("1e-6"), ROUND_HALF_UP)
        shares.append(
            ItemShare(variant_id=variant_id, sku=some[0].sku, quantity=plain(quantity), per_unit=plain(each),
                      share=plain(share), amount=plain(amount))
        )  # fmt: skip
    return sorted(shares, key=lambda share: share.sku.upper())


def _require(actor: Actor) -> None:
    actor.require("purchasing.write")
    actor.require("costs.read")


def _there(found: Charge | None, charge_id: int) -> Charge:
    if found is None:
        raise Missing("landed charge", charge_id)
    return found
