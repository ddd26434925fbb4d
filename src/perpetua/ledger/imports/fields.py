"""What a cell says: parsers of the fields that movements and opening stock share."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args

from perpetua.kit.errors import InvalidValue
from perpetua.kit.imports import Field, text
from perpetua.kit.quantity import exact_money, exact_quantity, parse_decimal
from perpetua.ledger.rules import EARLIEST
from perpetua.ledger.types import TransactionType

__all__ = ["LOCATION", "MOVEMENT_FIELDS", "OPENING_FIELDS", "parse_instant"]

_FORMATS = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y",
            "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d")  # fmt: skip


def parse_instant(value: str) -> datetime:
    """An instant as ISO 8601, or day first with slashes or points; without a zone it is UTC.

    Raises:
        InvalidValue: neither; or in the future, or before 1970.
    """
    cell = value.strip()
    try:
        found = datetime.fromisoformat(cell)
    except ValueError:
        for form in _FORMATS:
            try:
                found = datetime.strptime(cell, form).replace(tzinfo=UTC)
                break
            except ValueError:
                continue
        else:
            raise InvalidValue("effective_at", value, "is no date; write it like 2011-10-02 14:05:00") from None
    at = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    if not EARLIEST <= at <= datetime.now(UTC):
        raise InvalidValue("effective_at", value, "lies in the future or before 1970")
    return at


def _quantity(value: str) -> Decimal:
    return exact_quantity(parse_decimal(value, "quantity"), "quantity")


def _price(value: str) -> Decimal:
    return exact_money(parse_decimal(value, "unit_price"), "unit_price")


def _cost(value: str) -> Decimal:
    cost = exact_money(parse_decimal(value, "unit_cost"), "unit_cost")
    if cost < 0:
        raise InvalidValue("unit_cost", value, "must not be negative")
    return cost


def _type(value: str) -> Any:
    kind = re.sub(r"[\s-]+", "_", value.strip()).upper()
    if kind not in get_args(TransactionType):
        raise InvalidValue("type", value, f"is no type of movement; use one of {', '.join(get_args(TransactionType))}")
    return kind


_SKU = Field(
    name="sku",
    synonyms=("stockcode", "stock_code", "item", "item_code", "product_code", "brand", "article"),
    required=True,
)
_NAME = Field(name="name", synonyms=("description", "item_name", "product_name", "title"))
LOCATION = Field(name="location", synonyms=("location_code", "store", "warehouse", "site", "bin"))
_LOCATION_NAME = Field(name="location_name", synonyms=("city", "store_name", "site_name"))
_PRICE = Field(name="unit_price", synonyms=("unitprice", "price", "selling_price", "retail_price"), parse=_price)
_COST = Field(
    name="unit_cost", synonyms=("unitcost", "cost", "cost_price", "purchase_price"), parse=_cost, needs="costs.read"
)

MOVEMENT_FIELDS = (
    _SKU,
    Field(name="quantity", synonyms=("qty", "units", "amount"), required=True, parse=_quantity),
    Field(
        name="effective_at", synonyms=("invoicedate", "invoice_date", "date", "datetime", "timestamp", "sold_at"),
        required=True, parse=parse_instant,
    ),
    Field(
        name="reference",
        synonyms=("invoiceno", "invoice", "invoice_no", "order", "order_no", "document", "reference_id"),
    ),
    _NAME, _PRICE, _COST, LOCATION, _LOCATION_NAME,
    Field(name="type", synonyms=("movement_type", "transaction_type"), parse=_type),
    Field(name="reason", synonyms=("reason_code",)),
)  # fmt: skip

OPENING_FIELDS = (
    _SKU,
    Field(name="quantity", synonyms=("onhand", "on_hand", "qty", "stock", "units"), required=True, parse=_quantity),
    Field(
        name="effective_at", synonyms=("startdate", "start_date", "as_of", "date", "counted_at"), parse=parse_instant
    ),
    _NAME, Field(name="size", parse=text), _PRICE, _COST, LOCATION, _LOCATION_NAME,
)  # fmt: skip
