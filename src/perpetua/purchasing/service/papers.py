"""A purchase order on paper."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from perpetua.access.types import Actor
from perpetua.kit import typeset
from perpetua.kit.database import Database, Tx
from perpetua.kit.quantity import plain_text
from perpetua.kit.typeset import Letterhead
from perpetua.partners import service as partners
from perpetua.partners.types import Supplier
from perpetua.purchasing import store
from perpetua.purchasing.service.reading import seen, shown
from perpetua.purchasing.types import Order, OrderLine

__all__ = ["data_of", "document", "printed"]


async def document(db: Database, actor: Actor, po_id: int, letterhead: Letterhead) -> tuple[str, bytes]:
    """The order's number and its PDF, without prices for those who may not see them. Raises Missing."""
    actor.require("purchasing.read")
    async with db.snapshot() as tx:
        order = shown(actor, await seen(tx, actor, po_id))
        data = await data_of(tx, order)
    return order.number, await printed(order, data, letterhead)


async def printed(order: Order, data: Mapping[str, Any], letterhead: Letterhead) -> bytes:
    """The PDF; the same order gives the same bytes."""
    return await typeset.paper(
        "purchase_order", data, letterhead=letterhead, dated=order.submitted_at or order.created_at
    )


async def data_of(tx: Tx, order: Order) -> dict[str, Any]:
    """What the paper tells of an order as its reader is shown it."""
    supplier = await partners.read(tx, order.supplier_id)
    assert supplier is not None
    site = (await tx.dicts(store.Q["site_address"], {"id": order.site_id}))[0]
    lines = [line for line in order.lines if line.ordered > line.cancelled]
    prices = isinstance(order.total, Decimal)
    return {
        "number": order.number,
        "supplier": {"name": supplier.name, "lines": _supplier_lines(supplier)},
        "deliver_to": {"name": site["name"], "lines": _address_lines(site["address"] or {})},
        "facts": _facts(order, supplier),
        "prices": prices,
        "lines": [_line(order, line) for line in lines],
        "totals": [["Total", f"{_money(order.total)} {order.currency}"]] if isinstance(order.total, Decimal) else [],
        "note": order.note,
    }


def _facts(order: Order, supplier: Supplier) -> list[list[str | None]]:
    terms = supplier.terms
    pay = f"{terms.net_days} days net"
    if terms.discount_percent:
        pay += f"; {plain_text(terms.discount_percent)} % within {terms.discount_days} days"
    ordered = order.submitted_at
    return [
        ["Status", "DRAFT: not ordered" if order.status == "DRAFT" else None],
        ["Ordered on", ordered.date().isoformat() if ordered else None],
        ["Wanted on", order.wanted_on.isoformat() if order.wanted_on else None],
        ["Payment", pay],
        ["Currency", order.currency],
        ["Your reference", order.supplier_reference],
        ["Our reference", order.external_id],
    ]


def _line(order: Order, line: OrderLine) -> dict[str, Any]:
    quantity = line.ordered - line.cancelled
    wanted = line.wanted_on or order.wanted_on
    told: dict[str, Any] = {
        "line_no": str(line.line_no), "sku": line.sku, "supplier_sku": line.supplier_sku, "name": line.name,
        "quantity": plain_text(quantity), "unit": line.unit, "wanted_on": wanted.isoformat() if wanted else None,
    }  # fmt: skip
    if isinstance(line.unit_price, Decimal):
        told |= {"unit_price": _money(line.unit_price), "amount": _money(quantity * line.unit_price)}
    return told


def _money(value: Decimal) -> str:
    """With two decimals, or as many as it has."""
    return f"{value:.2f}" if round(value, 2) == value else plain_text(value)


def _supplier_lines(supplier: Supplier) -> list[str]:
    chosen = sorted(supplier.addresses, key=lambda one: one.kind != "office")
    if not chosen:
        return []
    one = chosen[0]
    address = {"lines": one.lines, "city": one.city, "region": one.region, "postcode": one.postcode}
    return _address_lines(address | {"country": one.country})


def _address_lines(address: Mapping[str, Any]) -> list[str]:
    place = " ".join(part for part in (address.get("postcode"), address.get("city")) if part)
    rest = [place, address.get("region"), address.get("country"), address.get("phone")]
    return [line for line in [*address.get("lines", []), *rest] if line]
