"""From what a buyer writes to an order: names to ids, the supplier's terms and prices, what is wrong with a line."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from psycopg import errors as pg

from perpetua.access.service import audit
from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.items.types import VariantRef
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import InvalidValue
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.quantity import exact_quantity
from perpetua.partners import service as partners
from perpetua.partners.errors import InactiveSupplier, UnknownSupplier
from perpetua.partners.types import SupplierRef
from perpetua.places import service as places
from perpetua.purchasing import rules, store
from perpetua.purchasing.errors import ExternalIdTaken, NoPrice, UnknownItems
from perpetua.purchasing.service.reading import seen, shown
from perpetua.purchasing.types import AddLine, CreateOrder, ItemTerms, LineToWrite, Order, Settings, number_of

__all__ = ["create", "draft", "find_site", "find_supplier", "written"]


async def create(db: Database, actor: Actor, command: CreateOrder, *, key: str | None = None) -> Answered[Order]:
    """Make a draft with its lines; the number of statements does not grow with them.

    Raises:
        InvalidValue, TooLarge: a value that no order can have.
        UnknownSupplier, InactiveSupplier, UnknownItems, OffPack, NoPrice, ExternalIdTaken, OutOfScope
        NotAllowed: a price was given by somebody who may not see prices.
    """
    actor.require("purchasing.write")
    rules.check_create(command)

    async def act(tx: Tx) -> Order:
        made = await draft(tx, actor, command)
        try:
            async with tx.savepoint():
                po_id = (await store.write(tx, [made]))[0]
        except pg.UniqueViolation:
            raise ExternalIdTaken(external_id=command.external_id, number="another order") from None
        order = await seen(tx, actor, po_id)
        await audit(tx, actor, "purchase_order", po_id, "created", None, _said(order), path=[order.site_id])
        return order

    sent: dict[str, Any] = {"command": "purchasing.create", "body": command}
    done = await once(db, sender=actor.person_id, key=key, **sent, answer=Order, act=act)
    return Answered(shown(actor, done.answer), done.replayed)


async def draft(tx: Tx, actor: Actor, command: CreateOrder) -> store.Draft:
    """The order as it is to be written. Raises: as `create`."""
    supplier = await find_supplier(tx, command.supplier)
    site_id = await find_site(tx, actor, command.site)
    now = await store.settings(tx)
    lines = await written(tx, actor, supplier, command.lines, 1, allow_off_pack=command.allow_off_pack)
    return store.Draft(
        supplier_id=supplier.id, site_id=site_id, external_id=command.external_id, currency=supplier.currency,
        exchange_rate=_rate(command.exchange_rate, supplier, now),
        over_percent=now.over_percent if supplier.over_percent is None else supplier.over_percent,
        wanted_on=command.wanted_on, note=command.note, created_by=actor.person_id, lines=lines,
    )  # fmt: skip


async def find_supplier(tx: Tx, code: str) -> SupplierRef:
    """Raises UnknownSupplier, InactiveSupplier."""
    supplier = (await partners.by_codes(tx, [code])).get(code.upper())
    if supplier is None:
        raise UnknownSupplier(code)
    if not supplier.active:
        raise InactiveSupplier(supplier=supplier.code)
    return supplier


async def find_site(tx: Tx, actor: Actor, code: str) -> int:
    """The id of an active site that is the actor's. Raises InvalidValue, OutOfScope, InactivePlace."""
    place = (await places.require(tx, actor, [code], "site"))[code]
    if place.id != place.site_id:
        raise InvalidValue("site", code, "is no site; goods are ordered for a site, and put away when they come")
    return place.id


async def written(
    tx: Tx, actor: Actor, supplier: SupplierRef, lines: Sequence[AddLine], first: int, *, allow_off_pack: bool,
    field: str = "lines",
) -> list[LineToWrite]:  # fmt: skip
    """The lines as they are to be written, numbered from `first`; two statements, whatever their number.

    Raises:
        UnknownItems, OffPack, NoPrice, InvalidValue, NotAllowed
    """
    if any(line.unit_price is not None for line in lines):
        actor.require("supplier_prices.read")
    found = await items.resolve_skus(tx, {line.sku for line in lines})
    _check_items(lines, found, field)
    variants = [found[line.sku.upper()] for line in lines]
    terms = await store.terms(tx, supplier.id, {variant.id for variant in variants})
    return [
        _line(
            f"{field}[{at}]", line, first + at, variant, terms.get(variant.id), supplier, allow_off_pack=allow_off_pack
        )
        for at, (line, variant) in enumerate(zip(lines, variants, strict=True))
    ]


def _line(
    field: str, line: AddLine, line_no: int, variant: VariantRef, terms: ItemTerms | None, supplier: SupplierRef, *,
    allow_off_pack: bool,
) -> LineToWrite:  # fmt: skip
    quantity = exact_quantity(line.quantity, f"{field}.quantity", places=variant.decimals)
    rules.check_pack(f"{field}.quantity", variant.sku, quantity, terms, allow_off_pack=allow_off_pack)
    price = (
        line.unit_price if line.unit_price is not None else rules.price_for(terms.prices, quantity) if terms else None
    )
    if price is None:
        raise NoPrice(f"{field}.unit_price", variant.sku, line=line_no, quantity=quantity, supplier=supplier.code)
    stated = terms.lead_time_days if terms and terms.lead_time_days is not None else supplier.lead_time_days
    return LineToWrite(
        line_no, variant.id, terms.supplier_sku if terms else None, quantity, price, stated, line.wanted_on
    )


def _check_items(lines: Sequence[AddLine], found: dict[str, VariantRef], field: str) -> None:
    wrong: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        variant = found.get(line.sku.upper())
        reason = (
            "is not known; check it or create it first" if variant is None
            else "is not active" if not variant.active
            else "is a kit: order what it is made of" if variant.kit
            else None
        )  # fmt: skip
        if reason:
            wrong.append(
                {"line": number, "field": f"{field}[{number - 1}].sku", "value": line.sku[:120], "reason": reason}
            )
    if wrong:
        raise UnknownItems(wrong)


def _rate(given: Decimal | None, supplier: SupplierRef, now: Settings) -> Decimal:
    if supplier.currency == now.currency:
        if given is not None and given != 1:
            raise InvalidValue(
                "exchange_rate", str(given), f"must be 1: {supplier.code} trades in {now.currency} as we do"
            )
        return Decimal(1)
    rate = given if given is not None else now.rates.get(supplier.currency)
    if rate is None:
        raise InvalidValue(
            "exchange_rate", "", f"is needed: the settings have none for {supplier.currency}, of {supplier.code}",
            currency=supplier.currency, company_currency=now.currency,
        )  # fmt: skip
    return rate


def expected_on(supplier: SupplierRef, at: Any, lead_time_days: int | None, wanted_on: date | None) -> date | None:
    """When a line is to be expected that is ordered at `at`: by the lead time stated, and not before it is wanted."""
    due = None if lead_time_days is None else partners.due_on(supplier.calendar, at, lead_time_days)
    return max((day for day in (due, wanted_on) if day is not None), default=None)


def _said(order: Order) -> dict[str, Any]:
    return {
        "number": number_of(order.id), "supplier": order.supplier, "site": order.site, "currency": order.currency,
        "lines": len(order.lines), "external_id": order.external_id,
    }  # fmt: skip
