"""What can be read in from files, of every word; and the catalogue on its way out."""

from typing import Final

from perpetua.access.types import Actor
from perpetua.allocation.imports import ORDERS
from perpetua.items.imports import PRODUCTS
from perpetua.items.service.exports import export_columns, export_products
from perpetua.kit.database import Database
from perpetua.kit.errors import Missing
from perpetua.kit.imports import Kind
from perpetua.kit.tabular import Extract
from perpetua.ledger.imports import MOVEMENTS, OPENING_STOCK
from perpetua.partners.imports import SUPPLIERS
from perpetua.places.imports import LOCATIONS
from perpetua.purchasing.imports import LEAD_TIMES, PURCHASE_ORDERS, SUPPLIER_INVOICES, SUPPLIER_ITEMS

__all__ = ["KINDS", "kind_of", "products_extract"]

KINDS: Final[dict[str, Kind[Actor]]] = {
    kind.name: kind
    for kind in (
        PRODUCTS,
        LOCATIONS,
        MOVEMENTS,
        OPENING_STOCK,
        ORDERS,
        SUPPLIERS,
        SUPPLIER_ITEMS,
        PURCHASE_ORDERS,
        LEAD_TIMES,
        SUPPLIER_INVOICES,
    )
}


def kind_of(name: str) -> Kind[Actor]:
    """The kind of import of that name. Raises Missing."""
    if name not in KINDS:
        raise Missing("kind of import", name, known=sorted(KINDS))
    return KINDS[name]


def products_extract(db: Database, actor: Actor) -> Extract:
    """The whole catalogue.

    Raises:
        NotAllowed: no `exports.run`, or no `items.read`.
    """
    actor.require("exports.run")
    actor.require("items.read")
    return Extract(export_columns(actor), export_products(db, actor))
