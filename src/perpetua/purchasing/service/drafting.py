"""From what a buyer writes to an order: names to ids, the supplier's terms and prices, what is wrong with a line."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from psycopg import errors as pg

from perpetua.access.service import Change, audit_many
from perpetua.access.types import Actor
from perpetua.items import service as items
from perpetua.items.types import VariantRef
from perpetua.kit.database import Database, Tx, array
from perpetua.kit.errors import InvalidValue, Refusal
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.quantity import exact_quantity
from perpetua.partners import service as partners
from perpetua.partners.errors import InactiveSupplier, UnknownSupplier
from perpetua.partners.types import SupplierRef
from perpetua.places import service as places
from perpetua.places.errors import InactivePlace
from perpetua.places.types import LocationRef
from perpetua.purchasing import rules, store
from perpetua.purchasing.errors import ExternalIdTaken, NoPrice, UnknownItems
from perpetua.purchasing.service.reading import seen, shown
from perpetua.purchasing.types import AddLine, CreateOrder, ItemTerms, LineToWrite, Order, Settings, number_of

__all__ = ["Known", "a_site", "create", "create_many", "draft", "expected_on", "know", "written"]


class Known(NamedTuple):
    """What the names in orders stand for, for many orders at once: suppliers and items by their names in capitals,
    places by code, terms by supplier and variant."""

    suppliers: Mapping[str, SupplierRef]
    places: Mapping[str, LocationRef]
    variants: Mapping[str, VariantRef]
    terms: Mapping[tuple[int, int], ItemTerms]
    settings: Settings


async def create(db: Database, actor: Actor, command: CreateOrder, *, key: str | None = None) -> Answered[Order]:
    """Make a draft with its lines; the number of statements does not grow with them.

    Raises:
        InvalidValue, TooLarge: a value that no order can have.
        UnknownSupplier, InactiveSupplier, UnknownItems, OffPack, NoPrice, ExternalIdTaken, OutOfScope, InactivePlace
        NotAllowed: a price was given by somebody who may not see prices.
    """
    actor.require("purchasing.write")
    rules.check_create(command)

    async def act(tx: Tx) -> Order:
        made = draft(actor, command, await know(tx, [command]))
        po_id = (await _write(tx, actor, [command], [made]))[0]
        return await seen(tx, actor, po_id)

    sent: dict[str, Any] = {"command": "purchasing.create", "body": command}
    done = await once(db, sender=actor.person_id, key=key, **sent, answer=Order, act=act)
    return Answered(shown(actor, done.answer), done.replayed)


async def create_many(tx: Tx, actor: Actor, commands: Sequence[CreateOrder]) -> list[int | Refusal | None]:
    """Make many drafts inside another's transaction, in a constant number of statements: of each its id, why it was
    refused, or None where the supplier has one with this external id already."""
    actor.require("purchasing.write")
    known = await know(tx, commands)
    there = await _there(tx, commands, known)
    done: list[int | Refusal | None] = []
    good: list[tuple[int, CreateOrder, store.Draft]] = []
    for at, command in enumerate(commands):
        done.append(None)
        supplier = known.suppliers.get(command.supplier.upper())
        key = (supplier.id, command.external_id) if supplier and command.external_id else None
        if key in there:
            continue
        try:
            rules.check_create(command)
            good.append((at, command, draft(actor, command, known)))
        except Refusal as refusal:
            done[at] = refusal
        else:
            if key:
                there.add(key)
    if good:
        ids = await _write(tx, actor, [command for _, command, _ in good], [made for _, _, made in good])
        for (at, _, _), po_id in zip(good, ids, strict=True):
            done[at] = po_id
    return done


async def know(tx: Tx, commands: Sequence[CreateOrder]) -> Known:
    """Look up all that the orders name; five statements, whatever their number."""
    suppliers = await partners.by_codes(tx, {command.supplier for command in commands})
    variants = await items.resolve_skus(tx, {line.sku for command in commands for line in command.lines})
    pairs = {
        (supplier.id, variant.id)
        for command in commands
        if (supplier := suppliers.get(command.supplier.upper()))
        for line in command.lines
        if (variant := variants.get(line.sku.upper()))
    }
    sites = await places.by_codes(tx, sorted({command.site for command in commands}))
    return Known(suppliers, sites, variants, await store.terms(tx, pairs), await store.settings(tx))


def draft(actor: Actor, command: CreateOrder, known: Known) -> store.Draft:
    """The order as it is to be written. Raises: as `create`."""
    supplier = known.suppliers.get(command.supplier.upper())
    if supplier is None:
        raise UnknownSupplier(command.supplier)
    if not supplier.active:
        raise InactiveSupplier(supplier=supplier.code)
    site = a_site(actor, command.site, known.places)
    lines = written(actor, supplier, command.lines, 1, known, allow_off_pack=command.allow_off_pack)
    now = known.settings
    return store.Draft(
        supplier_id=supplier.id, site_id=site.id, external_id=command.external_id, currency=supplier.currency,
        exchange_rate=_rate(command.exchange_rate, supplier, now),
        over_percent=now.over_percent if supplier.over_percent is None else supplier.over_percent,
        wanted_on=command.wanted_on, note=command.note, created_by=actor.person_id, lines=lines,
    )  # fmt: skip


def a_site(actor: Actor, code: str, known: Mapping[str, LocationRef]) -> LocationRef:
    """The active site with this code, when it is the actor's. Raises InvalidValue, OutOfScope, InactivePlace."""
    place = known.get(code)
    if place is None:
        raise InvalidValue("site", code, "there is no such place")
    actor.require_place(place.path, code)
    if place.id != place.site_id:
        raise InvalidValue("site", code, "is no site; goods are ordered for a site, and put away when they come")
    if not place.active:
        raise InactivePlace(location=place.code)
    return place


def written(
    actor: Actor, supplier: SupplierRef, lines: Sequence[AddLine], first: int, known: Known, *, allow_off_pack: bool,
    field: str = "lines",
) -> list[LineToWrite]:  # fmt: skip
    """The lines as they are to be written, numbered from `first`.

    Raises:
        UnknownItems, OffPack, NoPrice, InvalidValue, NotAllowed
    """
    if any(line.unit_price is not None for line in lines):
        actor.require("supplier_prices.read")
    _check_items(lines, known.variants, field)
    done: list[LineToWrite] = []
    for at, line in enumerate(lines):
        variant = known.variants[line.sku.upper()]
        terms = known.terms.get((supplier.id, variant.id))
        where = f"{field}[{at}]"
        done.append(_line(where, line, first + at, variant, terms, supplier, allow_off_pack=allow_off_pack))
    return done


async def _write(tx: Tx, actor: Actor, commands: Sequence[CreateOrder], drafts: Sequence[store.Draft]) -> list[int]:
    try:
        async with tx.savepoint():
            ids = await store.write(tx, drafts)
    except pg.UniqueViolation:
        raise ExternalIdTaken(external_id=commands[0].external_id, number="another order") from None
    await audit_many(tx, actor, "purchase_order", [
        Change(id=po_id, action="created", after=_said(po_id, command, made), path=[made.site_id])
        for po_id, command, made in zip(ids, commands, drafts, strict=True)
    ])  # fmt: skip
    return ids


async def _there(tx: Tx, commands: Sequence[CreateOrder], known: Known) -> set[tuple[int, str] | None]:
    """Those of the suppliers' external ids that there are."""
    asked = [
        (supplier.id, command.external_id)
        for command in commands
        if command.external_id and (supplier := known.suppliers.get(command.supplier.upper()))
    ]
    if not asked:
        return set()
    params = {"supplier_ids": array([one for one, _ in asked]), "external_ids": array([one for _, one in asked])}
    return {(row[0], row[1]) for row in await tx.records(store.Q["external_ids"], params)}


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


def _check_items(lines: Sequence[AddLine], found: Mapping[str, VariantRef], field: str) -> None:
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


def _said(po_id: int, command: CreateOrder, made: store.Draft) -> dict[str, Any]:
    return {
        "number": number_of(po_id), "supplier": command.supplier, "site": command.site, "currency": made.currency,
        "lines": len(made.lines), "external_id": command.external_id,
    }  # fmt: skip
